//! What came back, and why rows have no good answer.

use crate::chart::{Bar, bars};
use crate::page::{HtmlPage, Value};
use crate::run_report::RunReport;
use quarry_comparison::per_cent;
use quarry_result::digits::grouped;
use quarry_result::summary::Summary;

/// Adds the counts of rows, answers and tokens.
pub(super) fn add_counts(page: &mut HtmlPage, summary: &Summary) {
    page.section("What came back");
    let valid = summary.validation_passed_records;
    let mut outcomes = Vec::new();
    if summary.schema_source.is_some() {
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
        ("Valid", valid, "/validation_passed_records"),
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
    let lines = [
        ("Records sent", answers.asked, "/answers/asked"),
        ("With an answer", answers.answered, "/answers/answered"),
        ("With a good answer", answers.good, "/answers/good"),
        (
            "With an answer that is not good",
            answers.invalid,
            "/answers/invalid",
        ),
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
    ];
    let caption = "Answers, over all rounds: a row that was sent twice counts twice";
    add_figures(page, caption, "Count", &lines);
}

/// Adds why rows have no good answer: from the table, if it is there, and the service's errors.
pub(super) fn add_reasons(page: &mut HtmlPage, report: &RunReport<'_>) {
    let refusals = &report.summary.refusals;
    let failures = report.table.map(|table| table.failures.as_slice());
    let failures = failures.unwrap_or_default();
    if refusals.is_empty() && failures.is_empty() {
        return;
    }
    page.section("Failures by reason");
    if !failures.is_empty() {
        let reasons: Vec<Bar> = failures
            .iter()
            .map(|one| Bar::bad(&one.text, one.rows))
            .collect();
        page.figure(&bars(
            "Rows without a good answer, by reason",
            "rows",
            &reasons,
        ));
        page.table(
            "Rows without a good answer, by reason; an example of each, counted from 1",
            &["Reason", "Came back", "Rows", "Example"],
            failures.iter().map(|one| {
                let came = if one.answered {
                    "an invalid answer"
                } else {
                    "no answer"
                };
                vec![
                    Value::Bad(one.text.clone()),
                    Value::text(came),
                    Value::number(grouped(one.rows)),
                    Value::text(format!("{} row {}", one.table, one.first_row)),
                ]
            }),
        );
    }
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
                Value::number(
                    one.example_row
                        .map(|row| (row + 1).to_string())
                        .unwrap_or_default(),
                ),
                Value::text(again.unwrap_or_default()),
            ]
        });
        page.table(
            "Errors of the service, over all rounds; an example of each, counted from 1",
            &["Error", "Lines", "Example row", "Sent again"],
            lines,
        );
    }
}
