//! The refusal of a run, and the documents of a planned one.

use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::documents;
use quarry_edge::s3::memory::MemoryStore;
use quarry_planned_run::RunInput;
use std::io::Write;

/// A prompt that shows the whole row.
pub(crate) const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;

/// A prompt that consists of a row's text.
pub(crate) const CELL: &str = r#"{"user_prompt_template": "{row}", "input_placeholders": ["row"]}"#;

/// Returns the words of the refusal, and asserts that the run's folder has nothing for a later
/// step.
pub(crate) async fn refusal(input: &RunInput) -> String {
    let error = input.planned().await.expect_err("the run must be refused");
    assert_eq!(error.name(), "Quarry.BadRequest", "{error}");
    assert!(!input.store.locations().contains(&run().plan()));
    error.full_message()
}

/// Returns the folder of the run that a [`RunInput`] plans.
pub(crate) fn run() -> RunFolder {
    RunFolder::at("s3://bucket/work/run".parse().unwrap())
}

/// Returns the input of a run over a CSV table with the cells `r0`, `r1`, …, in a bucket with versions.
pub(crate) async fn rows(rows: usize) -> RunInput {
    let lines: Vec<String> = (0..rows).map(|row| format!("r{row}\n")).collect();
    let table = format!("row\n{}", lines.concat());
    let store = MemoryStore::new().with_versions();
    RunInput::over(&store, CELL, &[("rows.csv", table.as_bytes())]).await
}

pub(crate) async fn plan_in(store: &MemoryStore) -> Plan {
    documents::read(store, &run().plan()).await.unwrap()
}

pub(crate) async fn slice_in(store: &MemoryStore, slice: u32) -> Slice {
    let at = run().slice(slice).spec();
    documents::read(store, &at).await.unwrap()
}

/// Returns a gzip file of this text.
pub(crate) fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}
