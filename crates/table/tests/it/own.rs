//! What the input had is found in a result, byte for byte.

use crate::pieces::read;
use proptest::prelude::*;
use quarry_table::{Dialect, Format, OwnColumns, Quoting, ResultCell, RowDecoder, RowEncoder};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Writes a table with the same results for every row.
fn result(dialect: Dialect, text: &str, columns: &[String], results: &[ResultCell<'_>]) -> Vec<u8> {
    let (_, decoder) = read(dialect, text.as_bytes(), &[]);
    let header = decoder.unwrap().header().cloned().unwrap_or_default();
    let mut encoder = RowEncoder::new(dialect, &header, columns, &[]);
    let mut out = Vec::new();
    encoder.header_line(&mut out);
    let mut decoder = RowDecoder::start(dialect, "t");
    decoder.push(text.as_bytes());
    decoder.end();
    while let Some(row) = decoder.next_row().unwrap() {
        encoder.row(&mut out, &row, results);
    }
    out
}

/// Returns the table that a result was made from; `None` if a row does not end with these columns.
fn own(dialect: Dialect, written: &[u8], columns: &[String]) -> Option<String> {
    let mut own = OwnColumns::before(dialect, columns);
    let mut out = Vec::new();
    let mut decoder = RowDecoder::start(dialect, "t");
    decoder.push(written);
    decoder.end();
    while let Some(row) = decoder.next_row().unwrap() {
        if !own.row(&row, &mut out) {
            return None;
        }
        out.extend_from_slice(row.newline().unwrap().bytes());
    }
    let header = own.header(decoder.header().unwrap())?;
    let mut text = header.raw.clone();
    if !text.is_empty() {
        text.push_str(std::str::from_utf8(header.newline.bytes()).unwrap());
    }
    Some(text + std::str::from_utf8(&out).unwrap())
}

#[test]
fn the_inputs_own_quoting_spaces_and_line_ends_are_found() {
    let columns = names(&["llm_a", "llm \"b\""]);
    let results = [ResultCell::Text("t, \"u\"\n"), ResultCell::Null];
    for (format, text) in [
        (
            Format::Csv,
            "\"id\", a \r\n\"1\", x \r\n2,p\"\"q\r\n3,\"l\r\nm\"\r\n",
        ),
        (Format::Tsv, "id\n\"\"\n x\n"),
        (
            Format::JsonLines,
            "{\"a\" : 1 }\r\n{}\n{\"b\":\"\\u00e9\",\"c\":[1, 2]}\n",
        ),
    ] {
        let written = result(format.into(), text, &columns, &results);
        assert_eq!(
            own(format.into(), &written, &columns).as_deref(),
            Some(text),
            "{format:?}"
        );
    }
}

#[test]
fn rows_that_do_not_end_with_the_result_columns_are_noticed() {
    let columns = names(&["llm_a", "llm_b"]);
    for (format, text) in [
        (Format::Csv, "id,llm_a,other\n1,2,3\n"),
        (Format::Csv, "llm_a\n1\n"),
        // Nobody but another program writes needless quotes there.
        (Format::Csv, "id,llm_a,llm_b\n1,2,\"3\"\n"),
        (Format::JsonLines, "{\"id\":1,\"llm_b\":2,\"llm_a\":3}\n"),
        (Format::JsonLines, "{\"id\":1,\"llm_a\":2,\"llm_b\": 3}\n"),
        (Format::JsonLines, "{\"llm_b\":3}\n"),
    ] {
        assert_eq!(
            own(format.into(), text.as_bytes(), &columns),
            None,
            "{text}"
        );
    }
}

proptest! {
    /// Whatever the cells and the results are, in every dialect.
    #[test]
    fn the_input_is_found_in_every_dialect(
        cells in prop::collection::vec("[ab]{1,2}|\"[ab,\t\n\r]{0,4}\"", 1..5),
        results in prop::collection::vec("[ab\"\\\\,\t\r\né ]{0,5}", 2),
        quoting in prop::sample::select(vec![Quoting::Standard, Quoting::Backslash]),
        format in prop::sample::select(vec![Format::Csv, Format::Tsv]),
    ) {
        let dialect = Dialect { format, quoting };
        let text = format!("x\n{}\n", cells.join("\n"));
        let columns = names(&["r0", "r1"]);
        let values: Vec<_> = results.iter().map(|value| ResultCell::Text(value)).collect();
        let written = result(dialect, &text, &columns, &values);
        prop_assert_eq!(own(dialect, &written, &columns), Some(text));
    }

    /// Without quoting, a result has no separators.
    #[test]
    fn the_input_is_found_where_nothing_is_quoted(
        cells in prop::collection::vec("[ab\" ]{0,3}[ab]", 1..5), results in prop::collection::vec("[ab\"\\\\,\t\r\n ]{0,5}", 2),
    ) {
        let dialect = Dialect { format: Format::Tsv, quoting: Quoting::None };
        let text = format!("x\n{}\n", cells.join("\n"));
        let columns = names(&["r0", "r1"]);
        let values: Vec<_> = results.iter().map(|value| ResultCell::Text(value)).collect();
        let written = result(dialect, &text, &columns, &values);
        prop_assert_eq!(own(dialect, &written, &columns), Some(text));
    }
}
