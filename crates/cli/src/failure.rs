//! How the command fails: a message and an exit code by kind.

use quarry_local_stack::RunError;
use std::fmt;
use std::process::ExitCode;

/// What the shell sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The command line is wrong.
    Usage,
    /// The data, prompts, schema, settings or places are not usable.
    Input,
    /// The run failed, or AWS did not answer.
    Run,
    /// A check found errors.
    Findings,
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

    /// The input is not usable: exit code 3.
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

    /// 2 usage, 3 bad input, 4 run failed, 5 a check found errors.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Usage => 2,
            Kind::Input => 3,
            Kind::Run => 4,
            Kind::Findings => 5,
        })
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
