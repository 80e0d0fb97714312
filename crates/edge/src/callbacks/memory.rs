//! Callback steps in memory, for tests: each step accepts one result.

use super::{CallbackOutcome, FailureReason, PipelineCallbacks, StepOutput};
use crate::failure::CallError;
use async_trait::async_trait;
use quarry_contract::callback::CallbackToken;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAnswer {
    /// It succeeded, with these outputs.
    Succeeded(Vec<StepOutput>),
    /// It failed.
    Failed(FailureReason),
}

/// [`PipelineCallbacks`] in memory. Clones share their results.
#[derive(Debug, Clone, Default)]
pub struct MemoryCallbacks {
    state: Arc<Mutex<RecordedAnswers>>,
}

#[derive(Debug, Default)]
struct RecordedAnswers {
    answers: BTreeMap<String, StepAnswer>,
    failures: Vec<CallError>,
}

impl MemoryCallbacks {
    fn state(&self) -> MutexGuard<'_, RecordedAnswers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all results by token.
    pub fn answers(&self) -> BTreeMap<String, StepAnswer> {
        self.state().answers.clone()
    }

    /// Makes the next call fail.
    pub fn fail_next(&self, error: CallError) {
        self.state().failures.push(error);
    }

    fn answer(
        &self,
        token: &CallbackToken,
        answer: StepAnswer,
    ) -> Result<CallbackOutcome, CallError> {
        let mut state = self.state();
        if let Some(error) = state.failures.pop() {
            return Err(error);
        }
        if state.answers.contains_key(token.as_str()) {
            return Ok(CallbackOutcome::Before);
        }
        state.answers.insert(token.to_string(), answer);
        Ok(CallbackOutcome::Now)
    }
}

#[async_trait]
impl PipelineCallbacks for MemoryCallbacks {
    async fn succeed(
        &self,
        token: &CallbackToken,
        outputs: &[StepOutput],
    ) -> Result<CallbackOutcome, CallError> {
        self.answer(token, StepAnswer::Succeeded(outputs.to_vec()))
    }

    async fn fail(
        &self,
        token: &CallbackToken,
        reason: &FailureReason,
    ) -> Result<CallbackOutcome, CallError> {
        self.answer(token, StepAnswer::Failed(reason.clone()))
    }
}
