//! Which execution a run's folder belongs to. A folder is named after its execution, and two
//! executions can have the same name: in two deployments, or after Step Functions has forgotten the
//! first.

use serde::{Deserialize, Serialize};

/// The execution that owns a run's folder: `run.json`.
///
/// Unknown members are ignored. So a plan can be read as this document too, for a folder that has
/// no `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The execution's ARN; missing if the state machine does not pass it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// When the execution started, RFC 3339.
    pub started: String,
}

impl RunIdentity {
    /// Whether both can be the same execution.
    pub fn is_same(&self, other: &Self) -> bool {
        let arns = self
            .execution_arn
            .as_ref()
            .zip(other.execution_arn.as_ref());
        self.started == other.started && arns.is_none_or(|(one, two)| one == two)
    }
}
