//! Decides which records are too large to send.

use quarry_model::{Capabilities, Invocation};
use std::fmt;

/// The most bytes of an `InvokeModel` body. Source: Bedrock API reference, `InvokeModel`, `body`;
/// read in November 2026.
const MOST_BODY_BYTES: u64 = 25_000_000;

/// No text has more bytes than this to a token on average. Single tokens can be longer (a few long
/// words, runs of blanks), but English has some four bytes to a token, and Chinese and base64 have
/// fewer.
const MOST_BYTES_PER_TOKEN: u64 = 16;

/// The limits of a run's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLimits {
    /// The most bytes of a job's whole input: `BEDROCK_MAX_BYTES_PER_JOB`.
    job_bytes: u64,
    /// The most bytes of a record's body.
    body_bytes: Option<u64>,
    /// The model's context, in tokens.
    context_tokens: Option<u64>,
    /// Bytes of a body without its prompt. Their number of tokens is not known.
    frame_bytes: u64,
}

/// Why a record cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsendable {
    /// It is larger than a job may be.
    Job {
        /// Bytes of the record.
        bytes: u64,
        /// The limit: the setting.
        most: u64,
    },
    /// It is larger than the service accepts.
    Body {
        /// Bytes of the body.
        bytes: u64,
        /// The service's limit.
        most: u64,
    },
    /// It is longer than the model's context.
    Context {
        /// Bytes of the prompt, without repeated characters.
        bytes: u64,
        /// The lower bound of their tokens.
        tokens: u64,
        /// The model's context.
        most: u64,
    },
}

impl RecordLimits {
    pub(crate) fn new(job_bytes: u64, capabilities: &Capabilities, frame_bytes: usize) -> Self {
        Self {
            job_bytes,
            body_bytes: (capabilities.invocation == Invocation::InvokeModel)
                .then_some(MOST_BODY_BYTES),
            context_tokens: capabilities.max_input_tokens,
            frame_bytes: frame_bytes as u64,
        }
    }

    /// Returns an error if a record, as a whole line of batch input, is certainly too large. If it
    /// may fit, the service decides.
    ///
    /// Tokens are not counted. Their lower bound is the bytes of the prompt, without repetitions of
    /// one character, divided by sixteen.
    pub fn check(&self, record: &[u8]) -> Result<(), Unsendable> {
        let bytes = record.len() as u64;
        if bytes > self.job_bytes {
            let most = self.job_bytes;
            return Err(Unsendable::Job { bytes, most });
        }
        let body = body_of(record);
        let bytes = body.len() as u64;
        if let Some(most) = self.body_bytes
            && bytes > most
        {
            return Err(Unsendable::Body { bytes, most });
        }
        match self.context_tokens {
            Some(most) if bytes.saturating_sub(self.frame_bytes) / MOST_BYTES_PER_TOKEN > most => {
                self.check_context(body, most)
            }
            _ => Ok(()),
        }
    }

    fn check_context(&self, body: &[u8], most: u64) -> Result<(), Unsendable> {
        let bytes = distinct_bytes(body).saturating_sub(self.frame_bytes);
        let tokens = bytes / MOST_BYTES_PER_TOKEN;
        if tokens > most {
            return Err(Unsendable::Context {
                bytes,
                tokens,
                most,
            });
        }
        Ok(())
    }
}

/// Returns the body in a line of batch input. Record ids need no escapes.
fn body_of(line: &[u8]) -> &[u8] {
    const BEFORE: &[u8] = b"\"modelInput\":";

    let start = line
        .windows(BEFORE.len())
        .position(|window| window == BEFORE)
        .map_or(0, |at| at + BEFORE.len());
    let line = &line[start..];
    line.strip_suffix(b"}\n").unwrap_or(line)
}

/// Counts the bytes of JSON text; an escape counts as one byte, and so does a run of one byte.
fn distinct_bytes(json: &[u8]) -> u64 {
    let mut count = 0;
    let mut previous = None;
    let mut rest = json.iter().copied();
    while let Some(byte) = rest.next() {
        let seen = if byte == b'\\' {
            let escape = rest.next().unwrap_or(byte);
            if escape == b'u' {
                rest.nth(3);
            }
            // The letter after a backslash must not equal the same letter without one.
            escape | 0x80
        } else {
            byte
        };
        if previous != Some(seen) {
            count += 1;
        }
        previous = Some(seen);
    }
    count
}

/// The error text of a row whose record is not sent.
impl fmt::Display for Unsendable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job { bytes, most } => write!(
                formatter,
                "the record has {bytes} bytes, more than the {most} of BEDROCK_MAX_BYTES_PER_JOB; it was not sent"
            ),
            Self::Body { bytes, most } => write!(
                formatter,
                "the record's body has {bytes} bytes, more than the {most} that InvokeModel takes; it was not sent"
            ),
            Self::Context {
                bytes,
                tokens,
                most,
            } => write!(
                formatter,
                "the prompt's {bytes} bytes are {tokens} tokens or more, and the model takes {most}; it was not sent \
                 (BEDROCK_TRUNCATION_ENABLED cuts long cells, `max_input_tokens` in BEDROCK_MODEL_CAPABILITIES corrects \
                 the limit)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(prompt: &str) -> Vec<u8> {
        format!("{{\"recordId\":\"r1\",\"modelInput\":{{\"inputText\":\"{prompt}\"}}}}\n")
            .into_bytes()
    }

    fn limits(body_bytes: Option<u64>, context_tokens: Option<u64>) -> RecordLimits {
        RecordLimits {
            job_bytes: 1_000_000,
            body_bytes,
            context_tokens,
            frame_bytes: r#"{"inputText":""}"#.len() as u64,
        }
    }

    #[test]
    fn a_record_must_fit_the_job_the_body_and_the_context() {
        let words = "a word, ".repeat(400);
        assert_eq!(limits(None, None).check(&record(&words)), Ok(()));
        assert_eq!(
            limits(Some(3_215), None).check(&record(&words)),
            Err(Unsendable::Body {
                bytes: 3_216,
                most: 3_215
            })
        );
        assert_eq!(
            limits(Some(3_216), Some(200)).check(&record(&words)),
            Ok(())
        );
        assert_eq!(
            limits(None, Some(199)).check(&record(&words)),
            Err(Unsendable::Context {
                bytes: 3_200,
                tokens: 200,
                most: 199
            })
        );
        let long = "x".repeat(1_000_000);
        assert!(matches!(
            limits(None, None).check(&record(&long)),
            Err(Unsendable::Job { .. })
        ));
    }

    #[test]
    fn repeated_and_escaped_text_may_be_few_tokens() {
        for prompt in [" ".repeat(50_000), "-".repeat(50_000), "\\n".repeat(50_000)] {
            assert_eq!(limits(None, Some(10)).check(&record(&prompt)), Ok(()));
        }
        // Six bytes each in JSON, one character each for the model.
        let escaped = "\\u0001\\u0002".repeat(70);
        assert_eq!(distinct_bytes(escaped.as_bytes()), 1, "counted as one run");
    }
}
