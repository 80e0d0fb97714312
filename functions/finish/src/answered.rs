//! A run that asked and got no answer is no success, although each of its rows is accounted for.
//! What stands in the place of an answer is none: a guardrail's message, a refusal of the model, an
//! empty response.

use quarry_contract::settings::Settings;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_result::ledger::Counts;
use quarry_result::receipt::{Receipt, Round};
use std::collections::BTreeMap;

/// The number of causes that the error names beside the most frequent one.
const OTHER_CAUSES: usize = 3;

/// What to do when the service did not say what is wrong.
const NOTHING_SAID: &str = "look at the job in Bedrock's console and at its output";

/// Checks that a model answered at least one record, if any were sent. Answers that were given to
/// the run count as none that were sent.
///
/// # Errors
///
/// `Quarry.Refused` with what came back for the records, in the service's words where it has any.
pub(crate) fn check(receipts: &[Receipt], settings: &Settings) -> Result<(), StepError> {
    let sent = || receipts.iter().flat_map(rounds_sent);
    let asked: u64 = sent().map(|round| round.counts.asked).sum();
    let is_answered = sent().any(|round| round.counts.is_answered_by_a_model());
    if asked == 0 || is_answered || settings.allow_no_answers {
        return Ok(());
    }
    let mut causes = causes(receipts);
    // Of causes with as many rows, the one that says most stays first.
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.rows));
    let rows: u64 = receipts.iter().map(|receipt| receipt.rows).sum();
    Err(StepError::new(
        StepErrorKind::Refused,
        message(&causes, rows),
    ))
}

fn rounds_sent(receipt: &Receipt) -> impl Iterator<Item = &Round> {
    let is_sent = |round: &&Round| round.job.is_some() || round.on_demand > 0;
    receipt.rounds.iter().filter(is_sent)
}

/// Why records have no answer.
#[derive(Debug)]
struct NoAnswerCause {
    words: String,
    /// What to do about it before the next run.
    remedy: &'static str,
    rows: u64,
}

/// The service's words come first, because a pipeline receives only 256 characters of this.
fn message(causes: &[NoAnswerCause], rows: u64) -> String {
    let (words, remedy, of_first) = match causes.first() {
        Some(first) => (first.words.as_str(), first.remedy, first.rows),
        None => ("nothing came back", NOTHING_SAID, rows),
    };
    let others = causes.iter().skip(1).take(OTHER_CAUSES);
    let others: Vec<String> = others
        .map(|cause| format!("; {}: {} rows", cause.words, cause.rows))
        .collect();
    let others = others.concat();
    format!(
        "{words} ({of_first} of {rows} rows{others}; no record of {rows} rows got an answer; {remedy}, and start a new run: \
         a redrive asks nothing again and fails in the same way; or set BEDROCK_NO_ANSWERS to `allow` for the new run \
         to get a table of errors)"
    )
}

/// Returns what came back in the place of answers. A row that had the same in several rounds counts
/// once.
fn causes(receipts: &[Receipt]) -> Vec<NoAnswerCause> {
    let mut causes: Vec<NoAnswerCause> = in_their_place(receipts)
        .into_iter()
        .map(|(words, rows)| NoAnswerCause {
            words,
            remedy: "change the prompts, the model or the guardrail",
            rows,
        })
        .collect();
    causes.extend(
        refused(receipts)
            .into_iter()
            .map(|(words, rows)| NoAnswerCause {
                words,
                remedy: "remove the cause",
                rows,
            }),
    );
    let mut count = |words: &str, remedy: &'static str, of: fn(&Counts) -> u64| {
        let rows = most_of_each(receipts, of);
        if rows > 0 {
            causes.push(NoAnswerCause {
                words: words.to_owned(),
                remedy,
                rows,
            });
        }
    };
    count(
        "two different answers came back for a record, and neither is used",
        "read the job's output, report it to AWS",
        |counts| counts.contradicted,
    );
    let example = example(receipts);
    count(
        &format!("the output has lines that are no answer lines{example}"),
        "read the job's output, report it to AWS",
        |counts| counts.malformed,
    );
    count(
        &format!("the output has answers of records that were not sent{example}"),
        "read the job's output, report it to AWS",
        |counts| counts.unknown_ids,
    );
    count(&nothing_came(receipts), NOTHING_SAID, |counts| {
        counts.missing
    });
    causes
}

/// Returns what stood in the place of answers, and the number of rows that had it.
fn in_their_place(receipts: &[Receipt]) -> BTreeMap<String, u64> {
    rows_by_words(receipts, |counts| {
        let reasons = counts.not_answers.iter();
        reasons
            .map(|(words, lines)| (words.clone(), *lines))
            .collect()
    })
}

/// Returns the service's errors, and the number of rows that had them.
fn refused(receipts: &[Receipt]) -> BTreeMap<String, u64> {
    rows_by_words(receipts, |counts| {
        let groups = counts.refusals.groups().iter();
        groups
            .map(|group| (group.text.clone(), group.lines))
            .collect()
    })
}

fn rows_by_words(
    receipts: &[Receipt],
    of: fn(&Counts) -> Vec<(String, u64)>,
) -> BTreeMap<String, u64> {
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    for receipt in receipts {
        let mut of_slice: BTreeMap<String, u64> = BTreeMap::new();
        for (words, lines) in rounds_sent(receipt).flat_map(|round| of(&round.counts)) {
            let most = of_slice.entry(words).or_default();
            *most = lines.max(*most);
        }
        for (words, lines) in of_slice {
            *rows.entry(words).or_default() += lines;
        }
    }
    rows
}

fn most_of_each(receipts: &[Receipt], of: fn(&Counts) -> u64) -> u64 {
    let most = |receipt| rounds_sent(receipt).map(|round| of(&round.counts)).max();
    receipts.iter().filter_map(most).sum()
}

/// Returns the first line that could not be used, as a part of a sentence.
fn example(receipts: &[Receipt]) -> String {
    let mut sent = receipts.iter().flat_map(rounds_sent);
    match sent.find_map(|round| round.counts.examples.first()) {
        Some(example) => format!(", for example {example}"),
        None => String::new(),
    }
}

fn nothing_came(receipts: &[Receipt]) -> String {
    let mut sent = receipts.iter().flat_map(rounds_sent);
    match sent.find_map(|round| round.job.as_ref()) {
        Some(job) if job.message.is_empty() => {
            format!("job {} ended as {}", job.name, job.status)
        }
        Some(job) => format!("job {} ended as {}: {}", job.name, job.status, job.message),
        None => "the calls left no line".to_owned(),
    }
}
