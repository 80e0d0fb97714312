//! Rows that were decoded together, and the cells and members of each.

use crate::file::Inner;
use crate::value::Values;
use arrow_array::{Array, RecordBatch, StringViewArray};
use quarry_table::{Cell, Cells};
use std::sync::Arc;

/// Consecutive rows of a file, decoded.
#[derive(Debug)]
pub struct RowBatch {
    pub(crate) file: Arc<Inner>,
    pub(crate) first_row: u64,
    pub(crate) row_bytes: u64,
    pub(crate) record: Arc<RecordBatch>,
    pub(crate) cells: Vec<CellColumn>,
    pub(crate) whole: Vec<(Arc<[u8]>, Values)>,
    pub(crate) complete: bool,
}

impl RowBatch {
    /// The number of rows, at least one.
    #[expect(clippy::len_without_is_empty, reason = "a batch has rows")]
    pub fn len(&self) -> usize {
        self.record.num_rows()
    }

    /// The first row's number in the file, counted from 0.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The bytes of a row with all its columns, decoded: the average of its row group, from the
    /// footer.
    pub fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    /// Returns the `index`-th row, counted from 0 in the batch.
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        (index < self.len()).then_some(Row { batch: self, index })
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|index| Row { batch: self, index })
    }
}

/// One row of a batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub(crate) batch: &'a RowBatch,
    pub(crate) index: usize,
}

impl<'a> Row<'a> {
    /// The row's number in the file, counted from 0.
    pub fn number(&self) -> u64 {
        self.batch.first_row + self.index as u64
    }

    /// Whether the first `columns` columns have the same values, of the same types, in another row. Both
    /// rows must come from a [`FileReading`](crate::FileReading) with `parts`.
    pub fn has_values_of(&self, other: &Row<'_>, columns: usize) -> bool {
        (0..columns).all(|column| {
            let value = |row: &Row<'_>| {
                let values = row.batch.record.columns().get(column)?;
                Some(values.slice(row.index, 1))
            };
            self.batch.complete && value(self).is_some() && value(self) == value(other)
        })
    }

    /// Returns the `index`-th cell of the reading; [`Cell::Missing`] beyond the last.
    pub fn cell(&self, index: usize) -> Cell<'a> {
        self.batch
            .cells
            .get(index)
            .map_or(Cell::Missing, |column| column.get(self.index))
    }
}

impl Cells for Row<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        Row::cell(self, index)
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (count, (key, values)) in self.batch.whole.iter().enumerate() {
            if count > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            values.write_json(self.index, out);
        }
        out.push(b'}');
    }
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row")
            .field("file", &self.batch.file.name)
            .field("number", &self.number())
            .finish_non_exhaustive()
    }
}

/// The cells of one column.
#[derive(Debug)]
pub(crate) enum CellColumn {
    /// The file has no such column.
    Missing,
    Text(StringViewArray),
    Rendered {
        text: String,
        /// For each row the end of its text, and whether it is null.
        ends: Vec<(usize, bool)>,
    },
}

impl CellColumn {
    pub(crate) fn new(values: &Values, length: usize) -> Self {
        if let Some(texts) = values.texts() {
            return Self::Text(texts.clone());
        }
        let mut text = Vec::new();
        let ends = (0..length)
            .map(|index| {
                let is_null = values.is_null(index);
                if !is_null {
                    values.write_cell(index, &mut text);
                }
                (text.len(), is_null)
            })
            .collect();
        Self::Rendered {
            // Only text was written.
            text: String::from_utf8(text).unwrap_or_default(),
            ends,
        }
    }

    fn get(&self, index: usize) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Text(texts) if texts.is_null(index) => Cell::Null,
            Self::Text(texts) => Cell::Text(texts.value(index)),
            Self::Rendered { text, ends } => {
                let Some(&(end, is_null)) = ends.get(index) else {
                    return Cell::Missing;
                };
                let start = index.checked_sub(1).map_or(0, |before| ends[before].0);
                if is_null {
                    Cell::Null
                } else {
                    text.get(start..end).map_or(Cell::Missing, Cell::Text)
                }
            }
        }
    }
}
