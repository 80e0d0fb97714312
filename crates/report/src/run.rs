//! The page about one run.

mod answer_words;
mod answers;
mod cost;
mod jobs;
mod local_names;
mod properties;
mod rows;
mod sampling;

use crate::page::{HtmlPage, Value};
use crate::run_report::RunReport;
use answer_words::AnswerWords;
use local_names::without_local_bucket;
use quarry_contract::plan::Mode;
use quarry_result::digits::grouped;
use quarry_result::summary::Summary;

/// The most input files, and the most notes, that are shown.
const MOST_FILES: usize = 200;
const MOST_NOTES: usize = 200;

/// Returns the page about a run.
///
/// Without a sample of rows and without findings of the table, it has no text of any row except for the service's
/// messages, and the values and reasons that the summary's profile lists.
pub fn run_page(report: &RunReport<'_>) -> String {
    let summary = report.summary;
    let mut page = HtmlPage::new(&format!("Report of the run {}", summary.run));
    page.remark(&format!("Started {}.", summary.processing_timestamp));
    if let Some(sample) = &summary.sample {
        sampling::add(&mut page, sample);
    }
    add_asked(&mut page, report);
    answers::add_counts(&mut page, summary);
    answers::add_reasons(&mut page, report);
    properties::add(&mut page, report);
    if let Some(table) = report.table {
        rows::add_sample(&mut page, &table.sample, summary);
    }
    jobs::add_rounds(&mut page, summary);
    jobs::add_jobs(&mut page, summary);
    if let Some(cost) = &summary.cost {
        cost::add(&mut page, cost, AnswerWords::of(summary).has_schema);
    }
    add_notes(&mut page, summary);
    page.finish()
}

fn add_asked(page: &mut HtmlPage, report: &RunReport<'_>) {
    let summary = report.summary;
    page.section("What was asked");
    let given = |given: bool, what: &str| {
        if given {
            what.to_owned()
        } else {
            "none".to_owned()
        }
    };
    let parts = &summary.template_integration;
    let schema = summary.schema_source.clone();
    let mut lines = vec![
        ("Model", summary.effective_model_id.clone()),
        ("Job type", summary.job_type.clone()),
        ("Sent", mode(summary).to_owned()),
        ("System prompt", given(parts.system_prompt_loaded, "given")),
        (
            "User prompt",
            given(parts.user_prompt_template_loaded, "given"),
        ),
        (
            "Schema",
            match schema {
                Some(source) => without_local_bucket(&source),
                None => given(parts.validation_schema_loaded, "given"),
            },
        ),
    ];
    if let Some(original) = &summary.model_info.original_model_id {
        lines.insert(1, ("Model in the settings", original.clone()));
    }
    let rows = lines.into_iter();
    page.table(
        "The request",
        &["", ""],
        rows.map(|(label, text)| vec![Value::heading(label), Value::text(text)]),
    );
    add_files(page, summary);
    let asked = report.asked;
    for (title, text) in [("Prompts", &asked.prompts), ("Schema", &asked.schema)] {
        if let Some(text) = text {
            page.part(title);
            page.verbatim(text);
        }
    }
    if !asked.settings.is_empty() {
        let settings = asked.settings.iter();
        page.table(
            "Settings",
            &["Setting", "Value"],
            settings.map(|(name, value)| vec![Value::heading(name), Value::text(value)]),
        );
    }
}

fn mode(summary: &Summary) -> &'static str {
    let batch = summary.tables.iter().any(|table| table.mode == Mode::Batch);
    let on_demand = summary.tables.iter().any(|table| table.mode != Mode::Batch);
    match (batch, on_demand) {
        (true, false) => "in jobs",
        (true, true) => "in jobs, some tables on demand",
        _ => "on demand",
    }
}

fn add_files(page: &mut HtmlPage, summary: &Summary) {
    let files = summary.files_processed.iter().enumerate();
    let files = files.take(MOST_FILES);
    let has_schema = AnswerWords::of(summary).has_schema;
    let headings = ["File", "Rows", "Answered", "Failed", "Valid"];
    let columns = if has_schema { 5 } else { 4 };
    page.table(
        &format!(
            "{} of {} input files",
            grouped(summary.files_processed.len().min(MOST_FILES) as u64),
            grouped(summary.files_processed.len() as u64)
        ),
        &headings[..columns],
        files.map(|(number, file)| {
            let member = |name: &str| format!("/files_processed/{number}/{name}");
            let mut line = vec![
                Value::heading(&file.filename),
                Value::figure(file.records, &member("records")),
                Value::figure(file.successful, &member("successful")),
                Value::figure(file.failed, &member("failed")),
            ];
            if has_schema {
                let valid = file.validation_passed;
                line.push(Value::figure(valid, &member("validation_passed")));
            }
            line
        }),
    );
}

fn add_notes(page: &mut HtmlPage, summary: &Summary) {
    let differences = &summary.reconciliation.differences;
    if summary.notes.is_empty() && differences.is_empty() {
        return;
    }
    page.section("Notes");
    let notes = summary.notes.iter().chain(differences);
    let notes: Vec<String> = notes
        .take(MOST_NOTES)
        .map(|note| without_local_bucket(note))
        .collect();
    page.list(&notes);
}
