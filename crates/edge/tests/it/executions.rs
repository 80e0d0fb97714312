//! The requests to Step Functions, and the meaning of its responses.

use quarry_edge::executions::{
    Cause, ExecutionRecords, ExecutionStatus, Executions, ListedExecution, Redriven, RunDirectory,
    Started, StateMachine, StepFunctionsRecords, StepFunctionsRuns, Stopped,
};
use quarry_edge::failure::CallError;
use quarry_edge::sdk::{Credentials, SdkOptions, load};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:quarry";
const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:quarry:run-1";

/// A service that gives each request the next of some responses, and keeps the operations and the
/// bodies of the requests.
struct States {
    config: aws_config::SdkConfig,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl States {
    async fn start(responses: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            for (status, body) in responses {
                let (connection, _) = listener.accept().await.unwrap();
                let request = respond(connection, status, &body.to_string()).await;
                kept.lock().unwrap().push(request);
            }
        });
        let config = load(SdkOptions {
            endpoint_url: Some(endpoint),
            region: Some("eu-central-1".to_owned()),
            credentials: Some(Credentials::new("id", "secret", None, None, "test")),
            max_attempts: Some(1),
        })
        .await;
        Self { config, requests }
    }

    fn machine(&self) -> StateMachine {
        StateMachine::new(&self.config, MACHINE).unwrap()
    }

    fn records(&self) -> StepFunctionsRecords {
        StepFunctionsRecords::new(&self.config).unwrap()
    }

    fn runs(&self) -> StepFunctionsRuns {
        StepFunctionsRuns::new(&self.config, MACHINE).unwrap()
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

async fn respond(mut connection: TcpStream, status: u16, body: &str) -> (String, Value) {
    let mut read = Vec::new();
    let request = loop {
        connection.read_buf(&mut read).await.unwrap();
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .to_owned()
        };
        let length: usize = header("content-length: ").parse().unwrap();
        if rest.len() == length {
            assert_eq!(header("content-type: "), "application/x-amz-json-1.0");
            break (
                header("x-amz-target: "),
                serde_json::from_str(rest).unwrap(),
            );
        }
    };
    let response = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(response.as_bytes()).await.unwrap();
    request
}

fn refusal(code: &str) -> (u16, Value) {
    let name = format!("com.amazonaws.swf.service.v2.model#{code}");
    (400, json!({"__type": name, "message": "refused"}))
}

#[tokio::test]
async fn an_execution_is_started_once_under_its_name() {
    let started = json!({"executionArn": EXECUTION, "startDate": 1.7e9});
    let service = States::start(vec![(200, started), refusal("ExecutionAlreadyExists")]).await;
    let machine = service.machine();
    assert_eq!(
        machine.start("run-1", "{}").await.unwrap(),
        Started::Running
    );
    assert_eq!(
        machine.start("run-1", "{}").await.unwrap(),
        Started::AlreadyRan
    );
    let body = json!({"stateMachineArn": MACHINE, "name": "run-1", "input": "{}"});
    let expected = ("AWSStepFunctions.StartExecution".to_owned(), body);
    assert_eq!(service.requests(), [expected.clone(), expected]);
}

#[tokio::test]
async fn an_execution_is_stopped_with_its_cause() {
    let stopped = json!({"stopDate": 1.7e9});
    let service = States::start(vec![(200, stopped), refusal("ExecutionDoesNotExist")]).await;
    let machine = service.machine();
    let outcome = machine.stop("run-1", "Error", "cause").await.unwrap();
    assert_eq!(outcome, Stopped::Stopping);
    let outcome = machine.stop("run-1", "Error", "cause").await.unwrap();
    assert_eq!(outcome, Stopped::NoSuchExecution);
    let body = json!({"executionArn": EXECUTION, "error": "Error", "cause": "cause"});
    let expected = ("AWSStepFunctions.StopExecution".to_owned(), body);
    assert_eq!(service.requests()[0], expected);
}

#[tokio::test]
async fn an_execution_is_described_with_its_times_and_its_failure() {
    let shown = json!({
        "executionArn": EXECUTION, "status": "FAILED", "startDate": 1_764_300_000.5,
        "stopDate": 1_764_351_234.567, "redriveDate": 1_764_351_000.001, "input": "{}",
        "error": "E", "cause": "c",
    });
    let running = json!({"executionArn": EXECUTION, "status": "RUNNING", "input": "{}"});
    let service = States::start(vec![(200, shown), (200, running)]).await;
    let records = service.records();
    let ended = records.describe(EXECUTION).await.unwrap();
    assert_eq!(ended.ended, Some(Duration::from_millis(1_764_351_234_567)));
    assert_eq!(
        ended.redriven,
        Some(Duration::from_millis(1_764_351_000_001))
    );
    let failure = Cause {
        error: "E".to_owned(),
        cause: "c".to_owned(),
    };
    assert_eq!(ended.failure, Some(failure));
    assert_eq!(ended.status, ExecutionStatus::Failed);
    assert_eq!(
        ended.started,
        Some(Duration::from_millis(1_764_300_000_500))
    );
    assert!(!ended.is_final);
    let running = records.describe(EXECUTION).await.unwrap();
    assert_eq!((running.ended, running.failure), (None, None));
    assert_eq!(running.input.as_deref(), Some("{}"));
}

/// `NOT_REDRIVABLE` is also what a running execution is.
#[tokio::test]
async fn an_execution_is_final_if_it_has_ended_and_cannot_be_redriven() {
    let shown = |status: &str, redrive: &str| json!({"status": status, "redriveStatus": redrive});
    let cases = [
        ("FAILED", "NOT_REDRIVABLE", true),
        ("FAILED", "REDRIVABLE", false),
        ("RUNNING", "NOT_REDRIVABLE", false),
        ("PENDING_REDRIVE", "NOT_REDRIVABLE", false),
    ];
    let responses = cases.map(|(status, redrive, _)| (200, shown(status, redrive)));
    let service = States::start(responses.to_vec()).await;
    for (status, _, is_final) in cases {
        let record = service.records().describe(EXECUTION).await.unwrap();
        assert_eq!(record.is_final, is_final, "{status}");
    }
}

#[tokio::test]
async fn executions_are_listed_page_by_page() {
    let entry = |name: &str, status: &str| {
        json!({
            "executionArn": format!("arn:{name}"), "name": name, "status": status,
            "startDate": 1_764_300_000.5, "stateMachineArn": MACHINE,
        })
    };
    let mut ended = entry("run-1", "TIMED_OUT");
    ended["stopDate"] = json!(1_764_351_234.567);
    let first = json!({"executions": [entry("run-2", "PENDING_REDRIVE")], "nextToken": "more"});
    let last = json!({"executions": [ended]});
    let service = States::start(vec![(200, first), (200, last)]).await;
    let records = service.records();
    let first = records.page(MACHINE, None).await.unwrap();
    assert_eq!(first.executions[0].status, ExecutionStatus::Running);
    let last = records.page(MACHINE, first.next.as_deref()).await.unwrap();
    let expected = ListedExecution {
        arn: "arn:run-1".to_owned(),
        name: "run-1".to_owned(),
        status: ExecutionStatus::TimedOut,
        started: Duration::from_millis(1_764_300_000_500),
        ended: Some(Duration::from_millis(1_764_351_234_567)),
    };
    assert_eq!((last.executions, last.next), (vec![expected], None));
    let body = json!({"stateMachineArn": MACHINE, "maxResults": 1_000, "nextToken": "more"});
    assert_eq!(service.requests()[1].1, body);
}

#[tokio::test]
async fn the_cause_of_a_failed_run_is_its_failed_childs() {
    let maps = json!({"mapRuns": [{"mapRunArn": "m1"}, {"mapRunArn": "m2"}]});
    let child = json!({"executions": [{"executionArn": "c1", "status": "FAILED"}]});
    let described = json!({"executionArn": "c1", "error": "Quarry.Refused", "cause": "why"});
    let service = States::start(vec![
        (200, maps),
        (200, json!({"executions": []})),
        (200, child),
        (200, described),
    ])
    .await;
    let cause = service.records().failed_child(EXECUTION).await.unwrap();
    let expected = Cause {
        error: "Quarry.Refused".to_owned(),
        cause: "why".to_owned(),
    };
    assert_eq!(cause, Some(expected));
    let body = json!({"mapRunArn": "m2", "statusFilter": "FAILED", "maxResults": 1});
    assert_eq!(service.requests()[2].1, body);
}

/// The end of a history, as `GetExecutionHistory` returns it.
fn history() -> Value {
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:quarry-merge:12";
    let parameters = json!({"FunctionName": arn, "Payload": {"version": 1}}).to_string();
    let task = json!({"resourceType": "lambda", "resource": "invoke", "parameters": parameters});
    json!({"events": [
        {"type": "ExecutionFailed", "id": 9, "executionFailedEventDetails": {"error": "Runtime.OutOfMemory"}},
        {"type": "TaskFailed", "id": 8, "taskFailedEventDetails": {"error": "Runtime.OutOfMemory"}},
        {"type": "TaskStarted", "id": 7},
        {"type": "TaskScheduled", "id": 6, "taskScheduledEventDetails": task},
    ]})
}

#[tokio::test]
async fn the_last_function_of_a_run_is_that_of_its_failed_slice() {
    let maps = json!({"mapRuns": [{"mapRunArn": "m1"}]});
    let child = json!({"executions": [{"executionArn": "c1", "status": "FAILED"}]});
    let service = States::start(vec![(200, maps), (200, child), (200, history())]).await;
    let function = service.records().last_function(EXECUTION).await.unwrap();
    assert_eq!(function.as_deref(), Some("quarry-merge"));
    let body = json!({"executionArn": "c1", "reverseOrder": true, "maxResults": 10});
    assert_eq!(service.requests()[2].1, body);

    let none = json!({"mapRuns": []});
    let service = States::start(vec![(200, none), (200, history()), (200, history())]).await;
    let function = service.records().last_function(EXECUTION).await.unwrap();
    assert_eq!(function.as_deref(), Some("quarry-merge"));
    assert_eq!(service.requests()[1].1["executionArn"], EXECUTION);
    let function = service.runs().last_function("c2").await.unwrap();
    assert_eq!(function.as_deref(), Some("quarry-merge"));
    assert_eq!(service.requests()[2].1["executionArn"], "c2");
}

#[tokio::test]
async fn what_step_functions_refuses_is_told_apart() {
    let service = States::start(vec![
        refusal("ExecutionDoesNotExist"),
        refusal("InvalidArn"),
        refusal("ThrottlingException"),
        (503, json!({})),
        (200, json!([])),
    ])
    .await;
    let records = service.records();
    let mut refused = Vec::new();
    for _ in 0..5 {
        refused.push(records.describe(EXECUTION).await.unwrap_err());
    }
    assert!(matches!(
        refused[..],
        [
            CallError::NotFound(_),
            CallError::Refused(_),
            CallError::Throttled(_),
            CallError::Unavailable(_),
            CallError::Unavailable(_),
        ]
    ));
}

fn line(name: &str, status: &str) -> Value {
    json!({"executionArn": format!("arn:x:{name}"), "name": name, "status": status, "startDate": 1.7e9})
}

#[tokio::test]
async fn the_newest_runs_are_listed_from_as_many_pages_as_are_needed() {
    let first =
        json!({"executions": [line("c", "RUNNING"), line("b", "FAILED")], "nextToken": "t"});
    let second = json!({"executions": [line("a", "PAUSED")], "nextToken": "u"});
    let service = States::start(vec![(200, first), (200, second)]).await;
    let runs = service.runs();
    let found = runs.list(Some(ExecutionStatus::Failed), 3).await.unwrap();
    let names: Vec<&str> = found.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["c", "b", "a"]);
    assert_eq!(found[2].status, ExecutionStatus::Running);
    let bodies: Vec<Value> = service
        .requests()
        .into_iter()
        .map(|request| request.1)
        .collect();
    let body = json!({"stateMachineArn": MACHINE, "maxResults": 3, "statusFilter": "FAILED"});
    let next = json!({
        "stateMachineArn": MACHINE, "maxResults": 1, "statusFilter": "FAILED", "nextToken": "t",
    });
    assert_eq!(bodies, [body, next]);
}

#[tokio::test]
async fn a_run_is_found_by_its_name_or_there_is_none() {
    let mut shown = line("run-1", "TIMED_OUT");
    shown["redriveCount"] = json!(2);
    shown["redriveStatus"] = json!("NOT_REDRIVABLE");
    shown["redriveStatusReason"] = json!("too old");
    let service = States::start(vec![(200, shown), refusal("ExecutionDoesNotExist")]).await;
    let runs = service.runs();
    let found = runs.find("run-1").await.unwrap().unwrap();
    assert_eq!(found.listed.status, ExecutionStatus::TimedOut);
    assert_eq!(
        (found.redrives, found.not_redrivable.as_deref()),
        (2, Some("too old"))
    );
    assert_eq!(runs.find("run-2").await.unwrap(), None);
    assert_eq!(service.requests()[0].1, json!({"executionArn": EXECUTION}));
}

#[tokio::test]
async fn a_run_is_redriven_once_for_each_token_or_the_reason_is_told() {
    let redriven = json!({"redriveDate": 1.7e9});
    let service = States::start(vec![(200, redriven), refusal("ExecutionNotRedrivable")]).await;
    let runs = service.runs();
    assert_eq!(runs.redrive("run-1", "t").await.unwrap(), Redriven::Running);
    let refused = runs.redrive("run-1", "u").await.unwrap();
    assert_eq!(refused, Redriven::Refused("refused".to_owned()));
    let body = json!({"executionArn": EXECUTION, "clientToken": "t"});
    let expected = ("AWSStepFunctions.RedriveExecution".to_owned(), body);
    assert_eq!(service.requests()[0], expected);
}
