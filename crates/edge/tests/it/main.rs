//! The object stores, and the streams over them, against the rules of S3.

mod stores;
