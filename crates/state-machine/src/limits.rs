//! The service limits that shape a workflow, and how a payload is measured against them.
//!
//! Source: AWS Step Functions Developer Guide, "Service quotas". All are hard limits of Standard
//! workflows except where noted.

use serde_json::Value;
use std::io;
use std::time::Duration;

/// The largest input or output of a task, state or execution, in bytes of UTF-8 JSON text.
pub const MAX_PAYLOAD_BYTES: usize = 262_144;

/// The most events in the history of one execution. The last one is always the event that ends the
/// execution, so a machine that continues after 24,999 recorded events fails.
pub const MAX_HISTORY_EVENTS: u64 = 25_000;

/// The most child executions that a Map Run has open at a time. This is also the meaning of a
/// `MaxConcurrency` of zero or none.
pub const MAX_OPEN_CHILDREN: usize = 10_000;

/// The longest life of an execution: one year.
pub const MAX_EXECUTION_TIME: Duration = Duration::from_hours(365 * 24);

/// How long after its end an execution can be redriven.
pub const REDRIVABLE: Duration = Duration::from_hours(14 * 24);

/// The longest name of an execution, in characters.
pub const MAX_EXECUTION_NAME_CHARS: usize = 80;

/// The longest name of a state, in characters.
pub(crate) const MAX_STATE_NAME_CHARS: usize = 80;

/// The longest `Label` of a Map state, in characters.
pub(crate) const MAX_LABEL_CHARS: usize = 40;

/// The largest number of seconds that a definition may state.
pub(crate) const MAX_SECONDS: u64 = 99_999_999;

/// Whether the JSON text of `payload` has at most [`MAX_PAYLOAD_BYTES`] bytes.
pub(crate) fn fits_payload(payload: &Value) -> bool {
    serde_json::to_writer(Allowance(MAX_PAYLOAD_BYTES), payload).is_ok()
}

/// Accepts this many bytes and fails on the next one.
struct Allowance(usize);

impl io::Write for Allowance {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(bytes.len()) {
            Some(rest) => {
                self.0 = rest;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit is on bytes of JSON text, so quotes, escapes and the length in UTF-8 count.
    #[test]
    fn payload_is_measured_in_bytes_of_json_text() {
        let exactly = Value::String("x".repeat(MAX_PAYLOAD_BYTES - 2));
        assert!(fits_payload(&exactly));
        let quote_too_much = Value::String("x".repeat(MAX_PAYLOAD_BYTES - 1));
        assert!(!fits_payload(&quote_too_much));
        let two_bytes_each = Value::String("ä".repeat(MAX_PAYLOAD_BYTES / 2 - 1));
        assert!(fits_payload(&two_bytes_each));
        let escaped = Value::String("\"".repeat(MAX_PAYLOAD_BYTES / 2));
        assert!(!fits_payload(&escaped));
    }
}
