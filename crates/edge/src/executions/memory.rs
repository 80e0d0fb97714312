//! Executions in memory, for tests: each name can be used once, and nothing runs.

use super::{
    Cause, ExecutionPage, ExecutionRecord, ExecutionRecords, Executions, ListedExecution, Started,
    Stopped,
};
use crate::failure::CallError;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The state of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Running,
    /// It ended by itself.
    Ended,
    /// It was stopped, with this error and cause.
    Stopped(Cause),
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryExecution {
    /// Its input.
    pub input: String,
    /// Its state.
    pub standing: Standing,
}

/// [`Executions`] and [`ExecutionRecords`] in memory. Clones share their executions.
#[derive(Debug, Clone, Default)]
pub struct MemoryExecutions {
    state: Arc<Mutex<RecordedExecutions>>,
}

#[derive(Debug, Default)]
struct RecordedExecutions {
    executions: BTreeMap<String, MemoryExecution>,
    failures: Vec<CallError>,
    record: ExecutionRecord,
    records: BTreeMap<String, ExecutionRecord>,
    listed: Vec<ListedExecution>,
    failed_child: Option<Cause>,
    last_function: Option<String>,
}

impl MemoryExecutions {
    fn state(&self) -> MutexGuard<'_, RecordedExecutions> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all executions by name.
    pub fn executions(&self) -> BTreeMap<String, MemoryExecution> {
        self.state().executions.clone()
    }

    /// Ends an execution.
    pub fn end(&self, name: &str) {
        if let Some(execution) = self.state().executions.get_mut(name) {
            execution.standing = Standing::Ended;
        }
    }

    /// Makes the next call fail.
    pub fn fail_next(&self, error: CallError) {
        self.state().failures.push(error);
    }

    /// Sets the result of [`ExecutionRecords::describe`] for one execution.
    pub fn set_record_of(&self, arn: &str, record: ExecutionRecord) {
        self.state().records.insert(arn.to_owned(), record);
    }

    /// Sets the executions that [`ExecutionRecords::page`] returns, each on a page of its own.
    pub fn set_listed(&self, listed: Vec<ListedExecution>) {
        self.state().listed = listed;
    }

    /// Sets the result of [`ExecutionRecords::describe`].
    pub fn set_record(&self, record: ExecutionRecord) {
        self.state().record = record;
    }

    /// Sets the result of [`ExecutionRecords::failed_child`].
    pub fn set_failed_child(&self, cause: Cause) {
        self.state().failed_child = Some(cause);
    }

    /// Sets the result of [`ExecutionRecords::last_function`].
    pub fn set_last_function(&self, name: &str) {
        self.state().last_function = Some(name.to_owned());
    }

    fn called(&self) -> Result<MutexGuard<'_, RecordedExecutions>, CallError> {
        let mut state = self.state();
        match state.failures.pop() {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

#[async_trait]
impl Executions for MemoryExecutions {
    async fn start(&self, name: &str, input: &str) -> Result<Started, CallError> {
        let mut state = self.called()?;
        if let Some(there) = state.executions.get(name) {
            let same = there.standing == Standing::Running && there.input == input;
            return Ok(if same {
                Started::Running
            } else {
                Started::AlreadyRan
            });
        }
        let execution = MemoryExecution {
            input: input.to_owned(),
            standing: Standing::Running,
        };
        state.executions.insert(name.to_owned(), execution);
        Ok(Started::Running)
    }

    async fn stop(&self, name: &str, error: &str, cause: &str) -> Result<Stopped, CallError> {
        let mut state = self.called()?;
        let Some(execution) = state.executions.get_mut(name) else {
            return Ok(Stopped::NoSuchExecution);
        };
        if execution.standing == Standing::Running {
            execution.standing = Standing::Stopped(Cause {
                error: error.to_owned(),
                cause: cause.to_owned(),
            });
        }
        Ok(Stopped::Stopping)
    }
}

#[async_trait]
impl ExecutionRecords for MemoryExecutions {
    async fn describe(&self, arn: &str) -> Result<ExecutionRecord, CallError> {
        let state = self.called()?;
        Ok(state.records.get(arn).unwrap_or(&state.record).clone())
    }

    async fn failed_child(&self, _arn: &str) -> Result<Option<Cause>, CallError> {
        Ok(self.called()?.failed_child.clone())
    }

    async fn last_function(&self, _arn: &str) -> Result<Option<String>, CallError> {
        Ok(self.called()?.last_function.clone())
    }

    async fn page(&self, _machine: &str, token: Option<&str>) -> Result<ExecutionPage, CallError> {
        let state = self.called()?;
        let at: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
        let more = at + 1 < state.listed.len();
        Ok(ExecutionPage {
            executions: state.listed.get(at).cloned().into_iter().collect(),
            next: more.then(|| (at + 1).to_string()),
        })
    }
}
