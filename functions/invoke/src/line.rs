//! The output lines of a round on demand: Bedrock's form with four additional members.

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
    /// Not a member of Bedrock's own lines: the calls about the record whose reply was lost, so that
    /// the service may charge them.
    #[serde(skip_serializing_if = "is_zero")]
    lost_replies: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
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

/// Returns the line of an answer. An answer that is not JSON becomes an error of the service, and its
/// reply counts as lost, in addition to `lost_replies`.
pub(crate) fn answer(
    id: &str,
    reply: &ModelReply,
    by_fallback: bool,
    lost_replies: u32,
) -> Vec<u8> {
    match serde_json::from_slice::<&RawValue>(&reply.json) {
        Ok(json) => write(&OnDemandLine {
            record_id: id,
            model_output: Some(json),
            error: None,
            by_fallback,
            service_tier: reply.tier.as_deref(),
            lost_replies,
        }),
        Err(error) => {
            let message = format!("the answer is not JSON: {error}");
            refusal(id, LineError::new(502, &message, None), lost_replies + 1)
        }
    }
}

/// Returns the line of a record without an answer, after calls whose replies were lost.
pub(crate) fn refusal(id: &str, error: LineError<'_>, lost_replies: u32) -> Vec<u8> {
    write(&OnDemandLine {
        record_id: id,
        model_output: None,
        error: Some(error),
        by_fallback: false,
        service_tier: None,
        lost_replies,
    })
}

fn write(line: &OnDemandLine<'_>) -> Vec<u8> {
    let mut line = serde_json::to_vec(line).unwrap_or_default();
    // An answer may be pretty-printed; a line must stay one line.
    line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    line.push(b'\n');
    line
}
