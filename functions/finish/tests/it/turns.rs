//! Work that outlasts an invocation continues in the next one, and nothing is done twice.

use crate::support::{COLUMNS, PROMPTS, World, sliced, table};
use quarry_contract::payload::FinishInput;
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{RunInput, TimeFor};
use std::sync::Arc;

/// S3 copies only objects of more than 5 MiB into a multipart upload.
const LARGE: usize = (5 << 20) + 1;

const RESULT: &str = "validation_processed_data.csv";

/// A run of this many slices, each with a large part.
async fn large(slices: u8) -> World {
    let world = World::planned(table(slices.into(), 1).await).await;
    for slice in 0..slices {
        world.merged(slice.into(), vec![b'a' + slice; LARGE]).await;
    }
    world
}

fn is_whole(result: &[u8], slices: u8) -> bool {
    let header = format!("row,{COLUMNS}\n").into_bytes();
    let parts = (0..slices).map(|slice| vec![b'a' + slice; LARGE]);
    let expected: Vec<Vec<u8>> = std::iter::once(header).chain(parts).collect();
    result == expected.concat()
}

#[tokio::test]
async fn a_result_that_takes_longer_than_a_call_is_resumed_and_no_part_is_copied_twice() {
    let world = large(4).await;
    let counting = Arc::new(FaultyStore::new(world.store.clone()));
    let mut turn = 0;
    loop {
        let store = Arc::<FaultyStore<_>>::clone(&counting);
        let output = world.turn_over(store, turn, &TimeFor::pieces(2)).await;
        let output = output.unwrap();
        assert_eq!((output.rows, output.turn), (4, turn + 1));
        turn = output.turn;
        if output.done {
            break;
        }
        let at = world.run.finish_progress();
        assert!(world.store.head(&at).await.is_ok(), "after turn {turn}");
        assert!(world.written().is_empty(), "after turn {turn}");
        assert!(world.metrics.values().is_empty(), "after turn {turn}");
        assert!(turn < 10, "no end in sight");
    }
    assert!(turn > 1, "it took several calls");
    assert!(is_whole(&world.result(RESULT).await, 4));
    assert!(world.store.open_uploads().is_empty());
    let parts =
        counting.calls(StoreOperation::CopyPart) + counting.calls(StoreOperation::UploadPart);
    assert_eq!(counting.calls(StoreOperation::CreateUpload), 1);
    assert_eq!(parts, 4, "each part of the object once");
}

/// The response of the turn was lost, so the state machine makes the same call again.
#[tokio::test]
async fn a_repeated_turn_resumes_from_the_same_place() {
    let world = large(3).await;
    let output = world.turn(0, &TimeFor::pieces(1)).await.unwrap();
    assert!(!output.done);
    let again = world.turn(output.turn, &TimeFor::pieces(1)).await.unwrap();
    assert!(!again.done);
    let repeated = world.turn(output.turn, &Unlimited).await.unwrap();
    assert!(repeated.done);
    assert!(is_whole(&world.result(RESULT).await, 3));
    let late = world.turn(again.turn, &Unlimited).await.unwrap();
    assert!(late.done);
    assert!(is_whole(&world.result(RESULT).await, 3));
}

#[tokio::test]
async fn a_lost_upload_is_started_again() {
    let world = large(3).await;
    let output = world.turn(0, &TimeFor::pieces(1)).await.unwrap();
    let at = world.plan.request.output.join(RESULT);
    // This is the second upload of this store: `plan` has checked whether it may write.
    let aborted = world.store.abort_upload(&at, "upload-2").await;
    aborted.unwrap();
    assert!(world.store.open_uploads().is_empty());
    assert!(world.turn(output.turn, &Unlimited).await.unwrap().done);
    assert!(is_whole(&world.result(RESULT).await, 3));
}

#[tokio::test]
async fn tables_whose_result_is_written_are_not_written_again() {
    let files = [
        ("train/a.csv", &b"row\nr0\n"[..]),
        ("test/a.csv", b"row\nr1\nr2\n"),
    ];
    let mut input = sliced(RunInput::new(PROMPTS, &files).await, 1);
    input.payload.request.job_type = "training".parse().unwrap();
    let world = World::planned(input).await;
    world.merged(0, "slice 0\n").await;
    world.merged(1, vec![b'b'; LARGE]).await;
    world.merged(2, vec![b'c'; LARGE]).await;
    let output = world.turn(0, &TimeFor::pieces(1)).await.unwrap();
    assert!(!output.done);
    assert_eq!(world.written(), ["train/train_processed_data.csv"]);
    // The test deletes the first result in between to see that it is not written again.
    let first = world
        .plan
        .request
        .output
        .join("train/train_processed_data.csv");
    world.store.delete(&first);
    assert!(world.turn(output.turn, &Unlimited).await.unwrap().done);
    let written = world.written();
    assert!(!written.contains(&"train/train_processed_data.csv".to_owned()));
    assert!(written.contains(&"test/test_processed_data.csv".to_owned()));
}

/// A redrive of a failed run begins at turn 0, whatever an earlier attempt left.
#[tokio::test]
async fn the_first_turn_begins_from_the_start() {
    let world = large(3).await;
    world.turn(0, &TimeFor::pieces(1)).await.unwrap();
    assert!(world.turn(0, &Unlimited).await.unwrap().done);
    assert!(is_whole(&world.result(RESULT).await, 3));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_be_copied_fails_the_call_and_leaves_no_upload() {
    let world = large(3).await;
    let faulty = FaultyStore::new(world.store.clone());
    let faulty = faulty.fail_all(StoreOperation::CopyPart, 2.., StoreFault::Throttled);
    let failed = world.turn_over(Arc::new(faulty), 0, &Unlimited).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Throttled");
    let writing = format!("writing s3://bucket/out/{RESULT}");
    assert!(failed.full_message().contains(&writing), "{failed}");
    assert!(world.store.open_uploads().is_empty());
    assert!(world.finish().await.unwrap().done);
    assert!(is_whole(&world.result(RESULT).await, 3));
}

#[test]
fn the_payload_says_which_call_it_is() {
    let input = r#"{"version": 1, "run": "s3://bucket/work/run", "turn": 3}"#;
    let input: FinishInput = serde_json::from_str(input).unwrap();
    assert_eq!(input.turn, 3);
}
