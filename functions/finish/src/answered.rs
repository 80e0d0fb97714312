//! A run that asked and got no answer is no success, although each of its rows is accounted for.

use quarry_contract::settings::Settings;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_result::receipt::{Receipt, Round};

/// Checks that at least one record was answered, if any were sent. Answers that were given to the
/// run count as none that were sent.
///
/// # Errors
///
/// `Quarry.Refused` with the service's words about the records.
pub(crate) fn check(receipts: &[Receipt], settings: &Settings) -> Result<(), StepError> {
    let rounds = || receipts.iter().flat_map(|receipt| &receipt.rounds);
    let is_sent = |round: &&Round| round.job.is_some() || round.on_demand > 0;
    let sent: u64 = rounds()
        .filter(is_sent)
        .map(|round| round.counts.asked)
        .sum();
    let is_answered = rounds().any(|round| round.counts.answered > 0);
    if sent == 0 || is_answered || settings.allow_no_answers {
        return Ok(());
    }
    let of_records = rounds().find_map(|round| round.counts.refusals.groups().first());
    let of_job = rounds().find_map(|round| round.job.as_ref());
    // The service's words come first, because a pipeline receives only 256 characters of this.
    let words = match (of_records, of_job) {
        (Some(group), _) => group.text.clone(),
        (None, Some(job)) if job.message.is_empty() => {
            format!("job {} ended as {}", job.name, job.status)
        }
        (None, Some(job)) => format!("job {} ended as {}: {}", job.name, job.status, job.message),
        (None, None) => "the calls left no line".to_owned(),
    };
    let rows: u64 = receipts.iter().map(|receipt| receipt.rows).sum();
    Err(StepError::new(
        StepErrorKind::Refused,
        format!(
            "{words} (no record of {rows} rows got an answer; start the run again when the cause is removed, or set \
             BEDROCK_NO_ANSWERS to `allow` to get a table of errors)"
        ),
    ))
}
