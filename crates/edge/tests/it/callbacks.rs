//! The requests to SageMaker, and the meaning of its responses.

use quarry_edge::callbacks::{
    CallbackOutcome, FailureReason, PipelineCallbacks, SageMakerCallbacks, StepOutput,
};
use quarry_edge::error::StepError;
use quarry_edge::failure::CallError;
use quarry_edge::sdk::{Credentials, SdkOptions, load};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that gives each request the next of some responses, and records the requests.
struct Service {
    endpoint: String,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Service {
    async fn start(answers: Vec<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
        };
        let requests = service.requests.clone();
        tokio::spawn(async move {
            for (status, body) in answers {
                let (connection, _) = listener.accept().await.unwrap();
                let request = answer(connection, status, body).await;
                requests.lock().unwrap().push(request);
            }
        });
        service
    }

    async fn callbacks(&self) -> SageMakerCallbacks {
        let options = SdkOptions {
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
            region: Some("eu-central-1".to_owned()),
            credentials: Some(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                Some("session".to_owned()),
                None,
                "test",
            )),
            max_attempts: Some(2),
        };
        SageMakerCallbacks::new(&load(options).await, Some(self.endpoint.clone())).unwrap()
    }

    fn request(&self, number: usize) -> (String, Value) {
        self.requests.lock().unwrap()[number].clone()
    }
}

/// Reads one request and responds. Returns the request's head in lower case, and its body.
async fn answer(mut connection: TcpStream, status: u16, body: &str) -> (String, Value) {
    let mut read = Vec::new();
    let (head, request) = loop {
        connection.read_buf(&mut read).await.unwrap();
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if rest.len() == length {
            break (head, serde_json::from_str(rest).unwrap());
        }
    };
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(answer.as_bytes()).await.unwrap();
    (head, request)
}

const DONE: (u16, &str) = (
    200,
    r#"{"PipelineExecutionArn": "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/p/execution/e"}"#,
);

#[tokio::test]
async fn callbacks_are_signed_requests_of_the_services_protocol() {
    let service = Service::start(vec![DONE, DONE]).await;
    let callbacks = service.callbacks().await;
    let token = "26vcYbeWsZ".parse().unwrap();
    let outputs = [StepOutput::new("processed_data", "s3://bucket/ä/").unwrap()];
    let answered = callbacks.succeed(&token, &outputs).await.unwrap();
    assert_eq!(answered, CallbackOutcome::Now);
    let reason = FailureReason::new("no prompts");
    assert_eq!(
        callbacks.fail(&token, &reason).await.unwrap(),
        CallbackOutcome::Now
    );

    let (head, body) = service.request(0);
    assert!(head.starts_with("post / http/1.1"), "{head}");
    for line in [
        "content-type: application/x-amz-json-1.1",
        "x-amz-target: sagemaker.sendpipelineexecutionstepsuccess",
        "x-amz-security-token: session",
        "/eu-central-1/sagemaker/aws4_request",
        "signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let id = body["ClientRequestToken"].as_str().unwrap();
    assert!((32..=128).contains(&id.len()), "{id}");
    assert_eq!(
        body,
        json!({
            "CallbackToken": "26vcYbeWsZ",
            "OutputParameters": [{"Name": "processed_data", "Value": "s3://bucket/ä/"}],
            "ClientRequestToken": id,
        })
    );
    let (head, body) = service.request(1);
    assert!(
        head.contains("x-amz-target: sagemaker.sendpipelineexecutionstepfailure"),
        "{head}"
    );
    assert_eq!(body["FailureReason"], "no prompts");
    assert_ne!(body["ClientRequestToken"], id);
}

#[tokio::test]
async fn a_step_that_was_called_back_before_is_not_an_error() {
    for body in [
        r#"{"__type": "com.amazonaws.sagemaker#ConflictException", "message": "in conflict"}"#,
        r#"{"__type": "ResourceNotFound", "Message": "no such token"}"#,
        r#"{"__type": "ValidationException", "message": "The step has already been completed"}"#,
    ] {
        let service = Service::start(vec![(400, body)]).await;
        let token = "26vcYbeWsZ".parse().unwrap();
        let answered = service.callbacks().await.succeed(&token, &[]).await;
        assert_eq!(answered.unwrap(), CallbackOutcome::Before, "{body}");
    }
}

#[tokio::test]
async fn other_refusals_are_errors_and_outages_are_retried() {
    let token = "26vcYbeWsZ".parse().unwrap();
    let reason = FailureReason::new("no prompts");
    let denied = r#"{"__type": "AccessDeniedException", "Message": "not authorized to perform"}"#;
    let service = Service::start(vec![(400, denied)]).await;
    let error = service.callbacks().await.fail(&token, &reason).await;
    let error = error.unwrap_err();
    assert!(matches!(error, CallError::AccessDenied(_)), "{error:?}");
    assert!(
        StepError::of(error, "x")
            .full_message()
            .contains("not authorized")
    );
    let invalid = r#"{"__type": "ValidationException", "message": "not a token"}"#;
    let service = Service::start(vec![(400, invalid)]).await;
    let error = service.callbacks().await.fail(&token, &reason).await;
    assert!(matches!(error, Err(CallError::Refused(_))), "{error:?}");
    let throttled = r#"{"__type": "ThrottlingException", "message": "slower"}"#;
    for outage in [(503, "busy"), (400, throttled)] {
        let service = Service::start(vec![outage, DONE]).await;
        let answered = service.callbacks().await.fail(&token, &reason).await;
        assert_eq!(answered.unwrap(), CallbackOutcome::Now);
    }
}
