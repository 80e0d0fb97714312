//! A team that moves from the Python step keeps its environment, schema and folders unchanged.

use crate::command::Workplace;
use crate::recorded::parquet_table;
use crate::table::Table;
use serde_json::Value;

fn notes(summary: &Value) -> Vec<&str> {
    let notes = summary["notes"].as_array().expect("notes");
    notes.iter().filter_map(Value::as_str).collect()
}

#[track_caller]
fn assert_noted(summary: &Value, words: &[&str]) {
    let notes = notes(summary);
    for word in words {
        assert!(notes.iter().any(|n| n.contains(word)), "{word}: {notes:?}");
    }
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.file("data/a.csv", "text,n\nletter,1\nletter,2\n");
    workplace
}

/// The environment that the step's builder gives the container.
#[test]
fn the_whole_environment_of_the_container_is_taken() {
    let workplace = workplace();
    let environment = [
        "AWS_DEFAULT_REGION=eu-west-1",
        "BEDROCK_BATCH_INPUT_S3_PATH=s3://bucket/base/bedrock-batch/input",
        "BEDROCK_BATCH_MODE=auto",
        "BEDROCK_BATCH_OUTPUT_S3_PATH=s3://bucket/base/bedrock-batch/output",
        "BEDROCK_BATCH_ROLE_ARN=arn:aws:iam::123456789012:role/BatchRole",
        "BEDROCK_BATCH_SIZE=10",
        "BEDROCK_BATCH_THRESHOLD=1000",
        "BEDROCK_BATCH_TIMEOUT_HOURS=24",
        "BEDROCK_CONCURRENCY_MODE=sequential",
        "BEDROCK_FALLBACK_MODEL_ID=us.anthropic.claude-sonnet-4-6",
        "BEDROCK_INFERENCE_PROFILE_ARN=",
        "BEDROCK_INFERENCE_PROFILE_REQUIRED_MODELS=[\"anthropic.claude-haiku-4-5-20251001-v1:0\"]",
        "BEDROCK_LOG_TRUNCATIONS=True",
        "BEDROCK_MAX_CONCURRENT_BATCH_JOBS=20",
        "BEDROCK_MAX_CONCURRENT_WORKERS=5",
        "BEDROCK_MAX_INPUT_FIELD_LENGTH=400000",
        "BEDROCK_MAX_RECORDS_PER_JOB=45000",
        "BEDROCK_MAX_RETRIES=3",
        "BEDROCK_MAX_TOKENS=32768",
        "BEDROCK_OUTPUT_COLUMN_PREFIX=llm_",
        "BEDROCK_PRIMARY_MODEL_ID=anthropic.claude-haiku-4-5-20251001-v1:0",
        "BEDROCK_RATE_LIMIT_PER_SECOND=10",
        "BEDROCK_ROUTED_RULES_COLUMN=selected_rule_names",
        "BEDROCK_SKIP_ERROR_RECORDS=FALSE",
        "BEDROCK_TEMPERATURE=1.0",
        "BEDROCK_TOP_P=0.999",
        "BEDROCK_TRUNCATION_ENABLED=true",
        "BEDROCK_USE_STRUCTURED_OUTPUT=true",
        "BEDROCK_VALIDATION_SCHEMA={}",
        "SECURE_PYPI_DOMAIN=domain",
        "USE_SECURE_PYPI=true",
    ];
    let set = environment.map(|setting| format!("--set {setting}"));
    workplace.run("data", &set.join(" ")).good();
    let summary = workplace.summary();
    assert_eq!(summary["validation_passed_records"], 2, "{summary}");
    assert_eq!(
        summary["effective_model_id"],
        "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    );
    assert_noted(
        &summary,
        &[
            "AWS_DEFAULT_REGION has no effect",
            "BEDROCK_BATCH_INPUT_S3_PATH has no effect",
            "BEDROCK_BATCH_OUTPUT_S3_PATH has no effect",
            "SECURE_PYPI_DOMAIN has no effect",
            "USE_SECURE_PYPI has no effect",
        ],
    );
}

/// In its container, the original step had a folder for each of them.
#[test]
fn prompts_and_schema_may_be_given_as_folders() {
    let workplace = workplace();
    workplace.file(
        "templates/prompts.json",
        r#"{"user_prompt_template": "{text}"}"#,
    );
    workplace.file("templates/template_metadata_1.json", "{}");
    for (number, name) in ["mood", "tone"].into_iter().enumerate() {
        let schema = format!(r#"{{"properties": {{"{name}": {{"type": "string"}}}}}}"#);
        workplace.file(&format!("schema/validation_schema_{number}.json"), schema);
    }
    let run = "run data --out out --prompts";
    let folders = format!("{run} templates --schema schema");
    workplace.quarry(&folders).good();
    let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_eq!(result.columns[2], "llm_tone");

    for (arguments, words) in [
        ("schema", "there is no prompts.json in schema"),
        (
            "templates --schema data",
            "there is no validation_schema_*.json in data",
        ),
    ] {
        let refused = workplace.quarry(&format!("{run} {arguments}"));
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
}

/// A schema without properties does not count, and the next source is used.
#[test]
fn an_empty_schema_is_passed_over_for_the_next_source() {
    for empty in [
        "{}",
        r#"{"type":"object"}"#,
        r#"{"title":"T","type":"object","properties":{},"required":[],"processing_config":{}}"#,
    ] {
        let workplace = workplace();
        workplace.file("schema.json", empty);
        let setting = r#"BEDROCK_VALIDATION_SCHEMA={"properties":{"mood":{"type":"string"}}}"#;
        workplace.run("data", &format!("--set {setting}")).good();
        let summary = workplace.summary();
        assert_eq!(summary["schema_source"], "BEDROCK_VALIDATION_SCHEMA");
        assert_noted(&summary, &["schema.json has no `properties`"]);
        let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
        assert_eq!(result.columns[2], "llm_mood");

        workplace
            .run("data", "--set BEDROCK_VALIDATION_SCHEMA={}")
            .good();
        let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
        assert_eq!(result.columns[2], "llm_response");
    }
}

/// The summary says which parts a prompt has, in either form of the file.
#[test]
fn the_summary_says_whether_there_was_a_system_prompt() {
    let workplace = workplace();
    let rules = r#""rules": [{"rule_name": "R1", "description": "one"}]"#;
    for (prompts, system, template) in [
        (
            r#"{"user_prompt_template": "{text}"}"#.to_owned(),
            false,
            true,
        ),
        (
            r#"{"system_prompt": null, "user_prompt_template": "{text}"}"#.to_owned(),
            false,
            true,
        ),
        (r#"{"system_prompt": "S"}"#.to_owned(), true, false),
        (
            format!(r#"{{"ruleset": {{"input_placeholders": ["text"]}}, {rules}}}"#),
            false,
            true,
        ),
        (
            format!(r#"{{"ruleset": {{"analysis_instructions": "A"}}, {rules}}}"#),
            true,
            true,
        ),
    ] {
        let _ = std::fs::remove_dir_all(workplace.path("out"));
        workplace.file("prompts.json", &prompts);
        workplace.run("data", "").good();
        let parts = &workplace.summary()["template_integration"];
        assert_eq!(parts["system_prompt_loaded"], system, "{prompts}");
        assert_eq!(parts["user_prompt_template_loaded"], template, "{prompts}");
    }
}

/// Files that are not read are noted, as for a folder in S3.
#[test]
fn files_in_other_folders_are_left_out_and_noted() {
    let workplace = workplace();
    workplace.file("data/notes.txt", "x");
    workplace.file("data/old/2025/b.csv", "text\nleft out\n");
    workplace.file("data/.hidden/c.csv", "text\nleft out\n");
    for number in 0..30 {
        workplace.file(&format!("data/more/{number:02}.csv"), "text\nleft out\n");
    }
    workplace.run("data", "").good();
    let summary = workplace.summary();
    assert_eq!(summary["total_records"], 2);
    assert_noted(
        &summary,
        &[
            "in folders below the data folder: more/00.csv, more/01.csv",
            "notes.txt",
        ],
    );
    assert!(!summary["notes"].to_string().contains("hidden"));

    workplace.file("splits/train/a.csv", "text,n\nletter,1\n");
    workplace.file("splits/train/deeper/b.csv", "text,n\nleft out,1\n");
    workplace.file("splits/extra/c.csv", "text,n\nleft out,1\n");
    std::fs::remove_dir_all(workplace.path("out")).expect("the results");
    workplace.run("splits", "--job-type training").good();
    let summary = workplace.summary();
    assert_eq!(summary["total_records"], 1);
    assert_noted(
        &summary,
        &[
            "in folders below the data folder: deeper/b.csv",
            "outside train/, val/ and test/: extra/c.csv",
        ],
    );
}

/// The name of the framework's own output matches three patterns of the step.
#[test]
fn a_file_that_is_named_like_a_result_is_read_once() {
    let workplace = Workplace::new();
    workplace.file(
        "data/validation_processed_data.csv",
        "text,n\nletter,1\nletter,2\n",
    );
    workplace.run("data", "").good();
    let summary = workplace.summary();
    assert_eq!(summary["total_files"], 1);
    assert_eq!(summary["total_records"], 2);
}

/// The original step built prompts several times for each row and counted cuts each time.
#[test]
fn truncations_are_counted_once_on_demand_and_in_repeated_jobs() {
    let workplace = Workplace::new();
    let long = "x".repeat(60);
    workplace.file(
        "data/a.csv",
        format!("text,n\n{long},1\nshort,2\n{long},3\n"),
    );
    workplace.file(
        "faults.json",
        r#"{"jobs": [{"job": 0, "kind": "end", "status": "Failed", "answered": 0}]}"#,
    );
    for more in [
        "--set BEDROCK_BATCH_MODE=realtime",
        "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MIN_RECORDS_PER_JOB=1 --faults faults.json",
    ] {
        let _ = std::fs::remove_dir_all(workplace.path("out"));
        workplace
            .run(
                "data",
                &format!("--set BEDROCK_MAX_INPUT_FIELD_LENGTH=50 {more}"),
            )
            .good();
        let stats = &workplace.summary()["truncation_stats"];
        assert_eq!(stats["total_truncations"], 2, "{stats}");
        assert_eq!(stats["truncated_records"], 2, "{stats}");
        assert_eq!(stats["truncated_fields"]["text"], 2, "{stats}");
    }
}

/// Vectors of a Parquet table are lists of numbers.
#[test]
fn vectors_of_a_parquet_table_are_a_column_of_lists() {
    let workplace = Workplace::new();
    workplace.file(
        "data/a.parquet",
        include_bytes!("../../../parquet/tests/fixtures/duckdb.parquet"),
    );
    workplace
        .run(
            "data",
            "--set BEDROCK_PRIMARY_MODEL_ID=amazon.titan-embed-text-v2:0 --set BEDROCK_BATCH_MODE=realtime",
        )
        .good();
    let rows = workplace.summary()["rows"]["in"].as_u64();
    let result = workplace.read("out/validation_processed_data.parquet");
    let result = parquet_table(result, &["text", "llm_embedding"]);
    let vectors = result.column("llm_embedding");
    assert_eq!(Some(vectors.len() as u64), rows);
    for vector in vectors {
        let numbers: Vec<f64> = serde_json::from_str(vector).expect("a list of numbers");
        assert_eq!(numbers.len(), 1_024);
    }
}
