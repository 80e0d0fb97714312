//! Reads tables in pieces, for the tests.

use quarry_table::{Cell, Dialect, Newline, RowDecoder, TableError};

/// All properties of a row, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) number: u64,
    pub(crate) byte: u64,
    pub(crate) raw: String,
    pub(crate) newline: Option<Newline>,
    /// Cells of the projected columns; `None` for null, `!` for missing ones.
    pub(crate) cells: Vec<Option<String>>,
}

/// Takes all rows that are available.
pub(crate) fn take(
    decoder: &mut RowDecoder,
    columns: usize,
    rows: &mut Vec<Read>,
) -> Result<(), TableError> {
    while let Some(row) = decoder.next_row()? {
        let cells = (0..columns).map(|index| match row.cell(index) {
            Cell::Missing => Some("!".to_owned()),
            Cell::Null => None,
            Cell::Text(text) => Some(text.to_owned()),
        });
        rows.push(Read {
            number: row.number(),
            byte: row.byte(),
            raw: String::from_utf8(row.raw().to_vec()).expect("rows are text"),
            newline: row.newline(),
            cells: cells.collect(),
        });
    }
    Ok(())
}

/// Reads a table in these pieces. The error is returned as text.
pub(crate) fn read_pieces<'a>(
    dialect: impl Into<Dialect>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    columns: &[&str],
) -> (Vec<Read>, Result<RowDecoder, String>) {
    let mut decoder = RowDecoder::start(dialect, "t.txt");
    decoder.project(
        &columns
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>(),
    );
    let mut rows = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        if let Err(error) = take(&mut decoder, columns.len(), &mut rows) {
            return (rows, Err(error.to_string()));
        }
    }
    decoder.end();
    let end = take(&mut decoder, columns.len(), &mut rows);
    (
        rows,
        end.map(|()| decoder).map_err(|error| error.to_string()),
    )
}

/// Reads a whole table.
pub(crate) fn read(
    dialect: impl Into<Dialect>,
    text: &[u8],
    columns: &[&str],
) -> (Vec<Read>, Result<RowDecoder, String>) {
    read_pieces(dialect, [text], columns)
}

/// Cuts a text at places that may repeat and may be beyond the end.
pub(crate) fn cut_at<'a>(text: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places
        .iter()
        .map(|place| place % (text.len() + 1))
        .collect();
    places.sort_unstable();
    places.push(text.len());
    let mut start = 0;
    let pieces = places.into_iter().map(|end| {
        let piece = &text[start..end];
        start = end;
        piece
    });
    pieces.collect()
}
