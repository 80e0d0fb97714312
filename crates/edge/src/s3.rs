//! S3 through the AWS SDK, streams on top of it, and fakes.
//!
//! | module | what it does |
//! |---|---|
//! | [`client`] | [`S3Store`](client::S3Store): [`ObjectStore`](crate::store::ObjectStore) on the SDK's client |
//! | [`reader`] | reads a range of an object in order, several ranged GETs ahead |
//! | [`writer`] | writes an object of any size, several parts in flight |
//! | [`lines`] | reads the lines of an object |
//! | [`mod@concat`] | makes one object from ranges of others inside S3, resumable |
//! | `memory`, `faults` | an object store in memory, and a wrapper that fails on request (feature `testing`) |
//! | `conformance` | the contract of every object store, as functions to call (feature `testing`) |

pub mod client;
pub mod concat;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod faults;
pub mod lines;
#[cfg(feature = "testing")]
pub mod memory;
pub mod reader;
pub mod writer;

mod retry;
mod upload;
