//! The summaries in a folder, and what they say about tables.

use crate::failure::Failure;
use crate::input::read_file;
use quarry_contract::request::SPLITS;
use quarry_result::summary::report_name;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the names of summaries begin with.
const SUMMARY: &str = "processing_summary_";

/// A summary with its file.
#[derive(Debug)]
pub(super) struct SummaryFile {
    file: PathBuf,
    pub(super) document: Value,
}

/// What a summary says about a table.
#[derive(Debug)]
pub(super) struct ListedTable<'a> {
    pub(super) split: Option<&'a str>,
    pub(super) file: &'a str,
    pub(super) rows_in: Option<u64>,
    pub(super) rows_out: Option<u64>,
    /// Rows with an answer, and those whose answer satisfies the schema.
    pub(super) answered: Option<u64>,
    pub(super) valid: Option<u64>,
}

impl SummaryFile {
    pub(super) fn read(file: PathBuf) -> Result<Self, Failure> {
        let bytes = read_file(&file)?;
        let unread = |reason: String| {
            Failure::input(format!("{} is not a summary: {reason}", file.display()))
        };
        let document: Value =
            serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
        if document.is_object() {
            Ok(Self { file, document })
        } else {
            Err(unread("it is no JSON object".to_owned()))
        }
    }

    /// Reads the summary of the latest run in a folder, if there is any.
    pub(super) fn newest(folder: &Path) -> Result<Option<Self>, Failure> {
        let newest = in_folder(folder)?.pop();
        newest.map(Self::read).transpose()
    }

    /// Reads the summary of the latest run in a folder that lists a table of this name. Files that are no summaries do
    /// not count.
    pub(super) fn newest_of(folder: &Path, table: &str) -> Result<Option<Self>, Failure> {
        let files = in_folder(folder)?.into_iter().rev();
        let mut summaries = files.filter_map(|file| Self::read(file).ok());
        Ok(summaries.find(|summary| summary.tables().any(|entry| entry.file == table)))
    }

    /// The file's name.
    pub(super) fn name(&self) -> String {
        name_of(&self.file)
    }

    /// The page that the run wrote beside its summary, if it is there.
    pub(super) fn page(&self) -> Option<PathBuf> {
        let page = self.file.with_file_name(report_name(&self.name()));
        page.is_file().then_some(page)
    }

    /// What it says about its tables.
    pub(super) fn tables(&self) -> impl Iterator<Item = ListedTable<'_>> {
        let tables = self.document["tables"].as_array().into_iter().flatten();
        tables.filter_map(|table| {
            let split = table["split"].as_str();
            let counts = self.counts_of(split);
            Some(ListedTable {
                // Only a split has a folder of its own, so that no name leads elsewhere.
                split: split.filter(|split| SPLITS.contains(split)),
                file: table["result"].as_str()?.rsplit('/').next()?,
                rows_in: table["rows_in"].as_u64(),
                rows_out: table["rows_out"].as_u64(),
                answered: counts["successful_records"].as_u64(),
                valid: counts["validation_passed_records"].as_u64(),
            })
        })
    }

    /// Returns the object with the counts of a split; without splits, those of the run are those of its only table.
    fn counts_of(&self, split: Option<&str>) -> &Value {
        let Some(split) = split else {
            return &self.document;
        };
        let splits = self.document["splits_processed"].as_array();
        let mut splits = splits.into_iter().flatten();
        let named = splits.find(|one| one["split_name"].as_str() == Some(split));
        named.unwrap_or(&Value::Null)
    }

    /// Returns the name of the summary of a later run into the same folder that lists the table too, so that the table
    /// is that run's.
    ///
    /// A later run may have been copied to the folder earlier, so its summary must not have been written before this one.
    pub(super) fn replaced_by(&self, table: &ListedTable<'_>) -> Option<String> {
        let (time, written) = (time_of(&self.file), written(&self.file)?);
        let files = in_folder(folder_of(&self.file).as_path()).ok()?;
        let later = files.into_iter().rev().filter(|file| {
            let is_later = time_of(file) > time;
            is_later && self::written(file).is_some_and(|other| other >= written)
        });
        let mut later = later.filter_map(|file| Self::read(file).ok());
        let same = |entry: ListedTable<'_>| (entry.split, entry.file) == (table.split, table.file);
        let later = later.find(|summary| summary.tables().any(same))?;
        Some(later.name())
    }
}

pub(super) fn is_summary(file: &Path) -> bool {
    let is_json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    is_json && name_of(file).starts_with(SUMMARY)
}

/// Returns the summaries of a folder, the earliest run first.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = files_of(folder)?;
    files.retain(|file| is_summary(file));
    files.sort_by_key(|file| time_of(file));
    Ok(files)
}

/// Returns the time in a summary's name.
fn time_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let digits: String = stem.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(14)..].to_owned()
}

fn written(file: &Path) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

pub(super) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Returns the files of a folder, sorted.
pub(super) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
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
