//! Texts of rows, answers and names in a page.

use std::fmt;

/// A text that is escaped when it is written into a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|one| match one {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            '\n' | '\t' => write!(out, "{one}"),
            one if is_control(one) => write!(out, "{}", one.escape_default()),
            one => write!(out, "{one}"),
        })
    }
}

/// Whether a character has no shape of its own, or changes the direction of the text around it, so
/// that a reader would see something else than the text.
fn is_control(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_end_neither_an_element_nor_an_attribute() {
        let text = r#"</td><script>alert('1')</script>" onload="x & y"#;
        let written = Escaped(text).to_string();
        assert!(!written.contains(['<', '>', '"', '\'']), "{written}");
        assert!(written.contains("x &amp; y"), "{written}");
        assert_eq!(
            Escaped("a\u{202e}\u{0}\nb").to_string(),
            "a\\u{202e}\\u{0}\nb"
        );
    }
}
