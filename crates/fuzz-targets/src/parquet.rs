//! Parquet files: whole ones, and footers without data.

use crate::target::FuzzTarget;
use bytes::Bytes;
use quarry_parquet::{
    FileError, FileReading, Joiner, ParquetFile, PartWriter, SplicePiece, TableLayout,
};
use quarry_table::{Cell, Cells};
use std::sync::Arc;

pub(crate) const FILE: FuzzTarget = FuzzTarget {
    name: "parquet",
    check: check_file,
    words: &["PAR1", "\u{0}\u{0}\u{0}\u{0}", "\u{15}\u{2}\u{19}"],
};

pub(crate) const FOOTER: FuzzTarget = FuzzTarget {
    name: "parquet_footer",
    check: check_footer,
    words: &[
        "\u{15}",
        "\u{19}",
        "\u{1c}",
        "\u{0}",
        "ARROW:schema",
        "pandas",
    ],
};

/// The bytes before a footer that is checked alone.
const DATA: usize = 64 << 10;

/// The most rows that are read of a file. A small file can claim any number.
const MOST_ROWS: u64 = 5_000;

/// The text of every cell that has one, and each row as JSON.
type ReadRows = (Vec<Vec<Option<String>>>, Vec<String>);

/// A file is read or refused by its name. Rows that were read are the same rows after they were
/// written and joined.
fn check_file(input: &[u8]) {
    let bytes = Bytes::copy_from_slice(input);
    named(Joiner::new().add("fuzz.parquet", &bytes));
    let Some(file) = named(ParquetFile::open("fuzz.parquet", Arc::new(bytes))) else {
        return;
    };
    let Some(layout) = named(TableLayout::of(&file)) else {
        return;
    };
    let rows = file.rows().min(MOST_ROWS);
    named(read(&file, file.rows().saturating_sub(3)));
    let Some(found) = named(read(&file, 0)) else {
        return;
    };
    let part = match write(&file, &layout, rows) {
        Ok(part) => part,
        // All columns are read for a part, also those without a text, and perhaps in other pages. Planning reads
        // them in the same way.
        Err(error @ (FileError::Damaged { .. } | FileError::Unsupported { .. })) => {
            named::<()>(Err(error));
            return;
        }
        Err(error) => panic!("rows that were read are not written: {error}"),
    };
    match join(&part, rows).and_then(|joined| {
        let joined = ParquetFile::open("joined.parquet", Arc::new(joined))?;
        assert_eq!((joined.rows(), joined.columns()), (rows, file.columns()));
        read(&joined, 0)
    }) {
        Ok(again) => assert_eq!(again, found),
        Err(error) => panic!("rows that were written are not read: {error}"),
    }
}

/// A footer is read or refused by the file's name, whatever it says of data that are not there.
fn check_footer(input: &[u8]) {
    let Ok(length) = u32::try_from(input.len()) else {
        return;
    };
    let mut file = b"PAR1".to_vec();
    file.resize(DATA, 0);
    file.extend_from_slice(input);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(b"PAR1");
    check_file(&file);
}

/// Returns what was read. An error names the file.
fn named<T>(outcome: Result<T, FileError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("fuzz.parquet"), "{text}");
            None
        }
    }
}

fn read(file: &ParquetFile, start: u64) -> Result<ReadRows, FileError> {
    let has_text = |name: &&String| {
        let one = FileReading {
            cells: std::slice::from_ref(*name),
            ..FileReading::default()
        };
        !matches!(file.read(0..0, &one), Err(FileError::NoText { .. }))
    };
    let shown: Vec<String> = file.columns().iter().filter(has_text).cloned().collect();
    let reading = FileReading {
        cells: &shown,
        whole_rows: shown.len() == file.columns().len(),
        parts: false,
    };
    let mut reader = file.read(start..file.rows().min(start + MOST_ROWS), &reading)?;
    let (mut cells, mut json) = ReadRows::default();
    while let Some(batch) = reader.next_batch()? {
        for row in batch.rows() {
            let cell = |index| match row.cell(index) {
                Cell::Text(text) => Some(text.to_owned()),
                Cell::Null | Cell::Missing => None,
            };
            cells.push((0..shown.len()).map(cell).collect());
            let mut text = Vec::new();
            row.write_json(&mut text);
            json.push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok((cells, json))
}

fn write(file: &ParquetFile, layout: &TableLayout, rows: u64) -> Result<Bytes, FileError> {
    let mut writer = PartWriter::new(layout, &[], &[])?;
    let mut part = Vec::new();
    let reading = FileReading {
        parts: true,
        ..FileReading::default()
    };
    let mut reader = file.read(0..rows, &reading)?;
    while let Some(batch) = reader.next_batch()? {
        for row in batch.rows() {
            writer.push(row, &[])?;
        }
        part.extend_from_slice(&writer.take()?);
    }
    let (last, _) = writer.finish()?;
    part.extend_from_slice(&last);
    Ok(part.into())
}

/// Returns the file of one part.
fn join(part: &Bytes, rows: u64) -> Result<Bytes, FileError> {
    let mut joiner = Joiner::new();
    joiner.add("part", part)?;
    let mut file = Vec::new();
    for piece in joiner.finish(rows)?.pieces {
        match piece {
            SplicePiece::Bytes(bytes) => file.extend_from_slice(&bytes),
            SplicePiece::Copy { range, .. } => {
                let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
                file.extend_from_slice(&part[at(range.start)..at(range.end)]);
            }
        }
    }
    Ok(file.into())
}
