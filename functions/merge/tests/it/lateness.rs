//! Output that is not all there yet is waited for before anything is sent again.

use crate::support::{MANIFEST, RECORDS, World, answer, error};
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use serde_json::json;
use std::sync::Arc;

/// A slice of three rows whose job ended so.
async fn ended(status: JobStatus) -> (World, SliceState) {
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let state = world.split(world.first(0)).await;
    world.job_ended(&state, status, "").await;
    (world, state)
}

/// Merges, and returns the wait in minutes and the state after it.
async fn late(world: &World, state: &SliceState) -> (u64, SliceState) {
    let after = world.merge(state).await.unwrap();
    assert_eq!(after.next, Step::Late);
    let expected = SliceState {
        next: Step::Late,
        late_looks: state.late_looks + 1,
        wait_seconds: after.wait_seconds,
        ..state.clone()
    };
    assert_eq!(after, expected, "it is the same round of the same job");
    (after.wait_seconds.unwrap() / 60, after)
}

#[tokio::test]
async fn fewer_lines_than_the_service_counted_are_waited_for() {
    let lines = [answer(0), answer(1), error(2, 400, "no", false)];
    for by_manifest in [true, false] {
        for status in [
            JobStatus::Completed,
            JobStatus::PartiallyCompleted,
            JobStatus::Failed,
            JobStatus::Stopped,
            JobStatus::Expired,
        ] {
            let (world, state) = ended(status).await;
            let mut manifest = json!({});
            if by_manifest {
                manifest = json!({"successRecordCount": 2, "errorRecordCount": 1});
            } else {
                world.job_counted(&state, 2, 1).await;
            }
            world
                .output(&state, MANIFEST, &[manifest.to_string()])
                .await;
            let (_, state) = late(&world, &state).await;
            world.output(&state, RECORDS, &lines[..2]).await;
            let (_, state) = late(&world, &state).await;
            world.output(&state, RECORDS, &lines).await;
            let after = world.merge(&state).await.unwrap();
            assert_eq!((after.next, after.late_looks), (Step::Done, 0), "{status}");
            assert_eq!(world.receipt(0).await.files[0].successful, 2, "{status}");
        }
    }
}

#[tokio::test]
async fn no_manifest_after_completed_is_waited_for() {
    let lines = [answer(0), answer(1), answer(2)];
    for (status, waits) in [
        (JobStatus::Completed, true),
        (JobStatus::PartiallyCompleted, true),
        (JobStatus::Failed, false),
        (JobStatus::Stopped, false),
        (JobStatus::Expired, false),
    ] {
        let (world, mut state) = ended(status).await;
        world.output(&state, RECORDS, &lines).await;
        if waits {
            state = late(&world, &state).await.1;
            world.output(&state, MANIFEST, &["{}".to_owned()]).await;
        }
        let after = world.merge(&state).await.unwrap();
        assert_eq!(after.next, Step::Done, "{status}");
    }
}

#[tokio::test]
async fn after_the_waits_what_is_there_counts() {
    let (world, mut state) = ended(JobStatus::Completed).await;
    world.output(&state, RECORDS, &[answer(0)]).await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let (minutes, after) = late(&world, &state).await;
        waits.push(minutes);
        state = after;
    }
    assert_eq!(waits, [1, 2, 5, 10, 20, 30]);
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    let receipt = world.receipt(0).await;
    assert_eq!(
        (
            receipt.files[0].successful,
            receipt.rounds[0].counts.missing
        ),
        (1, 2)
    );
}

#[tokio::test]
async fn the_next_round_is_waited_for_anew() {
    let world = World::new(3, 100, &[]).await;
    let state = world.answered(world.first(0), &[answer(0)]).await;
    let waited = SliceState {
        late_looks: 6,
        ..state
    };
    let after = world.merge(&waited).await.unwrap();
    assert_eq!((after.next, after.late_looks), (Step::Split, 0));
}

#[tokio::test]
async fn an_output_object_that_is_replaced_while_it_is_read_is_read_again() {
    let (world, state) = ended(JobStatus::Completed).await;
    let lines = [answer(0), answer(1), answer(2)];
    world.output(&state, RECORDS, &lines).await;
    world.output(&state, MANIFEST, &["{}".to_owned()]).await;
    let at = world.round(&state).output().join(RECORDS);
    let faulty = FaultyStore::new(world.store.clone()).fail(
        StoreOperation::GetRange,
        1,
        StoreFault::Changed,
    );
    let failed = world
        .merge_over(Arc::new(faulty), &state)
        .await
        .unwrap_err();
    assert_eq!(failed.name(), "Quarry.Unavailable");
    let text = failed.full_message();
    assert!(text.contains(&at.to_string()), "{text}");
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
}
