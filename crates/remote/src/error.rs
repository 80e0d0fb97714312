//! The errors of working with a deployment.

use quarry_account::AccountError;
use quarry_contract::location::S3Uri;
use quarry_edge::error::{AwsError, StepError, StepErrorKind};
use quarry_edge::failure::{CallError, Failure, chain, failed_call};
use quarry_edge::jobs::JobsError;
use quarry_edge::store::StoreError;
use std::error::Error as StdError;

/// Why something cannot be done with a deployment.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The stack cannot be read.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The stack is not a deployment of Quarry.
    #[error(
        "the stack `{stack}` has no output `{output}`: it is not a deployment of Quarry, or not a complete one"
    )]
    NotQuarry {
        /// The stack.
        stack: String,
        /// The output.
        output: &'static str,
    },
    /// The SDK's configuration, or something that the stack says, cannot be used.
    #[error("{}", .0.full_message())]
    Unusable(#[from] StepError),
    /// No run has this name.
    #[error("no run `{name}` in the stack `{stack}`{}; `quarry runs` lists the runs", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    NoRun {
        /// The name.
        name: String,
        /// The stack.
        stack: String,
        /// The nearest name.
        nearest: Option<String>,
    },
    /// Several runs have names that begin so.
    #[error("several runs begin with `{beginning}`: {}; give more of the name", names.join(", "))]
    Several {
        /// The text.
        beginning: String,
        /// The names.
        names: Vec<String>,
    },
    /// A run of this name exists.
    #[error("a run named {run} exists; choose another --name, or: quarry status {run}")]
    Exists {
        /// Its name.
        run: String,
    },
    /// The request is too large for Step Functions.
    #[error(
        "the request has {bytes} bytes, more than the {most} of an execution's input; put what is long in --set into files"
    )]
    TooLarge {
        /// The request's size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Runs of the deployment may not read the data.
    #[error(
        "runs of the stack `{stack}` may not read {data}: copy the data to a folder below {uploads}, or add the bucket and \
         its objects to the stack's parameter ReadableArns (such as arn:aws:s3:::tables,arn:aws:s3:::tables/strikes/*)"
    )]
    Unreadable {
        /// The place.
        data: S3Uri,
        /// The stack.
        stack: String,
        /// The folder of what the command line uploads.
        uploads: S3Uri,
    },
    /// Nothing is at the place of the data.
    #[error("{}; correct the place of the data", nothing_at(.0))]
    NoData(S3Uri),
    /// Bedrock does not count the tokens of the model.
    #[error(
        "Bedrock does not count tokens for {model}: {message}; make the estimate without --count"
    )]
    NotCounted {
        /// The model.
        model: String,
        /// What the service said.
        message: String,
    },
    /// The run has not ended.
    #[error("the run {run} has not ended: quarry watch {run}")]
    NotYet {
        /// Its name.
        run: String,
    },
    /// The run ended without results.
    #[error("{end}; it has no results")]
    NoResults {
        /// How it ended.
        end: String,
    },
    /// The run cannot be redriven.
    #[error("the run {run} cannot be redriven: {why}; `quarry submit` starts a new run")]
    NotRedrivable {
        /// Its name.
        run: String,
        /// Why.
        why: String,
    },
    /// The run's folder has expired, and with it the names of the results.
    #[error(
        "the folder of the run {run} has expired; copy its results from {output}, e.g. with `aws s3 sync`"
    )]
    Expired {
        /// Its name.
        run: String,
        /// The folder of the results.
        output: S3Uri,
    },
    /// A call is denied.
    #[error(
        "{action} is denied: {message}; attach the stack's CommandLinePolicy to your user or role"
    )]
    Denied {
        /// The permission that the call needs.
        action: &'static str,
        /// What the service said.
        message: String,
    },
    /// The service refuses the credentials of a call, for example because they have expired meanwhile.
    #[error("{action} was refused: {message}; {remedy}")]
    Credentials {
        /// The permission that the call needs, which names the call.
        action: &'static str,
        /// What the service said.
        message: String,
        /// What the caller can do.
        remedy: &'static str,
    },
    /// A call failed for another reason.
    #[error("AWS did not do what was asked ({action}): {message}{}", remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default())]
    Failed {
        /// The permission that the call needs, which names the call.
        action: &'static str,
        /// What the service said, or why there was no response.
        message: String,
        /// What the caller can do, if the way to the service is at fault.
        remedy: Option<&'static str>,
    },
}

impl RemoteError {
    /// Whether the user has to correct the name, the stack or the credentials.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Account(error) => error.is_input(),
            Self::NotQuarry { .. }
            | Self::NoRun { .. }
            | Self::Several { .. }
            | Self::NotRedrivable { .. }
            | Self::Exists { .. }
            | Self::Unreadable { .. }
            | Self::NoData(_)
            | Self::NotCounted { .. }
            | Self::Credentials { .. }
            | Self::TooLarge { .. } => true,
            _ => false,
        }
    }
}

fn nothing_at(place: &S3Uri) -> String {
    if place.key().is_empty() || place.key().ends_with('/') {
        format!("there is no object below {place}")
    } else {
        format!("there is no object {place}")
    }
}

/// A failed call, whatever made it.
pub(crate) trait CallFailure: StdError + 'static {
    /// What kind of failure it is.
    fn kind(&self) -> StepErrorKind;
}

impl CallFailure for StepError {
    fn kind(&self) -> StepErrorKind {
        Self::kind(self)
    }
}

impl CallFailure for CallError {
    fn kind(&self) -> StepErrorKind {
        AwsError::kind(self)
    }
}

impl CallFailure for StoreError {
    fn kind(&self) -> StepErrorKind {
        AwsError::kind(self)
    }
}

impl CallFailure for JobsError {
    fn kind(&self) -> StepErrorKind {
        AwsError::kind(self)
    }
}

/// Returns the error of a call that needs a permission.
#[expect(
    clippy::needless_pass_by_value,
    reason = "`map_err` passes the error by value"
)]
pub(crate) fn denied_or_failed(error: impl CallFailure, action: &'static str) -> RemoteError {
    let message = chain(&error);
    let fault = failed_call(&error).and_then(Failure::credentials_fault);
    if let Some(fault) = fault {
        return RemoteError::Credentials {
            action,
            message,
            remedy: fault.remedy(),
        };
    }
    match error.kind() {
        StepErrorKind::AccessDenied => RemoteError::Denied { action, message },
        _ => RemoteError::Failed {
            action,
            message,
            remedy: failed_call(&error).and_then(Failure::remedy_of_connection),
        },
    }
}

/// Names the permission of a call that may fail.
pub(crate) trait Calling<T> {
    /// Turns the call's error into one that names the permission.
    fn calling(self, action: &'static str) -> Result<T, RemoteError>;
}

impl<T, E: CallFailure> Calling<T> for Result<T, E> {
    fn calling(self, action: &'static str) -> Result<T, RemoteError> {
        self.map_err(|error| denied_or_failed(error, action))
    }
}
