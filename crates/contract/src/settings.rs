//! The settings of a run: the `BEDROCK_*` names of the original step, and a few more.
//!
//! Values are text. Those of the request override those of the deployment's environment. An unknown
//! name is an error that suggests the nearest setting; a value that is not allowed is an error that
//! says what is allowed.

mod about;
mod caps;
mod error;
mod names;
mod prices;
mod source;
mod spelling;
mod together;
mod values;
mod without_effect;

pub use about::{ABOUT, AboutSetting};
pub use caps::{CAPS, MAX_COST, SENDS_OF_MOST_ROWS, cost_cap, over_deployment};
pub use error::SettingError;
pub use names::NAMES;
pub use prices::PRICES;
pub use spelling::{nearest, nearest_model, nearest_setting};
pub use values::{BatchMode, CsvQuoting, Effort, MissingColumns, ServiceTier, ThinkingSetting};
pub use without_effect::notes;

use quarry_cost::{TokenRate, Usd};
use source::Source;
use std::collections::BTreeMap;

/// Every setting, read and checked.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each flag is a setting of its own"
)]
pub struct Settings {
    /// `BEDROCK_PRIMARY_MODEL_ID`: model id, profile id or ARN.
    pub primary_model_id: String,
    /// `BEDROCK_FALLBACK_MODEL_ID`: called once, on demand, if the primary model refuses a record.
    pub fallback_model_id: Option<String>,
    /// `BEDROCK_INFERENCE_PROFILE_ARN`: used in place of the primary model's id.
    pub inference_profile_arn: Option<String>,
    /// `BEDROCK_INFERENCE_PROFILE_REQUIRED_MODELS`: models that are reached only through their
    /// `global.` profile.
    pub profile_required_models: Vec<String>,
    /// `BEDROCK_MAX_TOKENS`; if it is not set, the lower of 32,768 and the model's ceiling.
    pub max_tokens: Option<u64>,
    /// `BEDROCK_TEMPERATURE`.
    pub temperature: f64,
    /// `BEDROCK_TOP_P`.
    pub top_p: f64,
    /// `BEDROCK_MAX_RETRIES`: the most rounds after the first.
    pub max_retries: u32,
    /// `BEDROCK_BATCH_SIZE`: the on-demand answers that are stored together.
    pub batch_size: u32,
    /// `BEDROCK_OUTPUT_COLUMN_PREFIX`.
    pub output_column_prefix: String,
    /// `BEDROCK_SKIP_ERROR_RECORDS`: leave rows without an answer out of the result.
    pub skip_error_records: bool,
    /// `BEDROCK_CONCURRENCY_MODE`: whether several on-demand calls may be under way.
    pub concurrent: bool,
    /// `BEDROCK_MAX_CONCURRENT_WORKERS`: how many, in concurrent mode.
    pub max_concurrent_workers: u32,
    /// `BEDROCK_RATE_LIMIT_PER_SECOND`: on-demand calls begun per second.
    pub rate_limit_per_second: f64,
    /// `BEDROCK_BATCH_MODE`.
    pub batch_mode: BatchMode,
    /// `BEDROCK_BATCH_THRESHOLD`: rows from which `auto` makes jobs.
    pub batch_threshold: u64,
    /// `BEDROCK_BATCH_ROLE_ARN`: the role that jobs read and write with.
    pub batch_role_arn: Option<String>,
    /// `BEDROCK_BATCH_TIMEOUT_HOURS`.
    pub batch_timeout_hours: i32,
    /// `BEDROCK_MAX_RECORDS_PER_JOB`.
    pub max_records_per_job: u64,
    /// `BEDROCK_MIN_RECORDS_PER_JOB`: the account's quota for the model.
    pub min_records_per_job: u64,
    /// `BEDROCK_MAX_BYTES_PER_JOB`.
    pub max_bytes_per_job: u64,
    /// `BEDROCK_MAX_CONCURRENT_BATCH_JOBS`: slices of a run worked on at the same time.
    pub max_concurrent_batch_jobs: u32,
    /// `BEDROCK_MAX_INPUT_FIELD_LENGTH`: characters of a cell.
    pub max_input_field_length: u64,
    /// `BEDROCK_TRUNCATION_ENABLED`: cut longer cells.
    pub truncation_enabled: bool,
    /// `BEDROCK_LOG_TRUNCATIONS`: count cuts by column in the log.
    pub log_truncations: bool,
    /// `BEDROCK_USE_STRUCTURED_OUTPUT`: force a tool call when there is a schema.
    pub use_structured_output: bool,
    /// `BEDROCK_VALIDATION_SCHEMA`: a JSON Schema as text, used when no file has one.
    pub validation_schema: Option<String>,
    /// `BEDROCK_ROUTED_RULES_COLUMN`: the column that names a row's rules.
    pub routed_rules_column: String,
    /// `BEDROCK_MISSING_COLUMNS`: what a placeholder without a column becomes.
    pub missing_columns: MissingColumns,
    /// `BEDROCK_REPLACE_COLUMNS`: let result columns replace input columns of the same name.
    pub replace_columns: bool,
    /// `BEDROCK_MODEL_CAPABILITIES`: what the model accepts, as JSON that overrides Quarry's own table.
    pub model_capabilities: Option<String>,
    /// `BEDROCK_OUTPUT_KMS_KEY`: the key for job output.
    pub output_kms_key: Option<String>,
    /// `BEDROCK_THINKING`: whether to switch thinking off in a model that thinks by default.
    pub thinking: ThinkingSetting,
    /// `BEDROCK_EFFORT`: how much the model works on an answer; `None` for the model's default.
    pub effort: Option<Effort>,
    /// `BEDROCK_SERVICE_TIER`: the tier of on-demand calls.
    pub service_tier: ServiceTier,
    /// `BEDROCK_FLEX_WAIT_MINUTES`: how long the tier `flex` may throttle before the other records
    /// are sent in the default tier.
    pub flex_wait_minutes: u32,
    /// `BEDROCK_OUTAGE_WAIT_HOURS`: how long a slice waits for a service that does not work.
    pub outage_wait_hours: u32,
    /// `BEDROCK_NO_ANSWERS`: let a run succeed although no record got an answer, unless the
    /// service refuses all records with one and the same error.
    pub allow_no_answers: bool,
    /// `BEDROCK_CSV_QUOTING`: how the cells of CSV and TSV files are quoted.
    pub csv_quoting: CsvQuoting,
    /// `BEDROCK_PROMPT_WITHOUT_COLUMNS`: allow a prompt that is the same for every row.
    pub prompt_without_columns: bool,
    /// `BEDROCK_MAX_ROWS`: the most rows of a run.
    pub max_rows: u64,
    /// `BEDROCK_MAX_DATA_BYTES`: the most bytes of a run's data, unpacked.
    pub max_data_bytes: u64,
    /// `BEDROCK_MAX_COST`: the most that a run may cost; `None` for no cap.
    pub max_cost: Option<Usd>,
    /// `BEDROCK_PRICE_IN` and `BEDROCK_PRICE_OUT`: the price on demand of a model whose price is not
    /// known; `None` if they are not set.
    pub price: Option<TokenRate>,
}

/// The length of the mark that ends a cut cell, in characters. A shorter limit has no room for it.
pub const SHORTEST_FIELD_LIMIT: u64 = 31;

impl Settings {
    /// Reads the settings. An empty value counts as not set.
    pub fn read(values: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let settings = Self::read_each(values)?;
        settings.check_together()?;
        Ok(settings)
    }

    /// Reads each setting alone.
    fn read_each(values: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        check_names(values)?;
        let source = &Source::new(values);
        Ok(Self {
            primary_model_id: primary_model_id(source)?,
            fallback_model_id: source.text("BEDROCK_FALLBACK_MODEL_ID"),
            inference_profile_arn: source.text("BEDROCK_INFERENCE_PROFILE_ARN"),
            profile_required_models: source.list("BEDROCK_INFERENCE_PROFILE_REQUIRED_MODELS")?,
            max_tokens: source.optional_number("BEDROCK_MAX_TOKENS", 1, 1_000_000)?,
            temperature: source.number("BEDROCK_TEMPERATURE", 1.0, 0.0, 2.0)?,
            top_p: source.number("BEDROCK_TOP_P", 0.999, 0.0, 1.0)?,
            max_retries: source.number("BEDROCK_MAX_RETRIES", 3, 0, 10)?,
            batch_size: source.number("BEDROCK_BATCH_SIZE", 50, 1, 10_000)?,
            output_column_prefix: values
                .get("BEDROCK_OUTPUT_COLUMN_PREFIX")
                .map_or_else(|| "llm_".to_owned(), Clone::clone),
            skip_error_records: source.flag("BEDROCK_SKIP_ERROR_RECORDS", false)?,
            concurrent: concurrent(source)?,
            max_concurrent_workers: source.number("BEDROCK_MAX_CONCURRENT_WORKERS", 5, 1, 100)?,
            rate_limit_per_second: source.number(
                "BEDROCK_RATE_LIMIT_PER_SECOND",
                10.0,
                0.1,
                1000.0,
            )?,
            batch_mode: batch_mode(source)?,
            batch_threshold: source.number("BEDROCK_BATCH_THRESHOLD", 1000, 1, 1_000_000)?,
            batch_role_arn: source.text("BEDROCK_BATCH_ROLE_ARN"),
            batch_timeout_hours: source.number("BEDROCK_BATCH_TIMEOUT_HOURS", 24, 24, 168)?,
            max_records_per_job: source.number(
                "BEDROCK_MAX_RECORDS_PER_JOB",
                45_000,
                1,
                100_000,
            )?,
            min_records_per_job: source.number("BEDROCK_MIN_RECORDS_PER_JOB", 100, 1, 100_000)?,
            max_bytes_per_job: source.number(
                "BEDROCK_MAX_BYTES_PER_JOB",
                943_718_400,
                1_024,
                1_073_741_824,
            )?,
            max_concurrent_batch_jobs: source.number(
                "BEDROCK_MAX_CONCURRENT_BATCH_JOBS",
                20,
                1,
                1_000,
            )?,
            max_input_field_length: source.number(
                "BEDROCK_MAX_INPUT_FIELD_LENGTH",
                400_000,
                SHORTEST_FIELD_LIMIT,
                10_000_000,
            )?,
            truncation_enabled: source.flag("BEDROCK_TRUNCATION_ENABLED", true)?,
            log_truncations: source.flag("BEDROCK_LOG_TRUNCATIONS", true)?,
            use_structured_output: source.flag("BEDROCK_USE_STRUCTURED_OUTPUT", true)?,
            validation_schema: validation_schema(source),
            routed_rules_column: source
                .text("BEDROCK_ROUTED_RULES_COLUMN")
                .unwrap_or_else(|| "selected_rule_names".to_owned()),
            missing_columns: missing_columns(source)?,
            replace_columns: source.flag("BEDROCK_REPLACE_COLUMNS", false)?,
            model_capabilities: source.text("BEDROCK_MODEL_CAPABILITIES"),
            output_kms_key: source.text("BEDROCK_OUTPUT_KMS_KEY"),
            thinking: thinking(source)?,
            effort: source.effort()?,
            service_tier: service_tier(source)?,
            flex_wait_minutes: source.number("BEDROCK_FLEX_WAIT_MINUTES", 60, 1, 10_080)?,
            outage_wait_hours: source.number("BEDROCK_OUTAGE_WAIT_HOURS", 24, 0, 72)?,
            allow_no_answers: allow_no_answers(source)?,
            csv_quoting: csv_quoting(source)?,
            prompt_without_columns: prompt_without_columns(source)?,
            max_rows: source.number("BEDROCK_MAX_ROWS", 10_000_000, 1, 1_000_000_000)?,
            max_data_bytes: source.number("BEDROCK_MAX_DATA_BYTES", 100 << 30, 1, 100 << 40)?,
            max_cost: source.cost("BEDROCK_MAX_COST")?,
            price: prices::token_rate(source)?,
        })
    }

    /// Returns the id that is sent to Bedrock: the profile's ARN if it is set, otherwise the primary
    /// model, through its `global.` profile if that is required.
    pub fn effective_model_id(&self) -> String {
        match &self.inference_profile_arn {
            Some(arn) => arn.clone(),
            None if self
                .profile_required_models
                .contains(&self.primary_model_id) =>
            {
                format!("global.{}", self.primary_model_id)
            }
            None => self.primary_model_id.clone(),
        }
    }

    /// Returns the name of the setting that decides that id.
    pub fn model_setting(&self) -> &'static str {
        if self.inference_profile_arn.is_some() {
            "BEDROCK_INFERENCE_PROFILE_ARN"
        } else {
            "BEDROCK_PRIMARY_MODEL_ID"
        }
    }

    /// Returns how many on-demand calls of a slice may be under way at the same time.
    pub fn workers(&self) -> u32 {
        if self.concurrent {
            self.max_concurrent_workers
        } else {
            1
        }
    }
}

/// Refuses a name that is not a setting.
fn check_names(values: &BTreeMap<String, String>) -> Result<(), SettingError> {
    let unknown = values
        .keys()
        .find(|name| !NAMES.contains(&name.as_str()) && !without_effect::contains(name));
    match unknown {
        None => Ok(()),
        Some(name) => Err(SettingError::Unknown {
            name: name.clone(),
            suggestion: nearest_setting(name).map(str::to_owned),
        }),
    }
}

/// Refuses names and values that no run can have. Unlike for [`Settings::read`], the values need not be all those
/// of a run.
pub fn check_values(values: &BTreeMap<String, String>) -> Result<(), SettingError> {
    let mut values = values.clone();
    let model = values.entry("BEDROCK_PRIMARY_MODEL_ID".to_owned());
    model.or_insert_with(|| "any".to_owned());
    match Settings::read_each(&values) {
        Ok(_) | Err(SettingError::Missing { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn primary_model_id(source: &Source<'_>) -> Result<String, SettingError> {
    source
        .text("BEDROCK_PRIMARY_MODEL_ID")
        .ok_or(SettingError::Missing {
            name: "BEDROCK_PRIMARY_MODEL_ID",
            remedy: "set it to a model id, an inference profile id or an ARN",
        })
}

fn concurrent(source: &Source<'_>) -> Result<bool, SettingError> {
    let words = ["sequential", "concurrent"];
    Ok(source.choice("BEDROCK_CONCURRENCY_MODE", "sequential", &words)? == 1)
}

fn batch_mode(source: &Source<'_>) -> Result<BatchMode, SettingError> {
    let words = ["auto", "batch", "realtime"];
    Ok(match source.choice("BEDROCK_BATCH_MODE", "auto", &words)? {
        0 => BatchMode::Auto,
        1 => BatchMode::Batch,
        _ => BatchMode::Realtime,
    })
}

fn missing_columns(source: &Source<'_>) -> Result<MissingColumns, SettingError> {
    let words = ["refuse", "mark"];
    Ok(
        match source.choice("BEDROCK_MISSING_COLUMNS", "refuse", &words)? {
            0 => MissingColumns::Refuse,
            _ => MissingColumns::Mark,
        },
    )
}

fn thinking(source: &Source<'_>) -> Result<ThinkingSetting, SettingError> {
    let words = ["default", "off"];
    Ok(
        match source.choice("BEDROCK_THINKING", "default", &words)? {
            0 => ThinkingSetting::Default,
            _ => ThinkingSetting::Off,
        },
    )
}

fn service_tier(source: &Source<'_>) -> Result<ServiceTier, SettingError> {
    let words = ["default", "flex", "priority"];
    Ok(
        match source.choice("BEDROCK_SERVICE_TIER", "default", &words)? {
            0 => ServiceTier::Default,
            1 => ServiceTier::Flex,
            _ => ServiceTier::Priority,
        },
    )
}

fn allow_no_answers(source: &Source<'_>) -> Result<bool, SettingError> {
    let words = ["fail", "allow"];
    Ok(source.choice("BEDROCK_NO_ANSWERS", "fail", &words)? == 1)
}

/// Returns the schema of the setting. An empty object is none.
fn validation_schema(source: &Source<'_>) -> Option<String> {
    let schema = source.text("BEDROCK_VALIDATION_SCHEMA")?;
    (schema.trim() != "{}").then_some(schema)
}

fn csv_quoting(source: &Source<'_>) -> Result<CsvQuoting, SettingError> {
    let words = CsvQuoting::ALL.map(CsvQuoting::as_str);
    Ok(CsvQuoting::ALL[source.choice("BEDROCK_CSV_QUOTING", "standard", &words)?])
}

fn prompt_without_columns(source: &Source<'_>) -> Result<bool, SettingError> {
    let words = ["refuse", "allow"];
    Ok(source.choice("BEDROCK_PROMPT_WITHOUT_COLUMNS", "refuse", &words)? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let mut all = BTreeMap::from([("BEDROCK_PRIMARY_MODEL_ID".to_owned(), "m".to_owned())]);
        for (name, value) in values {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        Settings::read(&all)
    }

    #[test]
    fn defaults_are_the_originals() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.max_tokens, None);
        assert_eq!(settings.batch_threshold, 1000);
        assert_eq!(settings.output_column_prefix, "llm_");
        assert_eq!(settings.batch_mode, BatchMode::Auto);
        assert_eq!(settings.workers(), 1);
        assert!(settings.use_structured_output && settings.truncation_enabled);
    }

    #[test]
    fn every_listed_name_is_read() {
        let mut all: BTreeMap<String, String> = NAMES
            .iter()
            .map(|name| ((*name).to_owned(), String::new()))
            .collect();
        all.insert("BEDROCK_PRIMARY_MODEL_ID".to_owned(), "m".to_owned());
        assert!(Settings::read(&all).is_ok());
    }

    #[test]
    fn a_slip_in_a_name_is_refused_with_the_right_name() {
        let error = read(&[("BEDROCK_MAX_TOKEN", "5")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`BEDROCK_MAX_TOKEN` is not a setting; did you mean `BEDROCK_MAX_TOKENS`?"
        );
        for name in [
            "bedrock_max_tokens",
            "MAX_TOKENS",
            "max-tokens",
            "BEDROCK-MAX-TOKEN",
        ] {
            let error = read(&[(name, "5")]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{name}` is not a setting; did you mean `BEDROCK_MAX_TOKENS`?")
            );
        }
        for name in ["HOME", "PATH", "", "BEDROCK_"] {
            let error = read(&[(name, "5")]).unwrap_err();
            assert_eq!(error.to_string(), format!("`{name}` is not a setting"));
        }
    }

    #[test]
    fn some_settings_of_a_run_are_checked_without_the_others() {
        let check = |name: &str, value: &str| {
            check_values(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
        };
        for (name, value) in [
            ("BEDROCK_MAX_TOKENS", "512"),
            ("BEDROCK_BATCH_MODE", "batch"),
            ("BEDROCK_MAX_RECORDS_PER_JOB", "50"),
            ("BEDROCK_PRICE_IN", "1"),
        ] {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
        let error = check("BEDROCK_MAX_TOKENS", "abc").unwrap_err();
        assert_eq!(
            error.to_string(),
            "BEDROCK_MAX_TOKENS is `abc`; allowed: 1 to 1000000"
        );
        assert!(check("BEDROCK_MAX_TOKEN", "5").is_err());
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_range() {
        let cases = [
            ("BEDROCK_MAX_TOKENS", "0", "1 to 1000000"),
            ("BEDROCK_TEMPERATURE", "2.5", "0 to 2"),
            ("BEDROCK_TEMPERATURE", "NaN", "0 to 2"),
            ("BEDROCK_BATCH_TIMEOUT_HOURS", "23", "24 to 168"),
            ("BEDROCK_BATCH_MODE", "always", "auto, batch, realtime"),
            ("BEDROCK_MAX_INPUT_FIELD_LENGTH", "20", "31 to 10000000"),
            ("BEDROCK_SKIP_ERROR_RECORDS", "yes", "false, true"),
            ("BEDROCK_THINKING", "on", "default, off"),
            ("BEDROCK_EFFORT", "some", "low, medium, high, xhigh, max"),
            ("BEDROCK_SERVICE_TIER", "cheap", "default, flex, priority"),
            ("BEDROCK_FLEX_WAIT_MINUTES", "0", "1 to 10080"),
            ("BEDROCK_OUTAGE_WAIT_HOURS", "73", "0 to 72"),
            ("BEDROCK_NO_ANSWERS", "true", "fail, allow"),
            ("BEDROCK_CSV_QUOTING", "excel", "standard, backslash, none"),
            ("BEDROCK_PROMPT_WITHOUT_COLUMNS", "true", "refuse, allow"),
            (
                "BEDROCK_MAX_COST",
                "0",
                "0.000001 to 1000000 USD, such as 25 or 0.50",
            ),
            (
                "BEDROCK_MAX_COST",
                "5 USD",
                "0.000001 to 1000000 USD, such as 25 or 0.50",
            ),
            (
                "BEDROCK_MAX_COST",
                "-1",
                "0.000001 to 1000000 USD, such as 25 or 0.50",
            ),
        ];
        for (name, value, allowed) in cases {
            let error = read(&[(name, value)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{name} is `{value}`; allowed: {allowed}")
            );
        }
    }

    #[test]
    fn batch_mode_needs_a_role_of_any_partition() {
        assert!(matches!(
            read(&[("BEDROCK_BATCH_MODE", "batch")]),
            Err(SettingError::Missing { .. })
        ));
        for role in [
            "arn:aws:iam::123456789012:role/R",
            "arn:aws-cn:iam::123456789012:role/path/R",
        ] {
            assert!(
                read(&[
                    ("BEDROCK_BATCH_MODE", "batch"),
                    ("BEDROCK_BATCH_ROLE_ARN", role)
                ])
                .is_ok()
            );
        }
        assert!(read(&[("BEDROCK_BATCH_ROLE_ARN", "arn:aws:iam::1:role/R")]).is_err());
    }

    #[test]
    fn the_effective_model_is_the_profile_then_the_required_global_profile() {
        let model = "anthropic.claude-sonnet-4-20250514-v1:0";
        let required = format!("[\"{model}\"]");
        let settings = read(&[
            ("BEDROCK_PRIMARY_MODEL_ID", model),
            ("BEDROCK_INFERENCE_PROFILE_REQUIRED_MODELS", &required),
        ])
        .unwrap();
        assert_eq!(settings.effective_model_id(), format!("global.{model}"));
        let settings = read(&[("BEDROCK_INFERENCE_PROFILE_ARN", "arn:x")]).unwrap();
        assert_eq!(settings.effective_model_id(), "arn:x");
    }

    #[test]
    fn variables_of_the_original_container_are_taken_and_those_without_effect_noted() {
        let container = [
            ("BEDROCK_BATCH_INPUT_S3_PATH", "s3://b/p"),
            ("BEDROCK_BATCH_OUTPUT_S3_PATH", ""),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("USE_SECURE_PYPI", "true"),
        ];
        assert!(read(&container).is_ok());
        let values = container.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let notes = notes(&BTreeMap::from(values));
        assert_eq!(notes.len(), 3, "an empty value is none: {notes:?}");
        assert!(
            notes.iter().any(
                |note| note.starts_with("BEDROCK_BATCH_INPUT_S3_PATH has no effect: job files")
            )
        );
    }

    #[test]
    fn numbers_may_be_written_as_python_reads_them() {
        let records = |text| read(&[("BEDROCK_MAX_RECORDS_PER_JOB", text)]);
        for text in ["45000", " 45000 ", "45_000", "+45000"] {
            assert_eq!(records(text).unwrap().max_records_per_job, 45_000, "{text}");
        }
        for text in ["_45000", "45__000", "45000_", "45,000", "4.5e4", "forty"] {
            assert!(records(text).is_err(), "{text}");
        }
        assert_eq!(
            read(&[("BEDROCK_TEMPERATURE", "5e-1")])
                .unwrap()
                .temperature
                .to_bits(),
            0.5_f64.to_bits()
        );
    }

    #[test]
    fn truth_values_and_modes_are_words_in_any_case() {
        for (text, skip) in [
            ("True", true),
            ("TRUE", true),
            ("False", false),
            ("", false),
        ] {
            let settings = read(&[("BEDROCK_SKIP_ERROR_RECORDS", text)]).unwrap();
            assert_eq!(settings.skip_error_records, skip, "{text}");
        }
        assert!(read(&[("BEDROCK_SKIP_ERROR_RECORDS", "1")]).is_err());
        let settings = read(&[("BEDROCK_BATCH_MODE", "RealTime")]).unwrap();
        assert_eq!(settings.batch_mode, BatchMode::Realtime);
    }

    #[test]
    fn a_job_below_the_minimum_is_refused_under_the_name_that_was_set() {
        let error = read(&[("BEDROCK_MAX_RECORDS_PER_JOB", "50")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "BEDROCK_MAX_RECORDS_PER_JOB is `50`; allowed: at least BEDROCK_MIN_RECORDS_PER_JOB, 100"
        );
    }
}
