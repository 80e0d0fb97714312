//! Reads the facts about an AWS account that `quarry-preflight` judges.
//!
//! This crate creates and changes nothing, and makes no call that costs money. A fact that cannot
//! be read is reported as unreadable instead of failing the check; only the caller's identity and
//! the stack are required.
//!
//! S3 and STS are called through their SDK clients, which the build contains anyway. Bedrock,
//! CloudFormation, EventBridge, IAM, KMS, Lambda and Service Quotas are called with single signed
//! requests ([`quarry_edge::signed`]).

mod answer;
mod bucket;
mod error;
mod iam;
mod kms;
mod lambda;
mod models;
mod query;
mod quotas;
mod rules;
mod stack;

pub use error::AccountError;
pub use stack::DeployedStack;

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use quarry_edge::environment::environment;
use quarry_edge::failure::{Failure, chain};
use quarry_edge::service_time::machine_time;
use quarry_preflight::{Fact, Facts, Subject};

/// The variable that names the AWS profile.
const PROFILE_VARIABLE: &str = "AWS_PROFILE";

/// Checks that credentials can be loaded for a configuration, which may lack a Region.
pub async fn check_credentials(config: &SdkConfig) -> Result<(), AccountError> {
    check_provider(config.credentials_provider().as_ref()).await
}

async fn check_provider(provider: Option<&SharedCredentialsProvider>) -> Result<(), AccountError> {
    let profile = environment(PROFILE_VARIABLE);
    let Some(provider) = provider else {
        return Err(AccountError::NoCredentials { profile });
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(CredentialsError::CredentialsNotLoaded(_)) => {
            Err(AccountError::NoCredentials { profile })
        }
        Err(error) => Err(AccountError::Credentials {
            profile,
            why: chain(&error),
        }),
    }
}

/// An account, in the Region of the SDK's configuration.
#[derive(Debug)]
pub struct Account {
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    sts: aws_sdk_sts::Client,
    bucket: bucket::Buckets,
    models: models::AccountModels,
    stacks: stack::Stacks,
    iam: iam::Iam,
    kms: kms::Kms,
    quotas: quotas::Quotas,
    lambda: lambda::Lambda,
    rules: rules::EventRules,
}

impl Account {
    /// Creates the clients of an account. With `path_style`, S3 requests carry the bucket in their
    /// path.
    pub fn new(config: &SdkConfig, path_style: bool) -> Result<Self, AccountError> {
        let region = config.region().map(ToString::to_string);
        Ok(Self {
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(config)
                    .time_source(machine_time())
                    .build(),
            ),
            bucket: bucket::Buckets::new(config, path_style),
            models: models::AccountModels::new(config)?,
            stacks: stack::Stacks::new(config)?,
            iam: iam::Iam::new(config)?,
            kms: kms::Kms::new(config)?,
            quotas: quotas::Quotas::new(config)?,
            lambda: lambda::Lambda::new(config)?,
            rules: rules::EventRules::new(config)?,
            credentials: config.credentials_provider(),
            region: region.unwrap_or_default(),
        })
    }

    /// Checks that credentials can be loaded, so that no later call fails for lack of them. Only a
    /// call shows whether they are valid.
    pub async fn check_credentials(&self) -> Result<(), AccountError> {
        check_provider(self.credentials.as_ref()).await
    }

    /// Returns the account's number, from the caller's identity.
    pub async fn number(&self) -> Result<String, AccountError> {
        let identity = self.sts.get_caller_identity().send().await;
        let identity = identity.map_err(|error| AccountError::Caller(Failure::new(&error)))?;
        Ok(identity.account().unwrap_or_default().to_owned())
    }

    /// Reads a stack.
    pub async fn stack(&self, name: &str) -> Result<DeployedStack, AccountError> {
        self.stacks.read(name, &self.region).await
    }

    /// Reads all facts about a subject except the day, which the caller supplies.
    pub async fn facts(&self, subject: &Subject) -> Facts {
        let questions = subject.questions();
        let (bucket, role, key, models, quotas, concurrency, rules) = tokio::join!(
            self.bucket.read(&questions.bucket, &self.region),
            self.role(questions.role.as_deref()),
            self.kms.read(questions.key.as_deref()),
            self.models.read(subject.models(), &self.region),
            self.quotas(questions.quotas),
            self.lambda.read(),
            self.rules(questions.rules),
        );
        let (bucket, events, encryption) = bucket;
        let (key, key_policy) = key;
        let mut facts = Facts {
            today: None,
            bucket,
            events,
            encryption,
            role,
            permissions: Fact::NotRead,
            key,
            key_policy,
            models,
            quotas,
            concurrency,
            rules,
        };
        if let (Some(role), Fact::Known(_)) = (&questions.role, &facts.role) {
            facts.permissions = self.iam.may(role, &subject.permissions(&facts)).await;
        }
        facts
    }

    async fn role(&self, arn: Option<&str>) -> Fact<quarry_preflight::Role> {
        match arn {
            Some(arn) => self.iam.role(arn).await,
            None => Fact::NotRead,
        }
    }

    async fn rules(&self, wanted: bool) -> Fact<Vec<quarry_preflight::Rule>> {
        if wanted {
            self.rules.read().await
        } else {
            Fact::NotRead
        }
    }

    async fn quotas(&self, wanted: bool) -> Fact<Vec<quarry_preflight::Quota>> {
        if wanted {
            self.quotas.read().await
        } else {
            Fact::NotRead
        }
    }
}
