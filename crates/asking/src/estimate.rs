//! What the first round of a run is expected to take.

use crate::Asking;
use quarry_contract::plan::Mode;
use quarry_contract::settings::{BatchMode, ThinkingSetting};
use quarry_cost::Way;
use quarry_cost::estimate::{
    AnswerLength, Estimated, RecordSums, RunEstimate, TextSample, TokenFamily,
};
use quarry_model::Thinking;
use serde_json::Value;

impl Asking {
    /// Returns what the first round is expected to take, from a sample of its records. `schema` is the
    /// JSON Schema in force.
    pub fn estimate(
        &self,
        schema: Option<&Value>,
        sample: &TextSample,
        in_jobs: RecordSums,
        on_demand: RecordSums,
    ) -> RunEstimate {
        let family = TokenFamily::of(self.model().id());
        let length = self.answer_length(schema, &family);
        let mut all = in_jobs;
        all += on_demand;
        RunEstimate {
            counted: sample.counted(),
            in_jobs,
            on_demand,
            input: sample.tokens(&family, all),
            answer: length.tokens,
            reaches_limit: length.reaches_limit,
        }
    }

    /// Decides between jobs and calls for a table: as the setting says, or calls if there are fewer
    /// records than a job needs.
    pub fn mode(&self, rows: u64, records: u64) -> Mode {
        let settings = self.settings();
        let wanted = match settings.batch_mode {
            BatchMode::Realtime => false,
            BatchMode::Batch => true,
            BatchMode::Auto => {
                rows >= settings.batch_threshold
                    && settings.batch_role_arn.is_some()
                    && self.model().capabilities().batch
            }
        };
        if wanted && records >= settings.min_records_per_job {
            Mode::Batch
        } else {
            Mode::OnDemand
        }
    }

    /// How the run's calls are paid for.
    pub fn way_of_calls(&self) -> Way {
        Way::of_tier(Some(self.settings().service_tier.as_str()))
    }

    fn answer_length(&self, schema: Option<&Value>, family: &TokenFamily) -> AnswerLength {
        let capabilities = self.model().capabilities();
        if capabilities.body.is_embedding() {
            return AnswerLength {
                tokens: Estimated::default(),
                reaches_limit: false,
            };
        }
        let settings = self.settings();
        let thinks = match capabilities.thinking {
            Thinking::Always => true,
            Thinking::OnByDefault => settings.thinking != ThinkingSetting::Off,
            Thinking::OffByDefault | Thinking::None => false,
        };
        let limit = self.model().max_tokens(settings);
        AnswerLength::of(schema, family, limit, thinks)
    }
}
