//! Metrics that are summed up in memory.

use quarry_edge::metrics::{Metric, Metrics};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A metric's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetricCount {
    /// How often it was emitted.
    pub times: u64,
    /// The sum of its values.
    pub sum: u64,
}

#[derive(Debug, Default)]
pub(crate) struct MetricCounts(Mutex<BTreeMap<Metric, MetricCount>>);

impl MetricCounts {
    pub(crate) fn of(&self, metric: Metric) -> MetricCount {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&metric).copied().unwrap_or_default()
    }
}

impl Metrics for MetricCounts {
    fn emit(&self, values: &[(Metric, u64)]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (metric, value) in values {
            let count = counts.entry(*metric).or_default();
            count.times += 1;
            count.sum += value;
        }
    }
}
