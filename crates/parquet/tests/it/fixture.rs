//! The fixtures: files of other writers, and the text that their cells are expected to have.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use quarry_parquet::{ParquetFile, Reading};
use serde::Deserialize;

pub(crate) fn bytes(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

pub(crate) fn open(name: &str) -> ParquetFile {
    open_bytes(name, bytes(name))
}

pub(crate) fn open_bytes(name: &str, bytes: Bytes) -> ParquetFile {
    ParquetFile::open(name, Arc::new(bytes)).unwrap()
}

/// What cells are expected to hold; `None` is null.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

pub(crate) fn expected(name: &str) -> Expected {
    serde_json::from_slice(&bytes(&format!("{name}.json"))).unwrap()
}

/// The cells of some rows.
pub(crate) fn cells(
    file: &ParquetFile,
    rows: Range<u64>,
    columns: &[String],
) -> Vec<Vec<Option<String>>> {
    let reading = Reading {
        cells: columns,
        ..Reading::default()
    };
    let mut reader = file.read(rows.clone(), &reading).unwrap();
    let mut found = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        for row in batch.rows() {
            assert_eq!(row.number(), rows.start + found.len() as u64);
            let cell = |index| row.cell(index).text().map(str::to_owned);
            found.push((0..columns.len()).map(cell).collect());
        }
    }
    found
}

/// Every row of a file as JSON.
pub(crate) fn json_rows(file: &ParquetFile) -> Vec<serde_json::Value> {
    use quarry_table::Cells;
    let reading = Reading {
        whole_rows: true,
        ..Reading::default()
    };
    let mut reader = file.read(0..file.rows(), &reading).unwrap();
    let mut found = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        for row in batch.rows() {
            let mut out = Vec::new();
            row.write_json(&mut out);
            found.push(serde_json::from_slice(&out).unwrap());
        }
    }
    found
}
