//! Names and request tokens of a run's jobs. They follow from the run's folder, its execution, the
//! slice and the round, so that a retried step finds the job that its first attempt created.

use crate::digest::hex_digest;
use crate::layout::{RoundFolder, RunFolder};
use crate::run_identity::RunIdentity;

/// Bedrock's limit for a job's name (`CreateModelInvocationJob`, `jobName`).
pub const MAX_JOB_NAME: usize = 63;

/// The start of the names of all jobs of all runs; a valid job name.
pub const ALL: &str = "quarry-";

/// The readable part of a job's name, in characters: the beginning of the run's name.
const READABLE: usize = 24;
/// The part of a digest that distinguishes runs, in characters.
const TELLING: usize = 10;

/// The names of the jobs of one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobNames {
    identity: String,
    prefix: String,
}

impl JobNames {
    /// Returns the names of the jobs of an execution in its run's folder. Without the execution's
    /// ARN, they follow from the folder alone.
    pub fn new(run: &RunFolder, of: &RunIdentity) -> Self {
        let folder = run.location().to_string();
        let name = folder.trim_end_matches('/').rsplit('/').next();
        let readable: String = name
            .unwrap_or("")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(READABLE)
            .collect();
        let identity = match &of.execution_arn {
            Some(arn) => format!("{folder}\n{arn}\n{}", of.started),
            None => folder,
        };
        let digest = hex_digest(&identity);
        Self {
            prefix: format!("{ALL}{readable}-{}-", &digest[..TELLING]),
            identity,
        }
    }

    /// Returns the start of the names of all jobs of this execution and no other; a valid job name.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the name of a round's job: at most 63 of `[a-zA-Z0-9-]`, the same for every attempt.
    pub fn name(&self, round: &RoundFolder) -> String {
        format!("{}{:06}-{}", self.prefix, round.slice(), round.number())
    }

    /// Returns the `clientRequestToken` of a round's job: the same for every attempt, and different
    /// for every other job.
    pub fn token(&self, round: &RoundFolder) -> String {
        let (slice, number) = (round.slice(), round.number());
        hex_digest(format!("{}\n{slice}\n{number}", self.identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::S3Uri;

    const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:quarry:run";

    fn folder(run: &str) -> RunFolder {
        let work: S3Uri = "s3://bucket/work".parse().unwrap();
        RunFolder::new(&work, run)
    }

    fn identity(arn: Option<&str>, started: &str) -> RunIdentity {
        RunIdentity {
            version: crate::VERSION,
            execution_arn: arn.map(str::to_owned),
            started: started.to_owned(),
        }
    }

    fn names(run: &str) -> JobNames {
        JobNames::new(&folder(run), &identity(Some(ARN), "2026-01-02T03:04:05Z"))
    }

    fn round(run: &str, slice: u32, round: u32) -> RoundFolder {
        folder(run).slice(slice).round(round)
    }

    #[test]
    fn job_names_hold_the_services_pattern_for_any_run() {
        for run in ["r", "2026-11-22T10_00_00.csv", &"x".repeat(80), "ä/ö"] {
            let name = names(run).name(&round(run, 99_999, 10));
            assert!(name.len() <= MAX_JOB_NAME, "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn the_jobs_of_a_run_and_no_others_share_a_prefix() {
        let names = names("run");
        for (slice, number) in [(0, 0), (99_999, 10)] {
            let name = names.name(&round("run", slice, number));
            assert!(name.starts_with(names.prefix()));
        }
        for other in ["run2", "ru", "run-0"] {
            let name = super::tests::names(other).name(&round(other, 0, 0));
            assert!(!name.starts_with(names.prefix()), "{other}");
        }
    }

    #[test]
    fn a_token_is_the_same_for_the_same_job_and_for_no_other() {
        let token = |run: &str, slice, number| names(run).token(&round(run, slice, number));
        let one = token("run", 1, 0);
        assert_eq!(one, token("run", 1, 0));
        assert_eq!(one.len(), 64);
        for other in [token("run", 1, 1), token("run", 2, 0), token("run2", 1, 0)] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn two_executions_of_one_name_have_different_jobs() {
        let run = folder("run");
        let round = run.slice(0).round(0);
        let elsewhere = "arn:aws:states:us-east-1:123456789012:execution:other:run";
        let all: Vec<JobNames> = [
            (Some(ARN), "2026-01-02T03:04:05Z"),
            (Some(ARN), "2026-06-02T03:04:05Z"),
            (Some(elsewhere), "2026-01-02T03:04:05Z"),
            (None, "2026-01-02T03:04:05Z"),
        ]
        .into_iter()
        .map(|(arn, started)| JobNames::new(&run, &identity(arn, started)))
        .collect();
        for (number, one) in all.iter().enumerate() {
            for other in &all[number + 1..] {
                assert_ne!(one.name(&round), other.name(&round));
                assert_ne!(one.token(&round), other.token(&round));
                assert!(!one.name(&round).starts_with(other.prefix()));
            }
        }
    }

    /// A run that was planned without its execution's ARN still finds its jobs.
    #[test]
    fn without_the_executions_arn_the_jobs_are_named_after_the_folder() {
        let run = folder("job");
        let names = JobNames::new(&run, &identity(None, "2026-01-02T03:04:05Z"));
        let digest = hex_digest("s3://bucket/work/job");
        assert_eq!(names.prefix(), format!("quarry-job-{}-", &digest[..10]));
        let round = run.slice(3).round(2);
        assert_eq!(
            names.token(&round),
            hex_digest("s3://bucket/work/job\n3\n2")
        );
    }
}
