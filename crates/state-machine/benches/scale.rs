//! Runs thousands of slices through the deployed state machine in virtual time, to see which limit of AWS a run
//! of 100 million rows reaches first.
//!
//! The definition, the waits, the retries and the limits of Step Functions are real. The functions are stand-ins:
//! they return what the real ones would, take the time that those would take, and their jobs last as long as a
//! rule says. `docs/scale.md` has the figures.
//!
//! Run with `benches/run scale`.

use async_trait::async_trait;
use quarry_state_machine::{
    Definition, Event, EventKind, ExecutionOutcome, FunctionError, Host, Machine, Observer, Status,
    VirtualClock,
};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

const DEFINITION: &str = include_str!("../../../statemachine.asl.json");

const HOUR: u64 = 3_600;

/// One run in one Region.
struct Scenario {
    name: &'static str,
    slices: u64,
    /// The slices that are worked on at the same time: `BEDROCK_MAX_CONCURRENT_BATCH_JOBS`.
    at_once: u64,
    /// The account's quota of jobs in flight.
    quota: usize,
}

const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "100 million rows, 20 jobs in flight",
        slices: 2_223,
        at_once: 20,
        quota: 20,
    },
    Scenario {
        name: "one of 5 Regions with 20 jobs each",
        slices: 445,
        at_once: 20,
        quota: 20,
    },
    Scenario {
        name: "100 million rows, 100 jobs in flight",
        slices: 2_223,
        at_once: 100,
        quota: 100,
    },
    Scenario {
        name: "10,000 slices, 20 jobs in flight",
        slices: 10_000,
        at_once: 20,
        quota: 20,
    },
    Scenario {
        name: "10,000 slices, 100 jobs in flight",
        slices: 10_000,
        at_once: 100,
        quota: 100,
    },
    Scenario {
        name: "10,000 slices, 1,000 jobs in flight",
        slices: 10_000,
        at_once: 1_000,
        quota: 1_000,
    },
    Scenario {
        name: "10,000 slices, 1,000 at once, quota of 100",
        slices: 10_000,
        at_once: 1_000,
        quota: 100,
    },
];

/// How long the job of a slice takes, seconds: 1 to 7 hours, and a day for one of 50.
fn job_seconds(slice: u64) -> u64 {
    let spread = (slice + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    if spread.is_multiple_of(50) {
        24 * HOUR
    } else {
        HOUR + spread % (6 * HOUR)
    }
}

/// The functions and Bedrock.
struct Account {
    slices: u64,
    at_once: u64,
    quota: usize,
    clock: VirtualClock,
    /// The ends of the jobs in flight.
    in_flight: Mutex<BinaryHeap<Reverse<Duration>>>,
    most_in_flight: AtomicU64,
}

impl Account {
    fn create_job(&self, slice: u64) -> Result<(), FunctionError> {
        let now = self.clock.elapsed();
        let mut in_flight = self.in_flight.lock().expect("no holder panics");
        while in_flight.peek().is_some_and(|end| end.0 <= now) {
            in_flight.pop();
        }
        if in_flight.len() >= self.quota {
            return Err(FunctionError::new("Quarry.QuotaExceeded", "too many jobs"));
        }
        in_flight.push(Reverse(now + Duration::from_secs(job_seconds(slice))));
        self.most_in_flight
            .fetch_max(in_flight.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn call(&self, function: &str, mut state: Value) -> Result<Value, FunctionError> {
        let slice = state["slice"].as_u64().unwrap_or(0);
        let now = self.clock.elapsed().as_secs();
        match function {
            "plan" => {
                return Ok(json!({
                    "version": 1, "done": true, "turn": 1, "run": "s3://bucket/work/run",
                    "manifest": {"bucket": "bucket", "key": "work/run/manifest.json"},
                    "slices": self.slices, "max_concurrency": self.at_once, "empty": false,
                }));
            }
            "split" => state["next"] = "submit".into(),
            "submit" => {
                self.create_job(slice)?;
                state["next"] = "wait".into();
                state["wait_seconds"] = 60.into();
                state["job"] = json!({
                    "arn": format!("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{slice:012}"),
                    "submitted": now,
                });
            }
            "check" => {
                let age = now - state["job"]["submitted"].as_u64().unwrap_or(now);
                if age < job_seconds(slice) {
                    state["wait_seconds"] = (age * 8 / 100).clamp(60, 2 * HOUR).into();
                } else {
                    state["next"] = "merge".into();
                }
            }
            "merge" => state["next"] = "done".into(),
            "finish" => return Ok(json!({"version": 1, "done": true, "turn": 1})),
            other => {
                let text = format!("there is no function `{other}`");
                return Err(FunctionError::new("Lambda.ResourceNotFoundException", text));
            }
        }
        Ok(state)
    }
}

#[async_trait]
impl Host for Account {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        self.call(function, payload)
    }

    async fn get_object(&self, _: &str, _: &str) -> Result<Vec<u8>, FunctionError> {
        let list: Vec<Value> = (0..self.slices)
            .map(|slice| json!({"slice": slice}))
            .collect();
        Ok(json!(list).to_string().into_bytes())
    }

    fn duration(&self, function: &str, _: &Value) -> Duration {
        Duration::from_secs(match function {
            "plan" => 800,
            "split" => 5,
            "submit" | "check" => 1,
            "merge" => 10,
            _ => 300,
        })
    }
}

/// Counts what happens.
#[derive(Default)]
struct Counts {
    working: AtomicU64,
    most_working: AtomicU64,
    calls: AtomicU64,
}

impl Observer for Counts {
    fn event(&self, event: &Event<'_>) {
        match event.kind {
            EventKind::TaskStarted { .. } => {
                self.calls.fetch_add(1, Ordering::Relaxed);
                let working = self.working.fetch_add(1, Ordering::Relaxed) + 1;
                self.most_working.fetch_max(working, Ordering::Relaxed);
            }
            EventKind::TaskSucceeded { .. }
            | EventKind::TaskFailed { .. }
            | EventKind::TaskTimedOut { .. } => {
                self.working.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

async fn run(scenario: &Scenario) -> (ExecutionOutcome, Arc<Account>, Arc<Counts>) {
    let names = [
        "Plan", "Split", "Submit", "Check", "Invoke", "Merge", "Finish",
    ];
    let mut functions: BTreeMap<String, String> = names
        .map(|name| (format!("{name}Function"), name.to_lowercase()))
        .into();
    functions.insert("Partition".to_owned(), "aws".to_owned());
    let definition = Definition::load(DEFINITION, &functions).expect("the definition is valid");
    let clock = VirtualClock::starting_at(UNIX_EPOCH);
    let account = Arc::new(Account {
        slices: scenario.slices,
        at_once: scenario.at_once,
        quota: scenario.quota,
        clock: clock.clone(),
        in_flight: Mutex::default(),
        most_in_flight: AtomicU64::new(0),
    });
    let counts = Arc::new(Counts::default());
    let host = Arc::clone(&account) as Arc<dyn Host>;
    let observer = Arc::clone(&counts) as Arc<dyn Observer>;
    let machine = Machine::new(definition, host, clock, observer);
    let outcome = machine.run("run", json!({"data": "s3://bucket/data/"}));
    (outcome.await.expect("the name is free"), account, counts)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime can be made");
    println!(
        "run | end | days | transitions | calls | calls at once | jobs in flight | events of the run | of a slice | seconds"
    );
    for scenario in &SCENARIOS {
        let began = Instant::now();
        let (outcome, account, counts) = runtime.block_on(run(scenario));
        let end = match &outcome.status {
            Status::Succeeded(_) => "succeeded".to_owned(),
            Status::Failed { error, .. } => error.clone(),
            Status::TimedOut => "timed out".to_owned(),
            Status::Aborted { .. } => "stopped".to_owned(),
        };
        println!(
            "{} | {end} | {:.1} | {} | {} | {} | {} | {} | {} | {:.1}",
            scenario.name,
            outcome.virtual_elapsed.as_secs_f64() / 86_400.0,
            outcome.state_transitions,
            counts.calls.load(Ordering::Relaxed),
            counts.most_working.load(Ordering::Relaxed),
            account.most_in_flight.load(Ordering::Relaxed),
            outcome.history_events,
            outcome.max_child_history_events,
            began.elapsed().as_secs_f64(),
        );
    }
}
