//! Facts about a run, made from what each of its slices does.

use quarry_contract::VERSION;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::job_status::JobStatus;
use quarry_contract::layout::RunFolder;
use quarry_contract::listed_job::ListedJob;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::FinishOutput;
use quarry_result::ledger::Counts;
use quarry_result::receipt::Round;
use quarry_runs::{PlanFacts, RunFacts};
use std::time::Duration;

/// When runs began: 2026-11-28T15:58:01Z.
pub(crate) const BEGAN: Duration = Duration::from_secs(1_795_881_481);
/// 41 minutes later.
pub(crate) const NOW: Duration = Duration::from_secs(1_795_881_481 + 41 * 60);

/// Rows of each slice.
const ROWS: u64 = 100;

/// What a slice does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slice {
    Waiting,
    /// A job has worked on so many records; on none if the service has no counts yet.
    InJob(u64),
    OnDemand,
    /// A round is read, and the next one has not begun.
    Between,
    Done,
}

pub(crate) struct World {
    pub(crate) facts: RunFacts,
}

impl World {
    pub(crate) fn new(status: ExecutionStatus) -> Self {
        let work = S3Uri::new("bucket", "runs").unwrap();
        Self {
            facts: RunFacts {
                name: "strikes-3f9c".to_owned(),
                status,
                started: BEGAN,
                ended: None,
                redrives: 0,
                failure: None,
                output: None,
                sample: None,
                retries: None,
                folder: RunFolder::new(&work, "strikes-3f9c"),
                plan: None,
                objects: Vec::new(),
                counted: Vec::new(),
                records_asked: 0,
                jobs: Vec::new(),
            },
        }
    }

    pub(crate) fn planned(slices: &[Slice]) -> Self {
        let mut world = Self::new(ExecutionStatus::Running);
        let count = u32::try_from(slices.len()).unwrap();
        world.facts.plan = Some(PlanFacts {
            rows: ROWS * u64::from(count),
            slices: count,
            model: "us.anthropic.claude-haiku-4-5-20251001-v1:0".to_owned(),
            rates: None,
        });
        for (number, slice) in (0..count).zip(slices) {
            world.add(number, *slice);
        }
        world
    }

    pub(crate) fn end(&mut self, status: ExecutionStatus) {
        self.facts.status = status;
        self.facts.ended = Some(NOW);
    }

    fn add(&mut self, number: u32, does: Slice) {
        let slice = self.facts.folder.slice(number);
        self.facts.objects.push(slice.spec());
        let first = slice.round(0);
        match does {
            Slice::Waiting => {}
            Slice::InJob(processed) => {
                self.facts
                    .objects
                    .extend([first.input(), first.asked(), first.job()]);
                self.facts.records_asked += ROWS;
                self.job(number, processed);
            }
            Slice::OnDemand => {
                self.facts.objects.extend([first.asked(), first.counts()]);
                self.count(60);
                let second = slice.round(1);
                let answers = second.on_demand_output().join("0-9.jsonl.out");
                self.facts
                    .objects
                    .extend([second.todo(), second.asked(), answers]);
                self.facts.records_asked += ROWS;
            }
            Slice::Between => {
                self.facts.objects.extend([first.asked(), first.counts()]);
                self.count(60);
            }
            Slice::Done => {
                let ended = [first.asked(), first.job(), first.job_end(), first.counts()];
                self.facts.objects.extend(ended);
                self.facts.objects.extend([slice.part(), slice.receipt()]);
                self.count(ROWS);
            }
        }
    }

    fn count(&mut self, good: u64) {
        let counts = Counts {
            asked: ROWS,
            good,
            input_tokens: 17_000,
            output_tokens: 2_500,
            ..Counts::default()
        };
        self.facts.counted.push(Round {
            job: None,
            on_demand: 0,
            counts,
            differences: Vec::new(),
            answers_counted: 0,
        });
    }

    fn job(&mut self, slice: u32, processed: u64) {
        let counts = (processed > 0).then_some(processed);
        self.facts.jobs.push(ListedJob {
            arn: format!("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{slice:012}"),
            name: format!("quarry-strikes-3f9c-0123456789-{slice:06}-0"),
            status: JobStatus::InProgress,
            expires: Some(BEGAN + Duration::from_hours(24)),
            records: counts.map(|_| ROWS),
            processed: counts,
            errors: counts.map(|_| 0),
        });
    }
}

pub(crate) fn output() -> FinishOutput {
    FinishOutput {
        version: VERSION,
        done: true,
        turn: 1,
        run: S3Uri::new("bucket", "runs/strikes-3f9c").unwrap(),
        output: S3Uri::new("bucket", "results/strikes/strikes-3f9c/").unwrap(),
        summary: S3Uri::new("bucket", "results/strikes/strikes-3f9c/summary.json").unwrap(),
        rows: 100,
        failed: 2,
        cost: "1.8".parse().ok(),
    }
}
