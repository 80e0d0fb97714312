//! Promise: every line that is written during a call names the call's subject, and no line of other
//! crates shows what they send.

use crate::metrics::read;
use crate::run;
use quarry_contract::payload::SliceState;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::metrics::EmbeddedMetrics;
use quarry_edge::telemetry::{About, Call, observe, subscriber};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::level_filters::LevelFilter;

#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Out {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }
}

/// Tests run one at a time, because the process remembers which lines are wanted.
static SUBSCRIBING: Mutex<()> = Mutex::new(());

/// Returns the lines of a call that works and then fails, and its metrics.
fn call(level: LevelFilter, error: StepError) -> (Vec<Value>, Vec<(String, f64)>) {
    let _alone = SUBSCRIBING.lock().unwrap_or_else(PoisonError::into_inner);
    let state: SliceState = serde_json::from_value(json!({
        "version": 1, "run": "s3://bucket/runs/gulls-1", "slice": 3, "round": 1, "next": "wait",
        "job": {"arn": "arn:aws:bedrock:eu-central-1:111122223333:model-invocation-job/abc", "name": "j"},
    }))
    .unwrap();
    let (logs, printed) = (Out::default(), Out::default());
    let lines = logs.clone();
    let metrics = EmbeddedMetrics::new("my-stack".to_owned(), "check", printed.clone());
    let call = Call {
        function: "check",
        request_id: "11111111-2222-3333-4444-555555555555",
        subject: state.subject(),
    };
    let work = async move {
        tracing::info!(target: "quarry_check", "working");
        tracing::trace!(target: "quarry_check", "in detail");
        tracing::debug!(target: "aws_smithy_runtime", "a request with its body");
        tracing::warn!(target: "aws_smithy_runtime", "a call is repeated");
        tokio::task::yield_now().await;
        Err::<(), _>(error)
    };
    let result =
        tracing::subscriber::with_default(subscriber(level, move || lines.clone()), || {
            run(observe(call, &metrics, work))
        });
    assert!(result.is_err());
    let values = printed.lines().iter().flat_map(read).collect::<Vec<_>>();
    (
        logs.lines(),
        values
            .into_iter()
            .map(|(name, value, _)| (name, value))
            .collect(),
    )
}

fn throttled() -> StepError {
    StepError::new(StepErrorKind::Throttled, "reading the job")
}

#[test]
fn every_line_of_a_call_names_its_subject() {
    let (lines, _) = call(LevelFilter::TRACE, throttled());
    let messages: Vec<&str> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages,
        ["working", "in detail", "a call is repeated", "failed"]
    );
    for line in &lines {
        let span = &line["span"];
        assert_eq!(span["function"], "check");
        assert_eq!(span["request_id"], "11111111-2222-3333-4444-555555555555");
        assert_eq!(span["run"], "gulls-1");
        assert_eq!((&span["slice"], &span["round"]), (&json!(3), &json!(1)));
        assert!(span["job"].as_str().unwrap().ends_with("/abc"));
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    }
    let failed = lines.last().unwrap();
    assert_eq!(failed["level"], "ERROR");
    assert_eq!(failed["error_type"], "Quarry.Throttled");
}

#[test]
fn the_level_holds_for_this_projects_crates_and_others_stay_at_warnings() {
    for (level, expected) in [
        (LevelFilter::ERROR, vec!["failed"]),
        (LevelFilter::WARN, vec!["a call is repeated", "failed"]),
        (
            LevelFilter::INFO,
            vec!["working", "a call is repeated", "failed"],
        ),
    ] {
        let (lines, _) = call(level, throttled());
        let messages: Vec<&str> = lines
            .iter()
            .map(|line| line["message"].as_str().unwrap())
            .collect();
        assert_eq!(messages, expected, "{level}");
        assert_eq!(lines.last().unwrap()["span"]["run"], "gulls-1", "{level}");
    }
}

#[test]
fn a_failed_call_is_counted_and_a_throttled_one_separately() {
    let (_, values) = call(LevelFilter::OFF, throttled());
    let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["FunctionMilliseconds", "FunctionErrors", "Throttles"]
    );
    let full = StepError::new(StepErrorKind::QuotaExceeded, "creating a job");
    let (_, values) = call(LevelFilter::OFF, full);
    assert_eq!(values[2], ("QuotaWaits".to_owned(), 1.0));
    let (_, values) = call(LevelFilter::OFF, StepError::bad_request("no"));
    assert_eq!(values.len(), 2);
    assert_eq!(values[1], ("FunctionErrors".to_owned(), 1.0));
}
