//! Estimating how much of a run is done, and how long the rest takes.

use super::stage::ShownStage;
use quarry_local_stack::WorkRows;
use std::time::Duration;

/// The counts of a run's work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) stage: ShownStage,
    pub(super) data_bytes: u64,
    pub(super) bytes_copied: u64,
    pub(super) rows: WorkRows,
}

/// The share of each part in a run's time, as measured with 120,000 rows on the local stack.
const COPYING: f64 = 0.01;
const PLANNING: f64 = 0.04;
const WRITING: f64 = 0.09;
const ASKING: f64 = 0.46;
const MERGING: f64 = 0.38;

/// Before this much is done, and before this long has passed, the rest is not estimated.
const LEAST_FRACTION: f64 = 0.03;
const LEAST_ELAPSED: Duration = Duration::from_secs(1);

impl Counts {
    /// Returns how much of the run's work is done, 0 to 1.
    pub(super) fn fraction(&self) -> f64 {
        let of_data = |bytes| share(bytes, self.data_bytes);
        let of_rows = |rows| share(rows, self.rows.total);
        match self.stage {
            ShownStage::Copying => COPYING * of_data(self.bytes_copied),
            ShownStage::Planning => COPYING + PLANNING * of_data(self.rows.bytes_scanned),
            ShownStage::Asking => {
                COPYING
                    + PLANNING
                    + WRITING * of_rows(self.rows.written)
                    + ASKING * of_rows(self.rows.asked)
                    + MERGING * of_rows(self.rows.merged)
            }
            ShownStage::Finished => 1.0,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown as a whole per cent"
)]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 1.0;
    }
    part.min(whole) as f64 / whole as f64
}

/// Returns the fraction in tenths, rounded down.
pub(super) fn tenths(fraction: f64) -> u32 {
    percent(fraction) / 10
}

/// Returns the fraction in hundredths, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction is between 0 and 1"
)]
pub(super) fn percent(fraction: f64) -> u32 {
    (fraction.clamp(0.0, 1.0) * 100.0) as u32
}

/// Returns how long the rest takes at the speed so far, if it can be estimated.
pub(super) fn remaining(fraction: f64, elapsed: Duration) -> Option<Duration> {
    if fraction < LEAST_FRACTION || elapsed < LEAST_ELAPSED {
        return None;
    }
    Some(elapsed.mul_f64((1.0 - fraction).max(0.0) / fraction))
}

/// Returns a text such as `0:12`, `3:05` or `1:02:03`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_together_are_the_run() {
        let all = COPYING + PLANNING + WRITING + ASKING + MERGING;
        assert!((0.95..1.0).contains(&all), "{all}");
    }

    #[test]
    fn the_fraction_moves_within_a_run_of_one_slice() {
        let counts = |written, asked, merged| Counts {
            stage: ShownStage::Asking,
            data_bytes: 10,
            bytes_copied: 10,
            rows: WorkRows {
                total: 45_000,
                written,
                asked,
                merged,
                ..WorkRows::default()
            },
        };
        let steps = [
            counts(0, 0, 0),
            counts(20_000, 0, 0),
            counts(45_000, 1_000, 0),
            counts(45_000, 45_000, 0),
            counts(45_000, 45_000, 30_000),
            counts(45_000, 45_000, 45_000),
        ];
        let fractions = steps.map(|counts| counts.fraction());
        assert!(fractions.is_sorted_by(|a, b| a < b), "{fractions:?}");
    }

    #[test]
    fn times_are_as_people_write_them() {
        assert_eq!(clock(Duration::from_secs(5)), "0:05");
        assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
        let left = remaining(0.25, Duration::from_secs(10));
        assert_eq!(left, Some(Duration::from_secs(30)));
        assert_eq!(remaining(0.0, Duration::from_secs(10)), None);
    }
}
