//! The result table is the input followed by result columns.

use crate::pieces::read;
use proptest::prelude::*;
use quarry_table::{Format, ResultCell, RowDecoder, RowEncoder};

/// Reads a table and writes it with the same results for every row.
fn write(
    format: Format,
    text: &str,
    columns: &[&str],
    replace: &[&str],
    results: &[ResultCell<'_>],
) -> String {
    let (_, decoder) = read(format, text.as_bytes(), &[]);
    let header = decoder.unwrap().header().unwrap().clone();
    let replace: Vec<usize> = replace
        .iter()
        .map(|name| {
            header
                .columns
                .iter()
                .position(|column| column == name)
                .unwrap()
        })
        .collect();
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut encoder = RowEncoder::new(format, &header, &columns, &replace);
    let mut out = Vec::new();
    encoder.header_line(&mut out);
    let mut decoder = RowDecoder::start(format, "t");
    decoder.push(text.as_bytes());
    decoder.end();
    while let Some(row) = decoder.next_row().unwrap() {
        encoder.row(&mut out, &row, results);
    }
    String::from_utf8(out).unwrap()
}

/// The row's own quoting stays even if it is not needed, and so do its spaces.
#[test]
fn own_cells_are_copied_byte_for_byte() {
    let written = write(
        Format::Csv,
        "\"id\",a\n\"1\", x \n2,p\"\"q\n3,\"l\r\nm\"",
        &["llm_a", "llm \"b\""],
        &[],
        &[ResultCell::Text("t, u"), ResultCell::Null],
    );
    assert_eq!(
        written,
        "\"id\",a,llm_a,\"llm \"\"b\"\"\"\n\"1\", x ,\"t, u\",\n2,p\"\"q,\"t, u\",\n3,\"l\r\nm\",\"t, u\",\n"
    );
}

#[test]
fn every_row_ends_as_the_header_does() {
    let result = [ResultCell::Bool(true)];
    assert_eq!(
        write(Format::Csv, "a\r\n1\n2", &["r"], &[], &result),
        "a,r\r\n1,True\r\n2,True\r\n"
    );
    assert_eq!(
        write(Format::Csv, "a\r1", &["r"], &[], &result),
        "a,r\r1,True\r"
    );
    assert_eq!(write(Format::Csv, "a", &["r"], &[], &result), "a,r\n");
}

#[test]
fn results_are_quoted_only_where_they_must_be() {
    let text = |text| [ResultCell::Text(text)];
    for (value, csv, tsv) in [
        ("plain „x“ 'y'", "plain „x“ 'y'", "plain „x“ 'y'"),
        (" x ", " x ", " x "),
        ("a,b", "\"a,b\"", "a,b"),
        ("a\tb", "a\tb", "\"a\tb\""),
        ("\"", "\"\"\"\"", "\"\"\"\""),
        ("a\"b\"", "\"a\"\"b\"\"\"", "\"a\"\"b\"\"\""),
        ("a\nb", "\"a\nb\"", "\"a\nb\""),
        ("a\rb", "\"a\rb\"", "\"a\rb\""),
        ("", "", ""),
    ] {
        assert_eq!(
            write(Format::Csv, "a\n1\n", &["r"], &[], &text(value)),
            format!("a,r\n1,{csv}\n")
        );
        assert_eq!(
            write(Format::Tsv, "a\n1\n", &["r"], &[], &text(value)),
            format!("a\tr\n1\t{tsv}\n")
        );
    }
    let json = [
        ResultCell::Json("{\"k\":1}"),
        ResultCell::Json("1.5"),
        ResultCell::Bool(false),
    ];
    assert_eq!(
        write(Format::Csv, "a\n1\n", &["o", "n", "b"], &[], &json),
        "a,o,n,b\n1,\"{\"\"k\"\":1}\",1.5,False\n"
    );
}

#[test]
fn replaced_columns_are_left_out_and_the_rest_is_written_anew() {
    let text = "a,\"b\",c\n\"1\",\"x,y\",3\n";
    let written = write(Format::Csv, text, &["b2"], &["a"], &[ResultCell::Text("r")]);
    assert_eq!(written, "b,c,b2\n\"x,y\",3,r\n");
    assert_eq!(
        write(
            Format::Csv,
            "a\n1\n",
            &["a"],
            &["a"],
            &[ResultCell::Text("r")]
        ),
        "a\nr\n"
    );
}

/// An empty line would not be read as a row.
#[test]
fn a_row_of_one_empty_cell_stays_a_row() {
    let written = write(
        Format::Csv,
        "a\n1\n\"\"\n",
        &["a"],
        &["a"],
        &[ResultCell::Null],
    );
    assert_eq!(written, "a\n\"\"\n\"\"\n");
    assert_eq!(
        write(Format::Csv, "a\n1\n\"\"\n", &[], &[], &[]),
        "a\n1\n\"\"\n"
    );
    assert_eq!(
        write(Format::Csv, "a,b\n1,\n", &[], &["a"], &[]),
        "b\n\"\"\n"
    );
}

#[test]
fn json_members_are_added_to_the_object_as_it_was() {
    let results = [
        ResultCell::Text("q\"\n"),
        ResultCell::Null,
        ResultCell::Bool(true),
        ResultCell::Json("{\n \"k\": [1]}"),
    ];
    let written = write(
        Format::JsonLines,
        " {\"a\": 1.0, \"b\" : \"\\u00fc\" } \r\n{}\n\n{\"c\":{}}",
        &["t", "n", "b\"", "j"],
        &[],
        &results,
    );
    let more = r#""t":"q\"\n","n":null,"b\"":true,"j":{  "k": [1]}}"#;
    assert_eq!(
        written,
        format!("{{\"a\": 1.0, \"b\" : \"\\u00fc\" ,{more}\r\n{{{more}\n{{\"c\":{{}},{more}\r\n")
    );
}

#[test]
fn replaced_json_members_are_left_out() {
    let text = "{\"x\": 1, \"\\u0061\" : [1, 2], \"y\": null}\n{\"x\":2}\n";
    let written = write(
        Format::JsonLines,
        text,
        &["r"],
        &["x"],
        &[ResultCell::Bool(true)],
    );
    assert_eq!(
        written,
        "{\"a\":[1, 2],\"y\":null,\"r\":true}\n{\"r\":true}\n"
    );
    assert_eq!(
        write(Format::JsonLines, text, &[], &["x"], &[]),
        "{\"a\":[1, 2],\"y\":null}\n{}\n"
    );
}

fn cell() -> impl Strategy<Value = String> {
    "[a-c,\t\"\r\né ]{0,5}"
}

proptest! {
    /// A table written without results is the table that was read, if an encoder wrote it.
    #[test]
    fn without_results_a_table_is_copied(
        rows in prop::collection::vec(prop::collection::vec("[ab]{0,2}|\"[ab,\n\r]{0,4}(\"\")?\"", 2), 0..6),
        newline in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let mut text = format!("x,\"y\"{newline}");
        for row in rows {
            text.push_str(&row.join(","));
            text.push_str(newline);
        }
        prop_assert_eq!(write(Format::Csv, &text, &[], &[], &[]), text);
    }

    /// Any text in a result column reads back as it was, and the other cells stay as they were.
    #[test]
    fn results_read_back(values in prop::collection::vec(cell(), 1..4), own in cell()) {
        let names = ["r0", "r1", "r2"];
        let names = &names[..values.len()];
        let results: Vec<_> = values.iter().map(|value| ResultCell::Text(value)).collect();
        let own_csv = format!("k\n\"{}\"\n", own.replace('"', "\"\""));
        let own_json = format!("{{\"k\":{}}}\n", serde_json::to_string(&own).unwrap());
        for (format, text) in [(Format::Csv, &own_csv), (Format::Tsv, &own_csv), (Format::JsonLines, &own_json)] {
            let written = write(format, text, names, &[], &results);
            let mut columns = vec!["k"];
            columns.extend(names);
            let (rows, end) = read(format, written.as_bytes(), &columns);
            prop_assert!(end.is_ok());
            let read: Vec<_> = rows[0].cells.iter().flatten().collect();
            let mut expected = vec![&own];
            expected.extend(&values);
            prop_assert_eq!(read, expected);
        }
    }
}
