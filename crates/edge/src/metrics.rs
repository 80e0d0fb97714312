//! Metrics: what functions count, and how CloudWatch receives it.
//!
//! A function emits typed values to a [`Metrics`]. On Lambda this is [`EmbeddedMetrics`], which
//! prints one line in CloudWatch's embedded metric format. CloudWatch Logs turns it into metrics,
//! so that no call and no permission is needed. `docs/telemetry.md` says what each metric means.

use crate::clock::{Clock, SystemClock};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Quarry";

/// The dimension of all metrics: the deployment's name.
pub const DEPLOYMENT: &str = "Deployment";

/// The additional dimension of [`Metric::FunctionMilliseconds`].
pub const FUNCTION: &str = "Function";

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident, $unit:ident;)+) => {
        /// A metric. The names are CloudWatch's; dashboards and alarms read them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $($(#[$doc])* $name,)+
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns its name in CloudWatch.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Returns its unit in CloudWatch.
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
    /// The age of a live job when it is polled.
    JobAgeSeconds, Seconds;
    /// The time from a job's submission to its end.
    JobDurationSeconds, Seconds;
    /// Jobs whose end was seen, whatever their status.
    JobsEnded, Count;
    /// Jobs that ended as `Failed`.
    JobsFailed, Count;
    /// Jobs that ended as `Expired` or `PartiallyCompleted`: their time limit was too short.
    JobsExpired, Count;
    /// On-demand calls to models, including retries and calls to the fallback model.
    OnDemandCalls, Count;
    /// Rows of a finished run.
    Rows, Count;
    /// Rows of a finished run for which no model answered.
    RowsFailed, Count;
    /// Answers in all rounds of a finished run.
    Answers, Count;
    /// Rows of a finished run whose answer was repaired.
    Repaired, Count;
    /// Records that got no line, in all rounds of a finished run.
    Missing, Count;
    /// Tokens that models read in a finished run.
    InputTokens, Count;
    /// Tokens that models wrote in a finished run.
    OutputTokens, Count;
    /// The duration of a function call.
    FunctionMilliseconds, Milliseconds;
    /// Calls that failed: 0 or 1 for each call.
    FunctionErrors, Count;
    /// Calls that failed because AWS throttled them.
    Throttles, Count;
    /// Calls that failed because the quota of jobs was used up; the slice waits for a place.
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

/// Receives metrics.
pub trait Metrics: Send + Sync {
    /// Accepts values, each metric at most once.
    fn emit(&self, values: &[(Metric, u64)]);
}

/// Prints documents in the embedded metric format, one on each line.
pub struct EmbeddedMetrics<W> {
    deployment: String,
    function: &'static str,
    out: Mutex<W>,
}

impl<W: Write + Send> EmbeddedMetrics<W> {
    /// `deployment` and `function` are the values of the dimensions; neither may be empty.
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
        // Each line is one write, so that lines stay whole. If it fails, there is no place to
        // report it, and no reason to fail a run.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

/// Returns one document (CloudWatch user guide, "Specification: Embedded metric format"): a
/// directive for each set of dimensions, and all values and dimensions as members of the root. `at`
/// is the time since 1970-01-01T00:00:00Z.
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
