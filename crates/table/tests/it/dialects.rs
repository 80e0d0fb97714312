//! A text table never has fewer rows than a strict reader of its dialect finds, without an error.

use crate::pieces::{Read, cut_at, read, read_pieces};
use csv_core::{ReadFieldResult, ReaderBuilder};
use proptest::prelude::*;
use quarry_table::{Dialect, Format, Quoting};

const BACKSLASH: Dialect = Dialect {
    format: Format::Csv,
    quoting: Quoting::Backslash,
};

const UNQUOTED: Dialect = Dialect {
    format: Format::Tsv,
    quoting: Quoting::None,
};

fn cells(rows: &[Read]) -> Vec<Vec<&str>> {
    rows.iter()
        .map(|row| row.cells.iter().flatten().map(String::as_str).collect())
        .collect()
}

fn error(dialect: impl Into<Dialect>, text: &str) -> String {
    match read(dialect, text.as_bytes(), &[]).1 {
        Ok(_) => panic!("{text:?} is read"),
        Err(error) => error,
    }
}

/// Rows must not run together where quotes are escaped in another way.
#[test]
fn text_behind_a_closing_quote_is_refused_or_read_in_its_dialect() {
    let text = "name,n\n\"5\\\" pipe\",1\n\"7\\\" pipe\",2\nlast,3\n";
    assert_eq!(
        error(Format::Csv, text),
        "t.txt, row 1 (line 2, byte 11): text follows the closing quote of the cell that begins at byte 7; put a separator \
         or a line break behind the quote, or double the quote if it is part of the text; or set BEDROCK_CSV_QUOTING to \
         `backslash` if the file writes quotes inside cells as \\\""
    );
    let (rows, end) = read(BACKSLASH, text.as_bytes(), &["name", "n"]);
    assert!(end.is_ok());
    assert_eq!(
        cells(&rows),
        [["5\" pipe", "1"], ["7\" pipe", "2"], ["last", "3"]]
    );
    assert_eq!(rows[0].raw, "\"5\\\" pipe\",1");
}

#[test]
fn a_tsv_without_quoting_is_refused_or_read_in_its_dialect() {
    let text = "id\ttext\n1\t\"Come in, he said\n2\tx\n3\t\"Or not\n4\ty\n";
    let message = error(Format::Tsv, text);
    assert!(
        message.contains("row 1 (line 2, byte 36): text follows the closing quote")
            && message.ends_with(", or to `none` if quotes are text in this file"),
        "{message}"
    );
    let (rows, end) = read(UNQUOTED, text.as_bytes(), &["id", "text"]);
    assert!(end.is_ok());
    assert_eq!(
        cells(&rows),
        [
            ["1", "\"Come in, he said"],
            ["2", "x"],
            ["3", "\"Or not"],
            ["4", "y"]
        ]
    );
}

/// A file with another separator would pass as a table of one column wherever rows are shown whole.
#[test]
fn a_header_with_another_separator_is_refused() {
    assert_eq!(
        error(Format::Csv, "text;n\nx;1\n"),
        "t.txt, header (line 1, byte 0): the header is one column, and holds semicolons; save the file with commas between \
         the cells, or put the name in quotes if it is that of the only column"
    );
    for (format, header, separator) in [
        (Format::Csv, "a\tb", "tabs"),
        (Format::Csv, "a|b", "vertical bars"),
        (Format::Tsv, "a,b", "commas"),
        (Format::Tsv, "a;b", "semicolons"),
    ] {
        let message = error(format, header);
        assert!(message.contains(separator), "{message}");
    }
    for (dialect, header) in [
        (Dialect::from(Format::Csv), "\"a;b\""),
        (Format::Csv.into(), "a;b,c"),
        (Format::Csv.into(), "a b"),
        (Format::Tsv.into(), "a\tb,c"),
        (UNQUOTED, "a,b"),
    ] {
        assert!(read(dialect, header.as_bytes(), &[]).1.is_ok(), "{header}");
    }
    assert!(error(Format::Csv, "sep=;\na;b\n").contains("note for Excel"));
    assert!(error(Format::Csv, "SEP=,\na,b\n").contains("delete it"));
}

/// The name's ending decides what a file is; where the first bytes contradict it the remedy is another name.
#[test]
fn files_that_are_no_text_are_told_by_their_first_bytes() {
    for (bytes, what, remedy) in [
        (&b"\x1f\x8b\x08\x00"[..], "compressed with gzip", "add .gz"),
        (b"PK\x03\x04\x14", "ZIP archive", "export the table"),
        (b"\xff\xfea\0,\0", "UTF-16", "as UTF-8"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd", "unpack"),
    ] {
        for format in [Format::Csv, Format::JsonLines] {
            let (_, whole) = read(format, bytes, &[]);
            let (_, bytewise) = read_pieces(format, bytes.chunks(1), &[]);
            let message = whole.unwrap_err();
            assert!(
                message.starts_with("t.txt is ")
                    && message.contains(what)
                    && message.contains(remedy),
                "{message}"
            );
            assert_eq!(bytewise.unwrap_err(), message);
        }
    }
    // The beginning of such a mark alone is text.
    let (_, end) = read(Format::Csv, b"P", &[]);
    assert_eq!(end.unwrap().header().unwrap().columns, ["P"]);
}

#[test]
fn a_header_is_bounded_and_messages_are_short() {
    let long = "x".repeat(2 << 20);
    for text in [format!("{long}\n1\n"), format!("{{\"{long}\":1}}\n")] {
        let format = if text.starts_with('{') {
            Format::JsonLines
        } else {
            Format::Csv
        };
        let message = error(format, &text);
        assert!(
            message.contains("the column names take more than 1048576 bytes"),
            "{message}"
        );
    }
    let name = "n".repeat(100_000);
    let message = error(Format::Csv, &format!("{name},{name}\n"));
    assert!(message.len() < 400, "{}", message.len());
    let message = error(
        Format::JsonLines,
        &format!("{{\"{name}\":1,\"{name}\":2}}\n"),
    );
    assert!(message.len() < 400, "{}", message.len());
}

/// The lines and cells of delimited text, read character by character; `None` where the dialect is broken.
fn strict(text: &str, dialect: Dialect) -> Option<Vec<Vec<String>>> {
    let separator = if dialect.format == Format::Tsv {
        '\t'
    } else {
        ','
    };
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    // Whether the row has anything, and whether the cell was quoted.
    let (mut begun, mut quoted) = (false, false);
    while let Some(char) = chars.next() {
        if matches!(char, '\n' | '\r') {
            if begun {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (begun, quoted) = (false, false);
            continue;
        }
        begun = true;
        if char == separator {
            row.push(std::mem::take(&mut cell));
            quoted = false;
        } else if quoted {
            return None;
        } else if char == '"' && cell.is_empty() && dialect.quoting != Quoting::None {
            quoted = true;
            loop {
                match chars.next()? {
                    '"' if chars.peek() == Some(&'"') => cell.extend(chars.next()),
                    '"' => break,
                    '\\' if dialect.quoting == Quoting::Backslash => {
                        let next = chars.next()?;
                        if !matches!(next, '"' | '\\') {
                            cell.push('\\');
                        }
                        cell.push(next);
                    }
                    other => cell.push(other),
                }
            }
        } else {
            cell.push(char);
        }
    }
    if begun {
        row.push(cell);
        rows.push(row);
    }
    Some(rows)
}

/// All cells of a text by another program, row by row; blank lines give none.
fn by_csv_core(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = ReaderBuilder::new().build();
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    let (mut at, mut out) = (0, [0; 64]);
    loop {
        let (result, read, written) = reader.read_field(&text[at..], &mut out);
        at += read;
        cell.extend_from_slice(&out[..written]);
        match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                row.push(std::mem::take(&mut cell));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            ReadFieldResult::End => return rows,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Any text in any dialect: either the rows and cells of a strict reader, or an error. So no row is ever lost in
    /// another one.
    #[test]
    fn rows_are_those_of_a_strict_reader_or_refused(
        body in "(x|,|,,|\t|\"|\"\"|\\\\|\n|\r\n|\r|\",\"|\"\n| |é){0,24}",
        dialect in prop_oneof![Just(Dialect::from(Format::Csv)), Just(Format::Tsv.into()), Just(BACKSLASH), Just(UNQUOTED)],
        places in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let separator = if dialect.format == Format::Tsv { "\t" } else { "," };
        let text = format!("a{separator}b\n{body}");
        let (rows, end) = read_pieces(dialect, cut_at(text.as_bytes(), &places), &["a", "b"]);
        if end.is_err() {
            return Ok(());
        }
        let expected = strict(&text, dialect);
        prop_assert!(expected.is_some(), "{:?} is read, and breaks its dialect", text);
        let mut expected = expected.unwrap_or_default();
        expected.remove(0);
        // Lines of nothing but spaces and tabs are blank in tables of two columns.
        expected.retain(|row| row.len() != 1 || !row[0].chars().all(|char| matches!(char, ' ' | '\t')));
        let found: Vec<Vec<String>> = rows.iter().map(|row| row.cells.iter().flatten().cloned().collect()).collect();
        prop_assert_eq!(found, expected);
    }

    /// The same against a reader that is not ours.
    #[test]
    fn cells_are_those_of_another_reader(body in "(x|,|\"\"|\n|\r\n|\"x\"|\"x,\n\"|\"\"\"\"| |é){0,24}") {
        let text = format!("a,b\n{body}");
        let (rows, end) = read(Format::Csv, text.as_bytes(), &["a", "b"]);
        if end.is_err() {
            return Ok(());
        }
        let mut expected = by_csv_core(text.as_bytes());
        expected.remove(0);
        expected.retain(|row| row.len() != 1 || !row[0].iter().all(|byte| matches!(byte, b' ' | b'\t')));
        let found: Vec<Vec<Vec<u8>>> = rows
            .iter()
            .map(|row| row.cells.iter().flatten().map(|cell| cell.clone().into_bytes()).collect())
            .collect();
        prop_assert_eq!(found, expected);
    }
}
