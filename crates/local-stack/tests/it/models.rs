//! Promise: a record is sent in the form of the model that gets it, and its answer is read in the
//! form of that model.

use crate::support::{Case, csv};
use quarry_bedrock_simulator::{AnswerSource, Faults, parse_given};
use quarry_contract::location::S3Uri;
use serde_json::{Value, json};

fn number(summary: &Value, pointer: &str) -> u64 {
    summary
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("{pointer} in {summary}"))
}

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const CLAUDE_WITHOUT_PREFILL: &str = "us.anthropic.claude-opus-4-7";
const NOVA: &str = "us.amazon.nova-lite-v1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

/// The primary model refuses three of six records; the fallback model gets them in a body of its
/// own family, and its answers have that family's form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_of_another_family_gets_requests_in_its_own_form() {
    // The simulator refuses bodies of the wrong form. Structured output or prefill of the first
    // model, and the form of its records, must not matter.
    for (primary, fallback, structured) in [
        (CLAUDE, NOVA, "true"),
        (CLAUDE, NOVA, "false"),
        (CLAUDE, LLAMA, "true"),
        (CLAUDE, LLAMA, "false"),
        (CLAUDE_WITHOUT_PREFILL, CLAUDE, "false"),
        (NOVA, CLAUDE, "true"),
        (LLAMA, CLAUDE, "false"),
        (CLAUDE, "my-own-name", "true"),
    ] {
        let what = format!("{primary}, {fallback}, {structured}");
        let settings = [
            ("BEDROCK_PRIMARY_MODEL_ID", primary),
            ("BEDROCK_FALLBACK_MODEL_ID", fallback),
            ("BEDROCK_USE_STRUCTURED_OUTPUT", structured),
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_MAX_RETRIES", "0"),
        ];
        let case = Case::new(&csv(6), &settings, |config| {
            config.faults = refuses_every_second();
            config.answers = AnswerSource::FromSchema {
                schema: Some(crate::support::schema()),
            };
        })
        .await;
        let summary = case.run().await.unwrap().summary;
        assert_eq!(number(&summary, "/validation_passed_records"), 6, "{what}");
        assert_eq!(number(&summary, "/answers/by_fallback_model"), 3, "{what}");
        assert_eq!(number(&summary, "/answers/repaired"), 0, "{what}");
        assert_eq!(case.stack.counters().on_demand_calls, 9, "{what}");
    }
}

/// Without a schema too, the brace that the request gave is put back where it was given, and
/// nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefill_of_one_model_is_not_taken_for_one_of_the_other() {
    for (primary, fallback) in [(CLAUDE_WITHOUT_PREFILL, CLAUDE), (CLAUDE, LLAMA)] {
        let settings = [
            ("BEDROCK_PRIMARY_MODEL_ID", primary),
            ("BEDROCK_FALLBACK_MODEL_ID", fallback),
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_MAX_RETRIES", "0"),
        ];
        let mut case = Case::new(&csv(4), &settings, |config| {
            config.faults = refuses_every_second();
            let answers = parse_given(br#"{"text": "{\"a\": {\"b\": 1}}"}"#).unwrap();
            config.answers = AnswerSource::Given {
                answers,
                schema: None,
            };
        })
        .await;
        case.request.schema = None;
        let summary = case.run().await.unwrap().summary;
        assert_eq!(number(&summary, "/answers/good"), 4, "{primary}: {summary}");
        let result = case.result().await;
        let cell = r#","{""a"":{""b"":1}}",json_only,"#;
        assert_eq!(result.matches(cell).count(), 4, "{primary}: {result}");
    }
}

/// The error of a record that both models refuse names both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_both_models_refuse_becomes_an_error_row_that_names_both() {
    let settings = [
        ("BEDROCK_FALLBACK_MODEL_ID", NOVA),
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let case = Case::new(&csv(2), &settings, |config| {
        config.faults = serde_json::from_value(json!({"records": [
            {"first": 1, "kind": "error_line", "code": 400, "message": "not this one", "times": 2}
        ]}))
        .unwrap();
    })
    .await;
    let summary = case.run().await.unwrap().summary;
    assert_eq!(number(&summary, "/failed_records"), 1);
    let result = case.result().await;
    assert_eq!(result.matches("not this one").count(), 2, "{result}");
    assert!(
        result.contains(&format!("the fallback model {NOVA}")),
        "{result}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_that_cannot_answer_in_the_same_form_is_refused() {
    let settings = [("BEDROCK_FALLBACK_MODEL_ID", "amazon.titan-embed-text-v2:0")];
    let case = Case::new(&csv(1), &settings, |_| {}).await;
    let error = case.run().await.unwrap_err();
    assert_eq!(error.error, "Quarry.BadRequest");
    assert!(error.cause.contains("BEDROCK_FALLBACK_MODEL_ID"), "{error}");
}

fn refuses_every_second() -> Faults {
    serde_json::from_value(json!({"records": [
        {"every": 2, "kind": "error_line", "code": 400, "message": "not this one"}
    ]}))
    .unwrap()
}

/// The vector of each row, by jobs and on demand, is the JSON of one column: it has the model's
/// length and is not that of another row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embeddings_of_a_column_are_a_result_column() {
    // Batch jobs do not accept Cohere's embeddings.
    for (model, modes) in [
        (
            "amazon.titan-embed-text-v2:0",
            &[("batch", 120), ("realtime", 5)][..],
        ),
        ("cohere.embed-multilingual-v3", &[("realtime", 5)][..]),
    ] {
        for &(mode, rows) in modes {
            let data = (0..rows).fold("id,input_text\n".to_owned(), |data, row| {
                data + &format!("{row},\"text {row}, quoted\"\n")
            });
            let settings = [
                ("BEDROCK_PRIMARY_MODEL_ID", model),
                ("BEDROCK_BATCH_MODE", mode),
            ];
            let case = Case::new(&data, &settings, |_| {}).await;
            // The schema of the case does not describe vectors.
            case.put("pipeline/prompts.json", r#"{"system_prompt": "not sent"}"#)
                .await;
            let summary = case.run().await.unwrap().summary;
            assert_eq!(summary["schema_source"], "embedding model", "{model}");
            assert_eq!(summary["notes"].as_array().unwrap().len(), 2, "{summary}");
            assert_eq!(
                number(&summary, "/validation_passed_records"),
                rows,
                "{summary}"
            );
            assert_eq!(summary["batch_processing_used"], mode == "batch");

            let result = case.result().await;
            let (header, lines) = result.split_once('\n').unwrap();
            assert!(
                header.starts_with("id,input_text,llm_embedding,llm_parse_status,"),
                "{header}"
            );
            let mut seen = std::collections::BTreeSet::new();
            for line in lines.lines() {
                let start = line.find("\"[").unwrap();
                let end = line.find("]\"").unwrap();
                let vector: Vec<f64> = serde_json::from_str(&line[start + 1..=end]).unwrap();
                assert_eq!(vector.len(), 1_024, "{model}");
                assert!(seen.insert(line[start..end].to_owned()), "{line}");
                assert!(line.ends_with(",success,True,success,,,"), "{line}");
            }
            assert_eq!(seen.len() as u64, rows);
        }
    }
}

/// In JSON Lines the vector is a list, and a template gives the embedded text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embeddings_of_a_template_are_lists_in_json_lines() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", "amazon.titan-embed-text-v2:0"),
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_OUTPUT_COLUMN_PREFIX", ""),
    ];
    let mut case = Case::new("id,text\n", &settings, |_| {}).await;
    case.put(
        "data/data.jsonl",
        "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2, \"text\": \"a\"}\n",
    )
    .await;
    case.request.data = case.request.data.join("data.jsonl");
    case.request.schema = None::<S3Uri>;
    case.run().await.unwrap();
    let at = crate::support::place("results/validation_processed_data.jsonl");
    let result = case.stack.store().get(&at, 1 << 20).await.unwrap();
    let lines: Vec<Value> = std::str::from_utf8(&result)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["embedding"].as_array().unwrap().len(), 1_024);
    // `Judge 1: a` and `Judge 2: a` are different texts.
    assert_ne!(lines[0]["embedding"], lines[1]["embedding"]);
}

/// The embedded column must exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_a_column_to_embed_is_refused() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", "cohere.embed-english-v3"),
        ("BEDROCK_BATCH_MODE", "realtime"),
    ];
    let case = Case::new(&csv(3), &settings, |_| {}).await;
    case.put("pipeline/prompts.json", "{}").await;
    let error = case.run().await.unwrap_err();
    assert!(error.cause.contains("input_text"), "{error}");
}
