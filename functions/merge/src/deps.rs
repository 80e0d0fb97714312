//! The services that `merge` works with.

use quarry_edge::clock::Clock;
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `merge` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the answers and receives the parts.
    pub store: Arc<dyn ObjectStore>,
    /// The time, by which an outage is measured.
    pub clock: Arc<dyn Clock>,
}
