//! Sending results to Callback steps of SageMaker pipelines.
//!
//! Only two operations of a large API are needed, so the calls are made by [`crate::signed`].

#[cfg(feature = "testing")]
pub mod memory;

use crate::error::StepError;
use crate::failure::{CallError, Failure, Kind};
use crate::signed::{JSON_1_1, SignedCalls, SignedService, address};
use async_trait::async_trait;
use aws_config::SdkConfig;
use quarry_contract::callback::CallbackToken;
use serde_json::{Value, json};

/// The most outputs of a step (`SendPipelineExecutionStepSuccess`, `OutputParameters`).
pub const MAX_OUTPUTS: usize = 50;
/// The longest name of an output, characters (`OutputParameter`, `Name`).
pub const MAX_OUTPUT_NAME: usize = 256;
/// The longest value of an output, characters (`OutputParameter`, `Value`).
pub const MAX_OUTPUT_VALUE: usize = 1_024;
/// The longest reason of a failure, characters (`SendPipelineExecutionStepFailure`,
/// `FailureReason`).
pub const MAX_REASON: usize = 256;

/// An output of a step: a name and a text that the service accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutput {
    name: String,
    value: String,
}

impl StepOutput {
    /// Creates an output; `None` if the name or the value is too long for the service.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Option<Self> {
        let (name, value) = (name.into(), value.into());
        let fits =
            name.chars().count() <= MAX_OUTPUT_NAME && value.chars().count() <= MAX_OUTPUT_VALUE;
        fits.then_some(Self { name, value })
    }

    /// Returns the output's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the output's value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Why a step failed, in one line that the service accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReason(String);

impl FailureReason {
    /// Puts the text on one line and cuts it to [`MAX_REASON`] characters.
    pub fn new(text: &str) -> Self {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= MAX_REASON {
            return Self(line);
        }
        let mut cut: String = line.chars().take(MAX_REASON - 1).collect();
        cut.push('…');
        Self(cut)
    }

    /// Returns the reason.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// The step has this result.
    Now,
    /// The step had its result already, or no longer exists.
    Before,
}

/// Sends results to Callback steps.
#[async_trait]
pub trait PipelineCallbacks: Send + Sync {
    /// Reports that the step succeeded, with at most [`MAX_OUTPUTS`] outputs.
    async fn succeed(
        &self,
        token: &CallbackToken,
        outputs: &[StepOutput],
    ) -> Result<CallbackOutcome, CallError>;
    /// Reports that the step failed.
    async fn fail(
        &self,
        token: &CallbackToken,
        reason: &FailureReason,
    ) -> Result<CallbackOutcome, CallError>;
}

/// [`PipelineCallbacks`] of SageMaker in the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct SageMakerCallbacks(SignedCalls);

impl SageMakerCallbacks {
    /// Sends results in the configuration's Region. `endpoint` replaces the service's own address:
    /// the value of `AWS_ENDPOINT_URL_SAGEMAKER`.
    pub fn new(config: &SdkConfig, endpoint: Option<String>) -> Result<Self, StepError> {
        let service = SignedService {
            name: "SageMaker",
            signing_name: "sagemaker",
            protocol: JSON_1_1,
        };
        let calls = SignedCalls::new(config, service, endpoint, |region| {
            address("api.sagemaker", region)
        })?;
        Ok(Self(calls))
    }

    async fn call(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<CallbackOutcome, CallError> {
        let target = [("x-amz-target", format!("SageMaker.{operation}"))];
        match self.0.post(operation, &target, input.to_string()).await {
            Ok(_) => Ok(CallbackOutcome::Now),
            Err(failure) => already_answered(failure),
        }
    }
}

#[async_trait]
impl PipelineCallbacks for SageMakerCallbacks {
    async fn succeed(
        &self,
        token: &CallbackToken,
        outputs: &[StepOutput],
    ) -> Result<CallbackOutcome, CallError> {
        let outputs: Vec<Value> = outputs
            .iter()
            .map(|output| json!({"Name": output.name, "Value": output.value}))
            .collect();
        let input = json!({
            "CallbackToken": token,
            "OutputParameters": outputs,
            "ClientRequestToken": token.request_token("success"),
        });
        self.call("SendPipelineExecutionStepSuccess", &input).await
    }

    async fn fail(
        &self,
        token: &CallbackToken,
        reason: &FailureReason,
    ) -> Result<CallbackOutcome, CallError> {
        let input = json!({
            "CallbackToken": token,
            "FailureReason": reason.0,
            "ClientRequestToken": token.request_token("failure"),
        });
        self.call("SendPipelineExecutionStepFailure", &input).await
    }
}

/// Returns [`CallbackOutcome::Before`] if the step had its result already, since a step accepts only
/// one. The service's documentation names a conflict and a missing resource; the error for a step
/// that has ended meanwhile says so only in its message.
fn already_answered(failure: Failure) -> Result<CallbackOutcome, CallError> {
    let answered = match failure.kind {
        Kind::Conflict | Kind::NotFound => true,
        Kind::Invalid => failure.message.to_lowercase().contains("already"),
        _ => false,
    };
    if answered {
        tracing::info!(answer = %failure, "the pipeline's step already has a result");
        return Ok(CallbackOutcome::Before);
    }
    Err(failure.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_at_most_256_characters() {
        let reason = FailureReason::new("no\n such   column");
        assert_eq!(reason.as_str(), "no such column");
        let reason = FailureReason::new(&"ä".repeat(300));
        assert_eq!(reason.as_str().chars().count(), MAX_REASON);
        assert!(reason.as_str().ends_with('…'));
        let whole = "ä".repeat(MAX_REASON);
        assert_eq!(FailureReason::new(&whole).as_str(), whole);
    }

    #[test]
    fn an_output_that_is_too_long_is_left_out() {
        assert!(StepOutput::new("n", "ä".repeat(MAX_OUTPUT_VALUE)).is_some());
        assert_eq!(StepOutput::new("n", "v".repeat(MAX_OUTPUT_VALUE + 1)), None);
        assert_eq!(StepOutput::new("n".repeat(MAX_OUTPUT_NAME + 1), "v"), None);
    }
}
