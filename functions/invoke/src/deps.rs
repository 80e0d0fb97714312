//! What `invoke` needs.

use quarry_edge::clock::{Clock, Pause};
use quarry_edge::metrics::Metrics;
use quarry_edge::on_demand::OnDemand;
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `invoke` needs.
#[derive(Clone)]
pub struct Deps {
    /// Records and answers.
    pub store: Arc<dyn ObjectStore>,
    /// The models.
    pub models: Arc<dyn OnDemand>,
    /// For how long the tier `flex` has been throttling.
    pub clock: Arc<dyn Clock>,
    /// For the rate, and for waiting when throttled.
    pub pause: Arc<dyn Pause>,
    /// Where metrics go.
    pub metrics: Arc<dyn Metrics>,
}
