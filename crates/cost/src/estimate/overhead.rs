//! What AWS charges for the run itself: Step Functions, Lambda and S3, by formula.
//!
//! The prices are those of us-east-1, read on 2026-11-28 on the pages of prices of the three services.
//! Free tiers are not subtracted. Only the first round is counted.

use super::Estimated;
use crate::usd::Usd;
use serde::Serialize;

/// 10⁻¹² USD for a state transition: 0.025 USD for 1,000.
const TRANSITION: u128 = 25_000_000;
/// For a call of a function: 0.20 USD for a million.
const CALL: u128 = 200_000;
/// For a millisecond with 0.5 GB, the memory of the functions that move data: 0.0000166667 USD a GB-second.
const MILLISECOND: u128 = 8_333;
/// For a write or a list: 0.005 USD for 1,000.
const WRITE: u128 = 5_000_000;
/// For a read: 0.0004 USD for 1,000.
const READ: u128 = 400_000;
/// For a byte that is stored for a month: 0.023 USD for a GB.
const BYTE_MONTH: u128 = 23;

/// Bytes that a function moves in a second.
const BYTES_A_SECOND: u64 = 75 << 20;
const PART: u64 = 8 << 20;
/// The longest time for which one call of `invoke` works, seconds.
const INVOKE_SECONDS: u64 = 840;
/// Days for which the template keeps the run's folder.
const KEPT_DAYS: u128 = 120;

/// What a run asks in its first round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedSlices {
    /// Slices that are sent in jobs.
    pub job_slices: u64,
    /// Slices that are sent on demand.
    pub call_slices: u64,
    /// All records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The records that are sent on demand.
    pub calls: u64,
    /// Calls at the same time, over all slices.
    pub workers: u64,
    /// Tokens of an answer.
    pub answer_tokens: u64,
    /// The longest time of a job, hours.
    pub job_hours: u64,
}

/// What AWS charges for the run itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Overhead {
    /// State transitions of Step Functions.
    pub transitions: Estimated<u64>,
    /// Time of functions, in milliseconds with 0.5 GB.
    pub function_ms: u64,
    /// Writes and lists of S3.
    pub s3_writes: u64,
    /// All together.
    pub total: Estimated<Usd>,
}

impl Overhead {
    /// Returns the charges of a run. The lower bound is for jobs of one hour, the best guess for jobs of 6
    /// hours, and the upper bound for jobs that take as long as they may.
    pub fn of(asked: &AskedSlices) -> Self {
        let slices = asked.job_slices + asked.call_slices;
        // A call waits for its model 0.6 s, and 80 tokens come in a second.
        let call_ms = 600 + asked.answer_tokens * 1_000 / 80;
        let invoke_ms = asked.calls * call_ms / asked.workers.max(1);
        let invokes = asked.call_slices.max(invoke_ms / 1_000 / INVOKE_SECONDS);
        let transitions = |hours: u64| {
            let looks = looks(hours * 3_600);
            8 + slices + asked.job_slices * (5 + 3 * looks) + asked.call_slices * 4 + 2 * invokes
        };
        let transitions = Estimated {
            low: transitions(1),
            expected: transitions(6.min(asked.job_hours)),
            high: transitions(asked.job_hours),
        };
        // plan reads, split reads and writes, merge reads the answers with their requests and writes.
        let moved_ms = asked.bytes * 6 / (BYTES_A_SECOND / 1_000);
        let function_ms = moved_ms + slices * 1_500 + invoke_ms;
        let parts = asked.bytes.div_ceil(PART);
        let batches = if asked.calls == 0 {
            0
        } else {
            asked.calls.div_ceil(asked.workers.max(10))
        };
        let s3_writes = 12 + slices * 13 + 2 * parts + batches;
        let s3_reads = 10 + slices * 17 + 4 * parts;
        let stored = u128::from(asked.bytes) * 3;
        let fixed = u128::from(function_ms) * MILLISECOND
            + u128::from(s3_writes) * WRITE
            + u128::from(s3_reads) * READ
            + stored * BYTE_MONTH * KEPT_DAYS / 30;
        let total = |transitions: u64| {
            Usd::of_parts(fixed + u128::from(transitions) * (TRANSITION + CALL / 2))
        };
        Self {
            total: Estimated {
                low: total(transitions.low),
                expected: total(transitions.expected),
                high: total(transitions.high),
            },
            transitions,
            function_ms,
            s3_writes,
        }
    }
}

/// How often the status of a job that takes this time is looked at: first after a minute, then after 8 % of
/// the job's age, at least a minute and at most two hours.
fn looks(seconds: u64) -> u64 {
    let (mut age, mut looks) = (60, 1);
    while age < seconds {
        age += (age * 8 / 100).clamp(60, 7_200);
        looks += 1;
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_looked_at_more_rarely_the_longer_it_takes() {
        assert_eq!(
            [2_070, 4_320, 86_400, 604_800].map(looks),
            [26, 36, 75, 147]
        );
    }

    #[test]
    fn a_million_rows_in_jobs_cost_less_than_a_dollar_of_aws_itself() {
        let asked = AskedSlices {
            job_slices: 23,
            records: 1_000_000,
            bytes: 1_600_000_000,
            job_hours: 24,
            ..AskedSlices::default()
        };
        let overhead = Overhead::of(&asked);
        assert!(overhead.total.high < "1".parse().unwrap(), "{overhead:?}");
        assert!(overhead.total.low > "0.1".parse().unwrap(), "{overhead:?}");
    }
}
