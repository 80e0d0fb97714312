//! Which service tier a call names.

use crate::api::ApiError;
use crate::faults::FaultTier;
use serde_json::Value;

/// Reads the tier that a call names: in a header of `InvokeModel`, in the body of `Converse`.
pub(super) fn named_tier(
    converse: bool,
    header: Option<&str>,
    body: Option<&Value>,
) -> Result<Option<FaultTier>, ApiError> {
    let name = if converse {
        match body.and_then(|body| body.get("serviceTier")) {
            None => None,
            Some(tier) => match tier.get("type").and_then(Value::as_str) {
                Some(name) => Some(name),
                None => {
                    return Err(ApiError::validation(
                        "1 validation error detected: Value null at 'serviceTier.type' failed to \
                         satisfy constraint: Member must not be null",
                    ));
                }
            },
        }
    } else {
        header
    };
    match name {
        None => Ok(None),
        Some("default") => Ok(Some(FaultTier::Default)),
        Some("flex") => Ok(Some(FaultTier::Flex)),
        Some("priority") => Ok(Some(FaultTier::Priority)),
        Some("reserved") => Err(ApiError::validation("Reservation not found.")),
        Some(_) => Err(ApiError::validation("service tier provided is invalid")),
    }
}
