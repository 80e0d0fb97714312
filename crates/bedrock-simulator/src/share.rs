//! A share of records or lines, evenly spread.

/// Whether the item at `position` is in the share: of the first `n` items, `n × share`, rounded down,
/// are in it.
#[expect(
    clippy::cast_precision_loss,
    reason = "positions are far below 2^52; the share itself is approximate"
)]
pub(crate) fn is_in_share(position: u64, share: f64) -> bool {
    let until = |count: u64| (count as f64 * share + 1e-9).floor();
    until(position + 1) > until(position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The share decides exactly how many records are in it.
        #[test]
        fn a_share_has_its_size(count in 1_u64..3_000, percent in 0_u32..=100) {
            let share = f64::from(percent) / 100.0;
            let inside = (0..count).filter(|n| is_in_share(*n, share)).count() as u64;
            prop_assert_eq!(inside, count * u64::from(percent) / 100);
        }
    }
}
