//! A table gives the same rows however its bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quarry_table::{Format, RowDecoder};

fn rows(format: Format, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = RowDecoder::start(format, "fuzz");
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
    let (format, cut, bytes) = input;
    let format = [Format::Csv, Format::Tsv, Format::JsonLines][usize::from(format) % 3];
    let cut = cut % (bytes.len() + 1);
    assert_eq!(rows(format, &[bytes]), rows(format, &[&bytes[..cut], &bytes[cut..]]));
});
