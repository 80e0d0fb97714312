//! The summary of a run: the original step's keys in their order, then what it did not say.

use crate::ledger::Counts;
use crate::receipt::{FileOutcomes, Receipt};
use crate::refusals::Refusals;
use quarry_contract::plan::{Mode, Plan, Table};
use quarry_contract::settings::{ServiceTier, Settings};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Adds receipts up, slice by slice, so that a run of any number of slices fits in memory: what
/// grows with the run is one line a job.
#[derive(Debug, Default)]
pub struct Totals {
    tables: Vec<TableTotals>,
    rounds: BTreeMap<usize, RoundTotals>,
    jobs: Vec<Value>,
    differences: Vec<String>,
    truncations: u64,
    truncated_records: u64,
    truncated_fields: BTreeMap<String, u64>,
    unsendable: u64,
    unfit: BTreeMap<String, u64>,
    form_changes: BTreeSet<String>,
}

/// One table's outcomes.
#[derive(Debug, Default, Clone)]
pub struct TableTotals {
    files: BTreeMap<usize, FileOutcomes>,
    /// Rows of the slices seen.
    pub rows: u64,
    /// Rows in the parts seen.
    pub rows_written: u64,
    /// Bytes of the parts seen.
    pub part_bytes: u64,
}

#[derive(Debug, Default, Clone)]
struct RoundTotals {
    jobs: u64,
    on_demand: u64,
    counts: Counts,
}

/// The numbers of a run, over all tables and rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows.
    pub rows: u64,
    /// Rows for which no model answered.
    pub failed: u64,
    /// Rows whose answer in the result was repaired.
    pub repaired: u64,
    /// Answers, of all rounds.
    pub answers: u64,
    /// Records for which no line came back, of all rounds.
    pub missing: u64,
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
}

/// What the prompts file gives of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptParts {
    /// A system prompt.
    pub system: bool,
    /// A user prompt, so that the default is not needed.
    pub template: bool,
}

/// Rows that do not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: slice {slice} holds rows {found}, expected rows from {expected}")]
pub struct Gap {
    /// The table's number.
    pub table: usize,
    /// The slice's number.
    pub slice: u32,
    /// Its first row.
    pub found: u64,
    /// The row that should be next.
    pub expected: u64,
}

impl Totals {
    /// For a plan's tables.
    pub fn new(plan: &Plan) -> Self {
        Self {
            tables: vec![TableTotals::default(); plan.tables.len()],
            ..Self::default()
        }
    }

    /// Adds the next slice of `table`; slices come in order, each where the last one ended.
    pub fn add(&mut self, table: usize, receipt: &Receipt) -> Result<(), Gap> {
        let totals = &mut self.tables[table];
        if receipt.first_row != totals.rows {
            return Err(Gap {
                table,
                slice: receipt.slice,
                found: receipt.first_row,
                expected: totals.rows,
            });
        }
        totals.rows += receipt.rows;
        totals.rows_written += receipt.rows_written;
        totals.part_bytes += receipt.part_bytes;
        for file in &receipt.files {
            let all = totals.files.entry(file.file).or_default();
            all.file = file.file;
            all.add(file);
        }
        for (number, round) in receipt.rounds.iter().enumerate() {
            let all = self.rounds.entry(number).or_default();
            all.jobs += u64::from(round.job.is_some());
            all.on_demand += round.on_demand;
            all.counts.add(&round.counts);
            if let Some(job) = &round.job {
                self.jobs.push(json!({
                    "arn": job.arn,
                    "name": job.name,
                    "status": job.status,
                    "message": job.message,
                    "slice": receipt.slice,
                    "round": number,
                    "seconds": job.seconds,
                    "records": round.counts.asked,
                    "answers": round.counts.answered,
                    "input_tokens": round.counts.input_tokens,
                    "output_tokens": round.counts.output_tokens,
                }));
            }
            self.differences.extend(
                round
                    .differences
                    .iter()
                    .map(|text| format!("slice {}, round {number}: {text}", receipt.slice)),
            );
        }
        self.truncations += receipt.truncations;
        self.truncated_records += receipt.truncated_records;
        for (field, cuts) in &receipt.truncated_fields {
            *self.truncated_fields.entry(field.clone()).or_default() += cuts;
        }
        self.unsendable += receipt.unsendable;
        self.form_changes
            .extend(receipt.form_changes.iter().cloned());
        for (column, rows) in &receipt.unfit {
            *self.unfit.entry(column.clone()).or_default() += rows;
        }
        Ok(())
    }

    /// One table's outcomes.
    pub fn table(&self, table: usize) -> &TableTotals {
        &self.tables[table]
    }

    /// The numbers of the slices seen.
    pub fn figures(&self) -> Figures {
        let counts = self.counts();
        Figures {
            rows: self.tables.iter().map(|table| table.rows).sum(),
            failed: self.files().map(|file| file.failed).sum(),
            repaired: self.files().map(|file| file.repaired).sum(),
            answers: counts.answered,
            missing: counts.missing,
            input_tokens: counts.input_tokens,
            output_tokens: counts.output_tokens,
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for round in self.rounds.values() {
            counts.add(&round.counts);
        }
        counts
    }

    fn files(&self) -> impl Iterator<Item = &FileOutcomes> {
        self.tables.iter().flat_map(|table| table.files.values())
    }

    /// The summary's text. `written` names the result objects in table order.
    #[expect(
        clippy::too_many_lines,
        reason = "one entry for each key, in the order in which they are written"
    )]
    pub fn summary(
        &self,
        plan: &Plan,
        settings: &Settings,
        prompt: PromptParts,
        written: &[String],
    ) -> Value {
        let all = self.files().fold(FileOutcomes::default(), |mut sum, file| {
            sum.add(file);
            sum
        });
        let training = plan.tables.iter().any(|table| table.split.is_some());
        let counts = self.counts();
        let jobs: u64 = self.rounds.values().map(|round| round.jobs).sum();
        let on_demand_records: u64 = self.rounds.values().map(|round| round.on_demand).sum();

        let mut summary = Map::new();
        let mut put = |key: &str, value: Value| {
            summary.insert(key.to_owned(), value);
        };
        put("job_type", json!(plan.request.job_type.as_str()));
        put(
            "total_files",
            json!(plan.tables.iter().map(|t| t.files.len()).sum::<usize>()),
        );
        put("total_records", json!(all.records));
        put("successful_records", json!(all.successful));
        put("failed_records", json!(all.failed));
        put("validation_passed_records", json!(all.validation_passed));
        let tables: Vec<(&Table, &TableTotals)> = plan.tables.iter().zip(&self.tables).collect();
        put(
            "files_processed",
            tables
                .iter()
                .flat_map(|(table, totals)| file_entries(table, totals))
                .collect(),
        );
        put(
            "splits_processed",
            if training {
                tables
                    .iter()
                    .map(|(table, totals)| split_entry(table, totals))
                    .collect()
            } else {
                json!([])
            },
        );
        put("model_info", model_info(settings));
        put("effective_model_id", json!(settings.effective_model_id()));
        put(
            "template_integration",
            json!({
                "system_prompt_loaded": prompt.system,
                "user_prompt_template_loaded": prompt.template,
                "validation_schema_loaded": plan.schema.is_some(),
                "pydantic_model_created": plan.schema.is_some(),
            }),
        );
        put(
            "batch_processing_used",
            json!(plan.tables.iter().any(is_asked_by_jobs)),
        );
        put(
            "batch_job_info",
            if jobs == 0 {
                Value::Null
            } else {
                json!({ "total_jobs": jobs, "jobs": self.jobs })
            },
        );
        put(
            "overall_success_rate",
            json!(rate(all.successful, all.records)),
        );
        put(
            "overall_validation_rate",
            json!(rate(all.validation_passed, all.records)),
        );
        put("processing_timestamp", json!(plan.started));
        put(
            "truncation_stats",
            json!({
                "truncation_enabled": settings.truncation_enabled,
                "max_input_field_length": settings.max_input_field_length,
                "total_truncations": self.truncations,
                "truncated_records": self.truncated_records,
                "truncated_fields": self.truncated_fields,
                "truncation_rate": rate(self.truncated_records, all.records),
            }),
        );

        put("run", json!(plan.execution));
        put(
            "rows",
            json!({
                "in": plan.tables.iter().map(|table| table.rows).sum::<u64>(),
                "out": self.tables.iter().map(|table| table.rows_written).sum::<u64>(),
                "left_out_as_errors": self.tables.iter().map(|t| t.rows - t.rows_written).sum::<u64>(),
                "answered_on_demand": all.on_demand,
                "repaired": all.repaired,
                "too_large_to_send": self.unsendable,
            }),
        );
        put(
            "tables",
            tables
                .iter()
                .zip(written)
                .map(|((t, totals), object)| table_entry(t, totals, object))
                .collect(),
        );
        put("on_demand_records", json!(on_demand_records));
        put(
            "tokens",
            json!({
                "input": counts.input_tokens,
                "output": counts.output_tokens,
                "cache_read": counts.cache_read_tokens,
                "cache_write": counts.cache_write_tokens,
                "reasoning": counts.reasoning_tokens,
            }),
        );
        put(
            "answers",
            json!({
                "asked": counts.asked,
                "lines": counts.lines,
                "answered": counts.answered,
                "good": counts.good,
                "repaired": counts.repaired,
                "invalid": counts.invalid,
                "cut_off": counts.cut_off,
                "errors": counts.errors,
                "missing": counts.missing,
                "duplicates": counts.duplicates,
                "contradictions": counts.contradictions,
                "unknown_ids": counts.unknown_ids,
                "malformed": counts.malformed,
                "by_fallback_model": counts.by_fallback,
                "examples": counts.examples,
            }),
        );
        put(
            "rounds",
            self.rounds
                .iter()
                .map(|(number, round)| round_entry(*number, round))
                .collect(),
        );
        put(
            "reconciliation",
            json!({ "agrees_with_bedrock": self.differences.is_empty(), "differences": self.differences }),
        );
        put("refusals", refusal_entries(&counts.refusals));
        put("service_tiers", json!(counts.service_tiers));
        put("schema_source", json!(plan.schema_source));
        let unfit = self.unfit.iter().map(|(column, rows)| {
            format!(
                "{column} has {rows} values that the column's type in Parquet cannot hold; they are null there"
            )
        });
        let forms = self
            .form_changes
            .iter()
            .map(|change| format!("the service refused a form of the requests. {change}"));
        let notes: Vec<String> = plan
            .notes
            .iter()
            .cloned()
            .chain(unfit)
            .chain(forms)
            .chain(flex_note(settings, &counts))
            .collect();
        put("notes", json!(notes));
        Value::Object(summary)
    }
}

/// What the service refused, by its words; in all rounds, so a row can be in it several times.
fn refusal_entries(refusals: &Refusals) -> Value {
    let mut entries: Vec<Value> = refusals
        .groups()
        .iter()
        .map(|group| {
            json!({
                "error": group.text,
                "lines": group.lines,
                "example_row": group.example_row,
                "asked_again": !group.is_final,
            })
        })
        .collect();
    if refusals.others() > 0 {
        entries.push(json!({ "error": null, "lines": refusals.others() }));
    }
    Value::Array(entries)
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

/// A table in batch mode that has rows has at least one slice large enough for a job.
fn is_asked_by_jobs(table: &Table) -> bool {
    table.mode == Mode::Batch && table.slices > 0
}

fn rate(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn file_entries(table: &Table, totals: &TableTotals) -> Vec<Value> {
    table
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| {
            let outcomes = totals.files.get(&number).cloned().unwrap_or_default();
            let mut entry = json!({
                "filename": file.name,
                "records": file.rows,
                "successful": outcomes.successful,
                "failed": outcomes.failed,
                "validation_passed": outcomes.validation_passed,
                "success_rate": rate(outcomes.successful, file.rows),
                "validation_rate": rate(outcomes.validation_passed, file.rows),
                "batch_processing_used": is_asked_by_jobs(table),
            });
            if file.rows == 0
                && let Some(map) = entry.as_object_mut()
            {
                map.insert("warning".to_owned(), json!("the file has no rows"));
            }
            entry
        })
        .collect()
}

fn split_entry(table: &Table, totals: &TableTotals) -> Value {
    let all = totals
        .files
        .values()
        .fold(FileOutcomes::default(), |mut sum, file| {
            sum.add(file);
            sum
        });
    json!({
        "split_name": table.split,
        "total_files": table.files.len(),
        "total_records": all.records,
        "successful_records": all.successful,
        "failed_records": all.failed,
        "validation_passed_records": all.validation_passed,
        "files_processed": file_entries(table, totals),
        "batch_processing_used": is_asked_by_jobs(table),
        "success_rate": rate(all.successful, all.records),
        "validation_rate": rate(all.validation_passed, all.records),
    })
}

fn table_entry(table: &Table, totals: &TableTotals, object: &str) -> Value {
    json!({
        "split": table.split,
        "result": object,
        "rows_in": table.rows,
        "rows_out": totals.rows_written,
        "slices": table.slices,
        "mode": table.mode,
    })
}

fn round_entry(number: usize, round: &RoundTotals) -> Value {
    json!({
        "round": number,
        "jobs": round.jobs,
        "on_demand_records": round.on_demand,
        "asked": round.counts.asked,
        "good": round.counts.good,
        "input_tokens": round.counts.input_tokens,
        "output_tokens": round.counts.output_tokens,
    })
}

fn model_info(settings: &Settings) -> Value {
    let effective = settings.effective_model_id();
    if settings.inference_profile_arn.is_some() {
        json!({ "arn": effective, "method": "arn" })
    } else if effective != settings.primary_model_id {
        json!({ "profile_id": effective, "original_model_id": settings.primary_model_id, "method": "profile_id" })
    } else if effective.starts_with("global.") {
        json!({ "profile_id": effective, "method": "profile_id" })
    } else {
        json!({})
    }
}

/// The summary's file name: `processing_summary_<job_type>_<YYYYMMDD_HHMMSS>.json`, of the time
/// when the run started.
pub fn file_name(plan: &Plan) -> String {
    let digits: String = plan
        .started
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let (day, time) = digits.split_at(digits.len().min(8));
    format!(
        "processing_summary_{}_{day}_{time}.json",
        plan.request.job_type
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case of `tests/recorded/effective_model.json` has the settings, and the id and
    /// `model_info` that the Python program that Quarry takes over from had for them. Where
    /// something else is done here, `ours` says what, and `reason` why.
    #[test]
    fn recorded_settings_lead_to_the_recorded_model() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../tests/recorded/effective_model.json")).unwrap();
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
                assert_eq!(&model_info(&found), info, "{case}");
            } else {
                assert_eq!(effective, case["ours"], "{case}");
            }
        }
    }
}
