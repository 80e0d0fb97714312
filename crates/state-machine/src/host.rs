//! What a state machine needs from its surroundings: functions to call and objects to read.

use async_trait::async_trait;
use serde_json::Value;
use std::time::Duration;

/// The functions and objects that a machine reaches.
///
/// On a jumping clock, time stands still during both calls, so neither may wait on that clock: the
/// wait would never end. [`Host::duration`] says how long a call takes on the clock. A call that
/// the machine no longer waits for (the execution was stopped, or another child failed) is dropped
/// at its next `await`.
#[async_trait]
pub trait Host: Send + Sync {
    /// Calls the function with the name that the definition gives.
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError>;

    /// Reads a whole object.
    async fn get_object(&self, bucket: &str, key: &str) -> Result<Vec<u8>, FunctionError>;

    /// Returns how long a call of the function takes on the clock. A call that takes longer than
    /// the state's `TimeoutSeconds` has its effects, and then the state times out.
    fn duration(&self, function: &str, payload: &Value) -> Duration {
        let _ = (function, payload);
        Duration::ZERO
    }
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// The error's name, on which `Retry` matches. Names that begin with `Lambda.` are
    /// errors of the Lambda service itself (`Lambda.TooManyRequestsException`).
    pub error_type: String,
    /// The error's message.
    pub message: String,
}

impl FunctionError {
    /// Creates an error with this name and message.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.into(),
            message: message.into(),
        }
    }

    /// Returns the error's `Cause`: the function's error response as JSON text, or the plain
    /// message if the service itself failed.
    pub(crate) fn cause(&self) -> String {
        if self.error_type.starts_with("Lambda.") {
            return self.message.clone();
        }
        serde_json::json!({"errorMessage": self.message, "errorType": self.error_type}).to_string()
    }
}
