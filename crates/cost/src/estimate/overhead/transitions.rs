//! State transitions: each state that is entered is one.

use super::asked::AskedSlices;
use crate::charges;
use crate::estimate::Estimated;
use crate::usd::Usd;
use serde::Serialize;

/// The states of the run's own execution: Begin, Plan, `IsPlanned`, Slices, `BeginFinish`, Finish, `IsFinished` and
/// Succeeded.
const OF_A_RUN: u64 = 8;

/// The states of a slice with a job besides those of a look: Split, `HowToAsk`, Submit, Merge, `AreRowsLeft` and
/// `SliceDone`.
const OF_A_JOB: u64 = 6;

/// The states of a look at a job: `WaitForJob`, Check and `HasJobEnded`.
const OF_A_LOOK: u64 = 3;

/// The states of a slice that is sent on demand: Split, `HowToAsk`, Invoke, `IsAllAsked`, Merge, `AreRowsLeft` and
/// `SliceDone`.
const OF_A_SLICE_ON_DEMAND: u64 = 7;

/// State transitions of Step Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Transitions {
    /// Their number. It depends on how often the jobs are looked at.
    pub number: Estimated<u64>,
    /// What they cost.
    pub cost: Estimated<Usd>,
}

/// Calls of functions that continue the work of an earlier call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FurtherCalls {
    /// Of `plan` and `finish`, each with three states.
    pub(super) of_the_run: u64,
    /// Of `invoke`, each with two states.
    pub(super) of_slices: u64,
}

impl Transitions {
    pub(super) fn of(asked: &AskedSlices, looks: Estimated<u64>, further: FurtherCalls) -> Self {
        let fixed = OF_A_RUN
            + asked.on_demand.slices * OF_A_SLICE_ON_DEMAND
            + further.of_the_run * 3
            + further.of_slices * 2;
        let number =
            looks.map(|looks| fixed + asked.in_jobs.slices * (OF_A_JOB + OF_A_LOOK * looks));
        Self {
            number,
            cost: number.map(|number| charges::TRANSITION.times(number)),
        }
    }
}
