//! How much a plan asks.

use quarry_contract::plan::{Mode, Slice};
use quarry_runs::{counted, size};

/// The totals of all slices of a plan.
#[derive(Debug, Default)]
pub(crate) struct PlanTotal {
    pub(crate) rows: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) jobs: u64,
    pub(crate) on_demand: u64,
}

impl PlanTotal {
    /// Returns the totals of a plan's slices.
    pub(crate) fn of(slices: &[Slice]) -> Self {
        let mut total = Self::default();
        for slice in slices {
            total.rows += slice.rows;
            total.records += slice.records;
            total.bytes += slice.bytes;
            match slice.mode {
                Mode::Batch => total.jobs += u64::from(slice.records > 0),
                Mode::OnDemand => total.on_demand += slice.records,
            }
        }
        total
    }

    /// Returns totals that were estimated, as people read them: with three digits.
    pub(crate) fn rounded(&self) -> Self {
        Self {
            rows: three_digits(self.rows),
            records: three_digits(self.records),
            on_demand: three_digits(self.on_demand),
            ..*self
        }
    }

    /// Returns a text such as `42,049 records, 13.2 MB, 1 job`.
    pub(crate) fn in_words(&self) -> String {
        let mut words = vec![counted(self.records, "record"), size(self.bytes)];
        if self.jobs > 0 {
            words.push(counted(self.jobs, "job"));
        }
        if self.on_demand > 0 {
            words.push(format!("{} on demand", counted(self.on_demand, "call")));
        }
        words.join(", ")
    }
}

fn three_digits(number: u64) -> u64 {
    let digits = number.checked_ilog10().unwrap_or_default();
    let unit = 10_u64.pow(digits.saturating_sub(2));
    (number + unit / 2) / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimated_number_has_three_digits() {
        for (number, expected) in [
            (0, 0),
            (7, 7),
            (999, 999),
            (1_234, 1_230),
            (699_999, 700_000),
            (1_235_000, 1_240_000),
        ] {
            assert_eq!(three_digits(number), expected);
        }
    }

    #[test]
    fn a_plan_is_summed_up_in_one_line() {
        let total = PlanTotal {
            records: 42_049,
            bytes: 13_180_000,
            jobs: 1,
            ..PlanTotal::default()
        };
        assert_eq!(total.in_words(), "42,049 records, 13.2 MB, 1 job");
        let total = PlanTotal {
            records: 1_205,
            bytes: 999,
            jobs: 2,
            on_demand: 5,
            ..PlanTotal::default()
        };
        assert_eq!(
            total.in_words(),
            "1,205 records, 999 bytes, 2 jobs, 5 calls on demand"
        );
    }
}
