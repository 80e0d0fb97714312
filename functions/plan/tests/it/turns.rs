//! A scan that outlasts an invocation continues in the next one, and plans the same run.

use crate::support::{CELL, WHOLE, plan_in, run, slice_in};
use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::memory::MemoryStore;
use quarry_planned_run::{RunInput, TimeFor};
use std::io::Write;
use std::sync::Arc;

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

async fn planned(store: &MemoryStore) -> (Plan, Vec<Slice>) {
    let plan = plan_in(store).await;
    let mut slices = Vec::new();
    for slice in 0..plan.slices {
        slices.push(slice_in(store, slice).await);
    }
    (plan, slices)
}

/// Plans in calls that each have time for one piece of work. Returns the number of calls.
async fn in_turns(input: &RunInput) -> u32 {
    let mut turn = 0;
    loop {
        let store = Arc::new(input.store.clone());
        let output = input.call(store, turn, &TimeFor::pieces(1)).await.unwrap();
        assert_eq!(output.turn, turn + 1);
        turn += 1;
        if output.done {
            return turn;
        }
        assert!(turn < 50, "no end in sight");
        assert_eq!(output.slices, 0, "nothing is planned yet");
        let there = input.store.locations();
        assert!(there.contains(&run().plan_progress()));
        assert!(!there.contains(&run().plan()) && !there.contains(&run().manifest()));
    }
}

#[tokio::test]
async fn compressed_files_are_unpacked_over_several_calls_and_only_once() {
    let files: Vec<(String, Vec<u8>)> = (0..4)
        .map(|file| (format!("{file}.csv.gz"), packed(&format!("row\nr{file}\n"))))
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, body)| (&**name, &**body))
        .collect();
    let at_once = RunInput::new(CELL, &files).await;
    at_once.planned().await.unwrap();
    let in_pieces = RunInput::new(CELL, &files).await;
    assert!(
        in_turns(&in_pieces).await >= 4,
        "a call has time for one file"
    );
    assert_eq!(
        planned(&in_pieces.store).await,
        planned(&at_once.store).await
    );
}

/// The file is larger than what is read at once.
#[tokio::test]
async fn a_large_file_is_scanned_over_several_calls_with_the_same_slices() {
    let row = "x".repeat(250_000);
    let table = format!("row\n{}", format!("{row}\n").repeat(36));
    let input = || async {
        RunInput::new(CELL, &[("rows.csv", table.as_bytes())])
            .await
            .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
            .set("BEDROCK_MAX_RECORDS_PER_JOB", "7")
    };
    let at_once = input().await;
    at_once.planned().await.unwrap();
    let in_pieces = input().await;
    assert!(in_turns(&in_pieces).await > 1);
    assert_eq!(
        planned(&in_pieces.store).await,
        planned(&at_once.store).await
    );
}

#[tokio::test]
async fn a_parquet_table_is_scanned_over_several_calls_with_the_same_slices() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let files = [("a.parquet", &table[..]), ("b.parquet", table)];
    let at_once = RunInput::new(WHOLE, &files).await;
    at_once.planned().await.unwrap();
    let in_pieces = RunInput::new(WHOLE, &files).await;
    assert!(in_turns(&in_pieces).await > 1);
    assert_eq!(
        planned(&in_pieces.store).await,
        planned(&at_once.store).await
    );
}

/// The response of a call was lost, so the state machine repeats the call.
#[tokio::test]
async fn a_turn_that_is_repeated_plans_the_same_run() {
    let files = [
        ("a.csv.gz", &*packed("row\nr0\n")),
        ("b.csv.gz", &packed("row\nr1\n")),
    ];
    let at_once = RunInput::new(CELL, &files).await;
    at_once.planned().await.unwrap();
    let input = RunInput::new(CELL, &files).await;
    let store = Arc::new(input.store.clone());
    let output = input.call(store.clone(), 0, &TimeFor::pieces(1)).await;
    assert!(!output.unwrap().done);
    for _ in 0..2 {
        let output = input.call(store.clone(), 1, &Unlimited).await.unwrap();
        assert!(output.done);
        assert_eq!(planned(&input.store).await, planned(&at_once.store).await);
    }
}

#[tokio::test]
async fn a_file_that_changes_between_two_calls_is_data_that_changed() {
    let files = [
        ("a.csv.gz", &*packed("row\nr0\n")),
        ("b.csv.gz", &packed("row\nr1\n")),
    ];
    let input = RunInput::new(CELL, &files).await;
    let store = Arc::new(input.store.clone());
    let output = input.call(store.clone(), 0, &TimeFor::pieces(1)).await;
    assert!(!output.unwrap().done);
    input.put("in/b.csv.gz", packed("row\nother\n")).await;
    let failed = input.call(store, 1, &Unlimited).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.DataChanged");
    assert!(failed.full_message().contains("b.csv.gz"), "{failed}");
}

#[tokio::test]
async fn a_turn_without_the_progress_of_the_one_before_is_not_found() {
    let input = RunInput::new(CELL, &[("a.csv", b"row\nr0\n")]).await;
    let failed = input
        .call(Arc::new(input.store.clone()), 1, &Unlimited)
        .await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.name(), "Quarry.NotFound");
    let at = run().plan_progress().to_string();
    assert!(failed.full_message().contains(&at), "{failed}");
}
