//! What a function reads from its environment, once, in `main`.

use crate::error::StepError;
use quarry_contract::location::S3Uri;
use std::collections::BTreeMap;

/// A variable; `None` when it is not set or empty.
pub fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// The deployment's settings: every variable that begins with `BEDROCK_`, so that a misspelt one
/// is refused by name when they are read.
pub fn settings_from_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| name.starts_with("BEDROCK_") && !value.is_empty())
        .collect()
}

/// The variable that names the deployment's work prefix.
pub const WORK_VARIABLE: &str = "QUARRY_WORK";

/// The deployment's work prefix, `s3://bucket/prefix`.
pub fn work_from_environment() -> Result<Option<S3Uri>, StepError> {
    environment(WORK_VARIABLE)
        .map(|text| {
            text.parse()
                .map_err(|error| StepError::bad_request(format!("{WORK_VARIABLE}: {error}")))
        })
        .transpose()
}
