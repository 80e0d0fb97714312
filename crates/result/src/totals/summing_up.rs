//! The summary of a run from its totals.

use crate::ledger::Counts;
use crate::receipt::FileOutcomes;
use crate::refusals::Refusals;
use crate::summary::{
    AnswersSummary, BatchJobInfo, FileSummary, ModelInfo, Reconciliation, RefusalSummary,
    RoundSummary, RowsSummary, SplitSummary, Summary, TableSummary, TemplateIntegration,
    TokensSummary, TruncationStats,
};
use crate::totals::{RoundTotals, TableTotals, Totals};
use crate::totals::{cost, sample};
use quarry_contract::plan::{Mode, Plan, Table};
use quarry_contract::settings::{ServiceTier, Settings};

/// What the prompts file gives of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptParts {
    /// A system prompt.
    pub system: bool,
    /// A user prompt, so that the default is not needed.
    pub template: bool,
}

impl Totals {
    /// The summary of a run whose slices have all been added. `written` names the result objects in the
    /// order of the tables. The profile is missing: see [`crate::profile`].
    pub fn summary(
        &self,
        plan: &Plan,
        settings: &Settings,
        prompt: PromptParts,
        written: &[String],
    ) -> Summary {
        let all = sum(self.files());
        let counts = self.counts();
        let tables: Vec<(&Table, &TableTotals)> = plan.tables.iter().zip(&self.tables).collect();
        let jobs: u64 = self.rounds.values().map(|round| round.jobs).sum();
        let is_training = plan.tables.iter().any(|table| table.split.is_some());
        let splits = if is_training { &tables[..] } else { &[] };
        let has_schema = plan.schema.is_some();
        let good = if has_schema {
            all.validation_passed
        } else {
            all.successful
        };
        Summary {
            job_type: plan.request.job_type.as_str().to_owned(),
            total_files: plan.tables.iter().map(|t| t.files.len() as u64).sum(),
            total_records: all.records,
            successful_records: all.successful,
            failed_records: all.failed,
            validation_passed_records: all.validation_passed,
            files_processed: tables
                .iter()
                .flat_map(|(table, totals)| files(table, totals))
                .collect(),
            splits_processed: splits
                .iter()
                .map(|(table, totals)| split(table, totals))
                .collect(),
            model_info: model_info(settings),
            effective_model_id: settings.effective_model_id(),
            template_integration: TemplateIntegration {
                system_prompt_loaded: prompt.system,
                user_prompt_template_loaded: prompt.template,
                validation_schema_loaded: has_schema,
                pydantic_model_created: has_schema,
            },
            batch_processing_used: plan.tables.iter().any(is_asked_by_jobs),
            batch_job_info: (jobs > 0).then(|| BatchJobInfo {
                total_jobs: jobs,
                jobs: self.jobs.clone(),
            }),
            overall_success_rate: rate(all.successful, all.records),
            overall_validation_rate: rate(all.validation_passed, all.records),
            processing_timestamp: plan.started.clone(),
            truncation_stats: self.truncation_stats(settings, all.records),
            run: plan.execution.clone(),
            merged_runs: Vec::new(),
            rows: self.rows(plan, &all),
            tables: tables
                .iter()
                .zip(written)
                .map(|((table, totals), object)| result_table(table, totals, object))
                .collect(),
            on_demand_records: self.rounds.values().map(|round| round.on_demand).sum(),
            tokens: tokens(&counts),
            rounds: self
                .rounds
                .iter()
                .map(|(number, totals)| round(*number, totals))
                .collect(),
            reconciliation: Reconciliation {
                agrees_with_bedrock: self.differences.is_empty(),
                differences: self.differences.clone(),
            },
            refusals: refusals(&counts.refusals),
            service_tiers: counts.service_tiers.clone(),
            schema_source: plan.schema_source.clone(),
            notes: self.notes(plan, settings, &counts),
            cost: cost::summary(&self.cost, plan, all.records, good),
            sample: sample::summary(self, plan),
            profile: None,
            answers: answers(counts),
        }
    }

    fn truncation_stats(&self, settings: &Settings, rows: u64) -> TruncationStats {
        TruncationStats {
            truncation_enabled: settings.truncation_enabled,
            max_input_field_length: settings.max_input_field_length,
            total_truncations: self.truncations,
            truncated_records: self.truncated_records,
            truncated_fields: self.truncated_fields.clone(),
            truncation_rate: rate(self.truncated_records, rows),
        }
    }

    fn rows(&self, plan: &Plan, all: &FileOutcomes) -> RowsSummary {
        let left_out = self
            .tables
            .iter()
            .map(|table| table.rows - table.rows_written);
        RowsSummary {
            r#in: plan.tables.iter().map(|table| table.rows).sum(),
            out: self.tables.iter().map(|table| table.rows_written).sum(),
            left_out_as_errors: left_out.sum(),
            answered_on_demand: all.on_demand,
            repaired: all.repaired,
            too_large_to_send: self.unsendable,
            stopped_by_max_cost: self.stopped_by_max_cost,
        }
    }

    /// A note when rows were not sent again.
    fn cap_note(&self, settings: &Settings) -> Option<String> {
        let (rows, cap) = (self.stopped_by_max_cost, settings.max_cost?);
        (rows > 0).then(|| {
            format!(
                "{rows} rows without a good answer were not sent again, since another round would have passed \
                 BEDROCK_MAX_COST, {}; llm_error of these rows says what was spent",
                cap.as_given()
            )
        })
    }

    fn notes(&self, plan: &Plan, settings: &Settings, counts: &Counts) -> Vec<String> {
        let unfit = self.unfit.iter().map(|(column, rows)| {
            format!(
                "{column} has {rows} values that the column's type in Parquet cannot hold; they are null there"
            )
        });
        let forms = self
            .form_changes
            .iter()
            .map(|change| format!("the service refused a form of the requests. {change}"));
        plan.notes
            .iter()
            .cloned()
            .chain(unfit)
            .chain(forms)
            .chain(flex_note(settings, counts))
            .chain(lost_note(counts))
            .chain(self.cap_note(settings))
            .collect()
    }
}

fn sum<'a>(files: impl Iterator<Item = &'a FileOutcomes>) -> FileOutcomes {
    files.fold(FileOutcomes::default(), |mut sum, file| {
        sum.add(file);
        sum
    })
}

/// What the service refused, by its words; in all rounds, so a row can be in it several times.
fn refusals(refusals: &Refusals) -> Vec<RefusalSummary> {
    let mut entries: Vec<RefusalSummary> = refusals
        .groups()
        .iter()
        .map(|group| RefusalSummary {
            error: Some(group.text.clone()),
            lines: group.lines,
            example_row: Some(group.example_row),
            asked_again: Some(!group.is_final),
        })
        .collect();
    if refusals.others() > 0 {
        entries.push(RefusalSummary {
            error: None,
            lines: refusals.others(),
            example_row: None,
            asked_again: None,
        });
    }
    entries
}

/// A note when the tier `flex` was left.
fn flex_note(settings: &Settings, counts: &Counts) -> Option<String> {
    let others = counts
        .service_tiers
        .get(ServiceTier::Default.as_str())
        .filter(|_| settings.service_tier == ServiceTier::Flex)?;
    Some(format!(
        "{others} answers were given in the service tier `default`, since `flex` throttled for longer than \
         BEDROCK_FLEX_WAIT_MINUTES, {}",
        settings.flex_wait_minutes
    ))
}

/// A note when calls may be charged whose tokens are not known.
fn lost_note(counts: &Counts) -> Option<String> {
    let lost = counts.lost_replies;
    (lost > 0).then(|| {
        format!(
            "{lost} calls on demand got no whole reply: it broke off, or did not come within ten minutes. Bedrock may \
             charge them; their tokens are not known, and are neither in the tokens nor in the cost of this summary"
        )
    })
}

/// A table in batch mode that has rows has at least one slice large enough for a job.
fn is_asked_by_jobs(table: &Table) -> bool {
    table.mode == Mode::Batch && table.slices > 0
}

/// Returns a part as a share of the whole, 0 to 1.
pub(crate) fn rate(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn files(table: &Table, totals: &TableTotals) -> Vec<FileSummary> {
    table
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| {
            let outcomes = totals.files.get(&number).cloned().unwrap_or_default();
            FileSummary {
                filename: file.name.clone(),
                records: file.rows,
                successful: outcomes.successful,
                failed: outcomes.failed,
                validation_passed: outcomes.validation_passed,
                success_rate: rate(outcomes.successful, file.rows),
                validation_rate: rate(outcomes.validation_passed, file.rows),
                batch_processing_used: is_asked_by_jobs(table),
                warning: (file.rows == 0).then(|| "the file has no rows".to_owned()),
            }
        })
        .collect()
}

fn split(table: &Table, totals: &TableTotals) -> SplitSummary {
    let all = sum(totals.files.values());
    SplitSummary {
        split_name: table.split.clone(),
        total_files: table.files.len() as u64,
        total_records: all.records,
        successful_records: all.successful,
        failed_records: all.failed,
        validation_passed_records: all.validation_passed,
        files_processed: files(table, totals),
        batch_processing_used: is_asked_by_jobs(table),
        success_rate: rate(all.successful, all.records),
        validation_rate: rate(all.validation_passed, all.records),
    }
}

fn result_table(table: &Table, totals: &TableTotals, object: &str) -> TableSummary {
    TableSummary {
        split: table.split.clone(),
        result: object.to_owned(),
        rows_in: table.rows,
        rows_out: totals.rows_written,
        slices: table.slices,
        mode: table.mode,
    }
}

fn round(number: usize, round: &RoundTotals) -> RoundSummary {
    RoundSummary {
        round: number,
        jobs: round.jobs,
        on_demand_records: round.on_demand,
        asked: round.counts.asked,
        good: round.counts.good,
        input_tokens: round.counts.input_tokens,
        output_tokens: round.counts.output_tokens,
    }
}

fn tokens(counts: &Counts) -> TokensSummary {
    TokensSummary {
        input: counts.input_tokens,
        output: counts.output_tokens,
        cache_read: counts.cache_read_tokens,
        cache_write: counts.cache_write_tokens,
        reasoning: counts.reasoning_tokens,
    }
}

fn answers(counts: Counts) -> AnswersSummary {
    AnswersSummary {
        asked: counts.asked,
        lines: counts.lines,
        answered: counts.answered,
        good: counts.good,
        repaired: counts.repaired,
        invalid: counts.invalid,
        cut_off: counts.cut_off,
        errors: counts.errors,
        missing: counts.missing,
        duplicates: counts.duplicates,
        contradictions: counts.contradictions,
        contradicted: counts.contradicted,
        unknown_ids: counts.unknown_ids,
        malformed: counts.malformed,
        by_fallback_model: counts.by_fallback,
        lost_replies: counts.lost_replies,
        examples: counts.examples,
    }
}

fn model_info(settings: &Settings) -> ModelInfo {
    let effective = settings.effective_model_id();
    if settings.inference_profile_arn.is_some() {
        ModelInfo {
            arn: Some(effective),
            method: Some("arn".to_owned()),
            ..ModelInfo::default()
        }
    } else if effective != settings.primary_model_id {
        ModelInfo {
            profile_id: Some(effective),
            original_model_id: Some(settings.primary_model_id.clone()),
            method: Some("profile_id".to_owned()),
            ..ModelInfo::default()
        }
    } else if effective.starts_with("global.") {
        ModelInfo {
            profile_id: Some(effective),
            method: Some("profile_id".to_owned()),
            ..ModelInfo::default()
        }
    } else {
        ModelInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// Each case of `tests/recorded/effective_model.json` has the settings, and the id and
    /// `model_info` that the Python program that Quarry takes over from had for them. Where
    /// something else is done here, `ours` says what, and `reason` why.
    #[test]
    fn recorded_settings_lead_to_the_recorded_model() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../tests/recorded/effective_model.json"))
                .unwrap();
        assert_eq!(cases.len(), 7);
        for case in cases {
            assert_eq!(case["ours"].is_null(), case["reason"].is_null(), "{case}");
            let settings = [
                ("BEDROCK_PRIMARY_MODEL_ID", "primary"),
                ("BEDROCK_INFERENCE_PROFILE_ARN", "arn"),
                ("BEDROCK_INFERENCE_PROFILE_REQUIRED_MODELS", "required"),
                ("BEDROCK_BATCH_ROLE_ARN", "role"),
            ]
            .map(|(name, key)| {
                let value = case[key].as_str().unwrap_or_default();
                (name.to_owned(), value.to_owned())
            });
            let found = Settings::read(&BTreeMap::from(settings));
            if let Some(words) = case["ours"]["refused"].as_str() {
                let message = found.unwrap_err().to_string();
                assert!(message.contains(words), "{case}: {message}");
                continue;
            }
            let found = found.unwrap();
            let effective = json!(found.effective_model_id());
            if case["ours"].is_null() {
                assert_eq!(effective, case["expected"]["effective_model_id"], "{case}");
                let info = &case["expected"]["inference_profile_info"];
                assert_eq!(&json!(model_info(&found)), info, "{case}");
            } else {
                assert_eq!(effective, case["ours"], "{case}");
            }
        }
    }
}
