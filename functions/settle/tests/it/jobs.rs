//! No job is left running.

use crate::{ARN, ENDED, World, at, event, job_name, owner, run};
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::RunFolder;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::executions::ExecutionRecord;
use quarry_edge::failure::CallError;
use quarry_edge::jobs::JobStatus;
use quarry_edge::s3::faults::{FaultyStore, StoreOperation};
use quarry_settle::{LATE_JOBS, RedriveTime, Told};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(2);

#[tokio::test]
async fn live_jobs_of_all_slices_and_rounds_are_stopped_and_no_others() {
    for (name, hours) in [
        ("run-aborted", "24"),
        ("run-failed", "0"),
        ("run-timed-out", "0"),
    ] {
        let mut world = World::new();
        world.redrive = RedriveTime::from_hours(Some(hours)).unwrap();
        let mut live = Vec::new();
        for (slice, round, status) in [
            (0, 0, JobStatus::InProgress),
            (1, 0, JobStatus::Submitted),
            (2, 0, JobStatus::Completed),
            (2, 1, JobStatus::Scheduled),
            (99_999, 3, JobStatus::Validating),
            (3, 0, JobStatus::Stopping),
            (4, 0, JobStatus::Expired),
        ] {
            let job = world.created(slice, round).await;
            world.jobs.add(&job, status);
            if !status.is_terminal() && status != JobStatus::Stopping {
                live.push(job);
            }
        }
        let other = RunFolder::new(&at("runs"), "label-strikes-other");
        let other = JobNames::new(&other, &owner()).name(&other.slice(0).round(0));
        world.jobs.add(&other, JobStatus::InProgress);
        let settled = world.settle(event(name)).await;
        assert_eq!(settled.jobs_stopped, 4, "{name}");
        let mut stops = world.jobs.stops();
        stops.sort();
        live.sort();
        assert_eq!(stops, live);
        // The second call has nothing to stop, and nothing was removed.
        assert_eq!(world.settle(event(name)).await.jobs_stopped, 0);
        assert_eq!(world.jobs.stops().len(), 4);
    }
}

/// A redrive uses the answers of jobs that went on. Stopped jobs would be paid for again.
#[tokio::test]
async fn a_failed_run_keeps_its_jobs_for_a_redrive() {
    for name in ["run-failed", "run-timed-out"] {
        let world = World::new();
        let job = world.created(0, 0).await;
        world.jobs.add(&job, JobStatus::InProgress);
        // Nor is a late job waited for.
        world.asked(1, 0).await;
        assert_eq!(world.settle(event(name)).await.jobs_stopped, 0);
        assert!(world.jobs.stops().is_empty(), "{name}");
        assert!(world.answer().is_some(), "its pipeline is told");
    }
}

/// The run is redriven when its jobs have been listed, or when the first one has been stopped.
#[tokio::test]
async fn a_run_that_is_redriven_while_its_jobs_are_stopped_keeps_the_others() {
    for name in ["run-failed", "run-aborted"] {
        for (call, stopped) in [("named", 0), ("stop", 1)] {
            let mut world = World::new();
            world.redrive = RedriveTime::from_hours(Some("0")).unwrap();
            for slice in 0..3 {
                let job = world.created(slice, 0).await;
                world.jobs.add(&job, JobStatus::InProgress);
            }
            let executions = world.executions.clone();
            world.jobs.after(call, move || {
                executions.set_record(ExecutionRecord {
                    redriven: Some(ENDED + SOON),
                    ..ExecutionRecord::default()
                });
            });
            let settled = world.settle(event(name)).await;
            assert_eq!(settled.jobs_stopped, stopped, "{name} {call}");
            assert_eq!(world.jobs.stops().len(), stopped, "{name} {call}");
            assert_eq!(settled.callback, Told::Nothing, "{name} {call}");
            assert!(world.answer().is_none(), "{name} {call}");
        }
    }
}

#[tokio::test]
async fn a_failed_run_that_cannot_be_redriven_leaves_no_job_running() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    world.executions.set_record(ExecutionRecord {
        is_final: true,
        ..ExecutionRecord::default()
    });
    assert_eq!(world.settle(event("run-failed")).await.jobs_stopped, 1);
}

/// A run on demand has an object of answers for each few records.
#[tokio::test]
async fn a_run_with_many_objects_is_listed_page_by_page() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    let answers = run().slice(1).round(0).on_demand_output();
    for number in 0..2_500 {
        world
            .put(&answers.join(&format!("{number:012}")), json!({}))
            .await;
    }
    let last = world.created(2, 0).await;
    world.jobs.unlisted.lock().unwrap().push(last.clone());
    let store = Arc::new(FaultyStore::new(world.store.clone()));
    let settled = world
        .settle_over(store.clone(), SOON, event("run-aborted"))
        .await;
    assert_eq!(settled.unwrap().jobs_stopped, 2);
    assert_eq!(
        store.calls(StoreOperation::List),
        3,
        "pages of 1,000 objects"
    );
}

/// Another execution of the same name, of another deployment or long before, owns the folder. The
/// plan of an earlier build has no ARN.
#[tokio::test]
async fn a_run_that_was_refused_its_folder_stops_no_job_of_the_folders_owner() {
    let elsewhere = ARN.replace(":quarry:", ":other:");
    for (arn, started, has_document) in [
        (Some(elsewhere.as_str()), "2025-11-22T00:38:31Z", true),
        (Some(elsewhere.as_str()), "2025-11-22T00:38:31Z", false),
        (None, "2025-11-20T00:00:00Z", true),
        (None, "2025-11-20T00:00:00Z", false),
    ] {
        let world = World::new();
        let recorded = world.created(0, 0).await;
        let owner = RunIdentity {
            execution_arn: arn.map(str::to_owned),
            started: started.to_owned(),
            ..owner()
        };
        if has_document {
            world.owned(&owner).await;
        } else {
            world.store.delete(&run().owner());
            let plan = json!({"version": 1, "execution": "e", "execution_arn": arn, "started": started, "tables": []});
            world.put(&run().plan(), plan).await;
        }
        let named = JobNames::new(&run(), &owner).name(&run().slice(1).round(0));
        for job in [&recorded, &named] {
            world.jobs.add(job, JobStatus::InProgress);
        }
        // Nor does it wait for a job of the owner's that may still appear.
        world.put(&run().slice(2).round(0).asked(), json!({})).await;
        let settled = world.settle(event("run-aborted")).await;
        assert_eq!(settled.jobs_stopped, 0, "{owner:?}");
        assert!(world.jobs.stops().is_empty());
        assert!(world.answer().is_some(), "its own pipeline is told");
    }
}

/// A run that an earlier build planned has jobs named after its folder.
#[tokio::test]
async fn the_jobs_of_a_run_that_was_planned_without_its_arn_are_stopped() {
    let world = World::new();
    let owner = RunIdentity {
        execution_arn: None,
        ..owner()
    };
    let plan = serde_json::to_value(&owner).unwrap();
    world.put(&run().plan(), plan).await;
    let job = JobNames::new(&run(), &owner).name(&run().slice(0).round(0));
    world.jobs.add(&job, JobStatus::InProgress);
    assert_eq!(world.settle(event("run-aborted")).await.jobs_stopped, 1);
}

/// An execution that failed before it was planned has none.
#[tokio::test]
async fn an_execution_without_a_folder_has_no_jobs_to_look_for() {
    let world = World::new();
    let unlistable = quarry_edge::jobs::JobsError::AccessDenied("no".into());
    *world.jobs.list_failure.lock().unwrap() = Some(unlistable);
    assert_eq!(world.settle(event("run-aborted")).await.jobs_stopped, 0);
}

#[tokio::test]
async fn a_run_that_succeeded_stops_nothing() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    assert_eq!(world.settle(event("run-succeeded")).await.jobs_stopped, 0);
    assert!(world.jobs.stops().is_empty());
}

#[tokio::test]
async fn a_job_is_found_by_its_document_or_by_its_name() {
    let world = World::new();
    // The job's submit was interrupted before it wrote the document.
    let unrecorded = job_name(&run().slice(7).round(1));
    world.asked(7, 1).await;
    world.jobs.add(&unrecorded, JobStatus::Submitted);
    // The service's list does not show this job yet.
    let unlisted = world.created(8, 0).await;
    world.jobs.add(&unlisted, JobStatus::Submitted);
    world.jobs.unlisted.lock().unwrap().push(unlisted.clone());
    let late = LATE_JOBS + SOON;
    let settled = world
        .settle_after(late, event("run-aborted"))
        .await
        .unwrap();
    assert_eq!(settled.jobs_stopped, 2);
    let mut stops = world.jobs.stops();
    stops.sort();
    assert_eq!(stops, [unrecorded, unlisted]);
}

/// `settle` makes no request about a job whose end is recorded.
#[tokio::test]
async fn jobs_that_have_ended_are_left_alone() {
    let world = World::new();
    let job = world.created(0, 0).await;
    let end = json!({"version": 1, "arn": "a", "name": job, "status": "Completed", "message": "", "seconds": 1});
    world.put(&run().slice(0).round(0).job_end(), end).await;
    assert_eq!(world.settle(event("run-aborted")).await.jobs_stopped, 0);
}

/// A submit may be under way when the run ends.
#[tokio::test]
async fn a_round_that_may_still_get_a_job_is_checked_again_a_minute_later() {
    let world = World::new();
    world.asked(0, 0).await;
    let error = world
        .settle_after(SOON, event("run-aborted"))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Quarry.Unavailable");
    assert!(
        world.failure().contains("the pipeline is being stopped"),
        "all else is done before"
    );
    let job = job_name(&run().slice(0).round(0));
    world.jobs.add(&job, JobStatus::Submitted);
    let late = LATE_JOBS + SOON;
    let settled = world
        .settle_after(late, event("run-aborted"))
        .await
        .unwrap();
    assert_eq!(settled.jobs_stopped, 1);
}

#[tokio::test]
async fn rounds_that_have_their_answers_get_no_further_job() {
    let world = World::new();
    world.asked(0, 0).await;
    world
        .put(&run().slice(0).round(0).counts(), json!({}))
        .await;
    world.asked(1, 0).await;
    let answers = run()
        .slice(1)
        .round(0)
        .on_demand_output()
        .join("000000000100.jsonl.out");
    world.put(&answers, json!({})).await;
    world.created(2, 0).await;
    world.settle(event("run-aborted")).await;
}

#[tokio::test]
async fn one_job_that_cannot_be_stopped_prevents_nothing_else() {
    let world = World::new();
    for slice in 0..3 {
        let job = world.created(slice, 0).await;
        world.jobs.add(&job, JobStatus::InProgress);
        if slice == 0 {
            world.jobs.stuck.lock().unwrap().push(job);
        }
    }
    let error = world
        .settle_after(SOON, event("run-aborted"))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Quarry.Throttled");
    assert_eq!(world.jobs.stops().len(), 2);
    assert!(world.answer().is_some());
    world.jobs.stuck.lock().unwrap().clear();
    assert_eq!(world.settle(event("run-aborted")).await.jobs_stopped, 1);
}

/// Jobs cost money, so they are stopped even if Step Functions does not respond.
#[tokio::test]
async fn jobs_are_stopped_without_step_functions() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    world
        .executions
        .fail_next(CallError::Unavailable("down".into()));
    assert_eq!(world.settle(event("run-aborted")).await.jobs_stopped, 1);
}
