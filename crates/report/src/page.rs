//! The frame of a page, and the elements that pages are made of.

use crate::escape::Escaped;
use crate::style::STYLE;
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

    /// Adds a table with a heading for each column.
    pub(crate) fn table(
        &mut self,
        caption: &str,
        headings: &[&str],
        rows: impl IntoIterator<Item = Vec<Value>>,
    ) {
        let _ = write!(
            self.html,
            "<div class=\"wide\">\n<table>\n<caption>{}</caption>\n<thead>\n<tr>",
            Escaped(caption)
        );
        let rows: Vec<Vec<Value>> = rows.into_iter().collect();
        for (index, heading) in headings.iter().enumerate() {
            let first = rows.first().and_then(|row| row.get(index));
            let class = match first {
                Some(Value::Number(_) | Value::Same(_)) => " class=\"n\"",
                _ => "",
            };
            let _ = write!(
                self.html,
                "<th scope=\"col\"{class}>{}</th>",
                Escaped(heading)
            );
        }
        self.html.push_str("</tr>\n</thead>\n<tbody>\n");
        for row in rows {
            self.html.push_str("<tr>");
            for value in &row {
                self.cell(value);
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody>\n</table>\n</div>\n");
    }

    fn cell(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.element("td", "", text),
            Value::Number(text) => self.element("td", " class=\"n\"", text),
            Value::Same(text) => self.element("td", " class=\"n same\"", text),
            Value::Bad(text) => self.element("td", " class=\"bad\"", text),
            Value::Heading(text) => self.element("th", " scope=\"row\"", text),
        }
    }

    fn element(&mut self, tag: &str, attributes: &str, text: &str) {
        let _ = write!(self.html, "<{tag}{attributes}>{}</{tag}>", Escaped(text));
    }
}
