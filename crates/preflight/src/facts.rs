//! What is known of the AWS account.

use jiff::civil::Date;
use serde_json::Value;

/// What looking for something gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Fact<T> {
    /// It is there.
    Known(T),
    /// It is not there.
    Absent,
    /// It could not be looked at.
    Unreadable(Why),
    /// Nobody looked.
    #[default]
    NotRead,
}

/// Why something could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Whether the service said that who asks may not; else it did not answer, or not as it should.
    pub denied: bool,
    /// The service's words, or what went wrong on the way.
    pub message: String,
}

impl<T> Fact<T> {
    /// The thing, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(thing) => Some(thing),
            _ => None,
        }
    }

    /// Why it could not be looked at.
    pub fn unreadable(&self) -> Option<&Why> {
        match self {
            Self::Unreadable(why) => Some(why),
            _ => None,
        }
    }
}

/// What has to be looked at, beside the permissions of the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    /// The deployment's bucket.
    pub bucket: String,
    /// ARN of the role of jobs, if it can be there already.
    pub role: Option<String>,
    /// The key of jobs' output: id, alias or ARN.
    pub key: Option<String>,
    /// The models that are asked: ids and ARNs, of profiles too.
    pub models: Vec<String>,
    /// Whether the quotas of jobs matter.
    pub quotas: bool,
    /// Whether rules that start runs matter: those of the bucket.
    pub rules: bool,
}

/// All that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The day for which the rest is judged; without it, nothing is said of what ends.
    pub today: Option<Date>,
    /// The bucket.
    pub bucket: Fact<Bucket>,
    /// Whether the bucket tells EventBridge of its objects.
    pub events: Fact<bool>,
    /// What the bucket encrypts with.
    pub encryption: Fact<BucketKey>,
    /// The role of jobs.
    pub role: Fact<Role>,
    /// What that role may do.
    pub permissions: Fact<Vec<Decision>>,
    /// The key of jobs' output.
    pub key: Fact<EncryptionKey>,
    /// Its policy.
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
    /// Where it is.
    pub region: String,
}

/// What a bucket encrypts new objects with by itself.
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

/// Something that the role has to be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `s3:GetObject`, …
    pub actions: Vec<&'static str>,
    /// An ARN.
    pub resource: String,
    /// Condition keys that hold when it is done.
    pub context: Vec<(&'static str, String)>,
}

/// What IAM says of one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `s3:GetObject`, …
    pub action: String,
    /// The ARN.
    pub resource: String,
    /// The decision.
    pub outcome: AccessOutcome,
    /// Condition keys that policies ask for and that were not given.
    pub missing_context: Vec<String>,
}

/// IAM's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessOutcome {
    /// It may.
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

/// What is known of a model that is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelFacts {
    /// The id that was asked for.
    pub id: String,
    /// The profile, if the id is one's.
    pub profile: Fact<Profile>,
    /// The foundation model, in the deployment's Region.
    pub model: Fact<Model>,
    /// Whether the account may ask it.
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
    /// The name that people read, which quotas use too.
    pub name: Option<String>,
    /// `ON_DEMAND`, `PROVISIONED`, …
    pub inference_types: Vec<String>,
    /// Whether the model is on its way out.
    pub legacy: bool,
    /// From which day on it costs more, if that is said.
    pub extended_access: Option<Date>,
    /// The day on which it ends, if that is said.
    pub end_of_life: Option<Date>,
}

/// What the account may do with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// IAM and the organisation let it ask.
    pub authorized: bool,
    /// It has access to the model.
    pub entitled: bool,
    /// The model is in the Region.
    pub in_region: bool,
    /// The agreement with the model's provider.
    pub agreement: Agreement,
}

/// An account's agreement with the provider of a model: its subscription in AWS Marketplace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// It is there, or none is needed.
    Available,
    /// It is being made.
    Pending,
    /// There is none: the account has never asked the model.
    Missing,
    /// It could not be made, with the service's words.
    Failed(String),
}

/// What Lambda allows an account in a Region (`GetAccountSettings`, `AccountLimit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Functions at the same time, all together.
    pub limit: u32,
    /// Those of them that no function has reserved.
    pub unreserved: u32,
}

/// A rule of EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name; for a stack's own rules the stack's name and the logical id stand in it.
    pub name: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The events that it is about; null for a rule with a schedule.
    pub pattern: Value,
}

/// A quota as it holds for the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Its display name, the only place that says which model it is about.
    pub name: String,
    /// Its value.
    pub value: f64,
}
