//! What `plan` needs.

use quarry_contract::location::S3Uri;
use quarry_edge::metrics::Metrics;
use quarry_edge::store::ObjectStore;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `plan` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds data, prompts and schema, and receives the plan.
    pub store: Arc<dyn ObjectStore>,
    /// The deployment's settings; those of the request override them.
    pub settings: BTreeMap<String, String>,
    /// The deployment's work prefix, used when the request has none.
    pub work: Option<S3Uri>,
    /// Receives the metrics.
    pub metrics: Arc<dyn Metrics>,
}
