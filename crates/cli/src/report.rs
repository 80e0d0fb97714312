//! The report of a run, as a table or as JSON.

use crate::failure::Failure;
use crate::output::{printable_lines, write, write_json};
use crate::reasons::{self, Reason};
use quarry_bedrock_simulator::{Counters, UnusedScript};
use quarry_contract::plan::Plan;
use quarry_contract::settings::Settings;
use quarry_cost::Way;
use quarry_local_stack::{Finished, FunctionUse};
use quarry_result::summary::{CostSummary, Summary};
use quarry_runs::grouped;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The number of reasons that are shown; the others are counted.
const REASONS_SHOWN: usize = 5;

/// The content of a run's report.
pub(crate) struct Report<'a> {
    pub(crate) finished: &'a Finished,
    pub(crate) counters: &'a Counters,
    /// What the given answers and faults name and the run did not have, and the same in words.
    pub(crate) unused: &'a UnusedScript,
    pub(crate) unused_notes: Vec<String>,
    /// What each function used, and the state machine.
    pub(crate) uses: &'a BTreeMap<&'static str, FunctionUse>,
    pub(crate) plan: &'a Plan,
    pub(crate) files: &'a [PathBuf],
    pub(crate) took: Duration,
    pub(crate) json: bool,
    pub(crate) verbose: bool,
}

/// Prints the report to standard output.
pub(crate) fn print(report: &Report<'_>) -> Result<(), Failure> {
    let summary = read(&report.finished.summary, report.files)?;
    let reasons = reasons(&summary, report.plan, report.files);
    if report.json {
        write_json(&as_json(report, &reasons))?;
    } else {
        write(printable_lines(&as_table(report, &summary, &reasons)).as_bytes())?;
    }
    Ok(())
}

/// Reads the summary that `finish` wrote. If that fails, the result is there all the same, so the failure names its files.
fn read(summary: &Value, files: &[PathBuf]) -> Result<Summary, Failure> {
    Summary::deserialize(summary).map_err(|error| {
        let files: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        Failure::run(format!(
            "the summary cannot be read: {error}; the result is complete: wrote {}",
            files.join(", ")
        ))
    })
}

/// Prints the outcome of a merge.
pub(crate) fn print_merge(
    document: &Value,
    plan: &Plan,
    files: &[PathBuf],
    json: bool,
) -> Result<(), Failure> {
    let summary = &read(document, files)?;
    let reasons = reasons(summary, plan, files);
    if json {
        let value = json!({ "summary": document, "failures": reasons, "files": files });
        write_json(&value)?;
        return Ok(());
    }
    let mut text = String::new();
    add_lines(&mut text, &rows(summary));
    add_reasons(&mut text, &reasons, all_failures(summary));
    add_lines(
        &mut text,
        &[
            ("rows without line", summary.answers.missing.to_string()),
            ("lines not used", lines_not_used(summary)),
        ],
    );
    add_notes_and_files(&mut text, &summary.notes, files);
    write(printable_lines(&text).as_bytes())?;
    Ok(())
}

/// Whether answers are checked against a schema.
pub(crate) fn has_schema(summary: &Summary) -> bool {
    summary.schema_source.is_some()
}

/// Returns the number of result rows without an answer, or with one that does not keep to the
/// schema.
pub(crate) fn failures(summary: &Summary) -> u64 {
    let good = if has_schema(summary) {
        summary.validation_passed_records
    } else {
        summary.successful_records
    };
    summary.rows.out.saturating_sub(good)
}

/// Returns the same with the rows that the result leaves out.
fn all_failures(summary: &Summary) -> u64 {
    failures(summary) + summary.rows.left_out_as_errors
}

/// Returns why rows have no good answer: those of the result, and those that it leaves out, which only the summary knows.
fn reasons(summary: &Summary, plan: &Plan, files: &[PathBuf]) -> Vec<Reason> {
    let mut found = reasons_in_result(summary, plan, files);
    if summary.rows.left_out_as_errors > 0 {
        found.extend(reasons::of_left_out(summary, files));
        found.sort_by_key(|reason| Reverse(reason.rows));
    }
    found
}

fn reasons_in_result(summary: &Summary, plan: &Plan, files: &[PathBuf]) -> Vec<Reason> {
    let expected = failures(summary);
    if expected == 0 {
        return Vec::new();
    }
    let Ok(settings) = Settings::read(&plan.settings) else {
        return Vec::new();
    };
    let (prefix, quoting) = (&settings.output_column_prefix, settings.csv_quoting);
    reasons::of_results(files, prefix, quoting, expected, has_schema(summary))
}

fn as_json(report: &Report<'_>, reasons: &[Reason]) -> Value {
    let outcome = &report.finished.outcome;
    json!({
        "summary": report.finished.summary,
        "simulator": report.counters,
        "failures": reasons,
        "unused": report.unused,
        "files": report.files,
        "history_events": outcome.history_events,
        "most_history_events_of_a_slice": outcome.max_child_history_events,
        "state_transitions": outcome.state_transitions,
        "functions": functions(report.uses),
        "virtual_seconds": outcome.virtual_elapsed.as_secs(),
        "least_seconds_on_demand": on_demand(report).as_secs(),
        "seconds": report.took.as_secs_f64(),
    })
}

/// Returns what each function used, for programs.
fn functions(uses: &BTreeMap<&'static str, FunctionUse>) -> Value {
    let functions = uses.iter().map(|(name, used)| {
        let value = json!({
            "calls": used.calls,
            "s3_writes": used.requests.writes,
            "s3_reads": used.requests.reads,
            "s3_deletes": used.requests.deletes,
            "bytes_read": used.bytes_read,
            "bytes_written": used.bytes_written,
        });
        ((*name).to_owned(), value)
    });
    Value::Object(functions.collect())
}

fn as_table(report: &Report<'_>, summary: &Summary, reasons: &[Reason]) -> String {
    let outcome = &report.finished.outcome;
    let jobs = summary.batch_job_info.as_ref();
    let mut text = String::new();
    add_lines(&mut text, &rows(summary));
    add_reasons(&mut text, reasons, all_failures(summary));
    let mut lines = vec![
        ("rounds", summary.rounds.len().to_string()),
        ("jobs", jobs.map_or(0, |info| info.total_jobs).to_string()),
        ("on-demand calls", grouped(report.counters.on_demand_calls)),
        (
            "tokens in / out",
            format!(
                "{} / {}",
                grouped(summary.tokens.input),
                grouped(summary.tokens.output)
            ),
        ),
        ("lines not used", lines_not_used(summary)),
    ];
    if let Some(cost) = &summary.cost {
        lines.insert(4, ("cost", simulated_cost(cost)));
    }
    lines.extend(sample(summary));
    if report.verbose {
        lines.push((
            "history events",
            format!(
                "{} + at most {} a slice",
                outcome.history_events, outcome.max_child_history_events
            ),
        ));
        lines.push(("state transitions", grouped(outcome.state_transitions)));
        let used = report.uses.values().copied();
        let used = used.fold(FunctionUse::default(), FunctionUse::plus);
        lines.push(("function calls", grouped(used.calls)));
        let (writes, reads) = (grouped(used.requests.writes), grouped(used.requests.reads));
        lines.push(("S3 requests", format!("{writes} writes, {reads} reads")));
    }
    lines.push(("virtual time", virtual_time(report)));
    lines.push(("time", format!("{:.1} s", report.took.as_secs_f64())));
    add_lines(&mut text, &lines);
    let notes = summary.notes.iter().chain(&report.unused_notes);
    add_notes_and_files(&mut text, notes, report.files);
    text
}

/// Returns which rows a sample has, and what all rows would take.
fn sample(summary: &Summary) -> Vec<(&'static str, String)> {
    let Some(sample) = &summary.sample else {
        return Vec::new();
    };
    let mut lines = vec![("sample", sample.in_words())];
    if let Some(projection) = &sample.projection {
        lines.push(("all rows would be", projection.in_words()));
    }
    lines
}

fn rows(summary: &Summary) -> Vec<(&'static str, String)> {
    let good = if has_schema(summary) {
        ("valid answers", summary.validation_passed_records)
    } else {
        ("answered rows", summary.successful_records)
    };
    let stopped = summary.rows.stopped_by_max_cost;
    let stopped = (stopped > 0).then(|| ("stopped by the cap", grouped(stopped)));
    [
        ("rows in", summary.rows.r#in),
        ("rows out", summary.rows.out),
        good,
        ("failed rows", summary.failed_records),
        ("repaired answers", summary.rows.repaired),
    ]
    .map(|(name, count)| (name, grouped(count)))
    .into_iter()
    .chain(stopped)
    .collect()
}

fn add_lines(text: &mut String, lines: &[(&str, String)]) {
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<18} {value}");
    }
}

/// Adds why rows have no good answer, below the number of such rows.
fn add_reasons(text: &mut String, reasons: &[Reason], failures: u64) {
    for one in reasons.iter().take(REASONS_SHOWN) {
        let Reason {
            text: reason,
            answered,
            rows,
            first_row,
            left_out,
            ..
        } = one;
        let what = match (answered, left_out) {
            (true, _) => "invalid",
            (false, false) => "no answer",
            (false, true) => "no answer, left out",
        };
        let first = if *rows == 1 { "row" } else { "first row" };
        let of = if *left_out { " of the input" } else { "" };
        let _ = writeln!(text, "  {rows} {what}: {reason} ({first} {first_row}{of})");
    }
    let shown: u64 = reasons.iter().take(REASONS_SHOWN).map(|one| one.rows).sum();
    if !reasons.is_empty() && shown < failures {
        let _ = writeln!(
            text,
            "  {} more; the columns of the result say why",
            failures - shown
        );
    }
}

/// Returns how long the run would have taken: the time of waiting for jobs, which the virtual clock
/// counts, and the time of calls on demand, which it does not count.
fn virtual_time(report: &Report<'_>) -> String {
    let jobs = report.finished.outcome.virtual_elapsed;
    let on_demand = on_demand(report);
    if on_demand.is_zero() {
        return hours(jobs);
    }
    format!(
        "{}, and at least {} for calls on demand",
        hours(jobs),
        hours(on_demand)
    )
}

/// Returns the least time that the run's calls on demand take at the configured rate. The duration
/// of a single call depends on the model.
fn on_demand(report: &Report<'_>) -> Duration {
    let rate = Settings::read(&report.plan.settings)
        .map_or(10.0, |settings| settings.rate_limit_per_second);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time is shown with one decimal"
    )]
    let calls = report.counters.on_demand_calls as f64;
    Duration::try_from_secs_f64(calls / rate).unwrap_or_default()
}

/// Says what the tokens would cost, since the simulator's cost nothing.
fn simulated_cost(cost: &CostSummary) -> String {
    let mut more = Vec::new();
    if let Some(on_demand) = cost.on_demand_would_be {
        more.push(format!("on demand {}", on_demand.shown()));
    }
    // A run that sent nothing used no price.
    let days = cost
        .prices
        .iter()
        .filter_map(|price| price.checked.as_ref());
    if let Some(day) = days.min() {
        more.push(format!("prices of {day}"));
    }
    // A price of the user's own has no day.
    let own = cost.prices.iter().find(|price| price.checked.is_none());
    if let Some(own) = own {
        more.push(format!("the price of {}", own.source));
    }
    for price in &cost.prices {
        if let Some(assumed) = &price.assumed {
            let way = match price.way {
                Way::Job => "jobs",
                way => way.as_str(),
            };
            more.push(format!("the price of {way} is assumed: {assumed}"));
        }
    }
    let more = match &more[..] {
        [] => String::new(),
        more => format!(" ({})", more.join("; ")),
    };
    format!("{} on Bedrock, nothing here{more}", cost.total.shown())
}

/// Returns a text such as `1.2 h`, or minutes or seconds for short times.
fn hours(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if time.is_zero() {
        "0 s".to_owned()
    } else if seconds >= 3_000.0 {
        format!("{:.1} h", seconds / 3_600.0)
    } else if seconds >= 60.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{seconds:.1} s")
    }
}

fn lines_not_used(summary: &Summary) -> String {
    let answers = &summary.answers;
    format!(
        "{} duplicate, {} contradicting, {} unknown, {} malformed",
        answers.duplicates, answers.contradictions, answers.unknown_ids, answers.malformed
    )
}

fn add_notes_and_files<'a>(
    text: &mut String,
    notes: impl IntoIterator<Item = &'a String>,
    files: &[PathBuf],
) {
    for note in notes {
        let _ = writeln!(text, "note: {}", note.replace('\n', " "));
    }
    for file in files {
        let _ = writeln!(
            text,
            "wrote {}",
            file.display().to_string().replace('\n', "\\n")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A newer version of Quarry, or a fault in this one. What was paid for must not look lost.
    #[test]
    fn a_summary_that_cannot_be_read_fails_the_command_and_the_message_names_the_files() {
        let files = ["out/processing_summary.json", "out/table.csv"].map(PathBuf::from);
        let failure = read(&json!({"job_type": 1}), &files).unwrap_err();
        let text = failure.to_string();
        for part in [
            "cannot be read",
            "out/processing_summary.json, out/table.csv",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(failure.json().unwrap()["error"]["exit_code"], 4);
    }

    #[test]
    fn times_are_in_the_unit_that_says_something() {
        assert_eq!(hours(Duration::from_mins(72)), "1.2 h");
        assert_eq!(hours(Duration::from_mins(35)), "35 min");
        assert_eq!(hours(Duration::from_secs(12)), "12.0 s");
    }
}
