//! What the cells of a column say about its use in a prompt.

use crate::sample::Column;
use std::collections::BTreeSet;

/// The most values of a column that [`Starter::categories`](crate::Starter::categories) names.
pub const MOST_CATEGORIES: usize = 12;

/// The mean length from which text counts as free text, in characters.
const FREE_TEXT_LENGTH: usize = 20;

/// Fewer rows than this say too little about whether a column repeats itself.
const FEWEST_ROWS: usize = 3;

/// The least number of rows for each value of a column of categories.
const ROWS_FOR_A_CATEGORY: usize = 5;

/// The longest value that counts as a category, in characters.
const LONGEST_CATEGORY: usize = 40;

/// The fewest characters of a code without spaces that is different in each row.
const CODE_LENGTH: usize = 8;

/// A column that the prompt does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The column's name.
    pub column: String,
    /// The reason.
    pub why: Unusable,
}

/// Why a prompt does not show a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// No row of the sample has a value.
    Empty,
    /// All rows of the sample have the same value.
    Constant,
    /// The values are names or numbers of the rows.
    Identifier,
    /// The column has no name, or a name that cannot be written in braces.
    Name,
    /// There are more than [`MOST_COLUMNS`](crate::MOST_COLUMNS) columns.
    TooMany,
}

impl Unusable {
    /// Returns the reason as a fragment for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Constant => "the same value in each row",
            Self::Identifier => "an identifier",
            Self::Name => "a name that is no placeholder",
            Self::TooMany => "more columns than a first prompt needs",
        }
    }
}

/// A column and what its values have in common.
pub(crate) struct Traits<'a> {
    name: &'a str,
    /// The cells that are not empty.
    values: Vec<&'a str>,
    distinct: BTreeSet<&'a str>,
    rows: usize,
}

impl<'a> Traits<'a> {
    pub(crate) fn of(column: &'a Column) -> Self {
        let cells = column.cells.iter().map(|cell| cell.trim());
        let values: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
        Self {
            name: &column.name,
            distinct: values.iter().copied().collect(),
            values,
            rows: column.cells.len(),
        }
    }

    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) fn left_out(&self, why: Unusable) -> LeftOut {
        LeftOut {
            column: self.name.to_owned(),
            why,
        }
    }

    /// Returns why a prompt cannot show the column by its name.
    pub(crate) fn unnameable(&self) -> Option<Unusable> {
        let is_placeholder = !self.name.trim().is_empty()
            && !self.name.contains(['{', '}', '\n', '\r'])
            && !["input_data", "routed_rules"].contains(&self.name);
        (!is_placeholder).then_some(Unusable::Name)
    }

    /// Returns why a prompt should not show the column.
    pub(crate) fn unusable(&self) -> Option<Unusable> {
        if let Some(why) = self.unnameable() {
            return Some(why);
        }
        if self.rows < FEWEST_ROWS {
            return None;
        }
        if self.values.is_empty() {
            return Some(Unusable::Empty);
        }
        if self.distinct.len() == 1 && self.values.len() == self.rows {
            return Some(Unusable::Constant);
        }
        self.is_identifier().then_some(Unusable::Identifier)
    }

    /// Whether each row has another value, and the values are numbers of rows, codes of one length,
    /// or in a column that is named as an identifier.
    fn is_identifier(&self) -> bool {
        let is_unique = self.distinct.len() == self.rows;
        let is_one_word = |value: &&str| !value.contains(char::is_whitespace);
        if !is_unique || !self.values.iter().all(is_one_word) {
            return false;
        }
        self.counts_up() || self.is_named_as_identifier() || self.is_code()
    }

    fn counts_up(&self) -> bool {
        let numbers: Option<Vec<i64>> = self.values.iter().map(|text| text.parse().ok()).collect();
        numbers.is_some_and(|numbers| {
            numbers
                .windows(2)
                .all(|pair| pair[0].checked_add(1) == Some(pair[1]))
        })
    }

    fn is_named_as_identifier(&self) -> bool {
        let name = self.name.to_lowercase();
        let last = name.rsplit(|one: char| !one.is_alphanumeric()).next();
        last.is_some_and(|last| ["id", "uuid", "guid", "key"].contains(&last))
            || self.name.ends_with("Id")
            || self.name.ends_with("ID")
    }

    fn is_code(&self) -> bool {
        let length = self.values.first().map_or(0, |value| value.len());
        let is_of_code = |one: char| one.is_ascii_hexdigit() || one == '-';
        length >= CODE_LENGTH
            && self.values.iter().all(|value| {
                value.len() == length
                    && value.chars().all(is_of_code)
                    // A date has this shape, too.
                    && value.matches('-').count() != 2
            })
    }

    pub(crate) fn is_free_text(&self) -> bool {
        let characters: usize = self.values.iter().map(|value| value.chars().count()).sum();
        let is_long = characters > FREE_TEXT_LENGTH * self.values.len();
        is_long && self.distinct.len() * 2 > self.values.len()
    }

    /// Returns the column's name and its values if these are a few categories.
    pub(crate) fn categories(&self) -> Option<(String, Vec<String>)> {
        let few = 2..=MOST_CATEGORIES;
        let is_category = few.contains(&self.distinct.len())
            && self.distinct.len() * ROWS_FOR_A_CATEGORY <= self.values.len()
            && self.distinct.iter().all(|value| {
                value.chars().count() <= LONGEST_CATEGORY && value.parse::<f64>().is_err()
            });
        is_category.then(|| {
            let values = self.distinct.iter().map(|value| (*value).to_owned());
            (self.name.to_owned(), values.collect())
        })
    }
}
