//! `finish` does not report a run as done if its rows do not add up. Every error has its name and
//! its place.

use crate::support::{PROMPTS, World, sliced};
use quarry_contract::job_status::JobStatus;
use quarry_contract::plan::JobEnd;
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_planned_run::RunInput;
use quarry_result::ledger::Counts;
use quarry_result::receipt::Receipt;
use std::sync::Arc;

/// Asserts that nothing of the run is reported, and that the error has this name and these words.
async fn assert_fails(world: &World, name: &str, words: &[&str]) {
    let failed = world.finish().await.unwrap_err();
    let text = failed.full_message();
    assert_eq!(failed.name(), name, "{text}");
    for words in words {
        assert!(text.contains(words), "{text} lacks {words}");
    }
    assert!(world.metrics.values().is_empty());
    let summaries = |name: &String| name.starts_with("processing_summary");
    assert!(!world.written().iter().any(summaries));
}

#[tokio::test]
async fn a_slice_without_a_receipt_is_named() {
    let world = World::new(6, 2).await;
    world.store.delete(&world.run.slice(1).receipt());
    let at = world.run.slice(1).receipt().to_string();
    assert_fails(
        &world,
        "Quarry.Inconsistent",
        &["slice 1 left no receipt", &at],
    )
    .await;
    assert!(world.written().is_empty());
}

#[tokio::test]
async fn rows_that_are_missing_between_two_slices_are_named() {
    let world = World::new(6, 2).await;
    world.change(1, |receipt| receipt.first_row = 3).await;
    let words = ["table 0: slice 1 holds rows 3, expected rows from 2"];
    assert_fails(&world, "Quarry.Inconsistent", &words).await;
    assert!(world.written().is_empty());
}

#[tokio::test]
async fn rows_that_are_missing_at_the_end_are_counted() {
    let world = World::new(6, 2).await;
    world.change(2, |receipt| receipt.rows = 1).await;
    let words = ["table 0 has 6 rows, its slices have 5"];
    assert_fails(&world, "Quarry.Inconsistent", &words).await;
    assert!(world.written().is_empty());
}

#[tokio::test]
async fn a_parquet_part_with_other_rows_than_its_receipt_says_is_inconsistent() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let input = RunInput::new(PROMPTS, &[("table.parquet", table)]).await;
    let world = World::planned(sliced(input, 4)).await;
    world.merged_without_answers().await;
    world.change(0, |receipt| receipt.rows_written -= 1).await;
    assert_fails(&world, "Quarry.Inconsistent", &["rows"]).await;
    assert!(world.written().is_empty());
}

#[tokio::test]
async fn a_parquet_part_that_is_not_parquet_is_refused_by_its_place() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let input = RunInput::new(PROMPTS, &[("table.parquet", table)]).await;
    let world = World::planned(sliced(input, 100)).await;
    world.merged(0, "no Parquet file at all").await;
    let at = world.run.slice(0).part().to_string();
    assert_fails(&world, "Quarry.BadRequest", &[&at]).await;
}

#[tokio::test]
async fn a_part_that_was_replaced_after_its_receipt_is_read_anew_by_the_next_call() {
    let world = World::new(4, 2).await;
    let receipt = |receipt: &mut Receipt| receipt.part_etag = "\"x\"".to_owned();
    world.change(1, receipt).await;
    let part = world.run.slice(1).part().to_string();
    assert_fails(&world, "Quarry.Unavailable", &[&part]).await;
    assert!(world.written().is_empty());
}

#[tokio::test]
async fn a_deleted_part_is_not_found() {
    let world = World::new(4, 2).await;
    let part = world.run.slice(1).part();
    world.store.delete(&part);
    assert_fails(&world, "Quarry.NotFound", &[&part.to_string()]).await;
}

#[tokio::test]
async fn a_run_without_a_plan_is_not_found() {
    let world = World::new(2, 2).await;
    world.store.delete(&world.run.plan());
    let at = format!("reading {}", world.run.plan());
    assert_fails(&world, "Quarry.NotFound", &[&at]).await;
}

#[tokio::test]
async fn a_turn_without_the_progress_of_the_one_before_is_not_found() {
    let world = World::new(2, 2).await;
    let failed = world.turn(1, &Unlimited).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.NotFound");
    let at = world.run.finish_progress().to_string();
    assert!(failed.full_message().contains(&at), "{failed}");
}

#[tokio::test]
async fn a_document_of_another_version_is_refused_with_the_remedy() {
    let world = World::new(2, 2).await;
    world.change(0, |receipt| receipt.version = 2).await;
    let at = world.run.slice(0).receipt().to_string();
    let words = [&at, "version 2", "start the run again with one version"];
    assert_fails(&world, "Quarry.BadRequest", &words).await;
}

#[tokio::test]
async fn a_receipt_that_cannot_be_parsed_is_refused_by_its_place() {
    let world = World::new(4, 2).await;
    let at = world.run.slice(1).receipt();
    let broken = r#"{"version": 1, "slice": "#.into();
    world
        .store
        .put(&at, broken, WriteCondition::Always)
        .await
        .unwrap();
    let words = [&*format!("reading {at}")];
    assert_fails(&world, "Quarry.Refused", &words).await;
    assert!(world.written().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_store_error_says_whether_it_is_retried() {
    for (operation, nth, fault, name, place) in [
        (
            StoreOperation::Put,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/out/validation_processed_data.csv",
        ),
        (
            StoreOperation::Put,
            2,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/out/processing_report_",
        ),
        (
            StoreOperation::Put,
            3,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/out/processing_summary_",
        ),
        (
            StoreOperation::Get,
            1,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "reading s3://bucket/work/run/plan.json",
        ),
        (
            StoreOperation::Get,
            2,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "/receipt.json",
        ),
        (
            StoreOperation::Get,
            2,
            StoreFault::Refused,
            "Quarry.Refused",
            "reading s3://bucket/work/run/slices/000000/receipt.json",
        ),
        (
            StoreOperation::Put,
            1,
            StoreFault::Refused,
            "Quarry.Refused",
            "writing s3://bucket/out/validation_processed_data.csv",
        ),
    ] {
        let world = World::new(2, 2).await;
        let faulty = FaultyStore::new(world.store.clone()).fail_all(operation, nth.., fault);
        let failed = world.turn_over(Arc::new(faulty), 0, &Unlimited).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), name, "{failed}");
        assert!(failed.full_message().contains(place), "{failed}");
    }
}

/// Takes every answer out of a run of three slices.
async fn without_answers(job: bool) -> World {
    let world = World::new(6, 2).await;
    for slice in 0..3 {
        world
            .change(slice, |receipt| {
                let round = &mut receipt.rounds[0];
                round.counts.answered = 0;
                round.counts.good = 0;
                round.counts.missing = 2;
                if job {
                    round.on_demand = 0;
                    round.job = Some(JobEnd {
                        version: 1,
                        arn: "arn".to_owned(),
                        name: format!("job-{slice}"),
                        status: JobStatus::PartiallyCompleted,
                        message: String::new(),
                        seconds: 1,
                        submitted: None,
                        counts: None,
                    });
                }
            })
            .await;
    }
    world
}

#[tokio::test]
async fn a_run_without_an_answer_fails_unless_the_request_allows_it() {
    for (job, words) in [
        (true, "job job-0 ended as PartiallyCompleted"),
        (false, "the calls left no line"),
    ] {
        let world = Box::pin(without_answers(job)).await;
        let words = [
            words,
            "no record of 6 rows got an answer",
            "BEDROCK_NO_ANSWERS",
        ];
        assert_fails(&world, "Quarry.Refused", &words).await;
        assert!(world.written().is_empty());

        world.allow_no_answers().await;
        assert!(world.finish().await.unwrap().done);
    }
    let world = Box::pin(without_answers(true)).await;
    world
        .change(1, |receipt| receipt.rounds[0].counts.answered = 1)
        .await;
    assert!(world.finish().await.unwrap().done, "one answer is enough");
}

/// No record could be sent, or the answers were given to the run.
#[tokio::test]
async fn a_run_that_asked_nothing_needs_no_answer() {
    let world = Box::pin(without_answers(false)).await;
    for slice in 0..3 {
        world
            .change(slice, |receipt| receipt.rounds[0].on_demand = 0)
            .await;
    }
    assert!(world.finish().await.unwrap().done);
}

/// The model works and answers nothing: that is no success, and the reason is the guardrail's.
#[tokio::test]
async fn a_run_in_which_a_guardrail_stops_every_record_fails_with_the_reason() {
    for job in [true, false] {
        let world = Box::pin(without_answers(job)).await;
        for slice in 0..3 {
            let stopped = |receipt: &mut Receipt| {
                let counts = &mut receipt.rounds[0].counts;
                (counts.answered, counts.invalid, counts.missing) = (2, 2, 0);
                let reason = "a guardrail intervened".to_owned();
                counts.not_answers.insert(reason, 2);
                receipt.rounds.push(receipt.rounds[0].clone());
            };
            world.change(slice, stopped).await;
        }
        let words = [
            "a guardrail intervened (6 of 6 rows; no record of 6 rows got an answer; change the prompts, the model or \
             the guardrail, and start a new run: a redrive asks nothing again",
            "BEDROCK_NO_ANSWERS",
        ];
        assert_fails(&world, "Quarry.Refused", &words).await;
        world.allow_no_answers().await;
        assert!(world.finish().await.unwrap().done);
    }
}

/// What came back that is not an answer, and the words that name it.
type Unusable = (fn(&mut Counts), &'static str);

#[tokio::test]
async fn a_run_whose_lines_could_not_be_used_fails_with_what_they_were() {
    let cases: [Unusable; 3] = [
        (
            |counts| counts.contradicted = std::mem::take(&mut counts.missing),
            "two different answers came back for a record, and neither is used (6 of 6 rows",
        ),
        (
            |counts| {
                counts.malformed = 2;
                counts.examples = vec!["line 1: not JSON".to_owned()];
            },
            "lines that are no answer lines, for example line 1: not JSON (6 of 6 rows; job job-0 ended as \
             PartiallyCompleted: 6 rows",
        ),
        (
            |counts| counts.unknown_ids = 2,
            "answers of records that were not sent (6 of 6 rows",
        ),
    ];
    for (change, words) in cases {
        let world = Box::pin(without_answers(true)).await;
        for slice in 0..3 {
            let change = |receipt: &mut Receipt| change(&mut receipt.rounds[0].counts);
            world.change(slice, change).await;
        }
        let remedy = "read the job's output, report it to AWS, and start a new run";
        assert_fails(&world, "Quarry.Refused", &[words, remedy]).await;
    }
}
