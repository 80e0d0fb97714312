//! Notes that writers leave in a file about its columns: they say the same of the result.

use crate::fixture::{column, open, open_bytes, without_rows};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, encode_arrow_schema};
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use quarry_parquet::{FileError, ParquetFile, PartWriter, ResultKind, TableLayout};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

fn note(file: &Bytes, key: &str) -> Option<String> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file).unwrap();
    let notes = metadata.file_metadata().key_value_metadata()?;
    notes.iter().find(|note| note.key == key)?.value.clone()
}

fn json_note(file: &Bytes, key: &str) -> Option<Value> {
    Some(serde_json::from_str(&note(file, key)?).unwrap())
}

/// Returns a file without rows that has these columns, and no other notes than these.
fn stored_with(columns: Vec<Field>, notes: &[(&str, &str)]) -> Vec<u8> {
    let notes = notes
        .iter()
        .map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(notes.collect()));
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let schema = Arc::new(Schema::new(columns));
    let writer = ArrowWriter::try_new_with_options(&mut bytes, schema, options).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn notes_of_writers_are_adapted_or_left_out() {
    let spark = open("spark_groups.parquet");
    let results = [column(
        "r",
        ResultKind::Struct(vec![(
            "l".into(),
            ResultKind::List(Box::new(ResultKind::Integer)),
        )]),
    )];
    let write = |file: &quarry_parquet::ParquetFile, replaced: &[usize]| {
        let layout = TableLayout::of(file).unwrap();
        PartWriter::new(&layout, &results, replaced)
            .unwrap()
            .finish()
            .unwrap()
            .0
    };
    let key = "org.apache.spark.sql.parquet.row.metadata";
    let fields = json_note(&write(&spark, &[0]), key).unwrap()["fields"].clone();
    let names: Vec<&str> = fields
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| f["name"].as_str())
        .collect();
    assert_eq!(names, ["at", "amount", "items", "r"]);
    assert_eq!(
        fields[3]["type"]["fields"][0]["type"],
        json!({"type": "array", "elementType": "long", "containsNull": true})
    );

    let indexed = json_note(&write(&open("pandas.parquet"), &[]), "pandas").unwrap();
    assert_eq!(indexed["index_columns"], json!(["__index_level_0__"]));
    let ranged = json_note(&write(&open("pandas_ranged.parquet"), &[1]), "pandas").unwrap();
    assert_eq!(ranged["index_columns"], json!([]));
    assert!(
        ranged["columns"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["name"] != "score")
    );
    let index = open("pandas.parquet").columns().len() - 1;
    assert_eq!(
        json_note(&write(&open("pandas.parquet"), &[index]), "pandas"),
        None
    );
}

/// pyarrow, and therefore pandas and `GeoPandas`, reads these notes first, and the file's own only
/// if there are none.
#[test]
fn notes_inside_the_arrow_schema_survive_as_those_of_the_file_do() {
    let pandas = json!({
        "index_columns": ["key", {"kind": "range", "start": 0, "stop": 1, "step": 1}],
        "columns": [
            {"name": "n", "field_name": "n", "numpy_type": "Int64"},
            {"name": "old", "field_name": "old", "numpy_type": "str"},
            {"name": "key", "field_name": "key", "numpy_type": "str"},
        ],
    });
    let inside = HashMap::from([
        ("pandas".to_owned(), pandas.to_string()),
        (
            "geo".to_owned(),
            "{\"primary_column\":\"shape\"}".to_owned(),
        ),
        ("avro.schema".to_owned(), "{}".to_owned()),
    ]);
    let extension = HashMap::from([("ARROW:extension:name".to_owned(), "geoarrow.wkb".to_owned())]);
    let schema = Arc::new(Schema::new_with_metadata(
        vec![
            Field::new("n", DataType::Int64, true),
            Field::new("old", DataType::Utf8, true),
            Field::new("key", DataType::LargeUtf8, true).with_metadata(extension),
        ],
        inside,
    ));
    let rows = RecordBatch::new_empty(Arc::clone(&schema));
    let mut input = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut input, schema, None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();

    let file = open_bytes("in", input.into());
    let layout = TableLayout::of(&file).unwrap();
    let results = [column("old", ResultKind::Integer)];
    let writer = PartWriter::new(&layout, &results, &[1]).unwrap();
    let (output, _) = writer.finish().unwrap();
    let read = ParquetRecordBatchReaderBuilder::try_new(output).unwrap();
    let found = read.schema();
    let note: Value = serde_json::from_str(&found.metadata()["pandas"]).unwrap();
    assert_eq!(note["index_columns"], json!(["key"]));
    assert_eq!(
        note["columns"],
        json!([pandas["columns"][0], pandas["columns"][2]])
    );
    assert_eq!(found.metadata()["geo"], "{\"primary_column\":\"shape\"}");
    assert!(!found.metadata().contains_key("avro.schema"));
    let key = found.field_with_name("key").unwrap();
    assert_eq!(key.data_type(), &DataType::LargeUtf8);
    assert_eq!(key.metadata()["ARROW:extension:name"], "geoarrow.wkb");
}

/// Writers store some types as others: pyarrow changes the unit of timestamps, and Polars stores categories and
/// arrays of a fixed size as texts and lists. Their notes alone say what the columns were.
#[test]
fn types_that_only_a_note_has_survive() {
    let stored = vec![
        Field::new(
            "at",
            DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            true,
        ),
        Field::new("category", DataType::Utf8, true),
        Field::new_list("pair", Field::new("item", DataType::Int64, true), true),
        Field::new("bytes", DataType::Binary, true),
        Field::new("untyped", DataType::Int64, true),
    ];
    let category = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8View));
    let order = HashMap::from([("_PL_CATEGORICAL".to_owned(), "lexical".to_owned())]);
    let pair = Arc::new(Field::new("item", DataType::Int64, true));
    let noted = |untyped: DataType, result: Option<Field>| {
        let mut fields = vec![
            Field::new(
                "at",
                DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Berlin".into())),
                true,
            ),
            Field::new("category", category.clone(), true).with_metadata(order.clone()),
            Field::new("pair", DataType::FixedSizeList(Arc::clone(&pair), 2), true),
            Field::new("bytes", DataType::FixedSizeBinary(16), true),
            Field::new("untyped", untyped, true),
        ];
        fields.extend(result);
        encode_arrow_schema(&Schema::new(fields))
    };
    let before = noted(DataType::Null, None);
    let input = stored_with(stored, &[("ARROW:schema", &before)]);
    let layout = TableLayout::of(&open_bytes("in", input.into())).unwrap();
    let results = [column("r", ResultKind::Integer)];
    let writer = PartWriter::new(&layout, &results, &[]).unwrap();
    let (output, _) = writer.finish().unwrap();
    // The last column has a type meanwhile: that of another file of the table.
    let expected = noted(
        DataType::Int64,
        Some(Field::new("r", DataType::Int64, true)),
    );
    assert_eq!(note(&output, "ARROW:schema"), Some(expected));
}

#[test]
fn a_type_that_is_none_of_arrow_takes_no_other_column_its_type() {
    let file = open("polars.parquet");
    let results = [column("r", ResultKind::Integer)];
    let writer = PartWriter::new(&TableLayout::of(&file).unwrap(), &results, &[]).unwrap();
    let (output, _) = writer.finish().unwrap();
    let read = ParquetRecordBatchReaderBuilder::try_new(output).unwrap();
    let types: Vec<String> = read
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    assert_eq!(
        types,
        [
            "LargeUtf8",
            "Dictionary(UInt32, LargeUtf8)",
            "FixedSizeList(2 x Int64, field: 'element')",
            // 128-bit integers of Polars, which keep their bytes.
            "FixedSizeBinary(16)",
            "Timestamp(ns, \"Europe/Berlin\")",
            "Duration(µs)",
            "Int64",
        ]
    );
}

fn typed(data_type: DataType) -> Field {
    Field::new("c", data_type, true)
}

/// Returns the column in the note of a result of two files.
fn joined(first: Field, second: Field) -> Result<Field, FileError> {
    let mut layout = TableLayout::of(&without_rows(vec![first])?)?;
    layout.add(&without_rows(vec![second])?)?;
    let layout = TableLayout::from_bytes(&layout.to_bytes()?)?;
    let (output, _) = PartWriter::new(&layout, &[], &[])?.finish()?;
    let read = ParquetRecordBatchReaderBuilder::try_new(output).unwrap();
    Ok(Field::clone(read.schema().field(0)))
}

/// Parquet stores them alike, so the values of the second file would have the meaning of the first.
#[test]
fn files_whose_values_only_notes_tell_apart_are_no_table() {
    let list = |length| {
        typed(DataType::FixedSizeList(
            Arc::new(typed(DataType::Int64)),
            length,
        ))
    };
    let with = |key: &str, value: &str| {
        let metadata = HashMap::from([(key.to_owned(), value.to_owned())]);
        typed(DataType::Int64).with_metadata(metadata)
    };
    let period = |frequency| with("ARROW:extension:metadata", frequency);
    let enumeration = |values| with("_PL_ENUM_VALUES2", values);
    let lasts = |unit| typed(DataType::Duration(unit));
    let both = |first: Field, second: Field| {
        let members = [first.with_name("a"), second.with_name("b")];
        typed(DataType::Struct(members.to_vec().into()))
    };
    let inside = |field: Field| typed(DataType::Struct(vec![field].into()));
    for (first, second) in [
        (lasts(TimeUnit::Second), lasts(TimeUnit::Microsecond)),
        (lasts(TimeUnit::Second), typed(DataType::Int64)),
        (typed(DataType::Int64), lasts(TimeUnit::Second)),
        (
            inside(lasts(TimeUnit::Second)),
            inside(lasts(TimeUnit::Nanosecond)),
        ),
        (list(2), list(3)),
        (period("M"), period("D")),
        (enumeration("1;p"), enumeration("1;q")),
        (with("_PL_CATEGORICAL2", "A"), with("_PL_CATEGORICAL2", "B")),
        (
            both(lasts(TimeUnit::Second), typed(DataType::Int64)),
            both(typed(DataType::Int64), lasts(TimeUnit::Second)),
        ),
        (
            both(list(2), typed(DataType::Int64)),
            both(list(3), typed(DataType::Int64)),
        ),
        (
            typed(DataType::Decimal128(10, 2)),
            typed(DataType::Decimal128(11, 2)),
        ),
    ] {
        joined(first.clone(), first.clone()).unwrap();
        let error = joined(first, second).unwrap_err();
        assert!(matches!(error, FileError::OtherTable { .. }), "{error}");
    }
    let error = joined(lasts(TimeUnit::Second), lasts(TimeUnit::Millisecond)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the files of a table must have the same columns, of the same types and in the same order: t.parquet has `OPTIONAL INT64 \
         c` (Duration(s)), t.parquet has `OPTIONAL INT64 c` (Duration(ms)); correct one of them, or \
         give it as a table of its own"
    );
}

#[test]
fn files_whose_dates_spark_has_stored_in_other_ways_are_no_table() {
    let file = |legacy: bool| {
        let note = KeyValue::new("org.apache.spark.legacyDateTime".to_owned(), String::new());
        let notes = legacy.then(|| vec![note]);
        let properties = WriterProperties::builder().set_key_value_metadata(notes);
        let schema = Arc::new(Schema::new(vec![typed(DataType::Date32)]));
        let mut bytes = Vec::new();
        let writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties.build())).unwrap();
        writer.close().unwrap();
        open_bytes("t.parquet", bytes.into())
    };
    let mut layout = TableLayout::of(&file(true)).unwrap();
    layout.add(&file(true)).unwrap();
    let error = layout.add(&file(false)).unwrap_err().to_string();
    assert!(error.contains("in the Julian calendar"), "{error}");
}

#[test]
fn files_in_other_systems_of_coordinates_are_no_table_and_the_bounds_of_one_are_not_those_of_all() {
    let geo = |crs: &str, bounds: u8| {
        let column = json!({"encoding": "WKB", "crs": crs, "bbox": [0, 0, bounds, bounds]});
        json!({"version": "1.1.0", "primary_column": "c", "columns": {"c": column}}).to_string()
    };
    let mut layout = TableLayout::of(&noted_by(&[("geo", &geo("A", 1))])).unwrap();
    layout.add(&noted_by(&[("geo", &geo("A", 2))])).unwrap();
    let writer = PartWriter::new(&layout, &[], &[]).unwrap();
    let note = json_note(&writer.finish().unwrap().0, "geo").unwrap();
    assert_eq!(
        note["columns"],
        json!({"c": {"encoding": "WKB", "crs": "A"}})
    );
    let other = noted_by(&[("geo", &geo("B", 1))]);
    let error = layout.add(&other).unwrap_err().to_string();
    assert!(error.contains(r#""crs":"B""#), "{error}");
    assert!(layout.add(&noted_by(&[])).is_err());
}

/// The type of a column without values comes from the next file.
#[test]
fn a_column_without_a_type_in_the_first_file_gets_that_of_the_note_of_the_next() {
    for data_type in [
        DataType::Duration(TimeUnit::Second),
        DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Berlin".into())),
        DataType::LargeUtf8,
    ] {
        let found = joined(typed(DataType::Null), typed(data_type.clone())).unwrap();
        assert_eq!(found.data_type(), &data_type);
        let found = joined(typed(data_type.clone()), typed(DataType::Null)).unwrap();
        assert_eq!(found.data_type(), &data_type);
    }
}

/// The values of all row groups and files are counted together, and come in the order of the rows.
#[test]
fn a_category_has_wide_indices_and_no_order_in_a_result() {
    let category = |index| DataType::Dictionary(Box::new(index), Box::new(DataType::Utf8));
    for (index, wide) in [
        (DataType::Int8, DataType::Int32),
        (DataType::UInt16, DataType::UInt32),
        (DataType::Int64, DataType::Int64),
    ] {
        let ordered = typed(category(index.clone())).with_dict_is_ordered(true);
        let found = joined(ordered, typed(DataType::Utf8)).unwrap();
        assert_eq!(found.data_type(), &category(wide.clone()));
        assert_eq!(found.dict_is_ordered(), Some(false));
        let list = |index| DataType::List(Arc::new(Field::new("item", category(index), true)));
        let found = joined(typed(list(index.clone())), typed(list(index))).unwrap();
        assert_eq!(found.data_type(), &list(wide));
    }
}

/// Returns a file of a column `c` of 64-bit integers with these notes.
fn noted_by(notes: &[(&str, &str)]) -> ParquetFile {
    let input = stored_with(vec![typed(DataType::Int64)], notes);
    open_bytes("in", input.into())
}

/// Programs keep any bytes there, such as pickled objects. pyarrow reads these files.
#[test]
fn a_note_that_is_no_text_is_left_out_and_takes_no_column_its_type() {
    let metadata = HashMap::from([("k".to_owned(), "no text".to_owned())]);
    let lasts = typed(DataType::Duration(TimeUnit::Second)).with_metadata(metadata);
    let broken = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let at = bytes
            .windows(7)
            .position(|part| part == b"no text")
            .unwrap();
        bytes[at] = 0xff;
        bytes
    };
    let schema = STANDARD
        .decode(encode_arrow_schema(&Schema::new(vec![lasts])))
        .unwrap();
    let notes = [
        ("ARROW:schema", &*STANDARD.encode(broken(&schema))),
        ("other", "no text"),
        ("kept", "a text"),
    ];
    let input = stored_with(vec![typed(DataType::Int64)], &notes);
    let layout = TableLayout::of(&open_bytes("in", broken(&input).into())).unwrap();
    let layout = TableLayout::from_bytes(&layout.to_bytes().unwrap()).unwrap();
    let writer = PartWriter::new(&layout, &[], &[]).unwrap();
    let (output, _) = writer.finish().unwrap();
    assert_eq!(note(&output, "other"), None);
    assert_eq!(note(&output, "kept").as_deref(), Some("a text"));
    let read = ParquetRecordBatchReaderBuilder::try_new(output).unwrap();
    let found = read.schema().field(0);
    assert_eq!(found.data_type(), &DataType::Duration(TimeUnit::Second));
}

/// pandas writes what a user has attached to a table as Python writes JSON.
#[test]
fn a_note_of_pandas_with_numbers_that_json_does_not_have_is_adapted() {
    let pandas = r#"{"index_columns": ["c"], "columns": [{"name": "a \"NaN"}], "attributes": {"x": NaN, "y": [-Infinity, Infinity]}}"#;
    let file = noted_by(&[("pandas", pandas)]);
    let (output, _) = PartWriter::new(&TableLayout::of(&file).unwrap(), &[], &[])
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(
        json_note(&output, "pandas").unwrap(),
        json!({"index_columns": ["c"], "columns": [{"name": "a \"NaN"}], "attributes": {"x": null, "y": [null, null]}})
    );
}

/// A text that a note refers to many times would be in memory as many times.
#[test]
fn a_note_that_refers_to_a_long_text_many_times_is_left_out() {
    const KEYS: usize = 60;
    let long = |key: usize| {
        if key == 0 {
            "x".repeat(100_000)
        } else {
            "y".to_owned()
        }
    };
    let metadata = (0..KEYS).map(|key| (format!("k{key}"), long(key)));
    let field = typed(DataType::Int64).with_metadata(metadata.collect::<HashMap<_, _>>());
    let note = STANDARD
        .decode(encode_arrow_schema(&Schema::new(vec![field])))
        .unwrap();
    let number = |at: usize| u32::from_le_bytes(*note[at..].first_chunk().unwrap()) as usize;
    // A list is its length and, for each item, how far away the item is.
    let targets = |list: usize| {
        (1..=KEYS)
            .map(move |item| list + 4 * item)
            .map(|at| at + number(at))
    };
    let is_list =
        |at: &usize| number(*at) == KEYS && targets(*at).all(|target| target < note.len());
    let list = (0..note.len() - 4 * KEYS - 4)
        .step_by(4)
        .find(is_list)
        .unwrap();
    let left_out = targets(list).filter(|target| {
        let mut note = note.clone();
        for item in 1..=KEYS {
            let at = list + 4 * item;
            if let Ok(distance) = u32::try_from(target - at) {
                note[at..at + 4].copy_from_slice(&distance.to_le_bytes());
            }
        }
        let layout = TableLayout::of(&noted_by(&[("ARROW:schema", &STANDARD.encode(&note))]));
        let writer = PartWriter::new(&layout.unwrap(), &[], &[]).unwrap();
        self::note(&writer.finish().unwrap().0, "ARROW:schema").is_none()
    });
    assert_eq!(left_out.count(), 1);
}
