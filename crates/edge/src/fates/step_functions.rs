//! Executions of the state machine.

use super::{Fated, InjectedError, OutsideOperation};
use crate::executions::{
    Cause, ExecutionPage, ExecutionRecord, ExecutionRecords, Executions, Started, Stopped,
};
use crate::failure::CallError;
use async_trait::async_trait;

pub(super) fn call_error(error: InjectedError) -> CallError {
    let source = "injected".into();
    match error {
        InjectedError::Throttled | InjectedError::Quota => CallError::Throttled(source),
        InjectedError::AccessDenied => CallError::AccessDenied(source),
        InjectedError::Conflict => CallError::Refused(source),
        InjectedError::Unavailable => CallError::Unavailable(source),
    }
}

#[async_trait]
impl Executions for Fated<dyn Executions> {
    async fn start(&self, name: &str, input: &str) -> Result<Started, CallError> {
        let (operation, call) = (
            OutsideOperation::StartExecution,
            self.inner.start(name, input),
        );
        self.call(operation, name.to_owned(), call, call_error, || None)
            .await
    }

    async fn stop(&self, name: &str, error: &str, cause: &str) -> Result<Stopped, CallError> {
        let (operation, call) = (
            OutsideOperation::StopExecution,
            self.inner.stop(name, error, cause),
        );
        self.call(operation, name.to_owned(), call, call_error, || None)
            .await
    }
}

#[async_trait]
impl ExecutionRecords for Fated<dyn ExecutionRecords> {
    async fn describe(&self, arn: &str) -> Result<ExecutionRecord, CallError> {
        let (operation, call) = (
            OutsideOperation::DescribeExecution,
            self.inner.describe(arn),
        );
        self.call(operation, arn.to_owned(), call, call_error, || None)
            .await
    }

    async fn failed_child(&self, arn: &str) -> Result<Option<Cause>, CallError> {
        let (operation, call) = (
            OutsideOperation::FindFailedChild,
            self.inner.failed_child(arn),
        );
        let unseen = || Some(Ok(None));
        self.call(operation, arn.to_owned(), call, call_error, unseen)
            .await
    }

    async fn last_function(&self, arn: &str) -> Result<Option<String>, CallError> {
        let (operation, call) = (OutsideOperation::ReadHistory, self.inner.last_function(arn));
        self.call(operation, arn.to_owned(), call, call_error, || None)
            .await
    }

    async fn page(&self, machine: &str, token: Option<&str>) -> Result<ExecutionPage, CallError> {
        let (operation, call) = (
            OutsideOperation::ListExecutions,
            self.inner.page(machine, token),
        );
        let unseen = || Some(Ok(ExecutionPage::default()));
        self.call(operation, machine.to_owned(), call, call_error, unseen)
            .await
    }
}
