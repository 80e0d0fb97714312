//! The known facts about the AWS account.

use jiff::civil::Date;
use serde_json::Value;

/// The outcome of reading a fact.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Fact<T> {
    /// It exists.
    Known(T),
    /// It does not exist.
    Absent,
    /// It could not be read.
    Unreadable(Why),
    /// It was not read.
    #[default]
    NotRead,
}

/// Why a fact could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Whether the service denied access; otherwise it did not respond, or not as expected.
    pub denied: bool,
    /// The service's message, or the error on the way.
    pub message: String,
}

impl<T> Fact<T> {
    /// Returns the value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(thing) => Some(thing),
            _ => None,
        }
    }

    /// Returns why it could not be read, if so.
    pub fn unreadable(&self) -> Option<&Why> {
        match self {
            Self::Unreadable(why) => Some(why),
            _ => None,
        }
    }
}

/// The facts to read, except the permissions of the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    /// The deployment's bucket.
    pub bucket: String,
    /// The ARN of the role of jobs, if the role can exist already.
    pub role: Option<String>,
    /// The key of jobs' output: an id, alias or ARN.
    pub key: Option<String>,
    /// The models of runs: ids and ARNs, including those of profiles.
    pub models: Vec<String>,
    /// Whether the quotas of jobs are needed.
    pub quotas: bool,
    /// Whether the rules that start runs are needed: those of the bucket.
    pub rules: bool,
}

/// All known facts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The day for the checks of dates; without it, no end date is checked.
    pub today: Option<Date>,
    /// The bucket.
    pub bucket: Fact<Bucket>,
    /// Whether the bucket sends events about its objects to EventBridge.
    pub events: Fact<bool>,
    /// The bucket's encryption.
    pub encryption: Fact<BucketKey>,
    /// The role of jobs.
    pub role: Fact<Role>,
    /// What that role may do.
    pub permissions: Fact<Vec<Decision>>,
    /// The key of jobs' output.
    pub key: Fact<EncryptionKey>,
    /// The policy of the key.
    pub key_policy: Fact<Value>,
    /// The models, in the order of the questions.
    pub models: Vec<ModelFacts>,
    /// All quotas of Bedrock in the Region.
    pub quotas: Fact<Vec<Quota>>,
    /// How many functions the account may run at the same time in the Region.
    pub concurrency: Fact<Concurrency>,
    /// All rules of the Region's default event bus.
    pub rules: Fact<Vec<Rule>>,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its Region.
    pub region: String,
}

/// A bucket's default encryption of new objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketKey {
    /// S3's own keys, SSE-S3.
    S3,
    /// The key that KMS manages for S3.
    AwsManaged,
    /// A KMS key: id, alias or ARN.
    Kms(String),
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its trust policy.
    pub trust: Value,
}

/// An action that the role must be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `s3:GetObject`, …
    pub actions: Vec<&'static str>,
    /// An ARN.
    pub resource: String,
    /// The condition keys that hold at that time.
    pub context: Vec<(&'static str, String)>,
}

/// IAM's decision about one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `s3:GetObject`, …
    pub action: String,
    /// The ARN.
    pub resource: String,
    /// The decision.
    pub outcome: AccessOutcome,
    /// Condition keys that policies need and that were not given.
    pub missing_context: Vec<String>,
}

/// IAM's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessOutcome {
    /// The action is allowed.
    Allowed,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement forbids it.
    ExplicitDeny,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    /// Its ARN.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …
    pub state: String,
    /// `ENCRYPT_DECRYPT`, …
    pub usage: String,
    /// `SYMMETRIC_DEFAULT`, …
    pub spec: String,
}

/// The known facts about a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelFacts {
    /// The id that was looked up.
    pub id: String,
    /// The profile, if the id is a profile's.
    pub profile: Fact<Profile>,
    /// The foundation model in the deployment's Region.
    pub model: Fact<Model>,
    /// Whether the account may call it.
    pub access: Fact<Access>,
}

/// An inference profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its ARN.
    pub arn: String,
    /// `ACTIVE`.
    pub status: String,
    /// The model in each of its Regions.
    pub models: Vec<String>,
}

/// A foundation model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The name for people, which quotas use too.
    pub name: Option<String>,
    /// `ON_DEMAND`, `PROVISIONED`, …
    pub inference_types: Vec<String>,
    /// Whether the model is legacy.
    pub legacy: bool,
    /// The first day of higher prices, if it is known.
    pub extended_access: Option<Date>,
    /// The day on which it ends, if it is known.
    pub end_of_life: Option<Date>,
}

/// What the account may do with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whether IAM and the organisation allow calls.
    pub authorized: bool,
    /// Whether the account has access to the model.
    pub entitled: bool,
    /// Whether the model is in the Region.
    pub in_region: bool,
    /// The agreement with the model's provider.
    pub agreement: Agreement,
}

/// An account's agreement with a model's provider: its subscription in AWS Marketplace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// It exists, or none is needed.
    Available,
    /// It is being created.
    Pending,
    /// It does not exist: the account has never called the model.
    Missing,
    /// It could not be created, with the service's words.
    Failed(String),
}

/// Lambda's limits for an account in a Region (`GetAccountSettings`, `AccountLimit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// The number of functions that may run at the same time.
    pub limit: u32,
    /// The part of it that no function has reserved.
    pub unreserved: u32,
}

/// A rule of EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name; the name of a stack's own rule contains the stack's name and the logical id.
    pub name: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The events that it matches; null for a rule with a schedule.
    pub pattern: Value,
}

/// A quota with the account's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Its display name, the only place that names its model.
    pub name: String,
    /// Its value.
    pub value: f64,
}
