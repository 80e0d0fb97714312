//! An S3 server on a directory, for one machine: buckets are folders, objects are plain files.
//!
//! It speaks the S3 protocol on a loopback port, signatures and checksums included, so that the
//! real SDK clients are used. What it promises is what a batch pipeline relies on:
//!
//! - A put is seen as a whole or not at all, and conditional puts (`If-None-Match`, `If-Match`) of
//!   one key have one winner.
//! - Multipart uploads obey the limits of S3; parts can be copied from other objects.
//! - Bodies are streamed; memory does not grow with the size of objects.
//! - Files put into a bucket's folder by hand are objects like any other, and the server can be
//!   stopped and started on the same directory.
//!
//! Limits: one server per directory. Metadata, tags, versions, ACLs and `Content-MD5` are not
//! kept or looked at. `ETag`s follow from an object's content, but are not its MD5. A key cannot be
//! an object and the folder of other objects at once (`a` and `a/b`): files and folders cannot
//! either.

mod error;
mod keys;
mod observer;
mod receive;
mod server;
mod service;
mod storage;

pub use observer::{Direction, Observer, Traffic};
pub use server::{Credentials, LocalS3, S3StartError};
