//! Records that are sent together: several calls at a time, until the time is used up.

use crate::ask::{Answered, Asker};
use crate::pacing::Pacing;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use quarry_edge::clock::TimeLeft;
use quarry_edge::error::StepError;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long before its end an invocation stops waiting for answers: enough time to store those that
/// came.
const KEEP_ANSWERS: Duration = Duration::from_secs(20);

/// A record, and the bytes of the input that hold it.
#[derive(Clone)]
pub(crate) struct PendingRecord {
    pub(crate) line: Bytes,
    pub(crate) range: Range<u64>,
}

/// The outcome of a record.
pub(crate) struct RecordOutcome {
    /// The bytes of the input that hold the record.
    pub(crate) range: Range<u64>,
    pub(crate) answered: Answered,
}

impl RecordOutcome {
    /// Returns why there is no answer, if the reason does not lie in the record.
    pub(crate) fn why(self) -> Option<StepError> {
        match self.answered {
            Answered::Line(_) | Answered::Lost(_) => None,
            Answered::No { why, .. } => Some(why),
        }
    }
}

/// How records are sent together.
pub(crate) struct Group<'a> {
    pub(crate) asker: &'a Asker<'a>,
    pub(crate) pacing: &'a Pacing,
    pub(crate) workers: usize,
    pub(crate) time_left: &'a dyn TimeLeft,
}

/// The longest wait before throttled records are sent again within an invocation.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The outcomes of the first of some records, without a gap.
pub(crate) struct GroupOutcomes {
    pub(crate) outcomes: Vec<RecordOutcome>,
    /// The error of the record after these, if every record would get it.
    pub(crate) stop: Option<StepError>,
}

impl Group<'_> {
    /// Sends records until the time is used up; with `first`, it sends the first record in any
    /// case. An error that every record would get stops it: calls that are under way are awaited,
    /// and no new call begins.
    ///
    /// Records that are throttled while others are answered are sent again as long as there is
    /// time, so that they do not lose the round.
    pub(crate) async fn ask(&self, records: Vec<PendingRecord>, first: bool) -> GroupOutcomes {
        let mut records = records;
        let mut answers = self.ask_once(records.clone(), first).await;
        records.truncate(answers.len());
        let mut wait = Duration::from_secs(5);
        while answers.iter().any(|one| !one.is_throttled())
            && !answers.iter().any(Answered::is_every_records)
        {
            let throttled: Vec<usize> = (0..answers.len())
                .filter(|index| answers[*index].is_throttled())
                .collect();
            if throttled.is_empty() || !self.time_left.enough() {
                break;
            }
            self.asker.pause.pause(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            let again: Vec<PendingRecord> = throttled
                .iter()
                .map(|index| records[*index].clone())
                .collect();
            let again = self.ask_once(again, false).await;
            if again.is_empty() {
                break;
            }
            for (index, answer) in throttled.into_iter().zip(again) {
                answers[index] = answer;
            }
        }
        let stop = answers.iter().position(Answered::is_every_records);
        let stop = stop.and_then(|index| match answers.drain(index..).next() {
            Some(Answered::No { why, .. }) => Some(why),
            _ => None,
        });
        let outcomes = records.into_iter().zip(answers);
        let outcomes = outcomes
            .map(|(PendingRecord { range, .. }, answered)| RecordOutcome { range, answered })
            .collect();
        GroupOutcomes { outcomes, stop }
    }

    async fn ask_once(&self, records: Vec<PendingRecord>, first: bool) -> Vec<Answered> {
        let over = AtomicBool::new(false);
        let over = &over;
        let asked = stream::iter(records)
            .enumerate()
            .map(|(index, record)| async move {
                let is_asked = (first && index == 0)
                    || !over.load(Ordering::Relaxed) && self.time_left.enough();
                if !is_asked {
                    return None;
                }
                let answered = self.asker.ask(&record.line, self.pacing).await;
                over.fetch_or(answered.is_every_records(), Ordering::Relaxed);
                Some(answered)
            })
            .buffered(self.workers);
        let cut_off = pin!(async {
            match self.time_left.until_end() {
                Some(left) => {
                    let left = left.saturating_sub(KEEP_ANSWERS);
                    self.asker.pause.pause(left).await;
                }
                None => std::future::pending().await,
            }
        });
        let mut asked = pin!(asked.take_until(cut_off));
        let mut answers = Vec::new();
        while let Some(Some(answer)) = asked.next().await {
            answers.push(answer);
        }
        answers
    }
}
