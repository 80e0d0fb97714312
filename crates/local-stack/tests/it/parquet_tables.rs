//! Promise: Parquet tables keep every value and its type, whichever program wrote them, and the
//! schema gives the results their types.

use crate::support::Case;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt8Array,
};
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use quarry_bedrock_simulator::Faults;
use quarry_local_stack::CallLimit;
use std::path::Path;
use std::sync::Arc;

/// Returns a table of many types whose values depend only on the seed; ids count from `first_id`.
pub(crate) fn random(seed: u64, first_id: i64, rows: usize) -> RecordBatch {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut values: Vec<Option<u64>> = Vec::new();
    for _ in 0..rows {
        let number = next();
        values.push((number % 5 > 0).then_some(number));
    }
    let words = ["", "00123", "NA", "„Straße“", "{id} {text}", "two\nlines"];
    let word = |number: u64| words[usize::try_from(number % 6).unwrap()];
    let mut tags = ListBuilder::new(StringBuilder::new());
    for value in &values {
        for _ in 0..value.unwrap_or_default() % 3 {
            tags.values().append_option(value.map(word));
        }
        tags.append(value.is_some());
    }
    let ids = first_id..first_id + i64::try_from(rows).unwrap();
    let signed = |number: u64| i64::try_from(number).unwrap();
    let values = || values.iter().copied();
    let texts: StringArray = values().map(|value| value.map(word)).collect();
    let small: UInt8Array = values()
        .map(|value| value.map(|number| u8::try_from(number % 256).unwrap()))
        .collect();
    let prices: Decimal128Array = values()
        .map(|value| value.map(|number| i128::from(signed(number)) - 1_000_000))
        .collect();
    let weights: Float32Array = values()
        .map(|value| value.map(|number| f32::from_bits(u32::try_from(number % (1 << 30)).unwrap())))
        .collect();
    let times: TimestampMicrosecondArray = values().map(|value| value.map(signed)).collect();
    let flags: BooleanArray = values()
        .map(|value| value.map(|number| number % 2 == 0))
        .collect();
    let columns: [(&str, ArrayRef); 8] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids))),
        ("text", Arc::new(texts)),
        ("small", Arc::new(small)),
        (
            "price",
            Arc::new(prices.with_precision_and_scale(20, 3).unwrap()),
        ),
        ("weight", Arc::new(weights)),
        ("at", Arc::new(times.with_timezone("+05:30"))),
        ("flag", Arc::new(flags)),
        ("tags", Arc::new(tags.finish())),
    ];
    // All columns are nullable, whatever their values, so that files agree.
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

/// Returns a file with row groups of `group` rows.
pub(crate) fn file_of(table: &RecordBatch, group: usize) -> Bytes {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties)).unwrap();
    writer.write(table).unwrap();
    writer.into_inner().unwrap().into()
}

/// Returns a file's rows as readers see them.
fn read(file: Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
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
    let keys: Int32Array = keys.iter().map(|key| key.map(i32::from)).collect();
    Arc::new(DictionaryArray::new(keys, Arc::clone(categories.values())))
}

/// Compares a result with its input: the first columns must have the same values of the same types, except that
/// the indices of categories are wide.
pub(crate) fn assert_passed_through(input: &[RecordBatch], result: Bytes) {
    let result = read(result);
    let schema = input[0].schema();
    let input = concat_batches(&schema, input).unwrap();
    assert_eq!(result.num_rows(), input.num_rows());
    for (number, field) in schema.fields().iter().enumerate() {
        let found = result.schema();
        let found = found.field(number);
        let expected = with_wide_indices(input.column(number));
        assert_eq!(
            (found.name(), found.data_type()),
            (field.name(), expected.data_type())
        );
        assert_eq!(result.column(number), &expected, "{}", field.name());
    }
}

const BY_JOBS: [(&str, &str); 3] = [
    ("BEDROCK_MAX_RECORDS_PER_JOB", "7"),
    ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
    ("BEDROCK_BATCH_MODE", "batch"),
];

/// Returns a fixture of `quarry-parquet`: a file of another writer.
fn fixture(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../parquet/tests/fixtures")
        .join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into()
}

async fn case(files: &[(&str, Bytes)], prompt: &str) -> Case {
    Case::of_files(files, prompt, &BY_JOBS, |config| {
        config.limits.min_records_per_job = 1;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_pyarrow_spark_and_duckdb_pass_through() {
    for (name, column) in [
        ("pyarrow_types", "int8"),
        ("pyarrow_pages", "id"),
        ("spark_default", "id"),
        ("spark_groups", "id"),
        ("duckdb", "id"),
        ("pandas", "id"),
        ("fastparquet", "id"),
    ] {
        let input = fixture(&format!("{name}.parquet"));
        let table = read(input.clone());
        // Any column with a text form is suitable.
        let column = match table.schema().index_of(column) {
            Ok(_) => column.to_owned(),
            Err(_) => table
                .schema()
                .fields()
                .iter()
                .find(|field| !matches!(field.data_type(), DataType::Binary))
                .map(|field| field.name().clone())
                .unwrap(),
        };
        let file = (&*format!("{name}.parquet"), input);
        let case = case(&[file], &format!("Judge {{{column}}}")).await;
        let finished = case.run().await.unwrap();
        assert_eq!(finished.output.failed, 0, "{name}");
        let result = case.written("validation_processed_data.parquet").await;
        assert_passed_through(&[table], result);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn result_columns_have_the_types_of_the_schema() {
    let table = random(1, 0, 30);
    let case = case(&[("t.parquet", file_of(&table, 11))], "Judge {id}").await;
    case.run().await.unwrap();
    let result = read(case.written("validation_processed_data.parquet").await);
    let found: Vec<(String, DataType)> = result.schema().fields()[table.num_columns()..]
        .iter()
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect();
    let expected = [
        ("llm_kind", DataType::Utf8),
        ("llm_score", DataType::Float64),
        ("llm_note", DataType::Utf8),
        ("llm_parse_status", DataType::Utf8),
        ("llm_validation_passed", DataType::Boolean),
        ("llm_status", DataType::Utf8),
        ("llm_error", DataType::Utf8),
        ("llm_raw_response", DataType::Utf8),
        ("llm_validation_error", DataType::Utf8),
    ];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let scores = result.column_by_name("llm_score").unwrap();
    assert_eq!(scores.null_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_without_an_answer_are_left_out_where_that_is_set() {
    let table = random(3, 0, 20);
    let settings = [
        ("BEDROCK_BATCH_MODE", "batch"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ("BEDROCK_MAX_RETRIES", "0"),
        ("BEDROCK_SKIP_ERROR_RECORDS", "TRUE"),
    ];
    let files = [("t.parquet", file_of(&table, 6))];
    let case = Case::of_files(&files, "Judge {id}", &settings, |config| {
        config.limits.min_records_per_job = 1;
        let faults = r#"{"records": [{"every": 4, "offset": 1, "kind": "error_line"}]}"#;
        config.faults = Faults::from_json(faults.as_bytes()).unwrap();
    })
    .await;
    let finished = case.run().await.unwrap();
    assert_eq!(finished.summary["rows"]["left_out_as_errors"], 5);
    assert_eq!(finished.summary["failed_records"], 5);
    let kept: BooleanArray = (0..20).map(|row| Some(row % 4 != 1)).collect();
    let expected = filter_record_batch(&table, &kept).unwrap();
    let result = case.written("validation_processed_data.parquet").await;
    assert_passed_through(&[expected], result);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_rows_gives_the_columns() {
    let table = random(1, 0, 0);
    let case = case(&[("t.parquet", file_of(&table, 10))], "Judge {id}").await;
    let finished = case.run().await.unwrap();
    assert_eq!(finished.output.rows, 0);
    let result = read(case.written("validation_processed_data.parquet").await);
    assert_eq!(
        (result.num_rows(), result.num_columns()),
        (0, table.num_columns() + 9)
    );
    assert!(finished.summary["notes"].to_string().contains("no rows"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_small_pieces_of_work_gives_the_same_bytes() {
    let files = [
        ("a.parquet", file_of(&random(1, 0, 5_000), 900)),
        ("b.parquet", file_of(&random(2, 5_000, 300), 900)),
    ];
    let settings = [
        ("BEDROCK_MAX_RECORDS_PER_JOB", "1000"),
        ("BEDROCK_BATCH_MODE", "batch"),
    ];
    let whole = Case::of_files(&files, "Judge {id}", &settings, |_| {}).await;
    let at_once = whole.run().await.unwrap();
    let pieces = Case::of_files(&files, "Judge {id}", &settings, |config| {
        config.call_limit = CallLimit::Pieces(1);
    })
    .await;
    let in_pieces = pieces.run().await.unwrap();
    assert!(
        in_pieces.outcome.history_events > at_once.outcome.history_events,
        "plan was called again and again"
    );
    let name = "validation_processed_data.parquet";
    assert_eq!(whole.written(name).await, pieces.written(name).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_refused_by_name_before_any_job() {
    let other = random(1, 0, 3).project(&[0, 1]).unwrap();
    let whole = random(1, 0, 3);
    let mut damaged = file_of(&random(7, 0, 2_000), 500).to_vec();
    // The header of the first page.
    for byte in &mut damaged[4..40] {
        *byte ^= 0x5a;
    }
    let cut = file_of(&whole, 3).slice(0..300);
    let cases = [
        (
            vec![
                ("a.parquet", file_of(&whole, 3)),
                ("b.parquet", file_of(&other, 3)),
            ],
            "Judge {id}",
            vec!["a.parquet", "8 columns", "b.parquet", "2 columns"],
        ),
        (
            vec![("t.parquet", fixture("duckdb.parquet"))],
            "Judge {blob}",
            vec!["t.parquet", "\"blob\"", "no text form"],
        ),
        (
            vec![("t.parquet", file_of(&whole, 3))],
            "Judge {no_such}",
            vec!["t.parquet", "no_such"],
        ),
        (
            vec![("t.parquet", damaged.into())],
            "Judge {id} {text} {tags}",
            vec!["t.parquet", "damaged"],
        ),
        (
            vec![("t.parquet", cut)],
            "Judge {id}",
            vec!["t.parquet", "Parquet"],
        ),
    ];
    for (files, prompt, words) in cases {
        let case = case(&files, prompt).await;
        let error = case.run().await.expect_err("a refusal");
        assert_eq!(error.error, "Quarry.BadRequest", "{error:?}");
        for word in words {
            assert!(error.cause.contains(word), "{word}: {error:?}");
        }
        assert_eq!(case.stack.counters().jobs_created, 0);
    }
}
