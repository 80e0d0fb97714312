//! `quarry report`: a page about a run, from its summary and its tables.

use crate::cell_values::CellValues;
use crate::compare::{columns, property, quoting};
use crate::failure::Failure;
use crate::html_file;
use crate::input::read_file;
use crate::local_result::{LocalResult, ResultTable};
use crate::offered::ASSIGNMENTS;
use crate::output;
use crate::reasons;
use crate::report;
use crate::staging::{prompts_in, read_settings, schema_in};
use clap::Args;
use quarry_comparison::{ANSWER_COLUMNS, AnswerCounts, RowAnswer, TableColumns};
use quarry_contract::settings::{CsvQuoting, check_values};
use quarry_report::{AskedTexts, RowFailures, RunReport, SampleRow, TableFindings, run_page};
use quarry_result::columns::STATUS_COLUMNS;
use quarry_result::excerpt::cut;
use quarry_result::summary::Summary;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The most reasons that the page has.
const MOST_REASONS: usize = 20;

/// The longest cell that the page shows, characters.
const LONGEST_CELL: usize = 2_000;

/// Arguments of `quarry report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The result: its folder, its summary, or its table.
    #[arg(value_name = "RESULT")]
    result: PathBuf,
    /// The page. Without it, report.html beside the summary.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show all cells of the first N rows of each table, before and after the run.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=100))]
    rows: u16,
    /// Show the text of these prompts: a file, or the folder with `prompts.json`.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Show the text of this schema: a file, or the folder with `validation_schema_*.json`.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Show this setting. May be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = ASSIGNMENTS, hide_possible_values = true)]
    settings: Vec<String>,
    /// The properties of the answers, separated by commas, if the column names do not tell them.
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = property)]
    properties: Vec<String>,
    /// How cells of CSV and TSV are quoted, as `BEDROCK_CSV_QUOTING` says: standard, backslash or none.
    #[arg(long, value_name = "QUOTING", default_value = "standard", value_parser = quoting)]
    csv_quoting: CsvQuoting,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// Writes the page.
pub(crate) fn report(arguments: &ReportArguments) -> Result<(), Failure> {
    if let Some(file) = &arguments.out {
        html_file::check(file)?;
    }
    let settings = read_settings(&arguments.settings)?;
    check_values(&settings).map_err(|error| Failure::input(error.to_string()))?;
    let result = LocalResult::open(&arguments.result, arguments.csv_quoting)?;
    let Some(document) = &result.summary else {
        return Err(Failure::input(format!(
            "{} has no summary (processing_summary_*.json); a report is made from it",
            result.name
        )));
    };
    let summary = &Summary::deserialize(document).map_err(|error| {
        Failure::input(format!(
            "{}: the summary cannot be read: {error}; give one that Quarry wrote",
            result.name
        ))
    })?;
    let asked = AskedTexts {
        prompts: text_of(arguments.prompts.as_deref(), prompts_in)?,
        schema: text_of(arguments.schema.as_deref(), schema_in)?,
        settings: settings.into_iter().collect(),
    };
    let table = if result.tables.is_empty() {
        None
    } else {
        Some(findings(&result, summary, arguments)?)
    };
    let page = run_page(&RunReport {
        summary,
        asked: &asked,
        table: table.as_ref(),
    });
    let file = match &arguments.out {
        Some(file) => file.clone(),
        None => result.folder.join("report.html"),
    };
    html_file::write(&file, &page)?;
    let missing: Vec<String> = result
        .missing
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    if arguments.json {
        let page = file.display().to_string();
        output::write_json(&json!({"run": summary.run, "page": page, "missing": missing}))?;
        return Ok(());
    }
    let mut lines = String::new();
    for file in &missing {
        let _ = writeln!(
            lines,
            "note: {file} is not there, so the page says nothing about its rows"
        );
    }
    let _ = writeln!(lines, "wrote {}", file.display());
    output::write(output::printable_lines(&lines).as_bytes())?;
    Ok(())
}

/// Reads the file that a path means, if there is a path.
fn text_of(
    place: Option<&Path>,
    file_in: fn(&Path) -> Result<PathBuf, Failure>,
) -> Result<Option<String>, Failure> {
    let Some(place) = place else {
        return Ok(None);
    };
    let file = file_in(place)?;
    let text = String::from_utf8(read_file(&file)?);
    text.map(Some)
        .map_err(|_| Failure::input(format!("{} is not UTF-8; save it as UTF-8", file.display())))
}

/// Reads the tables of a result. Values and failures are counted only if the summary has no profile of them.
fn findings(
    result: &LocalResult,
    summary: &Summary,
    arguments: &ReportArguments,
) -> Result<TableFindings, Failure> {
    let has_profile = summary.profile.is_some();
    let mut counted: Vec<CellValues> = Vec::new();
    let mut known: Option<TableColumns> = None;
    let mut sample = Vec::new();
    for result_table in &result.tables {
        let table = result_table.table();
        let unreadable = |error: Box<dyn Error>| Failure::input(error.to_string());
        let Some(of) = columns(table, &arguments.properties)? else {
            result_table.check(&AnswerCounts::default())?;
            continue;
        };
        // All tables of a result have the properties of one schema.
        let mut properties = known
            .get_or_insert_with(|| of.clone())
            .properties
            .as_slice();
        if has_profile {
            properties = &[];
        }
        if counted.is_empty() {
            counted = properties
                .iter()
                .map(|name| CellValues::new(name))
                .collect();
        }
        let read: Vec<String> = properties
            .iter()
            .map(String::as_str)
            .chain(ANSWER_COLUMNS)
            .map(|name| of.named(name))
            .collect();
        let mut rows = table.rows(&read).map_err(unreadable)?;
        let mut cells = Vec::new();
        let mut counts = AnswerCounts::default();
        while rows.next_row(&mut cells).map_err(unreadable)? {
            let (values, status) = cells.split_at(properties.len());
            let answer = RowAnswer::of(status);
            counts.add(answer);
            if answer != RowAnswer::Missing {
                for (of_property, value) in counted.iter_mut().zip(values) {
                    of_property.add(value.as_deref());
                }
            }
        }
        result_table.check(&counts)?;
        sample.extend(first_rows(result_table, &of, arguments.rows.into()).map_err(unreadable)?);
    }
    let prefix = known.map(|of| of.prefix).unwrap_or_default();
    Ok(TableFindings {
        properties: counted.into_iter().map(CellValues::finish).collect(),
        failures: if has_profile {
            Vec::new()
        } else {
            failures(result, summary, &prefix, arguments.csv_quoting)
        },
        sample,
    })
}

fn failures(
    result: &LocalResult,
    summary: &Summary,
    prefix: &str,
    quoting: CsvQuoting,
) -> Vec<RowFailures> {
    let expected = report::failures(summary);
    if expected == 0 {
        return Vec::new();
    }
    let files: Vec<PathBuf> = result
        .tables
        .iter()
        .map(|table| table.table().file.to_owned())
        .collect();
    let found = reasons::of_results(
        &files,
        prefix,
        quoting,
        expected,
        report::has_schema(summary),
    );
    let name = |file: &Path| {
        let mut tables = result.tables.iter();
        let table = tables.find(|table| table.table().file == file);
        table.map_or_else(|| file.display().to_string(), ResultTable::name)
    };
    let found = found.into_iter().take(MOST_REASONS);
    found
        .map(|reason| RowFailures {
            table: name(&reason.file),
            text: reason.text,
            answered: reason.answered,
            rows: reason.rows,
            first_row: reason.first_row,
        })
        .collect()
}

/// Reads the first rows of a table with all of their cells.
fn first_rows(
    result_table: &ResultTable,
    of: &TableColumns,
    most: usize,
) -> Result<Vec<SampleRow>, Box<dyn Error>> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let results = of
        .properties
        .iter()
        .map(String::as_str)
        .chain(STATUS_COLUMNS);
    let results: Vec<String> = results.map(|name| of.named(name)).collect();
    let columns: Vec<String> = of.input.iter().chain(&results).cloned().collect();
    let shown = |cell: &str| cut(cell, LONGEST_CELL).into_owned();
    let mut rows = result_table.table().rows(&columns)?;
    let mut cells = Vec::new();
    let mut sample = Vec::new();
    while sample.len() < most && rows.next_row(&mut cells)? {
        let named = columns
            .iter()
            .cloned()
            .zip(cells.iter().map(|cell| cell.as_deref().map(shown)));
        let mut before: Vec<_> = named.collect();
        let after = before.split_off(of.input.len());
        sample.push(SampleRow {
            table: result_table.name(),
            row: sample.len() as u64 + 1,
            before,
            after,
        });
    }
    Ok(sample)
}
