//! Repeating a call that failed for a passing reason. The SDK repeats requests by itself; this is
//! for what it cannot repeat (a cut body) and for what is left after its own attempts.

use crate::store::StoreError;
use std::time::Duration;

/// One call and two repetitions.
pub(crate) const ATTEMPTS: u32 = 3;

/// The wait before the first repetition; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Whether the same call may do later.
pub(crate) fn is_passing(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Throttled(..) | StoreError::Unavailable(..)
    )
}

/// Waits before repetition `attempt` (from 1).
pub(crate) async fn pause(attempt: u32) {
    tokio::time::sleep(FIRST_WAIT * 2_u32.saturating_pow(attempt.saturating_sub(1))).await;
}

/// Calls `operation` until it succeeds, fails for good, or [`ATTEMPTS`] are used up.
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
