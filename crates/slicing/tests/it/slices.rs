//! Slices meet the limits, contain every row once, and are as few and as even as possible.

use crate::naive::{Row, fewest_slices, fewest_starved};
use proptest::prelude::*;
use quarry_slicing::{LimitsError, Marks, Place, RowSize, Slice, SliceLimits};

/// Returns the position of a row in a table whose files have seven rows each.
fn place(row: usize) -> Place {
    let (file, row) = (row / 7, row as u64 % 7);
    Place {
        file: u32::try_from(file).unwrap(),
        byte: row * 10,
        row,
    }
}

/// Returns the size of a row whose table has as many bytes as its record, and a few more.
pub(crate) fn size(row: Row) -> RowSize {
    RowSize {
        row: row.unwrap_or(3) + 2,
        record: row.unwrap_or(77),
    }
}

fn mark(limits: SliceLimits, rows: &[Row]) -> Marks {
    let mut marks = Marks::new(limits).unwrap();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(
            marks.row(place(index), size(*row), row.is_some()),
            row.is_some()
        );
    }
    marks
}

/// Cuts a table and checks what must hold for every table.
fn slices(limits: SliceLimits, rows: &[Row]) -> Vec<Slice> {
    let marks = mark(limits, rows);
    assert_eq!(marks.rows(), rows.len() as u64);
    let slices = marks.cut(place(rows.len()));
    let mut next = 0;
    for slice in &slices {
        assert_eq!(slice.first_row, next as u64, "slices follow each other");
        let end = next + usize::try_from(slice.rows).unwrap();
        assert!(end > next, "no slice is empty");
        let within = &rows[next..end];
        assert_eq!(slice.records, within.iter().flatten().count() as u64);
        assert_eq!(slice.bytes, within.iter().flatten().sum::<u64>());
        assert!(slice.records <= limits.max_records);
        assert!(slice.bytes <= limits.max_bytes);
        let row_bytes: u64 = within.iter().map(|row| size(*row).row).sum();
        assert!(row_bytes <= limits.max_row_bytes || within.len() == 1);
        assert_eq!(slice.row_bytes, row_bytes.min(limits.max_row_bytes));
        assert_eq!((slice.start, slice.end), (place(next), place(end)));
        next = end;
    }
    assert_eq!(next, rows.len(), "every row is in a slice");
    slices
}

fn sizes(limits: SliceLimits, rows: &[Row]) -> Vec<u64> {
    slices(limits, rows)
        .iter()
        .map(|slice| slice.rows)
        .collect()
}

fn limits(max_records: u64, max_bytes: u64, min_records: u64) -> SliceLimits {
    SliceLimits {
        max_records,
        max_bytes,
        min_records,
        max_row_bytes: u64::MAX,
    }
}

#[test]
fn a_table_that_fits_is_one_slice_and_an_empty_one_none() {
    assert_eq!(sizes(limits(10, 100, 3), &[Some(10); 10]), [10]);
    assert_eq!(sizes(limits(10, 100, 3), &[Some(10)]), [1]);
    assert_eq!(sizes(limits(10, 100, 3), &[None; 50]), [50]);
    assert_eq!(sizes(limits(10, 100, 3), &[]), [0; 0]);
}

/// Cuts that fill every slice to the last record are found, although marks are more than one row
/// apart.
#[test]
fn a_multiple_of_the_limit_is_cut_into_so_many_slices() {
    let limits = limits(45_000, u64::MAX, 100);
    assert_eq!(sizes(limits, &vec![Some(1); 90_000]), [45_000, 45_000]);
    assert_eq!(
        sizes(limits, &vec![Some(1); 134_999]),
        [45_000, 45_000, 44_999]
    );
    assert_eq!(slices(limits, &vec![Some(1); 90_001]).len(), 3);
}

/// No row is lost to rounding, and every slice is near its even share.
#[test]
fn slices_are_even_to_one_mark() {
    let limits = limits(45_000, 900 * 1024 * 1024, 100);
    let sizes = sizes(limits, &vec![Some(3000); 100_000]);
    assert_eq!(sizes.len(), 3);
    for size in sizes {
        assert!(size.abs_diff(33_333) <= 45_000 / 64, "{size}");
    }
}

/// Filling slices one after the other would leave five records for the last.
#[test]
fn a_short_rest_is_not_left_over() {
    assert_eq!(
        sizes(limits(100, 10_000, 50), &[Some(1); 205]),
        [68, 69, 68]
    );
}

/// Rows without a record make the first of two even slices too small for a job. The cut moves only
/// as far as it must.
#[test]
fn cuts_move_to_keep_the_minimum() {
    let mut rows = vec![None; 60];
    rows.extend([Some(1); 40]);
    assert_eq!(sizes(limits(30, 10_000, 0), &rows), [70, 30]);
    let slices = slices(limits(30, 10_000, 15), &rows);
    let records: Vec<_> = slices.iter().map(|slice| slice.records).collect();
    assert_eq!(records, [15, 25]);
}

/// There are more slices than the limits demand only if that leaves fewer records below the
/// minimum.
#[test]
fn the_minimum_comes_before_the_number_of_slices() {
    let rows = [1, 30, 1, 30, 1, 50, 50, 1, 1, 1, 50, 1].map(Some);
    assert_eq!(fewest_slices(limits(5, 100, 3), &rows), 3);
    let slices = slices(limits(5, 100, 3), &rows);
    assert!(slices.iter().all(|slice| slice.records >= 3), "{slices:?}");
    assert_eq!(slices.len(), 4);
}

/// If the minimum cannot be met, as few records as possible are below it.
#[test]
fn unavoidable_overruns_are_kept_small() {
    let records = sizes(limits(150, 10_000, 100), &[Some(1); 160]);
    assert_eq!(records, [10, 150]);
    assert_eq!(sizes(limits(150, 10_000, 100), &[Some(1); 99]), [99]);
    // Five rows fill a slice, so the minimum is out of reach and the slices are even.
    assert_eq!(sizes(limits(150, 50, 100), &[Some(10); 9]), [4, 5]);
}

/// Rows that are not uploaded are part of a slice and add nothing to its size.
#[test]
fn rows_without_a_record_count_nothing() {
    let mut rows = vec![None; 30];
    rows[3] = Some(5);
    rows[29] = Some(5);
    let slices = slices(limits(2, 10, 0), &rows);
    assert_eq!(slices.len(), 1);
    assert_eq!((slices[0].records, slices[0].bytes), (2, 10));
}

/// A record that no slice can hold does not count, even if the caller wants to upload it.
#[test]
fn a_record_above_the_limit_does_not_count() {
    let mut marks = Marks::new(limits(10, 100, 0)).unwrap();
    assert!(marks.row(place(0), size(Some(100)), true));
    assert!(!marks.row(place(1), size(Some(101)), true));
    assert_eq!((marks.rows(), marks.records(), marks.bytes()), (2, 1, 100));
    assert_eq!(marks.cut(place(2)).len(), 1);
}

/// Rows whose columns are not in the prompt are read and written too.
#[test]
fn no_slice_has_more_row_bytes_than_its_limit() {
    let mut limits = limits(1_000, 1_000_000, 0);
    limits.max_row_bytes = 120;
    assert_eq!(sizes(limits, &[Some(10); 30]), [10, 10, 10]);
    assert_eq!(sizes(limits, &[None; 48]), [24, 24]);
    // A row that is larger is alone in its slice.
    let rows = [Some(1), Some(500), Some(1)];
    assert_eq!(sizes(limits, &rows), [1, 1, 1]);
}

/// A scan that an earlier build stored has neither the limit nor the bytes of rows.
#[test]
fn marks_that_lack_the_bytes_of_rows_are_read() {
    let stored = r#"{"limits":{"max_records":2,"max_bytes":100,"min_records":0},
        "chunks":[[0,0,0,1,1,10],[0,10,1,1,1,10]],
        "closed":false,"filled_records":2,"filled_bytes":20}"#;
    let mut marks: Marks = serde_json::from_str(stored).unwrap();
    marks.row(place(2), size(Some(10)), true);
    let slices = marks.cut(place(3));
    assert_eq!(slices.iter().map(|slice| slice.rows).sum::<u64>(), 3);
}

#[test]
fn limits_that_allow_no_slice_are_refused() {
    assert!(matches!(
        Marks::new(limits(0, 1, 0)),
        Err(LimitsError::Zero { .. })
    ));
    assert!(matches!(
        Marks::new(limits(1, 0, 0)),
        Err(LimitsError::Zero { .. })
    ));
    let error = Marks::new(limits(10, 10, 11)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the minimum of 11 records for a slice is above the maximum of 10"
    );
}

/// Memory grows with slices, not with rows: each limit allows 64 marks for a slice, and bytes allow
/// twice that, because two neighbours together may be too large.
#[test]
fn marks_are_few() {
    let limits = limits(64_000, 64_000_000, 100);
    let rows: Vec<Row> = (0..640_000_u64)
        .map(|row| (row % 10 > 0).then_some(row % 3 * 700))
        .collect();
    let slices = slices(limits, &rows).len();
    let stored = serde_json::to_value(mark(limits, &rows)).unwrap();
    let marks = stored["chunks"].as_array().unwrap().len();
    assert!(
        marks <= slices * (64 + 2 * 64),
        "{marks} marks for {slices} slices"
    );
}

fn row(largest: u64) -> impl Strategy<Value = Row> {
    prop_oneof![8 => (1..=largest).prop_map(Some), 1 => Just(None)]
}

prop_compose! {
    /// Limits so small that every row is a mark, and rows of one or two sizes.
    fn small()(
        max_records in 1_u64..12,
        max_bytes in 10_u64..60,
    )(
        min_records in 0..=max_records.min(6),
        rows in prop::collection::vec(prop_oneof![row(10), row(3)], 0..60),
        max_records in Just(max_records),
        max_bytes in Just(max_bytes),
        max_row_bytes in prop_oneof![Just(u64::MAX), 12..60_u64],
    ) -> (SliceLimits, Vec<Row>) {
        let limits = limits(max_records, max_bytes, min_records);
        (SliceLimits { max_row_bytes, ..limits }, rows)
    }
}

proptest! {
    /// With a mark at every row, no other cuts leave fewer records below the minimum, or as few
    /// with fewer slices.
    #[test]
    fn small_tables_are_cut_in_the_best_way((limits, rows) in small()) {
        let slices = slices(limits, &rows);
        let starved: u64 = slices.iter().map(|slice| slice.records).filter(|&records| records < limits.min_records).sum();
        prop_assert_eq!((starved, slices.len()), fewest_starved(limits, &rows));
    }

    /// Without a minimum there are as few slices as any cuts give, even if marks are far apart.
    #[test]
    fn slices_are_as_few_as_any_cuts_give(
        rows in prop::collection::vec(row(40), 0..2000),
        max_records in 100_u64..500,
        max_bytes in 100_u64..5000,
        max_row_bytes in prop_oneof![Just(u64::MAX), 100..5000_u64],
    ) {
        let limits = SliceLimits { max_row_bytes, ..limits(max_records, max_bytes, 0) };
        prop_assert_eq!(slices(limits, &rows).len(), fewest_slices(limits, &rows));
    }

    /// Rows of one size are spread evenly: with a mark at every row, no two slices differ by more
    /// than one row.
    #[test]
    fn equal_rows_are_spread_evenly(count in 1_usize..400, max_records in 1_u64..64) {
        let sizes = sizes(limits(max_records, u64::MAX, 0), &vec![Some(1); count]);
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        prop_assert!(most - least <= 1, "{:?}", sizes);
    }

    /// With marks further apart, every slice is within one chunk of its even share, unless it is
    /// full.
    #[test]
    fn slices_are_near_their_share(count in 1_usize..4000, max_records in 64_u64..700) {
        let sizes = sizes(limits(max_records, u64::MAX, 0), &vec![Some(1); count]);
        let (slices, count) = (sizes.len() as u64, count as u64);
        for size in sizes {
            prop_assert!((size * slices).abs_diff(count) <= slices * (max_records / 64), "{} of {}", size, count);
        }
    }

    /// Marks that are stored and read back continue as if nothing had happened.
    #[test]
    fn marks_can_be_stored((limits, rows) in small(), at in any::<prop::sample::Index>()) {
        let at = at.index(rows.len() + 1);
        let mut marks = mark(limits, &rows[..at]);
        marks = serde_json::from_str(&serde_json::to_string(&marks).unwrap()).unwrap();
        for (index, row) in rows.iter().enumerate().skip(at) {
            marks.row(place(index), size(*row), row.is_some());
        }
        prop_assert_eq!(marks.cut(place(rows.len())), slices(limits, &rows));
    }
}
