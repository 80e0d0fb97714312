//! Variables of the original step that are accepted and have no effect.

use super::source::Source;
use std::collections::BTreeMap;

/// Variables of the original step's container that have no effect here, and why. They are accepted
/// with any value, so that a step's environment can be passed on as it is.
const WITHOUT_EFFECT: [(&str, &str); 8] = [
    ("BEDROCK_BATCH_INPUT_S3_PATH", JOB_FILES),
    ("BEDROCK_BATCH_OUTPUT_S3_PATH", JOB_FILES),
    (
        "AWS_DEFAULT_REGION",
        "models are asked in the Region of the deployment",
    ),
    ("USE_SECURE_PYPI", NO_PACKAGES),
    ("SECURE_PYPI_ROLE_ACCOUNT", NO_PACKAGES),
    ("SECURE_PYPI_DOMAIN", NO_PACKAGES),
    ("SECURE_PYPI_DOMAIN_OWNER", NO_PACKAGES),
    ("SECURE_PYPI_REPOSITORY", NO_PACKAGES),
];

const JOB_FILES: &str = "job files are in the run's folder below the request's `work`, \
    the one place that the roles of functions and jobs have to reach";
const NO_PACKAGES: &str = "nothing is installed when a run starts";

/// Whether it is the name of such a variable.
pub(super) fn contains(name: &str) -> bool {
    WITHOUT_EFFECT.iter().any(|(known, _)| *known == name)
}

/// Returns the summary's notes about settings that have no effect: one for each that has a value.
pub fn notes(values: &BTreeMap<String, String>) -> Vec<String> {
    let source = Source::new(values);
    WITHOUT_EFFECT
        .iter()
        .filter(|(name, _)| source.raw(name).is_some())
        .map(|(name, reason)| format!("{name} has no effect: {reason}"))
        .collect()
}
