//! What an AWS account says of a deployment: everything that `quarry-preflight` judges, only read.
//!
//! Nothing is created or changed here, and nothing that costs is called. What may not be read, or does not
//! answer, becomes a fact of its own; only who asks and which stack is meant have to be known.
//!
//! S3, Bedrock and STS are asked by their SDK clients, which the build has anyhow; CloudFormation, EventBridge,
//! IAM, KMS, Lambda and Service Quotas by single signed requests ([`quarry_edge::signed`]).

mod answer;
mod bucket;
mod iam;
mod kms;
mod lambda;
mod models;
mod query;
mod quotas;
mod rules;
mod stack;

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use quarry_edge::error::StepError;
use quarry_edge::failure::{Failure, chain};
use quarry_preflight::{Deployment, Fact, Facts, Subject};

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

/// Why nothing can be said of an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The SDK's configuration lacks something.
    #[error(transparent)]
    Configuration(#[from] StepError),
    /// There are no credentials.
    #[error(
        "no AWS credentials found in the environment or the AWS profile; run `aws sso login`, or set AWS_PROFILE, or set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// There are credentials that could not be fetched: an expired login, a profile that is not complete.
    #[error(
        "cannot load AWS credentials: {0}; run `aws sso login` if the profile uses it, or set AWS_PROFILE to another profile"
    )]
    Credentials(String),
    /// The account is not known.
    #[error(
        "cannot read your AWS identity (sts:GetCallerIdentity): {0}; see that the credentials are valid and that STS can be reached"
    )]
    Caller(#[source] Failure),
    /// There is no such stack.
    #[error(
        "there is no stack `{name}` in {region}; give its name with --stack, and its Region with --region"
    )]
    NoStack {
        /// The name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// The stack may not be read, or CloudFormation does not answer.
    #[error(
        "the stack `{name}` cannot be read: {source}; who asks needs cloudformation:DescribeStacks"
    )]
    Stack {
        /// The name.
        name: String,
        /// What CloudFormation said.
        #[source]
        source: Failure,
    },
}

impl Account {
    /// An account. `path_style` puts the bucket into the path of S3 requests.
    pub fn new(config: &SdkConfig, path_style: bool) -> Result<Self, AccountError> {
        let region = config.region().map(ToString::to_string);
        Ok(Self {
            sts: aws_sdk_sts::Client::new(config),
            bucket: bucket::Buckets::new(config, path_style),
            models: models::AccountModels::new(config),
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

    /// Sees that there are credentials, before any call fails for the lack of them. Whether they are valid only a call
    /// tells.
    pub async fn check_credentials(&self) -> Result<(), AccountError> {
        let Some(provider) = &self.credentials else {
            return Err(AccountError::NoCredentials);
        };
        match provider.provide_credentials().await {
            Ok(_) => Ok(()),
            Err(CredentialsError::CredentialsNotLoaded(_)) => Err(AccountError::NoCredentials),
            Err(error) => Err(AccountError::Credentials(chain(&error))),
        }
    }

    /// The account's number: who asks.
    pub async fn number(&self) -> Result<String, AccountError> {
        let identity = self.sts.get_caller_identity().send().await;
        let identity = identity.map_err(|error| AccountError::Caller(Failure::new(&error)))?;
        Ok(identity.account().unwrap_or_default().to_owned())
    }

    /// A stack.
    pub async fn deployment(&self, stack: &str) -> Result<Deployment, AccountError> {
        self.stacks.read(stack, &self.region).await
    }

    /// Everything that is to be known of a subject, but for the day: that is the caller's to say.
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
