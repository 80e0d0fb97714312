//! Takes rows of two results side by side.

use crate::agreement::{
    DifferingRow, FailedRow, PropertyTally, ResultComparison, RowCounts, ValueDifference,
};
use crate::columns::TableColumns;
use crate::error::ComparisonError;
use crate::row_answer::{ANSWER_COLUMNS, AnswerCounts, RowAnswer};
use crate::sides::Sides;
use crate::value::value;
use quarry_result::excerpt::cut;

/// The longest value or error text of a row that is kept, characters.
const LONGEST_TEXT: usize = 200;

/// The longest cell that an error shows, characters.
const LONGEST_CELL: usize = 60;

/// Compares rows that are passed to it side by side.
#[derive(Debug, Clone)]
pub struct Comparer {
    columns: Sides<Vec<String>>,
    input: Vec<String>,
    properties: Vec<String>,
    only_in: Sides<Vec<String>>,
    tallies: Vec<PropertyTally>,
    rows: RowCounts,
    answers: Sides<AnswerCounts>,
    of_table: Sides<AnswerCounts>,
    differing: Vec<DifferingRow>,
    failed: Vec<FailedRow>,
    most_rows: usize,
    table: String,
    row: u64,
}

/// A row of one result.
struct SideRow<'a> {
    input: &'a [Option<String>],
    properties: &'a [Option<String>],
    answer: RowAnswer,
    error: Option<&'a str>,
}

impl SideRow<'_> {
    fn is_answered(&self) -> bool {
        self.answer != RowAnswer::Missing
    }

    fn is_invalid(&self) -> bool {
        self.answer == RowAnswer::Invalid
    }

    /// Returns the value of a property. An answer that breaks the schema has none that counts.
    fn value(&self, property: usize) -> Option<&str> {
        let cell = self.properties.get(property).filter(|_| !self.is_invalid());
        cell.and_then(|cell| value(cell.as_deref()))
    }
}

impl Comparer {
    /// Begins a comparison of results with these columns, which keeps the first `most_rows` rows that
    /// differ and as many that failed.
    ///
    /// Fails if the results are not of the same input columns.
    pub fn new(of: &Sides<TableColumns>, most_rows: usize) -> Result<Self, ComparisonError> {
        let (a, b) = (&of.a, &of.b);
        for (columns, other, side) in [(a, b, 'a'), (b, a, 'b')] {
            let lacks = |column: &&String| !other.input.contains(column);
            if let Some(column) = columns.input.iter().find(lacks) {
                let column = column.clone();
                return Err(ComparisonError::OtherColumns { column, side });
            }
        }
        let only = |of: &TableColumns, other: &TableColumns| -> Vec<String> {
            let properties = of.properties.iter();
            properties
                .filter(|name| !other.properties.contains(name))
                .cloned()
                .collect()
        };
        let shared = a
            .properties
            .iter()
            .filter(|name| b.properties.contains(name));
        let properties: Vec<String> = shared.cloned().collect();
        let read = |side: &TableColumns| {
            let status = ANSWER_COLUMNS.into_iter().chain(["error"]);
            let results = properties.iter().map(String::as_str).chain(status);
            let results = results.map(|name| side.named(name));
            a.input.iter().cloned().chain(results).collect()
        };
        Ok(Self {
            columns: of.each().map(read),
            input: a.input.clone(),
            only_in: Sides {
                a: only(a, b),
                b: only(b, a),
            },
            tallies: vec![PropertyTally::default(); properties.len()],
            rows: RowCounts {
                agree: (!properties.is_empty()).then_some(0),
                ..RowCounts::default()
            },
            properties,
            answers: Sides::default(),
            of_table: Sides::default(),
            differing: Vec::new(),
            failed: Vec::new(),
            most_rows,
            table: String::new(),
            row: 0,
        })
    }

    /// The columns of each result whose cells [`row`](Self::row) takes, in this order.
    pub fn columns(&self) -> &Sides<Vec<String>> {
        &self.columns
    }

    /// Begins another table of the results. `name` is its file's name for people.
    pub fn begin_table(&mut self, name: &str) {
        name.clone_into(&mut self.table);
        self.row = 0;
        self.of_table = Sides::default();
    }

    /// The rows of the table that was begun last, as far as they were taken.
    pub fn of_table(&self) -> &Sides<AnswerCounts> {
        &self.of_table
    }

    /// Takes the next row of both results: the cells of [`columns`](Self::columns), `None` for a cell
    /// without a value.
    ///
    /// Fails if the cells of the input differ.
    pub fn row(&mut self, cells: &Sides<&[Option<String>]>) -> Result<(), ComparisonError> {
        let row = cells.map(|cells| self.parts(cells));
        self.row += 1;
        self.check_input(&row)?;
        self.rows.total += 1;
        for counts in [&mut self.answers, &mut self.of_table] {
            counts.a.add(row.a.answer);
            counts.b.add(row.b.answer);
        }
        if row.a.is_answered() && row.b.is_answered() {
            self.compare(&row);
        } else {
            let in_both = !row.a.is_answered() && !row.b.is_answered();
            self.rows.failed_in_both += u64::from(in_both);
            self.keep_failed(&row);
        }
        Ok(())
    }

    /// Says that one result has no more rows of this table while the other has. `side` is the one that
    /// ended.
    pub fn ended_early(&self, side: char) -> ComparisonError {
        ComparisonError::FewerRows {
            table: self.table.clone(),
            row: self.row,
            side,
        }
    }

    /// Returns what was found.
    pub fn finish(self) -> ResultComparison {
        let tallied = self.properties.iter().zip(&self.tallies);
        ResultComparison {
            rows: RowCounts {
                answered: self.answers.map(|counts| counts.answered()),
                failed: self.answers.map(|counts| counts.failed),
                valid: self.answers.map(|counts| counts.checked_valid()),
                ..self.rows
            },
            properties: tallied.map(|(name, tally)| tally.finish(name)).collect(),
            only_in: self.only_in,
            differing: self.differing,
            failed: self.failed,
        }
    }

    fn parts<'a>(&self, cells: &'a [Option<String>]) -> SideRow<'a> {
        let status = self.input.len() + self.properties.len();
        let error = status + ANSWER_COLUMNS.len();
        SideRow {
            input: cells.get(..self.input.len()).unwrap_or_default(),
            properties: cells.get(self.input.len()..status).unwrap_or_default(),
            answer: RowAnswer::of(cells.get(status..error).unwrap_or_default()),
            error: cells.get(error).and_then(|cell| value(cell.as_deref())),
        }
    }

    fn check_input(&self, row: &Sides<SideRow<'_>>) -> Result<(), ComparisonError> {
        let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
        let mut pairs = row.a.input.iter().zip(row.b.input).zip(&self.input);
        // Formats that have no null write an empty cell.
        match pairs.find(|((a, b), _)| a.as_deref().unwrap_or("") != b.as_deref().unwrap_or("")) {
            None => Ok(()),
            Some(((a, b), column)) => Err(ComparisonError::OtherRow {
                table: self.table.clone(),
                row: self.row,
                column: column.clone(),
                in_a: cut(&text(a), LONGEST_CELL).into_owned(),
                in_b: cut(&text(b), LONGEST_CELL).into_owned(),
            }),
        }
    }

    fn compare(&mut self, row: &Sides<SideRow<'_>>) {
        self.rows.compared += 1;
        let invalid = row.each().map(SideRow::is_invalid);
        let can_agree = !invalid.a && !invalid.b;
        let mut differences = Vec::new();
        for (number, tally) in self.tallies.iter_mut().enumerate() {
            let values = row.each().map(|side| side.value(number));
            if !can_agree {
                tally.add_apart(values.a, values.b);
                differences.push((number, values));
            } else if !tally.add(values.a, values.b) {
                differences.push((number, values));
            }
        }
        if invalid.a && invalid.b {
            self.rows.invalid_in_both += 1;
        } else if differences.is_empty() {
            self.rows.agree = self.rows.agree.map(|rows| rows + 1);
        } else if self.differing.len() < self.most_rows {
            let differences = differences
                .into_iter()
                .map(|(number, values)| ValueDifference {
                    property: self.properties[number].clone(),
                    values: values.map(|value| value.map(kept)),
                });
            self.differing.push(DifferingRow {
                table: self.table.clone(),
                row: self.row,
                invalid,
                differences: differences.collect(),
            });
        }
    }

    fn keep_failed(&mut self, row: &Sides<SideRow<'_>>) {
        if self.failed.len() < self.most_rows {
            self.failed.push(FailedRow {
                table: self.table.clone(),
                row: self.row,
                errors: row.each().map(|side| {
                    let error = side.error.unwrap_or("no reason is given");
                    (!side.is_answered()).then(|| kept(error))
                }),
            });
        }
    }
}

fn kept(text: &str) -> String {
    cut(text, LONGEST_TEXT).into_owned()
}
