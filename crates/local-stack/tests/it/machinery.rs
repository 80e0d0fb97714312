//! Promise: the formula of what a run asks of Step Functions, Lambda and S3 is near to what real runs ask.

use crate::support::Case;
use bytes::Bytes;
use quarry_asking::Asking;
use quarry_bedrock_simulator::Schedule;
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::{Plan, Slice};
use quarry_cost::estimate::{Estimated, Overhead};
use quarry_edge::documents;
use quarry_local_stack::{Finished, FunctionUse};
use std::fmt::Write;

/// How long each job takes: 8 minutes.
const JOB_SECONDS: u64 = 480;

/// Returns rows whose text has about 800 bytes, as reports of the example have at most.
fn table(rows: usize) -> String {
    let mut text = String::from("id,text\n");
    for row in 0..rows {
        let _ = write!(text, "{row:07},");
        for word in 0..100 {
            let _ = write!(text, "w{:05} ", (row * 31 + word * 17) % 99_991);
        }
        text.push('\n');
    }
    text
}

struct Held {
    counted: FunctionUse,
    transitions: u64,
    formula: Overhead,
}

/// Runs a table, and returns what was counted and what the formula says.
async fn held(rows: usize, settings: &[(&str, &str)]) -> Held {
    let data = Bytes::from(table(rows));
    let case = Case::of_files(&[("data.csv", data)], "{text}", settings, |config| {
        config.schedule = Schedule {
            record_milliseconds: 0,
            ..Schedule::even(JOB_SECONDS / 4)
        };
    })
    .await;
    let finished = case.run().await.unwrap();
    let uses = case.stack.uses();
    for (name, used) in &uses {
        println!("{rows} rows, {name}: {used:?}");
    }
    let formula = formula(&case, &finished).await;
    println!("{formula:?}");
    Held {
        counted: uses
            .into_values()
            .fold(FunctionUse::default(), FunctionUse::plus),
        transitions: finished.outcome.state_transitions,
        formula,
    }
}

async fn formula(case: &Case, finished: &Finished) -> Overhead {
    let run = RunFolder::at(finished.output.run.clone());
    let store = &**case.stack.store();
    let plan: Plan = documents::read(store, &run.plan()).await.unwrap();
    let mut slices: Vec<Slice> = Vec::new();
    for slice in 0..plan.slices {
        let at = run.slice(slice).spec();
        slices.push(documents::read(store, &at).await.unwrap());
    }
    let asking = Asking::of_plan(&plan).unwrap();
    let estimate = plan.estimate.unwrap();
    let asked = asking.asked_slices(&plan, &slices, &estimate);
    let seconds = Estimated::default().map(|_: u64| JOB_SECONDS);
    Overhead::of_jobs(&asked, seconds)
}

/// Whether a value is within a tenth of another.
fn assert_near(what: &str, formula: u64, counted: u64) {
    assert!(
        formula.abs_diff(counted) * 10 <= counted,
        "{what}: {formula} by the formula, {counted} counted"
    );
}

impl Held {
    fn assert_near(&self) {
        let Self {
            counted,
            transitions,
            formula,
        } = self;
        assert_near(
            "transitions",
            formula.transitions.number.expected,
            *transitions,
        );
        assert_near("calls", formula.lambda.calls.expected, counted.calls);
        assert_near("writes", formula.requests.writes, counted.requests.writes);
        assert_near("reads", formula.requests.reads, counted.requests.reads);
    }
}

/// Two jobs of small objects, and jobs whose objects take several parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_transitions_of_jobs_are_those_of_the_formula() {
    for (rows, per_job) in [(2_000, "200"), (60_000, "15000")] {
        let settings = [("BEDROCK_MAX_RECORDS_PER_JOB", per_job)];
        held(rows, &settings).await.assert_near();
    }
}

/// One slice, and three. No invocation is so long that another has to continue its work: the local stack knows
/// no time of functions, and so no notes of invocations at work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_transitions_on_demand_are_those_of_the_formula() {
    for (rows, batch_size) in [(1_000, "10"), (6_000, "50")] {
        let settings = [
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_CONCURRENCY_MODE", "concurrent"),
            ("BEDROCK_MAX_CONCURRENT_WORKERS", "30"),
            ("BEDROCK_RATE_LIMIT_PER_SECOND", "300"),
            ("BEDROCK_MAX_RECORDS_PER_JOB", "2000"),
            ("BEDROCK_BATCH_SIZE", batch_size),
        ];
        held(rows, &settings).await.assert_near();
    }
}
