//! Observing a running server: how many bytes of which object were written or read.

use std::sync::Arc;

/// Bytes of one object that a client wrote or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic<'a> {
    /// The access key id of the user whose client it is.
    pub user: &'a str,
    /// The object's bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Which way the bytes went.
    pub direction: Direction,
    /// The number of bytes, at most some MiB at a time.
    pub bytes: u64,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a client into an object or a part. Copies inside the server do not count.
    Written,
    /// From an object to a client.
    Read,
}

/// Called on the server's threads while the traffic happens. An upload that fails afterwards is not
/// subtracted.
pub type Observer = Arc<dyn Fn(Traffic<'_>) + Send + Sync>;

/// One object and one direction.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) observer: Observer,
    pub(crate) user: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) direction: Direction,
}

impl Watched {
    pub(crate) fn count(&self, bytes: usize) {
        (self.observer)(Traffic {
            user: &self.user,
            bucket: &self.bucket,
            key: &self.key,
            direction: self.direction,
            bytes: bytes as u64,
        });
    }
}
