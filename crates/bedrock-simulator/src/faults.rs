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
//!     {"operation": "get", "kind": "unavailable", "first": 2}
//!   ]
//! }
//! ```
//!
//! **Records** are selected by their id (`record`), by their position in the input of the job that
//! had them first (`every` with `offset`: positions `offset`, `offset + every`, …; `first`:
//! positions below it). A fault holds for the first `times` times (default 1) that a record is
//! asked, in jobs and on demand together, so that asking again heals it; with `"on_demand": false`
//! it counts and holds in jobs only. A record is the same across asks by the text of its prompt;
//! one that no job had before has no id, and the position at which its prompt first came on demand.
//!
//! | `kind` | what comes |
//! |---|---|
//! | `error_line` | an error with `code` (default 500) and `message`; on demand that HTTP status |
//! | `missing` | no line |
//! | `duplicate` | the same line twice |
//! | `conflicting_duplicate` | a second line with another answer |
//! | `unknown_id` | a line whose `recordId` nobody sent, in place of the record's |
//! | `malformed_line` | a line that is no JSON |
//! | `german_quotes` | `„word"` with a bare `"` inside a text of the JSON, given as text |
//! | `fenced`, `prose` | the JSON in a code fence or between sentences, given as text |
//! | `schema_violation` | JSON that breaks the schema |
//! | `max_tokens` | an answer cut off, with the stop reason that says so |
//!
//! The five about lines hold in jobs only, whatever `on_demand` says. Those about JSON leave
//! answers alone that are none.
//!
//! **Jobs** are selected by the order in which they are created (`job`, from 0; `every_job` with
//! `offset`). Faults of creation hold for the first `times` calls (default 1) that would create
//! that job, or would answer it again.
//!
//! | `kind` | what comes |
//! |---|---|
//! | `end` | the job ends as `status`, with the share `answered` (0 to 1, default 1) of its records in the output, evenly spread, and `message` |
//! | `throttle_create` | `ThrottlingException` |
//! | `quota_create` | `ServiceQuotaExceededException` |
//! | `lost_create_response` | the job is created, the answer is `InternalServerException`; with `"cut": true` the connection breaks instead |
//! | `throttle_get` | `ThrottlingException` when the job is read |
//!
//! **Calls** are selected by operation (`create`, `get`, `list`, `stop`, `invoke` for both on-demand
//! operations) and by their number since the start, every call counted, those of the SDK's own
//! retries too (`every` with `offset`, or `first`). Kinds: `throttle`, `unavailable` (HTTP 503) and
//! `cut` (the connection breaks after the work is done).

use crate::job::Status;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

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
    /// A line that is no JSON.
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
}

impl RecordFaultKind {
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

    /// A fault of the first `first` records, once each.
    pub fn of_first(first: u64, kind: RecordFaultKind) -> Self {
        Self {
            first: Some(first),
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
    /// It is created, but the answer does not arrive.
    LostCreateResponse,
    /// Reading it is throttled.
    ThrottleGet,
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
    /// The share of records in the output, with `end`; all when absent.
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
}

/// A fault of some calls. Exactly one of `every` and `first` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// Which calls.
    pub operation: Operation,
    /// What goes wrong.
    pub kind: CallFaultKind,
    /// Every so many calls, from `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first call with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The first so many calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
}

impl CallFault {
    /// A fault of the first `first` calls.
    pub fn of_first(first: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            operation,
            kind,
            every: None,
            offset: 0,
            first: Some(first),
        }
    }

    /// A fault of every `every`-th call, from the first on.
    pub fn of_every(every: u64, operation: Operation, kind: CallFaultKind) -> Self {
        Self {
            operation,
            kind,
            every: Some(every),
            offset: 0,
            first: None,
        }
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

/// Why a fault script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// It is not JSON of this form.
    #[error("the fault script cannot be read")]
    Json(#[from] serde_json::Error),
    /// A fault selects nothing, twice, or with a zero step.
    #[error("{list}[{index}] needs exactly one selector of {selectors}, above 0")]
    Selector {
        /// `records`, `jobs` or `calls`.
        list: &'static str,
        /// From 0.
        index: usize,
        /// The names to choose from.
        selectors: &'static str,
    },
    /// A setting that another kind of fault has.
    #[error("{list}[{index}]: {problem}")]
    Setting {
        /// `records` or `jobs`.
        list: &'static str,
        /// From 0.
        index: usize,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
}

impl Faults {
    /// Reads and checks a script.
    pub fn from_json(bytes: &[u8]) -> Result<Self, FaultsError> {
        let faults: Self = serde_json::from_slice(bytes)?;
        faults.check()?;
        Ok(faults)
    }

    /// Whether every fault says what it must and nothing that it cannot.
    pub fn check(&self) -> Result<(), FaultsError> {
        for (index, fault) in self.records.iter().enumerate() {
            let list = "records";
            let selected = usize::from(fault.record.is_some())
                + usize::from(fault.every.is_some_and(|every| every > 0))
                + usize::from(fault.first.is_some());
            if selected != 1 || fault.every == Some(0) {
                return Err(FaultsError::Selector {
                    list,
                    index,
                    selectors: "`record`, `every`, `first`",
                });
            }
            let has_error = fault.code.is_some() || fault.message.is_some();
            if has_error && fault.kind != RecordFaultKind::ErrorLine {
                return Err(FaultsError::Setting {
                    list,
                    index,
                    problem: "`code` and `message` are for `error_line`",
                });
            }
        }
        for (index, fault) in self.jobs.iter().enumerate() {
            let list = "jobs";
            let selected = usize::from(fault.job.is_some())
                + usize::from(fault.every_job.is_some_and(|every| every > 0));
            if selected != 1 || fault.every_job == Some(0) {
                return Err(FaultsError::Selector {
                    list,
                    index,
                    selectors: "`job`, `every_job`",
                });
            }
            let setting = |problem| FaultsError::Setting {
                list,
                index,
                problem,
            };
            let ends = fault.kind == JobFaultKind::End;
            if ends && !fault.status.is_some_and(Status::is_terminal) {
                return Err(setting(
                    "`end` needs a terminal `status`: Completed, PartiallyCompleted, Failed, \
                     Stopped or Expired",
                ));
            }
            let has_end =
                fault.status.is_some() || fault.answered.is_some() || fault.message.is_some();
            if has_end && !ends {
                return Err(setting("`status`, `answered` and `message` are for `end`"));
            }
            if fault
                .answered
                .is_some_and(|share| !(0.0..=1.0).contains(&share))
            {
                return Err(setting("`answered` is a share from 0 to 1"));
            }
            if fault.cut && fault.kind != JobFaultKind::LostCreateResponse {
                return Err(setting("`cut` is for `lost_create_response`"));
            }
        }
        for (index, fault) in self.calls.iter().enumerate() {
            if fault.every.is_some() == fault.first.is_some() || fault.every == Some(0) {
                return Err(FaultsError::Selector {
                    list: "calls",
                    index,
                    selectors: "`every`, `first`",
                });
            }
        }
        Ok(())
    }

    /// The faults of a record's ask: it has this id, this first position, and was asked so often
    /// before, in jobs and on demand.
    pub(crate) fn of_ask(
        &self,
        record_id: Option<&str>,
        position: u64,
        in_jobs: u64,
        on_demand: u64,
        is_on_demand: bool,
    ) -> impl Iterator<Item = &RecordFault> {
        self.records.iter().filter(move |fault| {
            let selected = match (&fault.record, fault.first) {
                (Some(record), _) => record_id == Some(record.as_str()),
                (None, Some(first)) => position < first,
                (None, None) => steps(position, fault.every, fault.offset),
            };
            let job_only = !fault.on_demand || fault.kind.is_about_line();
            let before = if fault.on_demand {
                in_jobs + on_demand
            } else {
                in_jobs
            };
            selected && before < fault.times && !(is_on_demand && job_only)
        })
    }
}

impl JobFault {
    fn selects(&self, job: u64) -> bool {
        match self.job {
            Some(number) => number == job,
            None => steps(job, self.every_job, self.offset),
        }
    }
}

impl Faults {
    /// How the `job`-th job is made to end.
    pub(crate) fn ending(&self, job: u64) -> Option<&JobFault> {
        self.jobs
            .iter()
            .find(|fault| fault.kind == JobFaultKind::End && fault.selects(job))
    }
}

fn steps(number: u64, every: Option<u64>, offset: u64) -> bool {
    let Some(past) = number.checked_sub(offset) else {
        return false;
    };
    every.is_some_and(|every| past.checked_rem(every) == Some(0))
}

/// How often each fault of jobs and calls has struck.
#[derive(Debug, Default)]
pub(crate) struct Strikes {
    jobs: HashMap<(usize, u64), u64>,
    calls: HashMap<Operation, u64>,
}

impl Strikes {
    /// The fault of this kind that hits the `job`-th job now, if any; it is counted.
    pub(crate) fn job<'f>(
        &mut self,
        faults: &'f Faults,
        kind: JobFaultKind,
        job: u64,
    ) -> Option<&'f JobFault> {
        faults
            .jobs
            .iter()
            .enumerate()
            .filter(|(_, fault)| fault.kind == kind && fault.selects(job))
            .find_map(|(index, fault)| {
                let struck = self.jobs.entry((index, job)).or_default();
                let strikes = *struck < fault.times;
                *struck += u64::from(strikes);
                strikes.then_some(fault)
            })
    }

    /// The fault that hits this call, if any; the call is counted.
    pub(crate) fn call(&mut self, faults: &Faults, operation: Operation) -> Option<CallFaultKind> {
        let number = self.calls.entry(operation).or_default();
        let this = *number;
        *number += 1;
        faults
            .calls
            .iter()
            .filter(|fault| fault.operation == operation)
            .find(|fault| match fault.first {
                Some(first) => this < first,
                None => steps(this, fault.every, fault.offset),
            })
            .map(|fault| fault.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        Faults::from_json(json.as_bytes()).unwrap_err().to_string()
    }

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
            (4, 3, 2)
        );
        let written = serde_json::to_vec(&faults).unwrap();
        assert_eq!(Faults::from_json(&written).unwrap(), faults);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused(r#"{"records":[{"kind":"missing"}]}"#).contains("records[0]"));
        assert!(
            refused(r#"{"records":[{"first":1,"every":2,"kind":"missing"}]}"#)
                .contains("exactly one selector")
        );
        assert!(refused(r#"{"records":[{"every":0,"kind":"missing"}]}"#).contains("above 0"));
        assert!(
            refused(r#"{"records":[{"first":1,"kind":"missing","code":500}]}"#)
                .contains("error_line")
        );
        assert!(refused(r#"{"jobs":[{"kind":"end","status":"Failed"}]}"#).contains("jobs[0]"));
        assert!(
            refused(r#"{"jobs":[{"job":0,"kind":"end","status":"InProgress"}]}"#)
                .contains("terminal")
        );
        assert!(
            refused(r#"{"jobs":[{"job":0,"kind":"end","status":"Failed","answered":1.5}]}"#)
                .contains("0 to 1")
        );
        assert!(
            refused(r#"{"jobs":[{"job":0,"kind":"throttle_get","cut":true}]}"#).contains("`cut`")
        );
        assert!(refused(r#"{"calls":[{"operation":"get","kind":"cut"}]}"#).contains("calls[0]"));
        // A misspelt name is an error, not a fault that never strikes.
        assert!(Faults::from_json(br#"{"records":[{"fist":1,"kind":"missing"}]}"#).is_err());
        assert!(Faults::from_json(br#"{"record":[]}"#).is_err());
    }

    #[test]
    fn a_record_fault_holds_for_its_first_asks() {
        let faults = Faults {
            records: vec![RecordFault::of_every(10, 3, RecordFaultKind::Prose).times(2)],
            ..Faults::default()
        };
        let hit = |position, in_jobs, on_demand, is_on_demand| {
            faults
                .of_ask(None, position, in_jobs, on_demand, is_on_demand)
                .count()
                == 1
        };
        assert!(hit(3, 0, 0, false) && hit(13, 1, 0, true) && hit(23, 0, 1, false));
        assert!(!hit(3, 1, 1, true) && !hit(2, 0, 0, false) && !hit(4, 0, 0, false));
    }

    #[test]
    fn faults_of_jobs_only_and_of_lines_spare_on_demand_asks() {
        let fault = RecordFault::of_first(1, RecordFaultKind::Prose);
        let faults = Faults {
            records: vec![
                RecordFault {
                    on_demand: false,
                    ..fault
                },
                RecordFault::of_first(1, RecordFaultKind::Missing),
            ],
            ..Faults::default()
        };
        assert_eq!(faults.of_ask(None, 0, 0, 0, true).count(), 0);
        assert_eq!(faults.of_ask(None, 0, 0, 0, false).count(), 2);
        // The first still holds in a job after an ask on demand, the second does not.
        assert_eq!(faults.of_ask(None, 0, 0, 1, false).count(), 1);
    }

    #[test]
    fn strikes_are_counted_per_job_and_per_call() {
        let faults = Faults {
            jobs: vec![JobFault {
                times: 2,
                ..JobFault::of_job(1, JobFaultKind::ThrottleCreate)
            }],
            calls: vec![CallFault::of_every(
                3,
                Operation::Get,
                CallFaultKind::Throttle,
            )],
            ..Faults::default()
        };
        let mut strikes = Strikes::default();
        let mut create = |job| {
            strikes
                .job(&faults, JobFaultKind::ThrottleCreate, job)
                .is_some()
        };
        assert_eq!(
            [create(0), create(1), create(1), create(1)],
            [false, true, true, false]
        );
        let mut get = || strikes.call(&faults, Operation::Get).is_some();
        assert_eq!([get(), get(), get(), get()], [true, false, false, true]);
    }
}
