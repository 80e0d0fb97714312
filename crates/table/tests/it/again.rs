//! A result is read again as the table that it was made from, whatever the table looks like.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use quarry_table::{Cell, Dialect, Format, Header, Quoting, ResultCell, RowDecoder, RowEncoder};

const RESULT: &str = "llm_result";

/// What could make the beginning of a file look like something else, and what separates cells.
const PIECES: [&str; 22] = [
    "\0",
    "\0\0\0",
    "\u{feff}",
    "PAR1",
    "\u{15}",
    "PK\u{3}\u{4}",
    "\u{1f}",
    "\u{8b}",
    "BZh9",
    "sep=",
    "a",
    "ab",
    " ",
    "\n",
    "\r\n",
    "\r",
    ",",
    "\t",
    ";",
    "\"",
    "\\",
    "{\"a\":1}",
];

/// The columns and the cells of a table.
type Read = (Vec<String>, Vec<Vec<String>>);

fn read(dialect: Dialect, text: &[u8]) -> Result<(Header, Read), String> {
    let mut columns = Vec::new();
    // The first reading finds the columns.
    for _ in 0..2 {
        let mut decoder = RowDecoder::start(dialect, "t");
        decoder.project(&columns);
        decoder.push(text);
        decoder.end();
        let mut rows = Vec::new();
        while let Some(row) = decoder.next_row().map_err(|error| error.to_string())? {
            let cell = |index| match row.cell(index) {
                Cell::Text(text) => text.to_owned(),
                Cell::Null | Cell::Missing => "none".to_owned(),
            };
            rows.push((0..columns.len()).map(cell).collect());
        }
        let header = decoder.header().map(|header| Header::clone(header));
        let header = header.ok_or("no header")?;
        if columns == header.columns {
            return Ok((header, (columns, rows)));
        }
        columns.clone_from(&header.columns);
    }
    Err("columns of one name".to_owned())
}

/// Writes a table with a result, without the first `replaced` columns.
fn write(dialect: Dialect, text: &[u8], header: &Header, replaced: usize) -> Vec<u8> {
    let replaced: Vec<usize> = (0..replaced).collect();
    let mut encoder = RowEncoder::new(dialect, header, &[RESULT.to_owned()], &replaced);
    let mut out = Vec::new();
    encoder.header_line(&mut out);
    let mut decoder = RowDecoder::start(dialect, "t");
    decoder.push(text);
    decoder.end();
    while let Some(row) = decoder.next_row().unwrap() {
        encoder.row(&mut out, &row, &[ResultCell::Text("yes")]);
    }
    out
}

fn check(dialect: Dialect, text: &[u8]) -> Result<(), TestCaseError> {
    let Ok((header, (columns, rows))) = read(dialect, text) else {
        return Ok(());
    };
    if columns.iter().filter(|name| name.is_empty()).count() > 1 {
        // Cells are found by their columns' names here.
        return Ok(());
    }
    for replaced in 0..=columns.len().min(2) {
        let written = write(dialect, text, &header, replaced);
        let shown = String::from_utf8_lossy(&written);
        let again = read(dialect, &written);
        prop_assert!(again.is_ok(), "{dialect:?}: {:?}: {shown:?}", again.err());
        let (_, (found, found_rows)) = again.unwrap();
        if dialect.format == Format::JsonLines {
            // An object may lack a key, so the columns come in another order.
            prop_assert_eq!(found_rows.len(), rows.len());
            continue;
        }
        let mut expected = columns[replaced..].to_vec();
        expected.push(RESULT.to_owned());
        prop_assert_eq!(&found, &expected, "{:?}: {:?}", dialect, shown);
        let expected: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                row[replaced..]
                    .iter()
                    .cloned()
                    .chain(["yes".to_owned()])
                    .collect()
            })
            .collect();
        prop_assert_eq!(found_rows, expected, "{:?}: {:?}", dialect, shown);
    }
    Ok(())
}

fn dialects() -> Vec<Dialect> {
    let mut all = vec![Format::JsonLines.into()];
    for format in [Format::Csv, Format::Tsv] {
        for quoting in [Quoting::Standard, Quoting::Backslash, Quoting::None] {
            all.push(Dialect { format, quoting });
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_table_with_results_is_read_as_it_was_however_it_begins(
        start in proptest::collection::vec(select(&PIECES[..]), 0..5),
        names in subsequence(&PIECES[..], 1..4),
        rest in proptest::collection::vec(select(&PIECES[..]), 0..12),
        dialect in select(dialects()),
    ) {
        let separator = if dialect.format == Format::Tsv { "\t" } else { "," };
        let text = [start.concat(), names.join(separator), "\n".to_owned(), rest.concat()].concat();
        check(dialect, text.as_bytes())?;
    }
}

/// The fuzzer found the first one.
#[test]
fn a_header_that_would_make_the_result_look_like_another_kind_of_file_is_refused() {
    let csv = Dialect::from(Format::Csv);
    let refused = |text: &str, column: usize, character: &str| {
        let place = text.find(|one| !matches!(one, '\n' | '\u{feff}')).unwrap();
        let line = text[..place].matches('\n').count() + 1;
        assert_eq!(
            read(csv, text.as_bytes()).unwrap_err(),
            format!(
                "t, header (line {line}, byte {place}): the name of column {column} has the character {character}, which is \
                 not text; delete it from the header"
            ),
            "{text:?}"
        );
    };
    refused("\n\na\0\0\0,b\n1,2\n", 1, "U+0000");
    refused("\u{feff}PAR1\u{15},b\n1,2\n", 1, "U+0015");
    refused("\nPK\u{3}\u{4},b\n1,2\n", 1, "U+0003");
    // These could come first if other columns are replaced.
    refused("a,\u{feff}b\n1,2\n", 2, "U+FEFF");
    refused("a,b,\"c\0\"\n1,2,3\n", 3, "U+0000");
    // Spreadsheets have line breaks in headers, and a cell may hold anything.
    let (_, (columns, rows)) = read(csv, b"\"a\nb\",c\n\0\0,\x15\n").unwrap();
    assert_eq!(columns, ["a\nb", "c"]);
    assert_eq!(rows, [["\0\0", "\u{15}"]]);
}
