//! A stack over a table that the test makes.

use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, Request};
use quarry_edge::store::WriteCondition;
use quarry_local_stack::{BUCKET, Finished, LocalStack, RunError, StackConfig};
use quarry_table::{Format, RowDecoder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;
use tempfile::TempDir;

/// 2026-01-02T03:04:05Z.
pub(crate) const NOW: Duration = Duration::from_secs(1_767_323_045);

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b", "c"]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "note": {"type": "string", "minLength": 1},
        },
        "required": ["kind", "score", "note"],
        "additionalProperties": false,
    })
}

/// Returns a table of `rows` rows with distinct prompts.
pub(crate) fn csv(rows: usize) -> String {
    let mut text = String::from("id,text\n");
    for row in 0..rows {
        let _ = writeln!(text, "{row:05},\"row {row}, \"\"quoted\"\" and\nbroken\"");
    }
    text
}

/// A stack on its own directory, and the request over `data.csv`.
pub(crate) struct Case {
    pub(crate) stack: LocalStack,
    pub(crate) request: Request,
    _directory: TempDir,
}

pub(crate) fn config(directory: &TempDir) -> StackConfig {
    let mut config = StackConfig::new(directory.path().to_owned(), NOW);
    config.settings = BTreeMap::from([
        (
            "BEDROCK_PRIMARY_MODEL_ID".to_owned(),
            "us.anthropic.claude-sonnet-4-20250514-v1:0".to_owned(),
        ),
        (
            "BEDROCK_BATCH_ROLE_ARN".to_owned(),
            "arn:aws:iam::123456789012:role/BatchRole".to_owned(),
        ),
        ("BEDROCK_BATCH_MODE".to_owned(), "batch".to_owned()),
    ]);
    config
}

impl Case {
    /// Creates a case over one CSV file; `change` is applied last to the stack's configuration.
    pub(crate) async fn new(
        data: &str,
        settings: &[(&str, &str)],
        change: impl FnOnce(&mut StackConfig),
    ) -> Self {
        let file = ("data.csv", Bytes::from(data.to_owned()));
        Self::of_files(&[file], "Judge {id}: {text}", settings, change).await
    }

    /// Creates a case over files of any format.
    pub(crate) async fn of_files(
        files: &[(&str, Bytes)],
        prompt: &str,
        settings: &[(&str, &str)],
        change: impl FnOnce(&mut StackConfig),
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&directory);
        change(&mut config);
        let stack = LocalStack::start(config).await.unwrap();
        let store = stack.store();
        for (name, body) in files {
            let at = place(&format!("data/{name}"));
            store
                .put(&at, body.clone(), WriteCondition::Always)
                .await
                .unwrap();
        }
        for (key, body) in [
            (
                "pipeline/prompts.json",
                json!({"user_prompt_template": prompt}).to_string(),
            ),
            ("pipeline/schema.json", schema().to_string()),
        ] {
            store
                .put(&place(key), Bytes::from(body), WriteCondition::Always)
                .await
                .unwrap();
        }
        let request = Request {
            version: 1,
            data: place("data/"),
            data_content: None,
            prompts: place("pipeline/prompts.json"),
            schema: Some(place("pipeline/schema.json")),
            output: place("results/"),
            summary: None,
            work: None,
            job_type: JobType::Validation,
            sample: None,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            callback: None,
        };
        Self {
            stack,
            request,
            _directory: directory,
        }
    }

    pub(crate) async fn run(&self) -> Result<Finished, RunError> {
        self.stack.run("run", &self.request).await
    }

    /// Puts an object, and replaces an existing one.
    pub(crate) async fn put(&self, key: &str, body: &str) {
        let body = Bytes::from(body.to_owned());
        self.stack
            .store()
            .put(&place(key), body, WriteCondition::Always)
            .await
            .unwrap();
    }

    /// Returns the result table as text.
    pub(crate) async fn result(&self) -> String {
        let bytes = self.written("validation_processed_data.csv").await;
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Returns a file of the results.
    pub(crate) async fn written(&self, name: &str) -> Bytes {
        let at = place(&format!("results/{name}"));
        self.stack.store().get(&at, 1 << 30).await.unwrap()
    }
}

/// Whether the tests run in their long form, which takes many minutes.
pub(crate) fn is_long() -> bool {
    std::env::var_os("QUARRY_LONG_TESTS").is_some()
}

pub(crate) fn place(key: &str) -> S3Uri {
    S3Uri::new(BUCKET, key).unwrap()
}

/// Returns the rows of a text table, unchanged.
pub(crate) fn rows_of(format: Format, table: &[u8]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut decoder = RowDecoder::start(format, "table");
    decoder.push(table);
    decoder.end();
    while let Some(row) = decoder.next_row().unwrap() {
        rows.push(String::from_utf8(row.raw().to_vec()).unwrap());
    }
    rows
}

/// Compares the rows of a result with those of its input: every row once, in order, with its bytes
/// unchanged.
pub(crate) fn assert_rows_once(format: Format, before: &[String], after: &[String]) {
    assert_eq!(before.len(), after.len(), "rows in and out");
    let separator = if format == Format::Tsv { '\t' } else { ',' };
    for (before, after) in before.iter().zip(after) {
        let kept = match format {
            // The result adds members to an object before its closing brace.
            Format::JsonLines => before.strip_suffix('}').unwrap(),
            Format::Csv | Format::Tsv => before,
        };
        let rest = after.strip_prefix(kept);
        assert!(
            rest.is_some_and(|rest| rest.starts_with(separator)),
            "{before} became {after}"
        );
    }
}

/// Does the same for a single CSV file.
pub(crate) fn assert_every_row_once(input: &str, result: &str) {
    let [before, after] = [input, result].map(|text| rows_of(Format::Csv, text.as_bytes()));
    assert_rows_once(Format::Csv, &before, &after);
}
