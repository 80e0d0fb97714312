//! The page about two results of the same table.

use crate::page::{HtmlPage, Value};
use crate::visible::visible;
use quarry_comparison::{
    ConfusionMatrix, DifferingRow, NumberAgreement, PropertyAgreement, ResultComparison,
    ResultFacts, Sides, ValueDifference, failed_rows, measure, per_cent, value_in_words,
};
use quarry_result::digits::grouped;

/// Returns the page about a comparison.
pub fn comparison_page(comparison: &ResultComparison, results: &Sides<ResultFacts>) -> String {
    let mut page = HtmlPage::new(&format!("{} and {}", results.a.name, results.b.name));
    page.remark(
        "Two results of the same table, compared row by row. A is the first, B the second.",
    );
    add_sides(&mut page, comparison, results);
    add_rows(&mut page, comparison);
    add_properties(&mut page, comparison);
    add_differing(&mut page, comparison);
    add_failed(&mut page, comparison);
    page.finish()
}

fn add_sides(page: &mut HtmlPage, comparison: &ResultComparison, results: &Sides<ResultFacts>) {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let tokens = results.each().map(|result| result.tokens);
    let count = |count: Option<u64>| count.map_or("–".to_owned(), grouped);
    let rows = &comparison.rows;
    let mut lines = vec![
        ("File", results.each().map(|result| result.name.clone())),
        ("Run", results.each().map(|result| known(&result.run))),
        ("Model", results.each().map(|result| known(&result.model))),
        ("Failed rows", failed_rows(rows, results)),
    ];
    if rows.has_unchecked() {
        lines.push(("Answered rows", rows.answered.map(grouped)));
    }
    if rows.has_checked() {
        lines.push(("Valid answers", rows.valid.map(count)));
    }
    lines.extend([
        ("Tokens in", tokens.map(|of| count(of.map(|of| of.input)))),
        ("Tokens out", tokens.map(|of| count(of.map(|of| of.output)))),
        ("Cost", results.each().map(|result| known(&result.cost))),
    ]);
    page.section("The results");
    let lines = lines.into_iter();
    page.table(
        "What was compared",
        &["", "A", "B"],
        lines.map(|(label, of)| vec![Value::heading(label), Value::text(of.a), Value::text(of.b)]),
    );
}

fn add_rows(page: &mut HtmlPage, comparison: &ResultComparison) {
    let rows = &comparison.rows;
    let mut lines = vec![
        ("Rows", Some(rows.total)),
        ("Answered by both, and compared", Some(rows.compared)),
        ("With the same answers", rows.agree),
        ("With different answers", rows.differ()),
        ("Failed in both", Some(rows.failed_in_both)),
    ];
    if rows.invalid_in_both > 0 {
        lines.insert(4, ("Invalid in both", Some(rows.invalid_in_both)));
    }
    let share = |count: u64| per_cent(count, rows.total);
    let shown = |text: Option<String>| Value::number(text.unwrap_or_else(|| "–".to_owned()));
    let lines = lines.into_iter();
    page.section("Rows");
    page.table(
        "Rows by what came back",
        &["", "Rows", "Share"],
        lines.map(|(label, count)| {
            vec![
                Value::heading(label),
                shown(count.map(grouped)),
                shown(count.map(share)),
            ]
        }),
    );
}

fn add_properties(page: &mut HtmlPage, comparison: &ResultComparison) {
    page.section("Agreement by property");
    for (side, names) in [("A", &comparison.only_in.a), ("B", &comparison.only_in.b)] {
        if !names.is_empty() {
            page.paragraph(&format!(
                "Only in {side}, and not compared: {}.",
                names.join(", ")
            ));
        }
    }
    if comparison.properties.is_empty() {
        page.paragraph(
            "The results have no property in common, so nothing says whether their answers are the same.",
        );
        return;
    }
    let compared = comparison.rows.compared;
    page.table(
        "Of the rows that both answered",
        &[
            "Property",
            "Same value",
            "Share",
            "No value in A",
            "No value in B",
        ],
        comparison.properties.iter().map(|one| {
            vec![
                Value::heading(&one.property),
                Value::number(grouped(one.agree)),
                Value::number(per_cent(one.agree, compared)),
                Value::number(grouped(one.without_value.a)),
                Value::number(grouped(one.without_value.b)),
            ]
        }),
    );
    add_numbers(page, &comparison.properties);
    for one in &comparison.properties {
        if let Some(matrix) = &one.confusion {
            add_matrix(page, &one.property, matrix);
        }
    }
}

fn add_numbers(page: &mut HtmlPage, properties: &[PropertyAgreement]) {
    let of_numbers = properties
        .iter()
        .filter_map(|one| Some((one, one.numbers?)));
    let rows: Vec<Vec<Value>> = of_numbers
        .map(|(one, numbers)| {
            let NumberAgreement {
                mean,
                mean_difference,
                largest_difference,
            } = numbers;
            let figures = [mean.a, mean.b, mean_difference, largest_difference];
            let figures = figures.map(|figure| Value::number(measure(figure)));
            [Value::heading(&one.property)]
                .into_iter()
                .chain(figures)
                .collect()
        })
        .collect();
    if !rows.is_empty() {
        page.table(
            "Numbers, over the rows in which both have one",
            &[
                "Property",
                "Mean in A",
                "Mean in B",
                "Mean difference",
                "Largest difference",
            ],
            rows,
        );
    }
}

fn add_matrix(page: &mut HtmlPage, property: &str, matrix: &ConfusionMatrix) {
    let name = |value: &Option<String>| match value {
        Some(value) => visible(value).into_owned(),
        None => "no value".to_owned(),
    };
    let names: Vec<String> = matrix.values.iter().map(name).collect();
    page.part(property);
    let mut headings = vec!["A \\ B"];
    headings.extend(names.iter().map(String::as_str));
    let rows = names.iter().enumerate().map(|(a, name)| {
        let cells = (0..names.len()).map(|b| match (matrix.rows(a, b), a == b) {
            (0, _) => Value::number(""),
            (rows, true) => Value::Same(grouped(rows)),
            (rows, false) => Value::number(grouped(rows)),
        });
        [Value::heading(name)].into_iter().chain(cells).collect()
    });
    page.table(
        "Rows by the value in A (down) and in B (across)",
        &headings,
        rows,
    );
}

fn add_differing(page: &mut HtmlPage, comparison: &ResultComparison) {
    let rows = &comparison.differing;
    if rows.is_empty() {
        return;
    }
    page.section("Rows that differ");
    let lines = rows.iter().flat_map(|row| {
        let lines = row.differences.iter();
        lines.map(move |one| difference(row, one))
    });
    let differ = comparison.rows.differ().unwrap_or_default();
    page.table(
        &format!("{} of {} rows, counted from 1", rows.len(), grouped(differ)),
        &["Table", "Row", "Property", "A", "B"],
        lines,
    );
}

/// Returns the line of a property whose values differ in a row.
fn difference(row: &DifferingRow, one: &ValueDifference) -> Vec<Value> {
    let value = |value: &Option<String>, is_invalid: bool| match value {
        Some(text) => Value::text(visible(text)),
        None if is_invalid => Value::Bad(value_in_words(None, true).to_owned()),
        None => Value::text(value_in_words(None, false)),
    };
    vec![
        Value::text(&row.table),
        Value::number(row.row.to_string()),
        Value::text(&one.property),
        value(&one.values.a, row.invalid.a),
        value(&one.values.b, row.invalid.b),
    ]
}

fn add_failed(page: &mut HtmlPage, comparison: &ResultComparison) {
    let rows = &comparison.failed;
    if rows.is_empty() {
        return;
    }
    page.section("Rows without an answer");
    let error = |error: &Option<String>| match error {
        Some(text) => Value::Bad(text.clone()),
        None => Value::text("answered"),
    };
    let failed = comparison.rows.failed_anywhere();
    page.table(
        &format!("{} of {} rows, counted from 1", rows.len(), grouped(failed)),
        &["Table", "Row", "A", "B"],
        rows.iter().map(|row| {
            vec![
                Value::text(&row.table),
                Value::number(row.row.to_string()),
                error(&row.errors.a),
                error(&row.errors.b),
            ]
        }),
    );
}
