//! The fixtures (files of other writers, with the expected text of their cells), and shared steps
//! of the tests.

use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{Array as _, ArrayRef, DictionaryArray, Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::{EnabledStatistics, WriterPropertiesBuilder};
use quarry_parquet::{
    FileError, FileReading, Joiner, ParquetFile, PartMeta, PartWriter, ResultColumn, ResultKind,
    RowReader, Splice, SplicePiece, TableLayout,
};
use quarry_table::{Cells, ResultCell};
use serde::Deserialize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The files for which there are expected texts.
pub(crate) const WITH_TEXTS: [&str; 9] = [
    "pyarrow_types",
    "pyarrow_pages",
    "spark_default",
    "spark_legacy",
    "spark_micros",
    "spark_groups",
    "duckdb",
    "pandas",
    "fastparquet",
];

/// Returns a file of these columns, without dictionaries and statistics.
pub(crate) fn file_of(
    columns: Vec<(&str, ArrayRef)>,
    properties: WriterPropertiesBuilder,
) -> Vec<u8> {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let properties = properties
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    bytes
}

/// Returns a file of these columns without rows.
pub(crate) fn without_rows(fields: Vec<Field>) -> Result<ParquetFile, FileError> {
    let rows = RecordBatch::new_empty(Arc::new(Schema::new(fields)));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    ParquetFile::open("t.parquet", Arc::new(Bytes::from(bytes)))
}

pub(crate) fn bytes(name: &str) -> Bytes {
    data("fixtures", name)
}

pub(crate) fn data(folder: &str, name: &str) -> Bytes {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests").join(folder).join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into()
}

pub(crate) fn open(name: &str) -> ParquetFile {
    open_bytes(name, bytes(name))
}

pub(crate) fn open_bytes(name: &str, bytes: Bytes) -> ParquetFile {
    ParquetFile::open(name, Arc::new(bytes)).unwrap()
}

/// The expected cells; `None` is null.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

pub(crate) fn expected(name: &str) -> Expected {
    serde_json::from_slice(&bytes(&format!("{name}.json"))).unwrap()
}

/// Returns the cells of some rows.
pub(crate) fn cells(
    file: &ParquetFile,
    rows: Range<u64>,
    columns: &[String],
) -> Vec<Vec<Option<String>>> {
    let reading = FileReading {
        cells: columns,
        ..FileReading::default()
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

/// Returns every row of a file as JSON.
pub(crate) fn json_rows(file: &ParquetFile) -> Vec<serde_json::Value> {
    let reading = FileReading {
        whole_rows: true,
        ..FileReading::default()
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

pub(crate) fn column(name: &str, kind: ResultKind) -> ResultColumn {
    ResultColumn {
        name: name.to_owned(),
        kind,
    }
}

pub(crate) fn whole(file: &ParquetFile) -> (&ParquetFile, Range<u64>) {
    (file, 0..file.rows())
}

/// Returns a part of these rows, with one result column: each row's number in its file.
pub(crate) fn numbered_part(
    layout: &TableLayout,
    rows: &[(&ParquetFile, Range<u64>)],
) -> (Bytes, PartMeta) {
    let results = [column("row_number", ResultKind::Integer)];
    let mut writer = PartWriter::new(layout, &results, &[]).unwrap();
    let mut out = Vec::new();
    let reading = FileReading {
        parts: true,
        ..FileReading::default()
    };
    for (file, range) in rows {
        let mut reader = file.read(range.clone(), &reading).unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            for row in batch.rows() {
                let number = row.number().to_string();
                writer.push(row, &[ResultCell::Json(&number)]).unwrap();
            }
            out.extend_from_slice(&writer.take().unwrap());
        }
    }
    let (last, meta) = writer.finish().unwrap();
    out.extend_from_slice(&last);
    assert_eq!(meta.bytes, out.len() as u64);
    (out.into(), meta)
}

/// Returns the file that a splice describes.
pub(crate) fn put_together(splice: &Splice, parts: &[Bytes]) -> Bytes {
    let mut out = Vec::new();
    for piece in &splice.pieces {
        match piece {
            SplicePiece::Bytes(bytes) => out.extend_from_slice(bytes),
            SplicePiece::Copy { part, range } => {
                let bounds =
                    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                out.extend_from_slice(&parts[*part][bounds]);
            }
        }
    }
    assert_eq!(splice.bytes, out.len() as u64);
    out.into()
}

pub(crate) fn join(parts: &[Bytes]) -> Bytes {
    let mut joiner = Joiner::new();
    for (number, part) in parts.iter().enumerate() {
        joiner.add(&format!("part {number}"), part).unwrap();
    }
    let rows = joiner.rows();
    put_together(&joiner.finish(rows).unwrap(), parts)
}

/// Returns a file as another reader reads it: all rows, with the types of the file's Arrow schema.
pub(crate) fn as_others_read(file: &Bytes) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder.build().unwrap().collect::<Result<_, _>>().unwrap();
    concat_batches(&schema, &batches).unwrap()
}

/// Returns categories with the indices that they have in a result.
fn with_wide_indices(column: &ArrayRef) -> ArrayRef {
    let is_narrow =
        matches!(column.data_type(), DataType::Dictionary(index, _) if **index == DataType::Int8);
    if !is_narrow {
        return Arc::clone(column);
    }
    let categories = column.as_any_dictionary();
    let keys = categories.keys().as_primitive::<Int8Type>();
    let keys = keys.iter().map(|key| key.map(i32::from));
    Arc::new(DictionaryArray::new(
        keys.collect::<Int32Array>(),
        Arc::clone(categories.values()),
    ))
}

/// Asserts that the columns of `input` are the first columns of `output`, type by type and value by
/// value, except that the indices of categories are wide.
pub(crate) fn assert_passed_through(input: &RecordBatch, output: &RecordBatch, name: &str) {
    assert_eq!(input.num_rows(), output.num_rows(), "{name}");
    for (index, field) in input.schema().fields().iter().enumerate() {
        let schema = output.schema();
        let found = schema.field(index);
        assert_eq!(found.name(), field.name(), "{name}");
        let expected = with_wide_indices(input.column(index));
        assert_eq!(
            found.data_type(),
            expected.data_type(),
            "{name}, {}",
            field.name()
        );
        assert_eq!(
            found.is_nullable(),
            field.is_nullable(),
            "{name}, {}",
            field.name()
        );
        assert_eq!(
            found.metadata(),
            field.metadata(),
            "{name}, {}",
            field.name()
        );
        assert_eq!(output.column(index), &expected, "{name}, {}", field.name());
    }
}

/// Reads the rows from `start` on with the first column's cells, as planning does.
pub(crate) fn rows_from(file: &ParquetFile, start: u64) -> Result<RowReader, FileError> {
    let cells = [file.columns()[0].clone()];
    let reading = FileReading {
        cells: &cells,
        parts: true,
        ..FileReading::default()
    };
    file.read(start..file.rows(), &reading)
}
