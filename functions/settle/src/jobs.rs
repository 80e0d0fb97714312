//! The run's live jobs: finding and stopping them.
//!
//! There are two sources, since neither is complete on its own. The documents of the run's folder
//! lack a job whose `submit` was interrupted after it created the job; the service's list may lack
//! a job of the last few seconds.

use crate::owned;
use crate::run_end::RunEnd;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::{RoundObject, RunFolder};
use quarry_contract::plan::CreatedJob;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::jobs::JobStatus;
use quarry_edge::store::ObjectStore;
use std::collections::{BTreeMap, BTreeSet};

/// The outcome of stopping a run's jobs.
pub(crate) struct StopReport {
    /// The number of jobs that were asked to stop.
    pub(crate) stopped: usize,
    /// Whether a round has its records but neither a job nor answers, so that its job may still
    /// appear.
    pub(crate) open_rounds: bool,
    /// Whether the run was redriven before all jobs were stopped. It needs the others.
    pub(crate) is_redriven: bool,
    /// The first error. The other jobs are stopped nevertheless.
    pub(crate) result: Result<(), StepError>,
}

/// Stops all live jobs of an execution that has ended, if the run's folder is its own and nobody has
/// redriven it.
pub(crate) async fn stop(end: &RunEnd<'_>, run: &RunFolder) -> StopReport {
    let report = |result| StopReport {
        stopped: 0,
        open_rounds: false,
        is_redriven: false,
        result,
    };
    match owned::by(&*end.deps.store, run, end.detail).await {
        Ok(Some(identity)) => stop_all(end, run, &identity).await,
        Ok(None) => {
            tracing::info!("the run's folder is not this execution's: it has no jobs");
            report(Ok(()))
        }
        Err(error) => report(Err(error)),
    }
}

async fn stop_all(end: &RunEnd<'_>, run: &RunFolder, identity: &RunIdentity) -> StopReport {
    let (store, jobs) = (&*end.deps.store, &*end.deps.jobs);
    let mut failed = None;
    let mut live = BTreeSet::new();
    let mut over = BTreeSet::new();
    let names = JobNames::new(run, identity);
    let prefix = names.prefix();
    match jobs.named(prefix).await {
        Ok(listed) => {
            for job in listed {
                if job.status.is_terminal() || job.status == JobStatus::Stopping {
                    over.insert(job.arn);
                } else {
                    live.insert(job.arn);
                }
            }
        }
        Err(error) => note(
            &mut failed,
            StepError::of(error, format!("listing jobs {prefix}…")),
        ),
    }
    let open_rounds = match recorded(store, run).await {
        Ok(recorded) => {
            live.extend(recorded.arns);
            recorded.open_rounds
        }
        Err(error) => {
            note(&mut failed, error);
            // Not known, so it is possible.
            true
        }
    };
    let (mut stopped, mut is_redriven) = (0, false);
    for arn in live.difference(&over) {
        // Each stop takes a moment, and there may be many.
        is_redriven = end.is_redriven().await;
        if is_redriven {
            break;
        }
        match jobs.stop(arn).await {
            Ok(()) => {
                tracing::info!(job = %arn, "job stopped");
                stopped += 1;
            }
            Err(error) => note(
                &mut failed,
                StepError::of(error, format!("stopping job {arn}")),
            ),
        }
    }
    StopReport {
        stopped,
        open_rounds,
        is_redriven,
        result: failed.map_or(Ok(()), Err),
    }
}

fn note(failed: &mut Option<StepError>, error: StepError) {
    tracing::error!(
        error_type = error.name(),
        error = error.full_message(),
        "cannot find or stop every job of the run; stopping the others"
    );
    failed.get_or_insert(error);
}

/// What the documents of the run's folder say.
struct Recorded {
    /// Jobs without a recorded end.
    arns: Vec<String>,
    open_rounds: bool,
}

/// What is recorded about a round's job.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RoundJob {
    #[default]
    Unknown,
    Created,
    Ended,
}

/// Which documents a round has.
#[derive(Default)]
struct RoundRecord {
    asked: bool,
    job: RoundJob,
    answers: bool,
}

impl RoundRecord {
    fn note(&mut self, kind: RoundObject) {
        match kind {
            RoundObject::Asked => self.asked = true,
            RoundObject::Job => self.job = self.job.max(RoundJob::Created),
            RoundObject::JobEnd => self.job = RoundJob::Ended,
            RoundObject::Counts | RoundObject::OnDemandAnswers => self.answers = true,
            RoundObject::Input
            | RoundObject::JobAnswers
            | RoundObject::GivenAnswers
            | RoundObject::Other => {}
        }
    }
}

async fn recorded(store: &dyn ObjectStore, run: &RunFolder) -> Result<Recorded, StepError> {
    let slices = run.slices();
    let mut rounds: BTreeMap<(u32, u32), RoundRecord> = BTreeMap::new();
    let mut next = None;
    loop {
        // A run on demand has an object for each few records, too many to keep them all.
        let page = store.page(&slices, next.as_deref()).await;
        let page = page.doing(|| format!("listing {slices}"))?;
        for object in &page.objects {
            if let Some((folder, kind)) = run.round_of(&object.location) {
                let round = rounds.entry((folder.slice(), folder.number())).or_default();
                round.note(kind);
            }
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let mut recorded = Recorded {
        arns: Vec::new(),
        open_rounds: false,
    };
    for ((slice, number), round) in rounds {
        if round.job == RoundJob::Created {
            let at = run.slice(slice).round(number).job();
            let job: CreatedJob = documents::read(store, &at).await?;
            recorded.arns.push(job.arn);
        }
        recorded.open_rounds |= round.asked && round.job == RoundJob::Unknown && !round.answers;
    }
    Ok(recorded)
}
