//! The result of a run in a folder of this machine, as `quarry run` and `quarry results` write it.

mod summaries;
mod table;

pub(crate) use table::ResultTable;

use crate::failure::Failure;
use crate::input::refuse_standard_input;
use crate::s3_place::{is_in_s3, refuse_other_forms};
use quarry_contract::request::SPLITS;
use quarry_contract::settings::CsvQuoting;
use quarry_rows::{ACCEPTED, TableFormat};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use summaries::{SummaryFile, files_of, folder_of, is_summary};

/// What the names of result tables contain, after the job type or the split.
const TABLE: &str = "_processed_data.";

/// A result: its tables, and its summary if it is there.
#[derive(Debug)]
pub(crate) struct LocalResult {
    /// The path that was given.
    pub(crate) name: String,
    /// The folder with the tables and the summary.
    pub(crate) folder: PathBuf,
    /// The summary, as it is in its file.
    pub(crate) summary: Option<Value>,
    /// The tables, in the order of the summary.
    pub(crate) tables: Vec<ResultTable>,
    /// Tables that the summary lists and that are not in the folder.
    pub(crate) missing: Vec<PathBuf>,
}

impl LocalResult {
    /// Finds a result by its folder, its summary or its table. The newest summary of a folder counts,
    /// because a later run replaces the tables of an earlier one.
    pub(crate) fn open(path: &Path, quoting: CsvQuoting) -> Result<Self, Failure> {
        refuse_standard_input(path, "result")?;
        refuse_other_forms(path)?;
        let name = path.display().to_string();
        if is_in_s3(path) {
            return Err(Failure::usage(format!(
                "{name} is in S3, and this command reads a result of this machine; `quarry results RUN --out DIR` copies the \
                 result of a run to DIR"
            )));
        }
        let metadata = std::fs::metadata(path).map_err(|error| {
            Failure::input(match error.kind() {
                ErrorKind::NotFound => format!(
                    "{name} does not exist; give the folder of a result, its summary, or its table ({ACCEPTED})"
                ),
                _ => format!("{name} cannot be read: {error}"),
            })
        })?;
        if metadata.is_dir() {
            let summary = SummaryFile::newest(path)?;
            return Self::of_folder(name, path.to_owned(), summary, quoting);
        }
        let folder = folder_of(path);
        if is_summary(path) {
            let summary = SummaryFile::read(path.to_owned())?;
            return Self::of_folder(name, folder, Some(summary), quoting);
        }
        let mut table = ResultTable::new(path.to_owned(), None, quoting)?;
        let summary = SummaryFile::newest_of(&folder, &table.name())?;
        if let Some(summary) = &summary {
            let named = table.name();
            if let Some(entry) = summary.tables().find(|entry| entry.file == named) {
                table = table.listed_in(summary, &entry)?;
            }
        }
        Ok(Self {
            name,
            folder,
            summary: summary.map(|summary| summary.document),
            tables: vec![table],
            missing: Vec::new(),
        })
    }

    /// Takes the tables that the summary lists, or those in the folder if there is no summary.
    fn of_folder(
        name: String,
        folder: PathBuf,
        summary: Option<SummaryFile>,
        quoting: CsvQuoting,
    ) -> Result<Self, Failure> {
        let mut missing = Vec::new();
        let tables = match &summary {
            None => tables_in(&folder, quoting)?,
            Some(summary) => {
                let mut there = Vec::new();
                for entry in summary.tables() {
                    let inside = match entry.split {
                        Some(split) => folder.join(split),
                        None => folder.clone(),
                    };
                    let file = inside.join(entry.file);
                    if file.exists() {
                        let table = ResultTable::new(file, entry.split, quoting)?;
                        there.push(table.listed_in(summary, &entry)?);
                    } else {
                        missing.push(file);
                    }
                }
                there
            }
        };
        Ok(Self {
            name,
            folder,
            summary: summary.map(|summary| summary.document),
            tables,
            missing,
        })
    }

    /// Returns the rows without an answer that the tables leave out, if the summary says how many there are.
    pub(crate) fn left_out_rows(&self) -> Option<u64> {
        let tables = self.tables.iter();
        tables.map(ResultTable::left_out_rows).sum()
    }

    /// Fails if a table is not there.
    pub(crate) fn check_complete(&self) -> Result<(), Failure> {
        match self.missing.first() {
            None => Ok(()),
            Some(file) => Err(Failure::input(format!(
                "{} does not exist; copy the whole result to one folder",
                file.display()
            ))),
        }
    }
}

/// Returns the result tables of a folder, those of training splits included.
fn tables_in(folder: &Path, quoting: CsvQuoting) -> Result<Vec<ResultTable>, Failure> {
    let mut tables = Vec::new();
    for split in [None].into_iter().chain(SPLITS.map(Some)) {
        let inside = split.map_or_else(|| folder.to_owned(), |split| folder.join(split));
        if !inside.is_dir() {
            continue;
        }
        let found = files_of(&inside)?.into_iter().filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.contains(TABLE) && TableFormat::from_file_name(&name).is_some()
        });
        for file in found {
            tables.push(ResultTable::new(file, split, quoting)?);
        }
    }
    if tables.is_empty() {
        return Err(Failure::input(format!(
            "{} has neither a summary nor a result table; give the folder that --out of `quarry run` or \
             `quarry results` named",
            folder.display()
        )));
    }
    Ok(tables)
}
