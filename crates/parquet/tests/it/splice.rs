//! Joining parts.

use crate::fixture::{
    WITH_TEXTS, as_others_read, assert_passed_through, bytes, cells, expected, join, numbered_part,
    open, open_bytes, put_together, whole,
};
use proptest::prelude::*;
use proptest::sample::Index;
use quarry_parquet::{FileError, Joiner, SplicePiece, TableLayout};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However a table is cut into slices, the joined parts are the table.
    #[test]
    fn joined_parts_are_the_whole(
        which in 0..WITH_TEXTS.len(),
        cuts in proptest::collection::vec(any::<Index>(), 0..8),
    ) {
        let name = WITH_TEXTS[which];
        let input = bytes(&format!("{name}.parquet"));
        let file = open_bytes(name, input.clone());
        let layout = TableLayout::of(&file).unwrap();
        let rows = usize::try_from(file.rows()).unwrap();
        let mut cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(rows + 1) as u64).collect();
        cuts.extend([0, file.rows()]);
        cuts.sort_unstable();
        let parts: Vec<bytes::Bytes> = cuts
            .windows(2)
            .map(|cut| numbered_part(&layout, &[(&file, cut[0]..cut[1])]).0)
            .collect();
        let joined = join(&parts);
        assert_passed_through(&as_others_read(&input), &as_others_read(&joined), name);
        let mut columns = expected(name).columns;
        columns.push("row_number".to_owned());
        let found = cells(&open_bytes("joined", joined), 0..file.rows(), &columns);
        for (number, (found, mut row)) in found.into_iter().zip(expected(name).rows).enumerate() {
            row.push(Some(number.to_string()));
            prop_assert_eq!(found, row);
        }
    }
}

#[test]
fn only_footers_are_read_and_all_data_is_copied() {
    let file = open("pyarrow_pages.parquet");
    let layout = TableLayout::of(&file).unwrap();
    let parts: Vec<bytes::Bytes> = [0..300, 300..300, 300..900]
        .map(|range| numbered_part(&layout, &[(&file, range)]).0)
        .to_vec();
    let mut joiner = Joiner::new();
    let rows: Vec<u64> = parts
        .iter()
        .map(|part| joiner.add("part", part).unwrap())
        .collect();
    assert_eq!(rows, [300, 0, 600]);
    let splice = joiner.finish(900).unwrap();
    let [
        SplicePiece::Bytes(magic),
        first @ SplicePiece::Copy { part: 0, .. },
        second @ SplicePiece::Copy { part: 2, .. },
        SplicePiece::Bytes(_),
    ] = &splice.pieces[..]
    else {
        panic!("{splice:?}");
    };
    assert_eq!(magic.as_ref(), b"PAR1");
    for (piece, part) in [(first, &parts[0]), (second, &parts[2])] {
        let SplicePiece::Copy { range, .. } = piece else {
            panic!("{piece:?}");
        };
        assert_eq!(range.start, 4);
        assert!(range.end > part.len() as u64 / 2 && range.end < part.len() as u64);
    }
    assert_eq!(
        as_others_read(&put_together(&splice, &parts)).num_rows(),
        900
    );
}

#[test]
fn joined_files_can_be_joined_again() {
    let file = open("duckdb.parquet");
    let layout = TableLayout::of(&file).unwrap();
    let part = |range| numbered_part(&layout, &[(&file, range)]).0;
    let first = join(&[part(0..4), part(4..6)]);
    let all = join(&[first, part(6..12)]);
    let expected = expected("duckdb");
    assert_eq!(
        cells(&open_bytes("all", all), 0..12, &expected.columns),
        expected.rows
    );
}

/// In files of other writers, page indexes and Bloom filters are left out, and the data is kept.
#[test]
fn files_of_other_writers_can_be_joined() {
    for name in WITH_TEXTS {
        let part = bytes(&format!("{name}.parquet"));
        let joined = join(&[part.clone(), part]);
        let file = open_bytes(name, joined.clone());
        let expected = expected(name);
        let found = cells(&file, 0..file.rows(), &expected.columns);
        assert_eq!(found.len(), 2 * expected.rows.len(), "{name}");
        for half in found.chunks(expected.rows.len()) {
            assert_eq!(half, expected.rows, "{name}");
        }
        assert_eq!(as_others_read(&joined).num_rows() as u64, file.rows());
    }
}

#[test]
fn rows_that_do_not_add_up_are_an_error() {
    let file = open("spark_groups.parquet");
    let layout = TableLayout::of(&file).unwrap();
    let part = numbered_part(&layout, &[(&file, 0..10)]).0;
    let mut joiner = Joiner::new();
    joiner.add("part 0", &part).unwrap();
    let error = joiner.finish(11).unwrap_err();
    assert!(
        matches!(
            error,
            FileError::RowCount {
                expected: 11,
                found: 10
            }
        ),
        "{error}"
    );
    assert!(Joiner::new().finish(0).is_err());
}

#[test]
fn parts_of_other_tables_are_refused() {
    let (spark, duckdb) = (open("spark_groups.parquet"), open("duckdb.parquet"));
    let part = |file| numbered_part(&TableLayout::of(file).unwrap(), &[whole(file)]).0;
    let mut joiner = Joiner::new();
    joiner.add("first.parquet", &part(&spark)).unwrap();
    let error = joiner
        .add("second.parquet", &part(&duckdb))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("first.parquet") && error.contains("second.parquet"),
        "{error}"
    );
}
