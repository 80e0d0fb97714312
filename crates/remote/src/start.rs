//! Starting a run.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError};
use quarry_contract::location::S3Uri;
use quarry_contract::request::Request;
use quarry_edge::executions::Started;
use std::collections::BTreeMap;

/// The largest input of an execution, bytes (Step Functions' quota).
const LARGEST_INPUT: usize = 262_144;

/// The folder of what the command line uploads.
pub(crate) const UPLOADS: &str = "inbox/command-line/";

/// The parameters of the template that are defaults of settings, as its function `plan` has them.
const DEFAULTS: [(&str, &str); 7] = [
    ("ModelId", "BEDROCK_PRIMARY_MODEL_ID"),
    ("KmsKeyArn", "BEDROCK_OUTPUT_KMS_KEY"),
    ("MaxRows", "BEDROCK_MAX_ROWS"),
    ("MaxDataBytes", "BEDROCK_MAX_DATA_BYTES"),
    ("MaxCost", "BEDROCK_MAX_COST"),
    ("PriceIn", "BEDROCK_PRICE_IN"),
    ("PriceOut", "BEDROCK_PRICE_OUT"),
];

impl RemoteDeployment {
    /// Returns the deployment's own settings, which those of a request override.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let about = self.about();
        let parameter = |name: &str| about.parameters.get(name).filter(|value| !value.is_empty());
        let role = about.batch_role.as_ref();
        DEFAULTS
            .iter()
            .filter_map(|(name, setting)| Some((*setting, parameter(name)?)))
            .chain(role.map(|role| ("BEDROCK_BATCH_ROLE_ARN", role)))
            .map(|(setting, value)| (setting.to_owned(), value.clone()))
            .collect()
    }

    /// Returns the folder for the files of a new run. It is two levels below the inbox, so that no file
    /// in it starts a run. `random` tells it from the folder of every other command, so that files
    /// which a run reads are never written again.
    pub fn upload_folder(&self, run: &str, random: u32) -> S3Uri {
        self.bucket.join(&format!("{UPLOADS}{run}-{random:08x}"))
    }

    /// Returns the folder of what the command line uploads.
    pub(crate) fn uploads(&self) -> S3Uri {
        self.bucket.join(UPLOADS)
    }

    /// Returns the folder for the results of a new run.
    pub fn results_folder(&self, run: &str) -> S3Uri {
        self.bucket.join(&format!("results/command-line/{run}/"))
    }

    /// Refuses the name of a run that exists.
    pub async fn check_is_new(&self, run: &str) -> Result<(), RemoteError> {
        match self.named(run).await? {
            Some(_) => Err(RemoteError::Exists {
                run: run.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Starts a run.
    pub async fn start(&self, run: &str, request: &Request) -> Result<(), RemoteError> {
        let input = serde_json::to_string(request).unwrap_or_default();
        if input.len() > LARGEST_INPUT {
            return Err(RemoteError::TooLarge {
                bytes: input.len(),
                most: LARGEST_INPUT,
            });
        }
        let started = self.executions.start(run, &input).await;
        match started.calling("states:StartExecution")? {
            Started::Running => Ok(()),
            Started::AlreadyRan => Err(RemoteError::Exists {
                run: run.to_owned(),
            }),
        }
    }
}
