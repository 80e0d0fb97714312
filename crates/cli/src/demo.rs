//! `quarry demo`: writes the example, which is in the program, to a folder, and runs it there.

use crate::failure::Failure;
use crate::output;
use crate::run::{self, RunArguments};
use crate::shell_word::in_shell;
use clap::Args;
use flate2::read::GzDecoder;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The example's files: the name of each one below the folder, and its bytes as gzip.
const FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/example.rs"));

/// The folder of the results, inside of the example's folder and outside of its data.
const RESULTS: &str = "results";

/// Arguments of `quarry demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The folder for the example and its results, which must not exist yet, or be empty.
    #[arg(long, value_name = "DIR", default_value = "quarry-demo")]
    out: PathBuf,
}

/// Writes the example, runs it, and prints what to do next.
pub(crate) async fn demo(arguments: DemoArguments) -> Result<(), Failure> {
    let folder = arguments.out;
    check_is_free(&folder)?;
    for (name, compressed) in FILES {
        write(&folder.join(name), compressed).map_err(|error| {
            Failure::run(format!(
                "{} cannot be written: {error}",
                folder.join(name).display()
            ))
        })?;
    }
    let began = format!("{:<18} {}\n\n", "example", folder.display());
    output::write(output::printable_lines(&began).as_bytes())?;
    let results = folder.join(RESULTS);
    run::run(RunArguments::of_example(&folder, results)).await?;
    output::write(output::printable_lines(&next(&folder)).as_bytes()).map(drop)
}

/// Refuses a folder that has something in it, so that nothing is replaced.
fn check_is_free(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::input(format!(
            "{shown} is not empty; choose another folder with --out"
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::input(format!(
            "{shown} cannot be the folder of the example: {error}; choose another one with --out"
        ))),
    }
}

fn write(path: &Path, compressed: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut bytes = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut bytes)?;
    fs::write(path, bytes)
}

/// Says what the files are for, as commands.
fn next(folder: &Path) -> String {
    let folder = in_shell(&folder.display().to_string());
    let commands = [
        (
            "a record as it is sent to a model",
            format!("quarry preview {folder} --limit 1 --pretty"),
        ),
        (
            "what all records would cost on Bedrock",
            format!("quarry estimate {folder}"),
        ),
        (
            "a page with prompts and rows",
            format!("quarry report {folder}/{RESULTS} --rows 5 --prompts {folder}"),
        ),
        (
            "the same run while much goes wrong",
            format!("quarry run {folder} --faults {folder}/faults.json"),
        ),
        (
            "first prompts and a first schema for your table",
            "quarry init table.csv --out job".to_owned(),
        ),
    ];
    let mut text = String::from("\nThe answers are made up from the schema. Try next:\n");
    for (what, command) in commands {
        let _ = writeln!(text, "  {command}\n    {what}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_file_is_not_free() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_is_free(folder.path()).is_ok());
        assert!(check_is_free(&folder.path().join("new")).is_ok());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(check_is_free(folder.path()).is_err());
        assert!(check_is_free(&folder.path().join("file")).is_err());
    }
}
