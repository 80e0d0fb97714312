//! Describes each setting to people, for `quarry settings`.

use crate::settings::names::NAMES;

/// The description of a setting. [`super::Settings::read`] checks values; tests keep the two in
/// agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AboutSetting {
    /// Its name.
    pub name: &'static str,
    /// The default, as text; `None` if there is none.
    pub default: Option<&'static str>,
    /// The allowed values, in the words of the error for any other value.
    pub allowed: &'static str,
    /// The effect of the setting.
    pub effect: &'static str,
}

const fn about(
    name: &'static str,
    default: Option<&'static str>,
    allowed: &'static str,
    effect: &'static str,
) -> AboutSetting {
    AboutSetting {
        name,
        default,
        allowed,
        effect,
    }
}

/// Every setting, in the order of [`NAMES`].
pub const ABOUT: [AboutSetting; NAMES.len()] = [
    about(
        "BEDROCK_PRIMARY_MODEL_ID",
        None,
        "a model id, an inference profile id or an ARN",
        "the model that is called; required",
    ),
    about(
        "BEDROCK_FALLBACK_MODEL_ID",
        None,
        "a model id, an inference profile id or an ARN",
        "called once on demand when the primary model refuses a record; never used for jobs",
    ),
    about(
        "BEDROCK_INFERENCE_PROFILE_ARN",
        None,
        "an ARN, of the batch role's account if there may be jobs",
        "called in place of the primary model",
    ),
    about(
        "BEDROCK_INFERENCE_PROFILE_REQUIRED_MODELS",
        Some("[]"),
        "a JSON list of model ids",
        "models that are reached only through their `global.` profile",
    ),
    about(
        "BEDROCK_MAX_TOKENS",
        None,
        "1 to 1000000",
        "most tokens of an answer; the default is the lower of 32768 and the model's ceiling",
    ),
    about(
        "BEDROCK_TEMPERATURE",
        Some("1.0"),
        "0 to 2",
        "sent as far as the model accepts it",
    ),
    about(
        "BEDROCK_TOP_P",
        Some("0.999"),
        "0 to 1",
        "sent as far as the model accepts it",
    ),
    about(
        "BEDROCK_MAX_RETRIES",
        Some("3"),
        "0 to 10",
        "rounds after the first, for rows without a good answer",
    ),
    about(
        "BEDROCK_BATCH_SIZE",
        Some("50"),
        "1 to 10000",
        "answers given on demand that are written to S3 together",
    ),
    about(
        "BEDROCK_OUTPUT_COLUMN_PREFIX",
        Some("llm_"),
        "any text",
        "what the names of result columns begin with",
    ),
    about(
        "BEDROCK_SKIP_ERROR_RECORDS",
        Some("false"),
        "false, true",
        "leave rows without an answer out of the result; the summary counts them",
    ),
    about(
        "BEDROCK_CONCURRENCY_MODE",
        Some("sequential"),
        "sequential, concurrent",
        "one on-demand call at a time, or several",
    ),
    about(
        "BEDROCK_MAX_CONCURRENT_WORKERS",
        Some("5"),
        "1 to 100",
        "on-demand calls at a time in mode `concurrent`, for the whole run",
    ),
    about(
        "BEDROCK_RATE_LIMIT_PER_SECOND",
        Some("10"),
        "0.1 to 1000",
        "on-demand calls begun per second, for the whole run",
    ),
    about(
        "BEDROCK_BATCH_MODE",
        Some("auto"),
        "auto, batch, realtime",
        "make batch jobs from the threshold on, always, or never",
    ),
    about(
        "BEDROCK_BATCH_THRESHOLD",
        Some("1000"),
        "1 to 1000000",
        "rows of a table from which mode `auto` makes jobs",
    ),
    about(
        "BEDROCK_BATCH_ROLE_ARN",
        None,
        "a role ARN, `arn:<partition>:iam::<12 digits>:role/<name>`",
        "the role that Bedrock reads and writes job files with; required in mode `batch`",
    ),
    about(
        "BEDROCK_BATCH_TIMEOUT_HOURS",
        Some("24"),
        "24 to 168",
        "hours after which Bedrock ends a job",
    ),
    about(
        "BEDROCK_MAX_RECORDS_PER_JOB",
        Some("45000"),
        "1 to 100000",
        "most records of a job",
    ),
    about(
        "BEDROCK_MIN_RECORDS_PER_JOB",
        Some("100"),
        "1 to 100000",
        "fewest records of a job: the account's quota for the model",
    ),
    about(
        "BEDROCK_MAX_BYTES_PER_JOB",
        Some("943718400"),
        "1024 to 1073741824",
        "most bytes of a job's input",
    ),
    about(
        "BEDROCK_MAX_CONCURRENT_BATCH_JOBS",
        Some("20"),
        "1 to 1000",
        "slices that are worked on at the same time, and so the jobs in flight",
    ),
    about(
        "BEDROCK_MAX_INPUT_FIELD_LENGTH",
        Some("400000"),
        "31 to 10000000",
        "longest value in a prompt, characters",
    ),
    about(
        "BEDROCK_TRUNCATION_ENABLED",
        Some("true"),
        "false, true",
        "cut longer values",
    ),
    about(
        "BEDROCK_LOG_TRUNCATIONS",
        Some("true"),
        "false, true",
        "log how many values were cut, by column",
    ),
    about(
        "BEDROCK_USE_STRUCTURED_OUTPUT",
        Some("true"),
        "false, true",
        "hold the model to the schema, by the means that it has",
    ),
    about(
        "BEDROCK_VALIDATION_SCHEMA",
        None,
        "a JSON Schema as text",
        "the schema, when no file has one",
    ),
    about(
        "BEDROCK_ROUTED_RULES_COLUMN",
        Some("selected_rule_names"),
        "any text",
        "the column that names a row's rules",
    ),
    about(
        "BEDROCK_MISSING_COLUMNS",
        Some("refuse"),
        "refuse, mark",
        "a placeholder without a column: refuse the run, or write `[Missing: name]`",
    ),
    about(
        "BEDROCK_REPLACE_COLUMNS",
        Some("false"),
        "false, true",
        "let a result column replace the input column of the same name",
    ),
    about(
        "BEDROCK_MODEL_CAPABILITIES",
        None,
        "a JSON object",
        "what the model accepts, over what is known of it",
    ),
    about(
        "BEDROCK_OUTPUT_KMS_KEY",
        None,
        "a KMS key",
        "the key for the output of jobs",
    ),
    about(
        "BEDROCK_THINKING",
        Some("default"),
        "default, off",
        "`off` tells a model that thinks unless told otherwise not to",
    ),
    about(
        "BEDROCK_EFFORT",
        None,
        "low, medium, high, xhigh, max",
        "how much a model works on an answer, for models that take it",
    ),
    about(
        "BEDROCK_SERVICE_TIER",
        Some("default"),
        "default, flex, priority",
        "the service tier of on-demand calls",
    ),
    about(
        "BEDROCK_FLEX_WAIT_MINUTES",
        Some("60"),
        "1 to 10080",
        "how long `flex` may throttle before the rest is sent in the tier `default`",
    ),
    about(
        "BEDROCK_OUTAGE_WAIT_HOURS",
        Some("24"),
        "0 to 72",
        "how long a slice waits for a service whose jobs fail before they answer; then the run fails",
    ),
    about(
        "BEDROCK_NO_ANSWERS",
        Some("fail"),
        "fail, allow",
        "a run without an answer: fail, or a table of errors; an error that all records get always fails",
    ),
    about(
        "BEDROCK_CSV_QUOTING",
        Some("standard"),
        "standard, backslash, none",
        "how cells of CSV and TSV are quoted: `backslash` has \\\" inside quotes, with `none` quotes are text",
    ),
    about(
        "BEDROCK_PROMPT_WITHOUT_COLUMNS",
        Some("refuse"),
        "refuse, allow",
        "a prompt that shows no column, and so is the same for every row: refuse the run, or send it",
    ),
    about(
        "BEDROCK_MAX_ROWS",
        Some("10000000"),
        "1 to 1000000000",
        "the most rows of a run; above it, the run is refused before it costs anything",
    ),
    about(
        "BEDROCK_MAX_DATA_BYTES",
        Some("107374182400"),
        "1 to 109951162777600",
        "the most bytes of a run's data, unpacked",
    ),
    about(
        "BEDROCK_MAX_COST",
        None,
        "0.000001 to 1000000",
        "the most USD that a run's tokens may cost: planning refuses more, and no further round passes it",
    ),
    about(
        "BEDROCK_PRICE_IN",
        None,
        "0 to 1000000",
        "USD on demand for a million tokens that a model without a known price reads; jobs cost half",
    ),
    about(
        "BEDROCK_PRICE_OUT",
        None,
        "0 to 1000000",
        "USD on demand for a million tokens that a model without a known price writes; jobs cost half",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{SettingError, Settings};
    use std::collections::BTreeMap;

    fn read(values: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let model = [("BEDROCK_PRIMARY_MODEL_ID", "m")];
        let all = model.iter().chain(values);
        let all: BTreeMap<String, String> = all
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::read(&all)
    }

    #[test]
    fn every_setting_is_described_in_the_order_of_the_names() {
        assert_eq!(ABOUT.map(|about| about.name), NAMES);
    }

    /// Settings that another setting requires, so that a value can be tested alone.
    const BESIDE: [(&str, &str); 1] =
        [("BEDROCK_BATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/R")];

    #[test]
    fn the_described_default_is_what_counts_when_nothing_is_set() {
        let unset = read(&[]).unwrap();
        for about in ABOUT {
            if let Some(default) = about.default {
                assert_eq!(read(&[(about.name, default)]).unwrap(), unset, "{about:?}");
            }
        }
    }

    #[test]
    fn the_described_range_is_what_is_allowed() {
        for about in ABOUT {
            let nonsense = "\u{1}nonsense";
            if let Err(SettingError::Value { name, allowed, .. }) = read(&[(about.name, nonsense)])
            {
                assert_eq!(name, about.name);
                // An example may follow.
                assert!(allowed.starts_with(about.allowed), "{about:?}: {allowed}");
            } else {
                assert!(about.allowed.starts_with('a'), "{about:?} takes nonsense");
            }
            let choices = about.allowed.split(", ");
            let ends = about.allowed.split(" to ");
            let is_range = about.allowed.starts_with(|c: char| c.is_ascii_digit());
            let values: Vec<&str> = match (is_range, about.allowed.starts_with('a')) {
                (true, _) => ends.collect(),
                (false, true) if about.name != "BEDROCK_BATCH_MODE" => continue,
                (false, _) => choices.collect(),
            };
            assert!(values.len() > 1, "{about:?}");
            for value in values {
                let mut settings = BESIDE.to_vec();
                settings.push((about.name, value));
                // The fewest and the most records of a job depend on each other.
                match about.name {
                    "BEDROCK_MIN_RECORDS_PER_JOB" => {
                        settings.push(("BEDROCK_MAX_RECORDS_PER_JOB", "100000"));
                    }
                    "BEDROCK_MAX_RECORDS_PER_JOB" => {
                        settings.push(("BEDROCK_MIN_RECORDS_PER_JOB", "1"));
                    }
                    // A price has both parts.
                    "BEDROCK_PRICE_IN" => settings.push(("BEDROCK_PRICE_OUT", "1")),
                    "BEDROCK_PRICE_OUT" => settings.push(("BEDROCK_PRICE_IN", "1")),
                    _ => {}
                }
                assert!(read(&settings).is_ok(), "{about:?}: {value}");
            }
        }
    }

    /// `docs/settings.md` says more, and repeats name, default and effect.
    #[test]
    fn the_documentation_has_a_row_with_the_same_default() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
        let page = std::fs::read_to_string(page).unwrap();
        for about in ABOUT {
            let default = about
                .default
                .map_or("none".to_owned(), |default| format!("`{default}`"));
            let row = format!("| `{}` | {default}", about.name);
            assert!(page.contains(&row), "no {row} in docs/settings.md");
        }
    }
}
