//! Promise: random tables, settings, faults, deaths, stops and redrives break nothing that
//! `docs/promises.md` promises.

use crate::cap_model;
use crate::fated::{Fates, NthCall};
use crate::model::{EndedRun, Losses, Written};
use crate::random_run::RandomRun;
use crate::settling::{Ended, deps, settle};
use crate::support::{Case, is_long, place};
use bytes::Bytes;
use quarry_bedrock_simulator::RecordAsks;
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::Plan;
use quarry_cost::{Usd, Way};
use quarry_edge::callbacks::memory::MemoryCallbacks;
use quarry_edge::documents;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::fates::{Fate, OutsideOperation};
use quarry_edge::jobs::Job;
use quarry_edge::s3::faults::StoreOperation;
use quarry_local_stack::CallLimit;
use quarry_state_machine::{ExecutionOutcome, Status};
use serde_json::Value;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// Seeds whose runs once broke a promise, or showed that the model was wrong.
const KEPT: [u64; 9] = [47, 2321, 2406, 4018, 5011, 20_243, 21_156, 21_210, 21_248];
/// The seeds of the short form, besides the kept ones.
const SHORT: Range<u64> = 100..109;
const LONG: Range<u64> = 1_000..3_000;

const NAME: &str = "run";
const MOST_REDRIVES: usize = 6;
/// The most time that a run takes, also on a machine that is busy with other work.
const MOST_TIME: Duration = Duration::from_mins(10);
/// The calls of functions that a stop or a failed slice may break off.
const CALLS_AT_ONCE: u64 = 2;
/// The question that tells whether the service is up.
const PROBE: &str = "ping";

/// What was seen of a run besides its result.
#[derive(Debug, Default)]
struct Watched {
    lost_groups: AtomicU64,
    lost_answers: AtomicU64,
    effects: AtomicU64,
}

impl Watched {
    fn lose(&self, call: &NthCall, fate: Fate) {
        if call.function != "invoke" {
            return;
        }
        let lost = match (fate, call.call.operation) {
            (Fate::DiesBefore | Fate::DiesAfter | Fate::MemoryUsedUp, _)
            | (Fate::Fails(_), OutsideOperation::Store(StoreOperation::Put)) => &self.lost_groups,
            (Fate::ResponseLost, OutsideOperation::Invoke) => &self.lost_answers,
            _ => return,
        };
        lost.fetch_add(1, Ordering::SeqCst);
    }
}

fn fates_of(run: &RandomRun, watched: &Arc<Watched>) -> Fates {
    let (run, watched) = (run.clone(), Arc::clone(watched));
    let clocks = run.clone();
    let fates = Fates::new(move |call: &NthCall| {
        let mut fate = run.fate(call);
        if call.call.operation.has_effect() {
            let number = watched.effects.fetch_add(1, Ordering::SeqCst);
            if Some(number) == run.stop_at {
                fate = Fate::DiesAfter;
            }
        }
        watched.lose(call, fate);
        fate
    });
    fates.with_clocks(move |function| clocks.clock_fault(function))
}

async fn case_of(run: &RandomRun, fates: &Fates) -> Case {
    let names: Vec<String> = (0..run.files.len()).map(|n| format!("{n}.csv")).collect();
    let files: Vec<(&str, Bytes)> = names
        .iter()
        .zip(&run.files)
        .map(|(name, text)| (name.as_str(), Bytes::from(text.clone())))
        .collect();
    let settings: Vec<(&str, &str)> = run
        .settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut case = Case::of_files(&files, "Judge {id}: {text}", &settings, |config| {
        config.limits.min_records_per_job = run.fewest;
        config.keeps_versions = run.keeps_versions;
        config.faults = run.faults.clone();
        config.surround = Some(fates.surround());
        if let Some(pieces) = run.pieces {
            config.call_limit = CallLimit::Pieces(pieces);
        }
    })
    .await;
    case.request.sample = run.sample;
    case
}

/// Does what is left to do when a run has ended.
async fn settle_end(case: &Case, input: &Value, outcome: &ExecutionOutcome) {
    let (executions, callbacks) = (MemoryExecutions::default(), MemoryCallbacks::default());
    let deps = deps(&case.stack, &executions, &callbacks);
    for _ in 0..10 {
        let ended = Ended {
            name: NAME,
            input,
            outcome,
            // Jobs that are about to be made are not waited for.
            at: case
                .stack
                .clock()
                .now()
                .saturating_sub(quarry_settle::LATE_JOBS),
        };
        if settle(&deps, ended).await.is_ok() {
            return;
        }
    }
    panic!("the end cannot be settled");
}

/// Runs it, and redrives it as an operator would. Returns the last outcome.
async fn drive(case: &Case, run: &RandomRun, fates: &Fates) -> ExecutionOutcome {
    let input = serde_json::to_value(&case.request).unwrap();
    let execution = case.stack.execution(NAME, input.clone()).unwrap();
    if run.stop_at.is_some() {
        fates.stop_at_death(&execution);
    }
    let mut outcome = execution.run().await;
    // The handle is that of the first execution, which may have failed before its stop.
    fates.stop_no_more();
    for _ in 0..MOST_REDRIVES {
        if matches!(outcome.status, Status::Succeeded(_)) {
            break;
        }
        if run.settles {
            settle_end(case, &input, &outcome).await;
        }
        outcome = case.stack.redrive(NAME).unwrap().run().await;
    }
    settle_end(case, &input, &outcome).await;
    outcome
}

/// Returns all jobs. The script's faults of calls hold for the test's own calls too.
async fn jobs_of(case: &Case) -> Vec<Job> {
    for _ in 0..10 {
        if let Ok(jobs) = case.stack.jobs().named("quarry").await {
            return jobs;
        }
    }
    panic!("the jobs cannot be listed")
}

async fn ended(
    run: &RandomRun,
    case: &Case,
    watched: &Watched,
    outcome: ExecutionOutcome,
) -> EndedRun {
    let simulator = case.stack.simulator();
    let probes: Vec<RecordAsks> = simulator.asks_of_prompt(PROBE);
    let is_probe = |record: &RecordAsks| probes.iter().any(|probe| probe.prompt == record.prompt);
    let redrives = outcome.redrives;
    EndedRun {
        records: simulator
            .records()
            .into_iter()
            .filter(|record| !is_probe(record))
            .collect(),
        probe_answers: probes.iter().map(|probe| probe.answers).sum(),
        counters: case.stack.counters(),
        jobs: jobs_of(case).await,
        losses: Losses {
            groups: watched.lost_groups.load(Ordering::SeqCst) + redrives * CALLS_AT_ONCE,
            answers: watched.lost_answers.load(Ordering::SeqCst) + run.cut_questions(),
        },
        redrives,
        bill: Usd::of_parts(simulator.bill().total().unwrap_or_default()),
        expected_cost: expected_cost(case).await.unwrap_or_default(),
        outcome,
    }
}

/// Returns what the first rounds of a planned run are expected to cost.
async fn expected_cost(case: &Case) -> Option<Usd> {
    let at = RunFolder::new(&place("work"), NAME).plan();
    let plan: Plan = documents::read(&**case.stack.store(), &at).await.ok()?;
    let cost = plan.estimate?.cost(&plan.rates?.primary, Way::OnDemand)?;
    Some(cost.expected)
}

/// Checks what has to hold, and returns the number of calls. The error says which promise is broken.
async fn check(run: &RandomRun) -> Result<Totals, String> {
    let watched = Arc::new(Watched::default());
    let fates = fates_of(run, &watched);
    let case = case_of(run, &fates).await;
    let outcome = drive(&case, run, &fates).await;
    let ended = ended(run, &case, &watched, outcome).await;
    ended.check_end(run)?;
    let mut totals = Totals {
        stopped_by_cap: 0,
        cap_decisions: 0,
        cap_stops: 0,
        calls: fates.total(),
        jobs: ended.counters.jobs_created,
        questions: ended.counters.on_demand_calls,
        redrives: ended.redrives,
        samples: u64::from(run.sample.is_some()),
        clocks: run.clocks.len() as u64,
        caps: u64::from(run.has_cap()),
        refused_by_cap: u64::from(ended.is_refused_by_cap(run)),
        failed: u64::from(!matches!(ended.outcome.status, Status::Succeeded(_))),
    };
    if totals.failed == 0 {
        let finished = case.stack.finished(ended.outcome.clone()).await;
        let name = match run.sample {
            Some(_) => "validation_sample_processed_data.csv",
            None => "validation_processed_data.csv",
        };
        let result = case.written(name).await;
        let written = Written {
            result: String::from_utf8(result.to_vec()).unwrap(),
            summary: finished.map_err(|error| error.to_string())?.summary,
        };
        ended.check_result(run, &written)?;
        if let Some(cap) = run.cap() {
            let decisions = cap_model::check(&case, run, cap).await?;
            ended.check_spent(run, &decisions)?;
            totals.cap_decisions = decisions.made;
            totals.cap_stops = decisions.stopped;
        }
        let stopped = written.summary.pointer("/rows/stopped_by_max_cost");
        totals.stopped_by_cap = stopped.and_then(Value::as_u64).unwrap_or(0);
    }
    Ok(totals)
}

/// What some runs did.
#[derive(Debug, Default)]
struct Totals {
    /// Calls of S3 and Bedrock by functions.
    calls: u64,
    jobs: u64,
    /// Questions on demand.
    questions: u64,
    redrives: u64,
    /// Runs over a sample.
    samples: u64,
    /// Functions whose clocks were off.
    clocks: u64,
    /// Runs with a cap on the cost, and those that were refused because of it.
    caps: u64,
    refused_by_cap: u64,
    /// Rows that were not sent again because of a cap.
    stopped_by_cap: u64,
    /// Further rounds of slices that the model allowed or stopped as the run did, and those that were stopped.
    cap_decisions: u64,
    cap_stops: u64,
    /// Runs that failed after all redrives, as the promises say.
    failed: u64,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.jobs += other.jobs;
        self.questions += other.questions;
        self.redrives += other.redrives;
        self.samples += other.samples;
        self.clocks += other.clocks;
        self.caps += other.caps;
        self.refused_by_cap += other.refused_by_cap;
        self.stopped_by_cap += other.stopped_by_cap;
        self.cap_decisions += other.cap_decisions;
        self.cap_stops += other.cap_stops;
        self.failed += other.failed;
    }
}

/// Returns the seeds in `QUARRY_SEED`: one, or a range such as `1-500`.
fn given_seeds() -> Option<Vec<u64>> {
    let text = std::env::var_os("QUARRY_SEED")?.into_string().ok()?;
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    let number = |text: &str| text.parse::<u64>();
    match (number(first), number(last)) {
        (Ok(first), Ok(last)) => Some((first..=last).collect()),
        _ => panic!("QUARRY_SEED is `{text}`; give a number, or a range such as 1-500"),
    }
}

fn seeds() -> Vec<u64> {
    given_seeds().unwrap_or_else(|| {
        let new = if is_long() { LONG } else { SHORT };
        KEPT.into_iter().chain(new).collect()
    })
}

/// A seed that fails belongs into `KEPT`. The order in which slices run side by side is not part of
/// a seed.
#[test]
fn random_runs_keep_the_promises() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut failures = Vec::new();
    let mut totals = Totals::default();
    let seeds = seeds();
    for seed in &seeds {
        let run = RandomRun::of_seed(*seed);
        let checked =
            || runtime.block_on(async { timeout(MOST_TIME, Box::pin(check(&run))).await });
        let problem = match std::panic::catch_unwind(AssertUnwindSafe(checked)) {
            Ok(Ok(Ok(one))) => {
                totals.add(&one);
                continue;
            }
            Ok(Ok(Err(problem))) => problem,
            Ok(Err(_)) => format!("no end after {} s", MOST_TIME.as_secs()),
            Err(_) => "a panic, see above".to_owned(),
        };
        failures.push(format!(
            "seed {seed}: {problem}\n  {run:?}\n  again: QUARRY_SEED={seed} cargo test -p quarry-local-stack \
             --test it random_runs_keep_the_promises"
        ));
    }
    println!("{} random runs: {totals:?}", seeds.len());
    assert!(
        failures.is_empty(),
        "{} of {} random runs break a promise:\n{}",
        failures.len(),
        seeds.len(),
        failures.join("\n")
    );
}
