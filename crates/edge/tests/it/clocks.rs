//! A machine whose clock is off takes the time from the services.

use crate::at;
use crate::clocked_service::{ClockedService, MINUTE, OTHERS_ACCEPT, S3_ACCEPTS};
use aws_config::SdkConfig;
use bytes::Bytes;
use futures::future::join_all;
use quarry_contract::callback::CallbackToken;
use quarry_edge::bedrock::{BedrockJobs, BedrockOnDemand, BedrockTokenCounter};
use quarry_edge::callbacks::{PipelineCallbacks, SageMakerCallbacks};
use quarry_edge::clock::{Clock, SystemClock};
use quarry_edge::error::{AwsError, StepErrorKind};
use quarry_edge::executions::{
    ExecutionRecords, Executions, RunDirectory, StateMachine, StepFunctionsRecords,
    StepFunctionsRuns,
};
use quarry_edge::jobs::{BatchJobs, NewJob};
use quarry_edge::on_demand::{OnDemand, Question};
use quarry_edge::s3::client::S3Store;
use quarry_edge::service_time::ServiceClock;
use quarry_edge::store::{ObjectStore, Pin, WriteCondition};
use quarry_edge::token_counter::TokenCounter;
use std::time::Duration;

/// How far the clock of the services is from the machine's: whether it is ahead, and the seconds. No service refuses a
/// call for the first difference, only S3 accepts the second, and all refuse the third.
const OFF: [(bool, u64); 6] = [
    (true, 3 * MINUTE),
    (false, 3 * MINUTE),
    (true, 10 * MINUTE),
    (false, 10 * MINUTE),
    (true, 9 * 60 * MINUTE),
    (false, 9 * 60 * MINUTE),
];

/// All kinds of calls that functions make.
const S3_CALLS: [&str; 13] = [
    "head",
    "get",
    "get_range",
    "put",
    "put_if_absent",
    "put_if_unchanged",
    "list",
    "page",
    "create_upload",
    "upload_part",
    "copy_part",
    "complete_upload",
    "abort_upload",
];
const OTHER_CALLS: [&str; 15] = [
    "create_job",
    "get_job",
    "find_job",
    "named_jobs",
    "live_jobs",
    "stop_job",
    "invoke",
    "converse",
    "count_tokens",
    "start",
    "stop",
    "describe",
    "page_of_executions",
    "redrive",
    "callback",
];

fn kind_of_failure<T, E: AwsError>(result: Result<T, E>) -> Result<(), StepErrorKind> {
    result.map(|_| ()).map_err(|error| error.kind())
}

/// Makes a call with clients that have called nothing before.
async fn call_s3(config: &SdkConfig, name: &str) -> Result<(), StepErrorKind> {
    let store = S3Store::new(config, true);
    let (at, body) = (at("o"), Bytes::from_static(b"content"));
    let pin = Pin::from("\"e\"".to_owned());
    match name {
        "head" => kind_of_failure(store.head(&at).await),
        "get" => kind_of_failure(store.get(&at, 100).await),
        "get_range" => kind_of_failure(store.get_range(&at, 0..7, &pin).await),
        "put" => kind_of_failure(store.put(&at, body, WriteCondition::Always).await),
        "put_if_absent" => kind_of_failure(store.put(&at, body, WriteCondition::IfAbsent).await),
        "put_if_unchanged" => {
            let condition = WriteCondition::IfUnchanged("\"e\"");
            kind_of_failure(store.put(&at, body, condition).await)
        }
        "list" => kind_of_failure(store.list(&at).await),
        "page" => kind_of_failure(store.page(&at, None).await),
        "create_upload" => kind_of_failure(store.create_upload(&at).await),
        "upload_part" => kind_of_failure(store.upload_part(&at, "u", 1, body).await),
        "copy_part" => kind_of_failure(store.copy_part(&at, "u", 1, &at, 0..7, &pin).await),
        "complete_upload" => {
            let parts = [(1, "\"e\"".to_owned())];
            let completed = store.complete_upload(&at, "u", &parts, WriteCondition::IfAbsent);
            kind_of_failure(completed.await)
        }
        "abort_upload" => kind_of_failure(store.abort_upload(&at, "u").await),
        _ => panic!("{name}"),
    }
}

fn job() -> NewJob {
    NewJob {
        name: "quarry-a-job".to_owned(),
        token: "token".to_owned(),
        role_arn: "role".to_owned(),
        model_id: "model".to_owned(),
        input: at("input"),
        output: at("output/"),
        output_kms_key: None,
        timeout_hours: 24,
        converse: false,
        tags: Vec::new(),
    }
}

async fn call_another(
    service: &ClockedService,
    config: &SdkConfig,
    name: &str,
) -> Result<(), StepErrorKind> {
    let machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:quarry";
    let jobs = BedrockJobs::new(config).unwrap();
    let executions = StateMachine::new(config, machine).unwrap();
    let records = StepFunctionsRecords::new(config).unwrap();
    let question = |converse| {
        let body = Bytes::from_static(br#"{"messages": []}"#);
        Question::of("model", converse, body)
    };
    match name {
        "create_job" => kind_of_failure(jobs.create(&job()).await),
        "get_job" => kind_of_failure(jobs.get("arn").await),
        "find_job" => kind_of_failure(jobs.find(&job()).await),
        "named_jobs" => kind_of_failure(jobs.named("quarry").await),
        "live_jobs" => kind_of_failure(jobs.live("quarry").await),
        "stop_job" => kind_of_failure(jobs.stop("arn").await),
        "invoke" | "converse" => {
            let on_demand = BedrockOnDemand::new(config);
            let reply = on_demand.invoke(question(name == "converse")).await;
            // A failure of a single question is not one of a step.
            reply.map(|_| ()).map_err(|_| StepErrorKind::Refused)
        }
        "count_tokens" => {
            let counter = BedrockTokenCounter::new(config).unwrap();
            kind_of_failure(counter.count(&question(true)).await)
        }
        "start" => kind_of_failure(executions.start("run", "{}").await),
        "stop" => kind_of_failure(executions.stop("run", "error", "cause").await),
        "describe" => kind_of_failure(records.describe("arn").await),
        "page_of_executions" => kind_of_failure(records.page(machine, None).await),
        "redrive" => {
            let runs = StepFunctionsRuns::new(config, machine).unwrap();
            kind_of_failure(runs.redrive("run", "token").await)
        }
        "callback" => {
            let endpoint = Some(service.endpoint().to_owned());
            let callbacks = SageMakerCallbacks::new(config, endpoint).unwrap();
            let token: CallbackToken = "abcdefghij".parse().unwrap();
            kind_of_failure(callbacks.succeed(&token, &[]).await)
        }
        _ => panic!("{name}"),
    }
}

/// Calls services whose clock differs from the machine's.
async fn call(
    name: &str,
    (ahead, by): (bool, u64),
    max_attempts: u32,
) -> (ClockedService, Result<(), StepErrorKind>) {
    let service = ClockedService::start(ahead, by).await;
    let config = service.config(max_attempts).await;
    let outcome = if S3_CALLS.contains(&name) {
        call_s3(&config, name).await
    } else {
        call_another(&service, &config, name).await
    };
    (service, outcome)
}

/// Whether the first call of a machine whose clock is off by some seconds is refused.
fn is_refused(name: &str, by: u64) -> bool {
    by > if S3_CALLS.contains(&name) {
        S3_ACCEPTS
    } else {
        OTHERS_ACCEPT
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_for_its_time_is_signed_again_with_that_of_the_service() {
    let mut calls = Vec::new();
    for off in OFF {
        let names = S3_CALLS.into_iter().chain(OTHER_CALLS);
        calls.extend(names.map(|name| is_made_again_if_refused(name, off)));
    }
    join_all(calls).await;
}

async fn is_made_again_if_refused(name: &'static str, off: (bool, u64)) {
    let (service, outcome) = call(name, off, 2).await;
    assert_eq!(outcome, Ok(()), "{name} {off:?}");
    // A list of live jobs is one call for each status.
    let further = if name == "live_jobs" { 3 } else { 0 };
    let calls = 1 + further + usize::from(is_refused(name, off.1));
    assert_eq!(service.calls(), calls, "{name} {off:?}");
    if is_refused(name, off.1) {
        let last = service.last_call();
        assert!(last.at.abs_diff(last.signed) < 10, "{name} {off:?}");
    }
}

/// If the SDK may make one call only, the next try of the step makes the second one.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_time_is_no_lack_of_permission() {
    for off in OFF {
        let calls = S3_CALLS.into_iter().map(async |name| {
            let (_, outcome) = call(name, off, 1).await;
            let right = if is_refused(name, off.1) {
                Err(StepErrorKind::Unavailable)
            } else {
                Ok(())
            };
            assert_eq!(outcome, right, "{name} {off:?}");
        });
        join_all(calls).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_that_of_the_services() {
    for (ahead, by) in OFF {
        let service = ClockedService::start(ahead, by).await;
        let config = service.config(1).await;
        let clock = ServiceClock::of(&config);
        assert!(clock.now().abs_diff(SystemClock.now()) < Duration::from_secs(2));
        let store = S3Store::new(&config, true);
        let first = store.head(&at("o")).await;
        assert_eq!(first.is_err(), by > S3_ACCEPTS, "{first:?}");
        let called = service.last_call();
        let now = clock.now().as_secs();
        assert!(now.abs_diff(called.at) < 10, "{ahead} {by}");
        // The same machine signs the next call with the right time.
        store.get(&at("o"), 100).await.unwrap();
        let called = service.last_call();
        assert!(called.at.abs_diff(called.signed) < 10, "{ahead} {by}");
    }
}
