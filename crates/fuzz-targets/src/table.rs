//! Text tables: CSV, TSV and JSON Lines, in every quoting.

use crate::target::FuzzTarget;
use quarry_table::{
    Cell, Dialect, Format, Header, Position, Quoting, ResultCell, RowDecoder, RowEncoder,
};
use std::sync::Arc;

pub(crate) const TABLE: FuzzTarget = FuzzTarget {
    name: "table",
    check: check_table,
    words: &[
        ",", "\t", "\n", "\r\n", "\r", "\"", "\"\"", "\\\"", "\\", "{", "}", "{\"a\": ", "null",
        "\u{feff}", "\0", "ü", ":",
    ],
};

const DIALECTS: [Dialect; 7] = [
    dialect(Format::Csv, Quoting::Standard),
    dialect(Format::Csv, Quoting::Backslash),
    dialect(Format::Csv, Quoting::None),
    dialect(Format::Tsv, Quoting::Standard),
    dialect(Format::Tsv, Quoting::Backslash),
    dialect(Format::Tsv, Quoting::None),
    dialect(Format::JsonLines, Quoting::Standard),
];

/// The result column of the table that is written.
const RESULT: &str = "quarry_result";

const fn dialect(format: Format, quoting: Quoting) -> Dialect {
    Dialect { format, quoting }
}

/// A row, owned.
#[derive(Debug, Clone, PartialEq)]
struct OwnedRow {
    number: u64,
    byte: u64,
    raw: Vec<u8>,
    /// Of each column of the header; `None` for null and for missing cells.
    cells: Vec<Option<String>>,
}

/// All that was read of a table.
#[derive(Debug, PartialEq)]
struct ReadTable {
    header: Option<Header>,
    rows: Vec<OwnedRow>,
    /// The error that ended reading.
    error: Option<String>,
}

/// The rows do not depend on how the bytes are cut, a reader can begin at any of them, and with a
/// result column they are the same rows.
fn check_table(input: &[u8]) {
    for dialect in DIALECTS {
        let mut columns: Vec<String> = Vec::new();
        let whole = read(dialect, &[input], &columns);
        if let Some(header) = &whole.header {
            columns.clone_from(&header.columns);
        }
        let whole = read(dialect, &[input], &columns);
        let step = input.len() / 8 + 1;
        for cut in (0..input.len()).step_by(step) {
            let pieces = [&input[..cut], &input[cut..]];
            assert_eq!(read(dialect, &pieces, &columns), whole, "cut at {cut}");
        }
        if let Some(error) = &whole.error {
            assert!(error.contains("fuzz.txt"), "{error}");
            continue;
        }
        if let Some(header) = &whole.header {
            check_resumed(dialect, input, header, &whole);
            check_written(dialect, input, header, &whole, 0);
            // Cells are found by the names of their columns here, and only nameless ones have the same.
            let is_named = header.columns.first().is_some_and(|name| !name.is_empty());
            if dialect.format != Format::JsonLines && is_named {
                check_written(dialect, input, header, &whole, 1);
            }
        }
    }
}

fn read(dialect: Dialect, pieces: &[&[u8]], columns: &[String]) -> ReadTable {
    let mut decoder = RowDecoder::start(dialect, "fuzz.txt");
    decoder.project(columns);
    let (rows, error) = rows(&mut decoder, pieces, columns.len());
    ReadTable {
        header: decoder.header().map(|header| Header::clone(header)),
        rows,
        error,
    }
}

fn rows(
    decoder: &mut RowDecoder,
    pieces: &[&[u8]],
    columns: usize,
) -> (Vec<OwnedRow>, Option<String>) {
    let mut rows = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        if let Err(error) = take(decoder, columns, &mut rows) {
            return (rows, Some(error));
        }
    }
    decoder.end();
    let error = take(decoder, columns, &mut rows).err();
    (rows, error)
}

fn take(decoder: &mut RowDecoder, columns: usize, rows: &mut Vec<OwnedRow>) -> Result<(), String> {
    loop {
        let row = match decoder.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let cell = |index| match row.cell(index) {
            Cell::Text(text) => Some(text.to_owned()),
            Cell::Null | Cell::Missing => None,
        };
        rows.push(OwnedRow {
            number: row.number(),
            byte: row.byte(),
            raw: row.raw().to_vec(),
            cells: (0..columns).map(cell).collect(),
        });
    }
}

/// A reader that begins at a row reads this row and all after it.
fn check_resumed(dialect: Dialect, input: &[u8], header: &Header, whole: &ReadTable) {
    let step = whole.rows.len() / 4 + 1;
    for (index, row) in whole.rows.iter().enumerate().step_by(step) {
        let at = Position {
            byte: row.byte,
            row: row.number,
        };
        let Some(rest) = usize::try_from(row.byte)
            .ok()
            .and_then(|byte| input.get(byte..))
        else {
            panic!("row {} begins behind the file", row.number);
        };
        let mut decoder = RowDecoder::resume(dialect, "fuzz.txt", Arc::new(header.clone()), at);
        decoder.project(&header.columns);
        let (found, error) = rows(&mut decoder, &[rest], header.columns.len());
        assert_eq!(error, None, "from row {index} on");
        assert_eq!(found, whole.rows[index..], "from row {index} on");
    }
}

/// A table with a result column has the same rows with the same cells, without those of the first
/// `replaced` columns.
fn check_written(
    dialect: Dialect,
    input: &[u8],
    header: &Header,
    whole: &ReadTable,
    replaced: usize,
) {
    if header.columns.iter().any(|name| name == RESULT) {
        return;
    }
    let left_out: Vec<usize> = (0..replaced).collect();
    let mut encoder = RowEncoder::new(dialect, header, &[RESULT.to_owned()], &left_out);
    let mut out = Vec::new();
    encoder.header_line(&mut out);
    let mut decoder = RowDecoder::start(dialect, "fuzz.txt");
    decoder.push(input);
    decoder.end();
    while let Ok(Some(row)) = decoder.next_row() {
        encoder.row(&mut out, &row, &[ResultCell::Text("a \"b\"")]);
    }
    let mut columns = header.columns[replaced..].to_vec();
    columns.push(RESULT.to_owned());
    let written = read(dialect, &[&out], &columns);
    assert_eq!(written.error, None, "{}", String::from_utf8_lossy(&out));
    assert_eq!(written.rows.len(), whole.rows.len());
    for (written, row) in written.rows.iter().zip(&whole.rows) {
        let (result, cells) = written.cells.split_last().unwrap_or((&None, &[]));
        assert_eq!(
            cells,
            &row.cells[replaced..],
            "{}",
            String::from_utf8_lossy(&out)
        );
        assert_eq!(result.as_deref(), Some("a \"b\""));
    }
}
