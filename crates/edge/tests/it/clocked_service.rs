//! S3, Bedrock, Step Functions and SageMaker with a clock of their own: they refuse calls that are signed with
//! another time, each in its own form.

use aws_config::SdkConfig;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use quarry_edge::clock::{Clock, SystemClock, timestamp};
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const MINUTE: u64 = 60;

/// The difference of times that each service still accepts, in seconds.
pub(crate) const S3_ACCEPTS: u64 = 15 * MINUTE;
pub(crate) const OTHERS_ACCEPT: u64 = 5 * MINUTE;

/// All services at one address.
pub(crate) struct ClockedService {
    endpoint: String,
    called: Arc<Mutex<Vec<Called>>>,
}

/// The times of a call, in seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Called {
    /// That of the service.
    pub(crate) at: u64,
    /// That of the signature.
    pub(crate) signed: u64,
}

impl ClockedService {
    /// Starts services whose clock is ahead of the machine's, or behind it, by some seconds.
    pub(crate) async fn start(ahead: bool, by: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            called: Arc::default(),
        };
        let called = Arc::clone(&service.called);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let machine = SystemClock.now().as_secs();
                let now = if ahead { machine + by } else { machine - by };
                respond(client, now, &called).await;
            }
        });
        service
    }

    pub(crate) async fn config(&self, max_attempts: u32) -> SdkConfig {
        sdk::load(SdkOptions {
            endpoint_url: Some(self.endpoint.clone()),
            region: Some("eu-central-1".to_owned()),
            credentials: Some(Credentials::new("id", "secret", None, None, "test")),
            max_attempts: Some(max_attempts),
        })
        .await
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn calls(&self) -> usize {
        self.called.lock().unwrap().len()
    }

    pub(crate) fn last_call(&self) -> Called {
        *self.called.lock().unwrap().last().unwrap()
    }
}

struct Request {
    method: String,
    /// Path and query.
    target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// Reads a whole request, with its body.
    async fn read(client: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(client.read_buf(&mut bytes).await.unwrap(), 0);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap().split(' ').map(str::to_owned);
        let request = Self {
            method: words.next().unwrap(),
            target: words.next().unwrap(),
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        };
        let length = request.header("content-length");
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while bytes.len() < end + length {
            assert_ne!(client.read_buf(&mut bytes).await.unwrap(), 0);
        }
        request
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Reads `x-amz-date`, such as `20261129T120000Z`.
    fn signed_at(&self) -> u64 {
        let mut text = String::new();
        let date = self.header("x-amz-date").unwrap();
        for (place, character) in date.chars().enumerate() {
            match place {
                4 | 6 => text.push('-'),
                11 | 13 => text.push(':'),
                _ => {}
            }
            let _ = write!(text, "{character}");
        }
        timestamp(&text).unwrap().as_secs()
    }

    fn is_of_s3(&self) -> bool {
        self.target.starts_with("/bucket")
    }

    /// Returns the body of the response to an accepted call.
    fn result(&self) -> String {
        let operation = self.header("x-amz-target").unwrap_or_default();
        let operation = operation.split_once('.').map_or("", |(_, name)| name);
        match (self.method.as_str(), operation, self.target.as_str()) {
            (_, "StartExecution", _) => r#"{"executionArn": "arn", "startDate": 1}"#.to_owned(),
            (_, "DescribeExecution", _) => {
                r#"{"executionArn": "arn", "status": "RUNNING", "startDate": 1}"#.to_owned()
            }
            (_, "ListExecutions", _) => r#"{"executions": []}"#.to_owned(),
            ("GET", _, path) if path.starts_with("/model-invocation-jobs") => {
                r#"{"invocationJobSummaries": []}"#.to_owned()
            }
            (_, _, path) if path.starts_with("/model-invocation-job") => {
                r#"{"jobArn": "arn", "status": "Completed"}"#.to_owned()
            }
            (_, _, path) if path.ends_with("/converse") => {
                let message = r#"{"role": "assistant", "content": [{"text": "yes"}]}"#;
                let usage = r#"{"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}"#;
                format!(
                    r#"{{"output": {{"message": {message}}}, "stopReason": "end_turn",
                        "usage": {usage}, "metrics": {{"latencyMs": 1}}}}"#
                )
            }
            (_, _, path) if path.ends_with("/count-tokens") => r#"{"inputTokens": 1}"#.to_owned(),
            ("GET", _, path) if path.contains("list-type=2") => {
                "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_owned()
            }
            ("POST", _, path) if path.contains("uploads") => {
                "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>".to_owned()
            }
            ("POST", _, path) if path.contains("uploadId") => {
                "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>".to_owned()
            }
            ("PUT", ..) if self.header("x-amz-copy-source").is_some() => {
                "<CopyPartResult><ETag>e</ETag></CopyPartResult>".to_owned()
            }
            ("GET", ..) => "content".to_owned(),
            _ if self.is_of_s3() => String::new(),
            _ => "{}".to_owned(),
        }
    }
}

/// Returns the status, headers and the body with which a service refuses the time of a signature.
fn refusal(request: &Request, now: u64) -> (&'static str, &'static str, String) {
    if request.is_of_s3() {
        let code = "RequestTimeTooSkewed";
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        return ("403 Forbidden", "", body);
    }
    let code = "InvalidSignatureException";
    let message = if request.signed_at() < now {
        "Signature expired: 20261129T110000Z is now earlier than 20261129T115500Z"
    } else {
        "Signature not yet current: 20261129T130000Z is still later than 20261129T120500Z"
    };
    if request.header("x-amz-target").is_some() {
        let body = format!(r#"{{"__type": "{code}", "message": "{message}"}}"#);
        return ("400 Bad Request", "", body);
    }
    let header = "x-amzn-errortype: InvalidSignatureException\r\n";
    let body = format!(r#"{{"message": "{message}"}}"#);
    ("403 Forbidden", header, body)
}

async fn respond(mut client: TcpStream, now: u64, called: &Mutex<Vec<Called>>) {
    let request = Request::read(&mut client).await;
    let signed = request.signed_at();
    called.lock().unwrap().push(Called { at: now, signed });
    let accepted = if request.is_of_s3() {
        S3_ACCEPTS
    } else {
        OTHERS_ACCEPT
    };
    let (status, headers, body) = if now.abs_diff(signed) > accepted {
        refusal(&request, now)
    } else {
        ("200 OK", "", request.result())
    };
    let length = body.len();
    let date = DateTime::from_secs(i64::try_from(now).unwrap());
    let date = date.fmt(Format::HttpDate).unwrap();
    let mut response = format!(
        "HTTP/1.1 {status}\r\n{headers}date: {date}\r\netag: \"e\"\r\ncontent-length: {length}\r\n\
         last-modified: {date}\r\nconnection: close\r\n\r\n"
    );
    // The response to a `HEAD` has no body, whatever its headers say.
    if request.method != "HEAD" {
        response.push_str(&body);
    }
    client.write_all(response.as_bytes()).await.unwrap();
}
