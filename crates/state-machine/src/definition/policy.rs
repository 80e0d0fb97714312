//! The handling of a Task or Map state's errors: `Retry`. Nothing is caught, so a failed run can be
//! redriven from the state that failed.

use super::document::FieldReader;
use super::problem::Problems;
use crate::failure::names;
use crate::limits::MAX_SECONDS;
use serde_json::Value;
use std::time::Duration;

/// The error names that a retrier handles.
#[derive(Debug)]
pub(crate) struct ErrorEquals(Vec<String>);

impl ErrorEquals {
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    pub(crate) fn matches(&self, error: &str) -> bool {
        self.0.iter().any(|name| name == error)
    }

    fn parse(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Self> {
        let path = fields.at("ErrorEquals");
        let value = fields.required("ErrorEquals", problems)?;
        let list: Option<Vec<String>> = value.as_array().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        });
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            problems.add(&path, "must be a list of at least one error name");
            return None;
        };
        for name in &list {
            if name == names::RUNTIME {
                problems.add(&path, "`States.Runtime` is never retried");
            } else if name.starts_with("States.") && !names::RETRIED.contains(&name.as_str()) {
                let known = names::RETRIED.join(", ");
                let message = format!("`{name}` is not supported (supported: {known})");
                problems.add(&path, message);
            }
        }
        Some(Self(list))
    }
}

/// One entry of `Retry`.
#[derive(Debug)]
pub(crate) struct Retrier {
    pub(crate) errors: ErrorEquals,
    pub(crate) max_attempts: u64,
    interval_seconds: u64,
    backoff_rate: f64,
    max_delay_seconds: Option<u64>,
    pub(crate) full_jitter: bool,
}

impl Retrier {
    /// Reads the entries of the state's `Retry`; empty if it has none.
    pub(super) fn parse_list(state: &mut FieldReader<'_>, problems: &mut Problems) -> Vec<Self> {
        let path = state.at("Retry");
        let items = match state.take("Retry") {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                problems.add(&path, "must be a list");
                return Vec::new();
            }
        };
        let mut retriers = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some(mut fields) = FieldReader::of(item, &format!("{path}[{index}]"), problems) {
                fields.comment(problems);
                retriers.extend(Self::parse(&mut fields, problems));
                fields.refuse_rest(problems);
            }
        }
        retriers
    }

    fn parse(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Self> {
        let errors = ErrorEquals::parse(fields, problems);
        let interval = fields.integer("IntervalSeconds", 1..=MAX_SECONDS, problems);
        let max_attempts = fields.integer("MaxAttempts", 0..=MAX_SECONDS, problems);
        let interval_seconds = interval.unwrap_or(1);
        let backoff_rate = match fields.take("BackoffRate") {
            None => 2.0,
            Some(value) => {
                let rate = value.as_f64().filter(|rate| *rate >= 1.0);
                if rate.is_none() {
                    problems.add(
                        &fields.at("BackoffRate"),
                        format!("must be a number of at least 1, not {value}"),
                    );
                }
                rate.unwrap_or(2.0)
            }
        };
        let max_delay_seconds = fields.integer("MaxDelaySeconds", 1..=31_622_399, problems);
        if max_delay_seconds.is_some_and(|delay| delay <= interval_seconds) {
            problems.add(
                &fields.at("MaxDelaySeconds"),
                "must be greater than IntervalSeconds",
            );
        }
        let full_jitter = match fields.text("JitterStrategy", problems) {
            None => false,
            Some("FULL") => true,
            Some(other) => {
                problems.add(
                    &fields.at("JitterStrategy"),
                    format!("must be FULL, not `{other}`"),
                );
                false
            }
        };
        Some(Self {
            errors: errors?,
            max_attempts: max_attempts.unwrap_or(3),
            interval_seconds,
            backoff_rate,
            max_delay_seconds,
            full_jitter,
        })
    }

    /// Returns the delay before the retry that follows `retries` earlier ones of this retrier:
    /// `IntervalSeconds × BackoffRate^retries`, at most `MaxDelaySeconds`, then times `jitter`.
    pub(crate) fn delay(&self, retries: u64, jitter: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            reason = "whole seconds below 10^8 are exact"
        )]
        let (interval, longest) = (
            self.interval_seconds as f64,
            self.max_delay_seconds.unwrap_or(MAX_SECONDS) as f64,
        );
        let exponent = i32::try_from(retries).unwrap_or(i32::MAX);
        let seconds = (interval * self.backoff_rate.powi(exponent)).min(longest);
        Duration::try_from_secs_f64(seconds * jitter).map_or(Duration::ZERO, whole_milliseconds)
    }
}

fn whole_milliseconds(duration: Duration) -> Duration {
    Duration::new(
        duration.as_secs(),
        duration.subsec_millis().saturating_mul(1_000_000),
    )
}
