//! Joins answer lines to rows, by record id only.
//!
//! The service promises neither an order nor exactly one line for each record. Every line is
//! therefore counted as an answer, an error, a repetition, a contradiction or an unknown id, and a
//! record without a line as missing.

use crate::outcome::Outcome;
use crate::refusals::Refusals;
use crate::spool::Spool;
use quarry_answer::{LineBody, MalformedLine, OutputLine, Reader, read_line};
use quarry_contract::record_id::RecordIds;
use quarry_model::Usage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::io;

/// Rows in ascending order, as a range or a list.
#[derive(Debug, Clone)]
pub enum Expected {
    /// All rows of a slice: first row and count.
    All(u64, u64),
    /// Some rows, ascending.
    Some(Vec<u64>),
}

impl Expected {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::All(_, rows) => usize::try_from(*rows).unwrap_or(usize::MAX),
            Self::Some(rows) => rows.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of `row` among them.
    pub fn index(&self, row: u64) -> Option<usize> {
        match self {
            Self::All(first, rows) => row
                .checked_sub(*first)
                .filter(|i| i < rows)
                .and_then(|i| usize::try_from(i).ok()),
            Self::Some(rows) => rows.binary_search(&row).ok(),
        }
    }

    /// The row at an index.
    pub fn row(&self, index: usize) -> Option<u64> {
        match self {
            Self::All(first, rows) => Some(index as u64).filter(|i| i < rows).map(|i| first + i),
            Self::Some(rows) => rows.get(index).copied(),
        }
    }
}

/// The counts of a round's lines: `counts.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Records sent.
    pub asked: u64,
    /// Lines read.
    pub lines: u64,
    /// Rows that got an answer.
    pub answered: u64,
    /// Rows whose answer is good.
    pub good: u64,
    /// Rows whose answer parsed only after quote repair.
    pub repaired: u64,
    /// Rows whose answer does not parse or does not match the schema.
    pub invalid: u64,
    /// Rows whose answer was cut off at the token limit.
    pub cut_off: u64,
    /// Rows for which the service returned an error.
    pub errors: u64,
    /// Rows without any line.
    pub missing: u64,
    /// Lines that repeat an earlier line of their record.
    pub duplicates: u64,
    /// Lines that contradict an earlier line of their record.
    pub contradictions: u64,
    /// Lines with an id that was not sent.
    pub unknown_ids: u64,
    /// Lines that are not an answer at all.
    pub malformed: u64,
    /// Rows that the fallback model answered.
    #[serde(default)]
    pub by_fallback: u64,
    /// Tokens that the model read, according to the answers.
    pub input_tokens: u64,
    /// Tokens that the model wrote, according to the answers.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache; the input tokens do not include them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache; the input tokens do not include them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    /// Output tokens that were spent on reasoning, if the answers tell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// The first few lines that could not be used, for the summary.
    pub examples: Vec<String>,
    /// The records that the service refused, grouped by its words.
    #[serde(default, skip_serializing_if = "Refusals::is_empty")]
    pub refusals: Refusals,
    /// Answers given on demand, by the service tier that the service reports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_tiers: BTreeMap<String, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How many unusable lines are quoted.
const MAX_EXAMPLES: usize = 5;

impl Counts {
    /// Adds another round's or slice's counts.
    pub fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.lines += other.lines;
        self.answered += other.answered;
        self.good += other.good;
        self.repaired += other.repaired;
        self.invalid += other.invalid;
        self.cut_off += other.cut_off;
        self.errors += other.errors;
        self.missing += other.missing;
        self.duplicates += other.duplicates;
        self.contradictions += other.contradictions;
        self.unknown_ids += other.unknown_ids;
        self.malformed += other.malformed;
        self.by_fallback += other.by_fallback;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.refusals.extend(&other.refusals);
        for (tier, answers) in &other.service_tiers {
            *self.service_tiers.entry(tier.clone()).or_default() += answers;
        }
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples
            .extend(other.examples.iter().take(room).cloned());
    }

    fn spend(&mut self, usage: &Usage) {
        self.input_tokens += usage.input_tokens;
        self.output_tokens += usage.output_tokens;
        self.cache_read_tokens += usage.cache_read_tokens;
        self.cache_write_tokens += usage.cache_write_tokens;
        self.reasoning_tokens += usage.reasoning_tokens;
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(text());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Entry {
    #[default]
    Missing,
    /// The service returned an error.
    Error,
    Answer {
        fingerprint: u64,
    },
    Contradicted,
}

/// One round's answers, joined to the rows that were sent.
pub struct Ledger<'a> {
    ids: &'a RecordIds,
    expected: &'a Expected,
    reader: &'a Reader,
    fallback_reader: Option<&'a Reader>,
    entries: Vec<Entry>,
    places: Vec<Place>,
    counts: Counts,
    hasher: std::hash::RandomState,
    line: Vec<u8>,
}

/// The position of a row's outcome in the spool; `len` is 0 if there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub at: u64,
    /// Number of bytes.
    pub len: u32,
    /// Whether the answer is good, so that the row needs no other round.
    pub good: bool,
    /// Whether the service would refuse the record again.
    pub refused: bool,
}

impl<'a> Ledger<'a> {
    /// Starts a ledger for the rows that were sent.
    pub fn new(ids: &'a RecordIds, expected: &'a Expected, reader: &'a Reader) -> Self {
        Self {
            ids,
            expected,
            reader,
            fallback_reader: None,
            entries: vec![Entry::Missing; expected.len()],
            places: vec![Place::default(); expected.len()],
            counts: Counts {
                asked: expected.len() as u64,
                ..Counts::default()
            },
            hasher: std::hash::RandomState::new(),
            line: Vec::new(),
        }
    }

    /// Reads the fallback model's answers, if the run has such a model, with a reader of their own.
    #[must_use]
    pub fn with_fallback(self, fallback_reader: Option<&'a Reader>) -> Self {
        Self {
            fallback_reader,
            ..self
        }
    }

    /// Takes one line in Bedrock's form. Blank lines are ignored.
    pub fn line(&mut self, line: &[u8], spool: &mut dyn Spool) -> io::Result<()> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.counts.lines += 1;
        match read_line(line) {
            Ok(read) => self.read(&read, spool),
            Err(malformed) => {
                self.malformed(&malformed);
                Ok(())
            }
        }
    }

    fn malformed(&mut self, why: &MalformedLine) {
        self.counts.malformed += 1;
        let number = self.counts.lines;
        self.counts.example(|| format!("line {number}: {why}"));
    }

    fn read(&mut self, line: &OutputLine<'_>, spool: &mut dyn Spool) -> io::Result<()> {
        let asked = self
            .ids
            .row(&line.record_id)
            .and_then(|row| Some((row, self.expected.index(row)?)));
        let Some((row, index)) = asked else {
            self.counts.unknown_ids += 1;
            self.counts
                .example(|| format!("unknown record id `{}`", line.record_id));
            return Ok(());
        };
        match (&line.body, self.entries[index]) {
            (LineBody::Error(error), Entry::Missing) => {
                self.counts.errors += 1;
                self.counts.refusals.add(row, error);
                self.entries[index] = Entry::Error;
                self.store(index, &Outcome::refused(row, error), spool)
            }
            (LineBody::Error(_), _) => {
                self.counts.duplicates += 1;
                Ok(())
            }
            (LineBody::Output(output), entry) => {
                let fingerprint = self.fingerprint(output.as_bytes());
                match entry {
                    Entry::Missing | Entry::Error => {
                        if entry == Entry::Error {
                            self.take_error_back(index, spool)?;
                        }
                        if let Some(tier) = &line.service_tier {
                            let answers = self.counts.service_tiers.entry(tier.to_string());
                            *answers.or_default() += 1;
                        }
                        self.entries[index] = Entry::Answer { fingerprint };
                        self.counts.by_fallback += u64::from(line.by_fallback);
                        let reader = match self.fallback_reader {
                            Some(reader) if line.by_fallback => reader,
                            _ => self.reader,
                        };
                        self.answer(index, row, output, reader, spool)
                    }
                    Entry::Answer { fingerprint: first } if first == fingerprint => {
                        self.counts.duplicates += 1;
                        Ok(())
                    }
                    Entry::Answer { .. } => {
                        self.counts.contradictions += 1;
                        self.entries[index] = Entry::Contradicted;
                        if self.places[index].good {
                            self.counts.good -= 1;
                        } else {
                            self.counts.invalid -= 1;
                        }
                        let text = format!(
                            "two different answers came back for {}; neither is used",
                            line.record_id
                        );
                        self.store(index, &Outcome::failed(row, text), spool)
                    }
                    Entry::Contradicted => {
                        self.counts.contradictions += 1;
                        Ok(())
                    }
                }
            }
        }
    }

    /// Replaces the error of a record by an answer that came later.
    fn take_error_back(&mut self, index: usize, spool: &mut dyn Spool) -> io::Result<()> {
        self.counts.errors -= 1;
        self.counts.duplicates += 1;
        let place = self.places[index];
        let mut line = Vec::new();
        spool.read(place.at, place.len, &mut line)?;
        let outcome: Outcome = serde_json::from_slice(&line)?;
        self.counts
            .refusals
            .take_back(outcome.error.as_deref().unwrap_or_default());
        Ok(())
    }

    fn answer(
        &mut self,
        index: usize,
        row: u64,
        output: &str,
        reader: &Reader,
        spool: &mut dyn Spool,
    ) -> io::Result<()> {
        let outcome = match quarry_model::read_output(output) {
            Ok(answer) => {
                self.counts.spend(&answer.usage);
                self.counts.cut_off += u64::from(answer.cut_off());
                Outcome::read(row, reader.read(&answer))
            }
            Err(unreadable) => {
                let mut outcome =
                    Outcome::failed(row, format!("the answer cannot be read: {unreadable}"));
                outcome.raw_response = Some(output.to_owned());
                outcome
            }
        };
        self.counts.answered += 1;
        self.counts.good += u64::from(outcome.good);
        self.counts.repaired += u64::from(outcome.repaired);
        self.counts.invalid += u64::from(!outcome.good);
        self.store(index, &outcome, spool)
    }

    fn store(&mut self, index: usize, outcome: &Outcome, spool: &mut dyn Spool) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, outcome)?;
        let len = u32::try_from(self.line.len()).map_err(io::Error::other)?;
        self.places[index] = Place {
            at: spool.append(&self.line)?,
            len,
            good: outcome.good,
            refused: outcome.refused,
        };
        Ok(())
    }

    fn fingerprint(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    /// Ends the round: counts the missing rows, and returns the position of each asked row's
    /// outcome, in the order of the rows.
    pub fn finish(mut self) -> (Vec<Place>, Counts) {
        let missing = self
            .entries
            .iter()
            .filter(|entry| **entry == Entry::Missing)
            .count();
        self.counts.missing = missing as u64;
        (self.places, self.counts)
    }
}
