//! A chart of times: what ran from when to when.

use crate::escape::Escaped;
use quarry_result::excerpt::cut;
use std::fmt::Write as _;

/// The longest label of a span, characters. The span's title has all of it.
const LONGEST_LABEL: usize = 26;

/// The width of the chart, and of the places beside the spans.
const WIDTH: u64 = 640;
const LABELS: u64 = 200;
const MARGIN: u64 = 10;

/// The height of a span with its distance to the next.
const STEP: u64 = 24;

/// Something that took time.
#[derive(Debug, Clone)]
pub(crate) struct TimeSpan {
    pub(crate) label: String,
    /// When it began.
    pub(crate) start: TimeMark,
    /// When it ended, not before it began.
    pub(crate) end: TimeMark,
    /// Whether it went wrong.
    pub(crate) is_bad: bool,
}

/// A time of the summary.
#[derive(Debug, Clone)]
pub(crate) struct TimeMark {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub(crate) seconds: u64,
    /// As the summary has it.
    pub(crate) text: String,
    /// Where the summary has it, as a JSON Pointer.
    pub(crate) member: String,
}

/// Returns a chart of spans on one axis. `title` says what it shows, to people who do not see it.
pub(crate) fn timeline(title: &str, spans: &[TimeSpan]) -> String {
    let first = spans
        .iter()
        .map(|span| &span.start)
        .min_by_key(|mark| mark.seconds);
    let last = spans
        .iter()
        .map(|span| &span.end)
        .max_by_key(|mark| mark.seconds);
    let (Some(first), Some(last)) = (first, last) else {
        return String::new();
    };
    let axis = TimeAxis {
        first: first.seconds,
        last: last.seconds,
    };
    let bottom = spans.len() as u64 * STEP;
    let height = bottom + STEP;
    let title = Escaped(title);
    let mut svg = format!(
        "<figure>\n<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{title}\">\n"
    );
    for (span, row) in spans.iter().zip(0..) {
        axis.add(&mut svg, span, row * STEP);
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LABELS}\" y=\"{text}\">{from}</text>\
         <text x=\"{right}\" y=\"{text}\" text-anchor=\"end\">{to}</text>\n\
         </svg>\n<figcaption>{title}</figcaption>\n</figure>",
        text = bottom + 16,
        right = WIDTH - MARGIN,
        from = Escaped(&first.text),
        to = Escaped(&last.text),
    );
    svg
}

/// The time that the width of the chart stands for.
struct TimeAxis {
    first: u64,
    last: u64,
}

impl TimeAxis {
    /// Returns how far from the left edge of the spans a time is.
    fn x(&self, seconds: u64) -> u128 {
        let room = u128::from(WIDTH - LABELS - MARGIN);
        (u128::from(seconds.saturating_sub(self.first)) * room)
            .checked_div(u128::from(self.last.saturating_sub(self.first)))
            .unwrap_or_default()
    }

    fn add(&self, svg: &mut String, span: &TimeSpan, top: u64) {
        let start = self.x(span.start.seconds);
        // A short span shows as at least a line.
        let width = self.x(span.end.seconds).saturating_sub(start).max(1);
        let _ = writeln!(
            svg,
            "<g><title>{title}: {from} to {to}</title>\
             <text x=\"{labels}\" y=\"{text}\" text-anchor=\"end\">{label}</text>\
             <rect{class} x=\"{left}\" y=\"{bar_top}\" width=\"{width}\" height=\"16\" \
             data-start=\"{start_member}\" data-end=\"{end_member}\"/></g>",
            title = Escaped(&span.label),
            from = Escaped(&span.start.text),
            to = Escaped(&span.end.text),
            labels = LABELS - 8,
            text = top + 16,
            label = Escaped(&cut(&span.label, LONGEST_LABEL)),
            class = if span.is_bad { " class=\"bad\"" } else { "" },
            left = u128::from(LABELS) + start,
            bar_top = top + 4,
            start_member = Escaped(&span.start.member),
            end_member = Escaped(&span.end.member),
        );
    }
}
