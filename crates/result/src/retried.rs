//! The summary of a result that was merged from two runs: a run, and one that asked its failed rows
//! again.

use crate::summary::{
    AnswersSummary, BatchJobInfo, CostSummary, FileSummary, RefusalSummary, RoundSummary,
    RowsSummary, Summary, TableSummary, TokensSummary, TruncationStats,
};
use crate::totals::rate;
use quarry_cost::Usd;
use std::collections::BTreeMap;

/// The most lines that could not be used that a summary shows.
const MOST_EXAMPLES: usize = 5;

/// The rows of a merged result, as its tables have them.
#[derive(Debug, Clone, Copy)]
pub struct MergedRows<'a> {
    /// The rows of each input file, in the order of [`Summary::files_processed`].
    pub files: &'a [MergedCounts],
    /// For rows of the retry, by their number in its only table: the number in the first run's.
    pub numbers: &'a BTreeMap<u64, u64>,
}

/// What became of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergedCounts {
    /// Rows.
    pub rows: u64,
    /// Rows for which no model answered.
    pub failed: u64,
    /// Rows whose answer satisfies the schema.
    pub valid: u64,
}

impl MergedCounts {
    /// Counts a row.
    pub fn add_row(&mut self, failed: bool, valid: bool) {
        self.rows += 1;
        self.failed += u64::from(failed);
        self.valid += u64::from(valid);
    }

    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.failed += other.failed;
        self.valid += other.valid;
    }

    fn answered(self) -> u64 {
        self.rows - self.failed
    }
}

impl Summary {
    /// Returns the summary of a result whose failed rows were asked again by the run `retry`.
    ///
    /// Counts of rows are those of the merged tables. What was sent, came back and was paid for is the sum
    /// of both; the rounds of the retry follow those of the first run.
    #[must_use]
    pub fn merged_with(&self, retry: &Self, rows: &MergedRows<'_>) -> Self {
        let mut all = MergedCounts::default();
        rows.files.iter().for_each(|file| all.add(*file));
        let good = if self.template_integration.validation_schema_loaded {
            all.valid
        } else {
            all.answered()
        };
        let before = self.rounds.iter().map(|round| round.round + 1).max();
        let before = before.unwrap_or_default();
        Self {
            successful_records: all.answered(),
            failed_records: all.failed,
            validation_passed_records: all.valid,
            batch_processing_used: self.batch_processing_used || retry.batch_processing_used,
            batch_job_info: jobs(self, retry, before),
            overall_success_rate: rate(all.answered(), all.rows),
            overall_validation_rate: rate(all.valid, all.rows),
            processing_timestamp: retry.processing_timestamp.clone(),
            truncation_stats: truncations(self, retry),
            run: retry.run.clone(),
            merged_runs: merged_runs(self, retry),
            rows: RowsSummary {
                out: all.rows,
                answered_on_demand: self.rows.answered_on_demand + retry.rows.answered_on_demand,
                repaired: self.rows.repaired + retry.rows.repaired,
                // Such rows have no answer, so that they were asked again.
                too_large_to_send: retry.rows.too_large_to_send,
                stopped_by_max_cost: retry.rows.stopped_by_max_cost,
                ..self.rows
            },
            tables: self.tables.iter().map(beside_the_summary).collect(),
            on_demand_records: self.on_demand_records + retry.on_demand_records,
            tokens: tokens(self.tokens, retry.tokens),
            answers: answers(&self.answers, &retry.answers),
            rounds: rounds(self, retry, before),
            refusals: refusals(self, retry, rows.numbers),
            service_tiers: tiers(self, retry),
            notes: notes(self, retry, all.failed),
            cost: cost(self, retry, before, all.rows, good),
            // Values are counted when rows are written. The rows of the two runs were counted apart.
            profile: None,
            ..self.clone()
        }
        .with_files(rows.files)
        .with_differences(retry)
    }

    /// Counts the rows of each file anew.
    fn with_files(mut self, files: &[MergedCounts]) -> Self {
        for (file, counts) in self.files_processed.iter_mut().zip(files) {
            count(file, *counts);
        }
        let mut files = files.iter();
        for split in &mut self.splits_processed {
            let mut all = MergedCounts::default();
            for (file, counts) in split.files_processed.iter_mut().zip(files.by_ref()) {
                count(file, *counts);
                all.add(*counts);
            }
            split.successful_records = all.answered();
            split.failed_records = all.failed;
            split.validation_passed_records = all.valid;
            split.success_rate = rate(all.answered(), all.rows);
            split.validation_rate = rate(all.valid, all.rows);
        }
        self
    }

    fn with_differences(mut self, retry: &Self) -> Self {
        let own = &mut self.reconciliation;
        let theirs = retry.reconciliation.differences.iter();
        own.differences
            .extend(theirs.map(|text| format!("{}: {text}", retry.run)));
        own.agrees_with_bedrock = own.differences.is_empty();
        self
    }
}

fn count(file: &mut FileSummary, counts: MergedCounts) {
    file.successful = counts.answered();
    file.failed = counts.failed;
    file.validation_passed = counts.valid;
    file.success_rate = rate(counts.answered(), counts.rows);
    file.validation_rate = rate(counts.valid, counts.rows);
}

fn merged_runs(first: &Summary, retry: &Summary) -> Vec<String> {
    let mut runs = first.merged_runs.clone();
    if runs.is_empty() {
        runs.push(first.run.clone());
    }
    runs.push(retry.run.clone());
    runs
}

/// The place of a merged table, which is on the user's machine.
fn beside_the_summary(table: &TableSummary) -> TableSummary {
    let name = table.result.rsplit('/').next().unwrap_or_default();
    TableSummary {
        result: match &table.split {
            Some(split) => format!("{split}/{name}"),
            None => name.to_owned(),
        },
        ..table.clone()
    }
}

fn jobs(first: &Summary, retry: &Summary, before: usize) -> Option<BatchJobInfo> {
    let jobs_of = |summary: &Summary| {
        let info = summary.batch_job_info.clone();
        info.map_or_else(Vec::new, |info| info.jobs)
    };
    let mut jobs = jobs_of(first);
    for mut job in jobs_of(retry) {
        job.round += before;
        jobs.push(job);
    }
    (!jobs.is_empty()).then_some(BatchJobInfo {
        total_jobs: jobs.len() as u64,
        jobs,
    })
}

/// The rows of the retry are among those of the first run, so that their values count once.
fn truncations(first: &Summary, retry: &Summary) -> TruncationStats {
    let (own, other) = (&first.truncation_stats, &retry.truncation_stats);
    if own.truncation_enabled || !other.truncation_enabled {
        return own.clone();
    }
    TruncationStats {
        truncation_rate: rate(other.truncated_records, first.total_records),
        ..other.clone()
    }
}

fn tokens(first: TokensSummary, retry: TokensSummary) -> TokensSummary {
    TokensSummary {
        input: first.input + retry.input,
        output: first.output + retry.output,
        cache_read: first.cache_read + retry.cache_read,
        cache_write: first.cache_write + retry.cache_write,
        reasoning: first.reasoning + retry.reasoning,
    }
}

fn answers(first: &AnswersSummary, retry: &AnswersSummary) -> AnswersSummary {
    let examples = first.examples.iter().chain(&retry.examples);
    AnswersSummary {
        asked: first.asked + retry.asked,
        lines: first.lines + retry.lines,
        answered: first.answered + retry.answered,
        good: first.good + retry.good,
        repaired: first.repaired + retry.repaired,
        invalid: first.invalid + retry.invalid,
        cut_off: first.cut_off + retry.cut_off,
        errors: first.errors + retry.errors,
        missing: first.missing + retry.missing,
        duplicates: first.duplicates + retry.duplicates,
        contradictions: first.contradictions + retry.contradictions,
        contradicted: first.contradicted + retry.contradicted,
        unknown_ids: first.unknown_ids + retry.unknown_ids,
        malformed: first.malformed + retry.malformed,
        by_fallback_model: first.by_fallback_model + retry.by_fallback_model,
        lost_replies: first.lost_replies + retry.lost_replies,
        examples: examples.take(MOST_EXAMPLES).cloned().collect(),
    }
}

fn rounds(first: &Summary, retry: &Summary, before: usize) -> Vec<RoundSummary> {
    let again = retry.rounds.iter().map(|round| RoundSummary {
        round: round.round + before,
        ..*round
    });
    first.rounds.iter().copied().chain(again).collect()
}

/// Adds the lines of texts that both have. The lines whose text is not known come last.
fn refusals(first: &Summary, retry: &Summary, numbers: &BTreeMap<u64, u64>) -> Vec<RefusalSummary> {
    let mut all = first.refusals.clone();
    for other in &retry.refusals {
        let known = all
            .iter_mut()
            .find(|known| (&known.error, known.asked_again) == (&other.error, other.asked_again));
        match known {
            Some(known) => known.lines += other.lines,
            None => all.push(RefusalSummary {
                example_row: other.example_row.and_then(|row| numbers.get(&row).copied()),
                ..other.clone()
            }),
        }
    }
    all.sort_by_key(|one| one.error.is_none());
    all
}

fn tiers(first: &Summary, retry: &Summary) -> BTreeMap<String, u64> {
    let mut tiers = first.service_tiers.clone();
    for (tier, answers) in &retry.service_tiers {
        *tiers.entry(tier.clone()).or_default() += answers;
    }
    tiers
}

fn notes(first: &Summary, retry: &Summary, failed: u64) -> Vec<String> {
    let mut notes = first.notes.clone();
    for note in &retry.notes {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    notes.push(format!(
        "rows that failed in {} and were asked again in {}, with {}: {}; failed again: {failed}",
        first.run, retry.run, retry.effective_model_id, first.failed_records
    ));
    notes
}

/// Adds the cost of both; `None` if that of one is not known.
fn cost(
    first: &Summary,
    retry: &Summary,
    before: usize,
    rows: u64,
    good: u64,
) -> Option<CostSummary> {
    let (mut cost, other) = (first.cost.clone()?, retry.cost.as_ref()?);
    cost.total += other.total;
    cost.input += other.input;
    cost.output += other.output;
    cost.on_demand_would_be = cost
        .on_demand_would_be
        .zip(other.on_demand_would_be)
        .map(|(one, other)| one + other);
    cost.per_row = cost.total.shared_by(rows);
    cost.per_valid_answer = cost.total.shared_by(good);
    for table in &mut cost.by_table {
        let again = other.by_table.iter();
        let again: Usd = again
            .filter(|one| one.split == table.split)
            .map(|one| one.total)
            .sum();
        table.total += again;
    }
    for one in &other.by_model {
        match cost.by_model.iter_mut().find(|of| of.model == one.model) {
            Some(known) => {
                known.input_tokens += one.input_tokens;
                known.output_tokens += one.output_tokens;
                known.total += one.total;
            }
            None => cost.by_model.push(one.clone()),
        }
    }
    for one in &other.by_round {
        let mut again = *one;
        again.round += before;
        cost.by_round.push(again);
    }
    for one in &other.by_way {
        match cost.by_way.iter_mut().find(|of| of.way == one.way) {
            Some(known) => {
                known.input_tokens += one.input_tokens;
                known.output_tokens += one.output_tokens;
                known.total += one.total;
            }
            None => cost.by_way.push(*one),
        }
    }
    for price in &other.prices {
        if !cost.prices.contains(price) {
            cost.prices.push(price.clone());
        }
    }
    Some(cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn summary(run: &str, rows: u64, failed: u64, model: &str, usd: &str) -> Value {
        let cost = json!({
            "total": usd, "input": usd, "output": "0.000000", "on_demand_would_be": null, "per_row": null,
            "per_valid_answer": null, "by_table": [{"split": null, "total": usd}],
            "by_model": [{"model": model, "input_tokens": 3, "output_tokens": 4, "total": usd}],
            "by_round": [{"round": 0, "total": usd}],
            "by_way": [{"way": "job", "input_tokens": 3, "output_tokens": 4, "total": usd}], "prices": [],
        });
        let file = json!({
            "filename": "a.csv", "records": rows, "successful": rows - failed, "failed": failed, "validation_passed": 0,
            "success_rate": 0.5, "validation_rate": 0.0, "batch_processing_used": true,
        });
        json!({
            "job_type": "validation", "total_files": 1, "total_records": rows, "successful_records": rows - failed,
            "failed_records": failed, "validation_passed_records": 0, "files_processed": [file], "splits_processed": [],
            "model_info": {}, "effective_model_id": model,
            "template_integration": {
                "system_prompt_loaded": true, "user_prompt_template_loaded": true, "validation_schema_loaded": true,
                "pydantic_model_created": true,
            },
            "batch_processing_used": true, "batch_job_info": null, "overall_success_rate": 0.5,
            "overall_validation_rate": 0.0, "processing_timestamp": "2026-11-28T15:58:01Z",
            "truncation_stats": {
                "truncation_enabled": true, "max_input_field_length": 100, "total_truncations": 7, "truncated_records": 7,
                "truncated_fields": {"text": 7}, "truncation_rate": 0.7,
            },
            "run": run,
            "rows": {
                "in": rows, "out": rows, "left_out_as_errors": 0, "answered_on_demand": 1, "repaired": 1,
                "too_large_to_send": failed,
            },
            "tables": [{
                "split": null, "result": format!("s3://bucket/{run}/validation_processed_data.csv"), "rows_in": rows,
                "rows_out": rows, "slices": 1, "mode": "batch",
            }],
            "on_demand_records": 2,
            "tokens": {"input": 10, "output": 5, "cache_read": 0, "cache_write": 0, "reasoning": 1},
            "answers": {
                "asked": rows, "lines": rows, "answered": rows - failed, "good": rows - failed, "repaired": 0, "invalid": 0,
                "cut_off": 0, "errors": failed, "missing": 0, "duplicates": 0, "contradictions": 0, "unknown_ids": 0,
                "malformed": 0, "by_fallback_model": 0, "examples": ["a", "b", "c"],
            },
            "rounds": [{
                "round": 0, "jobs": 1, "on_demand_records": 0, "asked": rows, "good": rows - failed, "input_tokens": 10,
                "output_tokens": 5,
            }],
            "reconciliation": {"agrees_with_bedrock": false, "differences": ["slice 0, round 0: one line"]},
            "refusals": [
                {"error": format!("{run} is refused"), "lines": failed, "example_row": 1, "asked_again": false},
                {"error": "too many", "lines": 2, "example_row": 0, "asked_again": true},
            ],
            "service_tiers": {"default": 2}, "schema_source": null, "notes": ["a note"], "cost": cost,
        })
    }

    fn read(value: Value) -> Summary {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rows_are_those_of_the_merged_table_and_everything_else_is_added_up() {
        let first = read(summary("first", 10, 4, "small", "1.500000"));
        let again = read(summary("again", 4, 1, "large", "0.250000"));
        let mut file = MergedCounts::default();
        for row in 0..10 {
            file.add_row(row == 9, row < 5);
        }
        let rows = MergedRows {
            files: &[file],
            numbers: &BTreeMap::from([(1, 6)]),
        };
        let merged = json!(first.merged_with(&again, &rows));
        for (member, value) in [
            ("/total_records", json!(10)),
            ("/successful_records", json!(9)),
            ("/failed_records", json!(1)),
            ("/validation_passed_records", json!(5)),
            ("/overall_success_rate", json!(0.9)),
            ("/files_processed/0/failed", json!(1)),
            ("/files_processed/0/validation_rate", json!(0.5)),
            ("/run", json!("again")),
            ("/merged_runs", json!(["first", "again"])),
            ("/rows/in", json!(10)),
            ("/rows/out", json!(10)),
            ("/rows/answered_on_demand", json!(2)),
            ("/rows/too_large_to_send", json!(1)),
            ("/truncation_stats/truncated_records", json!(7)),
            ("/tables/0/result", json!("validation_processed_data.csv")),
            ("/tokens/input", json!(20)),
            ("/answers/asked", json!(14)),
            ("/answers/examples", json!(["a", "b", "c", "a", "b"])),
            ("/rounds/1/round", json!(1)),
            ("/rounds/1/asked", json!(4)),
            (
                "/reconciliation/differences/1",
                json!("again: slice 0, round 0: one line"),
            ),
            ("/refusals/1/lines", json!(4)),
            ("/refusals/2/error", json!("again is refused")),
            ("/refusals/2/example_row", json!(6)),
            ("/service_tiers/default", json!(4)),
            ("/cost/total", json!("1.750000")),
            ("/cost/per_row", json!("0.175000")),
            ("/cost/per_valid_answer", json!("0.350000")),
            ("/cost/by_table/0/total", json!("1.750000")),
            ("/cost/by_model/1/model", json!("large")),
            ("/cost/by_round/1/round", json!(1)),
            ("/cost/by_way/0/input_tokens", json!(6)),
            (
                "/notes",
                json!([
                    "a note",
                    "rows that failed in first and were asked again in again, with large: 4; failed again: 1"
                ]),
            ),
        ] {
            assert_eq!(merged.pointer(member), Some(&value), "{member}");
        }
        // A retry of the retry.
        let third = read(summary("third", 1, 0, "small", "0.010000"));
        let merged = read(merged).merged_with(&third, &rows);
        assert_eq!(merged.merged_runs, ["first", "again", "third"]);
        assert_eq!(merged.rounds[2].round, 2);
        assert_eq!(merged.cost.unwrap().by_model.len(), 2);
    }

    #[test]
    fn the_cost_is_unknown_if_that_of_one_run_is() {
        let first = read(summary("first", 2, 1, "small", "1.000000"));
        let mut again = first.clone();
        again.cost = None;
        let rows = MergedRows {
            files: &[MergedCounts::default()],
            numbers: &BTreeMap::new(),
        };
        assert_eq!(first.merged_with(&again, &rows).cost, None);
        assert_eq!(again.merged_with(&first, &rows).cost, None);
    }
}
