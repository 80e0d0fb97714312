//! The subject of the checks: a deployment and a request, combined as `plan` combines them.

use crate::deployment::{Deployment, DeploymentStage, Parameters};
use crate::facts::Questions;
use crate::finding::Findings;
use quarry_contract::arn::Arn;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::request_file::RequestFile;
use quarry_contract::settings::{self, BatchMode, SettingError, Settings};
use quarry_model::ModelName;
use std::collections::BTreeMap;

const PRIMARY_MODEL: &str = "BEDROCK_PRIMARY_MODEL_ID";
const BATCH_ROLE: &str = "BEDROCK_BATCH_ROLE_ARN";
const OUTPUT_KEY: &str = "BEDROCK_OUTPUT_KMS_KEY";
/// A placeholder for a model if none is named, so that the other settings can be read.
const NO_MODEL: &str = "none";
/// A placeholder for the role that the stack will create, so that settings which need a role can be
/// read.
const COMING_ROLE: &str = "role/the-stacks-batch-role";
/// The name of an arbitrary run, for the names of objects.
const SOME_RUN: &str = "run";

/// A deployment, with a request if there is one.
#[derive(Debug)]
pub struct Subject {
    pub(crate) deployment: Deployment,
    pub(crate) parameters: Parameters,
    pub(crate) request: Option<RequestFile>,
    /// The settings as they were given; those of the request override the deployment's.
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) settings: Settings,
    /// The findings from reading the parameters and settings.
    pub(crate) found: Findings,
}

/// A model that runs would call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedModel {
    /// The parameter or setting that names it.
    pub named_by: &'static str,
    /// Its id, or the id or ARN of a profile.
    pub id: String,
}

/// The kind of thing that a model id identifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKind {
    /// A foundation model.
    Foundation,
    /// An inference profile.
    Profile,
    /// A model of the account's own.
    Custom,
}

impl AskedModel {
    /// Returns what the id identifies.
    pub fn kind(&self) -> ModelKind {
        match (Arn::of(&self.id), ModelName::of(&self.id)) {
            (Some(arn), _) if arn.resource.contains("inference-profile/") => ModelKind::Profile,
            (Some(arn), _) if arn.resource.starts_with("foundation-model/") => {
                ModelKind::Foundation
            }
            (Some(_), _) => ModelKind::Custom,
            (None, Some(name)) if name.by_profile => ModelKind::Profile,
            (None, _) => ModelKind::Foundation,
        }
    }

    /// Returns the foundation model's id, if the id names it.
    pub fn foundation_model(&self) -> Option<&str> {
        match ModelName::of(&self.id) {
            Some(name) => Some(name.foundation_model),
            None => (self.kind() == ModelKind::Foundation).then_some(&self.id),
        }
    }
}

impl Subject {
    /// Reads parameters and settings. Errors in them become findings.
    pub fn new(deployment: Deployment, request: Option<RequestFile>) -> Self {
        let mut found = Findings::default();
        let parameters = Parameters::read(&deployment.parameters, &mut found);
        let mut values = BTreeMap::from([
            (
                PRIMARY_MODEL.to_owned(),
                parameters.model_id.clone().unwrap_or_default(),
            ),
            (
                OUTPUT_KEY.to_owned(),
                parameters.kms_key_arn.clone().unwrap_or_default(),
            ),
        ]);
        let of_request = request.as_ref().map(|request| request.settings.clone());
        values.extend(of_request.unwrap_or_default());
        for note in settings::notes(&values) {
            let (name, why) = note.split_once(' ').unwrap_or((note.as_str(), ""));
            found.note(
                "setting-idle",
                name,
                why,
                "leave it out, or leave it: nothing depends on it",
            );
        }
        let settings = read_settings(values.clone(), &deployment, request.is_some(), &mut found);
        Self {
            deployment,
            parameters,
            request,
            values,
            settings,
            found,
        }
    }

    /// Returns the facts that must be read.
    pub fn questions(&self) -> Questions {
        Questions {
            bucket: self.parameters.bucket_name.clone(),
            role: self
                .role()
                .filter(|role| self.is_of_account(role))
                .map(str::to_owned),
            key: self.settings.output_kms_key.clone(),
            models: self.models().into_iter().map(|model| model.id).collect(),
            quotas: self.makes_jobs(),
            rules: !self.parameters.bucket_name.is_empty(),
        }
    }

    /// Whether the stack exists.
    pub(crate) fn is_deployed(&self) -> bool {
        self.deployment.stage == DeploymentStage::Deployed
    }

    /// Whether a value was given for a setting.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        let value = self.values.get(name);
        value.is_some_and(|value| !value.trim().is_empty())
    }

    /// Whether the request gives the setting, not the deployment.
    pub(crate) fn is_of_request(&self, name: &str) -> bool {
        let settings = self.request.as_ref().map(|request| &request.settings);
        settings.is_some_and(|settings| settings.contains_key(name))
    }

    /// Returns the role of jobs, if it can exist already.
    pub(crate) fn role(&self) -> Option<&str> {
        let role = self.settings.batch_role_arn.as_deref();
        role.filter(|role| !role.ends_with(COMING_ROLE))
    }

    /// Whether an ARN can belong to the deployment's account.
    pub(crate) fn is_of_account(&self, arn: &str) -> bool {
        match (Arn::of(arn), &self.deployment.account) {
            (Some(arn), Some(account)) => arn.account == account,
            _ => true,
        }
    }

    pub(crate) fn makes_jobs(&self) -> bool {
        self.settings.batch_mode != BatchMode::Realtime
    }

    /// Returns the models that runs would call. If no model is named, these are the Region's models
    /// in `ModelArns`.
    pub fn models(&self) -> Vec<AskedModel> {
        let mut models = Vec::new();
        if self.settings.inference_profile_arn.is_some() || self.has_model() {
            models.push(AskedModel {
                named_by: self.primary_named_by(),
                id: self.settings.effective_model_id(),
            });
        } else {
            let of_region = |arn: &&String| {
                Arn::of(arn).is_some_and(|arn| {
                    arn.region == self.deployment.region
                        && arn.resource.starts_with("foundation-model/")
                        && !arn.resource.contains('*')
                })
            };
            models.extend(
                self.parameters
                    .model_arns
                    .iter()
                    .filter(of_region)
                    .map(|arn| AskedModel {
                        named_by: "ModelArns",
                        id: arn.clone(),
                    }),
            );
        }
        if let Some(id) = &self.settings.fallback_model_id {
            models.push(AskedModel {
                named_by: "BEDROCK_FALLBACK_MODEL_ID",
                id: id.clone(),
            });
        }
        models
    }

    fn primary_named_by(&self) -> &'static str {
        if self.settings.inference_profile_arn.is_some() {
            "BEDROCK_INFERENCE_PROFILE_ARN"
        } else if self.is_of_request(PRIMARY_MODEL) {
            PRIMARY_MODEL
        } else {
            "ModelId"
        }
    }

    /// Whether the settings name the run's model.
    pub(crate) fn has_model(&self) -> bool {
        self.settings.primary_model_id != NO_MODEL
    }

    /// Returns the prefix of job files.
    pub(crate) fn work(&self) -> Option<S3Uri> {
        let of_request = self
            .request
            .as_ref()
            .and_then(|request| request.work.as_ref());
        match of_request {
            Some(text) => text.parse().ok(),
            None => S3Uri::new(self.parameters.bucket_name.clone(), "runs").ok(),
        }
    }

    /// Returns a round's folder of an arbitrary run.
    pub(crate) fn some_round(&self) -> Option<RoundFolder> {
        Some(RunFolder::new(&self.work()?, SOME_RUN).slice(0).round(0))
    }
}

/// Reads settings as `plan` does, but does not stop at an error: each setting that is not valid
/// becomes a finding and then counts as not set.
fn read_settings(
    mut values: BTreeMap<String, String>,
    deployment: &Deployment,
    is_asked: bool,
    found: &mut Findings,
) -> Settings {
    values.retain(|_, value| !value.trim().is_empty());
    if !values.contains_key(PRIMARY_MODEL) {
        let problem = "no model is named";
        let remedy =
            "set the parameter ModelId, or BEDROCK_PRIMARY_MODEL_ID in the request's settings";
        if is_asked {
            found.error("model-unset", PRIMARY_MODEL, problem, remedy);
        } else {
            found.note(
                "model-unset",
                PRIMARY_MODEL,
                format!("{problem}: each request has to name its model"),
                remedy,
            );
        }
        values.insert(PRIMARY_MODEL.to_owned(), NO_MODEL.to_owned());
    }
    if !values.contains_key(BATCH_ROLE) {
        let role = deployment.batch_role.clone();
        let role = role.unwrap_or_else(|| coming_role(deployment, &values));
        values.insert(BATCH_ROLE.to_owned(), role);
    }
    loop {
        let error = match Settings::read(&values) {
            Ok(settings) => return settings,
            Err(error) => error,
        };
        found.error(
            "setting",
            "the request's settings",
            error.to_string(),
            remedy_of(&error),
        );
        if values.remove(error.name()).is_none() {
            // A default does not fit one of the given values, and it is not known which.
            values.retain(|name, _| name == PRIMARY_MODEL || name == BATCH_ROLE);
        }
    }
}

fn remedy_of(error: &SettingError) -> &'static str {
    match error {
        SettingError::Unknown { .. } => "correct the name; docs/settings.md lists all",
        SettingError::Value { .. } => "correct the value",
        SettingError::Missing { .. } => "set it",
    }
}

/// Returns the ARN that the stack's role may get, in the account that deploys.
fn coming_role(deployment: &Deployment, values: &BTreeMap<String, String>) -> String {
    let profile = values.get("BEDROCK_INFERENCE_PROFILE_ARN");
    let of_profile = profile
        .and_then(|arn| Arn::of(arn))
        .filter(Arn::has_account);
    let account = match (&deployment.account, of_profile) {
        (Some(account), _) => account.as_str(),
        (None, Some(arn)) => arn.account,
        (None, None) => "000000000000",
    };
    format!(
        "arn:{}:iam::{account}:{COMING_ROLE}",
        deployment.partition()
    )
}
