//! An AWS account on loopback, with the operations that the command line calls, over HTTP.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The service's name of the operation.
    pub(crate) operation: String,
    /// Its first line and headers.
    pub(crate) head: String,
    /// Its body.
    pub(crate) body: String,
}

/// A status and a body; the body for `HeadBucket` is the bucket's Region.
pub(crate) type Answer = (u16, String);

/// What the account answers.
type Answers = dyn Fn(&Request) -> Answer + Send + Sync;

/// Serves until the test ends.
pub(crate) struct FakeAws {
    endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeAws {
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let answer: Arc<Answers> = Arc::new(answer);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let kept = requests.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (Ok(connection), kept) = (connection, kept.clone()) else {
                    return;
                };
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(connection, &*answer, &kept));
            }
        });
        Self { endpoint, requests }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns all requests of an operation, in the order in which they arrived.
    pub(crate) fn requests(&self, operation: &str) -> Vec<Request> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let of_operation = requests
            .iter()
            .filter(|request| request.operation == operation);
        of_operation.cloned().collect()
    }

    /// Returns the names of all operations that were called, sorted.
    pub(crate) fn operations(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = requests
            .iter()
            .map(|request| request.operation.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

fn serve(mut connection: TcpStream, answer: &Answers, kept: &Mutex<Vec<Request>>) {
    let Some((head, body)) = read(&mut connection) else {
        return;
    };
    let request = Request {
        operation: operation(&head, &body),
        head,
        body,
    };
    let (status, body) = answer(&request);
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    let (header, body) = if request.operation == "HeadBucket" {
        (format!("x-amz-bucket-region: {body}\r\n"), String::new())
    } else {
        (String::new(), body)
    };
    let answer = format!(
        "HTTP/1.1 {status} x\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = connection.write_all(answer.as_bytes());
}

/// Reads the head and the body of a request.
fn read(connection: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = connection
            .read(&mut piece)
            .ok()
            .filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0_usize);
        if body.len() >= length {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

fn operation(head: &str, body: &str) -> String {
    let line = head.lines().next().unwrap_or_default();
    let target = head
        .lines()
        .find_map(|line| line.strip_prefix("x-amz-target: "));
    if let Some((_, operation)) = target.and_then(|target| target.split_once('.')) {
        return operation.to_owned();
    }
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    if let Some(action) = action {
        return action.to_owned();
    }
    let operation = match line {
        line if line.starts_with("HEAD ") => "HeadBucket",
        line if line.contains("?notification") => "GetBucketNotificationConfiguration",
        line if line.contains("?encryption") => "GetBucketEncryption",
        line if line.contains("/account-settings/") => "GetAccountSettings",
        line if line.contains("/foundation-model-availability/") => {
            "GetFoundationModelAvailability"
        }
        line if line.contains("/foundation-models/") => "GetFoundationModel",
        line if line.contains("/inference-profiles/") => "GetInferenceProfile",
        line if line.contains("/model-invocation-jobs?") => "ListModelInvocationJobs",
        line if line.contains("list-type=2") => "ListObjectsV2",
        line => line,
    };
    operation.to_owned()
}

/// Returns the command for an address, in a folder of its own, without credentials: neither those of the
/// machine nor those of whoever runs the tests.
pub(crate) fn quarry_without_credentials(folder: &Path, endpoint: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarry"));
    command
        .current_dir(folder)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_CONFIG_FILE", folder.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", folder.join("credentials"));
    for variable in [
        "AWS_ACCESS_KEY_ID",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_PROFILE",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        command.env_remove(variable);
    }
    command
}
