//! Promise: from an event to the end of its run, no manual work is needed, and a run that ends
//! early leaves no job running.

use crate::settling::{Ended, deps, settle};
use crate::support::{Case, assert_every_row_once, csv, place, schema};
use bytes::Bytes;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::RunFolder;
use quarry_edge::callbacks::memory::{MemoryCallbacks, StepAnswer};
use quarry_edge::executions::Cause;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::jobs::JobStatus;
use quarry_edge::store::WriteCondition;
use quarry_local_stack::{BUCKET, RunProgress, StackConfig};
use quarry_settle::{Settled, Told};
use quarry_state_machine::{ExecutionOutcome, Status, StopHandle};
use quarry_trigger::{Arrived, Prefixes, TriggerOutput};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const TOKEN: &str = "26vcYbeWsZ";

/// A stack with the two functions outside the state machine.
struct World {
    case: Case,
    executions: MemoryExecutions,
    callbacks: MemoryCallbacks,
}

impl World {
    async fn new(change: impl FnOnce(&mut StackConfig)) -> Self {
        Self {
            case: Case::new(&csv(600), &[], |config| {
                config
                    .settings
                    .insert("BEDROCK_MAX_RECORDS_PER_JOB".to_owned(), "100".to_owned());
                change(config);
            })
            .await,
            executions: MemoryExecutions::default(),
            callbacks: MemoryCallbacks::default(),
        }
    }

    async fn put(&self, key: &str, body: String) {
        let store = self.case.stack.store();
        store
            .put(&place(key), Bytes::from(body), WriteCondition::Always)
            .await
            .unwrap();
    }

    async fn trigger(&self, event: Value) -> TriggerOutput {
        let deps = quarry_trigger::Deps {
            store: Arc::clone(self.case.stack.store()),
            executions: Arc::new(self.executions.clone()),
            callbacks: Arc::new(self.callbacks.clone()),
            deployment: "arn:aws:states:us-east-1:123456789012:stateMachine:quarry".to_owned(),
            elsewhere: quarry_trigger::Elsewhere::new(
                &format!("arn:aws:s3:::{BUCKET}/data/*,arn:aws:s3:::{BUCKET}/nothing-here/*,arn:aws:s3:::{BUCKET}/pipeline/*"),
                &format!("arn:aws:s3:::{BUCKET}/labelled/*"),
            )
            .unwrap(),
            places: Prefixes::new(
                place("inbox"),
                place("pipelines"),
                place("results"),
                place("work"),
            )
            .unwrap(),
        };
        let event = serde_json::from_value(event).unwrap();
        quarry_trigger::handle(&deps, event).await.unwrap()
    }

    /// Returns the event of an object's arrival, as EventBridge delivers it.
    async fn arrival(&self, key: &str) -> Value {
        let info = self.case.stack.store().head(&place(key)).await.unwrap();
        json!({
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {
                "bucket": {"name": BUCKET},
                "object": {"key": key, "size": info.size, "etag": info.etag, "sequencer": "0062E99A88DC407460"},
            },
        })
    }

    /// Sends the message of a pipeline's step.
    async fn message(&self, arguments: Value) {
        let body = json!({
            "token": TOKEN,
            "pipelineExecutionArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/label/execution/7pin",
            "arguments": arguments,
            "status": "Executing",
        });
        let message = json!({"messageId": "1", "eventSource": "aws:sqs", "body": body.to_string()});
        let answer = self.trigger(json!({"Records": [message]})).await;
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({"batchItemFailures": []})
        );
    }

    /// Returns the name and the input of the only started execution.
    fn started(&self) -> (String, Value) {
        let executions = self.executions.executions();
        assert_eq!(executions.len(), 1);
        let (name, execution) = executions.into_iter().next().unwrap();
        (name, serde_json::from_str(&execution.input).unwrap())
    }

    async fn run(&self) -> (String, ExecutionOutcome) {
        let (name, input) = self.started();
        let execution = self.case.stack.execution(&name, input).unwrap();
        (name, execution.run().await)
    }

    /// Sends `settle` the event of an end, as EventBridge does.
    async fn settle(&self, ended: Duration, outcome: &ExecutionOutcome) -> Result<Settled, String> {
        let (name, input) = self.started();
        let ended = Ended {
            name: &name,
            input: &input,
            outcome,
            at: ended,
        };
        let deps = deps(&self.case.stack, &self.executions, &self.callbacks);
        settle(&deps, ended).await
    }

    fn answer(&self) -> StepAnswer {
        self.callbacks.answers().remove(TOKEN).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arrival_becomes_a_result_that_starts_nothing() {
    let world = World::new(|_| {}).await;
    let prompts = json!({"user_prompt_template": "Judge {id}: {text}"}).to_string();
    world.put("pipelines/strikes/prompts.json", prompts).await;
    world
        .put(
            "pipelines/strikes/validation_schema_1.json",
            schema().to_string(),
        )
        .await;
    let data = csv(600);
    world.put("inbox/strikes/may.csv", data.clone()).await;
    let event = world.arrival("inbox/strikes/may.csv").await;
    world.trigger(event).await;
    let (name, outcome) = world.run().await;
    assert!(
        matches!(outcome.status, Status::Succeeded(_)),
        "{outcome:?}"
    );
    let result = format!("results/strikes/{name}/validation_processed_data.csv");
    let store = world.case.stack.store();
    let text = store.get(&place(&result), 1 << 30).await.unwrap();
    assert_every_row_once(&data, std::str::from_utf8(&text).unwrap());

    let now = world.case.stack.clock().now();
    let settled = world.settle(now, &outcome).await.unwrap();
    assert_eq!(
        (settled.callback, settled.jobs_stopped),
        (Told::NobodyWaits, 0)
    );

    // Everything that the run wrote, both results and work files.
    let mut written = store.list(&place("results/")).await.unwrap();
    written.extend(store.list(&place("work/")).await.unwrap());
    assert!(written.len() > 20, "{}", written.len());
    for object in written {
        let event = world.arrival(object.location.key()).await;
        let answer = world.trigger(event).await;
        assert!(
            matches!(answer, TriggerOutput::Arrival(Arrived::Ignored(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipelines_step_gets_the_places_of_its_result() {
    let world = World::new(|_| {}).await;
    world
        .message(json!({
            "input_data": place("data/").to_string(),
            "prompt_templates": place("pipeline/").to_string(),
            "validation_schema": place("pipeline/schema.json").to_string(),
            "processed_data": place("labelled/").to_string(),
            "job_type": "testing",
            "BEDROCK_MAX_INPUT_FIELD_LENGTH": 512,
        }))
        .await;
    let (_, outcome) = world.run().await;
    let now = world.case.stack.clock().now();
    let settled = world.settle(now, &outcome).await.unwrap();
    assert_eq!(settled.callback, Told::Answered);
    let StepAnswer::Succeeded(outputs) = world.answer() else {
        panic!("{:?}", world.answer())
    };
    let output = |name: &str| {
        let found = outputs.iter().find(|output| output.name() == name);
        found.unwrap().value().to_owned()
    };
    assert_eq!(
        (output("rows"), output("failed")),
        ("600".to_owned(), "0".to_owned())
    );
    let store = world.case.stack.store();
    store
        .head(&output("analysis_summary").parse().unwrap())
        .await
        .unwrap();
    assert_eq!(output("processed_data"), place("labelled/").to_string());
    store
        .head(&place("labelled/testing_processed_data.csv"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipelines_step_gets_the_reason_why_its_run_failed() {
    let world = World::new(|_| {}).await;
    world
        .message(json!({
            "input_data": place("data/").to_string(),
            "prompt_templates": place("nothing-here/").to_string(),
        }))
        .await;
    let (_, outcome) = world.run().await;
    let now = world.case.stack.clock().now();
    let settled = world.settle(now, &outcome).await.unwrap();
    assert_eq!(settled.callback, Told::Answered);
    let StepAnswer::Failed(reason) = world.answer() else {
        panic!("{:?}", world.answer())
    };
    let reason = reason.as_str();
    assert!(
        reason.starts_with("Quarry.BadRequest: there are no prompts at"),
        "{reason}"
    );
}

/// The Map says only that a child failed; the pipeline gets the service's words nevertheless.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipelines_step_gets_the_words_of_the_service() {
    let words = "The model returned the following errors: this account has no quota";
    let world = World::new(|config| {
        config.faults = serde_json::from_value(json!({"records": [
            {"every": 1, "kind": "error_line", "code": 400, "message": words, "times": 99}
        ]}))
        .unwrap();
    })
    .await;
    world
        .message(json!({
            "input_data": place("data/").to_string(),
            "prompt_templates": place("pipeline/").to_string(),
            "validation_schema": place("pipeline/schema.json").to_string(),
        }))
        .await;
    let (_, outcome) = world.run().await;
    let Status::Failed { error, .. } = &outcome.status else {
        panic!("{outcome:?}")
    };
    assert_eq!(error, "States.ExceedToleratedFailureThreshold");
    // What `ListExecutions` and `DescribeExecution` return.
    let child = outcome.first_child_failure.clone().unwrap();
    assert_eq!(child.error, "Quarry.Refused");
    world.executions.set_failed_child(Cause {
        error: child.error,
        cause: child.cause,
    });
    let now = world.case.stack.clock().now();
    let mut settled = world.settle(now, &outcome).await;
    if settled.is_err() {
        // Rounds were about to get a job, so Lambda calls again.
        let earlier = now.saturating_sub(quarry_settle::LATE_JOBS);
        settled = world.settle(earlier, &outcome).await;
    }
    settled.unwrap();
    let StepAnswer::Failed(reason) = world.answer() else {
        panic!("{:?}", world.answer())
    };
    let expected = format!("Quarry.Refused: refused: 400: {words}");
    assert!(
        reason.as_str().starts_with(&expected),
        "{}",
        reason.as_str()
    );
}

/// The run is stopped while some of its jobs run and others are being created.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_leaves_no_job_running() {
    let created = Arc::new(AtomicUsize::new(0));
    let stop: Arc<OnceLock<StopHandle>> = Arc::default();
    let (count, handle) = (Arc::clone(&created), Arc::clone(&stop));
    let world = World::new(|config| {
        config.progress = Arc::new(move |progress| {
            let submitted = matches!(progress, RunProgress::Slice { by, .. } if by == "submit");
            if submitted && count.fetch_add(1, Ordering::Relaxed) == 2 {
                handle.get().unwrap().stop("Quarry.Stopped", "by the test");
            }
        });
    })
    .await;
    world
        .message(json!({
            "input_data": place("data/").to_string(),
            "prompt_templates": place("pipeline/").to_string(),
            "validation_schema": place("pipeline/schema.json").to_string(),
        }))
        .await;
    let (name, input) = world.started();
    let execution = world.case.stack.execution(&name, input).unwrap();
    assert!(stop.set(execution.stop_handle()).is_ok());
    let outcome = execution.run().await;
    assert!(
        matches!(outcome.status, Status::Aborted { .. }),
        "{outcome:?}"
    );

    let now = world.case.stack.clock().now();
    let mut stopped = 0;
    match world.settle(now, &outcome).await {
        Ok(settled) => stopped += settled.jobs_stopped,
        // Rounds were about to get a job, so Lambda calls again a minute later.
        Err(error) => assert_eq!(error, "Quarry.Unavailable"),
    }
    let StepAnswer::Failed(reason) = world.answer() else {
        panic!("{:?}", world.answer())
    };
    assert_eq!(reason.as_str(), "Quarry.Stopped: by the test");
    let earlier = now.saturating_sub(quarry_settle::LATE_JOBS);
    stopped += world.settle(earlier, &outcome).await.unwrap().jobs_stopped;
    let again = world.settle(earlier, &outcome).await.unwrap();
    assert_eq!(
        (again.jobs_stopped, again.callback),
        (0, Told::AnsweredBefore)
    );

    let run = RunFolder::new(&place("work"), &name);
    let stack = &world.case.stack;
    let owner = quarry_edge::owner::of(&**stack.store(), &run)
        .await
        .unwrap()
        .unwrap();
    let names = JobNames::new(&run, &owner);
    let jobs = stack.jobs().named(names.prefix()).await.unwrap();
    assert!(jobs.len() >= 3, "{jobs:?}");
    assert!(stopped <= jobs.len());
    for job in &jobs {
        let over = matches!(job.status, JobStatus::Stopping | JobStatus::Stopped);
        assert!(over, "{job:?}");
    }
    // A redrive finds everything that the run has written.
    stack.store().head(&run.plan()).await.unwrap();
}
