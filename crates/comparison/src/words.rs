//! A comparison as text for a terminal.

use crate::agreement::{DifferingRow, FailedRow, PropertyAgreement, ResultComparison, RowCounts};
use crate::confusion::ConfusionMatrix;
use crate::facts::ResultFacts;
use crate::numbers::measure;
use crate::sides::Sides;
use quarry_result::digits::grouped;
use std::fmt::Write as _;

/// The most pairs of values that a line shows.
const PAIRS_SHOWN: usize = 5;

/// Returns a share in per cent with one decimal, rounded to the nearest. `100.0 %` means all: what rounds to it and
/// lacks some is `99.9 %`.
pub fn per_cent(part: u64, of: u64) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    let (part, of) = (u128::from(part), u128::from(of));
    let rounded = (part * 2_000 + of) / (of * 2);
    let tenths = if part < of { rounded.min(999) } else { rounded };
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Returns a value of a row for people, or what is in place of it. `is_invalid` says that the answer breaks the
/// schema.
pub fn value_in_words(value: Option<&str>, is_invalid: bool) -> &str {
    match value {
        Some(value) => value,
        None if is_invalid => "invalid answer",
        None => "no value",
    }
}

/// Returns the comparison as lines of text.
pub fn in_words(comparison: &ResultComparison, results: &Sides<ResultFacts>) -> String {
    let mut text = String::new();
    add_sides(&mut text, comparison, results);
    text.push('\n');
    let rows = &comparison.rows;
    let mut lines = vec![
        ("rows", grouped(rows.total)),
        ("failed in both", grouped(rows.failed_in_both)),
    ];
    if rows.invalid_in_both > 0 {
        lines.push(("invalid in both", grouped(rows.invalid_in_both)));
    }
    lines.push(("same answers", same_answers(rows)));
    for (label, words) in lines {
        let _ = writeln!(text, "{label:<18} {words}");
    }
    add_properties(&mut text, comparison);
    let differ = rows.differ().unwrap_or_default();
    add_differing(&mut text, &comparison.differing, differ);
    add_failed(&mut text, &comparison.failed, rows.failed_anywhere());
    text
}

fn same_answers(rows: &RowCounts) -> String {
    let compared = grouped(rows.compared);
    match rows.agree {
        Some(agree) => format!(
            "{} of {compared} rows that both answered ({})",
            grouped(agree),
            per_cent(agree, rows.compared)
        ),
        None => {
            format!(
                "- of {compared} rows that both answered (the results have no property in common)"
            )
        }
    }
}

/// Adds what each result is and took, side by side.
fn add_sides(text: &mut String, comparison: &ResultComparison, results: &Sides<ResultFacts>) {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let rows = &comparison.rows;
    let mut lines = vec![
        ("", results.each().map(|result| result.name.clone())),
        ("model", results.each().map(|result| known(&result.model))),
        ("failed rows", failed_rows(rows, results)),
    ];
    if rows.has_unchecked() {
        lines.push(("answered rows", rows.answered.map(grouped)));
    }
    if rows.has_checked() {
        let valid = rows.valid.map(|valid| valid.map(grouped));
        lines.push(("valid answers", valid.each().map(known)));
    }
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

/// Returns the failed rows of each result for people, with those that it leaves out.
pub fn failed_rows(rows: &RowCounts, results: &Sides<ResultFacts>) -> Sides<String> {
    let shown = |failed: u64, result: &ResultFacts| match result.left_out_rows {
        Some(left_out) if left_out > 0 => format!(
            "{} ({} left out)",
            grouped(failed + left_out),
            grouped(left_out)
        ),
        _ => grouped(failed),
    };
    Sides {
        a: shown(rows.failed.a, &results.a),
        b: shown(rows.failed.b, &results.b),
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
            "mean {} in a, {} in b; they differ by {} in the mean, by {} at most",
            measure(numbers.mean.a),
            measure(numbers.mean.b),
            measure(numbers.mean_difference),
            measure(numbers.largest_difference)
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
    let _ = writeln!(
        text,
        "\nrows that differ, {} of {}",
        rows.len(),
        grouped(total)
    );
    for row in rows {
        let _ = writeln!(text, "  {} row {}", row.table, row.row);
        for difference in &row.differences {
            let a = value_in_words(difference.values.a.as_deref(), row.invalid.a);
            let b = value_in_words(difference.values.b.as_deref(), row.invalid.b);
            let words = format!("{}: {a} → {b}", difference.property);
            let _ = writeln!(text, "    {}", one_line(&words));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_the_nearest_tenth_and_a_hundred_per_cent_means_all() {
        for (part, of, shown) in [
            (19, 24, "79.2 %"),
            (22, 28, "78.6 %"),
            (2_857, 10_000, "28.6 %"),
            (7_143, 10_000, "71.4 %"),
            (1, 9_999, "0.0 %"),
            (9_998, 9_999, "99.9 %"),
            (u64::MAX - 1, u64::MAX, "99.9 %"),
            (5, 5, "100.0 %"),
            (0, 5, "0.0 %"),
            (0, 0, "-"),
        ] {
            assert_eq!(per_cent(part, of), shown, "{part} of {of}");
        }
    }
}
