//! The errors of reading an account.

use quarry_edge::error::StepError;
use quarry_edge::failure::Failure;

/// Why an account cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The SDK's configuration is incomplete.
    #[error(transparent)]
    Configuration(#[from] StepError),
    /// There are no credentials.
    #[error(
        "no AWS credentials found in the environment or {}; run `aws sso login`, or set AWS_PROFILE to a profile \
         that `aws configure list-profiles` shows, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        profile_in_words(.profile.as_ref())
    )]
    NoCredentials {
        /// The name of the profile, if the environment has one.
        profile: Option<String>,
    },
    /// The credentials could not be loaded: the login has expired, or the profile is incomplete.
    #[error(
        "cannot load AWS credentials from {}: {why}; run `aws sso login` if the profile uses it, or set AWS_PROFILE to \
         another profile",
        profile_in_words(.profile.as_ref())
    )]
    Credentials {
        /// The name of the profile, if the environment has one.
        profile: Option<String>,
        /// The chain of errors.
        why: String,
    },
    /// STS did not return the caller's identity.
    #[error(
        "cannot read your AWS identity (sts:GetCallerIdentity): {0}; {remedy}",
        remedy = remedy(.0, "check that the credentials are valid")
    )]
    Caller(#[source] Failure),
    /// The stack does not exist.
    #[error(
        "there is no stack `{name}` in {region}; give its name with --stack, and its Region with --region"
    )]
    NoStack {
        /// The name.
        name: String,
        /// The Region.
        region: String,
    },
    /// The stack may not be read, or CloudFormation does not respond.
    #[error(
        "cannot read the stack `{name}`: {source}; {}",
        remedy(source, "the caller needs cloudformation:DescribeStacks")
    )]
    Stack {
        /// The name.
        name: String,
        /// What CloudFormation said.
        #[source]
        source: Failure,
    },
}

impl AccountError {
    /// Whether the user has to correct the name of the stack or the credentials.
    pub fn is_input(&self) -> bool {
        match self {
            Self::NoStack { .. } | Self::NoCredentials { .. } | Self::Credentials { .. } => true,
            Self::Caller(failure)
            | Self::Stack {
                source: failure, ..
            } => failure.credentials_fault().is_some(),
            Self::Configuration(_) => false,
        }
    }
}

/// Returns the remedy for a call that failed: the usual one if the service judged it.
fn remedy(failure: &Failure, usual: &'static str) -> &'static str {
    failure.remedy_of_connection().unwrap_or(usual)
}

/// Names the profile that the credentials were looked for in.
fn profile_in_words(name: Option<&String>) -> String {
    match name {
        Some(name) => format!("the AWS profile `{name}`, which AWS_PROFILE names"),
        None => "the AWS profile".to_owned(),
    }
}
