//! Counting the tokens of a question without asking it.

use crate::failure::CallError;
use crate::on_demand::Question;
use async_trait::async_trait;

/// Counts tokens as the service charges them.
#[async_trait]
pub trait TokenCounter: Send + Sync {
    /// Returns the tokens that the model would read. The model has to be a foundation model; its answer is
    /// not asked for, and the call is free of charge.
    async fn count(&self, question: &Question<'_>) -> Result<u64, CallError>;
}
