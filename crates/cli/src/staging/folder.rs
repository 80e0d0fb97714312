//! Selecting the files of a data folder, as planning would see them in S3.

use super::overlap;
use crate::failure::Failure;
use crate::input::special;
use crate::s3_place::{is_in_s3, refuse_other_forms};
use quarry_contract::request::SPLITS;
use quarry_rows::TableFormat;
use std::path::{Path, PathBuf};

/// The most left-out files of one kind that are staged by name: planning names no more.
const MOST_LEFT_OUT: usize = 11;

/// The selected files of a data folder, with names relative to it, sorted. Names that begin with a
/// dot are skipped.
#[derive(Debug, Clone, Default)]
pub(super) struct StagedFolder {
    /// The tables in the folder and directly in its training splits.
    pub(super) tables: Vec<(PathBuf, String)>,
    /// The names of files that are not tables, which are never opened, and of the first files in
    /// other folders.
    pub(super) left_out: Vec<String>,
    /// The number of these names that are files in other folders.
    nested: usize,
}

impl StagedFolder {
    /// Selects the tables of a folder, or the single file.
    pub(super) fn of(data: &Path) -> Result<Self, Failure> {
        check_exists(data)?;
        if data.is_dir() {
            return Self::read(data);
        }
        check_table(data)?;
        let name = data.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            tables: vec![(data.to_owned(), name.into_owned())],
            ..Self::default()
        })
    }

    /// The copies of files that are elsewhere, each with its name below the data, and the names of files there
    /// that are not tables.
    pub(super) fn of_copies(mut tables: Vec<(PathBuf, String)>, left_out: Vec<String>) -> Self {
        tables.sort_by(|(_, one), (_, other)| one.cmp(other));
        Self {
            tables,
            left_out,
            nested: 0,
        }
    }

    fn read(folder: &Path) -> Result<Self, Failure> {
        let mut found = Self::default();
        let mut others = 0;
        for (path, name) in entries(folder)? {
            if !path.is_dir() {
                found.file(path, name, &mut others)?;
            } else if SPLITS.contains(&name.as_str()) {
                found.split(&path, &name)?;
            } else {
                found.leave_out(&path, &name);
            }
        }
        let names: Vec<&str> = found.tables.iter().map(|(_, name)| &**name).collect();
        overlap::check_tables(folder, &names)?;
        Ok(found)
    }

    fn split(&mut self, folder: &Path, split: &str) -> Result<(), Failure> {
        let entries = entries(folder)?;
        if entries.is_empty() {
            // S3 has no empty folders; its console creates an object of this name for one.
            self.left_out.push(format!("{split}/"));
        }
        let mut others = 0;
        for (path, below) in entries {
            let name = format!("{split}/{below}");
            if path.is_dir() {
                self.leave_out(&path, &name);
            } else {
                self.file(path, name, &mut others)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf, name: String, others: &mut usize) -> Result<(), Failure> {
        if TableFormat::from_file_name(&name).is_none() {
            *others += 1;
            if *others <= MOST_LEFT_OUT {
                self.left_out.push(name);
            }
            return Ok(());
        }
        check_table(&path)?;
        self.tables.push((path, name));
        Ok(())
    }

    /// Notes a file or folder that is not selected. Links to folders are not followed, so that the
    /// walk ends, and files that cannot be read are skipped.
    fn leave_out(&mut self, folder: &Path, name: &str) {
        if folder.is_symlink() {
            return;
        }
        for (path, below) in entries(folder).unwrap_or_default() {
            if self.nested >= MOST_LEFT_OUT {
                return;
            }
            let name = format!("{name}/{below}");
            if path.is_dir() {
                self.leave_out(&path, &name);
            } else {
                self.nested += 1;
                self.left_out.push(name);
            }
        }
    }
}

/// Refuses data that is not there.
pub(super) fn check_exists(data: &Path) -> Result<(), Failure> {
    refuse_other_forms(data)?;
    if is_in_s3(data) {
        return Err(Failure::usage(format!(
            "{} is in S3, and this command reads files of this machine; `quarry submit` takes a place in S3 and says what \
             its run would cost before it asks",
            data.display()
        )));
    }
    let Err(error) = std::fs::symlink_metadata(data) else {
        return Ok(());
    };
    Err(Failure::input(match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "{} does not exist; give a table file, a folder of them, or a folder with a request.json",
            data.display()
        ),
        _ => format!("{} cannot be read: {error}", data.display()),
    }))
}

/// Refuses a file that has a table's name and cannot be read as one.
fn check_table(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if path.file_name().and_then(|name| name.to_str()).is_none() {
        return Err(Failure::input(format!(
            "{shown} has a name that is not UTF-8; rename the file"
        )));
    }
    match std::fs::metadata(path) {
        Ok(metadata) => match special(metadata.file_type()) {
            None => Ok(()),
            Some(special) => Err(Failure::input(format!(
                "{shown} is {special}, not a file; save its content as a file, or rename it if it is not a table"
            ))),
        },
        Err(error) => match std::fs::read_link(path) {
            Ok(target) => Err(Failure::input(format!(
                "{shown} is a link to {}, which cannot be read: {error}; correct the link or remove it",
                target.display()
            ))),
            Err(_) => Err(Failure::input(format!("{shown} cannot be read: {error}"))),
        },
    }
}

/// Returns the entries of a folder, sorted, without hidden names. A name that is not UTF-8 is
/// converted for people.
pub(super) fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::input(format!("{} cannot be read: {error}", folder.display()))
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with('.') {
            entries.push((path.clone(), name.into_owned()));
        }
    }
    entries.sort();
    Ok(entries)
}
