//! Limits of AWS that a run would reach after it was paid for: the parts of a result, the days of an
//! execution, the memory of planning. Runs that would reach them are refused.

use quarry_asking::Asking;
use quarry_contract::plan::{Mode, Slice};
use quarry_edge::error::StepError;
use quarry_parquet::MAX_WRITTEN_FOOTER;
use quarry_slicing::{Marks, SliceLimits};

/// The most slices of a run. A result has one part for each slice, S3 accepts 10,000 parts for one
/// object, and a header and a footer need some of them.
pub(crate) const MAX_SLICES: usize = 9_990;

/// The most marks of a table: as many as the most slices need where records and bytes are both near
/// their limits. Planning keeps them in memory and in one document.
const MAX_MARKS: usize = 2 * 64 * MAX_SLICES;

/// The most bytes of the rows of a slice. split and merge read them in one invocation, and merge
/// writes them too, compressed if the input is.
const MAX_ROW_BYTES_OF_SLICE: u64 = 4 << 30;

/// The time in which the jobs of a run have to end, hours: the 30 days of its execution, without
/// some days for quotas, throttling and further rounds.
const MOST_HOURS: f64 = 25.0 * 24.0;

/// Returns the limits of a slice.
pub(crate) fn of_slices(asking: &Asking) -> SliceLimits {
    let settings = asking.settings();
    SliceLimits {
        max_records: settings.max_records_per_job,
        max_bytes: settings.max_bytes_per_job,
        min_records: settings
            .min_records_per_job
            .min(settings.max_records_per_job),
        max_row_bytes: MAX_ROW_BYTES_OF_SLICE,
    }
}

/// Refuses a scan whose marks no longer fit into planning.
pub(crate) fn check_marks(marks: &Marks) -> Result<(), StepError> {
    if marks.len() <= MAX_MARKS {
        return Ok(());
    }
    Err(StepError::bad_request(format!(
        "the first {} rows need more than {MAX_MARKS} places at which they could be cut, which is more than planning can \
         keep; raise BEDROCK_MAX_RECORDS_PER_JOB, which is {}, or split the data set",
        marks.rows(),
        marks.limits().max_records
    )))
}

/// Refuses slices that are too many, or that may take longer than an execution may last.
pub(crate) fn check_slices(asking: &Asking, slices: &[Slice]) -> Result<(), StepError> {
    if slices.len() > MAX_SLICES {
        return Err(StepError::bad_request(format!(
            "the data makes {} jobs, more than the {MAX_SLICES} of one run; raise BEDROCK_MAX_RECORDS_PER_JOB, \
             or split the data set",
            slices.len()
        )));
    }
    check_time(asking, slices)
}

/// Refuses a Parquet result whose footer would be too long to be written. Each of the table's slices
/// gives at least one row group, which takes at most `group_bytes` there.
pub(crate) fn check_footer(table: &str, slices: u32, group_bytes: u64) -> Result<(), StepError> {
    let bytes = u64::from(slices).saturating_mul(group_bytes);
    if bytes <= MAX_WRITTEN_FOOTER {
        return Ok(());
    }
    let most = MAX_WRITTEN_FOOTER / group_bytes.max(1);
    Err(StepError::bad_request(format!(
        "{table} makes {slices} jobs, and with all its columns the footer of its Parquet result would have up to {bytes} bytes, \
         more than {MAX_WRITTEN_FOOTER}; raise BEDROCK_MAX_RECORDS_PER_JOB so that there are at most {most} jobs, give the \
         table fewer columns or as CSV or JSON Lines, or split the data set"
    )))
}

#[expect(clippy::cast_precision_loss, reason = "an estimate in hours")]
fn check_time(asking: &Asking, slices: &[Slice]) -> Result<(), StepError> {
    let settings = asking.settings();
    let jobs = slices.iter().filter(|slice| slice.mode == Mode::Batch);
    let at_once = u64::from(settings.max_concurrent_batch_jobs);
    let turns = (jobs.count() as u64).div_ceil(at_once);
    let hours_of_jobs = turns as f64 * f64::from(settings.batch_timeout_hours);
    let on_demand = slices.iter().filter(|slice| slice.mode == Mode::OnDemand);
    let calls: u64 = on_demand.map(|slice| slice.records).sum();
    let hours_of_calls = calls as f64 / settings.rate_limit_per_second / 3600.0;
    if hours_of_jobs > MOST_HOURS {
        return Err(StepError::bad_request(format!(
            "{at_once} jobs at a time, each of up to {} hours, may take {} days for the {} slices of this run, and a run has \
             to end in 30 days; raise BEDROCK_MAX_CONCURRENT_BATCH_JOBS or BEDROCK_MAX_RECORDS_PER_JOB, lower \
             BEDROCK_BATCH_TIMEOUT_HOURS, or split the data set",
            settings.batch_timeout_hours,
            (hours_of_jobs / 24.0).ceil(),
            slices.len()
        )));
    }
    if hours_of_calls > MOST_HOURS {
        return Err(StepError::bad_request(format!(
            "{calls} calls on demand take {} days at {} per second, and a run has to end in 30 days; raise \
             BEDROCK_RATE_LIMIT_PER_SECOND, use batch jobs, or split the data set",
            (hours_of_calls / 24.0).ceil(),
            settings.rate_limit_per_second
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_at_the_limit_is_accepted_and_one_above_it_is_refused_with_the_remedy() {
        let group = MAX_WRITTEN_FOOTER / 1_024;
        check_footer("the data set", 1_024, group).unwrap();
        for (slices, group) in [(1_025, group), (1_024, group + 1)] {
            let text = check_footer("the data set", slices, group)
                .unwrap_err()
                .full_message();
            for words in ["more than 268435456", "raise BEDROCK_MAX_RECORDS_PER_JOB"] {
                assert!(text.contains(words), "{text}");
            }
        }
        check_footer("the data set", 0, u64::MAX).unwrap();
        check_footer("the data set", u32::MAX, u64::MAX).unwrap_err();
    }
}
