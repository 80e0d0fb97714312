//! What `merge` needs.

use quarry_edge::clock::Clock;
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `merge` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the answers and receives the parts.
    pub store: Arc<dyn ObjectStore>,
    /// Says how long the service has not worked.
    pub clock: Arc<dyn Clock>,
}
