//! What `merge` needs.

use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `merge` needs.
#[derive(Clone)]
pub struct Deps {
    /// Answers in, parts out.
    pub store: Arc<dyn ObjectStore>,
}
