//! Batch jobs as the service shows and refuses them. `tests/recorded` holds jobs that were seen in
//! public, with changed names.

use aws_config::SdkConfig;
use quarry_contract::location::S3Uri;
use quarry_edge::bedrock::BedrockJobs;
use quarry_edge::error::StepError;
use quarry_edge::jobs::{BatchJobs, JobCounts, JobStatus, JobsError, NewJob};
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const COMPLETED: &str = include_str!("../recorded/completed-job.json");
const EXPIRED: &str = include_str!("../recorded/expired-job.json");
/// The job in `completed-job.json`.
const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:model-invocation-job/6dy9j0cby1hy";
const DAY: Duration = Duration::from_hours(24);

/// The service's response to an operation.
#[derive(Clone)]
struct Reply {
    status: u16,
    /// The exception, if it is an error.
    error: Option<&'static str>,
    body: String,
}

impl Reply {
    fn of(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            error: None,
            body: body.into(),
        }
    }

    fn refusal(error: &'static str, message: &str) -> Self {
        Self {
            status: 400,
            error: Some(error),
            body: serde_json::json!({"message": message}).to_string(),
        }
    }
}

/// Returns a response to `ListModelInvocationJobs`.
fn list(jobs: &[&str]) -> Reply {
    Reply::of(format!(
        r#"{{"invocationJobSummaries":[{}]}}"#,
        jobs.join(",")
    ))
}

/// Starts a service that responds to the creation of a job in one way and to every read in another.
async fn service(create: Reply, read: Reply) -> BedrockJobs {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(connection, create.clone(), read.clone()));
        }
    });
    BedrockJobs::new(&config(endpoint).await).unwrap()
}

async fn config(endpoint: String) -> SdkConfig {
    sdk::load(SdkOptions {
        endpoint_url: Some(endpoint),
        region: Some("us-east-1".to_owned()),
        credentials: Some(Credentials::new("id", "secret", None, None, "test")),
        ..SdkOptions::default()
    })
    .await
}

/// Responds to one request and closes the connection.
async fn answer(mut connection: TcpStream, create: Reply, read: Reply) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut piece = [0; 4_096];
        let length = connection.read(&mut piece).await.unwrap();
        if length == 0 {
            return;
        }
        request.extend_from_slice(&piece[..length]);
    }
    let reply = if request.starts_with(b"POST") {
        create
    } else {
        read
    };
    let error = reply
        .error
        .map(|error| format!("x-amzn-errortype: {error}\r\n"))
        .unwrap_or_default();
    let response = format!(
        "HTTP/1.1 {} Said\r\ncontent-type: application/json\r\n{error}content-length: {}\r\n\
         connection: close\r\n\r\n{}",
        reply.status,
        reply.body.len(),
        reply.body
    );
    connection.write_all(response.as_bytes()).await.unwrap();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().unwrap());
    body.len() >= length
}

/// Returns the job in `completed-job.json`.
fn new_job() -> NewJob {
    NewJob {
        name: "nova-pro-batch-1736970000".to_owned(),
        token: "token".to_owned(),
        role_arn: "arn:aws:iam::111122223333:role/batch".to_owned(),
        model_id: "amazon.nova-pro-v1:0".to_owned(),
        input: S3Uri::new("bucket", "in.jsonl").unwrap(),
        output: "s3://bucket/".parse().unwrap(),
        output_kms_key: None,
        timeout_hours: 24,
        converse: false,
        tags: Vec::new(),
    }
}

#[tokio::test]
async fn a_job_ends_with_its_last_change() {
    let none = Reply::of("{}");
    for (shown, status, expected) in [
        (
            COMPLETED,
            JobStatus::Completed,
            Duration::from_millis(1_779_387),
        ),
        (
            EXPIRED,
            JobStatus::Expired,
            DAY + Duration::from_millis(30_484),
        ),
    ] {
        let jobs = service(none.clone(), Reply::of(shown)).await;
        let got = jobs.get(ARN).await.unwrap();
        let jobs = service(none.clone(), list(&[shown])).await;
        let listed = jobs.named("nova-pro").await.unwrap();
        for job in [&got, &listed[0]] {
            assert_eq!(job.status, status);
            let time = job.ended.unwrap().saturating_sub(job.submitted);
            assert_eq!(time, expected, "{status:?}");
        }
    }
}

/// A call that comes days after the creation cannot rely on the token.
#[tokio::test]
async fn a_job_is_found_by_its_name_if_it_has_the_same_objects() {
    let none = Reply::of("{}");
    let jobs = service(none.clone(), list(&[EXPIRED, COMPLETED])).await;
    let found = jobs.find(&new_job()).await.unwrap();
    assert_eq!(found.as_deref(), Some(ARN));
    let other = NewJob {
        input: S3Uri::new("bucket", "other.jsonl").unwrap(),
        ..new_job()
    };
    let conflict = jobs.find(&other).await;
    assert!(
        matches!(conflict, Err(JobsError::Conflict(_))),
        "{conflict:?}"
    );
    let jobs = service(none, list(&[])).await;
    assert_eq!(jobs.find(&new_job()).await.unwrap(), None);
}

#[tokio::test]
async fn the_services_counts_of_a_job_are_read_if_it_has_both() {
    let with = |counts: &str| COMPLETED.replacen('{', &format!("{{{counts}"), 1);
    for (counts, expected) in [
        (
            r#""successRecordCount": 9, "errorRecordCount": 1,"#,
            Some(JobCounts {
                answers: 9,
                errors: 1,
            }),
        ),
        (r#""successRecordCount": 9,"#, None),
        ("", None),
    ] {
        let jobs = service(Reply::of("{}"), Reply::of(with(counts))).await;
        assert_eq!(jobs.get(ARN).await.unwrap().counts, expected, "{counts}");
    }
}

/// The service also changes jobs that have not ended.
#[tokio::test]
async fn a_job_that_runs_has_no_end() {
    let running = COMPLETED.replace(r#""Completed""#, r#""InProgress""#);
    let jobs = service(Reply::of("{}"), Reply::of(running)).await;
    let job = jobs.get(ARN).await.unwrap();
    assert_eq!((job.status, job.ended), (JobStatus::InProgress, None));
}

/// It is not known which exception `CreateModelInvocationJob` uses; related operations use both.
#[tokio::test]
async fn a_job_whose_creation_was_lost_is_found_whichever_exception_says_so() {
    let words = "The provided job name is currently in use.";
    for exception in ["ConflictException", "ValidationException"] {
        let refusal = Reply::refusal(exception, words);
        let jobs = service(refusal.clone(), list(&[EXPIRED, COMPLETED])).await;
        assert_eq!(jobs.create(&new_job()).await.unwrap(), ARN, "{exception}");

        // The name of another job stays refused, in the service's words.
        let other = NewJob {
            input: S3Uri::new("bucket", "else.jsonl").unwrap(),
            ..new_job()
        };
        let refused = jobs.create(&other).await.unwrap_err();
        assert!(matches!(refused, JobsError::Conflict(_)), "{refused:?}");
        let text = StepError::of(refused, "creating a job").full_message();
        assert!(text.contains(words), "{text}");
    }
}

/// A list shows a new job after some seconds. A refusal now would end the run beside a job that is
/// paid for.
#[tokio::test]
async fn a_conflict_that_cannot_be_found_yet_is_unavailable() {
    let words = "The provided job name is currently in use.";
    let refusal = Reply::refusal("ConflictException", words);
    for listed in [list(&[]), list(&[EXPIRED])] {
        let jobs = service(refusal.clone(), listed).await;
        let refused = jobs.create(&new_job()).await.unwrap_err();
        let step = StepError::of(refused, "creating a job");
        assert_eq!(step.name(), "Quarry.Unavailable");
        assert!(step.full_message().contains(words), "{step}");
    }
}

/// A list whose pages do not end is an error, so that no job is left out in silence.
#[tokio::test]
async fn a_list_that_repeats_a_page_is_unavailable() {
    let page = Reply::of(r#"{"invocationJobSummaries":[],"nextToken":"t"}"#);
    let jobs = service(Reply::of("{}"), page).await;
    let refused = jobs.named("quarry-").await.unwrap_err();
    assert!(matches!(refused, JobsError::Unavailable(_)), "{refused:?}");
}

/// Services write an error's code with a namespace, or with the address of its documentation.
#[tokio::test]
async fn an_errors_code_is_read_from_the_header() {
    for code in [
        "ServiceQuotaExceededException",
        "ServiceQuotaExceededException:http://internal.amazon.com/coral/",
        "com.amazonaws.bedrock#ServiceQuotaExceededException",
    ] {
        let jobs = service(Reply::refusal(code, "in flight"), Reply::of(COMPLETED)).await;
        let refused = jobs.create(&new_job()).await.unwrap_err();
        assert!(matches!(refused, JobsError::Quota(_)), "{refused:?}");
    }
}

/// The refusal of a job's creation keeps the service's words, and no job is looked up: a job of the
/// same name is irrelevant.
#[tokio::test]
async fn other_refusals_of_a_job_keep_the_services_words() {
    for (exception, words, name) in [
        (
            "ValidationException",
            "Batch inference is not supported for the requested model",
            "Quarry.Refused",
        ),
        (
            "ValidationException",
            "Your account is not authorized to perform this action. Please create a support case",
            "Quarry.Refused",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::111122223333:role/submit is not authorized to perform: iam:PassRole \
             on resource: arn:aws:iam::111122223333:role/batch because no identity-based policy \
             allows the iam:PassRole action",
            "Quarry.AccessDenied",
        ),
    ] {
        let jobs = service(Reply::refusal(exception, words), list(&[COMPLETED])).await;
        let refused = jobs.create(&new_job()).await.unwrap_err();
        let step = StepError::of(refused, "creating a job");
        assert_eq!(step.name(), name, "{words}");
        assert!(step.full_message().contains(words), "{step}");
    }
}
