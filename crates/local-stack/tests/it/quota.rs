//! Promise: runs that share an account's quota of jobs wait for each other, and all of them finish.

use crate::support::{Case, assert_every_row_once, csv, is_long, place};
use quarry_contract::request::Request;
use quarry_edge::jobs::Job;
use quarry_local_stack::Finished;
use std::future::{Future, poll_fn};
use std::task::Poll;

const PLACES: usize = 20;

/// Runs `runs` executions of the case's request at the same time, each with an output of its own.
async fn run_at_once(case: &Case, runs: usize) -> Vec<(Request, Finished)> {
    let mut running = Vec::new();
    for run in 0..runs {
        let mut request = case.request.clone();
        request.output = place(&format!("results/run-{run}"));
        let input = serde_json::to_value(&request).unwrap();
        let execution = case.stack.execution(&format!("run-{run}"), input).unwrap();
        running.push((request, Box::pin(execution.run())));
    }
    // One task polls all of them, so that all have begun before time passes for the first.
    let mut ended = Vec::new();
    poll_fn(|context| {
        running.retain_mut(|(request, run)| match run.as_mut().poll(context) {
            Poll::Ready(outcome) => {
                ended.push((request.clone(), outcome));
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    let mut finished = Vec::new();
    for (request, outcome) in ended {
        let run = case.stack.finished(outcome).await;
        let run = run.unwrap_or_else(|error| panic!("{}: {error}", request.output));
        finished.push((request, run));
    }
    finished
}

/// Returns the most jobs that were in flight at one time.
fn most_in_flight(jobs: &[Job]) -> usize {
    let mut changes: Vec<_> = jobs
        .iter()
        .flat_map(|job| [(job.submitted, 1_i64), (job.ended.unwrap(), -1)])
        .collect();
    // A place that becomes free can be taken at the same instant.
    changes.sort_unstable();
    let mut in_flight = 0;
    let mut most = 0;
    for (_, change) in changes {
        in_flight += change;
        most = most.max(in_flight);
    }
    usize::try_from(most).unwrap()
}

async fn assert_all_ended_well(case: &Case, data: &str, runs: &[(Request, Finished)]) {
    let jobs = case.stack.jobs().named("quarry").await.unwrap();
    assert_eq!(jobs.len() as u64, case.stack.counters().jobs_created);
    assert!(jobs.iter().all(|job| job.status.is_terminal()));
    assert_eq!(most_in_flight(&jobs), PLACES.min(jobs.len()));
    for (request, _) in runs {
        let name = "validation_processed_data.csv";
        let at = request.output.join(name);
        let result = case.stack.store().get(&at, 1 << 20).await.unwrap();
        assert_every_row_once(data, std::str::from_utf8(&result).unwrap());
    }
    for asks in case.stack.simulator().records() {
        assert_eq!(asks.bad, 0);
    }
}

/// Each run alone would use all places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_share_twenty_places_and_both_finish() {
    let data = csv(240);
    let settings = [
        ("BEDROCK_MAX_RECORDS_PER_JOB", "10"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "20"),
    ];
    let case = Case::new(&data, &settings, |config| {
        config.limits.min_records_per_job = 1;
        config.limits.jobs_in_flight_per_model = PLACES;
    })
    .await;
    let runs = run_at_once(&case, 2).await;
    assert_all_ended_well(&case, &data, &runs).await;
    assert_eq!(case.stack.counters().jobs_created, 48);
}

/// The long form has 200 runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_runs_share_twenty_places_and_all_finish() {
    let runs = if is_long() { 200 } else { 40 };
    let data = csv(3);
    let settings = [("BEDROCK_MIN_RECORDS_PER_JOB", "1")];
    let case = Case::new(&data, &settings, |config| {
        config.limits.min_records_per_job = 1;
        config.limits.jobs_in_flight_per_model = PLACES;
    })
    .await;
    let finished = run_at_once(&case, runs).await;
    assert_all_ended_well(&case, &data, &finished).await;
    assert_eq!(case.stack.counters().jobs_created, runs as u64);
}
