//! The summary says what the receipts say, and the run's output names it.

use crate::support::{World, table};
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::FinishOutput;
use quarry_contract::plan::JobEnd;
use quarry_edge::metrics::Metric;
use quarry_edge::store::ObjectStore;
use quarry_result::outcome::Outcome;
use quarry_result::profile::RowPlace;
use serde_json::json;

const SUMMARY: &str = "processing_summary_validation_20260102_030405.json";
const REPORT: &str = "processing_report_validation_20260102_030405.html";

#[tokio::test]
async fn the_output_of_the_run_names_its_results_and_its_counts() {
    let world = World::new(5, 2).await;
    world.change(1, |receipt| receipt.files[0].failed = 1).await;
    let output = world.finish().await.unwrap();
    let expected = FinishOutput {
        version: 1,
        done: true,
        turn: 1,
        run: "s3://bucket/work/run".parse().unwrap(),
        output: "s3://bucket/out/".parse().unwrap(),
        summary: format!("s3://bucket/out/{SUMMARY}").parse().unwrap(),
        rows: 5,
        failed: 1,
        cost: "0.0000825".parse().ok(),
    };
    assert_eq!(output, expected);
    assert_eq!(
        world.written(),
        [REPORT, SUMMARY, "validation_processed_data.csv"],
        "and nothing else is written"
    );
}

#[tokio::test]
async fn the_summary_goes_where_the_request_wants_it() {
    let mut input = table(1, 1).await;
    input.payload.request.summary = Some("s3://other/summaries/".parse().unwrap());
    let world = World::planned(input).await;
    world.merged(0, "r0\n").await;
    let output = world.finish().await.unwrap();
    assert_eq!(
        output.summary.to_string(),
        format!("s3://other/summaries/{SUMMARY}")
    );
    assert_eq!(world.summary(&output).await["total_records"], 1);
    let report = format!("s3://other/summaries/{REPORT}").parse().unwrap();
    assert!(world.store.locations().contains(&report));
    assert_eq!(world.written(), ["validation_processed_data.csv"]);
}

#[tokio::test]
async fn the_report_has_the_figures_of_the_summary_and_no_cell() {
    let world = World::new(5, 2).await;
    world.change(1, |receipt| receipt.files[0].failed = 1).await;
    let output = world.finish().await.unwrap();
    let at = output.output.join(REPORT);
    let page = world.store.get(&at, 1 << 20).await.unwrap();
    let page = std::str::from_utf8(&page).unwrap();
    let summary = world.summary(&output).await;
    let figures = page.split("data-member=\"").skip(1);
    let mut compared = 0;
    for figure in figures {
        let (member, rest) = figure.split_once("\">").unwrap();
        let (text, _) = rest.split_once('<').unwrap();
        let known = summary.pointer(member).unwrap();
        let known = known
            .as_str()
            .map_or_else(|| known.to_string(), str::to_owned);
        assert_eq!(known, text.replace(',', ""), "{member}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
    assert!(page.contains("<h3>response</h3>"), "{page}");
    for cell in ["r0", "r4"] {
        assert!(!page.contains(cell), "{cell}");
    }
}

#[tokio::test]
async fn the_summary_adds_the_receipts_of_all_slices_up() {
    let world = World::new(6, 2).await;
    world
        .change(0, |receipt| {
            receipt.truncations = 3;
            receipt.truncated_records = 2;
            receipt.truncated_fields = [("row".to_owned(), 3)].into();
            receipt.form_changes = vec!["asked without a prefill".to_owned()];
        })
        .await;
    world
        .change(1, |receipt| {
            receipt.unsendable = 1;
            receipt.rows_written = 1;
            receipt.files[0].successful = 1;
            receipt.files[0].failed = 1;
            receipt.files[0].validation_passed = 0;
            receipt.rounds[0].differences = vec!["Bedrock counted 3 answers".to_owned()];
        })
        .await;
    world
        .change(2, |receipt| {
            receipt.rounds[0].on_demand = 0;
            receipt.rounds[0].job = Some(JobEnd {
                version: 1,
                arn: "arn:of:the:job".to_owned(),
                name: "the-job".to_owned(),
                status: JobStatus::Completed,
                message: String::new(),
                seconds: 60,
                submitted: None,
                counts: None,
            });
        })
        .await;
    let output = world.finish().await.unwrap();
    let summary = world.summary(&output).await;
    for (place, expected) in [
        ("/job_type", json!("validation")),
        ("/run", json!("run")),
        ("/total_records", json!(6)),
        ("/successful_records", json!(5)),
        ("/failed_records", json!(1)),
        ("/validation_passed_records", json!(4)),
        ("/rows/in", json!(6)),
        ("/rows/out", json!(5)),
        ("/rows/left_out_as_errors", json!(1)),
        ("/rows/too_large_to_send", json!(1)),
        ("/files_processed/0/filename", json!("rows.csv")),
        ("/files_processed/0/records", json!(6)),
        (
            "/tables/0/result",
            json!("s3://bucket/out/validation_processed_data.csv"),
        ),
        ("/tables/0/slices", json!(3)),
        ("/on_demand_records", json!(4)),
        ("/tokens/input", json!(60)),
        ("/tokens/output", json!(6)),
        ("/answers/asked", json!(6)),
        ("/answers/good", json!(6)),
        ("/rounds/0/jobs", json!(1)),
        ("/reconciliation/agrees_with_bedrock", json!(false)),
        (
            "/reconciliation/differences",
            json!(["slice 1, round 0: Bedrock counted 3 answers"]),
        ),
        (
            "/notes/0",
            json!("the service refused a form of the requests. asked without a prefill"),
        ),
    ] {
        assert_eq!(summary.pointer(place), Some(&expected), "{place}");
    }
    let text = summary.to_string();
    for part in [
        "\"total_truncations\":3",
        "\"truncated_records\":2",
        "arn:of:the:job",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn the_summary_is_indented_and_ends_with_a_line_break() {
    let world = World::new(1, 1).await;
    world.finish().await.unwrap();
    let text = world.text(SUMMARY).await;
    assert!(
        text.starts_with("{\n  \"job_type\"") && text.ends_with("}\n"),
        "{text}"
    );
}

#[tokio::test]
async fn the_runs_figures_are_emitted_when_all_is_written() {
    let world = World::new(5, 2).await;
    world
        .change(0, |receipt| {
            receipt.files[0].failed = 1;
            receipt.files[0].repaired = 2;
            receipt.rounds[0].counts.missing = 1;
        })
        .await;
    world.finish().await.unwrap();
    let expected = [
        (Metric::Rows, 5),
        (Metric::RowsFailed, 1),
        (Metric::Answers, 5),
        (Metric::Repaired, 2),
        (Metric::Missing, 1),
        (Metric::InputTokens, 50),
        (Metric::OutputTokens, 5),
    ];
    assert_eq!(world.metrics.values(), expected);
}

#[tokio::test]
async fn the_profiles_of_all_slices_are_added_up_unless_one_has_none() {
    let world = World::new(5, 2).await;
    let place = |row| RowPlace { table: 0, row };
    for row in [1, 4] {
        let failed = Outcome::failed(row, "no answer came back".to_owned());
        let slice = u32::from(row > 1) * 2;
        world
            .change(slice, |receipt| {
                let profile = receipt.profile.as_mut().expect("a profile");
                profile.add(place(row), &failed, false);
            })
            .await;
    }
    let output = world.finish().await.unwrap();
    let summary = world.summary(&output).await;
    let failures = &summary["profile"]["failures"];
    assert_eq!(failures[0]["rows"], 2, "{summary}");
    assert_eq!(failures[0]["example_row"], 1, "{summary}");
    // As an earlier version of Quarry wrote it.
    world.change(1, |receipt| receipt.profile = None).await;
    let output = world.finish().await.unwrap();
    assert_eq!(world.summary(&output).await["profile"], json!(null));
}
