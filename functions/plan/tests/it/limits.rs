//! A run that would reach a limit of AWS after it was paid for is refused in planning.

use crate::support::{CELL, refusal, rows, run};
use quarry_planned_run::RunInput;

const ROLE: &str = "arn:aws:iam::123456789012:role/QuarryBatchRole";

/// Returns a run of jobs with one record each.
async fn small_jobs(count: usize) -> RunInput {
    rows(count)
        .await
        .set("BEDROCK_BATCH_MODE", "batch")
        .set("BEDROCK_BATCH_ROLE_ARN", ROLE)
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "1")
}

/// S3 accepts no more than 10,000 parts for one object, and the header is in one of them.
#[tokio::test]
async fn a_run_of_more_slices_than_a_result_has_parts_is_refused_with_the_remedy() {
    let input = small_jobs(9_991)
        .await
        .set("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "1000");
    let text = refusal(&input).await;
    for words in [
        "9991 jobs",
        "9990 of one run",
        "raise BEDROCK_MAX_RECORDS_PER_JOB",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let mut written = input.store.locations();
    written.retain(|at| at.key().starts_with("work/"));
    assert_eq!(written, [run().owner()], "and nothing of a plan");
}

#[tokio::test]
async fn a_run_that_cannot_end_in_thirty_days_is_refused_with_the_remedy() {
    let at_once = |input: RunInput| input.set("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "4");
    at_once(small_jobs(100).await).planned().await.unwrap();
    let text = refusal(&at_once(small_jobs(101).await)).await;
    assert_eq!(
        text,
        "4 jobs at a time, each of up to 24 hours, may take 26 days for the 101 slices of this run, and a run has to end \
         in 30 days; raise BEDROCK_MAX_CONCURRENT_BATCH_JOBS or BEDROCK_MAX_RECORDS_PER_JOB, lower \
         BEDROCK_BATCH_TIMEOUT_HOURS, or split the data set"
    );
    let longer = |input: RunInput| input.set("BEDROCK_BATCH_TIMEOUT_HOURS", "168");
    at_once(longer(small_jobs(12).await))
        .planned()
        .await
        .unwrap();
    let text = refusal(&at_once(longer(small_jobs(13).await))).await;
    assert!(text.contains("28 days"), "{text}");
}

#[tokio::test]
async fn calls_that_cannot_all_begin_in_thirty_days_are_refused_with_the_remedy() {
    let slowly = |input: RunInput| input.set("BEDROCK_RATE_LIMIT_PER_SECOND", "0.1");
    slowly(rows(1_000).await).planned().await.unwrap();
    let text = refusal(&slowly(rows(216_001).await)).await;
    assert!(
        text.starts_with("216001 calls on demand take 26 days at 0.1 per second"),
        "{text}"
    );
}

/// With small jobs, planning would keep a place for each row.
#[tokio::test]
async fn a_table_with_a_mark_for_each_row_is_refused_before_it_fills_the_memory() {
    let table = format!("row\n{}", "\"\"\n".repeat(1_278_721));
    let input = RunInput::new(CELL, &[("rows.csv", table.as_bytes())]).await;
    let input = input
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "10");
    let text = refusal(&input).await;
    assert!(
        text.contains("more than 1278720 places") && text.contains("BEDROCK_MAX_RECORDS_PER_JOB"),
        "{text}"
    );
}

/// The result has a column for each property of the schema, and a row group for each slice.
#[tokio::test]
async fn a_parquet_result_whose_footer_would_be_too_long_is_refused_with_the_remedy() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/codec_none.parquet");
    let names: Vec<String> = (0..10).map(|file| format!("{file}.parquet")).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &table[..]))
        .collect();
    for (properties, is_refused) in [(50, false), (300, true)] {
        let properties: Vec<String> = (0..properties)
            .map(|number| format!(r#""a{number}":{{"type":"integer"}}"#))
            .collect();
        let schema = format!(r#"{{"properties":{{{}}}}}"#, properties.join(","));
        let prompt = r#"{"user_prompt_template": "{n}", "input_placeholders": ["n"]}"#;
        let input = RunInput::new(prompt, &files).await.schema(&schema).await;
        let input = input
            .set("BEDROCK_BATCH_MODE", "batch")
            .set("BEDROCK_BATCH_ROLE_ARN", ROLE)
            .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
            .set("BEDROCK_MAX_RECORDS_PER_JOB", "1")
            .set("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "1000");
        if is_refused {
            let text = refusal(&input).await;
            for words in [
                "makes 2000 jobs",
                "The footer",
                "raise BEDROCK_MAX_RECORDS_PER_JOB",
            ] {
                assert!(text.contains(words), "{text}");
            }
            assert!(!input.store.locations().contains(&run().scan()));
        } else {
            assert_eq!(input.planned().await.unwrap().slices, 2_000);
        }
    }
}
