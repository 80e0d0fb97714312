//! Metrics: what functions count, and how CloudWatch gets it.
//!
//! A function emits typed values to a [`Metrics`]. On Lambda that is [`EmbeddedMetrics`], which
//! prints one line in CloudWatch's embedded metric format; CloudWatch Logs makes metrics of it, so
//! that no call and no permission is needed. `docs/telemetry.md` says what each metric means.

use crate::clock::{Clock, SystemClock};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Quarry";

/// The dimension of all metrics: the deployment's name.
pub const DEPLOYMENT: &str = "Deployment";

/// The dimension that [`Metric::FunctionMilliseconds`] has besides.
pub const FUNCTION: &str = "Function";

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident, $unit:ident;)+) => {
        /// What is counted. The names are CloudWatch's; dashboards and alarms read them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $($(#[$doc])* $name,)+
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in CloudWatch.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Its unit in CloudWatch.
            pub fn unit(self) -> &'static str {
                match self { $(Self::$name => stringify!($unit),)+ }
            }
        }
    };
}

metrics! {
    /// Rows of a planned run.
    RowsPlanned, Count;
    /// Slices of a planned run.
    SlicesPlanned, Count;
    /// Bedrock jobs created.
    JobsCreated, Count;
    /// Age of a live job when it is looked at.
    JobAgeSeconds, Seconds;
    /// Time from a job's submission to its end.
    JobDurationSeconds, Seconds;
    /// Jobs seen to have ended, however.
    JobsEnded, Count;
    /// Jobs that ended as `Failed`.
    JobsFailed, Count;
    /// Jobs that ended as `Expired` or `PartiallyCompleted`: their time was not enough.
    JobsExpired, Count;
    /// On-demand calls of models, repeated ones and those of the fallback model included.
    OnDemandCalls, Count;
    /// Rows of a finished run.
    Rows, Count;
    /// Rows of a finished run for which no model answered.
    RowsFailed, Count;
    /// Answers in all rounds of a finished run.
    Answers, Count;
    /// Rows of a finished run whose answer was repaired.
    Repaired, Count;
    /// Records for which no line came back, in all rounds of a finished run.
    Missing, Count;
    /// Tokens that models read in a finished run.
    InputTokens, Count;
    /// Tokens that models wrote in a finished run.
    OutputTokens, Count;
    /// How long a call of a function took.
    FunctionMilliseconds, Milliseconds;
    /// Calls that failed: 0 or 1 for each call.
    FunctionErrors, Count;
    /// Calls that failed because AWS asked for fewer of them.
    Throttles, Count;
    /// Calls that failed because the quota of jobs was used; the slice waits for a place.
    QuotaWaits, Count;
}

impl Metric {
    fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::FunctionMilliseconds => &[DEPLOYMENT, FUNCTION],
            _ => &[DEPLOYMENT],
        }
    }
}

/// Where metrics go.
pub trait Metrics: Send + Sync {
    /// Takes values, each metric at most once.
    fn emit(&self, values: &[(Metric, u64)]);
}

/// Prints documents in the embedded metric format, one a line.
pub struct EmbeddedMetrics<W> {
    deployment: String,
    function: &'static str,
    out: Mutex<W>,
}

impl<W: Write + Send> EmbeddedMetrics<W> {
    /// `deployment` and `function` are the dimensions' values, neither of them empty.
    pub fn new(deployment: String, function: &'static str, out: W) -> Self {
        Self {
            deployment,
            function,
            out: Mutex::new(out),
        }
    }
}

impl<W: Write + Send> Metrics for EmbeddedMetrics<W> {
    fn emit(&self, values: &[(Metric, u64)]) {
        let document = document(&self.deployment, self.function, SystemClock.now(), values);
        let mut line = document.to_string();
        line.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line, so that lines stay whole. If it fails there is no place to say so, and
        // no reason to fail a run.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

/// One document (CloudWatch user guide, "Specification: Embedded metric format"): a directive for
/// each set of dimensions, and all values and dimensions as members of the root. `at` is the time
/// since 1970-01-01T00:00:00Z.
pub fn document(deployment: &str, function: &str, at: Duration, values: &[(Metric, u64)]) -> Value {
    let mut sets: Vec<(&[&str], Vec<Value>)> = Vec::new();
    for (metric, _) in values {
        let definition = json!({ "Name": metric.name(), "Unit": metric.unit() });
        let dimensions = metric.dimensions();
        match sets.iter_mut().find(|(known, _)| *known == dimensions) {
            Some((_, definitions)) => definitions.push(definition),
            None => sets.push((dimensions, vec![definition])),
        }
    }
    let directives: Vec<Value> = sets
        .into_iter()
        .map(|(dimensions, definitions)| {
            json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": definitions })
        })
        .collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            "CloudWatchMetrics": directives,
        }),
    );
    root.insert(DEPLOYMENT.to_owned(), json!(deployment));
    root.insert(FUNCTION.to_owned(), json!(function));
    for (metric, value) in values {
        root.insert(metric.name().to_owned(), json!(value));
    }
    Value::Object(root)
}
