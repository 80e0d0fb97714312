//! A comparison as text for a terminal.

use crate::agreement::{DifferingRow, FailedRow, PropertyAgreement, ResultComparison};
use crate::confusion::ConfusionMatrix;
use crate::facts::ResultFacts;
use crate::sides::Sides;
use quarry_result::digits::grouped;
use std::fmt::Write as _;

/// The most pairs of values that a line shows.
const PAIRS_SHOWN: usize = 5;

/// Returns a share in per cent with one decimal, rounded down, so that `100.0 %` means all.
pub fn per_cent(part: u64, of: u64) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    let tenths = u128::from(part) * 1_000 / u128::from(of);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Returns the comparison as lines of text.
pub fn in_words(comparison: &ResultComparison, results: &Sides<ResultFacts>) -> String {
    let mut text = String::new();
    add_sides(&mut text, comparison, results);
    text.push('\n');
    let rows = &comparison.rows;
    let lines = [
        ("rows", grouped(rows.total)),
        ("failed in both", grouped(rows.failed_in_both)),
        (
            "same answers",
            format!(
                "{} of {} rows that both answered ({})",
                grouped(rows.agree),
                grouped(rows.compared),
                per_cent(rows.agree, rows.compared)
            ),
        ),
    ];
    for (label, words) in lines {
        let _ = writeln!(text, "{label:<18} {words}");
    }
    add_properties(&mut text, comparison);
    add_differing(&mut text, &comparison.differing, rows.differ());
    add_failed(&mut text, &comparison.failed, rows.failed_anywhere());
    text
}

/// Adds what each result is and took, side by side.
fn add_sides(text: &mut String, comparison: &ResultComparison, results: &Sides<ResultFacts>) {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let rows = &comparison.rows;
    let mut lines = vec![
        ("", results.each().map(|result| result.name.clone())),
        ("model", results.each().map(|result| known(&result.model))),
        ("failed rows", rows.failed.map(grouped)),
        ("valid answers", rows.valid.map(grouped)),
    ];
    if results.a.tokens.is_some() || results.b.tokens.is_some() {
        let tokens = results.each().map(|result| result.tokens);
        let shown = |count: Option<u64>| count.map_or("-".to_owned(), grouped);
        lines.extend([
            (
                "tokens in",
                tokens.map(|side| shown(side.map(|of| of.input))),
            ),
            (
                "tokens out",
                tokens.map(|side| shown(side.map(|of| of.output))),
            ),
        ]);
    }
    if results.a.cost.is_some() || results.b.cost.is_some() {
        lines.push(("cost", results.each().map(|result| known(&result.cost))));
    }
    let widths = lines.iter().map(|(_, sides)| sides.a.chars().count());
    let width = widths.max().unwrap_or_default();
    for (label, sides) in lines {
        let _ = writeln!(text, "{label:<18} {:<width$}  {}", sides.a, sides.b);
    }
}

fn add_properties(text: &mut String, comparison: &ResultComparison) {
    let compared = comparison.rows.compared;
    for (label, names) in [
        ("only in a", &comparison.only_in.a),
        ("only in b", &comparison.only_in.b),
    ] {
        if !names.is_empty() {
            let _ = writeln!(text, "{label:<18} {}", names.join(", "));
        }
    }
    if comparison.properties.is_empty() {
        return;
    }
    let names = comparison.properties.iter();
    let width = names
        .map(|one| one.property.chars().count())
        .max()
        .unwrap_or_default()
        .max("property".len());
    let _ = writeln!(
        text,
        "\n{:<width$}  {:>10}  {:>8}  {:>12}  {:>12}",
        "property", "same", "share", "no value: a", "b"
    );
    for one in &comparison.properties {
        let _ = writeln!(
            text,
            "{:<width$}  {:>10}  {:>8}  {:>12}  {:>12}",
            one.property,
            grouped(one.agree),
            per_cent(one.agree, compared),
            grouped(one.without_value.a),
            grouped(one.without_value.b)
        );
        for line in details(one) {
            let _ = writeln!(text, "  {line}");
        }
    }
}

/// Returns the lines below a property.
fn details(of: &PropertyAgreement) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(numbers) = &of.numbers {
        lines.push(format!(
            "mean {:.4} in a, {:.4} in b; they differ by {:.4} in the mean, by {:.4} at most",
            numbers.mean.a, numbers.mean.b, numbers.mean_difference, numbers.largest_difference
        ));
    }
    let differing = of.confusion.as_ref().map(differing_pairs);
    lines.extend(differing.filter(|line| !line.is_empty()));
    lines
}

/// Returns the most frequent pairs of different values.
fn differing_pairs(matrix: &ConfusionMatrix) -> String {
    let name = |index: usize| matrix.values[index].as_deref().unwrap_or("no value");
    let pairs: Vec<_> = matrix
        .pairs
        .iter()
        .filter(|pair| pair.a != pair.b)
        .collect();
    let mut shown: Vec<String> = pairs
        .iter()
        .take(PAIRS_SHOWN)
        .map(|pair| {
            format!(
                "{} → {}: {}",
                name(pair.a),
                name(pair.b),
                grouped(pair.rows)
            )
        })
        .collect();
    if pairs.len() > PAIRS_SHOWN {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

fn add_differing(text: &mut String, rows: &[DifferingRow], total: u64) {
    if rows.is_empty() {
        return;
    }
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "no value".to_owned());
    let _ = writeln!(
        text,
        "\nrows that differ, {} of {}",
        rows.len(),
        grouped(total)
    );
    for row in rows {
        let differences: Vec<String> = row
            .differences
            .iter()
            .map(|one| {
                let values = one.values.each().map(shown);
                format!("{}: {} → {}", one.property, values.a, values.b)
            })
            .collect();
        let _ = writeln!(text, "  {} row {}", row.table, row.row);
        for difference in differences {
            let _ = writeln!(text, "    {}", one_line(&difference));
        }
    }
}

fn add_failed(text: &mut String, rows: &[FailedRow], total: u64) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\nrows without an answer, {} of {}",
        rows.len(),
        grouped(total)
    );
    for row in rows {
        let _ = writeln!(text, "  {} row {}", row.table, row.row);
        for (side, error) in [("a", &row.errors.a), ("b", &row.errors.b)] {
            if let Some(error) = error {
                let _ = writeln!(text, "    {side}: {}", one_line(error));
            }
        }
    }
}

/// Returns a text without line breaks.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
