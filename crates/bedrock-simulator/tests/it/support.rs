//! A world with a simulator, an S3 server and a clock that the test advances.

use aws_config::SdkConfig;
use quarry_bedrock_simulator::{Running, Simulator, SimulatorConfig, Status};
use quarry_contract::location::S3Uri;
use quarry_edge::bedrock::{BedrockJobs, BedrockOnDemand};
use quarry_edge::jobs::{BatchJobs, Job, NewJob};
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use quarry_local_s3::LocalS3;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub(crate) const NOVA: &str = "amazon.nova-lite-v1:0";

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600;

pub(crate) struct World {
    pub(crate) simulator: Running,
    pub(crate) jobs: BedrockJobs,
    pub(crate) on_demand: BedrockOnDemand,
    /// The service's own clients, for everything that the adapters do not show.
    pub(crate) client: aws_sdk_bedrock::Client,
    pub(crate) runtime: aws_sdk_bedrockruntime::Client,
    /// The configuration of further clients.
    pub(crate) sdk: SdkConfig,
    pub(crate) s3: aws_sdk_s3::Client,
    seconds: Arc<AtomicU64>,
    _server: LocalS3,
    _folder: TempDir,
}

async fn sdk_config(endpoint: String, credentials: Credentials, attempts: u32) -> SdkConfig {
    sdk::load(SdkOptions {
        endpoint_url: Some(endpoint),
        region: Some("us-east-1".into()),
        credentials: Some(credentials),
        max_attempts: Some(attempts),
    })
    .await
}

async fn s3_client(server: &LocalS3) -> aws_sdk_s3::Client {
    server.create_bucket("bucket").unwrap();
    let keys = server.credentials();
    let config = sdk_config(
        server.endpoint(),
        Credentials::new(
            &keys.access_key_id,
            &keys.secret_access_key,
            None,
            None,
            "test",
        ),
        3,
    )
    .await;
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

impl World {
    /// A world that allows small jobs, changed by `change`.
    pub(crate) async fn new(change: impl FnOnce(&mut SimulatorConfig)) -> Self {
        Self::with_attempts(1, change).await
    }

    /// The same, with clients that attempt a call this often.
    pub(crate) async fn with_attempts(
        attempts: u32,
        change: impl FnOnce(&mut SimulatorConfig),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let server = LocalS3::start(folder.path()).unwrap();
        let s3 = s3_client(&server).await;
        let seconds = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&seconds);
        let now = Arc::new(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
        let mut config = SimulatorConfig::new(s3.clone(), now);
        config.limits.min_records_per_job = 1;
        change(&mut config);
        let simulator = Simulator::start(config).await.unwrap();
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let sdk = sdk_config(simulator.endpoint(), credentials, attempts).await;
        Self {
            jobs: BedrockJobs::new(&sdk).unwrap(),
            on_demand: BedrockOnDemand::new(&sdk),
            client: aws_sdk_bedrock::Client::new(&sdk),
            runtime: aws_sdk_bedrockruntime::Client::new(&sdk),
            sdk,
            simulator,
            s3,
            seconds,
            _server: server,
            _folder: folder,
        }
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.seconds.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    pub(crate) async fn put(&self, key: &str, text: impl Into<String>) {
        self.s3
            .put_object()
            .bucket("bucket")
            .key(key)
            .body(text.into().into_bytes().into())
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn read(&self, key: &str) -> Option<String> {
        let object = self.s3.get_object().bucket("bucket").key(key).send().await;
        let bytes = object.ok()?.body.collect().await.unwrap().into_bytes();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self
            .s3
            .list_objects_v2()
            .bucket("bucket")
            .prefix(prefix)
            .send()
            .await
            .unwrap();
        listed
            .contents
            .unwrap_or_default()
            .into_iter()
            .filter_map(|object| object.key)
            .collect()
    }

    /// Puts the input `in/<name>.jsonl` and creates the job `<name>` for it.
    pub(crate) async fn start(&self, name: &str, input: impl Into<String>) -> String {
        self.put(&format!("in/{name}.jsonl"), input).await;
        self.jobs.create(&new_job(name)).await.unwrap()
    }

    /// Reads the job until it ends, advancing the clock by an hour each time.
    pub(crate) async fn end(&self, arn: &str) -> Job {
        for _ in 0..200 {
            let job = self.jobs.get(arn).await.unwrap();
            if job.status.is_terminal() {
                return job;
            }
            self.wait(Duration::from_hours(1));
        }
        panic!("the job did not end");
    }

    /// Returns the raw output lines of the job `<name>`.
    pub(crate) async fn lines(&self, name: &str, arn: &str) -> Vec<String> {
        let key = format!("out/{}/{name}.jsonl.out", id_of(arn));
        let text = self.read(&key).await.unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Runs a whole job. Returns its end and its raw output lines.
    pub(crate) async fn run(&self, name: &str, input: impl Into<String>) -> (Job, Vec<String>) {
        let arn = self.start(name, input).await;
        let job = self.end(&arn).await;
        let lines = self.lines(name, &arn).await;
        (job, lines)
    }

    pub(crate) async fn manifest(&self, arn: &str) -> Value {
        let key = format!("out/{}/manifest.json.out", id_of(arn));
        serde_json::from_str(&self.read(&key).await.unwrap()).unwrap()
    }
}

pub(crate) fn id_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap()
}

pub(crate) fn uri(text: &str) -> S3Uri {
    text.parse().unwrap()
}

pub(crate) fn new_job(name: &str) -> NewJob {
    NewJob {
        name: name.into(),
        token: format!("token-{name}"),
        role_arn: "arn:aws:iam::123456789012:role/batch".into(),
        model_id: SONNET.into(),
        input: uri(&format!("s3://bucket/in/{name}.jsonl")),
        output: uri("s3://bucket/out/"),
        output_kms_key: None,
        timeout_hours: 24,
        converse: false,
        tags: vec![("run".into(), "r 1".into())],
    }
}

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": ["bird", "bat", "deer"]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "reason": {"type": "string", "minLength": 20}
        },
        "required": ["category", "confidence", "reason"]
    })
}

pub(crate) fn prompt(number: usize) -> String {
    format!("What struck the aircraft in report {number}?")
}

/// Returns a body that forces a tool.
pub(crate) fn tool_body(prompt: &str) -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": prompt}],
        "tools": [{"name": "structured_response", "input_schema": schema()}],
        "tool_choice": {"type": "tool", "name": "structured_response"}
    })
}

/// Returns a body that begins the answer.
pub(crate) fn prefill_body(prompt: &str) -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1000,
        "messages": [
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": "{"}
        ]
    })
}

/// Returns `count` records `record_0`, … with the bodies that `body` makes from their prompts.
pub(crate) fn input(count: usize, body: impl Fn(&str) -> Value) -> String {
    let line = |number: usize| {
        let record = json!({
            "recordId": format!("record_{number}"),
            "modelInput": body(&prompt(number)),
        });
        format!("{record}\n")
    };
    (0..count).map(line).collect()
}

/// Returns the output lines that are JSON and have this record id.
pub(crate) fn of_record(lines: &[String], number: usize) -> Vec<Value> {
    let id = format!("record_{number}");
    lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["recordId"] == id.as_str())
        .collect()
}

pub(crate) fn status(job: &Job) -> Status {
    serde_json::from_value(json!(job.status.as_str())).unwrap()
}
