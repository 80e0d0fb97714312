//! Small tables for the tests.

use quarry_table::{Format, Row, RowDecoder};

/// Decodes a whole table and passes each row to `use_row`.
pub(crate) fn for_each_row(
    format: Format,
    text: &[u8],
    columns: &[String],
    mut use_row: impl FnMut(&Row<'_>),
) {
    let mut decoder = RowDecoder::start(format, "table");
    decoder.project(columns);
    decoder.push(text);
    decoder.end();
    while let Some(row) = decoder.next_row().expect("the table is good") {
        use_row(&row);
    }
}

/// Owned names.
pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
