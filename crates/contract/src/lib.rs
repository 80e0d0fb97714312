//! The interface between processes: requests, settings, the plan, payloads between states,
//! locations and names. Nothing here reads data or calls AWS.
//!
//! Every document that is stored or passed on has a `version`. This code reads and writes
//! [`VERSION`].

pub mod arn;
pub mod arn_prefix;
pub mod byte_order_mark;
pub mod callback;
pub mod digest;
pub mod execution_name;
pub mod execution_status;
pub mod file_format;
pub mod job_names;
pub mod job_status;
pub mod json_document;
pub mod layout;
pub mod listed_job;
pub mod location;
pub mod members;
pub mod memory_used_up;
pub mod payload;
pub mod plan;
pub mod record_id;
pub mod request;
pub mod request_file;
pub mod run_identity;
pub mod schema_file;
pub mod settings;
mod version;
mod written_settings;

pub use version::{OtherVersion, VERSION, check_version};
