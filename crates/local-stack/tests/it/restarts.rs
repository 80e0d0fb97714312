//! Promise: functions that outlast an invocation resume where they stopped, and a repeated step
//! changes nothing.

use crate::support::{Case, assert_every_row_once, csv, place};
use bytes::Bytes;
use quarry_contract::payload::{PlanInput, PlanOutput, SliceState, Step};
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_local_stack::{CallLimit, RunProgress};
use serde_json::json;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_small_pieces_of_work_gives_the_same_bytes() {
    let data = csv(400);
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
    assert_eq!(pieces.stack.counters().on_demand_calls, 400);
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

/// Runs a case over 150 rows, whose data is overwritten, and then deleted if so wanted, when the
/// first job has been created. Returns the result and the number of jobs.
async fn run_with_overwritten_data(keeps_versions: bool, is_deleted: bool) -> (String, u64) {
    let store: Arc<OnceLock<Arc<dyn ObjectStore>>> = Arc::default();
    let in_run = Arc::clone(&store);
    let case = Case::new(&csv(150), &[], |config| {
        config.keeps_versions = keeps_versions;
        // Some answers are missing, so the rows are read again for a second round.
        config.faults = serde_json::from_value(json!({
            "records": [{"every": 3, "offset": 0, "kind": "missing", "times": 1}],
        }))
        .unwrap();
        let file = config.directory.join("quarry-local/data/data.csv");
        config.progress = Arc::new(move |progress| {
            let RunProgress::Slice { by, round: 0, .. } = progress else {
                return;
            };
            if by != "submit" {
                return;
            }
            let changed = Bytes::from(csv(150).replace("row 7,", "ROW 7,"));
            let store = in_run.get().unwrap();
            block_in_place(|| {
                let data = place("data/data.csv");
                let written =
                    Handle::current().block_on(store.put(&data, changed, WriteCondition::Always));
                written.unwrap();
            });
            if is_deleted {
                std::fs::remove_file(&file).unwrap();
            }
        });
    })
    .await;
    assert!(store.set(Arc::clone(case.stack.store())).is_ok());
    case.run().await.unwrap();
    (case.result().await, case.stack.counters().jobs_created)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_overwritten_during_the_run_costs_nothing() {
    let mut results = Vec::new();
    for keeps_versions in [true, false] {
        for is_deleted in [false, true] {
            let (result, jobs) = run_with_overwritten_data(keeps_versions, is_deleted).await;
            assert_every_row_once(&csv(150), &result);
            assert_eq!(jobs, 1, "versions {keeps_versions}, deleted {is_deleted}");
            results.push(result);
        }
    }
    assert!(results.iter().all(|result| *result == results[0]));
}
