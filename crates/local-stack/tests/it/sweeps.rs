//! Promise: the jobs of a failed run are there for a redrive, and not for ever.

use crate::settling::{self, MACHINE};
use crate::support::{Case, assert_every_row_once, csv};
use quarry_edge::callbacks::memory::MemoryCallbacks;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::executions::{ExecutionRecord, ExecutionStatus};
use quarry_edge::fates::{ClockFault, FaultyClock};
use quarry_settle::{Deps, RedriveTime, Swept, settle, sweep};
use quarry_state_machine::{ExecutionOutcome, Status};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:quarry:run";
const ROWS: usize = 300;

/// Returns a run of two jobs that has failed: one job is at work, and the other was refused.
async fn failed() -> Case {
    let settings = [("BEDROCK_MAX_RECORDS_PER_JOB", "150")];
    let case = Case::new(&csv(ROWS), &settings, |config| {
        let second =
            json!({"operation": "create", "kind": "pass_role_denied", "every": 1000, "offset": 1});
        config.faults = serde_json::from_value(json!({"calls": [second]})).unwrap();
    })
    .await;
    let error = case.run().await.unwrap_err();
    assert_eq!(error.error, "Quarry.AccessDenied", "{error}");
    assert_eq!(case.stack.counters().jobs_created, 1);
    assert_eq!(live(&case).await, 1);
    case
}

async fn live(case: &Case) -> usize {
    case.stack.jobs().live("quarry-").await.unwrap().len()
}

/// Returns what settle needs, after the run failed this long ago.
fn deps(case: &Case, since: Duration) -> Deps {
    let stack = &case.stack;
    let executions = MemoryExecutions::default();
    executions.set_record(ExecutionRecord {
        status: ExecutionStatus::Failed,
        input: Some(serde_json::to_string(&case.request).unwrap()),
        ended: Some(stack.clock().now().saturating_sub(since)),
        ..ExecutionRecord::default()
    });
    Deps {
        redrive: RedriveTime::default(),
        ..settling::deps(stack, &executions, &MemoryCallbacks::default())
    }
}

async fn swept(case: &Case, since: Duration) -> Swept {
    sweep(&deps(case, since)).await.unwrap()
}

async fn redriven(case: &Case) -> ExecutionOutcome {
    let outcome = case.stack.redrive("run").unwrap().run().await;
    assert!(
        matches!(outcome.status, Status::Succeeded(_)),
        "{outcome:?}"
    );
    assert_every_row_once(&csv(ROWS), &case.result().await);
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_run_keeps_its_jobs_and_its_redrive_pays_nothing_twice() {
    let case = failed().await;
    let event = json!({"detail": {
        "executionArn": ARN, "stateMachineArn": MACHINE, "name": "run", "status": "FAILED",
    }});
    let event = serde_json::from_value(event).unwrap();
    let settled = settle(&deps(&case, Duration::ZERO), event).await.unwrap();
    assert_eq!(settled.jobs_stopped, 0);
    let kept = swept(&case, Duration::from_hours(23)).await;
    assert_eq!((kept.jobs_stopped, kept.jobs_kept), (0, 1));
    assert_eq!(live(&case).await, 1);

    redriven(&case).await;
    assert_eq!(case.stack.counters().jobs_created, 2);
    let records = case.stack.simulator().records();
    for asks in records.iter().filter(|asks| !asks.record_id.is_empty()) {
        assert_eq!(asks.good, 1, "{}", asks.record_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_stops_the_jobs_of_a_failed_run_that_nobody_redrives() {
    let case = failed().await;
    let over = swept(&case, Duration::from_hours(24)).await;
    assert_eq!((over.jobs_stopped, over.jobs_kept), (1, 0));
    assert_eq!(live(&case).await, 0);
    // It can be redriven all the same.
    redriven(&case).await;
}

/// The time of a job ends earlier or later by as much as the clock is off, and each sweep ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_whose_clock_is_off_stops_jobs_by_as_much_early_or_late() {
    let off = Duration::from_mins(10);
    let case = failed().await;
    for fault in [
        ClockFault::Ahead(off),
        ClockFault::Behind(off),
        ClockFault::JumpsBack(off),
        ClockFault::StandsStill,
    ] {
        let swept = |since| {
            let deps = deps(&case, since);
            let clock = Arc::new(FaultyClock::new(Arc::clone(&deps.clock), fault));
            async move { sweep(&Deps { clock, ..deps }).await.unwrap() }
        };
        let early = swept(Duration::from_hours(24).saturating_sub(2 * off)).await;
        assert_eq!((early.jobs_stopped, early.jobs_kept), (0, 1), "{fault:?}");
        assert!(early.complete, "{fault:?}");
    }
    for fault in [ClockFault::Behind(off), ClockFault::JumpsBack(off)] {
        let deps = deps(&case, Duration::from_hours(24) + 2 * off);
        let clock = Arc::new(FaultyClock::new(Arc::clone(&deps.clock), fault));
        let late = sweep(&Deps { clock, ..deps }).await.unwrap();
        assert!(late.complete, "{fault:?}");
        if fault == ClockFault::Behind(off) {
            assert_eq!(late.jobs_stopped, 1, "{fault:?}");
        }
        assert_eq!(live(&case).await, 0, "{fault:?}");
    }
}

/// `settle` did not wait for a job that appeared after it had looked, because its clock was ahead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_stops_a_job_that_appeared_after_the_end_of_a_stopped_run() {
    let case = failed().await;
    let stack = &case.stack;
    let executions = MemoryExecutions::default();
    executions.set_record(ExecutionRecord {
        status: ExecutionStatus::Aborted,
        input: Some(serde_json::to_string(&case.request).unwrap()),
        ended: Some(stack.clock().now()),
        ..ExecutionRecord::default()
    });
    let fault = ClockFault::Ahead(Duration::from_mins(10));
    let clock = Arc::new(FaultyClock::new(Arc::clone(stack.clock()), fault));
    let deps = Deps {
        clock,
        ..settling::deps(stack, &executions, &MemoryCallbacks::default())
    };
    let swept = sweep(&deps).await.unwrap();
    assert_eq!((swept.jobs_stopped, swept.jobs_kept), (1, 0));
    assert_eq!(live(&case).await, 0);
}
