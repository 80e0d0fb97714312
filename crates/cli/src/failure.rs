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
    /// The user did not agree to what was asked.
    Declined,
    /// A check found errors.
    Findings,
    /// The run that the command is about has not ended.
    NotYet,
    /// A signal ended the command.
    Interrupted(u8),
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    /// Whether the output so far already says it.
    is_shown: bool,
}

impl Failure {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            is_shown: false,
        }
    }

    /// The command line is wrong: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The input is not valid: exit code 3.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// A check found errors, which it has printed: exit code 5.
    pub(crate) fn findings(message: impl Into<String>) -> Self {
        Self::new(Kind::Findings, message).shown()
    }

    /// The user did not agree: exit code 1.
    pub(crate) fn declined(message: impl Into<String>) -> Self {
        Self::new(Kind::Declined, message)
    }

    /// The run has not ended: exit code 6.
    pub(crate) fn not_yet(message: impl Into<String>) -> Self {
        Self::new(Kind::NotYet, message)
    }

    /// Says that the output so far already has the reason, for programs too.
    pub(crate) fn shown(self) -> Self {
        Self {
            is_shown: true,
            ..self
        }
    }

    /// The run failed: exit code 4.
    pub(crate) fn run(message: impl Into<String>) -> Self {
        Self::new(Kind::Run, message)
    }

    /// The signal with this name and number ended the command: exit code 128 plus the number, as in
    /// shells.
    pub(crate) fn interrupted(name: &str, number: u8) -> Self {
        let message = format!("stopped by {name}; no result was written");
        Self::new(Kind::Interrupted(number), message)
    }

    /// Replaces the message if a signal ended the command.
    pub(crate) fn if_interrupted(self, message: &str) -> Self {
        match self.kind {
            Kind::Interrupted(_) => Self {
                message: message.to_owned(),
                ..self
            },
            _ => self,
        }
    }

    /// Returns 1 for a question that was declined, 2 for usage, 3 for bad input, 4 for a failed run, 5
    /// for a check with errors, 6 for a run that has not ended, and 128 and more for a signal.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self.kind {
            Kind::Declined => 1,
            Kind::Usage => 2,
            Kind::Input => 3,
            Kind::Run => 4,
            Kind::Findings => 5,
            Kind::NotYet => 6,
            Kind::Interrupted(signal) => 128 + signal,
        }
    }

    /// Returns the failure for programs; `None` if the output so far already says it.
    pub(crate) fn json(&self) -> Option<Value> {
        if self.is_shown {
            return None;
        }
        let kind = match self.kind {
            Kind::Usage => "usage",
            Kind::Input => "input",
            Kind::Run => "run",
            Kind::Declined => "declined",
            Kind::Findings => "findings",
            Kind::NotYet => "not_yet",
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
