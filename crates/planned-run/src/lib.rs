//! A planned run over a table in memory, for the tests of each step after `plan`.
//!
//! The table has one column, `row`, with the cells `r0`, `r1`, …. The prompt is only the cell, so
//! that a test can tell the row from the request.
//!
//! Limits: there is one table without a schema, and every step gets its plan from the real `plan`.
//! Whole runs are tested in `quarry-local-stack`.

use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{PlanInput, PlanOutput};
use quarry_edge::clock::Unlimited;
use quarry_edge::error::StepError;
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The run's model unless the settings name another.
pub const MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/// When the runs start. On this day every model that the tests name is in service.
pub const STARTED: &str = "2026-01-02T03:04:05Z";

/// The settings with which every round that has a record becomes a job.
pub const BY_JOBS: [(&str, &str); 3] = [
    (
        "BEDROCK_BATCH_ROLE_ARN",
        "arn:aws:iam::123456789012:role/BatchRole",
    ),
    ("BEDROCK_BATCH_MODE", "batch"),
    ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
];

/// Metrics that are discarded.
pub struct Silent;

impl Metrics for Silent {
    fn emit(&self, _: &[(Metric, u64)]) {}
}

/// Plans a run over `rows` rows. If a setting occurs several times, the last one counts.
///
/// # Panics
///
/// When `plan` refuses the settings.
pub async fn planned(store: &MemoryStore, rows: u32, settings: &[(&str, &str)]) -> PlanOutput {
    let planned = try_planned(store, rows, STARTED, settings).await;
    planned.expect("the run can be planned")
}

/// Plans a run that starts at a time such as [`STARTED`], or returns why `plan` refuses it.
///
/// # Errors
///
/// Those of `plan`.
///
/// # Panics
///
/// If memory does not accept an object, which does not happen.
pub async fn try_planned(
    store: &MemoryStore,
    rows: u32,
    started: &str,
    settings: &[(&str, &str)],
) -> Result<PlanOutput, StepError> {
    let lines: Vec<String> = (0..rows).map(|row| format!("r{row}\n")).collect();
    let prompts = json!({"user_prompt_template": "{row}", "input_placeholders": ["row"]});
    put(store, "in/rows.csv", format!("row\n{}", lines.concat())).await;
    put(store, "prompts/prompts.json", prompts.to_string()).await;
    let mut input: PlanInput = serde_json::from_value(json!({
        "version": 1,
        "execution": "run",
        "started": started,
        "turn": 0,
        "request": {
            "version": 1,
            "data": "s3://bucket/in/",
            "prompts": "s3://bucket/prompts/",
            "output": "s3://bucket/out/",
            "work": "s3://bucket/work/",
            "job_type": "validation",
            "settings": {"BEDROCK_PRIMARY_MODEL_ID": MODEL},
        },
    }))
    .expect("a plan's input");
    for (name, value) in settings {
        let settings = &mut input.request.settings;
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
    let deps = quarry_plan::Deps {
        store: Arc::new(store.clone()),
        settings: BTreeMap::new(),
        work: None,
        metrics: Arc::new(Silent),
    };
    quarry_plan::handle(&deps, input, &Unlimited).await
}

async fn put(store: &MemoryStore, key: &str, text: String) {
    let at: S3Uri = format!("s3://bucket/{key}").parse().expect("a location");
    let written = store.put(&at, Bytes::from(text), false).await;
    written.expect("memory takes every object");
}
