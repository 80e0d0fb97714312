//! Retrying a call that failed for a transient reason. The SDK retries requests by itself; this is
//! for calls that it cannot retry (a cut body) and for errors that remain after its own attempts.

use crate::store::StoreError;
use std::time::Duration;

/// One call and two retries.
pub(crate) const ATTEMPTS: u32 = 3;

/// The wait before the first retry; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Whether the same call may succeed later.
pub(crate) fn is_passing(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Throttled(..) | StoreError::Unavailable(..)
    )
}

/// Waits before retry `attempt` (from 1).
pub(crate) async fn pause(attempt: u32) {
    tokio::time::sleep(FIRST_WAIT * 2_u32.saturating_pow(attempt.saturating_sub(1))).await;
}

/// Calls `operation` until it succeeds, fails permanently, or has used up [`ATTEMPTS`].
pub(crate) async fn repeating<T, F, Fut>(mut operation: F) -> Result<T, StoreError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, StoreError>>,
{
    let mut attempt = 1;
    loop {
        match operation().await {
            Err(error) if is_passing(&error) && attempt < ATTEMPTS => {
                pause(attempt).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}
