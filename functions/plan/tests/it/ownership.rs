//! A run's folder belongs to one execution, whoever else has its name.

use crate::support::{refusal, rows, run};
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::clock::Unlimited;
use quarry_edge::documents;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::{RunInput, STARTED, contents};
use std::sync::Arc;

const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:quarry:run";
const ELSEWHERE: &str = "arn:aws:states:us-east-1:123456789012:execution:other:run";

async fn input() -> RunInput {
    let mut input = rows(1).await;
    input.payload.execution_arn = Some(ARN.to_owned());
    input
}

#[tokio::test]
async fn a_folder_of_another_execution_is_refused() {
    for (arn, started) in [
        (Some(ELSEWHERE), STARTED),
        (Some(ARN), "2026-06-02T03:04:05Z"),
        (None, "2026-06-02T03:04:05Z"),
    ] {
        let mut input = input().await;
        input.planned().await.unwrap();
        let before = contents(&input.store).await;
        input.payload.execution_arn = arn.map(str::to_owned);
        started.clone_into(&mut input.payload.started);
        let error = input.planned().await.unwrap_err();
        assert_eq!(error.name(), "Quarry.BadRequest");
        let text = error.full_message();
        for part in [run().location().to_string().as_str(), ARN, STARTED] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        let after = contents(&input.store).await;
        assert_eq!(after, before, "nothing of the other execution is changed");
    }
}

/// An earlier build wrote a plan and no `run.json`.
#[tokio::test]
async fn a_folder_with_a_plan_of_another_execution_is_refused() {
    let mut input = input().await;
    let first = input.planned().await.unwrap();
    input.store.delete(&run().owner());
    assert_eq!(input.planned().await.unwrap(), first);
    "2026-06-02T03:04:05Z".clone_into(&mut input.payload.started);
    let error = input.planned().await.unwrap_err();
    assert_eq!(error.name(), "Quarry.BadRequest");
    assert!(error.full_message().contains("belongs to"), "{error}");
}

#[tokio::test]
async fn the_same_execution_plans_again() {
    let input = input().await;
    let first = input.planned().await.unwrap();
    let owner: RunIdentity = documents::read(&input.store, &run().owner()).await.unwrap();
    assert_eq!(owner, input.payload.identity());
    assert_eq!(input.planned().await.unwrap(), first);
}

/// The stopping side may write its mark before the run begins.
#[tokio::test]
async fn a_mark_that_the_run_is_stopped_is_no_owner() {
    let input = input().await;
    input.put("work/run/stop.json", "{}").await;
    input.planned().await.unwrap();
}

#[tokio::test]
async fn a_claim_whose_response_was_lost_is_the_executions_own() {
    let input = input().await;
    let faulty = FaultyStore::new(input.store.clone());
    let faulty = faulty.fail(StoreOperation::Put, 1, StoreFault::LostAnswer);
    let died = input.call(Arc::new(faulty), 0, &Unlimited).await;
    assert_eq!(died.unwrap_err().name(), "Quarry.Unavailable");
    input.planned().await.unwrap();
}

#[tokio::test]
async fn an_owner_that_cannot_be_read_is_not_taken_for_none() {
    let input = input().await;
    input.put("work/run/run.json", "{\"version\": 7}").await;
    assert!(refusal(&input).await.contains("version 7"));
}
