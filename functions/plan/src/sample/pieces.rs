//! Which parts of the files are read for the rows of a sample.

use crate::table_scan::TableScan;
use quarry_rows::SlicePiece;
use quarry_slicing::{Marks, Place};

/// Chosen rows of a Parquet file that are at most so many rows apart are read in one go. A reader
/// that begins in the middle of a file may have to pass over a row group of this size.
const ROWS_PASSED_OVER: u64 = 1 << 20;

/// Returns for each file the number in the table of its first row.
pub(super) fn first_rows(table: &TableScan) -> Vec<u64> {
    let files = table.files.iter();
    let firsts = files.scan(0, |next, file| {
        let first = *next;
        *next += file.input.rows;
        Some(first)
    });
    firsts.collect()
}

/// Returns each row's file, and its number there.
fn in_files<'a>(
    table: &'a TableScan,
    rows: &'a [u64],
) -> impl Iterator<Item = (u64, usize, u64)> + 'a {
    let firsts = first_rows(table);
    rows.iter().map(move |row| {
        // Of files without rows, which begin with the same row, the last one that begins there.
        let file = firsts.partition_point(|first| first <= row) - 1;
        (*row, file, row - firsts[file])
    })
}

/// Returns the ranges of bytes between marks that hold these rows.
pub(super) fn text_pieces(table: &TableScan, marks: &Marks, rows: &[u64]) -> Vec<SlicePiece> {
    let marks: Vec<(u64, Place)> = marks.places().collect();
    let mut pieces: Vec<SlicePiece> = Vec::new();
    for (row, number, _) in in_files(table, rows) {
        let file = &table.files[number].input;
        let after = marks.partition_point(|(first, _)| *first <= row);
        let in_file = |mark: Option<&(u64, Place)>| {
            mark.map(|(_, place)| *place)
                .filter(|place| place.file as usize == number)
        };
        let start = in_file(marks.get(after - 1)).unwrap_or_default();
        let end = in_file(marks.get(after)).map_or(file.size, |place| place.byte);
        match pieces.last_mut() {
            Some(last) if last.file == number && start.byte <= last.end => {
                last.end = last.end.max(end);
            }
            _ => pieces.push(SlicePiece::of(number, file, start.byte, end, start.row)),
        }
    }
    pieces
}

/// Returns the ranges of rows that hold these rows.
pub(super) fn parquet_pieces(table: &TableScan, rows: &[u64]) -> Vec<SlicePiece> {
    let mut pieces: Vec<SlicePiece> = Vec::new();
    for (_, number, row) in in_files(table, rows) {
        let file = &table.files[number].input;
        match pieces.last_mut() {
            Some(last) if last.file == number && row <= last.end + ROWS_PASSED_OVER => {
                last.end = row + 1;
            }
            _ => pieces.push(SlicePiece::of(number, file, row, row + 1, row)),
        }
    }
    pieces
}
