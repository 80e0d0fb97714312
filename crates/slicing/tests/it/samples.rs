//! A sample has the wanted number of rows, in order, chosen evenly and the same each time.

use proptest::prelude::*;
use quarry_slicing::sampled_rows;

proptest! {
    #[test]
    fn a_sample_has_exactly_the_wanted_rows_in_order_and_each_time_the_same(
        rows in prop_oneof![0_u64..200, Just(u64::MAX), 1_000_000_u64..1_000_000_000_000],
        wanted in 0_u64..150,
        seed in proptest::option::of(any::<u32>()),
    ) {
        let chosen = sampled_rows(rows, wanted, seed);
        prop_assert_eq!(chosen.len() as u64, wanted.min(rows));
        prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(chosen.last().is_none_or(|last| *last < rows));
        prop_assert_eq!(&chosen, &sampled_rows(rows, wanted, seed));
        if seed.is_none() {
            prop_assert_eq!(chosen, (0..wanted.min(rows)).collect::<Vec<u64>>());
        }
    }
}

/// Results that users have compared with must not change under them.
#[test]
fn the_rows_of_a_seed_are_those_of_every_version() {
    assert_eq!(
        sampled_rows(10_000, 5, Some(0)),
        [2483, 3237, 4279, 4747, 5668]
    );
    assert_eq!(
        sampled_rows(10_000, 5, Some(7)),
        [1479, 1946, 3674, 5874, 7744]
    );
}

/// Each of 20 rows is in half of the samples of ten rows. With 20,000 seeds, 10,000 samples are
/// expected for each row, with a standard deviation of 71.
#[test]
fn each_row_is_as_likely_as_every_other() {
    let mut times = [0_u32; 20];
    for seed in 0..20_000 {
        for row in sampled_rows(20, 10, Some(seed)) {
            times[usize::try_from(row).unwrap()] += 1;
        }
    }
    for (row, times) in times.into_iter().enumerate() {
        assert!(times.abs_diff(10_000) < 400, "row {row}: {times} samples");
    }
}

/// Rows are chosen independently: two neighbours are together in a sample as often as two others.
#[test]
fn pairs_of_rows_are_as_likely_as_others() {
    let mut together = [0_u32; 19];
    for seed in 0..20_000 {
        let chosen = sampled_rows(20, 10, Some(seed));
        for other in 1..20 {
            if chosen.contains(&0) && chosen.contains(&other) {
                together[usize::try_from(other - 1).unwrap()] += 1;
            }
        }
    }
    // 10/20 × 9/19 of all samples, with a standard deviation of 60.
    for (other, times) in together.into_iter().enumerate() {
        assert!(
            times.abs_diff(4_737) < 350,
            "rows 0 and {}: {times}",
            other + 1
        );
    }
}
