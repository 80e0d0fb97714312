//! What stopping or redriving a run keeps, and what it may cost.

use crate::status::RunStatus;
use crate::words::counted;
use quarry_result::digits::grouped;

/// Errors that come again if a run is redriven, since they are about its input.
const OF_THE_INPUT: [&str; 2] = ["Quarry.BadRequest", "Quarry.DataChanged"];

/// Returns what stopping a run would keep and end, in lines.
pub fn before_stop(status: &RunStatus) -> Vec<String> {
    let keeps = format!(
        "keeps     {} with a good answer, for a redrive",
        counted(status.rows.answered, "row")
    );
    let stops = match status.jobs.len() as u64 {
        0 => "stops     no job: none is live".to_owned(),
        jobs => format!(
            "stops     {} with {}: AWS charges for those, and their answers are kept if Bedrock writes them",
            counted(jobs, "job"),
            worked_on(status)
        ),
    };
    let calls = status.slices.filter(|slices| slices.on_demand > 0);
    let calls = calls.map(|_| {
        "calls     on demand go on for at most ten minutes, and are paid for; their answers are kept".to_owned()
    });
    [keeps, stops].into_iter().chain(calls).collect()
}

/// Returns the records of live jobs. Bedrock counts them only while it works on them.
fn worked_on(status: &RunStatus) -> String {
    let records: Option<u64> = status.jobs.iter().map(|job| job.records).sum();
    match records {
        None => "records that Bedrock has not counted yet".to_owned(),
        Some(records) => format!(
            "{}, of which the models have worked on {}",
            counted(records, "record"),
            grouped(status.rows.in_progress)
        ),
    }
}

/// Returns what redriving a run would keep and ask again, in lines.
pub fn before_redrive(status: &RunStatus) -> Vec<String> {
    let mut lines = vec![format!(
        "keeps     {} with a good answer, and the answers that ended jobs have written",
        counted(status.rows.answered, "row")
    )];
    if let Some(total) = status.rows.total {
        let rest = total.saturating_sub(status.rows.answered);
        lines.push(format!(
            "asks      at most {} again, which is paid for",
            counted(rest, "row")
        ));
    }
    if let Some(failure) = &status.failure
        && OF_THE_INPUT.contains(&failure.error.as_str())
    {
        lines.push(format!(
            "warning   the run failed for its input, and the same error comes again unless that was corrected: {}",
            failure.message
        ));
    }
    lines
}
