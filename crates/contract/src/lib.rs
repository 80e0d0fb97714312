//! The words that cross a process boundary: requests, settings, manifest, payloads between
//! states, object locations and names. Nothing here reads data or talks to AWS.

pub mod location;
