//! A sample of a run's records, whose texts stand for those of all.

use super::text::{TextClasses, TokenFamily};
use super::{Estimated, RecordSums, RequestTexts};
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Of so many records all are counted, and again as many of each further doubling. So of ten million records
/// some 15,000 are counted.
const BLOCK: u64 = 1_000;

/// Counts the texts of some records of a run. Which ones follows only from the order of the records, so a
/// scan that is stored and resumed counts the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSample {
    /// Records that were offered.
    seen: u64,
    /// Records that were counted.
    counted: u64,
    /// Each counted record stands for as many as the members below say of it.
    records: u64,
    with_tool: u64,
    bytes: u64,
    classes: TextClasses,
}

impl TextSample {
    /// Offers the next record. Returns for how many records it stands if its texts are to be added.
    pub fn offer(&mut self) -> Option<u64> {
        let number = self.seen;
        self.seen += 1;
        let stands_for = match number / BLOCK {
            0 => 1,
            blocks => 1 << blocks.ilog2(),
        };
        // One of each group, not always the same, so that a table that repeats itself is met everywhere.
        let chosen = mixed(number / stands_for) % stands_for;
        (number % stands_for == chosen).then_some(stands_for)
    }

    /// Adds the texts of a record that stands for so many. `bytes` is its length as a line.
    pub fn add(&mut self, texts: &RequestTexts, bytes: u64, stands_for: u64) {
        self.counted += 1;
        self.records += stands_for;
        self.with_tool += u64::from(texts.has_tool) * stands_for;
        self.bytes += bytes * stands_for;
        self.classes += texts.classes.times(stands_for);
    }

    /// The number of records whose texts were counted.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    /// Returns the tokens that a model reads for all records.
    pub fn tokens(&self, family: &TokenFamily, all: RecordSums) -> Estimated<u64> {
        let read = family.input(&self.classes, self.records, self.with_tool);
        let of_all = |tokens: u64| {
            let tokens = u128::from(tokens) * u128::from(all.bytes) / u128::from(self.bytes.max(1));
            u64::try_from(tokens).unwrap_or(u64::MAX)
        };
        // What was not counted may differ from what was.
        let margin = if self.counted == all.records { 0 } else { 3 };
        Estimated {
            low: of_all(read.low) * (100 - margin) / 100,
            expected: of_all(read.expected),
            high: of_all(read.high) * (100 + margin) / 100,
        }
    }
}

/// The samples of several tables together.
impl AddAssign for TextSample {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.counted += other.counted;
        self.records += other.records;
        self.with_tool += other.with_tool;
        self.bytes += other.bytes;
        self.classes += other.classes;
    }
}

/// `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(text: &str) -> RequestTexts {
        let record = json!({"modelInput": {"prompt": text}});
        RequestTexts::of_record(record.to_string().as_bytes())
    }

    fn sample(records: u64, text: impl Fn(u64) -> &'static str) -> TextSample {
        let mut sample = TextSample::default();
        for number in 0..records {
            let text = text(number);
            if let Some(stands_for) = sample.offer() {
                sample.add(&texts(text), text.len() as u64, stands_for);
            }
        }
        sample
    }

    #[test]
    fn few_records_are_all_counted_and_of_many_a_bounded_number() {
        let counted = |records| sample(records, |_| "a b").counted();
        assert_eq!([0, 1, 999, 2_000].map(counted), [0, 1, 999, 2_000]);
        assert_eq!(counted(4_000), 3_000);
        let of_a_million = counted(1_000_000);
        assert!((10_900..11_000).contains(&of_a_million), "{of_a_million}");
    }

    /// Texts of two kinds take turns, and then the table goes on with a third.
    #[test]
    fn the_counted_records_stand_for_all() {
        let text = |number: u64| match number {
            0..60_000 if number.is_multiple_of(2) => "a",
            0..60_000 => "4711, 4712, 4713, 4714 and 4715",
            _ => "a text of seven words without figures",
        };
        let records = 100_000;
        let family = TokenFamily::of("us.anthropic.claude-haiku-4-5-20251001-v1:0");
        let sampled = sample(records, text);
        let mut all = TextSample::default();
        for number in 0..records {
            all.add(&texts(text(number)), text(number).len() as u64, 1);
        }
        let sums = RecordSums {
            records,
            bytes: all.bytes,
        };
        let [guess, truth] = [sampled, all].map(|one| one.tokens(&family, sums).expected);
        assert!(guess.abs_diff(truth) * 100 < truth * 2, "{guess}, {truth}");
    }

    #[test]
    fn a_sample_that_is_stored_and_resumed_counts_the_same() {
        let whole = sample(5_000, |_| "a b");
        let mut resumed = sample(2_345, |_| "a b");
        resumed = serde_json::from_value(json!(resumed)).unwrap();
        for _ in 2_345..5_000 {
            if let Some(stands_for) = resumed.offer() {
                resumed.add(&texts("a b"), 3, stands_for);
            }
        }
        assert_eq!(resumed, whole);
    }
}
