//! Every error names the file, the place and the remedy.

use crate::pieces::{read, read_pieces};
use quarry_table::{Format, MAX_HEADER_BYTES, MAX_ROW_BYTES, RowDecoder, TableError};

const OTHER_QUOTING: &str = "if the file writes quotes inside cells as \\\", set BEDROCK_CSV_QUOTING to `backslash`; if \
                             quotes are plain text in it, to `none`";

#[track_caller]
fn check(format: Format, text: &[u8], rows_before: usize, message: &str) {
    let (rows, end) = read(format, text, &["a"]);
    assert_eq!(end.err().as_deref(), Some(message));
    assert_eq!(rows.len(), rows_before);
}

#[test]
fn rows_with_too_many_or_too_few_cells() {
    check(
        Format::Csv,
        b"a,b\n\"1\n1\",2\n\n3,4,5\n",
        1,
        "t.txt, row 2 (line 5, byte 13): the row has 3 cells but the header has 2; quote cells that contain the \
         separator or a line break, or write every cell even if it is empty",
    );
    check(
        Format::Tsv,
        b"a\tb\nx",
        0,
        "t.txt, row 1 (line 2, byte 4): the row has 1 cells but the header has 2; quote cells that contain the \
         separator or a line break, or write every cell even if it is empty",
    );
}

#[test]
fn a_quote_that_is_never_closed_is_named_where_it_opens() {
    let message = |place: &str| {
        format!(
            "t.txt, {place}: a quoted cell starts here and is never closed; add the closing quote, or double the quote if \
             it is part of the text; {OTHER_QUOTING}"
        )
    };
    let row = message("row 2 (line 3, byte 10)");
    check(Format::Csv, b"a,b\n1,2\n3,\"4\n5,6\n7,8\n", 1, &row);
    let header = message("header (line 1, byte 2)");
    check(Format::Csv, b"a,\"b\n1,2\n", 0, &header);
}

/// Such a file has another dialect or is damaged. Reading on would merge several rows into one.
#[test]
fn text_after_a_closing_quote_is_refused_with_its_place() {
    let message = |place: &str, opened: u32| {
        format!(
            "t.txt, {place}: text follows the closing quote of the cell that begins at byte {opened}; put a separator or a \
             line break behind the quote, or double the quote if it is part of the text; {OTHER_QUOTING}"
        )
    };
    let escaped = b"a,b\n\"5\\\"\",1\n\"6\\\"\",2\n";
    let row = message("row 1 (line 2, byte 13)", 4);
    check(Format::Csv, escaped, 0, &row);
    let text = b"a\tb\n1\tx\n\"Hi, she said\t2\nlost\t3\n\"And then\t4\n";
    let row = message("row 2 (line 3, byte 32)", 8);
    check(Format::Tsv, text, 1, &row);
    let header = message("header (line 1, byte 3)", 0);
    check(Format::Csv, b"\"a\" ,b\n1,2\n", 0, &header);
}

#[test]
fn bytes_that_are_not_utf8_are_found() {
    let message = |place: &str| format!("t.txt, {place}: not UTF-8 text; save the file as UTF-8");
    check(
        Format::Csv,
        b"a,b\n1,2\n3,M\xfcller\n",
        1,
        &message("row 2 (line 3, byte 11)"),
    );
    check(
        Format::Csv,
        b"a,\xff\n1,2\n",
        0,
        &message("header (line 1, byte 2)"),
    );
    check(
        Format::JsonLines,
        b"{\"a\":\"\xff\"}\n",
        0,
        &message("row 1 (line 1, byte 6)"),
    );
    // The two halves of one character are in two cells.
    check(
        Format::Csv,
        b"a,b\n\xc3,\xa9\n",
        0,
        &message("row 1 (line 2, byte 4)"),
    );
}

#[test]
fn columns_of_one_name_are_refused() {
    check(
        Format::Csv,
        b"x,a,\"x\"\n1,2,3\n",
        0,
        "t.txt, header (line 1, byte 0): columns 1 and 3 are both named \"x\"; give each column its own name",
    );
}

/// Such a file would be accepted as a table of one column, and its result would mix two separators.
#[test]
fn a_header_of_one_column_with_another_separator_in_it_is_refused() {
    let message = |found: &str, expected: &str| {
        format!(
            "t.txt, header (line 1, byte 0): the header is one column, and holds {found}; save the file with {expected} \
             between the cells, or put the name in quotes if it is that of the only column"
        )
    };
    for (format, text, found, expected) in [
        (Format::Csv, "a;b\n1;2\n", "semicolons", "commas"),
        (Format::Csv, "a\tb\n1\t2\n", "tabs", "commas"),
        (Format::Csv, "a|b\n1|2\n", "vertical bars", "commas"),
        (Format::Tsv, "a,b\n1,2\n", "commas", "tabs"),
        (Format::Tsv, "a;b\n1;2\n", "semicolons", "tabs"),
    ] {
        check(format, text.as_bytes(), 0, &message(found, expected));
    }
    check(
        Format::Csv,
        b"sep=;\r\na;b\r\n",
        0,
        "t.txt, header (line 1, byte 0): the line `sep=` is a note for Excel and no header; delete it",
    );
    for meant in ["\"a;b\"\n1\n", "a;b,c\n1,2\n", "a\n1;2\n"] {
        assert!(
            read(Format::Csv, meant.as_bytes(), &[]).1.is_ok(),
            "{meant}"
        );
    }
}

#[test]
fn a_header_longer_than_its_limit_is_refused() {
    let text = format!("{},b\n1,2\n", "a".repeat(MAX_HEADER_BYTES));
    check(
        Format::Csv,
        text.as_bytes(),
        0,
        "t.txt, header (line 1, byte 0): the column names take more than 1048576 bytes; shorten them, or look for a missing \
         line break or closing quote",
    );
}

#[test]
fn json_lines_must_be_json_objects() {
    check(
        Format::JsonLines,
        b"{\"a\":1}\n\n{\"a\":}\n",
        1,
        "t.txt, row 2 (line 3, byte 14): not valid JSON: expected value; every line must be one \
         complete JSON object",
    );
    check(
        Format::JsonLines,
        b"{\"a\":1} {\"a\":2}\n",
        0,
        "t.txt, row 1 (line 1, byte 8): not valid JSON: trailing characters; every line must be one \
         complete JSON object",
    );
    check(
        Format::JsonLines,
        b" [1]\n",
        0,
        "t.txt, row 1 (line 1, byte 0): the line is an array, not a JSON object; write each row as \
         {\"column\": value, ...} on a line of its own",
    );
    check(
        Format::JsonLines,
        b"{\"a\":1,\"\\u0061\":2}\n",
        0,
        "t.txt, row 1 (line 1, byte 0): the key \"a\" appears twice; keep one of them",
    );
}

/// The words are written as Python and `JavaScript` write what JSON cannot.
#[test]
fn literals_of_other_languages_are_named_with_their_json_form() {
    for (value, at, word, instead) in [
        ("NaN", 5, "NaN", "null"),
        ("-Infinity", 5, "-Infinity", "null"),
        ("[1, Infinity]", 9, "Infinity", "null"),
        ("nan", 5, "nan", "null"),
        ("None", 5, "None", "null"),
        ("undefined", 5, "undefined", "null"),
        ("True", 5, "True", "true"),
        ("False", 5, "False", "false"),
    ] {
        check(
            Format::JsonLines,
            format!("{{\"a\":{value}}}\n").as_bytes(),
            0,
            &format!(
                "t.txt, row 1 (line 1, byte {at}): {word} is not JSON; write {instead} in its place, or leave the key out"
            ),
        );
    }
    let (_, end) = read(Format::JsonLines, b"{\"a\":Nonesuch}\n", &[]);
    assert!(end.unwrap_err().contains("not valid JSON: expected"));
}

/// Half a surrogate pair is not text, so a prompt cannot contain it.
#[test]
fn a_string_that_is_not_text_is_refused_where_it_is_used() {
    let text = br#"{"b":1,"a":"\ud800"}"#;
    check(
        Format::JsonLines,
        text,
        0,
        "t.txt, row 1 (line 1, byte 11): the string that begins here is not text: unexpected end of hex escape; write characters beyond U+FFFF as both halves of a surrogate pair",
    );
    assert!(read(Format::JsonLines, text, &["b"]).1.is_ok());
}

#[test]
fn keys_that_are_data_are_refused() {
    let lines: Vec<String> = (0..=10_000)
        .map(|row| format!("{{\"k{row}\":1}}\n"))
        .collect();
    let lines = lines.concat();
    let (rows, end) = read(Format::JsonLines, lines.as_bytes(), &[]);
    assert_eq!(rows.len(), 10_000);
    assert!(
        end.unwrap_err().contains(
            "row 10001 (line 10001, byte 118890): the file has more than 10000 different"
        )
    );
}

/// Names from a file can be as long as the file, but a message is not.
#[test]
fn long_names_are_cut_in_messages() {
    let name = "x".repeat(100_000);
    let (_, end) = read(Format::Csv, format!("{name},{name}\n").as_bytes(), &[]);
    assert!(end.unwrap_err().len() < 300);
    let line = format!("{{\"{name}\":1,\"{name}\":2}}\n");
    let (_, end) = read(Format::JsonLines, line.as_bytes(), &[]);
    assert!(end.unwrap_err().len() < 300);
}

#[test]
fn keys_that_are_together_longer_than_a_header_may_be_are_refused() {
    let line = |name: char| format!("{{\"{}\":1}}\n", name.to_string().repeat(600_000));
    let text = line('a') + &line('b');
    let (rows, end) = read(Format::JsonLines, text.as_bytes(), &[]);
    assert_eq!(rows.len(), 1);
    assert!(
        end.unwrap_err()
            .contains("row 2 (line 2, byte 600007): the column names take more than 1048576 bytes")
    );
}

#[test]
fn files_that_are_not_text_are_recognised_by_their_first_bytes() {
    for (bytes, words) in [
        (
            &b"\x1f\x8b\x08\0"[..],
            "t.txt is compressed with gzip; add .gz to the file's name",
        ),
        (
            b"PK\x03\x04\x14\0",
            "t.txt is a ZIP archive, as Excel workbooks are; export the table as UTF-8 text, or unpack the archive",
        ),
        (
            b"\xff\xfea\0,\0",
            "t.txt is text in UTF-16; save the file as UTF-8",
        ),
        (
            b"a\0,\0b\0\n\0",
            "t.txt is text in UTF-16; save the file as UTF-8",
        ),
        (
            b"\0{\0\"\0a\0\"",
            "t.txt is text in UTF-16; save the file as UTF-8",
        ),
        (
            b"a\0\0\0,\0\0\0",
            "t.txt is text in UTF-32; save the file as UTF-8",
        ),
        (b"PAR1\x15\x04", "t.txt is Parquet; name the file .parquet"),
    ] {
        for format in [Format::Csv, Format::JsonLines] {
            check(format, bytes, 0, words);
            let (_, end) = read_pieces(format, bytes.chunks(1), &[]);
            assert_eq!(end.err().as_deref(), Some(words));
        }
    }
    assert!(read(Format::Csv, b"PK,a\n1,2\n", &[]).1.is_ok());
}

/// A missing closing quote costs as much memory as the limit, not as the file.
#[test]
fn a_row_longer_than_the_limit_is_refused_before_it_is_read() {
    let piece = vec![b'x'; 1024 * 1024];
    for (format, start, quote) in [
        (Format::Csv, &b"a\n1\n\"2"[..], Some(4)),
        (Format::JsonLines, b"{", None),
    ] {
        let mut decoder = RowDecoder::start(format, "t.txt");
        decoder.push(start);
        let mut pushed = 0;
        let error = loop {
            match decoder.next_row() {
                Ok(Some(_)) => {}
                Ok(None) => {
                    assert!(pushed <= MAX_ROW_BYTES, "the limit was passed");
                    decoder.push(&piece);
                    pushed += piece.len();
                }
                Err(error) => break error,
            }
        };
        let TableError::RowTooLong {
            limit,
            quote: found,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((limit, found), (MAX_ROW_BYTES, quote));
        assert!(
            decoder.next_row().unwrap().is_none(),
            "there are no rows after an error"
        );
    }
}

/// In the middle of a file lines cannot be counted; the byte offset gives the place.
#[test]
fn an_error_after_resuming_has_row_and_byte() {
    let mut decoder = RowDecoder::start(Format::Csv, "t.csv");
    decoder.push(b"a,b\n");
    decoder.end();
    assert!(decoder.next_row().unwrap().is_none());
    let header = decoder.header().unwrap().clone();
    let at = quarry_table::Position { byte: 1000, row: 9 };
    let mut decoder = RowDecoder::resume(Format::Csv, "t.csv", header, at);
    decoder.push(b"1,2\n3\n");
    assert!(decoder.next_row().unwrap().is_some());
    let error = decoder.next_row().map(|_| ()).unwrap_err();
    assert!(
        error.to_string().starts_with("t.csv, row 11 (byte 1004): "),
        "{error}"
    );
    assert_eq!((error.place().row, error.place().line), (Some(10), None));
}
