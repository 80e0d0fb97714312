//! `CountTokens`: what a model would read, without asking it and free of charge.
//!
//! Only some models are counted, by their own id: for profiles and other models the service refuses with the same
//! message (AWS, Amazon Bedrock user guide, "Monitor your token usage by counting tokens"; pydantic/pydantic-ai#4001
//! and Boise-State-Development/agentcore-public-stack#430 for profiles).

use crate::api::ApiError;
use crate::known::KnownJsons;
use crate::models::is_profile;
use crate::question::{Family, Question, QuestionForm};
use aws_smithy_types::base64;
use serde_json::{Value, json};

/// The beginnings of the ids of the models that are counted.
const COUNTED: [&str; 8] = [
    "anthropic.claude-3-5-haiku",
    "anthropic.claude-3-5-sonnet",
    "anthropic.claude-3-7-sonnet",
    "anthropic.claude-3-haiku",
    "anthropic.claude-haiku-4-5",
    "anthropic.claude-opus-4-20250514",
    "anthropic.claude-sonnet-4-20250514",
    "anthropic.claude-sonnet-4-5",
];

/// Returns the response of `CountTokens`.
pub(crate) fn count(model_id: &str, body: &[u8]) -> Result<Value, ApiError> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::serialization(format!("The request is not JSON: {error}")))?;
    let input = request.get("input").and_then(Value::as_object);
    let input = input.ok_or_else(|| ApiError::validation("input is required"))?;
    let mut kinds = input.iter();
    let (Some((kind, of_kind)), None) = (kinds.next(), kinds.next()) else {
        return Err(ApiError::serialization(
            "The union input must have exactly one member",
        ));
    };
    let body = match kind.as_str() {
        "invokeModel" => body_of_invoke(of_kind)?,
        "converse" => of_kind.clone(),
        other => {
            return Err(ApiError::serialization(format!(
                "The union input has no member {other}"
            )));
        }
    };
    if is_profile(model_id) || !COUNTED.iter().any(|model| model_id.starts_with(model)) {
        return Err(ApiError::validation(
            "The provided model doesn't support counting tokens.",
        ));
    }
    let form = QuestionForm::of(Family::of(model_id, &body), kind == "converse");
    let question = Question::read(form, &body, &KnownJsons::default());
    Ok(json!({"inputTokens": question.input_tokens}))
}

/// Returns the body that `InvokeModel` would get: a blob, which JSON has as base64.
fn body_of_invoke(of_kind: &Value) -> Result<Value, ApiError> {
    let text = of_kind.get("body").and_then(Value::as_str);
    let text = text.ok_or_else(|| ApiError::validation("input.invokeModel.body is required"))?;
    let bytes = base64::decode(text)
        .map_err(|_| ApiError::serialization("input.invokeModel.body is not base64"))?;
    serde_json::from_slice(&bytes).map_err(|_| {
        ApiError::validation("Malformed input request, please reformat your input and try again.")
    })
}
