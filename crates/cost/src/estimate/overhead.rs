//! What AWS charges for the run itself, by formula: state transitions of Step Functions, requests to S3, time
//! of functions, and the bytes that the run's folder keeps.
//!
//! The local stack counts transitions, requests and calls of real runs, and a test holds the formula against
//! them. Time of functions has been measured nowhere but in benchmarks: it follows from bytes, round trips and
//! rows.
//!
//! Limits: only the first round is counted, without faults. Requests that Bedrock makes to read and write a
//! job's files are not counted, because nobody can know their number. Logs, metrics, traces, alarms and
//! encryption with a KMS key are left out.

mod asked;
mod lambda;
mod requests;
mod transitions;

use super::Estimated;
use crate::charges;
use crate::usd::Usd;
use serde::Serialize;

pub use asked::{AskedSlices, SliceSums};
pub use lambda::{FunctionTime, LambdaTime};
pub use requests::S3Requests;
pub use transitions::Transitions;

/// Days for which the template keeps the run's folder.
const KEPT_DAYS: u64 = 120;

/// What the run's folder holds in S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeptFolder {
    /// Bytes of records, answers and parts.
    pub bytes: u64,
    /// Days until the template's rule deletes them.
    pub days: u64,
    /// What they cost.
    pub cost: Usd,
}

/// What AWS charges for the run itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overhead {
    /// Step Functions.
    pub transitions: Transitions,
    /// Requests to S3.
    pub requests: S3Requests,
    /// Lambda.
    pub lambda: LambdaTime,
    /// Storage in S3.
    pub storage: KeptFolder,
    /// All together.
    pub total: Estimated<Usd>,
    /// The day on which the prices were read.
    pub checked: &'static str,
    /// Where they were read.
    pub sources: [&'static str; 3],
}

impl Overhead {
    /// Returns the charges of a run. The lower bound is for jobs of one hour, the best guess for jobs of 6
    /// hours, and the upper bound for jobs that take as long as they may.
    pub fn of(asked: &AskedSlices) -> Self {
        let hours = Estimated {
            low: 1.min(asked.job_hours),
            expected: 6.min(asked.job_hours),
            high: asked.job_hours,
        };
        Self::of_jobs(asked, hours.map(|hours| hours * 3_600))
    }

    /// Returns the charges of a run whose jobs take these times, in seconds.
    pub fn of_jobs(asked: &AskedSlices, job_seconds: Estimated<u64>) -> Self {
        let looks = job_seconds.map(looks);
        let lambda = LambdaTime::of(asked, looks);
        let transitions = Transitions::of(asked, looks, lambda.further_calls(asked));
        let requests = S3Requests::of(asked, lambda.calls_of("invoke"));
        // The records, the answers with their records, and the parts; the result is not in the run's folder.
        let bytes = asked.bytes() + asked.answer_bytes() + asked.result_bytes();
        let storage = KeptFolder {
            bytes,
            days: KEPT_DAYS,
            cost: charges::of_storage(bytes, KEPT_DAYS),
        };
        let total = transitions.cost.plus(lambda.cost);
        let total = total.map(|cost| cost + requests.cost + storage.cost);
        Self {
            transitions,
            requests,
            lambda,
            storage,
            total,
            checked: charges::CHECKED,
            sources: charges::SOURCES,
        }
    }
}

/// Returns how often the status of a job that takes this time is looked at: first after a minute, then after
/// 8 % of the job's age, at least a minute and at most two hours.
fn looks(seconds: u64) -> u64 {
    let (mut age, mut looks) = (60, 1);
    while age < seconds {
        age += (age * 8 / 100).clamp(60, 7_200);
        looks += 1;
    }
    looks
}

#[cfg(test)]
mod tests;
