//! What the result table says: the values of each property, and single rows.

use crate::chart::{Bar, bars};
use crate::distribution::{Distribution, Shape};
use crate::page::{HtmlPage, Value};
use crate::run_report::SampleRow;
use quarry_comparison::per_cent;
use quarry_result::digits::grouped;

/// Adds the values of each property.
pub(super) fn add_distributions(page: &mut HtmlPage, distributions: &[Distribution]) {
    if distributions.is_empty() {
        return;
    }
    page.section("Values of the answers");
    page.remark("Of the rows that have an answer, as the result table has them.");
    for one in distributions {
        page.part(&one.property);
        add_figures(page, one);
        add_shape(page, one);
    }
}

fn add_figures(page: &mut HtmlPage, one: &Distribution) {
    let mut lines = vec![
        ("Rows with a value", grouped(one.values)),
        ("Rows without a value", grouped(one.nulls)),
        (
            "Different values",
            one.distinct
                .map_or("more than can be told apart".to_owned(), |count| {
                    grouped(count as u64)
                }),
        ),
    ];
    match one.numbers {
        Some(numbers) => lines.extend([
            ("Smallest", shown(numbers.minimum)),
            ("Mean", shown(numbers.mean)),
            ("Largest", shown(numbers.maximum)),
        ]),
        None => lines.push((
            "Characters: shortest, mean, longest",
            format!(
                "{}, {:.1}, {}",
                grouped(one.lengths.shortest),
                one.lengths.mean,
                grouped(one.lengths.longest)
            ),
        )),
    }
    let lines = lines.into_iter();
    page.table(
        "Figures",
        &["", ""],
        lines.map(|(label, text)| vec![Value::heading(label), Value::number(text)]),
    );
}

fn add_shape(page: &mut HtmlPage, one: &Distribution) {
    let bars_of: Vec<Bar> = match &one.shape {
        Shape::Categories(counts) => counts
            .iter()
            .map(|(value, count)| Bar::new(value, *count))
            .collect(),
        Shape::Ranges(ranges) => ranges
            .iter()
            .map(|(from, to, count)| {
                Bar::new(format!("{} to {}", shown(*from), shown(*to)), *count)
            })
            .collect(),
        Shape::Texts => return,
    };
    page.figure(&bars(
        &format!("Rows by {}", one.property),
        "rows",
        &bars_of,
    ));
    page.table(
        "Rows by value",
        &["Value", "Rows", "Share"],
        bars_of.iter().map(|bar| {
            vec![
                Value::heading(&bar.label),
                Value::number(grouped(bar.count)),
                Value::number(per_cent(bar.count, one.values)),
            ]
        }),
    );
}

/// Returns a number with at most six digits after the point.
fn shown(number: f64) -> String {
    let magnitude = number.abs();
    if number != 0.0 && !(1e-6..1e15).contains(&magnitude) {
        return format!("{number:e}");
    }
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Adds single rows with their cells.
pub(super) fn add_sample(page: &mut HtmlPage, rows: &[SampleRow]) {
    if rows.is_empty() {
        return;
    }
    page.section("Rows before and after");
    for row in rows {
        page.part(&format!("{} row {}", row.table, row.row));
        for (caption, cells) in [("Before", &row.before), ("After", &row.after)] {
            page.table(
                caption,
                &["Column", "Cell"],
                cells.iter().map(|(column, cell)| {
                    vec![
                        Value::heading(column),
                        Value::text(cell.clone().unwrap_or_default()),
                    ]
                }),
            );
        }
    }
}
