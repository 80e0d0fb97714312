//! Counting how often each record was sent, and what it cost, so that tests can detect double
//! payment.

use crate::bill::Billing;
use crate::hash::hash;
use serde::Serialize;
use std::collections::HashMap;

/// What the simulator has done since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Jobs created.
    pub jobs_created: u64,
    /// Jobs that reached a terminal status.
    pub jobs_ended: u64,
    /// Records answered in jobs.
    pub batch_answers: u64,
    /// Records that got an error line in jobs.
    pub batch_errors: u64,
    /// On-demand calls that arrived, including refused and throttled ones.
    pub on_demand_calls: u64,
    /// On-demand calls that were answered.
    pub on_demand_answers: u64,
    /// Estimated tokens of all answered questions.
    pub input_tokens: u64,
    /// Estimated tokens of all answers.
    pub output_tokens: u64,
    /// Records sent in jobs and on demand, counted one by one while a job is processed.
    pub asks: u64,
}

/// How often one record was sent and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordAsks {
    /// Its id, empty for an on-demand prompt that no job had before.
    pub record_id: String,
    /// The hash of its prompt.
    pub prompt: u64,
    /// How often jobs sent it.
    pub in_jobs: u64,
    /// How often on-demand calls sent it.
    pub on_demand: u64,
    /// Answers, with or without a fault. Each of them is paid for.
    pub answers: u64,
    /// Answers without a fault. If there is more than one, the record was paid for twice.
    pub good: u64,
    /// Answers with a fault, errors and refusals.
    pub bad: u64,
    /// Its position when it came first.
    #[serde(skip)]
    pub(crate) position: u64,
}

impl RecordAsks {
    /// Returns how often it was sent, in jobs and on demand.
    pub fn asks(&self) -> u64 {
        self.in_jobs + self.on_demand
    }
}

/// A record in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Entry(u32);

/// [`RecordAsks`] in few bytes, because a run may have millions of records.
#[derive(Debug)]
struct LedgerRecord {
    /// The start of its id in `Ledger::ids`, and the id's length.
    id: (u32, u16),
    prompt: u64,
    position: u64,
    in_jobs: u32,
    on_demand: u32,
    answers: u32,
    good: u32,
    bad: u32,
    /// The previous record with the same prompt.
    previous: Option<Entry>,
}

/// All records, by id and by prompt.
#[derive(Debug, Default)]
pub(crate) struct JobLedger {
    pub(crate) counters: Counters,
    pub(crate) billing: Billing,
    records: Vec<LedgerRecord>,
    /// All ids, concatenated.
    ids: String,
    /// By the hash of the id and the prompt.
    by_id: HashMap<u64, Entry>,
    /// The last record with each prompt.
    by_prompt: HashMap<u64, Entry>,
    /// The number of prompts that were first sent on demand.
    unknown: u64,
}

impl JobLedger {
    /// Counts a record that a job sends. Returns its counts as they were before.
    pub(crate) fn ask_in_job(
        &mut self,
        record_id: &str,
        prompt: u64,
        position: u64,
    ) -> (Entry, RecordAsks) {
        let key = hash(record_id.as_bytes()) ^ prompt.rotate_left(32);
        let known = self.by_id.get(&key).copied();
        let entry = known.unwrap_or_else(|| self.add(record_id, prompt, position));
        self.by_id.insert(key, entry);
        let before = self.asks_of(entry);
        self.record(entry).in_jobs += 1;
        self.counters.asks += 1;
        (entry, before)
    }

    /// Counts a record that a call sends. Of several records with this prompt, it chooses the one
    /// that was sent least often on demand, and of those the earliest.
    pub(crate) fn ask_on_demand(&mut self, prompt: u64) -> (Entry, RecordAsks) {
        let mut least: Option<Entry> = None;
        let mut next = self.by_prompt.get(&prompt).copied();
        while let Some(entry) = next {
            let asked = |entry: Entry| self.records[entry.0 as usize].on_demand;
            if least.is_none_or(|least| asked(entry) <= asked(least)) {
                least = Some(entry);
            }
            next = self.records[entry.0 as usize].previous;
        }
        let entry = least.unwrap_or_else(|| {
            self.unknown += 1;
            self.add("", prompt, self.unknown - 1)
        });
        let before = self.asks_of(entry);
        self.record(entry).on_demand += 1;
        self.counters.asks += 1;
        (entry, before)
    }

    /// Counts the answer to a record that was sent.
    pub(crate) fn answered(&mut self, entry: Entry, good: bool) {
        let record = self.record(entry);
        record.answers += 1;
        if good {
            record.good += 1;
        } else {
            record.bad += 1;
        }
    }

    /// Counts an error in place of an answer.
    pub(crate) fn refused(&mut self, entry: Entry) {
        self.record(entry).bad += 1;
    }

    /// Returns all records, in the order in which they came first.
    pub(crate) fn records(&self) -> impl Iterator<Item = RecordAsks> + '_ {
        self.records.iter().map(|record| self.asks(record))
    }

    fn add(&mut self, record_id: &str, prompt: u64, position: u64) -> Entry {
        let entry = Entry(u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        let start = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let length = u16::try_from(record_id.len()).unwrap_or(0);
        self.ids.push_str(record_id);
        self.records.push(LedgerRecord {
            id: (start, length),
            prompt,
            position,
            in_jobs: 0,
            on_demand: 0,
            answers: 0,
            good: 0,
            bad: 0,
            previous: self.by_prompt.insert(prompt, entry),
        });
        entry
    }

    fn record(&mut self, entry: Entry) -> &mut LedgerRecord {
        &mut self.records[entry.0 as usize]
    }

    fn asks_of(&self, entry: Entry) -> RecordAsks {
        self.asks(&self.records[entry.0 as usize])
    }

    fn asks(&self, record: &LedgerRecord) -> RecordAsks {
        let (start, length) = (record.id.0 as usize, usize::from(record.id.1));
        RecordAsks {
            record_id: self.ids.get(start..start + length).unwrap_or("").to_owned(),
            prompt: record.prompt,
            in_jobs: u64::from(record.in_jobs),
            on_demand: u64::from(record.on_demand),
            answers: u64::from(record.answers),
            good: u64::from(record.good),
            bad: u64::from(record.bad),
            position: record.position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows with the same text are two records; on-demand calls count for each in turn.
    #[test]
    fn equal_prompts_stay_different_records() {
        let mut ledger = JobLedger::default();
        ledger.ask_in_job("a", 1, 0);
        ledger.ask_in_job("b", 1, 1);
        let (first, _) = ledger.ask_on_demand(1);
        let (second, before) = ledger.ask_on_demand(1);
        assert_ne!(first, second);
        assert_eq!((before.in_jobs, before.on_demand), (1, 0));
        assert_eq!(ledger.records().count(), 2);
        assert_eq!(ledger.counters.asks, 4);
    }

    #[test]
    fn an_error_is_bad_and_no_answer() {
        let mut ledger = JobLedger::default();
        let (entry, _) = ledger.ask_in_job("a", 1, 0);
        ledger.refused(entry);
        ledger.answered(entry, false);
        ledger.answered(entry, true);
        let asks = ledger.records().next().unwrap();
        assert_eq!((asks.answers, asks.good, asks.bad), (2, 1, 2));
    }

    #[test]
    fn a_record_keeps_its_first_position() {
        let mut ledger = JobLedger::default();
        ledger.ask_in_job("a", 1, 40);
        let (_, before) = ledger.ask_in_job("a", 1, 0);
        assert_eq!((before.position, before.in_jobs), (40, 1));
        let (_, unknown) = ledger.ask_on_demand(2);
        assert_eq!((unknown.position, unknown.record_id.as_str()), (0, ""));
    }
}
