//! Whatever happens to the input files while a run goes on, its steps read the bytes that were planned.

use crate::support::{CELL, WHOLE, packed, plan_in, refusal, run};
use quarry_contract::plan::InputFile;
use quarry_contract::request::DataContent;
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, Pin};
use quarry_planned_run::{RunInput, TimeFor};
use std::sync::Arc;
use std::time::Duration;

const TABLE: &[u8] = b"row\nr0\nr1\n";

/// Returns the bytes that the steps after planning read of a file.
async fn read(store: &MemoryStore, file: &InputFile) -> Vec<u8> {
    let pin = Pin::new(&file.etag, file.version.as_deref());
    let bytes = store.get_range(&file.location, 0..file.size, &pin).await;
    bytes.unwrap().to_vec()
}

/// Overwrites a file of the data folder, and then deletes it.
async fn overwrite_and_delete(input: &RunInput, name: &str) {
    input.put(&format!("in/{name}"), "row\nother\n").await;
    let at = format!("s3://bucket/in/{name}").parse().unwrap();
    input.store.delete(&at);
}

#[tokio::test]
async fn a_bucket_with_versions_is_read_by_version() {
    let store = MemoryStore::new().with_versions();
    let files = [("a.csv", TABLE), ("b.csv", b"row\nr2\n")];
    let input = RunInput::over(&store, CELL, &files).await;
    input.planned().await.unwrap();
    let plan = plan_in(&store).await;
    for (file, (name, body)) in plan.tables[0].files.iter().zip(files) {
        assert!(file.version.is_some(), "{file:?}");
        assert!(!run().holds(&file.location), "nothing is copied: {file:?}");
        overwrite_and_delete(&input, name).await;
        assert_eq!(read(&store, file).await, body);
    }
}

#[tokio::test]
async fn a_single_file_is_read_by_version_too() {
    let store = MemoryStore::new().with_versions();
    let mut input = RunInput::over(&store, CELL, &[("a.csv", TABLE)]).await;
    input.payload.request.data = "s3://bucket/in/a.csv".parse().unwrap();
    input.planned().await.unwrap();
    overwrite_and_delete(&input, "a.csv").await;
    let file = &plan_in(&store).await.tables[0].files[0];
    assert_eq!(read(&store, file).await, TABLE);
}

#[tokio::test]
async fn a_bucket_without_versions_is_copied_before_the_first_job() {
    let parquet = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let large = format!("row\n{}", "a row of some length\n".repeat(300_000)).into_bytes();
    for (prompt, name, body) in [
        (CELL, "small.csv", TABLE),
        (CELL, "large.csv", &*large),
        (WHOLE, "a.parquet", parquet),
    ] {
        let input = RunInput::new(prompt, &[(name, body)]).await;
        input.planned().await.unwrap();
        let file = &plan_in(&input.store).await.tables[0].files[0];
        assert!(run().holds(&file.location), "{file:?}");
        assert_eq!((&*file.name, &file.version), (name, &None));
        overwrite_and_delete(&input, name).await;
        assert_eq!(read(&input.store, file).await, body);
        assert!(input.store.open_uploads().is_empty(), "{name}");
    }
}

/// A large file is copied by S3 itself: its bytes do not pass through the function.
#[tokio::test]
async fn a_large_file_is_copied_inside_s3() {
    let large = format!("row\n{}", "a row of some length\n".repeat(300_000));
    let input = RunInput::new(CELL, &[("a.csv", large.as_bytes())]).await;
    let store = Arc::new(FaultyStore::new(input.store.clone()));
    input.call(store.clone(), 0, &Unlimited).await.unwrap();
    assert_eq!(store.calls(StoreOperation::CopyPart), 1);
    assert_eq!(store.calls(StoreOperation::UploadPart), 0);
}

#[tokio::test]
async fn files_are_copied_over_several_calls_and_each_only_once() {
    let names: Vec<String> = (0..5).map(|file| format!("{file}.csv")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, TABLE)).collect();
    let input = RunInput::new(CELL, &files).await;
    let store = Arc::new(FaultyStore::new(input.store.clone()));
    let mut turn = 0;
    let copies = |store: &FaultyStore<MemoryStore>| {
        let there = store.inner().locations();
        let copies = there.iter().filter(|at| at.key().contains("/staged/"));
        copies.count()
    };
    while copies(&store) < 5 {
        assert_eq!(copies(&store), turn, "one copy in each call");
        let time = TimeFor::pieces(0);
        let turn_number = u32::try_from(turn).unwrap();
        let output = input.call(store.clone(), turn_number, &time).await.unwrap();
        assert!(!output.done);
        turn += 1;
    }
    // The call was repeated, because its response was lost.
    let written = store.calls(StoreOperation::Put);
    for _ in 0..2 {
        let turn = u32::try_from(turn - 1).unwrap();
        let output = input.call(store.clone(), turn, &TimeFor::pieces(0)).await;
        assert!(!output.unwrap().done);
    }
    let progress = store.calls(StoreOperation::Put) - written;
    assert_eq!(progress, 2, "only the progress was written again");
}

/// The function is killed while it copies, and its progress is lost.
#[tokio::test(start_paused = true)]
async fn what_a_call_that_died_has_copied_is_not_copied_again() {
    let files = [("a.csv", TABLE), ("b.csv", TABLE)];
    let whole = RunInput::new(CELL, &files).await;
    whole.planned().await.unwrap();
    let input = RunInput::new(CELL, &files).await;
    let faulty = FaultyStore::new(input.store.clone());
    let faulty = faulty.fail_all(StoreOperation::Put, 3.., StoreFault::Unavailable);
    input
        .call(Arc::new(faulty), 0, &Unlimited)
        .await
        .unwrap_err();
    let again = Arc::new(FaultyStore::new(input.store.clone()));
    input.call(again.clone(), 0, &Unlimited).await.unwrap();
    assert_eq!(
        again.calls(StoreOperation::Put),
        6,
        "the owner, the second copy, the scan, the slice, the manifest and the plan"
    );
    assert_eq!(plan_in(&input.store).await, plan_in(&whole.store).await);
}

#[tokio::test]
async fn a_file_that_is_overwritten_during_planning_is_planned_as_it_was_listed() {
    let store = MemoryStore::new().with_versions();
    let files = [("a.csv", TABLE), ("b.csv", TABLE)];
    let input = RunInput::over(&store, CELL, &files).await;
    let calls = Arc::new(store.clone());
    let output = input.call(calls.clone(), 0, &TimeFor::pieces(0)).await;
    assert!(!output.unwrap().done);
    input.put("in/a.csv", "row\nother\n").await;
    overwrite_and_delete(&input, "b.csv").await;
    let output = input.call(calls, 1, &Unlimited).await.unwrap();
    assert!(output.done);
    let plan = plan_in(&store).await;
    assert_eq!(plan.tables[0].rows, 4);
    assert_eq!(read(&store, &plan.tables[0].files[0]).await, TABLE);
    assert_eq!(read(&store, &plan.tables[0].files[1]).await, TABLE);
}

/// Under a KMS key, an `ETag` differs after each write. Both plans name that of the copy that stays.
#[tokio::test(start_paused = true)]
async fn a_second_call_at_the_same_time_leaves_the_copies_of_the_first() {
    let large = format!("row\n{}", "a row of some length\n".repeat(300_000)).into_bytes();
    for (name, body) in [
        ("a.csv", TABLE),
        ("a.csv", &*large),
        ("a.csv.gz", &packed("row\nr0\n")),
    ] {
        let store = MemoryStore::new().with_new_etags();
        let input = RunInput::over(&store, CELL, &[(name, body)]).await;
        let slow = StoreFault::Slow(Duration::from_mins(1));
        let late = FaultyStore::new(store.clone())
            .fail(StoreOperation::Put, 1, slow)
            .fail(StoreOperation::CompleteUpload, 1, slow);
        let (first, second) =
            tokio::join!(input.planned(), input.call(Arc::new(late), 0, &Unlimited));
        assert_eq!(first.unwrap(), second.unwrap());
        let plan = plan_in(&store).await;
        assert!(store.open_uploads().is_empty(), "{name}");
        let file = &plan.tables[0].files[0];
        let there = store.head(&file.location).await.unwrap();
        assert_eq!(there.etag, file.etag, "{name}");
    }
}

/// Returns a run that the arrival of `a.csv` has started.
async fn arrived(store: &MemoryStore) -> RunInput {
    let mut input = RunInput::over(store, CELL, &[("a.csv", TABLE)]).await;
    let request = &mut input.payload.request;
    request.data = "s3://bucket/in/a.csv".parse().unwrap();
    let info = store.head(&request.data).await.unwrap();
    request.data_content = Some(DataContent {
        etag: info.etag,
        size: info.size,
        version: info.version,
    });
    input
}

#[tokio::test]
async fn the_version_whose_arrival_started_the_run_is_read() {
    let store = MemoryStore::new().with_versions();
    let input = arrived(&store).await;
    overwrite_and_delete(&input, "a.csv").await;
    input.planned().await.unwrap();
    let plan = plan_in(&store).await;
    assert_eq!(plan.tables[0].rows, 2);
    assert_eq!(read(&store, &plan.tables[0].files[0]).await, TABLE);
}

#[tokio::test]
async fn a_version_that_is_not_the_events_is_refused() {
    let input = arrived(&MemoryStore::new()).await;
    input.put("in/a.csv", "row\nother\n").await;
    let text = refusal(&input).await;
    assert!(text.contains("starts a run of its own"), "{text}");
}
