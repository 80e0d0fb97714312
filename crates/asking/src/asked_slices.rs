//! What a planned run asks of the services around the models.

use crate::Asking;
use quarry_contract::plan::{Mode, Plan, Slice};
use quarry_cost::estimate::{AskedSlices, RecordSums, RunEstimate, SliceSums};

impl Asking {
    /// Returns what a planned run asks of Step Functions, Lambda and S3. `slices` are those of the plan.
    pub fn asked_slices(
        &self,
        plan: &Plan,
        slices: &[Slice],
        estimate: &RunEstimate,
    ) -> AskedSlices {
        let sums = |mode, sums: RecordSums| {
            let slices = slices
                .iter()
                .filter(|slice| slice.mode == mode && slice.records > 0);
            SliceSums {
                slices: slices.count() as u64,
                records: sums.records,
                bytes: sums.bytes,
            }
        };
        let files = || plan.tables.iter().flat_map(|table| &table.files);
        let settings = self.settings();
        AskedSlices {
            in_jobs: sums(Mode::Batch, estimate.in_jobs),
            on_demand: sums(Mode::OnDemand, estimate.on_demand),
            tables: plan.tables.len() as u64,
            files: files().count() as u64,
            data_bytes: files().map(|file| file.size).sum(),
            workers: plan.on_demand_workers.into(),
            call_interval_ms: interval_ms(plan.on_demand_rate),
            batch_size: settings.batch_size.into(),
            answer_tokens: estimate.answer.expected,
            job_hours: u64::try_from(settings.batch_timeout_hours).unwrap_or(24),
        }
    }
}

/// Returns the time between the beginnings of two calls, ms.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is above 0, and the cast saturates"
)]
fn interval_ms(rate: f64) -> u64 {
    (1_000.0 / rate).round() as u64
}
