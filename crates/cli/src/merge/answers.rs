//! The answer files of `quarry merge`. They are read several times, so a file that can be read only
//! once is copied first.

use crate::failure::Failure;
use crate::input::{is_pipe, is_standard_input, shown, special, standard_input};
use quarry_contract::byte_order_mark::BYTE_ORDER_MARK;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A file of answers.
#[derive(Debug, Clone)]
pub(super) struct AnswerFile {
    /// Its name for people.
    name: String,
    path: PathBuf,
}

impl AnswerFile {
    /// Opens the files, with copies of pipes and standard input in `folder`.
    pub(super) fn all(files: &[PathBuf], folder: &Path) -> Result<Vec<Self>, Failure> {
        let copies = folder.join("copied-answers");
        files
            .iter()
            .enumerate()
            .map(|(number, file)| Self::of(file, &copies.join(number.to_string())))
            .collect()
    }

    fn of(file: &Path, copy: &Path) -> Result<Self, Failure> {
        let name = shown(file);
        if is_standard_input(file) {
            let input = standard_input()?;
            copy_once(&mut input.lock(), copy, &name)?;
            return Ok(Self {
                name,
                path: copy.to_owned(),
            });
        }
        let unreadable =
            |error: std::io::Error| Failure::input(format!("{name} cannot be read: {error}"));
        let kind = std::fs::metadata(file).map_err(unreadable)?.file_type();
        if is_pipe(kind) {
            let mut pipe = File::open(file).map_err(unreadable)?;
            copy_once(&mut pipe, copy, &name)?;
            return Ok(Self {
                name,
                path: copy.to_owned(),
            });
        }
        match special(kind) {
            None => Ok(Self {
                name,
                path: file.to_owned(),
            }),
            Some(special) => Err(Failure::input(format!(
                "{name} is {special}, not a file of answers; give files or pipes"
            ))),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the lines without their terminators and byte order marks; blank lines are left out.
    pub(super) fn lines(&self) -> Result<impl Iterator<Item = Result<Vec<u8>, Failure>>, Failure> {
        let unreadable = {
            let name = self.name.clone();
            move |error: std::io::Error| Failure::input(format!("{name} cannot be read: {error}"))
        };
        let reader = BufReader::new(File::open(&self.path).map_err(&unreadable)?);
        Ok(reader
            .split(b'\n')
            .map(move |line| line.map(without_mark).map_err(&unreadable))
            .filter(|line| {
                !line
                    .as_ref()
                    .is_ok_and(|line| line.iter().all(u8::is_ascii_whitespace))
            }))
    }
}

/// Returns a line without the byte order mark of an editor or a shell.
fn without_mark(mut line: Vec<u8>) -> Vec<u8> {
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    line
}

fn copy_once(from: &mut impl Read, to: &Path, name: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::run(format!(
            "{name} cannot be copied to {}: {error}",
            to.display()
        ))
    };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut copy = File::create(to).map_err(failed)?;
    std::io::copy(from, &mut copy).map(drop).map_err(failed)
}
