//! Groups the records that the service refused by its words. Thousands of rows are usually refused
//! for one or two reasons, and a person wants to read each of these once.

use crate::excerpt::cut;
use quarry_answer::RecordError;
use quarry_model::Denial;
use serde::{Deserialize, Serialize};

/// The most texts that are kept apart. All later ones are counted together.
const MAX_TEXTS: usize = 20;

/// The longest text that is kept, in characters.
const LONGEST_TEXT: usize = 500;

/// Rows that got the same error from the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalGroup {
    /// The service's code and message, and those about the fallback model.
    pub text: String,
    /// The service's message about the run's model.
    pub message: String,
    /// The service's message about the fallback model, if that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_message: Option<String>,
    /// Whether the same record would get the same error again.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Number of such lines.
    pub lines: u64,
    /// One of the rows, by its number in the table.
    pub example_row: u64,
}

impl RefusalGroup {
    /// Whether the account's first use of the model is still pending.
    pub fn is_first_use(&self) -> bool {
        Denial::of(&self.message) == Some(Denial::FirstUse)
    }

    fn is_lasting(&self) -> bool {
        self.is_final || self.is_first_use()
    }
}

/// The errors of a round or a run, grouped by their text, in the order of their first occurrence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusals {
    groups: Vec<RefusalGroup>,
    /// Lines whose text is not that of a group.
    #[serde(default)]
    others: u64,
}

impl Refusals {
    /// Counts the error line of a row.
    pub fn add(&mut self, row: u64, error: &RecordError<'_>) {
        let text = shortened(&error.to_string());
        self.add_group(&RefusalGroup {
            text,
            message: shortened(&error.message),
            fallback_message: error.fallback_message.as_deref().map(shortened),
            is_final: error.is_final(),
            lines: 1,
            example_row: row,
        });
    }

    /// Removes a line that was counted with the same row and error, because an answer came after
    /// it.
    pub fn take_back(&mut self, text: &str) {
        let text = shortened(text);
        match self.groups.iter().position(|group| group.text == text) {
            Some(index) => {
                self.groups[index].lines -= 1;
                if self.groups[index].lines == 0 {
                    self.groups.remove(index);
                }
            }
            None => self.others = self.others.saturating_sub(1),
        }
    }

    /// Adds the refusals of another round or slice.
    pub fn extend(&mut self, other: &Self) {
        for group in &other.groups {
            self.add_group(group);
        }
        self.others += other.others;
    }

    fn add_group(&mut self, more: &RefusalGroup) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.text == more.text) {
            group.lines += more.lines;
        } else if self.groups.len() < MAX_TEXTS {
            self.groups.push(more.clone());
        } else {
            self.others += more.lines;
        }
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.others == 0
    }

    /// The groups, in the order of their first occurrence.
    pub fn groups(&self) -> &[RefusalGroup] {
        &self.groups
    }

    /// Lines that are in no group because there are too many texts.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Returns the only lasting error, if all such lines have the same text. An error is lasting if
    /// another attempt would not change it, or if every record of a model gets it for now. Errors
    /// that may concern one record only are ignored.
    pub fn only_lasting(&self) -> Option<&RefusalGroup> {
        let mut lasting = self.groups.iter().filter(|group| group.is_lasting());
        let only = lasting.next()?;
        (lasting.next().is_none() && self.others == 0).then_some(only)
    }

    /// Returns the fallback model's message and the number of lines that have it, if the model
    /// refused every record with the same message. Lines in no group are ignored.
    pub fn only_of_fallback(&self) -> Option<(&str, u64)> {
        let mut of_fallback = self
            .groups
            .iter()
            .filter_map(|group| Some((group.fallback_message.as_deref()?, group.lines)));
        let (words, mut lines) = of_fallback.next()?;
        for (other, more) in of_fallback {
            if other != words {
                return None;
            }
            lines += more;
        }
        Some((words, lines))
    }

    /// Notes that the records were sent again after all, in another form.
    pub fn are_asked_again(&mut self) {
        for group in &mut self.groups {
            group.is_final = false;
        }
    }

    /// Returns the only error, if every line has the same text.
    pub fn only(&self) -> Option<&RefusalGroup> {
        match self.groups.as_slice() {
            [group] if self.others == 0 => Some(group),
            _ => None,
        }
    }
}

fn shortened(text: &str) -> String {
    cut(text, LONGEST_TEXT).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn error(code: &'static str, message: String) -> RecordError<'static> {
        RecordError {
            code: Some(Cow::Borrowed(code)),
            message: Cow::Owned(message),
            ..RecordError::default()
        }
    }

    #[test]
    fn rows_are_grouped_by_the_services_words() {
        let mut refusals = Refusals::default();
        for row in 0..5 {
            refusals.add(row, &error("400", "no".to_owned()));
        }
        assert_eq!(refusals.only().map(|only| only.lines), Some(5));
        refusals.add(7, &error("429", "slow".to_owned()));
        assert_eq!(refusals.only(), None);
        assert_eq!(refusals.only_lasting().map(|only| only.lines), Some(5));
        let texts: Vec<_> = refusals
            .groups()
            .iter()
            .map(|group| {
                (
                    group.text.as_str(),
                    group.lines,
                    group.example_row,
                    group.is_final,
                )
            })
            .collect();
        assert_eq!(texts, [("400: no", 5, 0, true), ("429: slow", 1, 7, false)]);
        refusals.add(8, &error("400", "another".to_owned()));
        assert_eq!(refusals.only_lasting(), None);
        refusals.take_back("400: another");
        refusals.take_back("429: slow");
        assert_eq!(refusals.only().map(|only| only.lines), Some(5));
    }

    #[test]
    fn any_number_of_texts_of_any_length_stays_small() {
        let mut refusals = Refusals::default();
        for row in 0..1_000 {
            let text = format!("row {row} {}", "x".repeat(10_000));
            refusals.add(row, &error("400", text));
        }
        assert_eq!(refusals.groups().len(), MAX_TEXTS);
        assert_eq!(refusals.others(), 1_000 - MAX_TEXTS as u64);
        assert!(serde_json::to_string(&refusals).unwrap().len() < 64 * 1024);
    }
}
