//! Labels for values of which a reader would see nothing.

use std::borrow::Cow;

/// Returns a value as a label: the value itself, or words in brackets if it has no character that can be seen. The words
/// name each character in turn, so values that differ have labels that differ.
pub(crate) fn visible(value: &str) -> Cow<'_, str> {
    if value.is_empty() {
        return Cow::Borrowed("(empty text)");
    }
    if !value.chars().all(is_unseen) {
        return Cow::Borrowed(value);
    }
    let mut runs: Vec<(char, usize)> = Vec::new();
    for one in value.chars() {
        match runs.last_mut() {
            Some((last, count)) if *last == one => *count += 1,
            _ => runs.push((one, 1)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(one, count)| named(one, count))
        .collect();
    Cow::Owned(format!("({})", words.join(", ")))
}

/// Returns how often a character occurs, in words.
fn named(one: char, count: usize) -> String {
    let name = match one {
        ' ' => "blank",
        '\t' => "tab",
        '\n' => "line break",
        '\r' => "carriage return",
        '\u{a0}' => "no-break space",
        other if count == 1 => return format!("U+{:04X}", u32::from(other)),
        other => return format!("{count} U+{:04X}", u32::from(other)),
    };
    if count == 1 {
        format!("a {name}")
    } else {
        format!("{count} {name}s")
    }
}

/// Whether a character leaves nothing on the page: white space, or one without a width.
fn is_unseen(one: char) -> bool {
    one.is_whitespace() || matches!(one, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_seen_is_named_and_any_other_stays() {
        for (value, label) in [
            ("", "(empty text)"),
            (" ", "(a blank)"),
            ("   ", "(3 blanks)"),
            ("\t", "(a tab)"),
            ("\n", "(a line break)"),
            ("\r\n", "(a carriage return, a line break)"),
            (" \t\t ", "(a blank, 2 tabs, a blank)"),
            ("\u{a0}", "(a no-break space)"),
            (
                "\u{a0}\u{200b}\u{2003}\u{2003}",
                "(a no-break space, U+200B, 2 U+2003)",
            ),
            (" a ", " a "),
            ("0", "0"),
        ] {
            assert_eq!(visible(value), label, "{value:?}");
        }
    }
}
