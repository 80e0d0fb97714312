//! Charts as SVG inside a page.

use crate::escape::Escaped;
use quarry_result::digits::grouped;
use quarry_result::excerpt::cut;
use std::fmt::Write as _;

/// The longest label of a bar, characters. The bar's title has all of it.
const LONGEST_LABEL: usize = 26;

/// The width of a chart, and of the places for labels and figures in it.
const WIDTH: u64 = 640;
const LABELS: u64 = 200;
const FIGURES: u64 = 90;

/// The height of a bar with its distance to the next.
const STEP: u64 = 24;

/// A bar of a chart.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) count: u64,
    /// Whether it stands for something that went wrong.
    pub(crate) is_bad: bool,
    /// The JSON Pointer of the count in the summary, if it is there.
    pub(crate) member: Option<String>,
}

impl Bar {
    pub(crate) fn new(label: impl Into<String>, count: u64) -> Self {
        Self {
            label: label.into(),
            count,
            is_bad: false,
            member: None,
        }
    }

    pub(crate) fn bad(label: impl Into<String>, count: u64) -> Self {
        Self {
            is_bad: true,
            ..Self::new(label, count)
        }
    }

    /// Says where the count is in the summary.
    pub(crate) fn at(self, member: impl Into<String>) -> Self {
        Self {
            member: Some(member.into()),
            ..self
        }
    }
}

/// Returns a chart of horizontal bars. `title` says what it shows, to people who do not see it.
pub(crate) fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or_default();
    let height = bars.len() as u64 * STEP;
    let mut svg = format!(
        "<figure>\n<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{}\">\n",
        Escaped(title)
    );
    for (bar, top) in bars
        .iter()
        .zip((0..).step_by(usize::try_from(STEP).unwrap_or(1)))
    {
        add_bar(&mut svg, bar, unit, top, most);
    }
    let _ = writeln!(
        svg,
        "</svg>\n<figcaption>{}</figcaption>\n</figure>",
        Escaped(title)
    );
    svg
}

fn add_bar(svg: &mut String, bar: &Bar, unit: &str, top: u64, most: u64) {
    let room = u128::from(WIDTH - LABELS - FIGURES);
    // A count that is not zero shows as at least a line.
    let width = (u128::from(bar.count) * room)
        .checked_div(u128::from(most))
        .unwrap_or_default()
        .max(u128::from(bar.count > 0));
    let label = cut(&bar.label, LONGEST_LABEL);
    let count = grouped(bar.count);
    let class = if bar.is_bad { " class=\"bad\"" } else { "" };
    let member = bar.member.as_ref().map_or_else(String::new, |member| {
        format!(" data-member=\"{}\"", Escaped(member))
    });
    let text = top + 16;
    let end = u128::from(LABELS) + width + 6;
    let _ = writeln!(
        svg,
        "<g><title>{title}: {count} {unit}</title>\
         <text x=\"{labels}\" y=\"{text}\" text-anchor=\"end\">{label}</text>\
         <rect{class} x=\"{LABELS}\" y=\"{bar_top}\" width=\"{width}\" height=\"16\"/>\
         <text x=\"{end}\" y=\"{text}\"{member}>{count}</text></g>",
        title = Escaped(&bar.label),
        unit = Escaped(unit),
        labels = LABELS - 8,
        label = Escaped(&label),
        bar_top = top + 4,
    );
}
