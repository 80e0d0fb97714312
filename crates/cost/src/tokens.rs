//! Numbers of tokens.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Numbers of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensSpent {
    /// Tokens that a model read, those of its prompt cache included.
    pub input: u64,
    /// Tokens that a model wrote.
    pub output: u64,
}

impl AddAssign for TokensSpent {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
    }
}
