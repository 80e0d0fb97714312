//! Events from outside, as Lambda gets them.

use crate::target::FuzzTarget;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::request::Request;
use quarry_edge::callbacks::memory::MemoryCallbacks;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::function::respond;
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::WriteCondition;
use quarry_edge::telemetry::About;
use quarry_settle::ExecutionEvent;
use quarry_trigger::{Deps, Elsewhere, Prefixes, TriggerEvent, TriggerOutput, handle};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

pub(crate) const EVENT: FuzzTarget = FuzzTarget {
    name: "event",
    check: check_event,
    words: &[
        "\"Records\": ",
        "\"detail-type\": \"Object Created\"",
        "\"source\": \"aws.s3\"",
        "\"key\": ",
        "\"body\": ",
        "inbox/",
        "results/",
        "/request.json",
        "../",
        "//",
        "\\\"token\\\": ",
        "\\\"status\\\": \\\"Stopping\\\"",
        "\\u0000",
        "null",
        "{}",
        "[]",
    ],
};

/// The deployment's bucket.
const BUCKET: &str = "quarry-data";

struct Unmeasured;

impl Metrics for Unmeasured {
    fn emit(&self, _: &[(Metric, u64)]) {}
}

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Runs a future that waits for nothing.
fn run<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with_borrow_mut(|runtime| {
        let runtime = runtime.get_or_insert_with(|| match Builder::new_current_thread().build() {
            Ok(runtime) => runtime,
            Err(error) => panic!("no runtime: {error}"),
        });
        runtime.block_on(work)
    })
}

/// Calls a function with a payload. One that cannot be read is a bad request that says why.
pub(crate) fn call<I, O, F>(payload: Value, handle: impl FnOnce(I) -> F) -> Result<O, StepError>
where
    I: About + DeserializeOwned,
    F: Future<Output = Result<O, StepError>>,
{
    let mut was_read = false;
    let handle = |input| {
        was_read = true;
        handle(input)
    };
    let outcome = run(respond("fuzz", "id", &Unmeasured, payload, handle));
    if let (false, Err(error)) = (was_read, &outcome) {
        assert_eq!(error.kind(), StepErrorKind::BadRequest, "{error:?}");
        assert!(error.full_message().contains("payload"), "{error:?}");
    }
    outcome
}

/// An event starts runs of requests that can be read and that write into their pipeline's folder,
/// or fails by a kind and for a reason.
fn check_event(input: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    // Only read: what it does is not decided by the event.
    let _ = call(payload.clone(), |_: ExecutionEvent| async { Ok(()) });
    let Ok(elsewhere) = Elsewhere::new("", "") else {
        panic!("no places are refused");
    };
    let places = [at("inbox"), at("pipelines"), at("results"), at("runs")];
    let [inbox, pipelines, results, work] = places;
    let Ok(places) = Prefixes::new(inbox, pipelines, results, work) else {
        panic!("the places of the example are refused");
    };
    let executions = MemoryExecutions::default();
    let deps = Deps {
        store: Arc::new(MemoryStore::default()),
        executions: Arc::new(executions.clone()),
        callbacks: Arc::new(MemoryCallbacks::default()),
        deployment: "arn:aws:states:us-east-2:123456789012:stateMachine:quarry".to_owned(),
        places,
        elsewhere,
    };
    let outcome = call(payload, |event: TriggerEvent| {
        let deps = &deps;
        async move {
            if let TriggerEvent::ObjectCreated(created) = &event {
                let body = Bytes::from_static(b"{\"data\": \"d.csv\"}");
                let _ = deps
                    .store
                    .put(&created.object, body, WriteCondition::Always)
                    .await;
            }
            let ids: Vec<String> = match &event {
                TriggerEvent::Messages(messages) => {
                    messages.iter().map(|message| message.id.clone()).collect()
                }
                TriggerEvent::ObjectCreated(_) => Vec::new(),
            };
            Ok((handle(deps, event).await?, ids))
        }
    });
    match outcome {
        Ok((TriggerOutput::Batch(batch), ids)) => check_failures(&batch, &ids),
        Ok((TriggerOutput::Arrival(_), _)) => {}
        Err(error) => assert!(
            error.name().starts_with("Quarry.") && !error.full_message().is_empty(),
            "{error:?}"
        ),
    }
    for execution in executions.executions().values() {
        let request: Request = match serde_json::from_str(&execution.input) {
            Ok(request) => request,
            Err(error) => panic!("a run was started with what is no request: {error}"),
        };
        let output = request.output.to_string();
        assert!(output.starts_with("s3://quarry-data/results/"), "{output}");
        assert_eq!(request.data.bucket(), BUCKET);
    }
}

/// Only messages of the batch fail.
fn check_failures(batch: &quarry_trigger::messages::BatchAnswer, ids: &[String]) {
    let batch = serde_json::to_value(batch).unwrap_or_default();
    let failures = batch.get("batchItemFailures").and_then(Value::as_array);
    let Some(failures) = failures else {
        panic!("no list of failures: {batch}");
    };
    for failure in failures {
        let id = failure.get("itemIdentifier").and_then(Value::as_str);
        assert!(
            ids.iter().any(|known| Some(known.as_str()) == id),
            "{failure}"
        );
    }
}

fn at(key: &str) -> S3Uri {
    match S3Uri::new(BUCKET, key) {
        Ok(place) => place,
        Err(error) => panic!("{key}: {error}"),
    }
}
