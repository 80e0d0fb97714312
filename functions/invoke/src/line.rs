//! The output lines of a round on demand: Bedrock's form with three additional members.

use quarry_edge::on_demand::ModelReply;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OnDemandLine<'a> {
    record_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<LineError<'a>>,
    /// Not a member of Bedrock's own lines: says which model's rules apply when the answer is read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_fallback: bool,
    /// Not a member of Bedrock's own lines: the tier that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

/// Why a record has no answer.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineError<'a> {
    pub(crate) error_code: u16,
    pub(crate) error_message: &'a str,
    /// Not a member of Bedrock's own lines: the fallback model's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fallback_message: Option<&'a str>,
    /// Whether a retry of the same record can succeed; absent where the code says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retryable: Option<bool>,
}

impl<'a> LineError<'a> {
    pub(crate) fn new(error_code: u16, error_message: &'a str, retryable: Option<bool>) -> Self {
        Self {
            error_code,
            error_message,
            fallback_message: None,
            retryable,
        }
    }
}

/// Returns the line of an answer. An answer that is not JSON becomes an error of the service.
pub(crate) fn answer(id: &str, reply: &ModelReply, by_fallback: bool) -> Vec<u8> {
    match serde_json::from_slice::<&RawValue>(&reply.json) {
        Ok(json) => write(&OnDemandLine {
            record_id: id,
            model_output: Some(json),
            error: None,
            by_fallback,
            service_tier: reply.tier.as_deref(),
        }),
        Err(error) => {
            let message = format!("the answer is not JSON: {error}");
            refusal(id, LineError::new(502, &message, None))
        }
    }
}

/// Returns the line of a record without an answer.
pub(crate) fn refusal(id: &str, error: LineError<'_>) -> Vec<u8> {
    write(&OnDemandLine {
        record_id: id,
        model_output: None,
        error: Some(error),
        by_fallback: false,
        service_tier: None,
    })
}

fn write(line: &OnDemandLine<'_>) -> Vec<u8> {
    let mut line = serde_json::to_vec(line).unwrap_or_default();
    // An answer may be pretty-printed; a line must stay one line.
    line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    line.push(b'\n');
    line
}
