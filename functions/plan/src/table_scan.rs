//! A table of the data set as far as it is known: its files, its columns, and the progress of its
//! scan.

use quarry_contract::plan::InputFile;
use quarry_cost::estimate::TextSample;
use quarry_edge::error::StepError;
use quarry_edge::s3::concat::ConcatProgress;
use quarry_edge::store::ObjectInfo;
use quarry_rows::TableFormat;
use quarry_slicing::{Marks, Place};
use quarry_table::{Header, Position};
use serde::{Deserialize, Serialize};

/// A table that is being scanned. It can be stored between two rows and resumed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TableScan {
    pub(crate) split: Option<String>,
    pub(crate) format: TableFormat,
    /// Whether all files are compressed; if so, the result is compressed too.
    pub(crate) gzip: bool,
    pub(crate) files: Vec<ScannedFile>,
    pub(crate) header: Option<Header>,
    /// The number of Parquet files whose columns are in the stored layout, while not all of them are.
    #[serde(default)]
    pub(crate) footers_read: usize,
    /// The digest of the stored layout, which is a part of its name.
    #[serde(default)]
    pub(crate) layout: Option<String>,
    pub(crate) rows: u64,
    /// Bytes of the rows that were read, decoded; counted in Parquet only, where they are not in
    /// the sizes of the files.
    #[serde(default)]
    pub(crate) decoded_bytes: u64,
    pub(crate) marks: Option<Marks>,
    /// The texts of some of the records, for the estimate of the cost.
    #[serde(default)]
    pub(crate) texts: TextSample,
    /// The number of files that are done.
    pub(crate) files_done: usize,
    /// The position of the scan in the next file; in Parquet, `byte` is the number of the row.
    pub(crate) position: Position,
    /// The objects with rows of its sample, as far as they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sampled: Vec<InputFile>,
}

/// A file of a table that is being scanned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScannedFile {
    pub(crate) input: InputFile,
    /// Whether `input` can be read as plain bytes; `false` only for a compressed file without its
    /// copy.
    pub(crate) plain: bool,
    /// How far the copy of a large file has come that could be overwritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copying: Option<ConcatProgress>,
}

impl TableScan {
    pub(crate) fn new(split: Option<&str>, format: TableFormat) -> Self {
        Self {
            split: split.map(str::to_owned),
            format,
            gzip: true,
            files: Vec::new(),
            header: None,
            footers_read: 0,
            layout: None,
            rows: 0,
            decoded_bytes: 0,
            marks: None,
            texts: TextSample::default(),
            files_done: 0,
            position: Position::default(),
            sampled: Vec::new(),
        }
    }

    /// The name for messages.
    pub(crate) fn name(&self) -> &str {
        self.split.as_deref().unwrap_or("the data set")
    }

    /// The marks of a table that was scanned.
    pub(crate) fn scanned_marks(&self) -> Result<&Marks, StepError> {
        let marks = self.marks.as_ref();
        marks.ok_or_else(|| StepError::bad_request("the table was not scanned"))
    }

    pub(crate) fn add(&mut self, object: ObjectInfo, name: String, gzip: bool) {
        self.gzip &= gzip;
        self.files.push(ScannedFile {
            input: InputFile {
                location: object.location,
                name,
                size: object.size,
                etag: object.etag,
                version: object.version,
                rows: 0,
            },
            plain: !gzip,
            copying: None,
        });
    }

    /// Gives a table without files the columns and the form of another one.
    pub(crate) fn take_form_of(&mut self, other: &Self) {
        self.format = other.format;
        self.gzip = other.gzip;
        self.header.clone_from(&other.header);
        self.layout.clone_from(&other.layout);
    }

    /// The bytes of the data, unpacked as far as they are unpacked yet.
    pub(crate) fn bytes(&self) -> u64 {
        let stored: u64 = self.files.iter().map(|file| file.input.size).sum();
        stored.max(self.decoded_bytes)
    }

    /// The place behind the last row.
    pub(crate) fn end(&self) -> Place {
        let last = self.files.len().saturating_sub(1);
        self.files
            .get(last)
            .map_or_else(Place::default, |file| Place {
                file: u32::try_from(last).unwrap_or(u32::MAX),
                byte: self.end_of(file),
                row: file.input.rows,
            })
    }

    /// Where a file's last row ends, in the unit of its format.
    pub(crate) fn end_of(&self, file: &ScannedFile) -> u64 {
        match self.format {
            TableFormat::Text(_) => file.input.size,
            TableFormat::Parquet => file.input.rows,
        }
    }
}
