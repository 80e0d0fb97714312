//! Which tables and slices use jobs, and what the summary notes if that may surprise the user.

use crate::support::{rows, slice_in};
use quarry_contract::plan::{Mode, Plan};
use quarry_planned_run::{BY_JOBS, RunInput};

const ROLE: (&str, &str) = BY_JOBS[0];

async fn input(count: usize, settings: &[(&str, &str)]) -> RunInput {
    let mut input = rows(count).await;
    for (name, value) in settings {
        input = input.set(name, value);
    }
    input
}

async fn plan_of(count: usize, settings: &[(&str, &str)]) -> Plan {
    input(count, settings).await.plan().await.unwrap()
}

/// A case: its subject, the number of rows, the settings, and how the rows are sent.
type Case<'a> = (&'a str, usize, &'a [(&'a str, &'a str)], Mode);

#[tokio::test]
async fn a_table_uses_jobs_if_they_are_wanted_and_it_has_enough_records() {
    let cases: [Case<'_>; 6] = [
        (
            "auto, below the threshold",
            4,
            &[
                ROLE,
                ("BEDROCK_BATCH_THRESHOLD", "5"),
                ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
            ],
            Mode::OnDemand,
        ),
        (
            "auto, at the threshold",
            5,
            &[
                ROLE,
                ("BEDROCK_BATCH_THRESHOLD", "5"),
                ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
            ],
            Mode::Batch,
        ),
        (
            "auto, too few for a job",
            5,
            &[
                ROLE,
                ("BEDROCK_BATCH_THRESHOLD", "5"),
                ("BEDROCK_MIN_RECORDS_PER_JOB", "6"),
            ],
            Mode::OnDemand,
        ),
        (
            "batch",
            5,
            &[
                ROLE,
                ("BEDROCK_BATCH_MODE", "batch"),
                ("BEDROCK_MIN_RECORDS_PER_JOB", "5"),
            ],
            Mode::Batch,
        ),
        (
            "batch, too few for a job",
            5,
            &[
                ROLE,
                ("BEDROCK_BATCH_MODE", "batch"),
                ("BEDROCK_MIN_RECORDS_PER_JOB", "6"),
            ],
            Mode::OnDemand,
        ),
        (
            "realtime",
            5,
            &[
                ROLE,
                ("BEDROCK_BATCH_MODE", "realtime"),
                ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
            ],
            Mode::OnDemand,
        ),
    ];
    for (what, count, settings, mode) in cases {
        let input = input(count, settings).await;
        let plan = input.plan().await.unwrap();
        assert_eq!(plan.tables[0].mode, mode, "{what}");
        assert_eq!(slice_in(&input.store, 0).await.mode, mode, "{what}");
    }
}

#[tokio::test]
async fn enough_rows_for_jobs_without_a_role_is_noted_with_the_price() {
    let settings = [
        ("BEDROCK_BATCH_THRESHOLD", "5"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
    ];
    let plan = plan_of(5, &settings).await;
    assert_eq!(plan.tables[0].mode, Mode::OnDemand);
    let note = plan.notes.concat();
    for words in ["at the full price", "BEDROCK_BATCH_ROLE_ARN is not set"] {
        assert!(note.contains(words), "{note}");
    }
}

#[tokio::test]
async fn too_few_records_for_the_jobs_that_are_wanted_is_noted_with_both_numbers() {
    let settings = [
        ROLE,
        ("BEDROCK_BATCH_MODE", "batch"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "6"),
    ];
    let note = plan_of(5, &settings).await.notes.concat();
    assert!(
        note.contains("5 records, fewer than the 6 a job needs"),
        "{note}"
    );
}

#[tokio::test]
async fn a_table_and_a_file_without_rows_are_noted() {
    let note = plan_of(0, &[]).await.notes.concat();
    assert!(note.contains("the data set has no rows"), "{note}");
    let files = [("a.csv", &b"row\nr0\n"[..]), ("b.csv", b"row\n")];
    let input = RunInput::new(crate::support::CELL, &files).await;
    let note = input.plan().await.unwrap().notes.concat();
    assert!(note.contains("b.csv has no rows"), "{note}");
}
