//! The result of a run in a folder of this machine, as `quarry run` and `quarry results` write it.

use crate::failure::Failure;
use crate::input::{read_file, refuse_standard_input};
use crate::local_table::LocalTable;
use crate::s3_place::{is_in_s3, refuse_other_forms};
use quarry_contract::request::SPLITS;
use quarry_contract::settings::CsvQuoting;
use quarry_rows::{ACCEPTED, TableFormat};
use quarry_runs::{counted, grouped};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What the names of summaries begin with.
const SUMMARY: &str = "processing_summary_";

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

/// A table of a result.
#[derive(Debug, Clone)]
pub(crate) struct ResultTable {
    /// The training split.
    pub(crate) split: Option<String>,
    file: PathBuf,
    format: TableFormat,
    gzip: bool,
    /// The rows that the summary has for it.
    rows: Option<u64>,
}

impl ResultTable {
    fn new(file: PathBuf, split: Option<&str>, quoting: CsvQuoting) -> Result<Self, Failure> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some((format, gzip)) = TableFormat::from_file_name(&name) else {
            return Err(Failure::input(format!(
                "{} is no result: give its folder, its summary, or its table ({ACCEPTED})",
                file.display()
            )));
        };
        if !file.is_file() {
            return Err(Failure::input(format!(
                "{} does not exist; copy the whole result to one folder",
                file.display()
            )));
        }
        Ok(Self {
            split: split.map(str::to_owned),
            format: format.quoted(quoting),
            gzip,
            file,
            rows: None,
        })
    }

    /// Fails if the table has other rows than its summary says: it was copied in part, or is of
    /// another run.
    pub(crate) fn check_rows(&self, rows: u64) -> Result<(), Failure> {
        match self.rows {
            Some(expected) if expected != rows => Err(Failure::input(format!(
                "{} has {}, and its summary says {}; copy the whole result of one run",
                self.file.display(),
                counted(rows, "row"),
                grouped(expected)
            ))),
            _ => Ok(()),
        }
    }

    /// The table's file, to be read.
    pub(crate) fn table(&self) -> LocalTable<'_> {
        LocalTable {
            file: &self.file,
            format: self.format,
            gzip: self.gzip,
        }
    }

    /// The file's name for people.
    pub(crate) fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        match &self.split {
            Some(split) => format!("{split}/{name}"),
            None => name.into_owned(),
        }
    }
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
            let summary = match newest_summary(path)? {
                Some(file) => Some(read_summary(&file)?),
                None => None,
            };
            return Self::of_folder(name, path.to_owned(), summary, quoting);
        }
        let folder = folder_of(path);
        if is_summary(path) {
            let summary = read_summary(path)?;
            return Self::of_folder(name, folder, Some(summary), quoting);
        }
        let mut table = ResultTable::new(path.to_owned(), None, quoting)?;
        let summary = newest_summary(&folder)?;
        let summary = summary.and_then(|file| read_summary(&file).ok());
        let summary = summary.filter(|summary| {
            let entry = listed(summary).find(|entry| entry.file == table.name());
            table.rows = entry.as_ref().and_then(|entry| entry.rows);
            entry.is_some()
        });
        Ok(Self {
            name,
            folder,
            summary,
            tables: vec![table],
            missing: Vec::new(),
        })
    }

    /// Takes the tables that the summary lists, or those in the folder if there is no summary.
    fn of_folder(
        name: String,
        folder: PathBuf,
        summary: Option<Value>,
        quoting: CsvQuoting,
    ) -> Result<Self, Failure> {
        let mut missing = Vec::new();
        let tables = match &summary {
            None => tables_in(&folder, quoting)?,
            Some(summary) => {
                let mut there = Vec::new();
                for entry in listed(summary) {
                    let inside = match entry.split {
                        Some(split) => folder.join(split),
                        None => folder.clone(),
                    };
                    let file = inside.join(entry.file);
                    if file.exists() {
                        there.push(ResultTable {
                            rows: entry.rows,
                            ..ResultTable::new(file, entry.split, quoting)?
                        });
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
            summary,
            tables,
            missing,
        })
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

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn is_summary(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(SUMMARY) && name.ends_with(".json")
}

/// Returns the summary of the latest run, by the time in its name.
fn newest_summary(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let files = files_of(folder)?
        .into_iter()
        .filter(|file| is_summary(file));
    let time = |file: &PathBuf| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let digits: String = stem.chars().filter(char::is_ascii_digit).collect();
        digits[digits.len().saturating_sub(14)..].to_owned()
    };
    Ok(files.max_by_key(time))
}

/// Returns the files of a folder, sorted.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::input(format!("{} cannot be read: {error}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_summary(file: &Path) -> Result<Value, Failure> {
    let bytes = read_file(file)?;
    let unread =
        |reason: String| Failure::input(format!("{} is not a summary: {reason}", file.display()));
    let summary: Value =
        serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
    if summary.is_object() {
        Ok(summary)
    } else {
        Err(unread("it is no JSON object".to_owned()))
    }
}

/// What a summary says about a table.
struct ListedTable<'a> {
    split: Option<&'a str>,
    file: &'a str,
    rows: Option<u64>,
}

fn listed(summary: &Value) -> impl Iterator<Item = ListedTable<'_>> {
    let tables = summary["tables"].as_array().into_iter().flatten();
    tables.filter_map(|table| {
        // Only a split has a folder of its own, so that no name leads elsewhere.
        let split = table["split"].as_str();
        Some(ListedTable {
            split: split.filter(|split| SPLITS.contains(split)),
            file: table["result"].as_str()?.rsplit('/').next()?,
            rows: table["rows_out"].as_u64(),
        })
    })
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
