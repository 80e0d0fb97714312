//! The slices of a run hold every row once, in order, and are within a job's limits.

use crate::support::{CELL, WHOLE, plan_in, rows, slice_in};
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{RunInput, SMALL_MODEL, long_cell};

/// Returns all slices, and asserts that each follows the one before.
async fn all_slices(store: &MemoryStore) -> (Plan, Vec<Slice>) {
    let plan = plan_in(store).await;
    let mut slices = Vec::new();
    for number in 0..plan.slices {
        slices.push(slice_in(store, number).await);
    }
    for (number, table) in plan.tables.iter().enumerate() {
        let mut next = 0;
        let first = table.first_slice as usize;
        for slice in &slices[first..first + table.slices as usize] {
            assert_eq!((slice.table, slice.first_row), (number, next));
            next += slice.rows;
        }
        assert_eq!(next, table.rows, "every row of table {number}");
    }
    (plan, slices)
}

#[tokio::test]
async fn every_row_is_in_one_slice_and_no_slice_has_more_records_than_a_job_accepts() {
    for (count, most) in [(1, 1), (10, 3), (10, 10), (10, 100), (257, 16)] {
        let input = rows(count)
            .await
            .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
            .set("BEDROCK_MAX_RECORDS_PER_JOB", &most.to_string());
        input.planned().await.unwrap();
        let (plan, slices) = all_slices(&input.store).await;
        assert_eq!(plan.tables[0].rows, count as u64);
        let most_records = slices.iter().map(|slice| slice.records).max();
        assert!(most_records <= Some(most), "{most_records:?} of {most}");
    }
}

#[tokio::test]
async fn a_slices_byte_ranges_hold_its_rows_and_nothing_else() {
    let files = [
        ("a.csv", &b"row\nr0\nr1\nr2\n"[..]),
        ("b.csv", b"row\n"),
        ("c.csv", b"row\nr3\nr4\n"),
    ];
    let input = RunInput::new(CELL, &files)
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "2");
    input.planned().await.unwrap();
    let (plan, slices) = all_slices(&input.store).await;
    let mut found = Vec::new();
    for slice in &slices {
        let before = found.len();
        for range in &slice.segments {
            let file = &plan.tables[0].files[range.file];
            let body = input.store.get(&file.location, u64::MAX).await.unwrap();
            let bounds = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            let text = std::str::from_utf8(&body[bounds]).unwrap();
            found.extend(
                text.lines()
                    .filter(|line| *line != "row")
                    .map(str::to_owned),
            );
        }
        assert_eq!((found.len() - before) as u64, slice.rows);
    }
    assert_eq!(found, ["r0", "r1", "r2", "r3", "r4"]);
}

#[tokio::test]
async fn no_slice_has_more_bytes_than_a_job_accepts() {
    let cell = "x".repeat(200_000);
    let table = format!("row\n{}", format!("{cell}\n").repeat(15));
    let input = RunInput::new(CELL, &[("rows.csv", table.as_bytes())])
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_BYTES_PER_JOB", "1048576");
    input.planned().await.unwrap();
    let (_, slices) = all_slices(&input.store).await;
    assert!(slices.len() >= 3);
    for slice in slices {
        assert!(slice.bytes <= 1_048_576, "{}", slice.bytes);
    }
}

#[tokio::test]
async fn rows_that_cannot_be_sent_count_as_rows_and_not_as_records() {
    let long = long_cell();
    let table = format!("row\na\n{long}\nb\n");
    let input = RunInput::new(CELL, &[("rows.csv", table.as_bytes())])
        .await
        .set(SMALL_MODEL.0, SMALL_MODEL.1);
    input.planned().await.unwrap();
    let (_, slices) = all_slices(&input.store).await;
    assert_eq!((slices[0].rows, slices[0].records), (3, 2));
}

#[tokio::test]
async fn the_tables_of_a_training_run_are_numbered_one_after_the_other() {
    let files = [
        ("test/a.csv", &b"row\nr0\nr1\n"[..]),
        ("train/a.csv", b"row\nr0\nr1\nr2\n"),
    ];
    let mut input = RunInput::new(WHOLE, &files)
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "1");
    input.payload.request.job_type = "training".parse().unwrap();
    input.planned().await.unwrap();
    let (plan, _) = all_slices(&input.store).await;
    let tables = plan
        .tables
        .iter()
        .map(|table| (table.split.as_deref(), table.first_slice, table.slices));
    assert_eq!(
        tables.collect::<Vec<_>>(),
        [(Some("train"), 0, 3), (Some("test"), 3, 2)]
    );
}
