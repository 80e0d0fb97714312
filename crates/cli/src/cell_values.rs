//! The values of a property, counted over the cells of a result table.

use quarry_answer::FieldValue;
use quarry_comparison::number;
use quarry_result::profile::PropertyProfile;
use quarry_result::summary::PropertySummary;

/// The most bytes of values that are kept of a property.
const MOST_BYTES: usize = 64 * 1024;

/// Counts the cells of a column. A table does not say what its cells are: if all of them are numbers, they count as
/// numbers, and otherwise all of them as texts.
#[derive(Debug)]
pub(crate) struct CellValues {
    texts: PropertyProfile,
    /// `None` if a cell is no number.
    numbers: Option<PropertyProfile>,
}

impl CellValues {
    /// Begins to count.
    pub(crate) fn new(property: &str) -> Self {
        let tally = PropertyProfile::new(property, MOST_BYTES);
        Self {
            numbers: Some(tally.clone()),
            texts: tally,
        }
    }

    /// Adds a cell. An empty one has no value.
    pub(crate) fn add(&mut self, cell: Option<&str>) {
        let cell = cell.filter(|cell| !cell.is_empty());
        let text = cell.map_or(FieldValue::Null, |cell| FieldValue::Text(cell.to_owned()));
        self.texts.add(&text);
        let Some(numbers) = &mut self.numbers else {
            return;
        };
        match cell.map(|cell| (cell.parse().ok(), number(cell))) {
            None => numbers.add(&FieldValue::Null),
            Some((Some(integer), Some(_))) => numbers.add(&FieldValue::Integer(integer)),
            Some((None, Some(number))) => numbers.add(&FieldValue::Number(number)),
            Some((_, None)) => self.numbers = None,
        }
    }

    /// Returns the figures.
    pub(crate) fn finish(self) -> PropertySummary {
        self.numbers.unwrap_or(self.texts).summary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(cells: impl IntoIterator<Item = &'a str>) -> PropertySummary {
        let mut values = CellValues::new("p");
        for cell in cells {
            values.add(Some(cell));
        }
        values.finish()
    }

    #[test]
    fn cells_count_as_numbers_only_if_all_of_them_are() {
        let numbers = of(["1", "2.5", "", "-3", "1"]);
        let figures = numbers.numbers.expect("numbers");
        assert_eq!((numbers.values, numbers.nulls), (4, 1));
        assert!((figures.minimum + 3.0).abs() < 1e-9 && (figures.mean - 0.375).abs() < 1e-9);
        assert_eq!((numbers.distinct, numbers.texts), (Some(3), None));
        for odd in ["gull", "007", "1e999"] {
            let texts = of(["1", "2.5", "", odd]);
            assert_eq!((texts.values, texts.numbers), (3, None), "{odd}");
        }
    }

    #[test]
    fn a_column_without_cells_has_no_figures() {
        let none = of([""]);
        assert_eq!((none.values, none.nulls, none.distinct), (0, 1, Some(0)));
        assert_eq!((none.texts, none.numbers), (None, None));
    }
}
