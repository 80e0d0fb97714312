//! The schedule finds what the events of ends have left.

use crate::{ARN, ENDED, MACHINE, RUN, STARTED, World, at, event, owner, run};
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::RunFolder;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::clock::{Clock, timestamp};
use quarry_edge::executions::{ExecutionRecord, ExecutionStatus, ListedExecution};
use quarry_edge::failure::CallError;
use quarry_edge::jobs::{JobStatus, JobsError};
use quarry_planned_run::Moment;
use quarry_settle::{RedriveTime, SettleEvent, Told, sweep};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn ended(status: ExecutionStatus) -> ExecutionRecord {
    ExecutionRecord {
        status,
        ended: Some(ENDED),
        ..ExecutionRecord::default()
    }
}

/// Returns a world with a live job of a run with this record.
async fn world(record: ExecutionRecord) -> (World, String) {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    world.executions.set_record_of(ARN, record);
    (world, job)
}

/// Returns the recorded end as Step Functions lists it.
fn listed(status: ExecutionStatus) -> ListedExecution {
    ListedExecution {
        arn: ARN.to_owned(),
        name: RUN.to_owned(),
        status,
        started: timestamp(STARTED).unwrap(),
        ended: Some(ENDED),
    }
}

/// Returns what Step Functions knows of a recorded end.
fn record_of(event: &Value, status: ExecutionStatus) -> ExecutionRecord {
    let text = |name: &str| event["detail"][name].as_str().map(str::to_owned);
    ExecutionRecord {
        input: text("input"),
        output: text("output"),
        started: Some(timestamp(STARTED).unwrap()),
        ..ended(status)
    }
}

#[tokio::test]
async fn the_jobs_of_a_failed_run_are_stopped_when_the_time_for_a_redrive_is_over() {
    for status in [ExecutionStatus::Failed, ExecutionStatus::TimedOut] {
        let (mut world, job) = world(ended(status)).await;
        let kept = world.sweep_after(23 * HOUR).await.unwrap();
        assert_eq!((kept.jobs_stopped, kept.jobs_kept), (0, 1));
        world.redrive = RedriveTime::from_hours(Some("48")).unwrap();
        assert_eq!(world.sweep_after(DAY).await.unwrap().jobs_stopped, 0);
        world.redrive = RedriveTime::default();
        assert_eq!(world.sweep_after(DAY).await.unwrap().jobs_stopped, 1);
        assert_eq!(world.jobs.stops(), [job]);
        let again = world.sweep_after(DAY + HOUR).await.unwrap();
        assert_eq!((again.jobs_stopped, again.jobs_kept), (0, 0));
    }
}

#[tokio::test]
async fn a_run_that_is_redriven_during_a_sweep_keeps_its_other_jobs() {
    let (world, first) = world(ended(ExecutionStatus::Failed)).await;
    let second = world.created(1, 0).await;
    world.jobs.add(&second, JobStatus::InProgress);
    let executions = world.executions.clone();
    world.jobs.after("stop", move || {
        executions.set_record_of(ARN, ExecutionRecord::default());
    });
    let swept = world.sweep_after(DAY).await.unwrap();
    assert_eq!((swept.jobs_stopped, swept.jobs_kept), (1, 1));
    assert_eq!(world.jobs.stops(), [first]);
}

#[tokio::test]
async fn a_failed_run_whose_end_is_not_known_keeps_its_jobs() {
    let record = ExecutionRecord {
        ended: None,
        ..ended(ExecutionStatus::Failed)
    };
    let (world, _) = world(record).await;
    let kept = world.sweep_after(DAY).await.unwrap();
    assert_eq!((kept.jobs_stopped, kept.jobs_kept), (0, 1));
}

#[tokio::test]
async fn the_jobs_of_a_run_that_nobody_can_redrive_are_stopped() {
    let over = [
        ended(ExecutionStatus::Aborted),
        ended(ExecutionStatus::Succeeded),
        ExecutionRecord {
            is_final: true,
            ..ended(ExecutionStatus::Failed)
        },
    ];
    for record in over {
        let (world, job) = world(record).await;
        assert_eq!(world.sweep_after(HOUR).await.unwrap().jobs_stopped, 1);
        assert_eq!(world.jobs.stops(), [job]);
    }
    // Step Functions has forgotten the execution.
    let (world, job) = world(ExecutionRecord::default()).await;
    world
        .executions
        .fail_next(CallError::NotFound("no such execution".into()));
    assert_eq!(world.sweep_after(HOUR).await.unwrap().jobs_stopped, 1);
    assert_eq!(world.jobs.stops(), [job]);
}

#[tokio::test]
async fn jobs_of_runs_that_go_on_and_of_others_are_left_alone() {
    // A redriven run is running again.
    let (world, _) = world(ExecutionRecord::default()).await;
    let folder = |name: &str| RunFolder::new(&at("runs"), name);
    let elsewhere = ARN.replace(":quarry:", ":quarry-test:");
    let strangers = [
        // Of another deployment, whose folder is here or elsewhere.
        (folder("theirs"), Some(elsewhere.clone())),
        (RunFolder::new(&at("other"), "run"), Some(ARN.to_owned())),
        // Of a folder that names no execution.
        (folder("unknown"), None),
    ];
    for (run, arn) in strangers {
        let owner = RunIdentity {
            execution_arn: arn,
            ..owner()
        };
        world
            .put(&run.owner(), serde_json::to_value(&owner).unwrap())
            .await;
        let round = run.slice(0).round(0);
        let name = JobNames::new(&run, &owner).name(&round);
        world.jobs.add(&name, JobStatus::InProgress);
        let mut inputs = world.jobs.inputs.lock().unwrap();
        inputs.insert(name, round.input());
    }
    // A job of an earlier owner of the same folder, and one whose folder is gone.
    for name in ["quarry-label-strikes-0123456789-000000-0", "quarry-gone"] {
        world.jobs.add(name, JobStatus::InProgress);
    }
    let earlier = run().slice(0).round(0).input();
    let inputs = &world.jobs.inputs;
    let name = "quarry-label-strikes-0123456789-000000-0".to_owned();
    inputs.lock().unwrap().insert(name, earlier);
    world.executions.set_record(ended(ExecutionStatus::Aborted));
    let swept = world.sweep_after(DAY).await.unwrap();
    assert_eq!((swept.jobs_stopped, swept.jobs_kept), (0, 1));
    assert!(world.jobs.stops().is_empty());
}

#[tokio::test]
async fn an_end_whose_event_was_lost_is_settled_once() {
    for (name, status) in [
        ("run-succeeded", ExecutionStatus::Succeeded),
        ("run-failed", ExecutionStatus::Failed),
        ("run-aborted", ExecutionStatus::Aborted),
    ] {
        let world = World::new();
        world.executions.set_record(record_of(&event(name), status));
        let running = ListedExecution {
            status: ExecutionStatus::Running,
            ended: None,
            ..listed(status)
        };
        world.executions.set_listed(vec![running, listed(status)]);
        // The event may still come.
        let early = world.sweep_after(Duration::from_mins(19)).await.unwrap();
        assert!(early.settled.is_empty() && world.answer().is_none());
        let swept = world.sweep_after(HOUR).await.unwrap();
        assert_eq!(swept.settled, [RUN], "{name}");
        assert!(world.answer().is_some(), "{name}");
        let again = world.sweep_after(2 * HOUR).await.unwrap();
        assert!(again.settled.is_empty(), "{name}");
        assert!(again.complete);
    }
}

#[tokio::test]
async fn an_end_that_its_event_has_settled_is_left_alone() {
    let world = World::new();
    let settled = world.settle(event("run-failed")).await;
    assert_eq!(settled.callback, Told::Answered);
    let status = ExecutionStatus::Failed;
    world.executions.set_listed(vec![listed(status)]);
    let swept = world.sweep_after(HOUR).await.unwrap();
    assert!(swept.settled.is_empty());
    // The next execution of this name, months later, has an end of its own.
    let later = ListedExecution {
        started: timestamp("2026-11-22T00:38:31Z").unwrap(),
        ..listed(status)
    };
    world.executions.set_listed(vec![later]);
    let record = record_of(&event("run-failed"), status);
    world.executions.set_record(record);
    assert_eq!(world.sweep_after(HOUR).await.unwrap().settled, [RUN]);
}

/// An end that could not be settled has no mark.
#[tokio::test]
async fn an_end_whose_settling_failed_is_settled_by_the_sweep() {
    let world = World::new();
    let denied = CallError::AccessDenied("no".into());
    world.callbacks.fail_next(denied);
    let failed = world.settle_after(HOUR, event("run-succeeded")).await;
    assert_eq!(failed.unwrap_err().name(), "Quarry.AccessDenied");
    let status = ExecutionStatus::Succeeded;
    world.executions.set_listed(vec![listed(status)]);
    let record = record_of(&event("run-succeeded"), status);
    world.executions.set_record(record);
    assert_eq!(world.sweep_after(HOUR).await.unwrap().settled, [RUN]);
    assert!(world.answer().is_some());
}

#[tokio::test]
async fn one_thing_that_fails_prevents_nothing_else() {
    let (world, stuck) = world(ended(ExecutionStatus::Aborted)).await;
    world.jobs.stuck.lock().unwrap().push(stuck);
    let other = world.created(1, 0).await;
    world.jobs.add(&other, JobStatus::Submitted);
    let status = ExecutionStatus::Succeeded;
    world.executions.set_listed(vec![listed(status)]);
    let record = record_of(&event("run-succeeded"), status);
    world.executions.set_record_of(ARN, record);
    let failed = world.sweep_after(HOUR).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Throttled");
    assert!(failed.full_message().contains("stopping job arn:"));
    assert_eq!(world.jobs.stops(), [other]);
    assert!(world.answer().is_some());

    let denied = JobsError::AccessDenied("no".into());
    *world.jobs.list_failure.lock().unwrap() = Some(denied);
    let failed = world.sweep_after(HOUR).await.unwrap_err();
    assert!(failed.full_message().contains("listing live jobs quarry-"));
}

/// A clock that goes on by a minute whenever it is read.
struct Minutes(AtomicU64);

impl Clock for Minutes {
    fn now(&self) -> Duration {
        ENDED + DAY + Duration::from_mins(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[tokio::test]
async fn a_sweep_that_has_no_more_time_leaves_the_rest_to_the_next() {
    let (world, _) = world(ended(ExecutionStatus::Aborted)).await;
    for slice in 1..10 {
        let job = world.created(slice, 0).await;
        world.jobs.add(&job, JobStatus::InProgress);
    }
    let clock = Arc::new(Minutes(AtomicU64::new(0)));
    let store = Arc::new(world.store.clone());
    let swept = sweep(&world.deps(store, clock)).await.unwrap();
    assert!(!swept.complete);
    assert!((1..10).contains(&swept.jobs_stopped), "{swept:?}");
    let rest = world.sweep_after(DAY).await.unwrap();
    assert!(rest.complete);
    assert_eq!(world.jobs.stops().len(), 10);
}

#[tokio::test]
async fn a_sweep_without_a_work_prefix_or_a_machine_is_a_bad_request() {
    let mut world = World::new();
    let mut deps = world.deps(Arc::new(world.store.clone()), Arc::new(Moment(ENDED)));
    deps.machine = MACHINE.replace(":stateMachine:", ":function:");
    let failed = sweep(&deps).await.unwrap_err();
    assert!(failed.full_message().contains("QUARRY_STATE_MACHINE_ARN"));
    world.work = None;
    let failed = world.sweep_after(HOUR).await.unwrap_err();
    assert!(failed.full_message().contains("set QUARRY_WORK"));
}

#[test]
fn the_schedules_payload_is_told_from_an_event() {
    let read = |payload: Value| serde_json::from_value::<SettleEvent>(payload);
    assert_eq!(read(json!({"sweep": true})).unwrap(), SettleEvent::Sweep);
    assert!(matches!(
        read(event("run-failed")).unwrap(),
        SettleEvent::Ended(_)
    ));
    for neither in [json!({}), json!({"sweep": false})] {
        let error = read(neither).unwrap_err().to_string();
        assert!(
            error.contains("`detail`") && error.contains("sweep"),
            "{error}"
        );
    }
}
