//! The variables that a function reads from its environment, once, in `main`.

use crate::error::StepError;
use quarry_contract::location::S3Uri;
use std::collections::BTreeMap;

/// Returns a variable; `None` if it is not set or empty.
pub fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// Returns the deployment's settings: every variable that begins with `BEDROCK_`, so that reading
/// the settings refuses a misspelt one by name.
pub fn settings_from_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| name.starts_with("BEDROCK_") && !value.is_empty())
        .collect()
}

/// The variable that names the deployment's work prefix.
pub const WORK_VARIABLE: &str = "QUARRY_WORK";

/// Returns the deployment's work prefix, `s3://bucket/prefix`.
pub fn work_from_environment() -> Result<Option<S3Uri>, StepError> {
    location_from_environment(WORK_VARIABLE)
}

/// Returns a location, `s3://bucket/prefix`; `None` if the variable is not set or empty.
pub fn location_from_environment(name: &str) -> Result<Option<S3Uri>, StepError> {
    environment(name)
        .map(|text| {
            text.parse()
                .map_err(|error| StepError::bad_request(format!("{name}: {error}")))
        })
        .transpose()
}

/// Returns a location that must be set.
pub fn required_location_from_environment(name: &str) -> Result<S3Uri, StepError> {
    location_from_environment(name)?.ok_or_else(|| not_set(name))
}

/// Returns a variable that must be set.
pub fn required_from_environment(name: &str) -> Result<String, StepError> {
    environment(name).ok_or_else(|| not_set(name))
}

fn not_set(name: &str) -> StepError {
    StepError::bad_request(format!("{name} is not set; the deployment has to set it"))
}

/// The variable that puts buckets into the path of S3 requests, for servers other than AWS's.
pub const PATH_STYLE_VARIABLE: &str = "QUARRY_S3_PATH_STYLE";

/// Whether buckets go into the path of S3 requests; `false` unless the variable is `true`.
pub fn path_style_from_environment() -> Result<bool, StepError> {
    path_style(environment(PATH_STYLE_VARIABLE).as_deref())
}

fn path_style(value: Option<&str>) -> Result<bool, StepError> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(StepError::bad_request(format!(
            "{PATH_STYLE_VARIABLE} is `{other}`; set it to true or false"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_style_is_true_or_false_and_nothing_else() {
        assert!(!path_style(None).unwrap());
        assert!(!path_style(Some("false")).unwrap());
        assert!(path_style(Some("true")).unwrap());
        let error = path_style(Some("yes")).unwrap_err();
        assert!(
            error.to_string().contains("QUARRY_S3_PATH_STYLE"),
            "{error}"
        );
    }
}
