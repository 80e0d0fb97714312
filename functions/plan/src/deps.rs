//! What `plan` needs.

use quarry_contract::location::S3Uri;
use quarry_edge::metrics::Metrics;
use quarry_edge::store::ObjectStore;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `plan` needs.
#[derive(Clone)]
pub struct Deps {
    /// Data, prompts and schema in, the plan out.
    pub store: Arc<dyn ObjectStore>,
    /// The deployment's settings; the request's go over them.
    pub settings: BTreeMap<String, String>,
    /// The deployment's work prefix, used when the request has none.
    pub work: Option<S3Uri>,
    /// Where metrics go.
    pub metrics: Arc<dyn Metrics>,
}
