//! The deployment that a command works with.

use crate::failure::Failure;
use clap::Args;
use quarry_edge::environment::{environment, path_style_from_environment};
use quarry_edge::sdk::{SdkOptions, load};
use quarry_remote::{RemoteDeployment, RemoteError};
use std::time::Duration;

/// The variable that names the stack.
const STACK_VARIABLE: &str = "QUARRY_STACK";

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
        let stack = self.stack.clone().or_else(|| environment(STACK_VARIABLE));
        let stack = stack.ok_or_else(|| {
            Failure::usage(format!(
                "name the deployment with --stack NAME, or set {STACK_VARIABLE}; \
                 `aws cloudformation list-stacks` shows the names"
            ))
        })?;
        let sdk = load(SdkOptions {
            region: self.region.clone(),
            ..SdkOptions::default()
        })
        .await;
        if sdk.region().is_none() {
            return Err(Failure::input(
                "no Region is known; give --region, or set AWS_REGION",
            ));
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
