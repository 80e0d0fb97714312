//! A deployment on loopback: its stack, its executions and its jobs are scripted, and its bucket is a
//! local S3 server.

use crate::command::Ran;
use crate::fake_aws::{Answer, FakeAws, Request, quarry_without_credentials};
use quarry_contract::VERSION;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::Plan;
use quarry_local_s3::LocalS3;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(crate) const BUCKET: &str = "quarry-data";
pub(crate) const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:quarry";
const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:quarry";
pub(crate) const MODEL: &str = "eu.anthropic.claude-haiku-4-5-20251001-v1:0";
/// When runs began: 2026-11-28T15:58:01Z.
const BEGAN: f64 = 1_795_881_481.123;

/// The code of a refusal that is a page of a proxy.
pub(crate) const PROXY_ERROR: &str = "a page of a proxy";

/// The script of a deployment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// `DescribeExecution`'s responses, the newest run first.
    pub(crate) runs: Vec<Value>,
    /// The summaries of `ListModelInvocationJobs`.
    pub(crate) jobs: Vec<Value>,
    /// Whether Bedrock is still stopping the jobs when a stopped run is looked at.
    pub(crate) stops_slowly: bool,
    /// Why a slice of each run failed.
    pub(crate) slice_failure: Option<(&'static str, &'static str)>,
    /// Parameters of the stack, beside the bucket and the model.
    pub(crate) parameters: Vec<(&'static str, &'static str)>,
    /// The number of looks at a run after which it succeeds.
    pub(crate) succeeds_after: Option<usize>,
    /// What has happened so far.
    pub(crate) so_far: Arc<SoFar>,
    /// The operation that is refused, with the code of the refusal.
    pub(crate) refused: Option<(&'static str, &'static str)>,
}

/// What has happened to a deployment.
#[derive(Debug, Default)]
pub(crate) struct SoFar {
    looks: AtomicUsize,
    is_stopped: AtomicBool,
    /// The run that was started, as `DescribeExecution` says it.
    started: Mutex<Option<Value>>,
}

pub(crate) struct Deployed {
    folder: TempDir,
    s3: LocalS3,
    pub(crate) aws: FakeAws,
}

impl Deployed {
    pub(crate) fn new(script: Script) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("s3");
        fs::create_dir(&data).expect("a folder");
        let s3 = LocalS3::start(&data).expect("an S3 server");
        s3.create_bucket(BUCKET).expect("a bucket");
        let aws = FakeAws::start(move |request| answer(&script, request));
        Self { folder, s3, aws }
    }

    /// Returns a path in the folder in which commands run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts an object into the bucket.
    pub(crate) fn put(&self, at: &S3Uri, content: impl AsRef<[u8]>) {
        let file = self.path("s3").join(at.bucket()).join(at.key());
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("an object");
    }

    pub(crate) fn put_document(&self, at: &S3Uri, document: &impl Serialize) {
        self.put(at, serde_json::to_vec(document).expect("JSON"));
    }

    /// Returns the keys of all objects in the bucket, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let bucket = self.path("s3").join(BUCKET);
        let mut folders = vec![bucket.clone()];
        let mut keys = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let key = path.strip_prefix(&bucket).expect("in the bucket");
                    keys.push(key.to_string_lossy().into_owned());
                }
            }
        }
        keys.sort();
        keys
    }

    /// Writes a file into the folder in which commands run.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("a file");
    }

    /// Returns a command with arguments separated by spaces, without credentials.
    pub(crate) fn command_without_credentials(&self, arguments: &str) -> Command {
        let mut command = quarry_without_credentials(self.folder.path(), self.aws.endpoint());
        command
            .args(arguments.split_whitespace())
            .env("AWS_ENDPOINT_URL_S3", self.s3.endpoint())
            .env("QUARRY_STACK", "quarry")
            .env("QUARRY_S3_PATH_STYLE", "true");
        command
    }

    /// Returns a command with arguments separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.command_without_credentials(arguments);
        let credentials = self.s3.credentials();
        command
            .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
        command
    }

    pub(crate) fn quarry(&self, arguments: &str) -> Ran {
        Ran::of(&self.command(arguments).output().expect("the command runs"))
    }
}

/// Returns a run's folder.
pub(crate) fn folder(run: &str) -> RunFolder {
    RunFolder::new(&S3Uri::new(BUCKET, "runs").expect("a location"), run)
}

/// Returns what `DescribeExecution` says about a run.
pub(crate) fn execution(run: &str, status: ExecutionStatus) -> Value {
    let request = json!({
        "version": VERSION, "data": format!("s3://{BUCKET}/inbox/p/a.csv"), "prompts": format!("s3://{BUCKET}/pipelines/p/"),
        "output": format!("s3://{BUCKET}/results/p/{run}/"), "job_type": "validation",
    });
    let mut described = json!({
        "executionArn": format!("{EXECUTION}:{run}"), "name": run, "status": status, "startDate": BEGAN,
        "input": request.to_string(), "redriveCount": 0, "redriveStatus": "NOT_REDRIVABLE",
    });
    if status.has_ended() {
        described["stopDate"] = json!(BEGAN + 3_600.0);
    }
    described
}

/// Returns what `DescribeExecution` says about a run of 100 rows that succeeded.
pub(crate) fn succeeded(run: &str) -> Value {
    let mut described = execution(run, ExecutionStatus::Succeeded);
    let output = json!({
        "version": VERSION, "done": true, "turn": 1, "run": folder(run).location(),
        "output": format!("s3://{BUCKET}/results/p/{run}/"),
        "summary": format!("s3://{BUCKET}/results/p/{run}/processing_summary.json"), "rows": 100, "failed": 2,
    });
    described["output"] = json!(output.to_string());
    described
}

/// Returns the plan of a run of one CSV file with 100 rows in two slices.
pub(crate) fn plan(run: &str) -> Plan {
    let plan = json!({
        "version": VERSION, "execution": run, "execution_arn": format!("{EXECUTION}:{run}"),
        "started": "2026-11-28T15:58:01.123Z",
        "request": serde_json::from_str::<Value>(execution(run, ExecutionStatus::Running)["input"].as_str().expect("text"))
            .expect("a request"),
        "settings": {"BEDROCK_PRIMARY_MODEL_ID": MODEL}, "prompts": {}, "schema": null, "schema_source": null,
        "tables": [{
            "split": null, "format": "csv", "gzip": false, "files": [], "columns": ["text"], "header": "text", "newline": "lf",
            "rows": 100, "mode": "batch", "first_slice": 0, "slices": 2,
        }],
        "slices": 2, "on_demand_rate": 1.0, "on_demand_workers": 1, "notes": [],
    });
    serde_json::from_value(plan).expect("a plan")
}

/// Returns the name of the job of a slice's first round.
pub(crate) fn job_name(run: &str, slice: u32) -> String {
    let folder = folder(run);
    JobNames::new(&folder, &plan(run).identity()).name(&folder.slice(slice).round(0))
}

/// Returns a live job in the service's list.
pub(crate) fn job(run: &str, slice: u32) -> Value {
    json!({
        "jobArn": format!("arn:aws:bedrock:eu-central-1:123456789012:model-invocation-job/{slice:012}"),
        "jobName": job_name(run, slice), "status": "InProgress", "jobExpirationTime": "2026-11-29T15:59:00Z",
        "totalRecordCount": 50, "processedRecordCount": 20, "errorRecordCount": 1,
    })
}

fn answer(script: &Script, request: &Request) -> Answer {
    let operation = request.operation.as_str();
    if let Some((refused, code)) = script.refused
        && refused == operation
    {
        return refusal(operation, code);
    }
    if operation == "DescribeStacks" {
        return stack(script, request);
    }
    if operation == "ListModelInvocationJobs" {
        let mut jobs = script.jobs.clone();
        if script.so_far.is_stopped.load(Ordering::SeqCst) {
            jobs.retain(|_| script.stops_slowly);
            for job in &mut jobs {
                job["status"] = json!("Stopping");
            }
        }
        return (200, json!({"invocationJobSummaries": jobs}).to_string());
    }
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let named = |arn: &str| {
        let started = script.so_far.started.lock().expect("no panic").clone();
        let mut runs = script.runs.iter().chain(&started);
        let run = runs.find(|run| run["executionArn"] == arn)?;
        Some(as_it_is(script, run))
    };
    match operation {
        "ListExecutions" if body.get("mapRunArn").is_some() => {
            let failed: Vec<Value> = script
                .slice_failure
                .iter()
                .map(|_| child("FAILED", None))
                .collect();
            (200, json!({"executions": failed}).to_string())
        }
        "ListExecutions" => listed(script, &body),
        "StopExecution" => {
            script.so_far.is_stopped.store(true, Ordering::SeqCst);
            (200, json!({"stopDate": BEGAN}).to_string())
        }
        "RedriveExecution" => (200, json!({"redriveDate": BEGAN}).to_string()),
        "StartExecution" => {
            let mut run = execution(
                body["name"].as_str().expect("a name"),
                ExecutionStatus::Running,
            );
            run["input"] = body["input"].clone();
            *script.so_far.started.lock().expect("no panic") = Some(run);
            let started = json!({"executionArn": format!("{EXECUTION}:x"), "startDate": BEGAN});
            (200, started.to_string())
        }
        "ListMapRuns" => {
            let map = "arn:aws:states:eu-central-1:123456789012:mapRun:quarry/Slices:1";
            (200, json!({"mapRuns": [{"mapRunArn": map}]}).to_string())
        }
        "DescribeExecution" => {
            let arn = body["executionArn"].as_str().expect("an ARN");
            let found = if arn.contains("/Slices:") {
                Some(child("FAILED", script.slice_failure))
            } else {
                named(arn)
            };
            match found {
                Some(run) => (200, run.to_string()),
                None => refusal(operation, "ExecutionDoesNotExist"),
            }
        }
        other => panic!("{other} is not scripted: {}", request.head),
    }
}

/// Returns a run after what has happened to it.
fn as_it_is(script: &Script, run: &Value) -> Value {
    let looks = script.so_far.looks.fetch_add(1, Ordering::SeqCst);
    let name = run["name"].as_str().expect("a name");
    if run["status"] != "RUNNING" {
        return run.clone();
    }
    if script.so_far.is_stopped.load(Ordering::SeqCst) {
        return execution(name, ExecutionStatus::Aborted);
    }
    match script.succeeds_after {
        Some(after) if looks >= after => {
            let mut ended = succeeded(name);
            ended["input"] = run["input"].clone();
            ended
        }
        _ => run.clone(),
    }
}

fn child(status: &str, failure: Option<(&str, &str)>) -> Value {
    let mut child = json!({
        "executionArn": "arn:aws:states:eu-central-1:123456789012:execution:quarry/Slices:c", "name": "c", "status": status,
        "startDate": BEGAN, "stopDate": BEGAN + 60.0,
    });
    if let Some((error, cause)) = failure {
        child["error"] = json!(error);
        child["cause"] = json!(cause);
    }
    child
}

/// Returns two runs a page.
fn listed(script: &Script, body: &Value) -> Answer {
    let skip: usize = match body.get("nextToken") {
        Some(token) => token
            .as_str()
            .and_then(|token| token.parse().ok())
            .expect("a token"),
        None => 0,
    };
    let most = body["maxResults"].as_u64().expect("a number");
    let of_status = |run: &&Value| {
        body.get("statusFilter")
            .is_none_or(|status| *status == run["status"])
    };
    let runs: Vec<&Value> = script.runs.iter().filter(of_status).collect();
    let page: Vec<&Value> = runs
        .iter()
        .skip(skip)
        .take(2.min(usize::try_from(most).expect("small")))
        .copied()
        .collect();
    let mut response = json!({"executions": page});
    if skip + page.len() < runs.len() {
        response["nextToken"] = json!((skip + page.len()).to_string());
    }
    (200, response.to_string())
}

fn refusal(operation: &str, code: &str) -> Answer {
    let status = match code {
        "AccessDeniedException" | "AccessDenied" => 403,
        _ => 400,
    };
    if code == PROXY_ERROR {
        return (500, "<html><body>no</body></html>".to_owned());
    }
    let message = format!("{operation} is refused here");
    if operation == "DescribeStacks" {
        let body = format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        return (status, body);
    }
    (
        status,
        json!({"__type": code, "message": message}).to_string(),
    )
}

fn stack(script: &Script, request: &Request) -> Answer {
    if !request.body.contains("StackName=quarry") {
        let body = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error>\
                    </ErrorResponse>";
        return (400, body.to_owned());
    }
    let pairs = |key: &str, value: &str, pairs: &[(&str, &str)]| {
        let member = |(name, of): &(&str, &str)| {
            format!("<member><{key}>{name}</{key}><{value}>{of}</{value}></member>")
        };
        pairs.iter().map(member).collect::<String>()
    };
    let outputs = [
        ("BucketName", BUCKET),
        ("StateMachineArn", MACHINE),
        (
            "BatchRoleArn",
            "arn:aws:iam::123456789012:role/quarry-BatchRole-X",
        ),
    ];
    // A stack of something else.
    let outputs = if request.body.contains("StackName=quarry-other") {
        &outputs[..0]
    } else {
        &outputs[..]
    };
    let mut parameters = vec![("BucketName", BUCKET), ("ModelId", MODEL)];
    parameters.extend(&script.parameters);
    let body = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>quarry</StackName>\
         <StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/quarry/0a1b</StackId>\
         <StackStatus>UPDATE_COMPLETE</StackStatus><Parameters>{}</Parameters><Outputs>{}</Outputs>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        pairs("ParameterKey", "ParameterValue", &parameters),
        pairs("OutputKey", "OutputValue", outputs),
    );
    (200, body)
}
