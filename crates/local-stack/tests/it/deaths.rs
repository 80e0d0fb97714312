//! Promise: wherever a function dies, a call fails or a run is stopped, the run ends with the same bytes
//! and the same jobs, without help or by a redrive.

use crate::fated::{Fates, NthCall};
use crate::support::{Case, assert_every_row_once, csv};
use quarry_edge::fates::{Fate, InjectedError, OutsideOperation};
use quarry_local_stack::Finished;
use quarry_state_machine::Status;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const ROWS: usize = 30;
const GROUP: u64 = 2;

/// What happens at a side effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The function dies before it.
    DeathBefore,
    /// The function dies after it.
    DeathAfter,
    /// The function uses its memory up before it.
    MemoryUsedUp,
    /// The run is stopped before it, and redriven.
    StopBefore,
    /// The run is stopped after it, and redriven.
    StopAfter,
    /// The run is stopped after it, and a new run of the same request begins.
    Restart,
    /// Its response is lost. The SDK makes a write again, and the function or the state machine any
    /// other call.
    LostResponse,
    /// It is refused: a write by S3, because another one is under way (409).
    Refusal,
}

const BLOWS: [Blow; 8] = [
    Blow::DeathBefore,
    Blow::DeathAfter,
    Blow::MemoryUsedUp,
    Blow::StopBefore,
    Blow::StopAfter,
    Blow::Restart,
    Blow::LostResponse,
    Blow::Refusal,
];

impl Blow {
    fn stops_the_run(self) -> bool {
        matches!(self, Self::StopBefore | Self::StopAfter | Self::Restart)
    }

    fn fate(self, of: OutsideOperation) -> Fate {
        let is_write = matches!(of, OutsideOperation::Store(_));
        match self {
            Self::DeathBefore | Self::StopBefore => Fate::DiesBefore,
            Self::DeathAfter | Self::StopAfter | Self::Restart => Fate::DiesAfter,
            Self::MemoryUsedUp => Fate::MemoryUsedUp,
            Self::LostResponse if is_write => Fate::Repeated,
            Self::LostResponse => Fate::ResponseLost,
            Self::Refusal if is_write => Fate::Fails(InjectedError::Conflict),
            Self::Refusal => Fate::Fails(InjectedError::Unavailable),
        }
    }
}

/// Two slices, each with a job, and then with rounds on demand for records without a line and for
/// some that the service fails on twice.
pub(crate) async fn case(fates: &Fates) -> Case {
    let settings = [
        ("BEDROCK_MAX_RECORDS_PER_JOB", "15"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "10"),
        ("BEDROCK_BATCH_SIZE", "2"),
        // One slice after the other, so that the jobs have the same numbers every time.
        ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "1"),
    ];
    Case::new(&csv(ROWS), &settings, |config| {
        config.limits.min_records_per_job = 10;
        config.faults = serde_json::from_value(json!({"records": [
            {"every": 5, "offset": 2, "kind": "missing"},
            {"every": 7, "offset": 3, "kind": "error_line", "code": 500, "times": 2},
        ]}))
        .unwrap();
        config.surround = Some(fates.surround());
    })
    .await
}

/// What a run has to leave, whatever happened on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) result: String,
    jobs: u64,
    in_jobs: BTreeMap<u64, u64>,
}

pub(crate) async fn left(case: &Case) -> Left {
    let records = case.stack.simulator().records();
    Left {
        result: case.result().await,
        jobs: case.stack.counters().jobs_created,
        in_jobs: records
            .iter()
            .map(|record| (record.prompt, record.in_jobs))
            .collect(),
    }
}

/// Runs the case, with the blow at this call. Stops the run there if the blow says so, and redrives or
/// restarts it.
async fn run_with(target: &NthCall, blow: Blow) -> (Case, Result<Finished, String>) {
    let struck = AtomicBool::new(false);
    let target = target.clone();
    let fates = Fates::new(move |call| {
        if *call != target || struck.swap(true, Ordering::SeqCst) {
            Fate::Made
        } else {
            blow.fate(call.call.operation)
        }
    });
    let case = case(&fates).await;
    let input = serde_json::to_value(&case.request).unwrap();
    let execution = case.stack.execution("run", input.clone()).unwrap();
    if blow.stops_the_run() {
        fates.stop_at_death(&execution);
    }
    let outcome = execution.run().await;
    let again = match (&outcome.status, blow) {
        (Status::Succeeded(_), _) => None,
        (_, Blow::Restart) => Some(case.stack.execution("again", input).unwrap()),
        _ => Some(case.stack.redrive("run").unwrap()),
    };
    let outcome = match again {
        Some(again) => again.run().await,
        None => outcome,
    };
    let finished = case.stack.finished(outcome).await;
    (case, finished.map_err(|error| error.to_string()))
}

/// Runs the case without a blow. Returns its side effects and what it leaves.
pub(crate) async fn undisturbed() -> (Vec<NthCall>, Left) {
    let fates = Fates::new(|_| Fate::Made);
    let case = case(&fates).await;
    let finished = case.run().await.unwrap();
    assert_every_row_once(&csv(ROWS), &case.result().await);
    assert_eq!(finished.summary["batch_job_info"]["total_jobs"], 2);
    assert_eq!(finished.summary["validation_passed_records"], ROWS);
    (fates.effects(), left(&case).await)
}

/// In the short form, each side effect meets one of the blows, in turn.
fn blows(effect: usize) -> Vec<Blow> {
    if crate::support::is_long() {
        BLOWS.to_vec()
    } else {
        vec![BLOWS[effect % BLOWS.len()]]
    }
}

/// Every side effect is a write to S3, a created job or a question for a model. A restart asks all
/// records again; a death at a question costs at most one group of records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blow_at_any_side_effect_changes_neither_the_result_nor_the_jobs() {
    let (effects, expected) = undisturbed().await;
    let of = |operation| {
        let found = effects.iter();
        found
            .filter(|effect| effect.call.operation == operation)
            .count()
    };
    assert_eq!(of(OutsideOperation::CreateJob), 2);
    assert!(of(OutsideOperation::Invoke) >= 10, "{effects:#?}");
    let undisturbed_calls = of(OutsideOperation::Invoke) as u64;
    let mut tried = 0;
    for (number, effect) in effects.iter().enumerate() {
        for blow in blows(number) {
            let (case, ended) = run_with(effect, blow).await;
            let place = format!("{blow:?} at {effect}");
            ended.unwrap_or_else(|error| panic!("{place}: {error}"));
            let found = left(&case).await;
            assert_eq!(found.result, expected.result, "{place}");
            if blow != Blow::Restart {
                assert_eq!(found.jobs, expected.jobs, "{place}");
                assert_eq!(found.in_jobs, expected.in_jobs, "{place}");
                let calls = case.stack.counters().on_demand_calls;
                assert!(
                    calls <= undisturbed_calls + GROUP,
                    "{place}: {calls} calls, {undisturbed_calls} without it"
                );
            }
            tried += 1;
        }
    }
    println!("{} side effects, {tried} runs", effects.len());
}
