//! Promise: the models of November 2026 answer every row of the example, with a schema and without
//! one. The simulator refuses what the service refuses, according to its own list.

use crate::support::{Case, assert_every_row_once};
use quarry_bedrock_simulator::AnswerSource;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// 2026-11-28T05:00:00Z.
const NOVEMBER_2026: Duration = Duration::from_hours(498_845);
const ROWS: usize = 120;

/// A model whose structured output is refused, as in some Regions until autumn 2026: the run learns
/// it from the first calls and sends the records again in another form.
const LEARNED: &str = "global.anthropic.claude-opus-5-5";
/// The number of calls from which a run learns that.
const CALLS_TO_LEARN: u64 = 20;

/// A model, and whether batch jobs accept it.
const MODELS: [(&str, bool); 13] = [
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", true),
    ("us.anthropic.claude-sonnet-4-6", true),
    ("us.anthropic.claude-opus-5", true),
    ("global.anthropic.claude-sonnet-5-5", false),
    (LEARNED, false),
    ("us.amazon.nova-lite-v1:0", true),
    ("us.amazon.nova-2-lite-v1:0", true),
    ("openai.gpt-oss-120b-1:0", true),
    ("qwen.qwen3-32b-v1:0", true),
    ("deepseek.v3.2", true),
    ("us.meta.llama3-3-70b-instruct-v1:0", true),
    ("mistral.mistral-large-3-675b-instruct", true),
    ("amazon.titan-embed-text-v2:0", true),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_example_gets_a_valid_answer_of_each_model_of_today() {
    for (model, by_jobs) in MODELS {
        let schema = serde_json::from_str(&example("schema.json")).expect("a schema");
        let summary = run(model, by_jobs, Some(schema)).await;
        assert_eq!(
            number(&summary, "/validation_passed_records"),
            ROWS as u64,
            "{model}: {summary}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_schema_every_row_of_the_example_gets_a_json_answer_of_each_model_of_today() {
    for (model, by_jobs) in MODELS {
        let summary = run(model, by_jobs, None).await;
        assert_eq!(
            number(&summary, "/answers/good"),
            ROWS as u64,
            "{model}: {summary}"
        );
    }
}

/// Qwen3 32B reads 32,768 tokens. A token of English has some four bytes; Quarry assumes sixteen,
/// so that it sends every record that might fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_cannot_fit_the_models_context_is_its_rows_error_and_is_not_sent() {
    let long: Vec<String> = (0..120_000).map(|number| number.to_string()).collect();
    let data = format!("id,text\n1,short\n2,{}\n3,short\n", long.join(" "));
    for mode in ["batch", "realtime"] {
        let settings = [
            ("BEDROCK_PRIMARY_MODEL_ID", "qwen.qwen3-32b-v1:0"),
            ("BEDROCK_BATCH_MODE", mode),
            ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
            ("BEDROCK_TRUNCATION_ENABLED", "false"),
        ];
        let case = Case::new(&data, &settings, |config| {
            config.now = NOVEMBER_2026;
            config.limits.min_records_per_job = 1;
            config.answers = AnswerSource::FromSchema {
                schema: Some(crate::support::schema()),
            };
        })
        .await;
        let summary = case.run().await.unwrap().summary;
        assert_eq!(number(&summary, "/validation_passed_records"), 2, "{mode}");
        assert_eq!(number(&summary, "/failed_records"), 1, "{mode}");
        let result = case.result().await;
        assert_every_row_once(&data, &result);
        assert!(
            result.contains("tokens or more, and the model takes 32768; it was not sent"),
            "{mode}"
        );
        let counters = case.stack.counters();
        let calls = if mode == "batch" { 0 } else { 2 };
        assert_eq!(counters.on_demand_calls, calls, "{mode}");
    }
}

/// Returns the summary of a run over the first rows of the example.
async fn run(model: &str, by_jobs: bool, schema: Option<Value>) -> Value {
    let has_schema = schema.is_some();
    let data = example("data/wildlife-strikes.csv");
    let rows: Vec<&str> = data.split_inclusive('\n').take(ROWS + 1).collect();
    let rows = rows.concat();
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", model),
        ("BEDROCK_BATCH_MODE", if by_jobs { "batch" } else { "auto" }),
        ("BEDROCK_BATCH_THRESHOLD", "100"),
        ("BEDROCK_MAX_RETRIES", "0"),
        ("BEDROCK_RATE_LIMIT_PER_SECOND", "1000"),
    ];
    let mut case = Case::new(&rows, &settings, |config| {
        config.now = NOVEMBER_2026;
        config.answers = AnswerSource::FromSchema {
            schema: schema.clone(),
        };
    })
    .await;
    case.put("pipeline/prompts.json", &example("prompts.json"))
        .await;
    match schema {
        Some(schema) => case.put("pipeline/schema.json", &schema.to_string()).await,
        None => case.request.schema = None,
    }
    let finished = case.run().await;
    let finished = finished.unwrap_or_else(|error| panic!("{model}: {error}"));
    assert_every_row_once(&rows, &case.result().await);
    let counters = case.stack.counters();
    let calls = match (model, by_jobs, has_schema) {
        (_, true, _) => 0,
        (LEARNED, _, true) => ROWS as u64 + CALLS_TO_LEARN,
        _ => ROWS as u64,
    };
    assert_eq!(counters.on_demand_calls, calls, "{model}");
    finished.summary
}

fn example(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/wildlife-strikes")
        .join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn number(summary: &Value, pointer: &str) -> u64 {
    summary
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("{pointer} in {summary}"))
}
