//! The steps of a run in words, and as JSON.

use quarry_contract::payload::Step;
use quarry_local_stack::RunProgress;
use quarry_runs::counted;
use serde_json::json;

/// Returns a step for people; `None` for steps that are too many to show.
pub(super) fn as_line(progress: &RunProgress) -> Option<String> {
    Some(match progress {
        RunProgress::Planned { slices, rows } => format!(
            "planned: {} in {}",
            counted(*rows, "row"),
            counted(u64::from(*slices), "slice")
        ),
        RunProgress::Slice {
            by,
            slice,
            round,
            next,
            records,
            job,
            at,
        } => {
            let hours = at.as_secs_f64() / 3600.0;
            let what = match (next, job) {
                (Step::Submit, _) => format!("{records} records written for a job"),
                (Step::Invoke, _) => format!("{records} records to send on demand"),
                // Polls of a running job are too many to show.
                (Step::Wait, Some(job)) if by == "submit" => format!("job {job} created"),
                (Step::Wait, _) => return None,
                (Step::Merge, Some(job)) => format!("job {job} has ended"),
                (Step::Merge, None) => "sent on demand".to_owned(),
                (Step::Split, _) => "rows left for another round".to_owned(),
                (Step::Late, _) => "the output of the job is not complete yet".to_owned(),
                (Step::Rest, _) => "the service does not work; the slice waits".to_owned(),
                (Step::Done, _) => "done".to_owned(),
            };
            format!("[{hours:6.2} h] slice {slice}, round {round}: {what}")
        }
        RunProgress::Retrying {
            execution,
            state,
            error,
            delay,
        } => format!(
            "{execution}: {state} failed with {error}, next attempt in {} s",
            delay.as_secs()
        ),
        RunProgress::Finished { rows } => format!("finished: {}", counted(*rows, "row")),
    })
}

/// Returns a step for programs.
pub(super) fn as_json(progress: &RunProgress) -> serde_json::Value {
    match progress {
        RunProgress::Planned { slices, rows } => {
            json!({ "step": "planned", "slices": slices, "rows": rows })
        }
        RunProgress::Slice {
            by,
            slice,
            round,
            next,
            records,
            job,
            at,
        } => json!({
            "step": by, "slice": slice, "round": round, "next": next,
            "records": records, "job": job, "virtual_seconds": at.as_secs(),
        }),
        RunProgress::Retrying {
            execution,
            state,
            error,
            delay,
        } => json!({
            "step": "retrying", "execution": execution, "state": state,
            "error": error, "delay_seconds": delay.as_secs(),
        }),
        RunProgress::Finished { rows } => json!({ "step": "finished", "rows": rows }),
    }
}
