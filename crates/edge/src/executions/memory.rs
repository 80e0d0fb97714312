//! Executions in memory, for tests: each name can be used once, and nothing runs.

use super::{Cause, ExecutionRecord, ExecutionRecords, Executions, Started, Stopped};
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
    failed_child: Option<Cause>,
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

    /// Sets the result of [`ExecutionRecords::describe`].
    pub fn set_record(&self, record: ExecutionRecord) {
        self.state().record = record;
    }

    /// Sets the result of [`ExecutionRecords::failed_child`].
    pub fn set_failed_child(&self, cause: Cause) {
        self.state().failed_child = Some(cause);
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
    async fn describe(&self, _arn: &str) -> Result<ExecutionRecord, CallError> {
        Ok(self.called()?.record.clone())
    }

    async fn failed_child(&self, _arn: &str) -> Result<Option<Cause>, CallError> {
        Ok(self.called()?.failed_child.clone())
    }
}
