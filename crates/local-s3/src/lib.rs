//! An S3 server on a directory, for one machine: buckets are folders, objects are plain files.
//!
//! It speaks the S3 protocol on a loopback port, including signatures and checksums, so it works
//! with the real SDK clients. It promises what a batch pipeline relies on:
//!
//! - Readers see a put as a whole or not at all, and of several conditional puts (`If-None-Match`,
//!   `If-Match`) of one key, one wins.
//! - Multipart uploads obey the limits of S3; parts can be copied from other objects.
//! - Bodies are streamed; memory does not grow with the size of objects.
//! - Files that are put into a bucket's folder by hand are objects like any other, and the server
//!   can be stopped and started on the same directory.
//!
//! Limits: one server per directory. Metadata, tags, versions, ACLs and `Content-MD5` are ignored.
//! `ETag`s depend on an object's content, but are not its MD5. A key cannot be both an object and
//! the folder of other objects (`a` and `a/b`), because a path cannot be both a file and a folder.

mod error;
mod keys;
mod observer;
mod receive;
mod server;
mod service;
mod storage;
mod users;

pub use observer::{Direction, Observer, Traffic};
pub use server::{LocalS3, S3StartError};
pub use users::{Credentials, RequestCount};
