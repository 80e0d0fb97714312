//! Limits of AWS that a run would reach after it was paid for: the parts of a result, the days of an
//! execution, the memory of planning. Runs that would reach them are refused.

use quarry_asking::Asking;
use quarry_contract::plan::{Mode, Slice};
use quarry_cost::estimate::RunEstimate;
use quarry_edge::error::StepError;
use quarry_parquet::{FooterRoom, MAX_FOOTER, PlannedPart};
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

/// The bytes that a token of an answer is foreseen to take in the result: four in each of two columns, and
/// as much again, because answers may be longer than expected.
const BYTES_OF_ANSWERED_TOKEN: u64 = 16;

/// The bytes that an embedding is foreseen to take in the result: 4,096 numbers.
const BYTES_OF_EMBEDDING: u64 = 32 << 10;

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

/// Returns the bytes of an answer that planning foresees in the result of a row. There it is once as it
/// came back, and once as the values of its columns.
pub(crate) fn answer_bytes(asking: &Asking, estimate: &RunEstimate) -> u64 {
    if asking.model().capabilities().body.is_embedding() {
        return BYTES_OF_EMBEDDING;
    }
    estimate
        .answer
        .expected
        .saturating_mul(BYTES_OF_ANSWERED_TOKEN)
}

/// Refuses a Parquet result whose footer has no room for the row groups of its parts.
pub(crate) fn check_footer(
    table: &str,
    room: FooterRoom,
    parts: &[PlannedPart],
) -> Result<(), StepError> {
    let (needed, most, slices) = (room.needed(parts), room.groups(), parts.len() as u64);
    if needed <= most {
        return Ok(());
    }
    if most == 0 {
        return Err(StepError::bad_request(format!(
            "the columns of {table} and what its writer noted about them fill the {MAX_FOOTER} bytes that the footer of its \
             Parquet result may have; write the table without these notes (its metadata) or with fewer columns, or give it \
             as CSV or JSON Lines"
        )));
    }
    let larger_slices = if slices > most {
        format!("raise BEDROCK_MAX_RECORDS_PER_JOB so that there are at most {most} jobs, ")
    } else {
        String::new()
    };
    Err(StepError::bad_request(format!(
        "{table} makes {slices} jobs, and its Parquet result would have up to {needed} row groups: at least one for each job, \
         and one for each 64 MiB of rows with their answers. The footer of a Parquet file describes each column of each row \
         group, so with all columns of this result {most} of them fit into the {MAX_FOOTER} bytes that a footer may have; \
         {larger_slices}give the table fewer columns, give it as CSV or JSON Lines, or split the data set"
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
        let part = |mib: u64| PlannedPart {
            rows: 10,
            bytes: mib << 20,
        };
        let room = room_for_text(1_000);
        let most = room.groups();
        assert!((200..300).contains(&most), "{most}");
        let small = |slices: u64| vec![part(1); usize::try_from(slices).unwrap()];
        check_footer("the data set", room, &[]).unwrap();
        check_footer("the data set", room, &small(most)).unwrap();
        check_footer("the data set", room, &[part(64 * most - 1)]).unwrap();
        let refused = |parts: &[PlannedPart], expected: &[&str], raises: bool| {
            let error = check_footer("the data set", room, parts).unwrap_err();
            let text = error.full_message();
            for words in expected {
                assert!(text.contains(words), "{text}");
            }
            assert_eq!(text.contains("raise BEDROCK_MAX_RECORDS"), raises, "{text}");
        };
        refused(
            &small(most + 1),
            &["67108864 bytes", "at most", "fewer columns"],
            true,
        );
        refused(
            &[part(64 * most + 1)],
            &["makes 1 jobs", "up to", "split the data set"],
            false,
        );
    }

    /// More jobs or fewer would not help.
    #[test]
    fn a_footer_that_is_full_before_the_first_row_group_is_refused_with_its_own_remedy() {
        let room = room_for(["x".repeat(25 << 20)]);
        let part = PlannedPart { rows: 1, bytes: 1 };
        let error = check_footer("the data set", room, &[part]).unwrap_err();
        let text = error.full_message();
        assert!(text.contains("without these notes"), "{text}");
        assert!(!text.contains("jobs"), "{text}");
    }

    /// Returns the room in the footer of a table with this many columns of text.
    fn room_for_text(columns: usize) -> FooterRoom {
        room_for((0..columns).map(|number| format!("llm_{number}")))
    }

    /// Returns the room in the footer of a table with these columns of text.
    fn room_for(names: impl IntoIterator<Item = String>) -> FooterRoom {
        let table = include_bytes!("../../../crates/parquet/tests/fixtures/codec_none.parquet");
        let table = bytes::Bytes::from_static(table);
        let file = quarry_parquet::ParquetFile::open("t", std::sync::Arc::new(table)).unwrap();
        let layout = quarry_parquet::TableLayout::of(&file).unwrap();
        let results: Vec<_> = names
            .into_iter()
            .map(|name| quarry_parquet::ResultColumn {
                name,
                kind: quarry_parquet::ResultKind::Text,
            })
            .collect();
        let part = quarry_parquet::PartWriter::new(&layout, &results, &[]).unwrap();
        part.footer_room().unwrap()
    }
}
