//! Joins answer lines to rows, by record id only.
//!
//! The service promises neither an order nor exactly one line for each record. Every line is
//! therefore counted as an answer, an error, a repetition, a contradiction or an unknown id, and a
//! record without a line as missing.
//!
//! Lines come in outputs: all lines of a job, or those of one object of answers given on demand.
//! Two different answers in one output contradict each other, because nothing says which belongs to
//! the record. Answers in different outputs are those of several calls with the same record: of
//! these, the first good one counts, and without a good one the last.

pub use crate::counts::Counts;
use crate::outcome::Outcome;
use crate::spool::Spool;
use quarry_answer::{FieldValue, LineBody, MalformedLine, OutputLine, Reader, read_line};
use quarry_contract::record_id::RecordIds;
use quarry_model::Usage;
use std::hash::BuildHasher;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Entry {
    #[default]
    Missing,
    /// The service returned an error.
    Error,
    Answer(UsedAnswer),
    /// This output has two different answers.
    Contradicted {
        output: u32,
    },
}

/// The answer that counts for a record so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UsedAnswer {
    /// Of the whole answer.
    fingerprint: u64,
    /// The number of its output.
    output: u32,
    by_fallback: bool,
    cut_off: bool,
    /// The index of its service tier among those of the ledger.
    tier: Option<u8>,
}

/// Whether the columns of a result hold all values of an answer.
pub type Holds<'h> = dyn Fn(&[FieldValue]) -> bool + Sync + 'h;

/// One round's answers, joined to the rows that were sent.
pub struct Ledger<'a> {
    ids: &'a RecordIds,
    expected: &'a Expected,
    reader: &'a Reader,
    fallback_reader: Option<&'a Reader>,
    /// Whether the result's columns hold all of these values.
    holds: &'a Holds<'a>,
    entries: Vec<Entry>,
    places: Vec<Place>,
    counts: Counts,
    /// The number of the output that is read.
    output: u32,
    tiers: Vec<String>,
    hasher: foldhash::quality::RandomState,
    line: String,
}

/// The position of a row's outcome in the spool; `len` is 0 if there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub at: u64,
    /// Number of bytes.
    pub len: u32,
    /// Whether a model answered.
    pub answered: bool,
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
            holds: &|_| true,
            entries: vec![Entry::Missing; expected.len()],
            places: vec![Place::default(); expected.len()],
            counts: Counts {
                asked: expected.len() as u64,
                ..Counts::default()
            },
            output: 0,
            tiers: Vec::new(),
            hasher: foldhash::quality::RandomState::default(),
            line: String::new(),
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

    /// Keeps the text of answers whose values the result's columns do not all hold.
    #[must_use]
    pub fn with_columns(self, holds: &'a Holds<'a>) -> Self {
        Self { holds, ..self }
    }

    /// Begins another output: the lines that follow come from other calls than those before.
    pub fn begin_output(&mut self) {
        self.output = self.output.saturating_add(1);
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
            if let LineBody::Output(output) = &line.body {
                self.spend(&quarry_model::read_usage(output), line);
            }
            self.counts
                .example(|| format!("unknown record id `{}`", line.record_id));
            return Ok(());
        };
        self.counts.lost_replies += line.lost_replies;
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
                    Entry::Answer(first)
                        if first.output == self.output && first.fingerprint == fingerprint =>
                    {
                        self.counts.duplicates += 1;
                        Ok(())
                    }
                    _ => self.answer(index, row, line, (output, fingerprint), spool),
                }
            }
        }
    }

    /// Takes an answer that does not only repeat a line of its output.
    fn answer(
        &mut self,
        index: usize,
        row: u64,
        line: &OutputLine<'_>,
        (output, fingerprint): (&str, u64),
        spool: &mut dyn Spool,
    ) -> io::Result<()> {
        let (outcome, cut_off) = self.outcome(row, output, line);
        let answer = UsedAnswer {
            fingerprint,
            output: self.output,
            by_fallback: line.by_fallback,
            cut_off,
            tier: line
                .service_tier
                .as_deref()
                .and_then(|tier| self.tier(tier)),
        };
        match self.entries[index] {
            Entry::Error => self.take_error_back(index, spool)?,
            Entry::Contradicted { output } if output == self.output => {
                self.counts.contradictions += 1;
                return Ok(());
            }
            Entry::Contradicted { .. } => self.counts.contradicted -= 1,
            Entry::Missing => {}
            Entry::Answer(first) => {
                let used = self.stored(index, spool)?;
                let is_same = have_same_values(&used, &outcome)?;
                if first.output == self.output && !is_same {
                    return self.contradict(index, &used, first, &line.record_id, spool);
                }
                self.counts.duplicates += 1;
                if used.good || used.answered && !outcome.answered {
                    return Ok(());
                }
                self.take_answer_back(&used, first);
            }
        }
        self.counts.answered += 1;
        self.counts.good += u64::from(outcome.good);
        self.counts.repaired += u64::from(outcome.repaired);
        self.counts.invalid += u64::from(!outcome.good);
        if !outcome.answered {
            self.counts.not_answer(&outcome);
        }
        self.counts.cut_off += u64::from(cut_off);
        self.counts.by_fallback += u64::from(answer.by_fallback);
        if let Some(tier) = self.tier_name(answer) {
            *self.counts.service_tiers.entry(tier).or_default() += 1;
        }
        self.entries[index] = Entry::Answer(answer);
        self.store(index, &outcome, spool)
    }

    /// Notes that the output has another answer to a record than the one that was used.
    fn contradict(
        &mut self,
        index: usize,
        used: &Outcome,
        first: UsedAnswer,
        id: &str,
        spool: &mut dyn Spool,
    ) -> io::Result<()> {
        self.counts.contradictions += 1;
        self.counts.contradicted += 1;
        self.take_answer_back(used, first);
        self.entries[index] = Entry::Contradicted {
            output: self.output,
        };
        let text = format!("two different answers came back for {id}; neither is used");
        self.store(index, &Outcome::failed(used.row, text), spool)
    }

    /// Takes an answer out of the counts. Its tokens stay there, because they were paid for.
    fn take_answer_back(&mut self, used: &Outcome, answer: UsedAnswer) {
        self.counts.answered -= 1;
        self.counts.good -= u64::from(used.good);
        self.counts.repaired -= u64::from(used.repaired);
        self.counts.invalid -= u64::from(!used.good);
        if !used.answered {
            self.counts.take_not_answer_back(used);
        }
        self.counts.cut_off -= u64::from(answer.cut_off);
        self.counts.by_fallback -= u64::from(answer.by_fallback);
        let Some(tier) = self.tier_name(answer) else {
            return;
        };
        if let Some(answers) = self.counts.service_tiers.get_mut(&tier) {
            *answers -= 1;
            if *answers == 0 {
                self.counts.service_tiers.remove(&tier);
            }
        }
    }

    /// Returns the index of a service tier; `None` for one more than are kept apart.
    fn tier(&mut self, name: &str) -> Option<u8> {
        let known = self.tiers.iter().position(|tier| tier == name);
        let index = u8::try_from(known.unwrap_or(self.tiers.len())).ok()?;
        if known.is_none() {
            self.tiers.push(name.to_owned());
        }
        Some(index)
    }

    fn tier_name(&self, answer: UsedAnswer) -> Option<String> {
        self.tiers.get(usize::from(answer.tier?)).cloned()
    }

    /// Takes the error of a record back, because an answer came later.
    fn take_error_back(&mut self, index: usize, spool: &mut dyn Spool) -> io::Result<()> {
        self.counts.errors -= 1;
        self.counts.duplicates += 1;
        let outcome = self.stored(index, spool)?;
        self.counts
            .refusals
            .take_back(outcome.error.as_deref().unwrap_or_default());
        Ok(())
    }

    /// Returns the outcome that a row has so far.
    fn stored(&self, index: usize, spool: &mut dyn Spool) -> io::Result<Outcome> {
        let place = self.places[index];
        let mut line = Vec::new();
        spool.read(place.at, place.len, &mut line)?;
        Ok(Outcome::read_line(&line)?)
    }

    /// Reads an answer and counts its tokens. Returns the outcome, and whether the answer was cut
    /// off at the token limit.
    fn outcome(&mut self, row: u64, output: &str, line: &OutputLine<'_>) -> (Outcome, bool) {
        let reader = match self.fallback_reader {
            Some(reader) if line.by_fallback => reader,
            _ => self.reader,
        };
        match quarry_model::read_output(output) {
            Ok(answer) => {
                self.spend(&answer.usage, line);
                let mut outcome = Outcome::read(row, reader.read(&answer));
                if outcome.raw_response.is_none() && !(self.holds)(&outcome.fields) {
                    outcome.raw_response = reader.text_of(&answer);
                }
                (outcome, answer.cut_off())
            }
            Err(unreadable) => {
                self.spend(&quarry_model::read_usage(output), line);
                let mut outcome =
                    Outcome::failed(row, format!("the answer cannot be read: {unreadable}"));
                outcome.raw_response = Some(output.to_owned());
                (outcome, false)
            }
        }
    }

    /// Counts the tokens of a line, which are paid for whatever becomes of it.
    fn spend(&mut self, usage: &Usage, line: &OutputLine<'_>) {
        self.counts.spend(usage);
        let tier = line.service_tier.as_deref();
        self.counts.spend_apart(line.by_fallback, tier, usage);
    }

    fn store(&mut self, index: usize, outcome: &Outcome, spool: &mut dyn Spool) -> io::Result<()> {
        self.line.clear();
        outcome.write_line(&mut self.line)?;
        let len = u32::try_from(self.line.len()).map_err(io::Error::other)?;
        self.places[index] = Place {
            at: spool.append(self.line.as_bytes())?,
            len,
            answered: outcome.answered,
            good: outcome.good,
            refused: outcome.refused,
        };
        Ok(())
    }

    fn fingerprint(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
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

/// Whether both answers are good and have the same values, whatever else a model adds to each
/// answer: an id, the time it took.
fn have_same_values(one: &Outcome, other: &Outcome) -> io::Result<bool> {
    // A stored value is compared in its stored form: a number may have had another type before.
    let stored = |outcome: &Outcome| serde_json::to_vec(&outcome.fields);
    Ok(one.good && other.good && stored(one)? == stored(other)?)
}

#[cfg(test)]
mod tests;
