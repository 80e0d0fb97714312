//! Callback steps of pipelines.

use super::step_functions::call_error;
use super::{Fated, OutsideOperation};
use crate::callbacks::{CallbackOutcome, FailureReason, PipelineCallbacks, StepOutput};
use crate::failure::CallError;
use async_trait::async_trait;
use quarry_contract::callback::CallbackToken;

#[async_trait]
impl PipelineCallbacks for Fated<dyn PipelineCallbacks> {
    async fn succeed(
        &self,
        token: &CallbackToken,
        outputs: &[StepOutput],
    ) -> Result<CallbackOutcome, CallError> {
        let (operation, call) = (
            OutsideOperation::SendCallback,
            self.inner.succeed(token, outputs),
        );
        self.call(operation, token.to_string(), call, call_error, || None)
            .await
    }

    async fn fail(
        &self,
        token: &CallbackToken,
        reason: &FailureReason,
    ) -> Result<CallbackOutcome, CallError> {
        let (operation, call) = (
            OutsideOperation::SendCallback,
            self.inner.fail(token, reason),
        );
        self.call(operation, token.to_string(), call, call_error, || None)
            .await
    }
}
