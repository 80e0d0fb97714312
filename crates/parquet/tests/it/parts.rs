//! Parts of results: the rows that were read come out unchanged, followed by the results.

use crate::fixture::{
    WITH_TEXTS, as_others_read, assert_passed_through, bytes, cells, column, data, expected, join,
    json_rows, numbered_part, open, open_bytes, whole,
};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::schema::printer::print_schema;
use parquet::schema::types::Type;
use quarry_parquet::{FileError, FileReading, PartWriter, ResultColumn, ResultKind, TableLayout};
use quarry_table::{Cell, ResultCell};
use serde_json::{Value, json};

/// The names, without extension, of all files that can be read.
fn all_fixtures() -> impl Iterator<Item = &'static str> {
    let without_texts = [
        "pandas_typed",
        "pandas_ranged",
        "pandas_empty",
        "codec_none",
        "codec_snappy",
        "codec_gzip",
        "codec_lz4",
        "codec_zstd",
    ];
    WITH_TEXTS.into_iter().chain(without_texts)
}

const READ_PARTS: FileReading<'_> = FileReading {
    cells: &[],
    whole_rows: false,
    parts: true,
};

fn declared(file: &[u8]) -> Type {
    let bytes = Bytes::copy_from_slice(file);
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&bytes)
        .unwrap();
    metadata.file_metadata().schema().clone()
}

#[test]
fn original_columns_come_out_as_another_reader_saw_them_going_in() {
    for name in all_fixtures() {
        let input = bytes(&format!("{name}.parquet"));
        let file = open_bytes(name, input.clone());
        let layout = TableLayout::of(&file).unwrap();
        let (output, meta) = numbered_part(&layout, &[whole(&file)]);
        assert_eq!(meta.rows, file.rows(), "{name}");
        assert!(meta.unfit.is_empty());
        let (before, after) = (as_others_read(&input), as_others_read(&output));
        assert_passed_through(&before, &after, name);
        let numbers = after
            .column(before.num_columns())
            .as_primitive::<Int64Type>();
        assert!(
            (0..)
                .zip(numbers.values().iter())
                .all(|(row, number)| row == *number)
        );
    }
}

#[test]
fn original_columns_are_declared_as_they_were() {
    for name in all_fixtures() {
        let input = bytes(&format!("{name}.parquet"));
        let file = open_bytes(name, input.clone());
        let (output, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
        let (before, after) = (declared(&input), declared(&output));
        assert_eq!(before.name(), after.name(), "{name}");
        let kept = &after.get_fields()[..before.get_fields().len()];
        assert_eq!(before.get_fields(), kept, "{name}");
    }
}

#[test]
fn what_was_written_is_read_with_the_same_text() {
    for name in WITH_TEXTS {
        let file = open(&format!("{name}.parquet"));
        let (output, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
        let expected = expected(name);
        let found = cells(&open_bytes(name, output), 0..file.rows(), &expected.columns);
        assert_eq!(found, expected.rows, "{name}");
    }
}

#[test]
fn the_codec_is_that_of_the_input() {
    for name in [
        "codec_none",
        "codec_snappy",
        "codec_gzip",
        "codec_lz4",
        "codec_zstd",
        "duckdb",
    ] {
        let input = bytes(&format!("{name}.parquet"));
        let file = open_bytes(name, input.clone());
        let (output, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
        let codec = |file: &Bytes| {
            let metadata = ParquetMetaDataReader::new().parse_and_finish(file).unwrap();
            metadata.row_group(0).column(0).compression_codec()
        };
        assert_eq!(codec(&input), codec(&output), "{name}");
    }
}

/// A wrong least or greatest value would make readers skip existing rows.
#[test]
fn statistics_are_written_only_where_they_are_true() {
    let file = open("pyarrow_types.parquet");
    let (output, _) = numbered_part(&TableLayout::of(&file).unwrap(), &[whole(&file)]);
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&output)
        .unwrap();
    let has = |column: &str| {
        let group = metadata.row_group(0);
        let found = group
            .columns()
            .iter()
            .find(|c| c.column_path().string() == column);
        found
            .unwrap()
            .statistics()
            .is_some_and(|s| s.min_bytes_opt().is_some())
    };
    for column in [
        "i8",
        "i64",
        "f64",
        "text",
        "kind",
        "at_us",
        "day",
        "row_number",
        "list.list.element",
    ] {
        assert!(has(column), "{column}");
    }
    for column in ["u8", "u64", "f16", "dec", "dec_wide", "dec256"] {
        assert!(!has(column), "{column}");
    }
    let spark = open("spark_groups.parquet");
    let (output, _) = numbered_part(&TableLayout::of(&spark).unwrap(), &[whole(&spark)]);
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&output)
        .unwrap();
    assert!(metadata.row_group(0).column(1).statistics().is_none());
}

/// The recorded case: a Parquet input, and answers by tool use with nested values.
fn nested_results() -> (Bytes, Value) {
    let schema: Value = serde_json::from_slice(&data("recorded", "nested.schema.json")).unwrap();
    let recorded: Value = serde_json::from_slice(&data("recorded", "nested.read.json")).unwrap();
    let properties = schema["properties"].as_object().unwrap().iter();
    let kinds = properties
        .map(|(name, property)| (name.as_str(), ResultKind::of_schema(property, &schema)));
    let status = [
        ("parse_status", ResultKind::Text),
        ("validation_passed", ResultKind::Boolean),
        ("status", ResultKind::Text),
    ];
    let results: Vec<ResultColumn> = kinds
        .chain(status)
        .map(|(name, kind)| column(&format!("llm_{name}"), kind))
        .collect();

    let file = open_bytes("a.parquet", data("recorded", "nested.parquet"));
    let mut writer = PartWriter::new(&TableLayout::of(&file).unwrap(), &results, &[]).unwrap();
    let evidence = r#"{"messages":["m1"],"note":"n"}"#;
    let answers = [
        ["A", "0.5", "null", "null", "null", "null"],
        ["B", "1", "3", "true", "[\"x\"]", evidence],
        ["C", "2", "null", "null", "null", "null"],
    ];
    let mut rows = file.read(0..3, &READ_PARTS).unwrap();
    while let Some(batch) = rows.next_batch().unwrap() {
        for (row, [category, others @ ..]) in batch.rows().zip(answers) {
            let mut cells = vec![ResultCell::Text(category)];
            cells.extend(others.map(ResultCell::Json));
            let success = ResultCell::Text("success");
            cells.extend([success, ResultCell::Bool(true), success]);
            writer.push(row, &cells).unwrap();
        }
    }
    let (output, meta) = writer.finish().unwrap();
    assert!(meta.unfit.is_empty());
    (
        output,
        recorded["validation_processed_data.parquet"].clone(),
    )
}

#[test]
fn results_have_the_types_of_the_schema() {
    let mut printed = Vec::new();
    print_schema(&mut printed, &declared(&nested_results().0));
    let expected = "\
message schema {
  OPTIONAL BYTE_ARRAY order_id (STRING);
  OPTIONAL BYTE_ARRAY dialogue (STRING);
  OPTIONAL INT64 n;
  OPTIONAL BYTE_ARRAY llm_category (STRING);
  OPTIONAL DOUBLE llm_score;
  OPTIONAL INT64 llm_count;
  OPTIONAL BOOLEAN llm_flag;
  OPTIONAL group llm_tags (LIST) {
    REPEATED group list {
      OPTIONAL BYTE_ARRAY element (STRING);
    }
  }
  OPTIONAL group llm_evidence {
    OPTIONAL group messages (LIST) {
      REPEATED group list {
        OPTIONAL BYTE_ARRAY element (STRING);
      }
    }
    OPTIONAL BYTE_ARRAY note (STRING);
  }
  OPTIONAL BYTE_ARRAY llm_parse_status (STRING);
  OPTIONAL BOOLEAN llm_validation_passed;
  OPTIONAL BYTE_ARRAY llm_status (STRING);
}
";
    assert_eq!(String::from_utf8(printed).unwrap(), expected);
}

/// pandas turned integers with gaps into floats; here they stay integers.
#[test]
fn results_are_the_recorded_ones() {
    let (output, recorded) = nested_results();
    let file = open_bytes("output", output);
    assert_eq!(json!(file.columns()), recorded["columns"]);
    let missing = json!({"$nan": true});
    let rows = json_rows(&file);
    for (found, expected) in rows.iter().zip(recorded["rows"].as_array().unwrap()) {
        let found = found.as_object().unwrap().values();
        for (found, expected) in found.zip(expected.as_array().unwrap()) {
            let same = match (found, expected) {
                (Value::Null, expected) => *expected == Value::Null || *expected == missing,
                (Value::Number(found), Value::Number(expected)) => {
                    found.as_f64() == expected.as_f64()
                }
                (found, expected) => found == expected,
            };
            assert!(same, "{found} and {expected}");
        }
    }
    assert_eq!(rows.len(), 3);
}

/// The recorded case: nulls and nested values in a prompt. The original program printed nulls and
/// lists as Python does.
#[test]
fn the_cells_of_a_recorded_prompt_are_text() {
    let file = open_bytes("data.parquet", data("recorded", "nulls.parquet"));
    let found: Vec<String> = cells(&file, 0..3, file.columns())
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(Option::unwrap_or_default)
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect();
    assert_eq!(
        found,
        [
            r#"1|a|0.5|true|["x","y"]|{"k":1,"v":"u"}"#,
            "2||||[]|",
            r#"3|c|2.0|false||{"k":2,"v":null}"#,
        ]
    );
}

#[test]
fn rows_that_are_not_pushed_are_left_out() {
    let file = open("pyarrow_pages.parquet");
    let layout = TableLayout::of(&file).unwrap();
    let results = [column("r", ResultKind::Text)];
    let mut writer = PartWriter::new(&layout, &results, &[]).unwrap();
    let mut rows = file.read(100..800, &READ_PARTS).unwrap();
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows().filter(|row| row.number() % 3 == 0) {
            writer.push(row, &[]).unwrap();
        }
    }
    let (output, meta) = writer.finish().unwrap();
    let all = cells(&file, 0..900, file.columns());
    let expected: Vec<_> = all
        .into_iter()
        .enumerate()
        .skip(100)
        .take(700)
        .filter(|(n, _)| n % 3 == 0)
        .map(|(_, row)| row)
        .collect();
    assert_eq!(meta.rows, expected.len() as u64);
    let found = cells(&open_bytes("output", output), 0..900, file.columns());
    assert_eq!(found, expected);
}

#[test]
fn a_result_column_replaces_an_input_column_only_if_that_is_allowed() {
    let file = open("spark_groups.parquet");
    let layout = TableLayout::of(&file).unwrap();
    let results = [column("amount", ResultKind::Text)];
    let error = PartWriter::new(&layout, &results, &[]).unwrap_err();
    assert!(matches!(error, FileError::ResultColumnTaken(name) if name == "amount"));
    let mut writer = PartWriter::new(&layout, &results, &[2]).unwrap();
    let mut rows = file.read(0..40, &READ_PARTS).unwrap();
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows() {
            writer.push(row, &[ResultCell::Text("much")]).unwrap();
        }
    }
    let (output, _) = writer.finish().unwrap();
    let file = open_bytes("output", output);
    assert_eq!(file.columns(), ["id", "at", "items", "amount"]);
    assert_eq!(
        cells(&file, 39..40, &["amount".to_owned()]),
        [[Some("much".to_owned())]]
    );
}

#[test]
fn values_without_the_column_s_type_are_null_and_counted() {
    let file = open("spark_groups.parquet");
    let results = [
        column("n", ResultKind::Integer),
        column("t", ResultKind::Text),
    ];
    let mut writer = PartWriter::new(&TableLayout::of(&file).unwrap(), &results, &[]).unwrap();
    let mut rows = file.read(0..40, &READ_PARTS).unwrap();
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows() {
            let number = if row.number() % 10 == 7 {
                "18446744073709551616"
            } else {
                "1"
            };
            writer
                .push(row, &[ResultCell::Json(number), ResultCell::Json(number)])
                .unwrap();
        }
    }
    let (output, meta) = writer.finish().unwrap();
    let [unfit] = &meta.unfit[..] else {
        panic!("{meta:?}");
    };
    assert_eq!(
        (unfit.column.as_str(), unfit.rows, unfit.first_row),
        ("n", 4, 7)
    );
    let names = ["n", "t"].map(str::to_owned);
    let found = cells(&open_bytes("output", output), 17..18, &names);
    assert_eq!(found, [[None, Some("18446744073709551616".to_owned())]]);
}

#[test]
fn rows_read_for_another_purpose_cannot_be_written() {
    let file = open("spark_groups.parquet");
    let mut writer = PartWriter::new(&TableLayout::of(&file).unwrap(), &[], &[]).unwrap();
    let names = ["id".to_owned()];
    let reading = FileReading {
        cells: &names,
        ..FileReading::default()
    };
    let batch = file
        .read(0..1, &reading)
        .unwrap()
        .next_batch()
        .unwrap()
        .unwrap();
    let row = batch.rows().next().unwrap();
    assert!(matches!(
        writer.push(row, &[]),
        Err(FileError::RowsIncomplete)
    ));
    let other = open("duckdb.parquet");
    let batch = other
        .read(0..1, &READ_PARTS)
        .unwrap()
        .next_batch()
        .unwrap()
        .unwrap();
    writer.push(batch.rows().next().unwrap(), &[]).unwrap();
    assert!(matches!(writer.finish(), Err(FileError::OtherTable { .. })));
}

#[test]
fn a_part_without_rows_is_a_file_with_all_columns() {
    let file = open("pandas_empty.parquet");
    let results = [
        column("tags", ResultKind::List(Box::new(ResultKind::Text))),
        column("n", ResultKind::Number),
    ];
    let (output, meta) = PartWriter::new(&TableLayout::of(&file).unwrap(), &results, &[])
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!((meta.rows, meta.row_groups), (0, 0));
    let table = as_others_read(&output);
    assert_eq!((table.num_rows(), table.num_columns()), (0, 7));
    assert_passed_through(
        &as_others_read(&bytes("pandas_empty.parquet")),
        &table,
        "empty",
    );
    assert_eq!(table.column(6).as_primitive::<Float64Type>().len(), 0);
}

/// Planning refuses results by it, before anything is paid for.
#[test]
fn the_footer_of_each_row_group_is_within_its_bound() {
    let footer_of = |file: &[u8]| {
        let length = file[file.len() - 8..].first_chunk().unwrap();
        u64::from(u32::from_le_bytes(*length))
    };
    let text = "a text that is longer than the values that a footer holds ".repeat(4);
    let results = ["llm_a", "llm_b", "llm_c", "llm_d", "llm_e", "llm_f"]
        .map(|name| column(name, ResultKind::Text));
    let mut fullest = 0;
    for name in all_fixtures() {
        let file = open(&format!("{name}.parquet"));
        let layout = TableLayout::of(&file).unwrap();
        let part = |with_rows: bool| {
            let mut writer = PartWriter::new(&layout, &results, &[]).unwrap();
            let bound = writer.group_footer_bytes();
            let mut rows = file.read(0..file.rows(), &READ_PARTS).unwrap();
            while let Some(batch) = rows.next_batch().unwrap()
                && with_rows
            {
                for row in batch.rows() {
                    writer.push(row, &[ResultCell::Text(&text); 6]).unwrap();
                }
            }
            let (bytes, meta) = writer.finish().unwrap();
            (footer_of(&bytes), meta.row_groups as u64, bound)
        };
        let ((with_rows, groups, bound), (without, ..)) = (part(true), part(false));
        let taken = with_rows - without;
        assert!(
            taken <= groups * bound,
            "{name}: {taken}, {groups} of {bound}"
        );
        if groups > 0 {
            fullest = fullest.max(taken * 100 / (groups * bound));
        }
    }
    assert!(
        fullest > 40,
        "the bound is not far from the truth: {fullest} %"
    );
}

/// However much is written, memory holds at most one row group.
#[test]
fn row_groups_are_closed_and_handed_out_while_rows_come_in() {
    let file = open("pyarrow_pages.parquet");
    let layout = TableLayout::of(&file).unwrap();
    let results = [column("raw", ResultKind::Text)];
    let mut writer = PartWriter::new(&layout, &results, &[]).unwrap();
    let mut seed = 1_u64;
    // Text without repetition, so that neither a dictionary nor the codec can shrink it.
    let mut noise = String::new();
    let mut out = Vec::new();
    let mut most = 0;
    let mut pushed = 0_u64;
    for _ in 0..9 {
        let mut rows = file.read(0..900, &READ_PARTS).unwrap();
        while let Some(batch) = rows.next_batch().unwrap() {
            for row in batch.rows() {
                noise.clear();
                while noise.len() < 8_000 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    noise.extend((0..10).map(|n| char::from(33 + ((seed >> (6 * n)) & 63) as u8)));
                }
                writer.push(row, &[ResultCell::Text(&noise)]).unwrap();
                pushed += 1;
                let ready = writer.take().unwrap();
                most = most.max(ready.len());
                out.extend_from_slice(&ready);
            }
        }
    }
    let (last, meta) = writer.finish().unwrap();
    assert!(
        most < 32 << 20 && last.len() < 32 << 20,
        "{most}, {}",
        last.len()
    );
    assert!(meta.row_groups > 1, "{meta:?}");
    out.extend_from_slice(&last);
    let table: RecordBatch = as_others_read(&out.into());
    assert_eq!(table.num_rows() as u64, pushed);
}

#[test]
fn a_row_that_was_pushed_is_the_row_that_was_read() {
    let file = open("duckdb.parquet");
    let names = ["n".to_owned()];
    let reading = FileReading {
        cells: &names,
        parts: true,
        ..FileReading::default()
    };
    let results = [column("copy", ResultKind::Text)];
    let mut writer = PartWriter::new(&TableLayout::of(&file).unwrap(), &results, &[]).unwrap();
    let mut rows = file.read(3..11, &reading).unwrap();
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows() {
            let Cell::Text(text) = row.cell(0) else {
                panic!("{row:?}");
            };
            writer.push(row, &[ResultCell::Text(text)]).unwrap();
        }
    }
    let (output, _) = writer.finish().unwrap();
    let both = ["n", "copy"].map(str::to_owned);
    for row in cells(&open_bytes("joined", join(&[output])), 0..8, &both) {
        assert_eq!(row[0], row[1]);
    }
}
