//! Promise: for any table and any faults, the result has the same rows in the same order, with the
//! same bytes.

use crate::parquet_tables;
use crate::support::{Case, assert_rows_once, rows_of};
use arrow_array::RecordBatch;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quarry_bedrock_simulator::Faults;
use quarry_table::Format;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 ]{0,12}",
        Just("with \"quotes\"".to_owned()),
        Just("two\r\nlines, a comma and a\ttab".to_owned()),
        Just("{id} {text}".to_owned()),
        Just("„Straße“ 😀".to_owned()),
        Just("00123".to_owned()),
        Just("NA".to_owned()),
    ]
}

/// A file of a text table, and whether it is compressed.
#[derive(Debug)]
struct TextFile {
    rows: Vec<(String, String)>,
    gzip: bool,
}

fn text_files() -> impl Strategy<Value = (Format, Vec<TextFile>)> {
    let formats = prop_oneof![
        Just(Format::Csv),
        Just(Format::Tsv),
        Just(Format::JsonLines)
    ];
    let rows = prop::collection::vec((cell(), cell()), 0..30);
    let file = (rows, prop::bool::ANY).prop_map(|(rows, gzip)| TextFile { rows, gzip });
    (formats, prop::collection::vec(file, 1..4))
}

/// Returns a file's text. `first` is the number of its first row, which makes prompts distinct.
fn text_of(format: Format, rows: &[(String, String)], first: usize, newline: &str) -> String {
    let delimiter = if format == Format::Tsv { "\t" } else { "," };
    let row_of = |cells: [&str; 3]| {
        let cells = cells.map(|cell| {
            if cell.contains(['"', '\r', '\n', ',', '\t']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.to_owned()
            }
        });
        cells.join(delimiter)
    };
    let mut lines = Vec::new();
    if format != Format::JsonLines {
        lines.push(row_of(["id", "text", "more"]));
    }
    for (number, (text, more)) in rows.iter().enumerate() {
        let number = first + number;
        lines.push(match (format, more.as_str()) {
            (Format::JsonLines, "") => json!({"id": number, "text": text}).to_string(),
            (Format::JsonLines, "00123") => {
                format!(
                    "{{\"id\":{number},\"text\":{},\"more\":[1.50,null]}}",
                    json!(text)
                )
            }
            (Format::JsonLines, _) => json!({"id": number, "text": text, "more": more}).to_string(),
            (Format::Csv | Format::Tsv, _) => row_of([&number.to_string(), text, more]),
        });
    }
    lines.push(String::new());
    lines.join(newline)
}

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
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

/// How a table is processed.
#[derive(Debug)]
struct Settings {
    most_records: String,
    mode: &'static str,
    retries: String,
}

impl Settings {
    fn each(&self) -> [(&str, &str); 5] {
        [
            ("BEDROCK_MAX_RECORDS_PER_JOB", &self.most_records),
            ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
            ("BEDROCK_BATCH_MODE", self.mode),
            ("BEDROCK_MAX_RETRIES", &self.retries),
            // Some faults let every record fail.
            ("BEDROCK_NO_ANSWERS", "allow"),
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
fn any_text_table_and_any_faults_give_every_row_once_in_order() {
    let case = (text_files(), prop::bool::ANY, faults(), settings());
    let runtime = runtime();
    let mut runner = TestRunner::new(Config::with_cases(20));
    runner
        .run(&case, |((format, files), crlf, faults, settings)| {
            let newline = if crlf { "\r\n" } else { "\n" };
            let mut rows = Vec::new();
            let mut written: Vec<(String, Bytes)> = Vec::new();
            for (number, file) in files.iter().enumerate() {
                let text = text_of(format, &file.rows, rows.len(), newline);
                rows.extend(rows_of(format, text.as_bytes()));
                let name = format!("{number}.{}", format.extension());
                written.push(if file.gzip {
                    (format!("{name}.gz"), compressed(&text).into())
                } else {
                    (name, text.into())
                });
            }
            let all_compressed = files.iter().all(|file| file.gzip);
            let files: Vec<(&str, Bytes)> = written
                .iter()
                .map(|(name, bytes)| (name.as_str(), bytes.clone()))
                .collect();
            let settings = settings.each();
            runtime.block_on(async {
                let case = Case::of_files(&files, "Judge {id}: {text}", &settings, |config| {
                    config.faults = faults;
                    config.limits.min_records_per_job = 1;
                })
                .await;
                let finished = case.run().await.unwrap();
                prop_assert_eq!(finished.output.rows, rows.len() as u64);
                let name = format!("validation_processed_data.{}", format.extension());
                let result = if all_compressed {
                    unpacked(&case.written(&format!("{name}.gz")).await)
                } else {
                    case.written(&name).await.to_vec()
                };
                assert_rows_once(format, &rows, &rows_of(format, &result));
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
    let mut runner = TestRunner::new(Config::with_cases(10));
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
