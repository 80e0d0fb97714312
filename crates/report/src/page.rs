//! The frame of a page, and the elements that pages are made of.

use crate::escape::Escaped;
use crate::style::STYLE;
use quarry_result::digits::grouped;
use std::fmt::Write as _;

/// A page that is being written.
#[derive(Debug)]
pub(crate) struct HtmlPage {
    html: String,
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// A number, or another text that is read from its right end.
    Number(String),
    /// A figure of the summary, with the JSON Pointer of its member, so that a program can compare the two.
    Figure {
        /// The figure for people.
        text: String,
        /// Where it is in the summary.
        member: String,
    },
    /// A number that stands for agreement, among others that do not.
    Same(String),
    /// A text that says what is wrong.
    Bad(String),
    /// The heading of a row.
    Heading(String),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn number(text: impl Into<String>) -> Self {
        Self::Number(text.into())
    }

    /// A figure of the summary. `member` is its JSON Pointer. The summary counts rows from 0 and the page from 1, so the
    /// number of a row (`example_row`) is one more than its member.
    pub(crate) fn figure(number: u64, member: &str) -> Self {
        Self::Figure {
            text: grouped(number),
            member: member.to_owned(),
        }
    }

    pub(crate) fn heading(text: impl Into<String>) -> Self {
        Self::Heading(text.into())
    }
}

impl HtmlPage {
    /// Begins a page with this title.
    pub(crate) fn new(title: &str) -> Self {
        let title = Escaped(title);
        // A page without a policy could be made to load something by a mistake in the escaping.
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        Self { html }
    }

    /// Returns the page.
    pub(crate) fn finish(mut self) -> String {
        self.html.push_str("</main>\n</body>\n</html>\n");
        self.html
    }

    /// Begins a section of the page.
    pub(crate) fn section(&mut self, title: &str) {
        let _ = writeln!(self.html, "<h2>{}</h2>", Escaped(title));
    }

    /// Begins a part of a section.
    pub(crate) fn part(&mut self, title: &str) {
        let _ = writeln!(self.html, "<h3>{}</h3>", Escaped(title));
    }

    /// Adds a paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.html, "<p>{}</p>", Escaped(text));
    }

    /// Adds a paragraph that explains what is around it.
    pub(crate) fn remark(&mut self, text: &str) {
        let _ = writeln!(self.html, "<p class=\"quiet\">{}</p>", Escaped(text));
    }

    /// Adds a text as it is, with its line breaks.
    pub(crate) fn verbatim(&mut self, text: &str) {
        let _ = writeln!(self.html, "<pre>{}</pre>", Escaped(text));
    }

    /// Adds a list of texts.
    pub(crate) fn list<'a>(&mut self, texts: impl IntoIterator<Item = &'a String>) {
        self.html.push_str("<ul>\n");
        for text in texts {
            let _ = writeln!(self.html, "<li>{}</li>", Escaped(text));
        }
        self.html.push_str("</ul>\n");
    }

    /// Adds a chart, whose texts are escaped already.
    pub(crate) fn figure(&mut self, svg: &str) {
        self.html.push_str(svg);
    }

    /// Adds a table with a heading for each column. Without headings, each row has its own.
    pub(crate) fn table(
        &mut self,
        caption: &str,
        headings: &[&str],
        rows: impl IntoIterator<Item = Vec<Value>>,
    ) {
        let caption = Escaped(caption);
        let _ = write!(
            self.html,
            "<div class=\"wide\">\n<table>\n<caption>{caption}</caption>\n"
        );
        let rows: Vec<Vec<Value>> = rows.into_iter().collect();
        if headings.iter().any(|heading| !heading.is_empty()) {
            self.headings(headings, rows.first());
        }
        self.html.push_str("<tbody>\n");
        for row in rows {
            self.html.push_str("<tr>");
            for value in &row {
                self.cell(value);
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody>\n</table>\n</div>\n");
    }

    /// Adds the headings of columns; those of numbers are at the right end, as the numbers are.
    fn headings(&mut self, headings: &[&str], first_row: Option<&Vec<Value>>) {
        self.html.push_str("<thead>\n<tr>");
        for (index, heading) in headings.iter().enumerate() {
            let class = match first_row.and_then(|row| row.get(index)) {
                Some(Value::Number(_) | Value::Figure { .. } | Value::Same(_)) => " class=\"n\"",
                _ => "",
            };
            self.element("th", &format!(" scope=\"col\"{class}"), heading);
        }
        self.html.push_str("</tr>\n</thead>\n");
    }

    fn cell(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.element("td", "", text),
            Value::Number(text) => self.element("td", " class=\"n\"", text),
            Value::Figure { text, member } => {
                let member = Escaped(member);
                self.element(
                    "td",
                    &format!(" class=\"n\" data-member=\"{member}\""),
                    text,
                );
            }
            Value::Same(text) => self.element("td", " class=\"n same\"", text),
            Value::Bad(text) => self.element("td", " class=\"bad\"", text),
            Value::Heading(text) => self.element("th", " scope=\"row\"", text),
        }
    }

    fn element(&mut self, tag: &str, attributes: &str, text: &str) {
        let _ = write!(self.html, "<{tag}{attributes}>{}</{tag}>", Escaped(text));
    }
}
