//! Promise: a run stays far below Step Functions' limits, however long and large it is.

use crate::support::{Case, csv, is_long};
use quarry_bedrock_simulator::Schedule;
use quarry_local_stack::DEFINITION;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_168_hours_takes_fewer_than_1500_history_events() {
    let case = Case::new(
        &csv(200),
        &[("BEDROCK_BATCH_TIMEOUT_HOURS", "168")],
        |config| {
            config.schedule = Schedule {
                processing_seconds: 167 * 3600,
                ..Schedule::default()
            };
        },
    )
    .await;
    let finished = case.run().await.unwrap();
    assert!(finished.outcome.virtual_elapsed.as_secs() > 167 * 3600);
    let events = finished.outcome.max_child_history_events;
    assert!(events < 1_500, "{events}");
    assert!(finished.outcome.history_events < 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slices_pass_through_the_state_machine() {
    let slices = if is_long() { 10_000 } else { 250 };
    let settings = [
        ("BEDROCK_MAX_RECORDS_PER_JOB", "1"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "100"),
    ];
    let case = Case::new(&csv(slices), &settings, |_| {}).await;
    let finished = case.run().await.unwrap();
    assert_eq!(finished.outcome.children, slices as u64);
    assert_eq!(finished.output.rows, slices as u64);
    // The interpreter refuses any payload above 256 KiB, as the service does.
    assert!(finished.outcome.history_events < 100);
}

/// The events of an attempt: it is scheduled, it starts, and it fails.
const EVENTS_OF_AN_ATTEMPT: f64 = 3.0;

/// The events of a round whose job fails after a quarter of an hour: 30 of its states, and 9 for
/// each of 14 polls.
const EVENTS_OF_A_ROUND: f64 = 30.0 + 9.0 * 14.0;

/// Returns how long the waits of a `Retry` take in all, in seconds, and how many attempts they are.
/// With full jitter, a wait takes half of its longest time on average.
fn waits(retry: &Value) -> (f64, f64) {
    let number = |name: &str| retry[name].as_f64();
    let attempts = number("MaxAttempts").unwrap();
    let mut next = number("IntervalSeconds").unwrap_or(1.0);
    let longest = number("MaxDelaySeconds").unwrap_or(f64::MAX);
    let share = if retry["JitterStrategy"] == "FULL" {
        0.5
    } else {
        1.0
    };
    let (mut seconds, mut made) = (0.0, 0.0);
    while made < attempts {
        seconds += next.min(longest) * share;
        next *= number("BackoffRate").unwrap_or(2.0);
        made += 1.0;
    }
    (seconds, made)
}

/// A slice that uses up each of its waits, those with the most events for their time first, until
/// the time of a run is over; in as many rounds as there may be.
#[test]
fn all_waits_of_a_slice_fit_its_history() {
    let definition: Value = serde_json::from_str(DEFINITION).unwrap();
    let states = definition["States"]["Slices"]["ItemProcessor"]["States"].as_object();
    let retries = states
        .unwrap()
        .values()
        .filter_map(|state| state["Retry"].as_array());
    let mut all: Vec<(f64, f64)> = retries.flatten().map(waits).collect();
    assert!(all.len() > 20);
    all.sort_by(|(time, made), (other_time, other)| {
        (other / other_time.max(1.0)).total_cmp(&(made / time.max(1.0)))
    });
    let mut left = definition["TimeoutSeconds"].as_f64().unwrap();
    let mut events = 0.0;
    for (seconds, attempts) in all {
        let share = (left / seconds.max(1.0)).min(1.0);
        events += share * attempts * EVENTS_OF_AN_ATTEMPT;
        left -= share * seconds;
    }
    // Eleven attempts, ten rounds that do not count, and the rests of 72 hours.
    let rounds = 11.0 + 10.0 + (72.0 * 60.0 - 35.0) / 120.0 + 3.0;
    events += rounds * EVENTS_OF_A_ROUND;
    assert!(events < 25_000.0, "{events}");
    assert!(left <= 0.0, "the waits last as long as a run may: {left}");
}

/// An account with few concurrent calls of functions, or a quota of tokens a day, throttles for many hours.
#[test]
fn every_step_that_is_throttled_is_called_again_for_more_than_a_day() {
    let definition: Value = serde_json::from_str(DEFINITION).unwrap();
    let states = &definition["States"];
    let slices = &states["Slices"]["ItemProcessor"]["States"];
    for (states, name) in [
        (states, "Plan"),
        (slices, "Split"),
        (slices, "Submit"),
        (slices, "Check"),
        (slices, "Invoke"),
        (slices, "Merge"),
        (states, "Finish"),
    ] {
        for error in ["Quarry.Throttled", "Lambda.TooManyRequestsException"] {
            let retries = states[name]["Retry"].as_array().unwrap();
            let matches = |retry: &&Value| {
                let errors = retry["ErrorEquals"].as_array().unwrap();
                errors.iter().any(|one| one == error)
            };
            let (seconds, _) = waits(retries.iter().find(matches).unwrap());
            assert!(seconds > 24.0 * 3_600.0, "{name}, {error}: {seconds}");
        }
    }
}

/// An outage of Bedrock is waited out for most of a day. A call that crashes is not made as often.
#[test]
fn only_the_calls_to_bedrock_are_repeated_for_a_day() {
    let definition: Value = serde_json::from_str(DEFINITION).unwrap();
    let states = &definition["States"]["Slices"]["ItemProcessor"]["States"];
    for (name, hours) in [
        ("Submit", 20.0..30.0),
        ("Check", 20.0..30.0),
        ("Invoke", 20.0..30.0),
        ("Split", 1.0..4.0),
        ("Merge", 1.0..4.0),
    ] {
        let of = |error: &str| {
            let retries = states[name]["Retry"].as_array().unwrap();
            let matches = |retry: &&Value| {
                let errors = retry["ErrorEquals"].as_array().unwrap();
                errors.iter().any(|one| one == error)
            };
            waits(retries.iter().find(matches).unwrap())
        };
        let (seconds, _) = of("Quarry.Unavailable");
        assert!(hours.contains(&(seconds / 3_600.0)), "{name}: {seconds}");
        for crash in ["Sandbox.Timedout", "Runtime.ExitError", "States.Timeout"] {
            let (_, attempts) = of(crash);
            assert!(attempts <= 8.0, "{name}: {crash}");
        }
    }
}
