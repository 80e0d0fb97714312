//! `finish`: joins the slices' parts, writes the report and the summary, and proves that no row is lost.
//!
//! The data of the parts stays in S3, which copies it; only small parts pass through the function.
//! Work that outlasts one invocation stores its progress in the run's folder, and the state machine
//! calls `finish` again.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | A result is the header and every part, in the order of the slices, in the table's format and compression. | `segments`, `text_segments`, `parquet` | `results::a_result_is_the_header_line_and_every_part_in_the_order_of_the_slices` and the others of `results` |
//! | Every table has a result, even one without rows. | `handle`, `parquet` | `results::every_training_split_has_its_own_result_even_if_it_is_empty`, `results::a_parquet_table_without_rows_is_a_file_with_its_columns` |
//! | A run whose rows do not add up is not reported as done: it has no summary and no figures. | `add_up`, `receipts`, `parquet` | `refusals::rows_that_are_missing_between_two_slices_are_named`, `refusals::rows_that_are_missing_at_the_end_are_counted`, `refusals::a_slice_without_a_receipt_is_named`, `refusals::a_parquet_part_with_other_rows_than_its_receipt_says_is_inconsistent` |
//! | A run that asked and got no answer fails, unless its settings allow it. The error names what came back, and the remedy. | `answered` | `refusals::a_run_without_an_answer_fails_unless_the_request_allows_it`, `refusals::a_run_in_which_a_guardrail_stops_every_record_fails_with_the_reason`, `refusals::a_run_whose_lines_could_not_be_used_fails_with_what_they_were`, `refusals::a_run_that_asked_nothing_needs_no_answer` |
//! | Each part is the one that its receipt names. | `segments` (`part_etag`) | `refusals::a_part_that_was_replaced_after_its_receipt_is_read_anew_by_the_next_call` |
//! | The summary is written last, at the place that the request names, with the counts of the receipts. | `handle`, `quarry_result::summary` | `summaries`, `repetitions::a_call_that_dies_at_any_write_is_made_good_by_the_next_and_leaves_no_summary_before` |
//! | The summary has the profile of all slices; none if a slice has none. | `receipts` | `summaries::the_profiles_of_all_slices_are_added_up_unless_one_has_none` |
//! | The report is beside the summary, with the same figures and without a cell of the input. | `write_report` | `summaries::the_report_has_the_figures_of_the_summary_and_no_cell` |
//! | Work that outlasts an invocation continues in the next one. No part is copied twice, and no result is written twice. | `handle` (`FinishProgress`), `quarry_edge::s3::concat` | `turns` |
//! | A repeated call leaves the same objects. | `handle` | `repetitions::finishing_again_writes_the_same_objects`, `turns::a_repeated_turn_resumes_from_the_same_place` |
//! | Each error has a name that says whether the call is repeated, and its object. | everywhere | `refusals` |

mod answered;
mod parquet;
mod receipts;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_asking::Asking;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{FinishInput, FinishOutput};
use quarry_contract::plan::{Plan, Table};
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::s3::concat::{
    ConcatOptions, ConcatProgress, ConcatSegment, Concatenated, concatenate,
};
use quarry_edge::store::{ObjectInfo, ObjectStore, WriteCondition};
use quarry_parquet::ResultColumn;
use quarry_report::{AskedTexts, RunReport, run_page};
use quarry_result::receipt::Receipt;
use quarry_result::summary::{self, Summary};
use quarry_result::totals::{Figures, Totals};
use quarry_rows::TableFormat;
use quarry_table::{Dialect, RowEncoder};
use receipts::AllReceipts;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::Arc;

/// What `finish` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the parts and receives the results.
    pub store: Arc<dyn ObjectStore>,
    /// Receives the metrics.
    pub metrics: Arc<dyn Metrics>,
}

/// The progress of `finish` between two calls: `finish-progress.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishProgress {
    version: u32,
    /// The number of tables whose result is written.
    tables_done: usize,
    /// The result that is being written.
    concat: Option<ConcatProgress>,
}

/// Finishes a run, or does the next share of the work when the time does not suffice for all of it.
pub async fn handle(
    deps: &Deps,
    input: FinishInput,
    time_left: &dyn TimeLeft,
) -> Result<FinishOutput, StepError> {
    let run = RunFolder::at(input.run.clone());
    let plan: Plan = documents::read(&*deps.store, &run.plan()).await?;
    let asking = Asking::of_plan(&plan).map_err(StepError::bad_request)?;
    let mut progress = if input.turn == 0 {
        FinishProgress {
            version: VERSION,
            ..FinishProgress::default()
        }
    } else {
        documents::read(&*deps.store, &run.finish_progress()).await?
    };
    let properties = asking.columns().properties();
    let AllReceipts { receipts, profile } =
        receipts::read_all(&*deps.store, &run, plan.slices, properties).await?;
    let totals = add_up(&plan, &receipts)?;
    answered::check(&receipts, asking.settings())?;
    let figures = totals.figures();
    let summary_at = plan
        .request
        .summary
        .as_ref()
        .unwrap_or(&plan.request.output)
        .join(&summary::file_name(&plan));
    let mut output = FinishOutput {
        version: VERSION,
        done: false,
        turn: input.turn + 1,
        run: input.run.clone(),
        output: plan.request.output.clone(),
        summary: summary_at.clone(),
        rows: figures.rows,
        failed: figures.failed,
        cost: None,
    };

    while progress.tables_done < plan.tables.len() {
        let table = &plan.tables[progress.tables_done];
        let target = result_location(&plan, table);
        let segments =
            segments(deps, &run, &plan, &asking, progress.tables_done, &receipts).await?;
        let done = concatenate(
            &*deps.store,
            &target,
            &segments,
            progress.concat.take(),
            time_left,
            &ConcatOptions::default(),
        )
        .await
        .doing(|| format!("writing {target}"))?;
        match done {
            Concatenated::Done(_) => progress.tables_done += 1,
            Concatenated::Unfinished(unfinished) => {
                progress.concat = Some(unfinished);
                documents::write(&*deps.store, &run.finish_progress(), &progress).await?;
                return Ok(output);
            }
        }
    }

    let written: Vec<String> = plan
        .tables
        .iter()
        .map(|table| result_location(&plan, table).to_string())
        .collect();
    let mut summary = totals.summary(&plan, asking.settings(), asking.prompt_parts(), &written);
    let splits: Vec<Option<String>> = plan.tables.iter().map(|it| it.split.clone()).collect();
    summary.profile = profile.map(|profile| profile.summary(&splits));
    output.cost = summary.cost.as_ref().map(|cost| cost.total);
    let mut text = serde_json::to_vec_pretty(&summary).map_err(StepError::bad_request)?;
    write_report(&*deps.store, &summary_at, &summary).await?;
    text.push(b'\n');
    deps.store
        .put(&summary_at, Bytes::from(text), WriteCondition::Always)
        .await
        .doing(|| format!("writing {summary_at}"))?;
    report(deps, &figures);
    output.done = true;
    Ok(output)
}

/// Writes the page about the run beside the summary. The page has no cell of the input, and no prompt: who may
/// read the results need not be allowed to read the prompts.
async fn write_report(
    store: &dyn ObjectStore,
    summary_at: &S3Uri,
    summary: &Summary,
) -> Result<(), StepError> {
    let page = run_page(&RunReport {
        summary,
        asked: &AskedTexts::default(),
        table: None,
    });
    let at = summary_at.beside(&summary::report_name(summary_at.file_name()));
    store
        .put(&at, Bytes::from(page), WriteCondition::Always)
        .await
        .doing(|| format!("writing {at}"))?;
    Ok(())
}

/// Logs and counts the run's outcome. Called once, after everything is written.
fn report(deps: &Deps, figures: &Figures) {
    tracing::info!(
        rows = figures.rows,
        failed = figures.failed,
        input_tokens = figures.input_tokens,
        output_tokens = figures.output_tokens,
        "finished"
    );
    deps.metrics.emit(&[
        (Metric::Rows, figures.rows),
        (Metric::RowsFailed, figures.failed),
        (Metric::Answers, figures.answers),
        (Metric::Repaired, figures.repaired),
        (Metric::Missing, figures.missing),
        (Metric::InputTokens, figures.input_tokens),
        (Metric::OutputTokens, figures.output_tokens),
    ]);
}

fn result_location(plan: &Plan, table: &Table) -> S3Uri {
    plan.request.output.join(&plan.result_name(table))
}

/// Adds up the receipts. Refuses slices that do not follow each other, and tables whose rows are
/// not all there.
fn add_up(plan: &Plan, receipts: &[Receipt]) -> Result<Totals, StepError> {
    let mut totals = Totals::new(plan);
    for (number, table) in plan.tables.iter().enumerate() {
        for receipt in of_table(table, receipts) {
            totals
                .add(number, receipt)
                .map_err(|gap| StepError::inconsistent(gap.to_string()))?;
        }
        let rows = totals.table(number).rows;
        if rows != table.rows {
            return Err(StepError::inconsistent(format!(
                "table {number} has {} rows, its slices have {rows}",
                table.rows
            )));
        }
    }
    Ok(totals)
}

fn of_table<'a>(table: &Table, receipts: &'a [Receipt]) -> &'a [Receipt] {
    let first = table.first_slice as usize;
    receipts
        .get(first..first + table.slices as usize)
        .unwrap_or(&[])
}

/// Returns the sources of a table's result, in order.
async fn segments(
    deps: &Deps,
    run: &RunFolder,
    plan: &Plan,
    asking: &Asking,
    number: usize,
    receipts: &[Receipt],
) -> Result<Vec<ConcatSegment>, StepError> {
    let table = &plan.tables[number];
    let replaced = asking
        .columns()
        .replaced(&table.columns, asking.settings().replace_columns)
        .map_err(StepError::bad_request)?;
    let receipts = of_table(table, receipts);
    let parts: Vec<ObjectInfo> = receipts
        .iter()
        .filter(|receipt| receipt.part_bytes > 0)
        .map(|receipt| ObjectInfo {
            location: run.slice(receipt.slice).part(),
            size: receipt.part_bytes,
            etag: receipt.part_etag.clone(),
            version: None,
            checksum: None,
        })
        .collect();
    tracing::debug!(parts = parts.len(), "putting parts together");
    match quarry_rows::format_of(table) {
        TableFormat::Text(dialect) => text_segments(table, dialect, asking, &replaced, parts),
        TableFormat::Parquet => {
            let at = run.layout(number, table.layout.as_deref());
            let layout = quarry_rows::layout(&*deps.store, &at).await?;
            let results = ResultColumn::of_run(asking.columns(), plan.schema.as_ref());
            let rows = receipts.iter().map(|receipt| receipt.rows_written).sum();
            parquet::segments(&deps.store, &layout, &results, &replaced, &parts, rows).await
        }
    }
}

/// Returns the header line and then the parts.
fn text_segments(
    table: &Table,
    dialect: Dialect,
    asking: &Asking,
    replaced: &[usize],
    parts: Vec<ObjectInfo>,
) -> Result<Vec<ConcatSegment>, StepError> {
    let mut encoder = RowEncoder::new(
        dialect,
        &quarry_rows::header_of(table),
        asking.columns().names(),
        replaced,
    );
    let mut header = Vec::new();
    encoder.header_line(&mut header);
    if table.gzip {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        header = gzip
            .write_all(&header)
            .and_then(|()| gzip.finish())
            .map_err(StepError::bad_request)?;
    }
    let mut segments = Vec::with_capacity(parts.len() + 1);
    if !header.is_empty() {
        segments.push(ConcatSegment::Bytes(Bytes::from(header)));
    }
    segments.extend(parts.into_iter().map(ConcatSegment::whole));
    Ok(segments)
}
