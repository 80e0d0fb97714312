//! Promise: for any table and any faults the result has the same rows in the same order, with the
//! same bytes.

use crate::parquet_tables;
use crate::support::{Case, assert_every_row_once};
use arrow_array::RecordBatch;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quarry_bedrock_simulator::Faults;
use serde_json::{Value, json};
use std::fmt::Write;

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 ]{0,12}",
        Just("\"with \"\"quotes\"\"\"".to_owned()),
        Just("\"two\r\nlines, and a comma\"".to_owned()),
        Just("{id} {text}".to_owned()),
        Just("„Straße“ 😀".to_owned()),
        Just("00123".to_owned()),
        Just("NA".to_owned()),
    ]
}

const FAULTS: [&str; 11] = [
    "error_line",
    "missing",
    "duplicate",
    "conflicting_duplicate",
    "unknown_id",
    "malformed_line",
    "german_quotes",
    "fenced",
    "prose",
    "schema_violation",
    "max_tokens",
];

fn faults() -> impl Strategy<Value = Faults> {
    prop::collection::vec((0..FAULTS.len(), 1u64..9, 0u64..9, 1u32..4), 0..5).prop_map(|faults| {
        let records: Vec<Value> = faults
            .iter()
            .map(|(kind, every, offset, times)| {
                json!({"every": every, "offset": offset, "times": times, "kind": FAULTS[*kind]})
            })
            .collect();
        serde_json::from_value(json!({ "records": records })).unwrap()
    })
}

/// How a table is asked.
#[derive(Debug)]
struct Settings {
    most_records: String,
    mode: &'static str,
    retries: String,
}

impl Settings {
    fn each(&self) -> [(&str, &str); 4] {
        [
            ("BEDROCK_MAX_RECORDS_PER_JOB", &self.most_records),
            ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
            ("BEDROCK_BATCH_MODE", self.mode),
            ("BEDROCK_MAX_RETRIES", &self.retries),
        ]
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    (1u64..20, prop::bool::ANY, 0u32..3).prop_map(|(most, batch, retries)| Settings {
        most_records: most.to_string(),
        mode: if batch { "batch" } else { "realtime" },
        retries: retries.to_string(),
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn any_table_and_any_faults_give_every_row_once_in_order() {
    let case = (
        prop::collection::vec((cell(), cell()), 0..60),
        prop::bool::ANY,
        faults(),
        settings(),
    );
    let runtime = runtime();
    let mut runner = TestRunner::new(Config::with_cases(24));
    runner
        .run(&case, |(rows, crlf, faults, settings)| {
            let newline = if crlf { "\r\n" } else { "\n" };
            let mut data = format!("id,text,more{newline}");
            for (number, (a, b)) in rows.iter().enumerate() {
                // The number keeps prompts apart.
                let _ = write!(data, "{number},{a},{b}{newline}");
            }
            let settings = settings.each();
            runtime.block_on(async {
                let case = Case::new(&data, &settings, |config| {
                    config.faults = faults;
                    config.limits.min_records_per_job = 1;
                })
                .await;
                let finished = case.run().await.unwrap();
                prop_assert_eq!(finished.output.rows, rows.len() as u64);
                assert_every_row_once(&data, &case.result().await);
                Ok(())
            })
        })
        .unwrap();
}

#[test]
fn any_parquet_table_and_any_faults_give_every_row_once_in_order() {
    let case = (
        prop::collection::vec((any::<u64>(), 0usize..40), 1..4),
        1usize..30,
        faults(),
        settings(),
    );
    let runtime = runtime();
    let mut runner = TestRunner::new(Config::with_cases(16));
    runner
        .run(&case, |(files, group, faults, settings)| {
            let mut first_id = 0;
            let tables: Vec<RecordBatch> = files
                .iter()
                .map(|(seed, rows)| {
                    let table = parquet_tables::random(*seed, first_id, *rows);
                    first_id += i64::try_from(*rows).unwrap();
                    table
                })
                .collect();
            let written: Vec<(String, Bytes)> = tables
                .iter()
                .enumerate()
                .map(|(number, table)| {
                    let name = format!("{number}.parquet");
                    (name, parquet_tables::file_of(table, group))
                })
                .collect();
            let files: Vec<(&str, Bytes)> = written
                .iter()
                .map(|(name, bytes)| (name.as_str(), bytes.clone()))
                .collect();
            let settings = settings.each();
            runtime.block_on(async {
                let prompt = "Judge {id}: {text} {price} {tags} {at}";
                let case = Case::of_files(&files, prompt, &settings, |config| {
                    config.faults = faults;
                    config.limits.min_records_per_job = 1;
                })
                .await;
                let finished = case.run().await.unwrap();
                prop_assert_eq!(finished.output.rows, u64::try_from(first_id).unwrap());
                let result = case.written("validation_processed_data.parquet").await;
                parquet_tables::assert_passed_through(&tables, result);
                Ok(())
            })
        })
        .unwrap();
}
