//! A deployed stack, with the clients for its runs.

use crate::error::{Calling, RemoteError};
use aws_config::SdkConfig;
use quarry_account::{Account, DeployedStack};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::request::Request;
use quarry_edge::bedrock::BedrockJobList;
use quarry_edge::error::StepError;
use quarry_edge::executions::{
    Executions, RunDirectory, ShownRun, StateMachine, StepFunctionsRuns,
};
use quarry_edge::jobs::JobList;
use quarry_edge::s3::client::S3Store;
use quarry_edge::store::ObjectStore;
use quarry_preflight::Deployment;
use quarry_runs::{RunChoice, choose};
use std::sync::Arc;

/// The number of runs among which a beginning of a name is looked for.
const NEWEST: usize = 100;

/// The text that stands for the newest run.
const NEWEST_RUN: &str = "-";

/// A deployed stack.
pub struct RemoteDeployment {
    pub(crate) stack: DeployedStack,
    /// The deployment's bucket.
    pub(crate) bucket: S3Uri,
    /// The prefix of all runs' folders.
    work: S3Uri,
    pub(crate) executions: Arc<dyn Executions>,
    pub(crate) runs: Arc<dyn RunDirectory>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) jobs: Arc<dyn JobList>,
}

impl RemoteDeployment {
    /// Reads a stack. With `path_style`, S3 requests carry the bucket in their path.
    pub async fn open(sdk: SdkConfig, path_style: bool, stack: &str) -> Result<Self, RemoteError> {
        let account = Account::new(&sdk, path_style)?;
        account.check_credentials().await?;
        let stack = account.stack(stack).await?;
        let machine = output(&stack, "StateMachineArn")?;
        let bucket = output(&stack, "BucketName")?;
        let bucket = S3Uri::new(bucket, "").map_err(StepError::bad_request)?;
        Ok(Self {
            executions: Arc::new(StateMachine::new(&sdk, &machine)?),
            runs: Arc::new(StepFunctionsRuns::new(&sdk, &machine)?),
            store: Arc::new(S3Store::new(&sdk, path_style)),
            jobs: Arc::new(BedrockJobList::new(&sdk)?),
            stack,
            work: bucket.join("runs"),
            bucket,
        })
    }

    /// Returns the stack's name.
    pub fn name(&self) -> &str {
        self.about().stack.as_deref().unwrap_or_default()
    }

    /// Returns what CloudFormation says about the stack.
    pub fn about(&self) -> &Deployment {
        &self.stack.deployment
    }

    /// Returns the objects of the account.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Returns the run that a text means: a whole name, the beginning of one of the newest runs'
    /// names, or `-` for the newest run.
    pub async fn find(&self, text: &str) -> Result<ShownRun, RemoteError> {
        if text != NEWEST_RUN
            && let Some(run) = self.named(text).await?
        {
            return Ok(run);
        }
        let newest = self.runs.list(None, NEWEST).await;
        let newest = newest.calling("states:ListExecutions")?;
        let names: Vec<String> = newest.into_iter().map(|run| run.name).collect();
        let missing = |nearest| RemoteError::NoRun {
            name: text.to_owned(),
            stack: self.name().to_owned(),
            nearest,
        };
        let choice = match names.first() {
            Some(newest) if text == NEWEST_RUN => RunChoice::One(newest.clone()),
            _ => choose(text, &names),
        };
        match choice {
            RunChoice::One(name) => self.named(&name).await?.ok_or_else(|| missing(None)),
            RunChoice::Several(names) => Err(RemoteError::Several {
                beginning: text.to_owned(),
                names,
            }),
            RunChoice::None(nearest) => Err(missing(nearest)),
        }
    }

    /// Returns the run of a name; `None` if there is none.
    pub(crate) async fn named(&self, name: &str) -> Result<Option<ShownRun>, RemoteError> {
        self.runs
            .find(name)
            .await
            .calling("states:DescribeExecution")
    }

    /// Returns a run's folder, which its request may name.
    pub(crate) fn folder(&self, run: &ShownRun) -> RunFolder {
        let request = run.input.as_deref().and_then(request);
        let work = request.and_then(|request| request.work);
        RunFolder::new(work.as_ref().unwrap_or(&self.work), &run.listed.name)
    }
}

pub(crate) fn request(input: &str) -> Option<Request> {
    serde_json::from_str(input).ok()
}

fn output(stack: &DeployedStack, name: &'static str) -> Result<String, RemoteError> {
    stack
        .outputs
        .get(name)
        .cloned()
        .ok_or_else(|| RemoteError::NotQuarry {
            stack: stack.deployment.stack.clone().unwrap_or_default(),
            output: name,
        })
}
