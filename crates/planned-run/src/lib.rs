//! A planned run over a table in memory, for the tests of each step after `plan`.
//!
//! The table has one column, `row`, with the cells `r0`, `r1`, …. The prompt is only the cell, so
//! that a test can tell the row from the request.
//!
//! Limits: there is one table without a schema, and every step gets its plan from the real `plan`.
//! Whole runs are tested in `quarry-local-stack`.

mod doubles;
mod input;
mod jobs;

pub use doubles::{Emitted, Moment, Silent, TimeFor};
pub use input::{MODEL, RunInput, STARTED};
pub use jobs::MemoryJobs;

use bytes::Bytes;
use quarry_contract::payload::PlanOutput;
use quarry_edge::error::StepError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use serde_json::json;
use std::collections::BTreeMap;

/// The settings with which every round that has a record becomes a job.
pub const BY_JOBS: [(&str, &str); 3] = [
    (
        "BEDROCK_BATCH_ROLE_ARN",
        "arn:aws:iam::123456789012:role/BatchRole",
    ),
    ("BEDROCK_BATCH_MODE", "batch"),
    ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
];

/// The setting of a model that has room for only a few short words.
pub const SMALL_MODEL: (&str, &str) = ("BEDROCK_MODEL_CAPABILITIES", r#"{"max_input_tokens": 20}"#);

/// Returns a cell whose record does not fit [`SMALL_MODEL`], however its tokens are counted.
pub fn long_cell() -> String {
    let numbers: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    numbers.join(" ")
}

/// Plans a run over `rows` rows. If a setting occurs several times, the last one counts.
///
/// # Panics
///
/// If `plan` refuses the settings.
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
    let table = format!("row\n{}", lines.concat());
    let files = [("rows.csv", table.as_bytes())];
    let mut input = RunInput::over(store, &prompts.to_string(), &files).await;
    started.clone_into(&mut input.payload.started);
    for (name, value) in settings {
        input = input.set(name, value);
    }
    input.planned().await
}

/// Returns every object of a store by its location, so that a test can tell what a call changed.
///
/// # Panics
///
/// If memory does not return an object, which does not happen.
pub async fn contents(store: &MemoryStore) -> BTreeMap<String, Bytes> {
    let mut contents = BTreeMap::new();
    for at in store.locations() {
        let body = store.get(&at, u64::MAX).await;
        contents.insert(at.to_string(), body.expect("memory has every object"));
    }
    contents
}
