//! Promise: an event that is delivered twice, late or in the wrong order starts one run and gives a
//! pipeline's step one answer, also if a function dies or a call fails on the way.

use crate::fated::{Fates, NthCall};
use crate::settling::{self, Ended, settle};
use crate::support::{Case, csv, is_long, place, schema};
use bytes::Bytes;
use quarry_contract::callback::Callback;
use quarry_edge::callbacks::memory::{MemoryCallbacks, StepAnswer};
use quarry_edge::executions::memory::{MemoryExecutions, Standing};
use quarry_edge::executions::{ExecutionRecord, Executions};
use quarry_edge::fates::{ClockFault, Fate, Fated, InjectedError, OutsideOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_local_stack::{BUCKET, RunProgress};
use quarry_settle::Told;
use quarry_state_machine::{ExecutionOutcome, Status, StopHandle};
use quarry_trigger::{Deps, Elsewhere, Prefixes, TriggerOutput};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const TOKEN: &str = "26vcYbeWsZ";
const PIPELINE: &str = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/strikes/execution/7pin";
/// How often an event is delivered whose function fails.
const DELIVERIES: usize = 3;

const FATES: [Fate; 6] = [
    Fate::DiesBefore,
    Fate::DiesAfter,
    Fate::MemoryUsedUp,
    Fate::ResponseLost,
    Fate::Repeated,
    Fate::Fails(InjectedError::Unavailable),
];

/// What `trigger` reaches: nothing runs.
#[derive(Default)]
struct Doors {
    store: MemoryStore,
    executions: MemoryExecutions,
    callbacks: MemoryCallbacks,
}

impl Doors {
    async fn new() -> Self {
        let doors = Self::default();
        let prompts = json!({"user_prompt_template": "Judge {id}: {text}"});
        for (key, body) in [
            ("pipelines/strikes/prompts.json", prompts.to_string()),
            (
                "pipelines/strikes/validation_schema_1.json",
                schema().to_string(),
            ),
            ("inbox/strikes/may.csv", csv(3)),
        ] {
            let at = place(key);
            let put = doors
                .store
                .put(&at, Bytes::from(body), WriteCondition::Always);
            put.await.unwrap();
        }
        doors
    }

    /// Delivers an event once. The error says why it is delivered again.
    async fn once(&self, fates: &Fates, event: &Value) -> Result<(), String> {
        let (decide, life) = fates.around("trigger");
        let store: Arc<dyn ObjectStore> = Arc::new(self.store.clone());
        let deps = Deps {
            store: Arc::new(Fated::new(store, Arc::clone(&decide), Arc::clone(&life))),
            executions: Arc::new(Fated::<dyn Executions>::new(
                Arc::new(self.executions.clone()),
                Arc::clone(&decide),
                Arc::clone(&life),
            )),
            callbacks: Arc::new(Fated::<dyn quarry_edge::callbacks::PipelineCallbacks>::new(
                Arc::new(self.callbacks.clone()),
                decide,
                Arc::clone(&life),
            )),
            deployment: "arn:aws:states:us-east-1:123456789012:stateMachine:quarry".to_owned(),
            elsewhere: Elsewhere::new("", "").unwrap(),
            places: Prefixes::new(
                place("inbox"),
                place("pipelines"),
                place("results"),
                place("work"),
            )
            .unwrap(),
        };
        let event = serde_json::from_value(event.clone()).unwrap();
        let output = tokio::select! {
            biased;
            output = quarry_trigger::handle(&deps, event) => output,
            _ = life.death() => return Err("the function died".to_owned()),
        };
        match output.map_err(|error| error.full_message())? {
            TriggerOutput::Batch(answer) if !answer.batch_item_failures.is_empty() => {
                Err("the message failed".to_owned())
            }
            _ => Ok(()),
        }
    }

    async fn deliver(&self, fates: &Fates, event: &Value) {
        let mut problem = String::new();
        for _ in 0..DELIVERIES {
            match self.once(fates, event).await {
                Ok(()) => return,
                Err(error) => problem = error,
            }
        }
        panic!("still fails: {problem}");
    }

    async fn arrival(&self) -> Value {
        let key = "inbox/strikes/may.csv";
        let info = self.store.head(&place(key)).await.unwrap();
        json!({
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": "2026-01-02T03:04:05Z",
            "detail": {
                "bucket": {"name": BUCKET},
                "object": {"key": key, "size": info.size, "etag": info.etag, "sequencer": "0062E99A88DC407460"},
            },
        })
    }
}

fn message(status: &str) -> Value {
    let body = json!({
        "token": TOKEN,
        "pipelineExecutionArn": PIPELINE,
        "arguments": {
            "input_data": place("inbox/strikes/").to_string(),
            "prompt_templates": place("pipelines/strikes/").to_string(),
        },
        "status": status,
    });
    json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body.to_string()}]})
}

/// Returns fates in which this call meets one, once.
fn at(target: &NthCall, fate: Fate) -> Fates {
    let (target, struck) = (target.clone(), AtomicBool::new(false));
    Fates::new(move |call| {
        if *call == target && !struck.swap(true, Ordering::SeqCst) {
            fate
        } else {
            Fate::Made
        }
    })
}

fn undisturbed() -> Fates {
    Fates::new(|_| Fate::Made)
}

/// A start is in doubt when its response is lost, or when `trigger` dies.
#[tokio::test]
async fn a_start_in_doubt_is_one_run_when_the_event_is_delivered_again() {
    let doors = Doors::new().await;
    let events = [doors.arrival().await, message("Executing")];
    let mut tried = 0;
    for event in &events {
        let fates = undisturbed();
        Doors::new().await.deliver(&fates, event).await;
        let effects = fates.effects();
        let starts = |call: &&NthCall| call.call.operation == OutsideOperation::StartExecution;
        assert_eq!(effects.iter().filter(starts).count(), 1, "{effects:#?}");
        for effect in &effects {
            for fate in FATES {
                let doors = Doors::new().await;
                let fates = at(effect, fate);
                doors.deliver(&fates, event).await;
                doors.deliver(&fates, event).await;
                let executions = doors.executions.executions();
                assert_eq!(executions.len(), 1, "{fate:?} at {effect}");
                assert!(doors.callbacks.answers().is_empty());
                tried += 1;
            }
        }
    }
    println!("{tried} deliveries with a fate");
}

/// What a step that was stopped is left with: a run that is stopped, of whose end `settle` tells it, or
/// no run and an answer.
fn assert_stopped(doors: &Doors, place: &str) {
    let executions: Vec<_> = doors.executions.executions().into_values().collect();
    let answers = doors.callbacks.answers();
    match executions.as_slice() {
        [] => {
            let answer = answers.get(TOKEN);
            assert!(
                matches!(answer, Some(StepAnswer::Failed(_))),
                "{place}: {answer:?}"
            );
        }
        [only] => assert!(
            matches!(only.standing, Standing::Stopped(_)),
            "{place}: {only:?}"
        ),
        more => panic!("{place}: {more:?}"),
    }
}

/// Delivers the events to new doors, and looks at what is left.
async fn stopped_after(events: &[&Value], fates: &Fates, place: &str) {
    let doors = Doors::new().await;
    for event in events {
        doors.deliver(fates, event).await;
    }
    assert_stopped(&doors, place);
}

/// All orders of two to four messages, with at least one of each kind.
#[tokio::test]
async fn messages_in_any_order_and_number_leave_no_run_of_a_stopped_pipeline() {
    let (start, stop) = (message("Executing"), message("Stopping"));
    let kinds = [&start, &stop];
    let orders = (2..5).flat_map(|length| (1..(1_usize << length) - 1).map(move |of| (length, of)));
    let mut tried = 0;
    for (length, order) in orders {
        let events: Vec<&Value> = (0..length).map(|bit| kinds[(order >> bit) & 1]).collect();
        let fates = undisturbed();
        stopped_after(&events, &fates, &format!("{length} {order:b}")).await;
        for effect in fates.effects() {
            for fate in FATES {
                let place = format!("{length} {order:b}, {fate:?} at {effect}");
                stopped_after(&events, &at(&effect, fate), &place).await;
                tried += 1;
            }
        }
    }
    println!("{tried} orders with a fate");
}

/// A run with a waiting step, two slices and a job for each, which was stopped while both work.
struct StoppedRun {
    case: Case,
    input: Value,
    outcome: ExecutionOutcome,
    executions: MemoryExecutions,
    callbacks: MemoryCallbacks,
}

impl StoppedRun {
    async fn new() -> Self {
        let stop: Arc<OnceLock<StopHandle>> = Arc::default();
        let handle = Arc::clone(&stop);
        let created = AtomicUsize::new(0);
        let settings = [
            ("BEDROCK_MAX_RECORDS_PER_JOB", "15"),
            ("BEDROCK_MIN_RECORDS_PER_JOB", "10"),
        ];
        let mut case = Case::new(&csv(30), &settings, |config| {
            config.limits.min_records_per_job = 10;
            config.progress = Arc::new(move |progress| {
                let submitted = matches!(progress, RunProgress::Slice { by, .. } if by == "submit");
                if submitted && created.fetch_add(1, Ordering::Relaxed) == 1 {
                    handle.get().unwrap().stop("Quarry.Stopped", "by the test");
                }
            });
        })
        .await;
        case.request.callback = Some(Callback {
            token: TOKEN.parse().unwrap(),
            pipeline_execution_arn: PIPELINE.to_owned(),
        });
        let input = serde_json::to_value(&case.request).unwrap();
        let execution = case.stack.execution("run", input.clone()).unwrap();
        assert!(stop.set(execution.stop_handle()).is_ok());
        let outcome = execution.run().await;
        assert!(
            matches!(outcome.status, Status::Aborted { .. }),
            "{outcome:?}"
        );
        Self {
            case,
            input,
            outcome,
            executions: MemoryExecutions::default(),
            callbacks: MemoryCallbacks::default(),
        }
    }

    fn deps(&self) -> quarry_settle::Deps {
        settling::deps(&self.case.stack, &self.executions, &self.callbacks)
    }

    fn ended<'a>(&'a self, outcome: &'a ExecutionOutcome, at: Duration) -> Ended<'a> {
        Ended {
            name: "run",
            input: &self.input,
            outcome,
            at,
        }
    }

    fn now(&self) -> Duration {
        self.case.stack.clock().now()
    }

    async fn deliver(&self, fates: &Fates, place: &str) {
        for _ in 0..DELIVERIES {
            let (decide, life) = fates.around("settle");
            let deps = self.deps();
            let deps = quarry_settle::Deps {
                store: Arc::new(Fated::new(
                    deps.store,
                    Arc::clone(&decide),
                    Arc::clone(&life),
                )),
                jobs: Arc::new(Fated::new(
                    deps.jobs,
                    Arc::clone(&decide),
                    Arc::clone(&life),
                )),
                executions: Arc::new(Fated::new(
                    deps.executions,
                    Arc::clone(&decide),
                    Arc::clone(&life),
                )),
                callbacks: Arc::new(Fated::new(deps.callbacks, decide, Arc::clone(&life))),
                clock: fates.clock("settle", &deps.clock),
                ..deps
            };
            let ended = self.ended(&self.outcome, self.now());
            let settled = tokio::select! {
                biased;
                settled = settle(&deps, ended) => settled,
                _ = life.death() => Err("the function died".to_owned()),
            };
            if settled.is_ok() {
                return;
            }
        }
        panic!("{place}: the end is not settled");
    }

    async fn live_jobs(&self) -> usize {
        let jobs = self.case.stack.jobs().named("quarry").await.unwrap();
        let is_live = |job: &&quarry_edge::jobs::Job| {
            !job.status.is_terminal() && job.status != quarry_edge::jobs::JobStatus::Stopping
        };
        jobs.iter().filter(is_live).count()
    }
}

/// Returns fates in which these calls each meet one: by their numbers among the calls with an effect,
/// because the ARNs of jobs are not the same in each run.
fn each_at(targets: &[(usize, Fate)]) -> Fates {
    let (targets, effects) = (targets.to_vec(), AtomicUsize::new(0));
    Fates::new(move |call| {
        if !call.call.operation.has_effect() {
            return Fate::Made;
        }
        let number = effects.fetch_add(1, Ordering::SeqCst);
        let found = targets.iter().find(|(target, _)| *target == number);
        found.map_or(Fate::Made, |(_, fate)| *fate)
    })
}

/// Delivers the end of a stopped run twice, while calls meet these fates. Returns the number of calls
/// with an effect that were made.
async fn settled_with(targets: &[(usize, Fate)]) -> usize {
    let run = StoppedRun::new().await;
    let fates = each_at(targets);
    let place = format!("{targets:?}");
    run.deliver(&fates, &place).await;
    run.deliver(&fates, &place).await;
    let effects = fates.effects();
    for (number, fate) in targets {
        assert!(
            effects.len() > *number,
            "{fate:?} was not met: {effects:#?}"
        );
    }
    assert_eq!(run.live_jobs().await, 0, "{place}: {effects:#?}");
    let answers = run.callbacks.answers();
    let answer = answers.get(TOKEN);
    assert!(
        matches!(answer, Some(StepAnswer::Failed(_))),
        "{place}: {answer:?}"
    );
    effects.len()
}

/// Does the same with a second fate, for each of the calls after the first fate. Returns how often.
async fn settled_with_second(one: (usize, Fate), calls: usize) -> usize {
    let later = one.0 + 1..calls;
    for number in later.clone() {
        for second in FATES {
            Box::pin(settled_with(&[one, (number, second)])).await;
        }
    }
    later.len() * FATES.len()
}

/// Each call with an effect meets a fate. In the short form it meets only one; in the long form, each
/// later call of the run meets a second fate, also if it repeats the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_settle_a_step_has_one_answer_and_no_job_is_left() {
    let fates = undisturbed();
    let run = StoppedRun::new().await;
    assert_eq!(run.live_jobs().await, 2);
    run.deliver(&fates, "undisturbed").await;
    let effects = fates.effects();
    assert_eq!(effects.len(), 3, "two stops and a callback: {effects:#?}");
    let (mut single, mut pairs) = (0, 0);
    for number in 0..effects.len() {
        let (first, count) = if is_long() {
            (0, FATES.len())
        } else {
            (number, 1)
        };
        for fate in FATES.iter().cycle().skip(first).take(count) {
            let calls = Box::pin(settled_with(&[(number, *fate)])).await;
            single += 1;
            if is_long() {
                pairs += settled_with_second((number, *fate), calls).await;
            }
        }
    }
    println!("{single} ends with a fate, {pairs} with two");
}

/// The clock of `settle` tells how long ago the run ended, and so whether a job may still appear.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_of_settle_that_is_off_leaves_no_job_and_no_step_without_an_answer() {
    let off = Duration::from_mins(10);
    for fault in [
        ClockFault::Ahead(off),
        ClockFault::Behind(off),
        ClockFault::JumpsBack(off),
        ClockFault::StandsStill,
    ] {
        let run = StoppedRun::new().await;
        let fates = undisturbed().with_clocks(move |_| Some(fault));
        run.deliver(&fates, &format!("{fault:?}")).await;
        assert_eq!(run.live_jobs().await, 0, "{fault:?}");
        let answers = run.callbacks.answers();
        assert!(answers.contains_key(TOKEN), "{fault:?}: {answers:?}");
    }
}

/// The run was redriven and succeeded; then the event of the first end comes, and comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_late_event_of_an_earlier_end_changes_nothing() {
    let run = StoppedRun::new().await;
    let first_end = run.now();
    run.executions.set_record(ExecutionRecord {
        input: Some(run.input.to_string()),
        redriven: Some(first_end + Duration::from_secs(1)),
        ..ExecutionRecord::default()
    });
    let deps = run.deps();
    let early = run.ended(&run.outcome, first_end);
    let told = settle(&deps, early).await.unwrap();
    assert_eq!((told.callback, told.jobs_stopped), (Told::Nothing, 0));
    assert_eq!(run.live_jobs().await, 2, "the redrive goes on with them");
    let outcome = run.case.stack.redrive("run").unwrap().run().await;
    assert!(
        matches!(outcome.status, Status::Succeeded(_)),
        "{outcome:?}"
    );
    let last = run.ended(&outcome, run.now());
    let mut answers = Vec::new();
    for ended in [last, early, last, early] {
        let told = settle(&deps, ended).await.unwrap();
        assert_eq!(told.jobs_stopped, 0);
        answers.push(told.callback);
    }
    let expected = [
        Told::Answered,
        Told::Nothing,
        Told::AnsweredBefore,
        Told::Nothing,
    ];
    assert_eq!(answers, expected);
    let answers = run.callbacks.answers();
    assert!(matches!(answers[TOKEN], StepAnswer::Succeeded(_)));
    assert_eq!(run.case.stack.counters().jobs_created, 2);
}
