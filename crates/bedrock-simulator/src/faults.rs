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
//!     {"job": 0, "kind": "lost_create_response"},
//!     {"job": 1, "kind": "late_output", "minutes": 20, "answered": 0.5}
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
//! `docs/local-stack.md` describes every member and every kind. Each type is in the module of its
//! subject. [`check`](self::check) has the rules of a valid script, and [`strikes`](self::strikes)
//! decides when a fault strikes.

mod call;
mod check;
mod date;
mod defaults;
mod job;
mod record;
mod strikes;

pub use call::{CallFault, CallFaultKind, FaultTier, Operation};
pub use check::FaultsError;
pub use date::FaultDate;
pub use job::{JobFault, JobFaultKind};
pub use record::{RecordFault, RecordFaultKind};
pub(crate) use strikes::{Strikes, StruckCall};

use crate::models::ModelChange;
use defaults::is_default;
use serde::{Deserialize, Serialize};

/// All scripted faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Faults of single records.
    pub records: Vec<RecordFault>,
    /// Faults of whole jobs.
    pub jobs: Vec<JobFault>,
    /// Faults of calls.
    pub calls: Vec<CallFault>,
    /// What some models accept or refuse in this account, in contrast to the simulator's list.
    pub models: Vec<ModelChange>,
    /// The day of the script: models that have ended by this day are gone. Without it, no model
    /// ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<FaultDate>,
    /// The exception for a job's name that is in use.
    #[serde(skip_serializing_if = "is_default")]
    pub name_in_use: NameInUse,
}

/// The exception for a job's name that is in use. The API lists `ConflictException` for the
/// operation, but its sibling operations have been seen to return a `ValidationException`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameInUse {
    /// `ConflictException`.
    #[default]
    Conflict,
    /// `ValidationException`.
    Validation,
}

impl Faults {
    /// Returns the names of all kinds, for people.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the documentation is a valid script, and writing it gives the same script
    /// again.
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
            (4, 4, 3)
        );
        let written = serde_json::to_vec(&faults).unwrap();
        assert_eq!(Faults::from_json(&written).unwrap(), faults);
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
