//! The values of each property.

use crate::chart::{Bar, bars};
use crate::page::{HtmlPage, Value};
use crate::run::answer_words::AnswerWords;
use crate::run_report::RunReport;
use crate::visible::visible;
use quarry_comparison::{MOST_NUMBERS, number, per_cent};
use quarry_result::digits::grouped;
use quarry_result::summary::{LengthSummary, NumberSummary, PropertySummary, RangeRows};

/// Adds the values of each property: those of the summary's profile, or if it has none, those of the table.
pub(super) fn add(page: &mut HtmlPage, report: &RunReport<'_>) {
    let profile = report.summary.profile.as_ref();
    let (properties, list) = match (profile, report.table) {
        (Some(profile), _) => (&profile.properties, Some("/profile/properties")),
        (None, Some(table)) => (&table.properties, None),
        (None, None) => return,
    };
    if properties.is_empty() {
        return;
    }
    page.section("Values of the answers");
    page.remark(&match profile {
        Some(profile) => format!(
            "Of the {} rows with {}.",
            grouped(profile.rows),
            AnswerWords::of(report.summary).one
        ),
        None => "Of the rows that have an answer, as the result table has them.".to_owned(),
    });
    for (index, one) in properties.iter().enumerate() {
        let figures = PropertyFigures {
            member: list.map(|list| format!("{list}/{index}")),
        };
        page.part(&visible(&one.property));
        add_figures(page, one, &figures);
        add_values(page, one, &figures);
    }
    let left_out = profile.map_or(0, |profile| profile.properties_left_out);
    if left_out > 0 {
        page.remark(&format!(
            "{} more properties are not counted.",
            grouped(left_out)
        ));
    }
}

/// Makes the figures of a property.
struct PropertyFigures {
    /// The property's JSON Pointer, if the figures are those of the summary.
    member: Option<String>,
}

impl PropertyFigures {
    fn count(&self, count: u64, name: &str) -> Value {
        self.of(grouped(count), name)
    }

    fn number(&self, number: f64, name: &str) -> Value {
        self.of(shown(number), name)
    }

    fn of(&self, text: String, name: &str) -> Value {
        match self.at(name) {
            Some(member) => Value::Figure { text, member },
            None => Value::Number(text),
        }
    }

    fn at(&self, name: &str) -> Option<String> {
        let member = self.member.as_ref()?;
        Some(format!("{member}/{name}"))
    }
}

fn add_figures(page: &mut HtmlPage, one: &PropertySummary, figures: &PropertyFigures) {
    let distinct = match one.distinct {
        Some(distinct) => figures.count(distinct, "distinct"),
        None => Value::number("more than can be told apart"),
    };
    let mut lines = vec![
        ("Rows with a value", figures.count(one.values, "values")),
        ("Rows without a value", figures.count(one.nulls, "nulls")),
        ("Different values", distinct),
    ];
    if let Some(numbers) = &one.numbers {
        lines.extend([
            ("Numbers", figures.count(numbers.values, "numbers/values")),
            (
                "Smallest",
                figures.number(numbers.minimum, "numbers/minimum"),
            ),
            ("Mean", figures.number(numbers.mean, "numbers/mean")),
            (
                "Largest",
                figures.number(numbers.maximum, "numbers/maximum"),
            ),
        ]);
    }
    if let Some(booleans) = &one.booleans {
        lines.extend([
            ("True", figures.count(booleans.r#true, "booleans/true")),
            ("False", figures.count(booleans.r#false, "booleans/false")),
        ]);
    }
    let names = [
        "Texts",
        "Shortest text, characters",
        "Mean length, characters",
        "Longest text, characters",
    ];
    add_lengths(&mut lines, one.texts, names, "texts", figures);
    let names = [
        "Lists",
        "Shortest list, elements",
        "Mean length, elements",
        "Longest list, elements",
    ];
    add_lengths(&mut lines, one.lists, names, "lists", figures);
    if one.objects > 0 {
        lines.push(("Objects", figures.count(one.objects, "objects")));
    }
    let lines = lines.into_iter();
    page.table(
        "Figures",
        &["", ""],
        lines.map(|(label, value)| vec![Value::heading(label), value]),
    );
}

fn add_lengths(
    lines: &mut Vec<(&'static str, Value)>,
    lengths: Option<LengthSummary>,
    names: [&'static str; 4],
    member: &str,
    figures: &PropertyFigures,
) {
    let Some(lengths) = lengths else {
        return;
    };
    let at = |name: &str| format!("{member}/{name}");
    let [values, shortest, mean, longest] = names;
    lines.extend([
        (values, figures.count(lengths.values, &at("values"))),
        (shortest, figures.count(lengths.shortest, &at("shortest"))),
        (mean, figures.number(lengths.mean, &at("mean"))),
        (longest, figures.count(lengths.longest, &at("longest"))),
    ]);
}

/// Adds a chart of the values, and its table.
fn add_values(page: &mut HtmlPage, one: &PropertySummary, figures: &PropertyFigures) {
    let numbers = one.numbers.as_ref();
    let lines = match numbers.filter(|numbers| numbers.values == one.values) {
        Some(numbers) => numbers_of(one, numbers, figures),
        None => frequent(one, figures),
    };
    if lines.is_empty() {
        return;
    }
    let listed: u64 = lines.iter().map(|bar| bar.count).sum();
    let others = one.values.saturating_sub(listed);
    // Of texts that are nearly all different, a chart would say nothing.
    if listed >= others {
        let others = (others > 0).then(|| Bar::new("other values", others));
        let chart: Vec<Bar> = lines.iter().cloned().chain(others).collect();
        page.figure(&bars(&format!("Rows by {}", one.property), "rows", &chart));
    }
    let others = (others > 0).then(|| {
        vec![
            Value::text("other values"),
            Value::number(grouped(others)),
            Value::number(per_cent(others, one.values)),
        ]
    });
    let lines = lines.iter().map(|bar| {
        let rows = match &bar.member {
            Some(member) => Value::figure(bar.count, member),
            None => Value::number(grouped(bar.count)),
        };
        vec![
            Value::heading(&bar.label),
            rows,
            Value::number(per_cent(bar.count, one.values)),
        ]
    });
    page.table(
        "Rows by value",
        &["Value", "Rows", "Share"],
        lines.chain(others),
    );
}

/// Returns the most frequent values with their rows.
fn frequent(one: &PropertySummary, figures: &PropertyFigures) -> Vec<Bar> {
    let values = one.most_frequent.iter().enumerate();
    values
        .map(|(index, value)| Bar {
            member: figures.at(&format!("most_frequent/{index}/rows")),
            ..Bar::new(visible(&value.value), value.rows)
        })
        .collect()
}

/// Returns few numbers one by one in their order, and many by ranges.
fn numbers_of(
    one: &PropertySummary,
    numbers: &NumberSummary,
    figures: &PropertyFigures,
) -> Vec<Bar> {
    let mut single = frequent(one, figures);
    let listed: u64 = single.iter().map(|bar| bar.count).sum();
    if listed == one.values && single.len() <= MOST_NUMBERS {
        let value = |bar: &Bar| number(&bar.label).unwrap_or_default();
        single.sort_by(|a, b| value(a).total_cmp(&value(b)));
        return single;
    }
    let is_one = numbers.minimum.total_cmp(&numbers.maximum).is_eq();
    let label = |range: &RangeRows| {
        if is_one {
            shown(numbers.minimum)
        } else {
            format!("{} to {}", shown(range.from), shown(range.to))
        }
    };
    let ranges = numbers.ranges.iter().enumerate();
    ranges
        .map(|(index, range)| Bar {
            member: figures.at(&format!("numbers/ranges/{index}/rows")),
            ..Bar::new(label(range), range.rows)
        })
        .collect()
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
