//! Opening the objects of answers ahead, so that many small ones are requested together.
//!
//! With a `BEDROCK_BATCH_SIZE` of 1, a round that was sent on demand has an object for each record.
//! One after the other, 45,000 requests would take longer than an invocation.

use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectInfo, ObjectStore};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most objects that are requested before they are needed.
const OBJECTS_AHEAD: usize = 16;

/// The most bytes of these objects, so that large objects are read one after the other.
const BYTES_AHEAD: u64 = 4 << 20;

/// Opens objects in their order.
pub(crate) struct OpenAhead {
    store: Arc<dyn ObjectStore>,
    waiting: VecDeque<ObjectInfo>,
    opened: VecDeque<(ObjectInfo, Lines)>,
    bytes: u64,
}

impl OpenAhead {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, objects: Vec<ObjectInfo>) -> Self {
        Self {
            store,
            waiting: objects.into(),
            opened: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Returns the next object and its lines.
    pub(crate) fn next(&mut self) -> Option<(ObjectInfo, Lines)> {
        while self.opened.len() < OBJECTS_AHEAD
            && let Some(next) = self.waiting.front()
            && (self.opened.is_empty() || self.bytes + next.size <= BYTES_AHEAD)
            && let Some(object) = self.waiting.pop_front()
        {
            self.bytes += object.size;
            let mut lines = Lines::open(
                Arc::clone(&self.store),
                object.location.clone(),
                0..object.size,
                object.etag.as_str(),
            );
            lines.request();
            self.opened.push_back((object, lines));
        }
        let (object, lines) = self.opened.pop_front()?;
        self.bytes -= object.size;
        Some((object, lines))
    }
}
