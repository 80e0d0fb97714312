//! The rows are those of the file, in whatever pieces its bytes come in.

use crate::pieces::{Read, cut_at, read, read_pieces, take};
use proptest::prelude::*;
use quarry_table::{Cells, Format, Header, Newline, Position, RowDecoder};
use std::sync::Arc;

fn cells(rows: &[Read]) -> Vec<Vec<&str>> {
    rows.iter()
        .map(|row| {
            row.cells
                .iter()
                .map(|cell| cell.as_deref().unwrap_or("(null)"))
                .collect()
        })
        .collect()
}

/// A byte order mark and blank lines are not rows; quoted cells keep their line breaks.
#[test]
fn crlf_byte_order_mark_and_blank_lines() {
    let text = b"\xEF\xBB\xBF\r\nid,a\r\n1,x\r\n\r\n  \r\n2,\"y\r\nz\"\r\n\r\n";
    let (rows, decoder) = read(Format::Csv, text, &["a", "id", "none"]);
    assert_eq!(cells(&rows), [["x", "1", "!"], ["y\r\nz", "2", "!"]]);
    assert_eq!(
        (rows[1].number, rows[1].byte, rows[1].raw.as_str()),
        (1, 22, "2,\"y\r\nz\"")
    );
    let decoder = decoder.unwrap();
    let header = decoder.header().unwrap();
    assert_eq!(
        (header.raw.as_str(), header.newline),
        ("id,a", Newline::CrLf)
    );
    assert_eq!(decoder.position(), Position { byte: 34, row: 2 });
}

/// The result begins with the header, where a mark would count as the file's.
#[test]
fn a_byte_order_mark_before_the_names_is_never_part_of_a_name() {
    for text in [
        "\u{feff}\u{feff}id,a\n1,x\n",
        "\n\u{feff}id,a\n1,x\n",
        "\u{feff}\r\n\u{feff}\"id\",a\n1,x\n",
    ] {
        for cut in 0..text.len() {
            let (before, after) = text.as_bytes().split_at(cut);
            let (rows, decoder) = read_pieces(Format::Csv, [before, after], &["id", "a"]);
            assert_eq!(cells(&rows), [["1", "x"]], "{text:?}");
            let decoder = decoder.unwrap();
            assert!(!decoder.header().unwrap().raw.contains('\u{feff}'));
        }
    }
}

/// Text that other readers interpret as numbers, dates or missing values stays as it is.
#[test]
fn text_stays_text() {
    let (rows, _) = read(Format::Csv, b"a,b\n00123,NA\n1e5,\n\"\", x \n", &["a", "b"]);
    assert_eq!(cells(&rows), [["00123", "NA"], ["1e5", ""], ["", " x "]]);
}

#[test]
fn quotes_follow_rfc_4180_and_stray_ones_are_text() {
    let (rows, _) = read(
        Format::Csv,
        b"a,b\n\"x \"\"y\"\"\",5\" disk\np\"\"q,\"\"\"\"\n",
        &["a", "b"],
    );
    assert_eq!(cells(&rows), [["x \"y\"", "5\" disk"], ["p\"\"q", "\""]]);
}

#[test]
fn tabs_separate_and_commas_do_not() {
    let (rows, _) = read(
        Format::Tsv,
        b"id\ttext\n2\t\"q \"\"x\"\"\"\n3\ta,b\n\t\n",
        &["id", "text"],
    );
    assert_eq!(cells(&rows), [["2", "q \"x\""], ["3", "a,b"], ["", ""]]);
}

/// Lone carriage returns end rows too, and rows may end in different ways.
#[test]
fn every_line_ending_is_read() {
    let (rows, decoder) = read(Format::Csv, b"a\r1\r\n2\n3\r4", &["a"]);
    let read: Vec<_> = rows
        .iter()
        .map(|row| (row.raw.as_str(), row.newline))
        .collect();
    let (cr, lf, crlf) = (Some(Newline::Cr), Some(Newline::Lf), Some(Newline::CrLf));
    assert_eq!(read, [("1", crlf), ("2", lf), ("3", cr), ("4", None)]);
    assert_eq!(decoder.unwrap().header().unwrap().newline, Newline::Cr);
}

/// In a table of one column a line of spaces can only be a cell.
#[test]
fn a_line_of_spaces_is_a_row_only_where_it_can_be_one() {
    let (rows, _) = read(Format::Csv, b"a\n \n\"\"\n", &["a"]);
    assert_eq!(cells(&rows), [[" "], [""]]);
    let (rows, _) = read(Format::Csv, b"a,b\n \t\n1,2\n", &["a"]);
    assert_eq!(cells(&rows), [["1"]]);
}

/// An empty file has no header; a header alone is a table of no rows.
#[test]
fn a_missing_header_and_missing_rows_are_distinguished() {
    for empty in [&b""[..], b"\n\r\n", b"\xEF\xBB\xBF"] {
        let (rows, decoder) = read(Format::Csv, empty, &["a"]);
        assert_eq!((rows.len(), decoder.unwrap().header().is_none()), (0, true));
    }
    for alone in [&b"id,a"[..], b"id,a\n", b"id,a\r\n\r\n"] {
        let (rows, decoder) = read(Format::Csv, alone, &["a"]);
        assert_eq!(
            (rows.len(), decoder.unwrap().header().unwrap().columns.len()),
            (0, 2)
        );
    }
    let (rows, decoder) = read(Format::JsonLines, b" \n\n", &["a"]);
    assert_eq!((rows.len(), decoder.unwrap().header().is_none()), (0, true));
}

/// pandas writes its index under an empty name.
#[test]
fn the_first_column_may_lack_a_name() {
    let (rows, decoder) = read(Format::Csv, b",a\n0,x\n", &["", "a"]);
    assert_eq!(cells(&rows), [["0", "x"]]);
    assert_eq!(decoder.unwrap().header().unwrap().columns, ["", "a"]);
}

/// Spreadsheets write empty columns after the last used one.
#[test]
fn columns_without_a_name_pass_through() {
    let text = b"a,b,,\nx,1,,\ny,2,z,\n";
    let (rows, decoder) = read(Format::Csv, text, &["a", "b"]);
    assert_eq!(cells(&rows), [["x", "1"], ["y", "2"]]);
    assert_eq!(rows[1].raw, "y,2,z,");
    assert_eq!(
        decoder.unwrap().header().unwrap().columns,
        ["a", "b", "", ""]
    );
    let mut decoder = RowDecoder::start(Format::Csv, "t.csv");
    decoder.push(text);
    let mut out = Vec::new();
    decoder.next_row().unwrap().unwrap().write_json(&mut out);
    decoder.next_row().unwrap().unwrap().write_json(&mut out);
    let written = String::from_utf8(out).unwrap();
    assert_eq!(written, r#"{"a":"x","b":"1"}{"a":"y","b":"2","":"z"}"#);
}

#[test]
fn json_values_become_text_as_they_were_written() {
    let text = br#"
{"s": "a \"q\" \u00fc\n", "n": 1.50, "t": true, "z": null, "o": {"k": [1, 2]}, "e": ""}

  {"n":1e400,"s":"plain","\u006e\u0065w":"x"}  "#;
    let (rows, decoder) = read(
        Format::JsonLines,
        text,
        &["s", "n", "t", "z", "o", "e", "new"],
    );
    assert_eq!(rows.len(), 2);
    assert_eq!(
        cells(&rows),
        [
            [
                "a \"q\" ü\n",
                "1.50",
                "true",
                "(null)",
                r#"{"k": [1, 2]}"#,
                "",
                "!"
            ],
            ["plain", "1e400", "!", "!", "!", "!", "x"],
        ]
    );
    assert_eq!((rows[1].byte, rows[1].newline), (90, None));
    assert_eq!(
        decoder.unwrap().header().unwrap().columns,
        ["s", "n", "t", "z", "o", "e", "new"]
    );
}

/// A header that was returned does not change; the decoder's own header grows.
#[test]
fn json_columns_grow_while_rows_are_read() {
    let mut decoder = RowDecoder::start(Format::JsonLines, "t.jsonl");
    decoder.push(b"{\"a\":1}\r\n");
    assert!(decoder.next_row().unwrap().is_some());
    let early = Arc::clone(decoder.header().unwrap());
    decoder.push(b"{\"b\":1,\"a\":2}\n");
    assert_eq!(decoder.next_row().unwrap().unwrap().columns(), ["a", "b"]);
    assert_eq!(
        (early.columns.as_slice(), early.newline),
        (&["a".to_owned()][..], Newline::CrLf)
    );
}

#[test]
fn a_row_is_one_json_object_in_every_format() {
    let as_json = |format, text: &[u8]| {
        let mut decoder = RowDecoder::start(format, "t");
        decoder.push(text);
        decoder.end();
        let mut out = Vec::new();
        decoder.next_row().unwrap().unwrap().write_json(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        as_json(Format::Csv, b"a,\"b\"\"\"\n01,\"x\n\"\n"),
        r#"{"a":"01","b\"":"x\n"}"#
    );
    let written = as_json(
        Format::JsonLines,
        b" {\"a\": 1e0, \"b\":[ ]} 
",
    );
    assert_eq!(written, r#"{"a": 1e0, "b":[ ]}"#);
}

/// Bytes that look like a byte order mark are one only at the start of the file.
#[test]
fn resuming_loses_nothing() {
    let header = Header {
        columns: vec!["a".to_owned()],
        raw: "a".to_owned(),
        newline: Newline::Lf,
    };
    let at = Position { byte: 100, row: 7 };
    let mut decoder = RowDecoder::resume(Format::Csv, "t.csv", Arc::new(header), at);
    assert_eq!(decoder.position(), at);
    decoder.project(&["a".to_owned()]);
    decoder.push("\u{feff}x\n".as_bytes());
    let mut rows = Vec::new();
    take(&mut decoder, 1, &mut rows).unwrap();
    assert_eq!(
        (rows[0].cells[0].as_deref(), rows[0].number, rows[0].byte),
        (Some("\u{feff}x"), 7, 100)
    );
    assert_eq!(decoder.position(), Position { byte: 105, row: 8 });
}

/// Returns a cell as a file may have it, and its meaning.
fn csv_cell() -> impl Strategy<Value = (String, String)> {
    let plain = "[a-c \\.é😀]{0,6}".prop_map(|text| (text.clone(), text));
    let quoted = "[a-c,\t\"\r\né😀 ]{0,8}"
        .prop_map(|text| (format!("\"{}\"", text.replace('"', "\"\"")), text));
    prop_oneof![plain, quoted]
}

fn newline() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("\n"), 4 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\n\n"), 1 => Just("\r\n\r\n")]
}

prop_compose! {
    /// A table of three columns as text, and its cells.
    fn csv_table()(
        mark in any::<bool>(),
        header_end in newline(),
        rows in prop::collection::vec((prop::collection::vec(csv_cell(), 3), newline()), 0..8),
        ended in any::<bool>(),
    ) -> (String, Vec<Vec<String>>) {
        let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
        text.push_str("x,y,z");
        text.push_str(header_end);
        let last = rows.len();
        let mut cells = Vec::new();
        for (index, (row, end)) in rows.into_iter().enumerate() {
            let (written, meant): (Vec<_>, Vec<_>) = row.into_iter().unzip();
            text.push_str(&written.join(","));
            if ended || index + 1 < last {
                text.push_str(end);
            }
            cells.push(meant);
        }
        (text, cells)
    }
}

proptest! {
    /// The cells are those that were written, and every row has its position.
    #[test]
    fn cells_are_what_was_written((text, meant) in csv_table()) {
        let (rows, decoder) = read(Format::Csv, text.as_bytes(), &["x", "y", "z"]);
        decoder.unwrap();
        for (number, (row, meant)) in rows.iter().zip(&meant).enumerate() {
            let read: Vec<_> = row.cells.iter().flatten().collect();
            prop_assert_eq!(read, meant.iter().collect::<Vec<_>>());
            prop_assert_eq!(row.number, number as u64);
            let byte = usize::try_from(row.byte).unwrap();
            prop_assert_eq!(&text[byte..byte + row.raw.len()], &row.raw);
        }
        prop_assert_eq!(rows.len(), meant.len());
    }

    /// The rows do not depend on how the bytes are cut.
    #[test]
    fn chunk_boundaries_do_not_change_the_result((text, _) in csv_table(), places in prop::collection::vec(any::<usize>(), 0..6)) {
        let (whole, _) = read(Format::Csv, text.as_bytes(), &["y"]);
        let (pieces, _) = read_pieces(Format::Csv, cut_at(text.as_bytes(), &places), &["y"]);
        prop_assert_eq!(&whole, &pieces);
        let (single, _) = read_pieces(Format::Csv, text.as_bytes().chunks(1), &["y"]);
        prop_assert_eq!(&whole, &single);
    }

    /// Errors do not depend on it either: the same bytes give the same rows or the same error.
    #[test]
    fn chunk_boundaries_do_not_change_the_errors(
        text in "(x,y|\\{\"a\": ?[12\"]+\\}|[\"\r\n,x{}é]){0,12}",
        broken in prop::option::of(any::<usize>()),
        places in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let mut bytes = text.into_bytes();
        if let Some(place) = broken {
            let place = place % (bytes.len() + 1);
            bytes.insert(place, 0xc3);
        }
        for format in [Format::Csv, Format::Tsv, Format::JsonLines] {
            let (whole, end) = read(format, &bytes, &["x", "a"]);
            let (pieces, pieces_end) = read_pieces(format, cut_at(&bytes, &places), &["x", "a"]);
            prop_assert_eq!(whole, pieces);
            prop_assert_eq!(end.err(), pieces_end.err());
        }
    }

    /// Reading can start before any row, and from there returns the same rows with the same numbers
    /// and positions.
    #[test]
    fn reading_resumes_at_every_row((text, _) in csv_table()) {
        let (whole, decoder) = read(Format::Csv, text.as_bytes(), &["z"]);
        let header = Arc::clone(decoder.unwrap().header().unwrap());
        for (index, row) in whole.iter().enumerate() {
            let at = Position { byte: row.byte, row: row.number };
            let mut decoder = RowDecoder::resume(Format::Csv, "t.csv", Arc::clone(&header), at);
            decoder.project(&["z".to_owned()]);
            decoder.push(&text.as_bytes()[usize::try_from(row.byte).unwrap()..]);
            decoder.end();
            let mut rows = Vec::new();
            take(&mut decoder, 1, &mut rows).unwrap();
            prop_assert_eq!(&rows[..], &whole[index..]);
        }
    }

    /// A file can be read up to any position of a decoder, and on from there.
    #[test]
    fn two_parts_are_the_whole((text, _) in csv_table(), after in 0_usize..8) {
        let (whole, decoder) = read(Format::Csv, text.as_bytes(), &["x"]);
        let header = Arc::clone(decoder.unwrap().header().unwrap());
        let mut first = RowDecoder::start(Format::Csv, "t.csv");
        first.push(text.as_bytes());
        first.end();
        for _ in 0..after {
            first.next_row().unwrap();
        }
        let at = first.position();
        if first.header().is_none() {
            return Ok(());
        }
        let mut second = RowDecoder::resume(Format::Csv, "t.csv", header, at);
        second.project(&["x".to_owned()]);
        second.push(&text.as_bytes()[usize::try_from(at.byte).unwrap()..]);
        second.end();
        let mut rows = Vec::new();
        take(&mut second, 1, &mut rows).unwrap();
        prop_assert_eq!(&rows[..], &whole[after.min(whole.len())..]);
    }
}
