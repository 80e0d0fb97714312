//! The rules of a valid script of faults.

use super::{CallFault, Faults, JobFault, JobFaultKind, Operation, RecordFault, RecordFaultKind};
use crate::status::Status;
use serde_json::Value;

/// Why a script of faults is not valid.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// The script is not JSON of this form.
    #[error("the script of faults cannot be read")]
    Json(#[from] serde_json::Error),
    /// The script has something else where it needs an object with named members.
    #[error("{place} is {found}; write an object with named members")]
    NotAnObject {
        /// `the script`, or a list's name and an index.
        place: String,
        /// The kind of JSON value that was found.
        found: &'static str,
    },
    /// A fault has no selector, two, or one that is 0.
    #[error("{list}[{index}] needs exactly one selector of {selectors}, above 0")]
    Selector {
        /// The list's name: `records`, `jobs` or `calls`.
        list: &'static str,
        /// The fault's index, from 0.
        index: usize,
        /// The selectors to choose from.
        selectors: &'static str,
    },
    /// A fault has a setting that belongs to another kind.
    #[error("{list}[{index}]: {problem}")]
    Setting {
        /// The list's name.
        list: &'static str,
        /// The fault's index, from 0.
        index: usize,
        /// The problem and its remedy.
        problem: &'static str,
    },
}

const LISTS: [&str; 4] = ["records", "jobs", "calls", "models"];

impl Faults {
    /// Reads and checks a script.
    pub fn from_json(bytes: &[u8]) -> Result<Self, FaultsError> {
        check_shape(&serde_json::from_slice(bytes)?)?;
        let faults: Self = serde_json::from_slice(bytes)?;
        faults.check()?;
        Ok(faults)
    }

    /// Checks that every fault has all the settings it needs and no others.
    pub fn check(&self) -> Result<(), FaultsError> {
        each("records", &self.records, record)?;
        each("jobs", &self.jobs, job)?;
        each("calls", &self.calls, call)?;
        each("models", &self.models, |change| {
            if change.model.is_empty() {
                return Err(FaultProblem::Setting(
                    "`model` is the beginning of model ids",
                ));
            }
            if change.refuses.is_empty() && change.takes.is_empty() {
                return Err(FaultProblem::Setting("needs `refuses` or `takes`"));
            }
            Ok(())
        })
    }
}

/// Requires named members, because a list in the place of an object would be read by position.
fn check_shape(script: &Value) -> Result<(), FaultsError> {
    object(script, || "the script".to_owned())?;
    for list in LISTS {
        let items = script.get(list).and_then(Value::as_array);
        for (index, item) in items.into_iter().flatten().enumerate() {
            object(item, || format!("{list}[{index}]"))?;
        }
    }
    Ok(())
}

fn object(value: &Value, place: impl Fn() -> String) -> Result<(), FaultsError> {
    let found = match value {
        Value::Object(_) => return Ok(()),
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
    };
    Err(FaultsError::NotAnObject {
        place: place(),
        found,
    })
}

/// The problem of one fault.
enum FaultProblem {
    Selector(&'static str),
    Setting(&'static str),
}

fn each<T>(
    list: &'static str,
    items: &[T],
    check: impl Fn(&T) -> Result<(), FaultProblem>,
) -> Result<(), FaultsError> {
    for (index, item) in items.iter().enumerate() {
        check(item).map_err(|problem| match problem {
            FaultProblem::Selector(selectors) => FaultsError::Selector {
                list,
                index,
                selectors,
            },
            FaultProblem::Setting(problem) => FaultsError::Setting {
                list,
                index,
                problem,
            },
        })?;
    }
    Ok(())
}

fn record(fault: &RecordFault) -> Result<(), FaultProblem> {
    let selected = usize::from(fault.record.is_some())
        + usize::from(fault.every.is_some())
        + usize::from(fault.first.is_some());
    if selected != 1 || fault.every == Some(0) {
        return Err(FaultProblem::Selector("`record`, `every`, `first`"));
    }
    let has_error = fault.code.is_some()
        || fault.message.is_some()
        || fault.retryable.is_some()
        || fault.expired;
    if has_error && fault.kind != RecordFaultKind::ErrorLine {
        return Err(FaultProblem::Setting(
            "`code`, `message`, `retryable` and `expired` are for `error_line`",
        ));
    }
    if fault.code.is_some_and(|code| !(400..=599).contains(&code)) {
        return Err(FaultProblem::Setting(
            "`code` is an HTTP status from 400 to 599",
        ));
    }
    Ok(())
}

fn job(fault: &JobFault) -> Result<(), FaultProblem> {
    let selected = usize::from(fault.job.is_some()) + usize::from(fault.every_job.is_some());
    if selected != 1 || fault.every_job == Some(0) {
        return Err(FaultProblem::Selector("`job`, `every_job`"));
    }
    let ends = fault.kind == JobFaultKind::End;
    if ends && !fault.status.is_some_and(Status::is_terminal) {
        return Err(FaultProblem::Setting(
            "`end` needs a terminal `status`: Completed, PartiallyCompleted, Failed, Stopped or \
             Expired",
        ));
    }
    if (fault.status.is_some() || fault.message.is_some()) && !ends {
        return Err(FaultProblem::Setting(
            "`status` and `message` are for `end`",
        ));
    }
    if fault.answered.is_some() && !ends && fault.kind != JobFaultKind::LateOutput {
        return Err(FaultProblem::Setting(
            "`answered` is for `end` and `late_output`",
        ));
    }
    if fault
        .answered
        .is_some_and(|share| !(0.0..=1.0).contains(&share))
    {
        return Err(FaultProblem::Setting("`answered` is a share from 0 to 1"));
    }
    if fault.minutes.is_some() && !fault.kind.is_late() {
        return Err(FaultProblem::Setting(
            "`minutes` is for `late_output`, `no_manifest` and `late_list`",
        ));
    }
    let comes = fault.kind.is_late() && fault.kind != JobFaultKind::NoManifest;
    if comes && fault.minutes.is_none() {
        return Err(FaultProblem::Setting(
            "`late_output` and `late_list` need `minutes`",
        ));
    }
    if fault.cut && fault.kind != JobFaultKind::LostCreateResponse {
        return Err(FaultProblem::Setting("`cut` is for `lost_create_response`"));
    }
    Ok(())
}

fn call(fault: &CallFault) -> Result<(), FaultProblem> {
    let selected = usize::from(fault.every.is_some())
        + usize::from(fault.first.is_some())
        + usize::from(fault.minutes.is_some());
    if selected != 1 || fault.every == Some(0) {
        return Err(FaultProblem::Selector("`every`, `first`, `minutes`"));
    }
    if fault.tier.is_some() && fault.operation != Operation::Invoke {
        return Err(FaultProblem::Setting("`tier` is for `invoke`"));
    }
    let names_model = fault.operation.names_model();
    if (fault.model.is_some() || fault.kind.is_about_model()) && !names_model {
        return Err(FaultProblem::Setting(
            "only `create` and `invoke` name a model",
        ));
    }
    if fault.kind == super::CallFaultKind::PassRoleDenied && fault.operation != Operation::Create {
        return Err(FaultProblem::Setting("`pass_role_denied` is for `create`"));
    }
    if fault.message.is_some() && fault.kind == super::CallFaultKind::Cut {
        return Err(FaultProblem::Setting("a `cut` has no `message`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    fn refused(json: &str) -> String {
        let error = Faults::from_json(json.as_bytes()).unwrap_err();
        match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (script, words) in [
            (r#"{"records":[{"kind":"missing"}]}"#, "records[0]"),
            (
                r#"{"records":[{"first":1,"every":2,"kind":"missing"}]}"#,
                "exactly one selector",
            ),
            (r#"{"records":[{"every":0,"kind":"missing"}]}"#, "above 0"),
            (
                r#"{"records":[{"first":1,"kind":"missing","code":500}]}"#,
                "error_line",
            ),
            (
                r#"{"records":[{"first":1,"kind":"prose","retryable":true}]}"#,
                "error_line",
            ),
            (
                r#"{"records":[{"first":1,"kind":"error_line","code":200}]}"#,
                "400 to 599",
            ),
            (r#"{"jobs":[{"kind":"end","status":"Failed"}]}"#, "jobs[0]"),
            (
                r#"{"jobs":[{"job":0,"kind":"end","status":"InProgress"}]}"#,
                "terminal",
            ),
            (
                r#"{"jobs":[{"job":0,"kind":"end","status":"Failed","answered":1.5}]}"#,
                "0 to 1",
            ),
            (
                r#"{"jobs":[{"job":0,"kind":"throttle_get","cut":true}]}"#,
                "`cut`",
            ),
            (
                r#"{"jobs":[{"job":0,"kind":"end","status":"Failed","minutes":5}]}"#,
                "`minutes` is for",
            ),
            (
                r#"{"jobs":[{"job":0,"kind":"late_output"}]}"#,
                "need `minutes`",
            ),
            (
                r#"{"jobs":[{"job":0,"kind":"late_list","minutes":1,"answered":0.5}]}"#,
                "`answered` is for",
            ),
            (
                r#"{"calls":[{"operation":"get","kind":"cut"}]}"#,
                "calls[0]",
            ),
            (
                r#"{"calls":[{"operation":"create","kind":"throttle","tier":"flex","first":1}]}"#,
                "`tier` is for `invoke`",
            ),
            (
                r#"{"calls":[{"operation":"get","kind":"not_in_region","first":1}]}"#,
                "name a model",
            ),
            (
                r#"{"calls":[{"operation":"invoke","kind":"pass_role_denied","first":1}]}"#,
                "`pass_role_denied` is for `create`",
            ),
            (r#"{"models":[{"model":"anthropic."}]}"#, "models[0]"),
            (
                r#"{"models":[{"model":"a","refuses":["tools","tool"]}]}"#,
                "unknown variant `tool`",
            ),
            (r#"{"today":"soon"}"#, "2026-11-28"),
        ] {
            let message = refused(script);
            assert!(message.contains(words), "{script}: {message}");
        }
    }

    /// A misspelt name is an error; otherwise the fault would silently never strike.
    #[test]
    fn unknown_members_and_kinds_are_refused_with_the_known_ones() {
        let message = refused(r#"{"records":[{"fist":1,"kind":"missing"}]}"#);
        assert!(
            message.contains("`fist`") && message.contains("`first`"),
            "{message}"
        );
        let message = refused(r#"{"record":[]}"#);
        assert!(message.contains("`records`"), "{message}");
        let message = refused(r#"{"calls":[{"operation":"get","kind":"throtle","first":1}]}"#);
        assert!(message.contains("`throttle`"), "{message}");
    }

    #[test]
    fn lists_in_the_place_of_objects_are_refused() {
        for (script, words) in [
            ("[[],[],[],[]]", "the script is a list"),
            (
                r#"{"records":[["a",1,0,1,"missing"]]}"#,
                "records[0] is a list",
            ),
            (r#"{"calls":[["get","cut"]]}"#, "calls[0] is a list"),
            (r#"{"models":["a"]}"#, "models[0] is a text"),
            ("null", "the script is null"),
        ] {
            let message = refused(script);
            assert!(message.contains(words), "{script}: {message}");
        }
    }
}
