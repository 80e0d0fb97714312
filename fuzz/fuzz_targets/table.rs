//! The rows of a table do not depend on how its bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quarry_table::{Dialect, Format, Quoting, RowDecoder};

fn rows(dialect: Dialect, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = RowDecoder::start(dialect, "fuzz");
    let mut rows = Vec::new();
    let mut take = |decoder: &mut RowDecoder| loop {
        match decoder.next_row() {
            Ok(Some(row)) => rows.push(row.raw().to_vec()),
            Ok(None) => return true,
            Err(_) => return false,
        }
    };
    for piece in pieces {
        decoder.push(piece);
        if !take(&mut decoder) {
            return (rows, false);
        }
    }
    decoder.end();
    let whole = take(&mut decoder);
    (rows, whole)
}

fuzz_target!(|input: (u8, usize, &[u8])| {
    let (dialect, cut, bytes) = input;
    let dialect = usize::from(dialect);
    let dialect = Dialect {
        format: [Format::Csv, Format::Tsv, Format::JsonLines][dialect % 3],
        quoting: [Quoting::Standard, Quoting::Backslash, Quoting::None][dialect / 3 % 3],
    };
    let cut = cut % (bytes.len() + 1);
    assert_eq!(rows(dialect, &[bytes]), rows(dialect, &[&bytes[..cut], &bytes[cut..]]));
});
