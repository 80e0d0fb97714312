//! The command's failures: a message and an exit code for each kind.

use quarry_local_stack::RunError;
use serde_json::{Value, json};
use std::fmt;
use std::process::ExitCode;

/// The kind of failure, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The command line is wrong.
    Usage,
    /// The data, prompts, schema, settings or locations are not valid.
    Input,
    /// The run failed, or AWS did not respond.
    Run,
    /// A check found errors.
    Findings,
    /// A signal ended the command.
    Interrupted(u8),
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

impl Failure {
    /// The command line is wrong: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            message: message.into(),
        }
    }

    /// The input is not valid: exit code 3.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Input,
            message: message.into(),
        }
    }

    /// A check found errors, which it has printed: exit code 5.
    pub(crate) fn findings(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Findings,
            message: message.into(),
        }
    }

    /// The run failed: exit code 4.
    pub(crate) fn run(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Run,
            message: message.into(),
        }
    }

    /// The signal with this name and number ended the command: exit code 128 plus the number, as in
    /// shells.
    pub(crate) fn interrupted(name: &str, number: u8) -> Self {
        Self {
            kind: Kind::Interrupted(number),
            message: format!("stopped by {name}; no result was written"),
        }
    }

    /// Returns 2 for usage, 3 for bad input, 4 for a failed run, 5 for a check with errors, and 128
    /// and more for a signal.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Input => 3,
            Kind::Run => 4,
            Kind::Findings => 5,
            Kind::Interrupted(signal) => 128 + signal,
        }
    }

    /// Returns the failure for programs; `None` if the output so far already says it.
    pub(crate) fn json(&self) -> Option<Value> {
        let kind = match self.kind {
            Kind::Usage => "usage",
            Kind::Input => "input",
            Kind::Run => "run",
            Kind::Findings => return None,
            Kind::Interrupted(_) => "interrupted",
        };
        Some(json!({
            "error": {"kind": kind, "message": self.message, "exit_code": self.code()}
        }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error.error.as_str() {
            "Quarry.BadRequest" => Self::input(error.cause),
            _ => Self::run(error.to_string()),
        }
    }
}
