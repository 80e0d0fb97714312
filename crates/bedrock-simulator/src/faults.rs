//! Scripted faults: what goes wrong, when, and how often.
//!
//! ```json
//! {
//!   "records": [
//!     {"record": "record_12", "kind": "error_line", "code": 500, "message": "internal error"},
//!     {"every": 97, "offset": 5, "kind": "german_quotes"},
//!     {"first": 3, "kind": "max_tokens", "times": 2},
//!     {"record": "record_40", "kind": "fenced", "on_demand": false}
//!   ],
//!   "jobs": [
//!     {"job": 3, "kind": "end", "status": "Expired", "answered": 0.4, "message": "out of time"},
//!     {"every_job": 2, "kind": "throttle_create", "times": 2},
//!     {"job": 0, "kind": "lost_create_response"}
//!   ],
//!   "calls": [
//!     {"operation": "invoke", "kind": "throttle", "every": 10},
//!     {"operation": "invoke", "kind": "throttle", "tier": "flex", "minutes": 45},
//!     {"operation": "create", "kind": "subscription_pending", "minutes": 10}
//!   ],
//!   "models": [{"model": "anthropic.claude-haiku-4-5", "refuses": ["structured_output"]}],
//!   "today": "2026-11-28",
//!   "name_in_use": "validation"
//! }
//! ```
//!
//! `docs/local-stack.md` describes every member and every kind. The types are here, what a script
//! may not say is in [`check`](self::check), and what strikes when in [`strikes`](self::strikes).

mod check;
mod strikes;

pub use check::FaultsError;
pub(crate) use strikes::{Strikes, StruckCall};

use crate::models::ModelChange;
use crate::status::Status;
use serde::{Deserialize, Serialize};

/// All scripted faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Of single records.
    pub records: Vec<RecordFault>,
    /// Of whole jobs.
    pub jobs: Vec<JobFault>,
    /// Of calls.
    pub calls: Vec<CallFault>,
    /// What some models take or refuse in this account, against the simulator's list.
    pub models: Vec<ModelChange>,
    /// The models that have ended by this day are gone. Without it, no model ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<FaultDate>,
    /// Which exception says that a job's name is in use.
    #[serde(skip_serializing_if = "is_default")]
    pub name_in_use: NameInUse,
}

/// A day, as in ISO 8601: `2026-11-28`. Days compare as their texts do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultDate(String);

impl FaultDate {
    /// The day that the text names.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = |length: usize, most: u32| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            let number: u32 = part.parse().ok().filter(|_| digits)?;
            (number >= 1 && number <= most).then_some(())
        };
        number(4, 9_999)?;
        number(2, 12)?;
        number(2, 31)?;
        parts.next().is_none().then(|| Self(text.to_owned()))
    }

    /// Whether this day is `other` or comes after it.
    pub(crate) fn has_reached(&self, other: &str) -> bool {
        self.0.as_str() >= other
    }
}

impl TryFrom<String> for FaultDate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text).ok_or_else(|| format!("`{text}` is not a day; write it as 2026-11-28"))
    }
}

impl From<FaultDate> for String {
    fn from(date: FaultDate) -> Self {
        date.0
    }
}

/// The exception for a job's name that is in use. The API lists `ConflictException` for the
/// operation; its sibling operations are seen to answer a `ValidationException`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameInUse {
    /// `ConflictException`.
    #[default]
    Conflict,
    /// `ValidationException`.
    Validation,
}

/// What goes wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordFaultKind {
    /// An error instead of an answer.
    ErrorLine,
    /// No line.
    Missing,
    /// The same line twice.
    Duplicate,
    /// A second line with another answer.
    ConflictingDuplicate,
    /// A line with an id that nobody sent.
    UnknownId,
    /// A line that is not JSON.
    MalformedLine,
    /// German quotation marks, the closing one a bare ASCII mark.
    GermanQuotes,
    /// In a code fence.
    Fenced,
    /// Between sentences.
    Prose,
    /// JSON that breaks the schema.
    SchemaViolation,
    /// Cut off.
    MaxTokens,
    /// The model declines, without any content.
    Refusal,
    /// A guardrail's message stands in the place of the answer.
    GuardrailIntervened,
    /// One property of a tool's input holds the others in the XML of tool calls.
    ToolCallLeak,
    /// Lists and objects inside the answer are given as JSON text.
    NestedAsText,
}

impl RecordFaultKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::ErrorLine,
        Self::Missing,
        Self::Duplicate,
        Self::ConflictingDuplicate,
        Self::UnknownId,
        Self::MalformedLine,
        Self::GermanQuotes,
        Self::Fenced,
        Self::Prose,
        Self::SchemaViolation,
        Self::MaxTokens,
        Self::Refusal,
        Self::GuardrailIntervened,
        Self::ToolCallLeak,
        Self::NestedAsText,
    ];

    /// Whether it is about the line of a job's output, not about what the model answers.
    pub(crate) fn is_about_line(self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::Duplicate
                | Self::ConflictingDuplicate
                | Self::UnknownId
                | Self::MalformedLine
        )
    }
}

/// A fault of some records. Exactly one of `record`, `every` and `first` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFault {
    /// The record's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Every so many records, from `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first position with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// All positions below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// What goes wrong.
    pub kind: RecordFaultKind,
    /// The error's code, with `error_line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The error's message, with `error_line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the error line says about asking again, with `error_line`; from the code when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// Whether the error line says that the record's time was up, with `error_line`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expired: bool,
    /// The first so many asks of a record; 1 when absent.
    #[serde(default = "once")]
    pub times: u64,
    /// Whether on-demand asks count and are hit too; true when absent.
    #[serde(default = "yes")]
    pub on_demand: bool,
}

impl RecordFault {
    /// A fault of the record with this id, once.
    pub fn of_record(record: impl Into<String>, kind: RecordFaultKind) -> Self {
        Self {
            record: Some(record.into()),
            ..Self::new(kind)
        }
    }

    /// A fault of every `every`-th record from `offset`, once each.
    pub fn of_every(every: u64, offset: u64, kind: RecordFaultKind) -> Self {
        Self {
            every: Some(every),
            offset,
            ..Self::new(kind)
        }
    }

    /// The same fault for the first `times` asks.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    fn new(kind: RecordFaultKind) -> Self {
        Self {
            record: None,
            every: None,
            offset: 0,
            first: None,
            kind,
            code: None,
            message: None,
            retryable: None,
            expired: false,
            times: 1,
            on_demand: true,
        }
    }
}

/// What goes wrong with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobFaultKind {
    /// It ends as the fault says.
    End,
    /// Its creation is throttled.
    ThrottleCreate,
    /// Its creation meets a used quota.
    QuotaCreate,
    /// It is created, but the response does not arrive.
    LostCreateResponse,
    /// Reading it is throttled.
    ThrottleGet,
}

impl JobFaultKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::End,
        Self::ThrottleCreate,
        Self::QuotaCreate,
        Self::LostCreateResponse,
        Self::ThrottleGet,
    ];
}

/// A fault of some jobs. Exactly one of `job` and `every_job` is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFault {
    /// The so-many-th job created, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u64>,
    /// Every so many jobs, from `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_job: Option<u64>,
    /// The first job with `every_job`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// What goes wrong.
    pub kind: JobFaultKind,
    /// The terminal status, with `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The share of the records in the output, with `end`; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<f64>,
    /// The job's message, with `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the connection breaks, with `lost_create_response`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
    /// The first so many calls; 1 when absent.
    #[serde(default = "once")]
    pub times: u64,
}

impl JobFault {
    /// A fault of the `job`-th job (from 0), once.
    pub fn of_job(job: u64, kind: JobFaultKind) -> Self {
        Self {
            job: Some(job),
            every_job: None,
            offset: 0,
            kind,
            status: None,
            answered: None,
            message: None,
            cut: false,
            times: 1,
        }
    }

    /// The `job`-th job ends as `status` with the share `answered` of its records in the output.
    pub fn end(job: u64, status: Status, answered: f64) -> Self {
        Self {
            status: Some(status),
            answered: Some(answered),
            ..Self::of_job(job, JobFaultKind::End)
        }
    }
}

/// A group of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `CreateModelInvocationJob`.
    Create,
    /// `GetModelInvocationJob`.
    Get,
    /// `ListModelInvocationJobs`.
    List,
    /// `StopModelInvocationJob`.
    Stop,
    /// `InvokeModel` and `Converse`.
    Invoke,
}

impl Operation {
    /// Whether its calls name a model.
    pub(crate) fn names_model(self) -> bool {
        matches!(self, Self::Create | Self::Invoke)
    }
}

/// A service tier that a call asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTier {
    /// The tier of calls that name none.
    #[default]
    Default,
    /// Cheaper, and later.
    Flex,
    /// Dearer, and sooner.
    Priority,
}

impl FaultTier {
    /// The service's name of the tier.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFaultKind {
    /// `ThrottlingException`.
    Throttle,
    /// `ServiceUnavailableException`.
    Unavailable,
    /// The connection breaks after the work is done.
    Cut,
    /// `AccessDeniedException`: the marketplace subscription of the account's first call is under
    /// way.
    SubscriptionPending,
    /// `ResourceNotFoundException`: nobody has filled in the provider's form.
    UseCaseFormMissing,
    /// `ValidationException`: the Region does not have the model.
    NotInRegion,
    /// `ResourceNotFoundException`: a model that will end, and that the account has not used lately.
    Legacy,
    /// `ValidationException`: the account has to be opened for Bedrock by AWS's support.
    AccountNotAuthorized,
    /// `AccessDeniedException`: the caller may not hand the job's role over. Of `create` only.
    PassRoleDenied,
}

impl CallFaultKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Throttle,
        Self::Unavailable,
        Self::Cut,
        Self::SubscriptionPending,
        Self::UseCaseFormMissing,
        Self::NotInRegion,
        Self::Legacy,
        Self::AccountNotAuthorized,
        Self::PassRoleDenied,
    ];

    /// Whether it is about the model that a call names, or the account's right to call it.
    pub(crate) fn is_about_model(self) -> bool {
        matches!(
            self,
            Self::SubscriptionPending
                | Self::UseCaseFormMissing
                | Self::NotInRegion
                | Self::Legacy
                | Self::AccountNotAuthorized
        )
    }
}

/// A fault of some calls. Exactly one of `every`, `first` and `minutes` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// Which calls.
    pub operation: Operation,
    /// What goes wrong.
    pub kind: CallFaultKind,
    /// Only calls whose model's id, without a geography, begins like this; with `create` and
    /// `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only calls that ask for this tier, with `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<FaultTier>,
    /// Every so many of these calls, from `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first call with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The first so many of these calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// All of these calls for so many minutes from the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// The error's message, in place of the service's usual words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl CallFault {
    /// A fault of the first `first` calls.
    pub fn of_first(first: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            first: Some(first),
            ..Self::new(operation, kind)
        }
    }

    /// A fault of every `every`-th call, from the first on.
    pub fn of_every(every: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            every: Some(every),
            ..Self::new(operation, kind)
        }
    }

    /// A fault of all calls for so many minutes from the first one.
    pub fn of_minutes(minutes: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            minutes: Some(minutes),
            ..Self::new(operation, kind)
        }
    }

    fn new(operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            operation,
            kind,
            model: None,
            tier: None,
            every: None,
            offset: 0,
            first: None,
            minutes: None,
            message: None,
        }
    }
}

impl Faults {
    /// The names of all kinds, for people.
    pub fn kinds() -> String {
        fn names<T: Serialize>(kinds: &[T]) -> String {
            let names = kinds.iter().map(|kind| {
                let name = serde_json::to_value(kind).unwrap_or_default();
                name.as_str().unwrap_or_default().to_owned()
            });
            names.collect::<Vec<_>>().join(", ")
        }
        format!(
            "records: {}\njobs: {}\ncalls: {}",
            names(&RecordFaultKind::ALL),
            names(&JobFaultKind::ALL),
            names(&CallFaultKind::ALL)
        )
    }
}

fn once() -> u64 {
    1
}

fn yes() -> bool {
    true
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the documentation is a valid script and reads back as it was written.
    #[test]
    fn the_documented_example_reads_back() {
        let source = include_str!("faults.rs");
        let example: String = source
            .lines()
            .skip_while(|line| !line.contains("```json"))
            .skip(1)
            .take_while(|line| !line.contains("```"))
            .map(|line| line.trim_start_matches("//!"))
            .collect();
        let faults = Faults::from_json(example.as_bytes()).unwrap();
        assert_eq!(
            (faults.records.len(), faults.jobs.len(), faults.calls.len()),
            (4, 3, 3)
        );
        let written = serde_json::to_vec(&faults).unwrap();
        assert_eq!(Faults::from_json(&written).unwrap(), faults);
    }

    #[test]
    fn days_are_told_from_other_texts() {
        let day = FaultDate::read("2026-11-28").unwrap();
        assert!(day.has_reached("2026-11-28") && day.has_reached("2026-10-14"));
        assert!(!day.has_reached("2027-01-08"));
        for other in [
            "",
            "2026",
            "2026-11",
            "28.11.2026",
            "2026-13-01",
            "2026-11-32",
            "2026-11-+1",
        ] {
            assert_eq!(FaultDate::read(other), None, "{other}");
        }
    }

    #[test]
    fn all_kinds_are_named() {
        let kinds = Faults::kinds();
        for name in [
            "error_line",
            "nested_as_text",
            "throttle_get",
            "subscription_pending",
        ] {
            assert!(kinds.contains(name), "{kinds}");
        }
    }
}
