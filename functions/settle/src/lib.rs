//! `settle`: does what is left to do after a run has ended, however it ended.
//!
//! | end | what it does |
//! |---|---|
//! | `SUCCEEDED` | sends the locations of the results to the pipeline, if one waits |
//! | `FAILED`, `TIMED_OUT` | sends the cause, and leaves the run's Bedrock jobs to a redrive |
//! | `ABORTED` | stops the run's live jobs, and sends the cause |
//!
//! A schedule calls it, too. Then it stops the jobs whose run is over: the run can no longer be redriven,
//! or nobody has redriven it for the deployment's time. And it settles the ends whose event was lost.
//!
//! Everything that a run has written stays where it is, and a redrive uses it. Settling twice is
//! harmless: it leaves jobs that have ended alone, and a pipeline's step keeps its first result.
//!
//! A `submit` that was under way when the run ended may create its job after this function has
//! looked. If a round of the run may still get a job, and the run ended less than [`LATE_JOBS`]
//! ago, the invocation does everything else and then fails with `Quarry.Unavailable`. Lambda then
//! calls again after one minute, and once more two minutes later.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | A pipeline that waits receives the end of its run: the places and counts, or the cause in at most 256 characters. | `ended`, `reason` | `answers` |
//! | A stopped run leaves no job running, of any slice or round. Jobs are found by their documents or by their names. | `jobs` | `jobs::live_jobs_of_all_slices_and_rounds_are_stopped_and_no_others`, `jobs::a_job_is_found_by_its_document_or_by_its_name` |
//! | A failed run keeps its jobs for a redrive, until the deployment's time is over or it cannot be redriven. | `redrive`, `sweep` | `jobs::a_failed_run_keeps_its_jobs_for_a_redrive`, `sweeps::the_jobs_of_a_failed_run_are_stopped_when_the_time_for_a_redrive_is_over` |
//! | The sweep stops no job of a run that goes on, of another deployment, or of a folder's other owner. | `sweep` | `sweeps::jobs_of_runs_that_go_on_and_of_others_are_left_alone` |
//! | An end whose event was lost is settled by the sweep, once. | `sweep`, `mark` | `sweeps::an_end_whose_event_was_lost_is_settled_once` |
//! | A listing of any length is read page by page. | `jobs::recorded` | `jobs::a_run_with_many_objects_is_listed_page_by_page` |
//! | A sweep ends before Lambda ends it, and says that it did not do everything. | `sweep` | `sweeps::a_sweep_that_has_no_more_time_leaves_the_rest_to_the_next` |
//! | A run that was refused its folder stops no job of the folder's owner. | `owned` | `jobs::a_run_that_was_refused_its_folder_stops_no_job_of_the_folders_owner` |
//! | If a job may still appear, `settle` looks for it again, for 150 seconds. | `ended` (`LATE_JOBS`) | `jobs::a_round_that_may_still_get_a_job_is_checked_again_a_minute_later`, `errors::a_late_job_is_waited_for_150_seconds_and_no_longer` |
//! | Settling twice stops nothing more and reports nothing twice. | `ended`, `jobs` | `errors::settling_again_stops_no_more_jobs_and_makes_no_second_callback`, `answers::calling_back_twice_is_harmless` |
//! | No object of a run is changed, so a redrive continues with what the run has written. | everywhere | `errors::settling_touches_no_object_of_the_run` |
//! | A run that has been redriven since is left alone, also if that happens while its jobs are being stopped. The events of slices and of starts are ignored. | `ended`, `event`, `run_end` | `answers::a_redriven_run_is_left_alone`, `jobs::a_run_that_is_redriven_while_its_jobs_are_stopped_keeps_the_others`, `sweeps::a_run_that_is_redriven_during_a_sweep_keeps_its_other_jobs`, `answers::slices_and_beginnings_are_not_ends_of_runs` |
//! | If one thing fails, everything else is still done. Then the call fails with the error's name and place. | `jobs::note`, `ended` | `jobs::one_job_that_cannot_be_stopped_prevents_nothing_else`, `errors` |

mod deps;
mod ended;
mod event;
mod jobs;
mod mark;
mod owned;
mod reason;
mod redrive;
mod run_end;
mod sweep;

pub use deps::Deps;
pub use ended::{LATE_JOBS, Settled, Told, settle};
pub use event::{ExecutionDetail, ExecutionEvent, Included, SettleEvent};
pub use redrive::RedriveTime;
pub use sweep::{Swept, sweep};

use quarry_edge::error::StepError;
use serde::Serialize;

/// What a call did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SettleOutput {
    /// It settled the end of an execution.
    Ended(Settled),
    /// It looked for what events had missed.
    Swept(Swept),
}

/// Does what the event says.
pub async fn handle(deps: &Deps, event: SettleEvent) -> Result<SettleOutput, StepError> {
    match event {
        SettleEvent::Ended(event) => settle(deps, *event).await.map(SettleOutput::Ended),
        SettleEvent::Sweep => sweep(deps).await.map(SettleOutput::Swept),
    }
}
