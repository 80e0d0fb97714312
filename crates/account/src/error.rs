//! The errors of reading an account.

use quarry_edge::error::StepError;
use quarry_edge::failure::{Failure, Kind};

/// Why an account cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The SDK's configuration is incomplete.
    #[error(transparent)]
    Configuration(#[from] StepError),
    /// There are no credentials.
    #[error(
        "no AWS credentials found in the environment or the AWS profile; run `aws sso login`, or set AWS_PROFILE to a profile \
         that `aws configure list-profiles` shows, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// The credentials could not be loaded: the login has expired, or the profile is incomplete.
    #[error(
        "cannot load AWS credentials: {0}; run `aws sso login` if the profile uses it, or set AWS_PROFILE to another profile"
    )]
    Credentials(String),
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

/// Returns the remedy for a call that failed: the usual one if the service responded.
fn remedy(failure: &Failure, usual: &'static str) -> &'static str {
    if failure.status.is_none() && failure.kind == Kind::Unavailable {
        "check the network, the Region and, if it is set, AWS_ENDPOINT_URL: the service was not reached"
    } else {
        usual
    }
}
