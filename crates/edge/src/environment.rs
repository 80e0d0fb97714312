//! What a function reads from its environment, once, in `main`.

use crate::error::StepError;
use quarry_contract::location::S3Uri;
use quarry_contract::settings::NAMES;
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

/// The deployment's settings: every `BEDROCK_*` variable that is a setting and is set.
pub fn settings_from_environment() -> BTreeMap<String, String> {
    NAMES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), environment(name)?)))
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
