//! Forms that older writers used, written value by value.

use crate::fixture::{
    as_others_read, assert_passed_through, cells, join, numbered_part, open_bytes, whole,
};
use bytes::Bytes;
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use quarry_parquet::{FileError, FileReading, TableLayout};
use std::sync::Arc;

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// Returns a file of one row group, whose columns `write` writes.
fn file(schema: &str, write: impl Fn(&mut Group<'_>)) -> Bytes {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write(&mut group);
    group.close().unwrap();
    writer.into_inner().unwrap().into()
}

/// Writes the next column: values, definition levels, repetition levels.
macro_rules! column {
    ($group:expr, $type:ty, $values:expr, $defs:expr, $reps:expr) => {
        let mut column = $group.next_column().unwrap().unwrap();
        column
            .typed::<$type>()
            .write_batch($values, $defs, $reps)
            .unwrap();
        column.close().unwrap();
    };
}

fn texts(values: &[&str]) -> Vec<ByteArray> {
    values.iter().map(|value| ByteArray::from(*value)).collect()
}

/// Asserts that everything passes through the joined parts, and that the cells of the first columns
/// are `expected`.
fn assert_table(input: &Bytes, expected: &[&[Option<&str>]]) {
    let file = open_bytes("legacy.parquet", input.clone());
    let columns = &file.columns()[..expected[0].len()];
    let found = cells(&file, 0..file.rows(), columns);
    let expected: Vec<Vec<Option<String>>> = expected
        .iter()
        .map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect())
        .collect();
    assert_eq!(found, expected);
    let layout = TableLayout::of(&file).unwrap();
    let parts = [0..1, 1..file.rows()].map(|rows| numbered_part(&layout, &[(&file, rows)]).0);
    let joined = join(&parts);
    assert_passed_through(&as_others_read(input), &as_others_read(&joined), "legacy");
    let again = open_bytes("joined", joined);
    assert_eq!(cells(&again, 0..again.rows(), columns), expected);
}

#[test]
fn lists_of_two_levels_and_bare_repeated_columns_are_lists() {
    let input = file(
        "message m {
            optional group two (LIST) { repeated int32 element; }
            optional group pairs (LIST) { repeated group pairs_tuple { required binary s (UTF8); } }
            repeated int64 bare;
        }",
        |group| {
            column!(
                group,
                Int32Type,
                &[1, 2, 3],
                Some(&[2, 2, 0, 1, 2]),
                Some(&[0, 1, 0, 0, 0])
            );
            column!(
                group,
                ByteArrayType,
                &texts(&["a", "b"]),
                Some(&[2, 2, 0, 1, 1]),
                Some(&[0, 1, 0, 0, 0])
            );
            column!(
                group,
                Int64Type,
                &[7, 8, 9],
                Some(&[0, 1, 1, 1, 0]),
                Some(&[0, 0, 1, 0, 0])
            );
        },
    );
    assert_table(
        &input,
        &[
            &[Some("[1,2]"), Some(r#"[{"s":"a"},{"s":"b"}]"#), Some("[]")],
            &[None, None, Some("[7,8]")],
            &[Some("[]"), Some("[]"), Some("[9]")],
            &[Some("[3]"), Some("[]"), Some("[]")],
        ],
    );
}

/// The format requires the keys of maps. Hive and others declare them optional, but never write a
/// null key.
#[test]
fn maps_with_optional_keys_are_maps() {
    let input = file(
        "message m {
            optional group map (MAP) {
                repeated group map (MAP_KEY_VALUE) {
                    optional binary key (UTF8);
                    optional int32 value;
                }
            }
        }",
        |group| {
            let reps = Some([0, 1, 0, 0].as_slice());
            column!(
                group,
                ByteArrayType,
                &texts(&["a", "b\"", "c"]),
                Some(&[3, 3, 0, 3]),
                reps
            );
            column!(group, Int32Type, &[1, 2], Some(&[3, 2, 0, 3]), reps);
        },
    );
    let file = open_bytes("legacy.parquet", input.clone());
    let expected = [
        Some(r#"{"a":1,"b\"":null}"#.to_owned()),
        None,
        Some(r#"{"c":2}"#.to_owned()),
    ];
    let found = cells(&file, 0..3, file.columns()).concat();
    assert_eq!(found, expected);
    let (output, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
    assert_eq!(
        cells(&open_bytes("output", output.clone()), 0..3, file.columns()).concat(),
        expected
    );
    assert_eq!(
        as_others_read(&output).column(0),
        as_others_read(&input).column(0)
    );
}

#[test]
fn decimals_of_any_storage_keep_it_and_their_scale() {
    let input = file(
        "message m {
            optional binary long (DECIMAL(40,3));
            required fixed_len_byte_array(16) padded (DECIMAL(10,2));
            optional int32 small (DECIMAL(5,5));
            required int64 whole (DECIMAL(18,0));
        }",
        |group| {
            let long = [ByteArray::from(vec![0x80]), ByteArray::from(vec![0, 1, 0])];
            column!(group, ByteArrayType, &long, Some(&[1, 0, 1]), None);
            let padded: Vec<FixedLenByteArray> = [150_i128, -1, 0]
                .map(|value| ByteArray::from(value.to_be_bytes().to_vec()).into())
                .to_vec();
            column!(group, FixedLenByteArrayType, &padded, None, None);
            column!(group, Int32Type, &[-12], Some(&[0, 1, 0]), None);
            column!(group, Int64Type, &[5, -5, 0], None, None);
        },
    );
    assert_table(
        &input,
        &[
            &[Some("-0.128"), Some("1.50"), None, Some("5")],
            &[None, Some("-0.01"), Some("-0.00012"), Some("-5")],
            &[Some("0.256"), Some("0.00"), None, Some("0")],
        ],
    );
}

fn annotated() -> Bytes {
    file(
        "message m {
            required binary kind (ENUM);
            required binary document (JSON);
            required fixed_len_byte_array(16) key (UUID);
            required int96 at;
            required int64 ms (TIMESTAMP_MILLIS);
            required int32 time (TIME_MILLIS);
            required int32 byte (UINT_8);
            required int64 most (UINT_64);
            required fixed_len_byte_array(12) span (INTERVAL);
            required binary bson (BSON);
            required binary raw;
        }",
        |group| {
            column!(group, ByteArrayType, &texts(&["red", "green"]), None, None);
            column!(
                group,
                ByteArrayType,
                &texts(&["{\"a\": 1}", "[]"]),
                None,
                None
            );
            let key = |byte| FixedLenByteArray::from(ByteArray::from(vec![byte; 16]));
            column!(
                group,
                FixedLenByteArrayType,
                &[key(0xab), key(0)],
                None,
                None
            );
            let mut far = Int96::new();
            // Day 0 of the Julian count, and the day from which timestamps count.
            far.set_data(0, 0, 0);
            let mut later = Int96::new();
            later.set_data(1_000_000_001, 0, 2_440_588);
            column!(group, Int96Type, &[far, later], None, None);
            column!(group, Int64Type, &[-1, 0], None, None);
            column!(group, Int32Type, &[86_399_999, 0], None, None);
            column!(group, Int32Type, &[255, 0], None, None);
            column!(group, Int64Type, &[-1, 1], None, None);
            let span = |byte| {
                FixedLenByteArray::from(ByteArray::from(vec![
                    byte, 0, 0, 0, 0, 0, 0, 0, byte, 0, 0, 0,
                ]))
            };
            column!(
                group,
                FixedLenByteArrayType,
                &[span(1), span(0)],
                None,
                None
            );
            column!(group, ByteArrayType, &texts(&["x", "y"]), None, None);
            column!(group, ByteArrayType, &texts(&["\0", ""]), None, None);
        },
    )
}

#[test]
fn annotations_say_what_bytes_and_integers_mean() {
    let file = open_bytes("legacy.parquet", annotated());
    let names = &file.columns()[..9];
    let expected = [
        [
            "red",
            "{\"a\": 1}",
            "abababab-abab-abab-abab-abababababab",
            "-4713-11-24T00:00:00",
            "1969-12-31T23:59:59.999Z",
            "23:59:59.999",
            "255",
            "18446744073709551615",
            "P1MT0.001S",
        ],
        [
            "green",
            "[]",
            "00000000-0000-0000-0000-000000000000",
            "1970-01-01T00:00:01.000000001",
            "1970-01-01T00:00:00Z",
            "00:00:00",
            "0",
            "1",
            "PT0S",
        ],
    ];
    let expected = expected.map(|row| row.map(|cell| Some(cell.to_owned())).to_vec());
    assert_eq!(cells(&file, 0..2, names), expected);
    // Other readers have no Arrow type for all of these, so the output is read with this crate.
    let (output, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
    assert_eq!(
        cells(&open_bytes("output", output.clone()), 0..2, names),
        expected
    );
    let (again, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
    assert_eq!(output, again);
    for (column, what) in [("bson", "BSON"), ("raw", "binary data")] {
        let cells = [column.to_owned()];
        let reading = FileReading {
            cells: &cells,
            ..FileReading::default()
        };
        let error = file.read(0..1, &reading).unwrap_err();
        assert!(
            matches!(&error, FileError::NoText { kind, .. } if kind == what),
            "{error}"
        );
    }
}
