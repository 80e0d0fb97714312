//! The visible progress of a run.

use crate::work::Work;
use quarry_contract::payload::{FinishOutput, PlanOutput, SliceState, Step};
use quarry_state_machine::{Event, EventKind, Observer};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Called for every step.
pub type ProgressSink = Arc<dyn Fn(&RunProgress) + Send + Sync>;

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunProgress {
    /// The data is scanned and cut into slices.
    Planned {
        /// The number of slices.
        slices: u32,
        /// The rows of all tables.
        rows: u64,
    },
    /// A slice made progress.
    Slice {
        /// The function that ran.
        by: String,
        /// The slice.
        slice: u32,
        /// The round.
        round: u32,
        /// The slice's next step.
        next: Step,
        /// The records of the round.
        records: u64,
        /// The round's job.
        job: Option<String>,
        /// The virtual time since the run began.
        at: Duration,
    },
    /// A step failed and will be retried.
    Retrying {
        /// The execution.
        execution: String,
        /// The state.
        state: String,
        /// The error's name.
        error: String,
        /// The virtual time until the retry.
        delay: Duration,
    },
    /// The results are written.
    Finished {
        /// The rows of all tables.
        rows: u64,
    },
}

pub(crate) struct Watch {
    pub(crate) began: SystemTime,
    pub(crate) sink: ProgressSink,
    pub(crate) work: Arc<Work>,
}

impl Observer for Watch {
    fn event(&self, event: &Event<'_>) {
        let at = event.at.duration_since(self.began).unwrap_or_default();
        let progress = match event.kind {
            EventKind::TaskSucceeded {
                function, result, ..
            } => {
                let payload = result.get("Payload").unwrap_or(result);
                self.of_result(function, payload, at)
            }
            EventKind::Retrying {
                state,
                error,
                delay,
                ..
            } => Some(RunProgress::Retrying {
                execution: event.execution.to_owned(),
                state: state.to_owned(),
                error: error.to_owned(),
                delay,
            }),
            _ => None,
        };
        if let Some(progress) = progress {
            (self.sink)(&progress);
        }
    }
}

impl Watch {
    fn of_result(&self, function: &str, payload: &Value, at: Duration) -> Option<RunProgress> {
        match function {
            "plan" => {
                let output = PlanOutput::deserialize(payload).ok()?;
                output.done.then(|| RunProgress::Planned {
                    slices: output.slices,
                    rows: self.work.rows().total,
                })
            }
            "finish" => {
                let output = FinishOutput::deserialize(payload).ok()?;
                output
                    .done
                    .then_some(RunProgress::Finished { rows: output.rows })
            }
            _ => {
                let state = SliceState::deserialize(payload).ok()?;
                Some(RunProgress::Slice {
                    by: function.to_owned(),
                    slice: state.slice,
                    round: state.round,
                    next: state.next,
                    records: state.records,
                    job: state.job.map(|job| job.name),
                    at,
                })
            }
        }
    }
}
