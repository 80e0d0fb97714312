//! Tables of several files.

use crate::fixture::{
    as_others_read, cells, expected, join, numbered_part, open, open_bytes, whole, without_rows,
};
use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use quarry_parquet::{FileError, ParquetFile, TableLayout};
use quarry_table::MAX_ROW_BYTES;
use std::sync::Arc;

/// Returns the layout after storing and reading it.
fn stored(layout: &TableLayout) -> TableLayout {
    TableLayout::from_bytes(&layout.to_bytes().unwrap()).unwrap()
}

#[test]
fn a_stored_layout_makes_the_same_parts() {
    for name in [
        "pyarrow_types",
        "spark_groups",
        "duckdb",
        "codec_zstd",
        "codec_none",
    ] {
        let file = open(&format!("{name}.parquet"));
        let layout = TableLayout::of(&file).unwrap();
        let columns: Vec<String> = layout.columns().map(str::to_owned).collect();
        assert_eq!(columns, file.columns());
        let part = |layout: &TableLayout| numbered_part(layout, &[whole(&file)]).0;
        assert_eq!(part(&layout), part(&stored(&layout)), "{name}");
    }
}

/// The encoder uses recursion, and would overflow the stack only after all rows are paid for.
#[test]
fn a_column_that_is_nested_too_deep_is_refused_when_the_file_is_opened() {
    let nested = |depth: usize| {
        let mut inner = Field::new("leaf", DataType::Int64, true);
        for _ in 1..depth {
            inner = Field::new("group", DataType::Struct(vec![inner].into()), true);
        }
        inner
    };
    assert_eq!(
        without_rows(vec![nested(42)]).unwrap_err().to_string(),
        "t.parquet: column \"group\": its values are nested more than 40 groups deep; store what is deep in it as JSON \
         text"
    );
    let deepest = nested(41);
    let mut values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let mut level = &deepest;
    let mut levels = Vec::new();
    while let DataType::Struct(members) = level.data_type() {
        levels.push(members.clone());
        level = &members[0];
    }
    for members in levels.into_iter().rev() {
        values = Arc::new(StructArray::new(members, vec![values], None));
    }
    let rows = RecordBatch::try_from_iter([("group", values)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    // As large as those of the runtime, on which parts are written.
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let written = thread.spawn(move || {
        let file = open_bytes("t.parquet", bytes.into());
        let layout = TableLayout::of(&file).unwrap();
        numbered_part(&layout, &[whole(&file)]).1.rows
    });
    assert_eq!(written.unwrap().join().unwrap(), 2);
}

#[test]
fn a_file_of_too_many_columns_is_refused_when_it_is_opened() {
    let columns = |count: usize| {
        let fields =
            (0..count).map(|column| Field::new(format!("c{column}"), DataType::Int64, true));
        without_rows(fields.collect())
    };
    assert_eq!(
        columns(10_001).unwrap_err().to_string(),
        "t.parquet: there are 10001 columns, those inside of others counted, more than 10000; leave out those that are not \
         needed"
    );
    assert!(columns(10_000).is_ok());
}

/// Data that is small in the file may be large in memory.
#[test]
fn rows_that_are_too_long_are_refused_when_the_file_is_opened() {
    let open = |length: usize| {
        let cells = StringArray::from(vec!["x".repeat(length)]);
        let rows = RecordBatch::try_from_iter([("text", Arc::new(cells) as ArrayRef)]).unwrap();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(false)
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        assert!(bytes.len() < 64 << 10);
        ParquetFile::open("t.parquet", Arc::new(Bytes::from(bytes)))
    };
    let error = open(MAX_ROW_BYTES + 1).unwrap_err().to_string();
    for words in [
        "t.parquet: column \"text\": most of row group 0",
        "more than the 67108864 of a row",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert!(open(MAX_ROW_BYTES / 2).is_ok());
}

/// pandas writes a column that only has None without a type, and gives it a type in the next file.
#[test]
fn a_column_without_a_type_takes_that_of_other_files() {
    let (untyped, typed) = (open("pandas_ranged.parquet"), open("pandas_typed.parquet"));
    for files in [[&untyped, &typed], [&typed, &untyped]] {
        let mut layout = TableLayout::of(files[0]).unwrap();
        layout.add(files[1]).unwrap();
        let layout = stored(&layout);
        let parts: Vec<Bytes> = files
            .iter()
            .map(|file| numbered_part(&layout, &[whole(file)]).0)
            .collect();
        let joined = open_bytes("joined", join(&parts));
        let mut rows: Vec<Option<String>> = cells(&joined, 0..18, &["empty".to_owned()])
            .into_iter()
            .flatten()
            .collect();
        rows.sort();
        assert_eq!(rows[..9], [const { None }; 9]);
        assert_eq!(rows[9].as_deref(), Some("now text 0"));
        // One slice with rows of both files.
        let (both, meta) = numbered_part(&layout, &[whole(files[0]), whole(files[1])]);
        assert_eq!(meta.rows, 18);
        assert_eq!(as_others_read(&both).num_rows(), 18);
    }
}

/// Returns a file of one column of numbers, which may hold nulls if `nullable`.
fn numbers(nullable: bool) -> Bytes {
    let schema = Arc::new(Schema::new(vec![Field::new(
        "n",
        DataType::Int64,
        nullable,
    )]));
    let values = Int64Array::from(vec![Some(1), (!nullable).then_some(2)]);
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(values)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

#[test]
fn a_column_that_one_file_requires_and_another_does_not_is_optional() {
    let files = [false, true].map(|nullable| open_bytes("numbers", numbers(nullable)));
    for order in [[0, 1], [1, 0]] {
        let [first, second] = order.map(|index| &files[index]);
        let mut layout = TableLayout::of(first).unwrap();
        layout.add(second).unwrap();
        let (both, _) = numbered_part(&stored(&layout), &[whole(first), whole(second)]);
        let table = as_others_read(&both);
        assert!(table.schema().field(0).is_nullable());
        assert_eq!(table.column(0).null_count(), 1);
    }
    let (alone, _) = numbered_part(&TableLayout::of(&files[0]).unwrap(), &[whole(&files[0])]);
    assert!(!as_others_read(&alone).schema().field(0).is_nullable());
}

#[test]
fn files_of_one_table_have_the_same_columns() {
    let spark = open("spark_groups.parquet");
    for other in ["duckdb.parquet", "codec_none.parquet"] {
        let error = TableLayout::of(&spark)
            .unwrap()
            .add(&open(other))
            .unwrap_err();
        let FileError::OtherTable { first, file, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(
            (first.as_str(), file.as_str()),
            ("spark_groups.parquet", other)
        );
    }
    let text = TableLayout::of(&open("codec_none.parquet"))
        .unwrap()
        .add(&open("fastparquet.parquet"))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("`OPTIONAL INT64 n`") && text.contains("`OPTIONAL INT32 n`"),
        "{text}"
    );
    TableLayout::of(&open("codec_none.parquet"))
        .unwrap()
        .add(&open("codec_zstd.parquet"))
        .unwrap();
}

#[test]
fn readers_and_files_can_go_to_other_threads() {
    fn is_send<T: Send>(_: &T) {}
    let file: ParquetFile = open("spark_groups.parquet");
    is_send(&file);
    is_send(
        &file
            .read(0..1, &quarry_parquet::FileReading::default())
            .unwrap(),
    );
    let layout = TableLayout::of(&file).unwrap();
    is_send(&quarry_parquet::PartWriter::new(&layout, &[], &[]).unwrap());
    assert_eq!(
        file.row_groups().sum::<u64>(),
        expected("spark_groups").rows.len() as u64
    );
}
