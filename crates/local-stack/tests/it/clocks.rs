//! Promise: a function whose clock is off loses no row, pays for nothing twice, does not wait for ever
//! and leaves no job.

use crate::deaths;
use crate::fated::Fates;
use crate::support::{Case, csv, is_long};
use quarry_edge::fates::{ClockFault, Fate};
use quarry_state_machine::Status;
use serde_json::{Value, json};
use std::time::Duration;

const OFF: Duration = Duration::from_mins(10);
/// The functions that read the time.
const FUNCTIONS: [&str; 3] = ["check", "invoke", "merge"];

const FAULTS: [ClockFault; 4] = [
    ClockFault::Ahead(OFF),
    ClockFault::Behind(OFF),
    ClockFault::JumpsBack(OFF),
    ClockFault::StandsStill,
];

fn fates(of: impl Fn(&str) -> Option<ClockFault> + Send + Sync + 'static) -> Fates {
    Fates::new(|_| Fate::Made).with_clocks(of)
}

/// In the short form, each function has one of the faults.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_changes_neither_the_result_nor_the_jobs() {
    let (_, expected) = deaths::undisturbed().await;
    for (number, function) in FUNCTIONS.into_iter().enumerate() {
        for (other, fault) in FAULTS.into_iter().enumerate() {
            if !is_long() && other != number {
                continue;
            }
            let fates = fates(move |name| (name == function).then_some(fault));
            let case = deaths::case(&fates).await;
            let finished = case.run().await.unwrap();
            let place = format!("{function}: {fault:?}");
            assert_eq!(deaths::left(&case).await, expected, "{place}");
            let events = finished.outcome.max_child_history_events;
            assert!(events < 500, "{place}: {events}");
        }
    }
}

/// A poll each minute would be 90,000 events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_week_fits_its_history_whatever_the_clock_of_check_shows() {
    for fault in FAULTS
        .into_iter()
        .chain([ClockFault::Behind(Duration::from_hours(200))])
    {
        let fates = fates(move |name| (name == "check").then_some(fault));
        let settings = [("BEDROCK_BATCH_TIMEOUT_HOURS", "168")];
        let case = Case::new(&csv(200), &settings, |config| {
            config.schedule.processing_seconds = 160 * 3_600;
            config.surround = Some(fates.surround());
        })
        .await;
        let finished = case.run().await.unwrap();
        assert!(
            finished.outcome.virtual_elapsed > Duration::from_hours(160),
            "{fault:?}"
        );
        let events = finished.outcome.max_child_history_events;
        assert!(events < 1_500, "{fault:?}: {events}");
        assert_eq!(case.stack.counters().jobs_created, 1, "{fault:?}");
    }
}

/// Half of the functions are ahead and half are behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_whose_clocks_differ_give_the_same_result() {
    let (_, expected) = deaths::undisturbed().await;
    for merge_is_ahead in [true, false] {
        let fates = fates(move |name| {
            Some(if (name == "merge") == merge_is_ahead {
                ClockFault::Ahead(OFF)
            } else {
                ClockFault::Behind(OFF)
            })
        });
        let case = deaths::case(&fates).await;
        case.run().await.unwrap();
        assert_eq!(deaths::left(&case).await, expected, "{merge_is_ahead}");
    }
}

/// Returns a run in an outage in which `jobs` jobs end without an answer, with this clock of merge.
async fn in_outage(jobs: u64, hours: &str, fault: ClockFault) -> Case {
    let ends: Vec<Value> = (0..jobs)
        .map(|job| json!({"job": job, "kind": "end", "status": "Failed", "answered": 0.0}))
        .collect();
    let settings = [
        ("BEDROCK_OUTAGE_WAIT_HOURS", hours),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let fates = fates(move |name| (name == "merge").then_some(fault));
    Case::new(&csv(150), &settings, |config| {
        config.faults = serde_json::from_value(json!({ "jobs": ends })).unwrap();
        config.surround = Some(fates.surround());
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_waited_for_as_long_as_the_settings_say_whatever_the_clock_shows() {
    for fault in FAULTS {
        let case = in_outage(1_000, "12", fault).await;
        let input = serde_json::to_value(&case.request).unwrap();
        let outcome = case.stack.execution("run", input).unwrap().run().await;
        assert!(
            matches!(outcome.status, Status::Failed { .. }),
            "{fault:?}: {outcome:?}"
        );
        let child = outcome.first_child_failure.unwrap();
        assert_eq!(child.error, "Quarry.Refused", "{fault:?}: {child:?}");
        let waited = outcome.virtual_elapsed.as_secs();
        // Each round after a rest takes half an hour, which a clock that stands still does not show.
        assert!(
            (11 * 3_600..18 * 3_600).contains(&waited),
            "{fault:?}: {waited}"
        );

        let case = in_outage(3, "12", fault).await;
        let finished = case.run().await.unwrap();
        assert_eq!(finished.summary["failed_records"], 0, "{fault:?}");
        assert_eq!(case.stack.counters().jobs_created, 4, "{fault:?}");
    }
}
