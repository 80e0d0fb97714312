//! Output of a job that is not all there yet. The service promises no order between the end of a
//! job and its output, and what is sent again is paid for again, so the output is waited for first.

use quarry_contract::plan::JobEnd;
use quarry_edge::jobs::JobStatus;
use std::time::Duration;

/// The waits before the output is looked at again. After them, what is there counts.
const WAITS: [Duration; 6] = [
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(30),
];

/// What there is of a job's output.
pub(crate) struct JobOutput {
    pub(crate) has_manifest: bool,
    /// Lines according to the manifest; 0 if it does not say.
    pub(crate) lines_counted: u64,
    pub(crate) lines_read: u64,
}

/// Whether the output has fewer lines than the service counted, or lacks the manifest that a job
/// writes last.
pub(crate) fn is_late(job: &JobEnd, output: &JobOutput) -> bool {
    let counted = job
        .counts
        .map_or(0, |counts| counts.answers.saturating_add(counts.errors));
    let lacks_manifest = !output.has_manifest
        && matches!(
            job.status,
            JobStatus::Completed | JobStatus::PartiallyCompleted
        );
    lacks_manifest || output.lines_read < counted.max(output.lines_counted)
}

/// Returns the wait after some looks at an output that was not complete; `None` if it has been
/// waited for long enough.
pub(crate) fn next_wait(looks: u32) -> Option<Duration> {
    WAITS.get(looks as usize).copied()
}
