//! What came back, and why rows have no good answer.

use crate::chart::{Bar, bars};
use crate::page::{HtmlPage, Value};
use crate::run::answer_words::AnswerWords;
use crate::run_report::RunReport;
use quarry_comparison::per_cent;
use quarry_result::digits::grouped;
use quarry_result::summary::{RefusalSummary, Summary};

/// Adds the counts of rows, answers and tokens.
pub(super) fn add_counts(page: &mut HtmlPage, summary: &Summary) {
    page.section("What came back");
    let valid = summary.validation_passed_records;
    let mut outcomes = Vec::new();
    let has_schema = AnswerWords::of(summary).has_schema;
    if has_schema {
        outcomes.push(Bar::new("valid answers", valid));
        let invalid = summary.successful_records.saturating_sub(valid);
        outcomes.push(Bar::bad("invalid answers", invalid));
    } else {
        outcomes.push(Bar::new("answered rows", summary.successful_records));
    }
    outcomes.push(Bar::bad("failed rows", summary.failed_records));
    page.figure(&bars("Rows by what came back", "rows", &outcomes));
    let rows = &summary.rows;
    let total = summary.total_records;
    let mut lines = vec![
        ("Rows in", rows.r#in, "/rows/in"),
        ("Rows out", rows.out, "/rows/out"),
        (
            "Left out as errors",
            rows.left_out_as_errors,
            "/rows/left_out_as_errors",
        ),
        (
            "Answered",
            summary.successful_records,
            "/successful_records",
        ),
        ("Failed", summary.failed_records, "/failed_records"),
        ("Repaired", rows.repaired, "/rows/repaired"),
        (
            "Answered on demand",
            rows.answered_on_demand,
            "/rows/answered_on_demand",
        ),
        (
            "Too large to send",
            rows.too_large_to_send,
            "/rows/too_large_to_send",
        ),
    ];
    if has_schema {
        lines.insert(4, ("Valid", valid, "/validation_passed_records"));
    }
    if rows.stopped_by_max_cost > 0 {
        lines.push((
            "Not sent again because of BEDROCK_MAX_COST",
            rows.stopped_by_max_cost,
            "/rows/stopped_by_max_cost",
        ));
    }
    page.table(
        "Rows",
        &["", "Rows", "Share of rows in"],
        lines.into_iter().map(|(label, count, member)| {
            let share = Value::number(per_cent(count, total));
            vec![Value::heading(label), Value::figure(count, member), share]
        }),
    );
    add_answers(page, summary);
    add_tokens(page, summary);
}

fn add_tokens(page: &mut HtmlPage, summary: &Summary) {
    let tokens = &summary.tokens;
    let lines = [
        ("Read", tokens.input, "/tokens/input"),
        ("Written", tokens.output, "/tokens/output"),
        (
            "Read from the prompt cache",
            tokens.cache_read,
            "/tokens/cache_read",
        ),
        (
            "Written to the prompt cache",
            tokens.cache_write,
            "/tokens/cache_write",
        ),
        (
            "Of the written ones, for thinking",
            tokens.reasoning,
            "/tokens/reasoning",
        ),
    ];
    add_figures(page, "Tokens, over all rounds", "Tokens", &lines);
}

/// Adds figures of the summary, each with its label and the JSON Pointer of its member.
fn add_figures(page: &mut HtmlPage, caption: &str, heading: &str, figures: &[(&str, u64, &str)]) {
    page.table(
        caption,
        &["", heading],
        figures.iter().map(|(label, count, member)| {
            vec![Value::heading(*label), Value::figure(*count, member)]
        }),
    );
}

fn add_answers(page: &mut HtmlPage, summary: &Summary) {
    let answers = &summary.answers;
    let mut lines = vec![
        ("Records sent", answers.asked, "/answers/asked"),
        ("With an answer", answers.answered, "/answers/answered"),
    ];
    let (good, not_good) = if AnswerWords::of(summary).has_schema {
        ("With a good answer", "With an answer that is not good")
    } else {
        (
            "With an answer that counts",
            "With an answer that was cut off, or is no JSON",
        )
    };
    if AnswerWords::of(summary).has_schema || answers.invalid > 0 {
        lines.push((good, answers.good, "/answers/good"));
        lines.push((not_good, answers.invalid, "/answers/invalid"));
    }
    lines.extend([
        ("With an error", answers.errors, "/answers/errors"),
        ("Without a line", answers.missing, "/answers/missing"),
        (
            "Answers that were cut off",
            answers.cut_off,
            "/answers/cut_off",
        ),
        (
            "Answers that were repaired",
            answers.repaired,
            "/answers/repaired",
        ),
        (
            "Answers of the fallback model",
            answers.by_fallback_model,
            "/answers/by_fallback_model",
        ),
        (
            "Calls whose reply was lost",
            answers.lost_replies,
            "/answers/lost_replies",
        ),
        (
            "Lines that repeat another",
            answers.duplicates,
            "/answers/duplicates",
        ),
        (
            "Lines that contradict another",
            answers.contradictions,
            "/answers/contradictions",
        ),
        (
            "Lines with an unknown id",
            answers.unknown_ids,
            "/answers/unknown_ids",
        ),
        (
            "Lines that cannot be read",
            answers.malformed,
            "/answers/malformed",
        ),
    ]);
    let caption = "Answers, over all rounds: a row that was sent twice counts twice";
    add_figures(page, caption, "Count", &lines);
}

/// A reason why rows have no good answer.
struct ReasonLine {
    text: String,
    answered: bool,
    rows: u64,
    /// Where the summary has the rows, if they are from there.
    member: Option<String>,
    /// The table, or the training split.
    table: String,
    /// The number of the example, from 1.
    example: Value,
}

/// Returns the reasons from the summary; if it has no profile, from the table.
fn reasons(report: &RunReport<'_>) -> Vec<ReasonLine> {
    if let Some(profile) = &report.summary.profile {
        let failures = profile.failures.iter().enumerate();
        return failures
            .map(|(index, one)| {
                let reason = one.reason.clone();
                let member = |name: &str| format!("/profile/failures/{index}/{name}");
                ReasonLine {
                    text: reason.unwrap_or_else(|| "many reasons".to_owned()),
                    answered: one.answered,
                    rows: one.rows,
                    member: Some(member("rows")),
                    table: one.split.clone().unwrap_or_default(),
                    example: Value::figure(one.example_row + 1, &member("example_row")),
                }
            })
            .collect();
    }
    let failures = report.table.map(|table| table.failures.as_slice());
    let failures = failures.unwrap_or_default().iter();
    failures
        .map(|one| ReasonLine {
            text: one.text.clone(),
            answered: one.answered,
            rows: one.rows,
            member: None,
            table: one.table.clone(),
            example: Value::number(grouped(one.first_row)),
        })
        .collect()
}

/// Adds why rows have no good answer, and the service's errors.
pub(super) fn add_reasons(page: &mut HtmlPage, report: &RunReport<'_>) {
    let reasons = reasons(report);
    let has_tables = reasons.iter().any(|one| !one.table.is_empty());
    let refusals = &report.summary.refusals;
    if refusals.is_empty() && reasons.is_empty() {
        return;
    }
    page.section("Failures by reason");
    let title = format!(
        "Rows without {}, by reason",
        AnswerWords::of(report.summary).one
    );
    if !reasons.is_empty() {
        let chart: Vec<Bar> = reasons
            .iter()
            .map(|one| Bar {
                member: one.member.clone(),
                ..Bar::bad(&one.text, one.rows)
            })
            .collect();
        page.figure(&bars(&title, "rows", &chart));
        let mut headings = vec!["Reason", "Came back", "Rows", "Example row"];
        if has_tables {
            headings.push("Table");
        }
        // A profile counts the rows of the input, and a table its own.
        let counted = counted_from(report.summary, report.summary.profile.is_some());
        page.table(
            &format!("{title}; an example of each, {counted}"),
            &headings,
            reasons.into_iter().map(|one| {
                let rows = match &one.member {
                    Some(member) => Value::figure(one.rows, member),
                    None => Value::number(grouped(one.rows)),
                };
                let came = if one.answered {
                    "an invalid answer"
                } else {
                    "no answer"
                };
                let mut line = vec![Value::Bad(one.text), Value::text(came), rows, one.example];
                if has_tables {
                    line.push(Value::text(one.table));
                }
                line
            }),
        );
    }
    add_refusals(page, refusals, counted_from(report.summary, true));
}

/// Returns how the numbers of rows are counted. Where the result leaves rows out, its row numbers are others than those
/// of the input.
pub(super) fn counted_from(summary: &Summary, of_input: bool) -> &'static str {
    match (summary.rows.left_out_as_errors, of_input) {
        (0, _) => "counted from 1",
        (_, true) => "counted from 1 in the input, of which the result leaves rows out",
        (_, false) => "counted from 1 in the result, which leaves rows of the input out",
    }
}

fn add_refusals(page: &mut HtmlPage, refusals: &[RefusalSummary], counted: &str) {
    if !refusals.is_empty() {
        let lines = refusals.iter().enumerate().map(|(number, one)| {
            let again = one
                .asked_again
                .map(|again| if again { "yes" } else { "no" });
            vec![
                Value::Bad(
                    one.error
                        .clone()
                        .unwrap_or_else(|| "other errors".to_owned()),
                ),
                Value::figure(one.lines, &format!("/refusals/{number}/lines")),
                match one.example_row {
                    Some(row) => Value::figure(row + 1, &format!("/refusals/{number}/example_row")),
                    None => Value::number(""),
                },
                Value::text(again.unwrap_or_default()),
            ]
        });
        page.table(
            &format!("Errors of the service, over all rounds; an example of each, {counted}"),
            &["Error", "Lines", "Example row", "Sent again"],
            lines,
        );
    }
}
