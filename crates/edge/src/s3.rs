//! S3 through the AWS SDK, streams over it, and fakes.
//!
//! | module | what it does |
//! |---|---|
//! | [`client`] | [`S3Store`](client::S3Store): [`ObjectStore`](crate::store::ObjectStore) on the SDK's client |
//! | [`reader`] | reads a range of an object in order, several ranged GETs ahead |
//! | [`memory`] | an object store in memory |
//! | [`writer`] | writes an object of any size, several parts in flight |

pub mod client;
pub mod memory;
pub mod reader;
pub mod writer;

mod retry;
mod upload;
