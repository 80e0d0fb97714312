//! How the Python program that Quarry replaces chose between jobs and calls on demand.
//!
//! Each case of `tests/recorded/should_batch.json` has the mode, the rows of a file, the settings
//! and the choice (`expected`). If Quarry chooses differently, `ours` is its choice, and `reason`
//! says why.

use crate::support::Case;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{PlanInput, PlanOutput};
use quarry_contract::plan::{Mode, Plan};
use quarry_edge::documents;
use serde_json::Value;
use std::fmt::Write as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn choices_are_as_recorded_or_differ_for_a_stated_reason() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../recorded/should_batch.json")).unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        assert_eq!(case["ours"].is_null(), case["reason"].is_null(), "{case}");
        let expected = case.get("ours").unwrap_or(&case["expected"]);
        let found = chosen(&case).await;
        match (found, expected["refused"].as_str()) {
            (Err(message), Some(words)) => assert!(message.contains(words), "{case}: {message}"),
            (Ok(batch), None) => assert_eq!(Some(batch), expected.as_bool(), "{case}"),
            (found, _) => panic!("{case}: {found:?}"),
        }
    }
}

/// Whether jobs are planned for the case's rows.
async fn chosen(case: &Value) -> Result<bool, String> {
    let rows = case["rows"].as_u64().unwrap();
    let data = (0..rows).fold("id,text\n".to_owned(), |mut data, row| {
        let _ = writeln!(data, "{row},letter");
        data
    });
    // Any role that the service would accept is suitable; the recorded one is a letter.
    let role = match case["role"].as_str().unwrap() {
        "" => "",
        _ => "arn:aws:iam::123456789012:role/BatchRole",
    };
    let threshold = case["threshold"].to_string();
    let settings = [
        ("BEDROCK_BATCH_MODE", case["mode"].as_str().unwrap()),
        ("BEDROCK_BATCH_THRESHOLD", &threshold),
        ("BEDROCK_BATCH_ROLE_ARN", role),
        (
            "BEDROCK_BATCH_INPUT_S3_PATH",
            case["input"].as_str().unwrap(),
        ),
        (
            "BEDROCK_BATCH_OUTPUT_S3_PATH",
            case["output"].as_str().unwrap(),
        ),
    ];
    let stack = Case::new(&data, &settings, |_| {}).await;
    let input = PlanInput {
        version: 1,
        execution: "run".to_owned(),
        execution_arn: None,
        started: "2026-01-02T03:04:05Z".to_owned(),
        turn: 0,
        request: stack.request.clone(),
    };
    let planned: PlanOutput = stack
        .stack
        .call("plan", &input)
        .await
        .map_err(|error| error.to_string())?;
    let plan: Plan = documents::read(
        &**stack.stack.store(),
        &RunFolder::at(planned.run.clone()).plan(),
    )
    .await
    .unwrap();
    Ok(plan.tables[0].mode == Mode::Batch)
}
