//! Who was asked how often, and what it cost: the observations that tests of double payment need.

use crate::hash::hash;
use serde::Serialize;
use std::collections::HashMap;

/// What the simulator did since its start.
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
    /// On-demand calls that arrived, refused and throttled ones too.
    pub on_demand_calls: u64,
    /// On-demand calls that were answered.
    pub on_demand_answers: u64,
    /// Estimated tokens of all answered questions.
    pub input_tokens: u64,
    /// Estimated tokens of all answers.
    pub output_tokens: u64,
}

/// How often one record was asked and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordAsks {
    /// Its id, empty for on-demand prompts that no job had before.
    pub record_id: String,
    /// The hash of its prompt.
    pub prompt: u64,
    /// Asks in jobs.
    pub in_jobs: u64,
    /// Asks on demand.
    pub on_demand: u64,
    /// Answers without a fault. More than one of them is a record paid for twice.
    pub good: u64,
    /// Answers with a fault, errors and refusals.
    pub bad: u64,
    /// The position at which it came first.
    #[serde(skip)]
    pub(crate) position: u64,
}

impl RecordAsks {
    /// Asks in jobs and on demand.
    pub fn asks(&self) -> u64 {
        self.in_jobs + self.on_demand
    }
}

/// A record in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Entry(usize);

/// All records, by id and prompt.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) counters: Counters,
    records: Vec<RecordAsks>,
    /// By the hash of the id and the prompt.
    by_id: HashMap<(u64, u64), usize>,
    /// The records with this prompt.
    by_prompt: HashMap<u64, Vec<usize>>,
    /// Prompts first seen on demand.
    unknown: u64,
}

impl Ledger {
    /// Counts an ask in a job; answers the record as it was before.
    pub(crate) fn ask_in_job(
        &mut self,
        record_id: &str,
        prompt: u64,
        position: u64,
    ) -> (Entry, RecordAsks) {
        let key = (hash(record_id.as_bytes()), prompt);
        let index = *self.by_id.entry(key).or_insert_with(|| {
            self.records.push(RecordAsks {
                record_id: record_id.to_owned(),
                prompt,
                position,
                ..RecordAsks::default()
            });
            let index = self.records.len() - 1;
            self.by_prompt.entry(prompt).or_default().push(index);
            index
        });
        let before = self.records[index].clone();
        self.records[index].in_jobs += 1;
        (Entry(index), before)
    }

    /// Counts an ask on demand. Of several records with this prompt it is the one that was asked
    /// least on demand.
    pub(crate) fn ask_on_demand(&mut self, prompt: u64) -> (Entry, RecordAsks) {
        let known = self.by_prompt.entry(prompt).or_default();
        let least = known
            .iter()
            .copied()
            .min_by_key(|index| self.records[*index].on_demand);
        let index = least.unwrap_or_else(|| {
            known.push(self.records.len());
            self.records.push(RecordAsks {
                prompt,
                position: self.unknown,
                ..RecordAsks::default()
            });
            self.unknown += 1;
            self.records.len() - 1
        });
        let before = self.records[index].clone();
        self.records[index].on_demand += 1;
        (Entry(index), before)
    }

    /// Counts the result of an ask.
    pub(crate) fn result(&mut self, entry: Entry, good: bool) {
        let record = &mut self.records[entry.0];
        if good {
            record.good += 1;
        } else {
            record.bad += 1;
        }
    }

    pub(crate) fn records(&self) -> &[RecordAsks] {
        &self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows with the same text are two records; an ask on demand goes to either in turn.
    #[test]
    fn equal_prompts_stay_different_records() {
        let mut ledger = Ledger::default();
        ledger.ask_in_job("a", 1, 0);
        ledger.ask_in_job("b", 1, 1);
        let (first, _) = ledger.ask_on_demand(1);
        let (second, before) = ledger.ask_on_demand(1);
        assert_ne!(first, second);
        assert_eq!((before.in_jobs, before.on_demand), (1, 0));
        assert_eq!(ledger.records().len(), 2);
    }

    #[test]
    fn a_record_keeps_its_first_position() {
        let mut ledger = Ledger::default();
        ledger.ask_in_job("a", 1, 40);
        let (_, before) = ledger.ask_in_job("a", 1, 0);
        assert_eq!((before.position, before.in_jobs), (40, 1));
        let (_, unknown) = ledger.ask_on_demand(2);
        assert_eq!((unknown.position, unknown.record_id.as_str()), (0, ""));
    }
}
