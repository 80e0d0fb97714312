//! Rows of files that other writers wrote.

use crate::fixture::{WITH_TEXTS, bytes, cells, expected, json_rows, open};
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaDataReader;
use proptest::prelude::*;
use quarry_parquet::{FileError, FileReading, ParquetFile, Ranges, RangesError};
use quarry_table::Cell;
use serde_json::Value;
use std::ops::Range;
use std::sync::{Arc, Mutex};

fn file_of(name: &str) -> ParquetFile {
    open(&format!("{name}.parquet"))
}

#[test]
fn every_type_of_every_writer_has_its_text() {
    for name in WITH_TEXTS {
        let file = file_of(name);
        let expected = expected(name);
        assert_eq!(file.rows(), expected.rows.len() as u64, "{name}");
        let found = cells(&file, 0..file.rows(), &expected.columns);
        for (number, (found, expected_row)) in found.iter().zip(&expected.rows).enumerate() {
            for ((column, found), expected) in expected.columns.iter().zip(found).zip(expected_row)
            {
                assert_eq!(found, expected, "{name}, row {number}, column {column}");
            }
        }
        assert_eq!(found.len(), expected.rows.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any range returns the rows that a full read returns at these positions, across row groups
    /// and pages, whatever columns are read and in whatever order.
    #[test]
    fn a_range_of_rows_is_a_part_of_all_rows(
        which in 0..WITH_TEXTS.len(),
        bounds: (proptest::sample::Index, proptest::sample::Index),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let name = WITH_TEXTS[which];
        let file = file_of(name);
        let expected = expected(name);
        let rows = usize::try_from(file.rows()).unwrap();
        let (a, b) = (bounds.0.index(rows + 1), bounds.1.index(rows + 1));
        let (start, end) = (a.min(b), a.max(b));
        let picked: Vec<usize> = order.iter().map(|index| index.index(expected.columns.len())).collect();
        let columns: Vec<String> = picked.iter().map(|column| expected.columns[*column].clone()).collect();
        let found = cells(&file, start as u64..end as u64, &columns);
        let wanted: Vec<Vec<Option<String>>> = expected.rows[start..end]
            .iter()
            .map(|row| picked.iter().map(|column| row[*column].clone()).collect())
            .collect();
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn a_row_as_json_has_every_column_and_numbers_are_numbers() {
    let file = file_of("spark_groups");
    let rows = json_rows(&file);
    assert_eq!(
        rows[4],
        serde_json::json!({
            "id": "004",
            "at": "2024-01-06T03:04:05.002400Z",
            "amount": -155.56,
            "items": ["item 0"]
        })
    );
    assert_eq!(rows[3]["at"], Value::Null);
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, file.columns().iter().collect::<Vec<_>>());
}

#[test]
fn a_column_that_the_file_lacks_is_missing_and_null_is_null() {
    let names = ["nowhere", "at"].map(str::to_owned);
    let reading = FileReading {
        cells: &names,
        ..FileReading::default()
    };
    let mut rows = file_of("spark_groups").read(3..4, &reading).unwrap();
    let batch = rows.next_batch().unwrap().unwrap();
    let row = batch.rows().next().unwrap();
    assert_eq!(
        (row.cell(0), row.cell(1), row.cell(2)),
        (Cell::Missing, Cell::Null, Cell::Missing)
    );
    assert!(rows.next_batch().unwrap().is_none());
}

#[test]
fn rows_can_be_counted_through_without_any_column() {
    assert_eq!(cells(&file_of("pyarrow_pages"), 10..700, &[]).len(), 690);
    assert!(cells(&file_of("pyarrow_pages"), 900..2_000, &[]).is_empty());
}

#[test]
fn a_column_without_a_text_form_is_refused_by_name_only_where_it_is_shown() {
    let refusal = |column: &str| {
        let names = [column.to_owned()];
        let reading = FileReading {
            cells: &names,
            ..FileReading::default()
        };
        file_of("pyarrow_types")
            .read(0..1, &reading)
            .unwrap_err()
            .to_string()
    };
    for column in ["photo", "hash"] {
        let text = refusal(column);
        assert!(
            text.contains(column) && text.contains("binary data") && text.contains("convert"),
            "{text}"
        );
    }
    let whole = FileReading {
        whole_rows: true,
        ..FileReading::default()
    };
    let error = file_of("duckdb").read(0..1, &whole).unwrap_err();
    assert!(matches!(error, FileError::NoText { column, .. } if column == "blob"));
    let parts = FileReading {
        parts: true,
        ..FileReading::default()
    };
    assert!(
        file_of("duckdb")
            .read(0..1, &parts)
            .unwrap()
            .next_batch()
            .is_ok()
    );
}

#[test]
fn every_codec_is_read_or_refused_by_name() {
    let names = ["n", "text"].map(str::to_owned);
    let all = cells(&open("codec_none.parquet"), 0..200, &names);
    assert_eq!(all[8], [Some("8".to_owned()), Some("abc".to_owned())]);
    for codec in ["snappy", "gzip", "lz4", "zstd"] {
        assert_eq!(
            cells(&open(&format!("codec_{codec}.parquet")), 0..200, &names),
            all,
            "{codec}"
        );
    }
    let reading = FileReading {
        cells: &names,
        ..FileReading::default()
    };
    let error = open("codec_brotli.parquet")
        .read(0..1, &reading)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("Brotli") && error.contains("zstd"),
        "{error}"
    );
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_row() {
    let names = ["text".to_owned()];
    let reading = FileReading {
        cells: &names,
        ..FileReading::default()
    };
    let mut rows = open("not_utf8.parquet").read(0..3, &reading).unwrap();
    let error = rows.next_batch().unwrap_err();
    assert!(
        matches!(error, FileError::NotUtf8 { row: 1, .. }),
        "{error}"
    );
    assert!(
        rows.next_batch().unwrap().is_none(),
        "after an error there are no more rows"
    );
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let file = bytes("duplicate_names.parquet");
    let error = ParquetFile::open("x.parquet", Arc::new(file)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.parquet: columns 1 and 2 are both named \"a\"; give each column its own name"
    );
}

#[test]
fn a_file_without_rows_has_columns() {
    let file = open("pandas_empty.parquet");
    assert_eq!(file.rows(), 0);
    assert_eq!(file.columns(), ["id", "score", "kind", "when", "empty"]);
    assert!(cells(&file, 0..10, file.columns()).is_empty());
}

/// Such a page cannot be distinguished from one with too few or too many values, so it is an error
/// and values never shift.
#[test]
fn a_page_with_bytes_left_over_is_refused() {
    let file = open("fastparquet_int96.parquet");
    let names = file.columns().to_vec();
    let reading = FileReading {
        cells: &names,
        ..FileReading::default()
    };
    let error = file.read(0..1, &reading).unwrap().next_batch().unwrap_err();
    assert!(
        matches!(&error, FileError::Damaged { at, .. } if at.row == Some(0)),
        "{error}"
    );
}

/// Records which bytes are read.
struct Watched {
    file: Bytes,
    reads: Mutex<Vec<Range<u64>>>,
}

impl Ranges for Watched {
    fn len(&self) -> u64 {
        Ranges::len(&self.file)
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError> {
        self.reads.lock().unwrap().push(range.clone());
        self.file.read(range)
    }
}

#[test]
fn only_the_wanted_row_groups_and_columns_are_read() {
    let watched = Arc::new(Watched {
        file: bytes("spark_groups.parquet"),
        reads: Mutex::default(),
    });
    let file = ParquetFile::open("x", Arc::clone(&watched) as Arc<dyn Ranges>).unwrap();
    let footer = ParquetMetaDataReader::new()
        .parse_and_finish(&watched.file)
        .unwrap();
    assert_eq!(
        watched.reads.lock().unwrap().len(),
        1,
        "the footer of a small file is one read"
    );
    watched.reads.lock().unwrap().clear();
    // With six rows in a group, these are rows of the third and the fourth.
    assert_eq!(cells(&file, 13..20, &["id".to_owned()]).len(), 7);
    let chunk = |group: usize| {
        let (start, length) = footer.row_group(group).column(0).byte_range();
        start..start + length
    };
    assert_eq!(*watched.reads.lock().unwrap(), [chunk(2), chunk(3)]);
}
