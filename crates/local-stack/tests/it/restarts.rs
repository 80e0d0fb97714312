//! Promise: functions that outlast an invocation resume where they stopped, and a repeated step
//! changes nothing.

use crate::support::{Case, assert_every_row_once, csv, place};
use bytes::Bytes;
use quarry_contract::payload::{PlanInput, PlanOutput, SliceState, Step};
use quarry_local_stack::CallLimit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_small_pieces_of_work_gives_the_same_bytes() {
    let data = csv(1_200);
    let settings = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_BATCH_SIZE", "100"),
    ];
    let whole = Case::new(&data, &settings, |_| {}).await;
    whole.run().await.unwrap();
    let pieces = Case::new(&data, &settings, |config| {
        config.call_limit = CallLimit::Pieces(1);
    })
    .await;
    let finished = pieces.run().await.unwrap();
    assert!(
        finished.outcome.max_child_history_events > 80,
        "invoke was called again and again"
    );
    assert_eq!(whole.result().await, pieces.result().await);
    assert_eq!(pieces.stack.counters().on_demand_calls, 1_200);
    assert_every_row_once(&data, &pieces.result().await);
}

/// Plans the case by hand. Returns the first state of its only slice.
async fn first_state(case: &Case) -> SliceState {
    let input = PlanInput {
        version: 1,
        execution: "run".to_owned(),
        execution_arn: None,
        started: "2026-01-02T03:04:05Z".to_owned(),
        turn: 0,
        request: case.request.clone(),
    };
    let planned: PlanOutput = case.stack.call("plan", &input).await.unwrap();
    assert_eq!(planned.slices, 1);
    SliceState::first(planned.run, 0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_submit_finds_the_existing_job() {
    let case = Case::new(&csv(150), &[], |_| {}).await;
    let first = first_state(&case).await;
    let asked: SliceState = case.stack.call("split", &first).await.unwrap();
    assert_eq!(asked.next, Step::Submit);
    let once: SliceState = case.stack.call("submit", &asked).await.unwrap();
    let twice: SliceState = case.stack.call("submit", &asked).await.unwrap();
    assert_eq!(once.job, twice.job);
    assert_eq!(case.stack.counters().jobs_created, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_changes_after_planning_is_an_error_and_never_a_wrong_row() {
    let case = Case::new(&csv(150), &[], |_| {}).await;
    let first = first_state(&case).await;
    let changed = csv(150).replace("row 7,", "ROW 7,");
    case.stack
        .store()
        .put(&place("data/data.csv"), Bytes::from(changed), false)
        .await
        .unwrap();
    let error = case
        .stack
        .call::<_, SliceState>("split", &first)
        .await
        .unwrap_err();
    assert_eq!(error.error, "Quarry.DataChanged");
}
