//! What `invoke` needs.

use quarry_edge::clock::{Clock, Pause};
use quarry_edge::metrics::Metrics;
use quarry_edge::on_demand::OnDemand;
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `invoke` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the records and the answers.
    pub store: Arc<dyn ObjectStore>,
    /// Calls the models.
    pub models: Arc<dyn OnDemand>,
    /// Tells how long the tier `flex` has been throttling.
    pub clock: Arc<dyn Clock>,
    /// Keeps to the rate, and waits when calls are throttled.
    pub pause: Arc<dyn Pause>,
    /// Receives the metrics.
    pub metrics: Arc<dyn Metrics>,
}
