use quarry_table::{Cell, Format, RowDecoder};

/// A byte order mark and blank lines are no rows; what is quoted keeps its line breaks.
#[test]
fn crlf_byte_order_mark_and_blank_lines() {
    let mut decoder = RowDecoder::start(Format::Csv, "x.csv");
    decoder.project(&["a".to_owned(), "id".to_owned()]);
    decoder.push(b"\xEF\xBB\xBFid,a\r\n1,x\r\n\r\n2,\"y\r\nz\"\r\n");
    decoder.end();
    let row = decoder.next_row().unwrap().unwrap();
    assert_eq!(
        (row.cell(0), row.cell(1)),
        (Cell::Text("x"), Cell::Text("1"))
    );
    let row = decoder.next_row().unwrap().unwrap();
    assert_eq!(
        (row.cell(0), row.cell(1)),
        (Cell::Text("y\r\nz"), Cell::Text("2"))
    );
    assert_eq!((row.number(), row.byte()), (1, 16));
    assert!(decoder.next_row().unwrap().is_none());
}
