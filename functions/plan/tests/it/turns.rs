//! A scan that outlasts an invocation continues in the next one, and plans the same run.

use crate::support::{CELL, WHOLE, packed, plan_in, run, slice_in};
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::clock::Unlimited;
use quarry_edge::documents;
use quarry_edge::s3::faults::{FaultyStore, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_planned_run::{RunInput, TimeFor};
use std::fmt::Write;
use std::sync::Arc;

/// Returns a compressed table of some `bytes` bytes that do not become smaller, so that it takes several
/// reads.
fn packed_noise(bytes: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut noise = String::from("row\n");
    while noise.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let _ = writeln!(noise, "{state:08x}");
    }
    packed(&noise)
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

/// Unpacking that does not fit into the rest of a call would be lost when the call ends.
#[tokio::test]
async fn a_call_stages_only_as_its_first_work_and_keeps_each_copy() {
    let large = packed_noise(20_000_000);
    let files = [("a.csv.gz", &*packed("row\nr0\n")), ("b.csv.gz", &large)];
    let input = RunInput::new(CELL, &files).await;
    let store = Arc::new(FaultyStore::new(input.store.clone()));
    // One piece for the scan of the first file and one for the start of the second, whose unpacking
    // needs several reads.
    let output = input.call(store.clone(), 0, &TimeFor::pieces(2)).await;
    assert!(!output.unwrap().done);
    assert!(input.store.open_uploads().is_empty());
    let staged = |store: &MemoryStore| {
        let there = store.locations();
        let staged = there.iter().filter(|at| at.key().contains("/staged/"));
        staged.count()
    };
    assert_eq!(staged(&input.store), 1, "the second copy is given up");
    // The next call begins with it, and has time for its pieces, which are some 80, and for a part of the scan, which has
    // more.
    let time = TimeFor::pieces(100);
    assert!(!input.call(store.clone(), 1, &time).await.unwrap().done);
    assert_eq!(staged(&input.store), 2);
    // The call was repeated, because its response was lost: nothing is unpacked again.
    let sent = store.calls(StoreOperation::UploadPart);
    input.call(store.clone(), 1, &Unlimited).await.unwrap();
    assert_eq!(store.calls(StoreOperation::UploadPart), sent);
}

#[tokio::test]
async fn a_file_that_cannot_be_unpacked_in_a_call_is_refused_with_the_remedy() {
    let large = packed_noise(20_000_000);
    let input = RunInput::new(CELL, &[("a.csv.gz", &*large)]).await;
    let store = Arc::new(input.store.clone());
    let failed = input.call(store, 0, &TimeFor::pieces(0)).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(text.contains("a.csv.gz cannot be unpacked"), "{text}");
    assert!(text.contains("as several compressed files"), "{text}");
    assert!(input.store.open_uploads().is_empty());
}

/// A function does nothing after its response, so an upload must be over by then.
#[tokio::test]
async fn a_file_that_breaks_off_after_its_first_parts_leaves_no_upload() {
    let mut large = packed_noise(20_000_000);
    large.truncate(large.len() - 100);
    let input = RunInput::new(CELL, &[("a.csv.gz", &*large)]).await;
    let store = Arc::new(FaultyStore::new(input.store.clone()));
    let failed = input.call(store.clone(), 0, &Unlimited).await.unwrap_err();
    let text = failed.full_message();
    assert!(text.contains("a.csv.gz is not a whole gzip file"), "{text}");
    assert!(store.calls(StoreOperation::UploadPart) > 0);
    assert!(input.store.open_uploads().is_empty());
}

#[tokio::test]
async fn footers_are_read_over_several_calls_and_each_only_once() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let names: Vec<String> = (0..6).map(|file| format!("{file}.parquet")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &table[..])).collect();
    let versions = || MemoryStore::new().with_versions();
    let at_once = RunInput::over(&versions(), WHOLE, &files).await;
    at_once.planned().await.unwrap();
    let input = RunInput::over(&versions(), WHOLE, &files).await;
    let store = Arc::new(input.store.clone());
    for (turn, read) in [(0, 3), (1, 6)] {
        let output = input.call(store.clone(), turn, &TimeFor::pieces(2)).await;
        assert!(!output.unwrap().done);
        let progress = documents::read_plain(&*store, &run().plan_progress()).await;
        assert_eq!(progress.unwrap()["tables"][0]["footers_read"], read);
    }
    input.call(store, 2, &Unlimited).await.unwrap();
    assert_eq!(planned(&input.store).await, planned(&at_once.store).await);
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
