//! Digests for names and tokens.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Returns the SHA-256 as 64 lower-case hexadecimal digits.
pub fn hex_digest(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text.as_ref())
        .iter()
        .fold(String::with_capacity(64), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
}
