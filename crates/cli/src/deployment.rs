//! The deployment that a command works with.

use crate::failure::Failure;
use clap::Args;
use quarry_account::check_credentials;
use quarry_edge::environment::{environment, path_style_from_environment};
use quarry_edge::sdk::{SdkConfig, SdkOptions, load};
use quarry_remote::{RemoteDeployment, RemoteError};
use std::time::Duration;

/// The variable that names the stack.
const STACK_VARIABLE: &str = "QUARRY_STACK";

/// What to do without a stack.
const NO_STACK: &str = "name the deployment with --stack NAME, or set QUARRY_STACK; \
    `aws cloudformation list-stacks` shows the names";

/// Which deployment is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeploymentArguments {
    /// The stack of the deployment; by default that of `QUARRY_STACK`.
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The Region; by default that of `AWS_REGION` or of the AWS profile.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl DeploymentArguments {
    /// Reads the stack.
    pub(crate) async fn open(&self) -> Result<RemoteDeployment, Failure> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let stack = given(&self.stack).or_else(|| environment(STACK_VARIABLE));
        let sdk = load(SdkOptions {
            region: given(&self.region),
            ..SdkOptions::default()
        })
        .await;
        let mut missing = MissingAccess::default();
        if stack.is_none() {
            missing.stack();
        }
        if sdk.region().is_none() {
            missing.region();
        }
        let Some(stack) = stack else {
            return Err(Failure::usage(missing.in_words(&sdk).await));
        };
        if sdk.region().is_none() {
            return Err(Failure::input(missing.in_words(&sdk).await));
        }
        let path_style =
            path_style_from_environment().map_err(|error| Failure::usage(error.to_string()))?;
        Ok(RemoteDeployment::open(sdk, path_style, &stack).await?)
    }

    /// Returns the arguments that lead to the same deployment, for a command that is shown.
    pub(crate) fn as_text(&self) -> String {
        let mut text = String::new();
        for (flag, value) in [("--stack", &self.stack), ("--region", &self.region)] {
            if let Some(value) = value {
                text = format!("{text} {flag} {value}");
            }
        }
        text
    }
}

/// What a command needs to reach AWS and does not have.
#[derive(Debug, Default)]
pub(crate) struct MissingAccess(Vec<String>);

impl MissingAccess {
    fn stack(&mut self) {
        self.0.push(NO_STACK.to_owned());
    }

    /// Adds the Region.
    pub(crate) fn region(&mut self) {
        self.0
            .push("no Region is known; give --region, or set AWS_REGION".to_owned());
    }

    /// Returns all that is missing, with the credentials if they are missing too, so that a new user reads it
    /// at once.
    pub(crate) async fn in_words(mut self, sdk: &SdkConfig) -> String {
        if let Err(error) = check_credentials(sdk).await {
            self.0.push(error.to_string());
        }
        self.0.join("; also, ")
    }
}

/// Returns the time, since 1970-01-01T00:00:00Z.
pub(crate) fn now() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a shell: it reads the clock"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        match &error {
            RemoteError::NotYet { .. } => Self::not_yet(error.to_string()),
            _ if error.is_input() => Self::input(error.to_string()),
            _ => Self::run(error.to_string()),
        }
    }
}
