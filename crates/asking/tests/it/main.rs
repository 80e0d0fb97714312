//! What a run sends in each form, and how it reads the answers.

mod forms;
mod names;

use quarry_asking::{Asking, AskingError};
use quarry_contract::settings::Settings;
use quarry_prompt::Prompts;
use serde_json::Value;
use std::collections::BTreeMap;

/// Claude Haiku 4.5, which takes a forced tool call, structured output and a prefill.
const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/// What a run with these settings sends to the model.
fn asking(
    model_id: &str,
    settings: &[(&str, &str)],
    schema: Option<&Value>,
) -> Result<Asking, AskingError> {
    let mut values = BTreeMap::from([("BEDROCK_PRIMARY_MODEL_ID".to_owned(), model_id.to_owned())]);
    values.extend(
        settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let prompts =
        Prompts::parse(br#"{"system_prompt": "Classify.", "user_prompt_template": "{text}"}"#)?;
    Asking::new(Settings::read(&values)?, &prompts, schema)
}

/// The body of a record.
fn body(asking: &Asking) -> Value {
    serde_json::from_slice(&asking.probe()).expect("a body is JSON")
}
