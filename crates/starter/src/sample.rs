//! The rows that a proposal is made from.

/// Some rows of a table, as text.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    columns: Vec<Column>,
}

/// A column of the sample.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The cells of all rows. A cell that is null or missing is empty.
    pub(crate) cells: Vec<String>,
}

impl Sample {
    /// A sample without rows of a table with these columns.
    pub fn new(columns: Vec<String>) -> Self {
        let columns = columns.into_iter().map(|name| Column {
            name,
            cells: Vec::new(),
        });
        Self {
            columns: columns.collect(),
        }
    }

    /// Adds a row, with one cell for each column. A row that is too short is filled up with empty
    /// cells, and cells without a column are dropped.
    pub fn add(&mut self, row: Vec<String>) {
        let mut cells = row.into_iter();
        for column in &mut self.columns {
            column.cells.push(cells.next().unwrap_or_default());
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.len())
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter()
    }
}
