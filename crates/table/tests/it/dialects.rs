//! Every quoting is read as a strict reader of it reads it, and written so that it reads back.

use crate::pieces::{Read, read, read_pieces};
use csv_core::{ReadRecordResult, ReaderBuilder};
use proptest::prelude::*;
use quarry_table::{Dialect, Format, Quoting, ResultCell, RowDecoder, RowEncoder};

const QUOTINGS: [Quoting; 3] = [Quoting::Standard, Quoting::Backslash, Quoting::None];

fn dialect(format: Format, quoting: Quoting) -> Dialect {
    Dialect { format, quoting }
}

fn texts(rows: &[Read]) -> Vec<Vec<String>> {
    let cells = |row: &Read| row.cells.iter().flatten().cloned().collect();
    rows.iter().map(cells).collect()
}

#[test]
fn a_backslash_escapes_quotes_inside_quotes() {
    let text = b"a,b\n\"5\\\"\",1\n\"6\\\" and \\\\\",\"C:\\dir\"\n\\,\"x\"\"y\"\n";
    let (rows, end) = read(dialect(Format::Csv, Quoting::Backslash), text, &["a", "b"]);
    end.unwrap();
    assert_eq!(
        texts(&rows),
        [["5\"", "1"], ["6\" and \\", "C:\\dir"], ["\\", "x\"y"]]
    );
    assert_eq!(rows[0].raw, "\"5\\\"\",1");
}

#[test]
fn without_quoting_quotes_are_text() {
    let text = b"a\tb\n\"Hi, she said\t1\nlost\t2\n\"And\" then\t\"\n";
    let (rows, end) = read(dialect(Format::Tsv, Quoting::None), text, &["a", "b"]);
    end.unwrap();
    assert_eq!(
        texts(&rows),
        [
            ["\"Hi, she said", "1"],
            ["lost", "2"],
            ["\"And\" then", "\""]
        ]
    );
}

/// Returns the records that a lenient reader finds, without blank lines and the header.
fn other_reader(text: &[u8], dialect: Dialect) -> Vec<Vec<String>> {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(if dialect.format == Format::Tsv {
        b'\t'
    } else {
        b','
    });
    builder.quoting(dialect.quoting != Quoting::None);
    if dialect.quoting == Quoting::Backslash {
        builder.escape(Some(b'\\'));
    }
    let mut reader = builder.build();
    let (mut cells, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
    let mut records = Vec::new();
    let mut at = 0;
    loop {
        let (mut written, mut count) = (0, 0);
        loop {
            let (result, read, bytes, number) =
                reader.read_record(&text[at..], &mut cells[written..], &mut ends[count..]);
            at += read;
            written += bytes;
            count += number;
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return records.split_off(1.min(records.len())),
                _ => {}
            }
        }
        let mut start = 0;
        let record = ends[..count].iter().map(|&end| {
            let cell = String::from_utf8(cells[start..end].to_vec()).unwrap();
            start = end;
            cell
        });
        records.push(record.collect());
    }
}

/// Returns a cell as some program writes it, valid in one dialect and often not in the others.
fn written_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab\\\\]{0,3}",
        1 => "[ab\"\\\\]{0,3}",
        2 => "\"([ab ,\t\n]|\"\"){0,4}\"",
        2 => "\"([ab ,\t\n]|\\\\\"|\\\\\\\\){0,4}\"",
    ]
}

proptest! {
    /// The rows that a reader of the dialect finds are found, or the file is refused. No row is
    /// lost in the cell of another.
    #[test]
    fn no_row_is_lost_without_an_error(
        rows in prop::collection::vec((written_cell(), written_cell(), "\n|\r\n|\r|\n\n"), 0..6),
        quoting in prop::sample::select(&QUOTINGS[..]),
        format in prop::sample::select(vec![Format::Csv, Format::Tsv]),
    ) {
        let separator = if format == Format::Csv { "," } else { "\t" };
        let lines = rows.iter().map(|(x, y, end)| format!("{x}{separator}{y}{end}"));
        let text = format!("x{separator}y\n{}", lines.collect::<String>());
        let dialect = dialect(format, quoting);
        let (rows, end) = read(dialect, text.as_bytes(), &["x", "y"]);
        if end.is_ok() {
            let other: Vec<_> = other_reader(text.as_bytes(), dialect)
                .into_iter()
                // A line of only spaces and tabs is not a row of two columns.
                .filter(|record| record.len() == 2 || !record[0].trim().is_empty())
                .collect();
            prop_assert_eq!(rows.len(), other.len(), "{:?}", other);
            if quoting != Quoting::Backslash {
                prop_assert_eq!(texts(&rows), other);
            }
        }
    }

    /// The rows do not depend on how the bytes are cut.
    #[test]
    fn chunk_boundaries_do_not_change_the_result(
        text in "(x,y\n)([ab\"\\\\,\n\r]|\"\"|\\\\\"){0,16}",
        quoting in prop::sample::select(&QUOTINGS[..]),
    ) {
        let dialect = dialect(Format::Csv, quoting);
        let (whole, end) = read(dialect, text.as_bytes(), &["y"]);
        let (single, single_end) = read_pieces(dialect, text.as_bytes().chunks(1), &["y"]);
        prop_assert_eq!(whole, single);
        prop_assert_eq!(end.err(), single_end.err());
    }

    /// Results read back as they were, except for text that a file without quotes cannot hold.
    #[test]
    fn results_read_back(
        result in "[ab\"\\\\,\t\n\r ]{0,8}",
        quoting in prop::sample::select(&QUOTINGS[..]),
        format in prop::sample::select(vec![Format::Csv, Format::Tsv]),
    ) {
        let dialect = dialect(format, quoting);
        let mut decoder = RowDecoder::start(dialect, "t");
        decoder.push(b"a\nx\n");
        decoder.end();
        let mut out = Vec::new();
        let row = decoder.next_row().unwrap().unwrap();
        let header = quarry_table::Header { columns: vec!["a".to_owned()], raw: "a".to_owned(), ..Default::default() };
        let mut encoder = RowEncoder::new(dialect, &header, &["r".to_owned()], &[]);
        encoder.header_line(&mut out);
        encoder.row(&mut out, &row, &[ResultCell::Text(&result)]);
        let (rows, end) = read(dialect, &out, &["a", "r"]);
        end.unwrap();
        let expected = if quoting == Quoting::None {
            let text = result.replace('\n', "\\n").replace('\r', "\\r");
            if format == Format::Tsv { text.replace('\t', "\\t") } else { text.replace(',', " ") }
        } else {
            result
        };
        prop_assert_eq!(texts(&rows), [["x", expected.as_str()]]);
    }
}
