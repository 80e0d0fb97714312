//! Which prompts and schema a run uses, and what the notes say about the others.

use crate::support::{CELL, refusal, rows};
use quarry_planned_run::RunInput;
use serde_json::json;

const SCHEMA: &str = r#"{"properties": {"a": {"type": "string"}}}"#;
const OTHER: &str = r#"{"properties": {"b": {"type": "string"}}}"#;

#[tokio::test]
async fn prompts_are_a_file_or_the_folder_that_holds_it() {
    rows(1).await.plan().await.unwrap();
    let mut input = rows(1).await;
    let other = CELL.replace("{row}", "What is {row}?");
    input
        .put("elsewhere/mine.JSON", format!("\u{feff}{other}"))
        .await;
    input.payload.request.prompts = "s3://bucket/elsewhere/mine.JSON".parse().unwrap();
    let plan = input.plan().await.unwrap();
    assert_eq!(plan.prompts["user_prompt_template"], "What is {row}?");
}

#[tokio::test]
async fn of_the_schemas_in_a_folder_the_last_by_name_is_in_force() {
    let mut input = rows(1).await;
    for (name, schema) in [("_1", OTHER), ("_2", SCHEMA), ("_1b", OTHER)] {
        input
            .put(&format!("s/validation_schema{name}.json"), schema)
            .await;
    }
    input.put("s/z.json", OTHER).await;
    input.payload.request.schema = Some("s3://bucket/s".parse().unwrap());
    let plan = input.plan().await.unwrap();
    assert_eq!(plan.schema.unwrap().to_string(), SCHEMA.replace(": ", ":"));
    let source = plan.schema_source.unwrap();
    assert_eq!(source, "s3://bucket/s/validation_schema_2.json");
}

#[tokio::test]
async fn a_schema_file_wins_over_the_setting() {
    let plan = rows(1).await.plan().await.unwrap();
    assert_eq!((plan.schema, plan.schema_source), (None, None));
    let with_setting = async || rows(1).await.set("BEDROCK_VALIDATION_SCHEMA", OTHER);
    let plan = with_setting().await.plan().await.unwrap();
    assert_eq!(plan.schema_source.unwrap(), "BEDROCK_VALIDATION_SCHEMA");
    let with_both = with_setting().await.schema(SCHEMA).await;
    let plan = with_both.plan().await.unwrap();
    assert_eq!(
        plan.schema.unwrap()["properties"]["a"],
        json!({"type": "string"})
    );
}

#[tokio::test]
async fn a_schema_without_properties_counts_as_none_with_a_note() {
    let input = rows(1).await.schema(r#"{"type": "object"}"#).await;
    let plan = input.plan().await.unwrap();
    assert_eq!(plan.schema, None);
    let note = plan.notes.concat();
    assert!(
        note.contains("validation_schema_1.json has no `properties`"),
        "{note}"
    );
}

#[tokio::test]
async fn prompts_that_are_missing_or_broken_are_refused_with_their_place() {
    let input = rows(1).await;
    input.put("prompts/prompts.json", "{").await;
    let text = refusal(&input).await;
    assert!(
        text.starts_with("s3://bucket/prompts/prompts.json: not valid JSON: "),
        "{text}"
    );
    input
        .store
        .delete(&"s3://bucket/prompts/prompts.json".parse().unwrap());
    let text = refusal(&input).await;
    assert_eq!(
        text,
        "there are no prompts at s3://bucket/prompts/prompts.json; put prompts.json there or correct `prompts`"
    );
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_refused_with_its_place_and_the_remedy() {
    let place = "s3://bucket/schema/validation_schema_1.json";
    for (schema, words) in [
        ("{", "is not valid JSON"),
        (
            "[]",
            "it needs `properties`, which become the result columns",
        ),
        (
            r#"{"type": "array", "items": {}}"#,
            "is not a schema of an object",
        ),
        (
            r#"{"properties": {"status": {"type": "string"}}}"#,
            "rename the property",
        ),
        (r#"{"properties": {"a": {"type": "strin"}}}"#, "strin"),
    ] {
        let text = refusal(&rows(1).await.schema(schema).await).await;
        assert!(text.contains(words), "{schema}: {text}");
        if !schema.contains("status") {
            assert!(text.starts_with(place), "{schema}: {text}");
        }
    }
}

#[tokio::test]
async fn a_schema_that_is_missing_is_refused_with_the_remedy() {
    let mut input = rows(1).await;
    for (at, words) in [
        (
            "s3://bucket/none.json",
            "there is no schema at s3://bucket/none.json; put it there or correct `schema`",
        ),
        (
            "s3://bucket/none/",
            "there is no validation_schema_*.json in s3://bucket/none/; put one there or correct `schema`",
        ),
    ] {
        input.payload.request.schema = Some(at.parse().unwrap());
        assert_eq!(refusal(&input).await, words);
    }
}

/// A prompts file becomes part of every record.
#[tokio::test]
async fn prompts_of_more_than_16_mib_are_refused_by_their_size() {
    let mut input: RunInput = rows(1).await;
    input.put("large.json", vec![b' '; (16 << 20) + 1]).await;
    input.payload.request.prompts = "s3://bucket/large.json".parse().unwrap();
    let text = refusal(&input).await;
    assert!(
        text.contains("16777217 bytes, more than the 16777216 allowed"),
        "{text}"
    );
}

#[tokio::test]
async fn prompts_in_place_of_a_schema_are_refused() {
    let input = RunInput::new(CELL, &[("rows.csv", b"row\nr0\n")]).await;
    let error = refusal(&input.schema(CELL).await).await;
    assert!(
        error.contains("has prompts (`user_prompt_template`) and is no schema"),
        "{error}"
    );
}

/// Pydantic writes the schema of a recursive model so.
#[tokio::test]
async fn a_schema_that_refers_to_its_own_definition_at_the_top_counts_as_that() {
    let schema = r##"{"$defs": {"Node": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}},
        "$ref": "#/$defs/Node"}"##;
    let input = RunInput::new(CELL, &[("rows.csv", b"row\nr0\n")]).await;
    let plan = input.schema(schema).await.plan().await.unwrap();
    let schema = plan.schema.unwrap();
    assert_eq!(schema["properties"]["name"]["type"], "string");
    assert_eq!(schema["$defs"]["Node"]["required"][0], "name");
}
