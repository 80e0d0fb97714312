//! The marks around an object: blanks, code fences and the brackets of a list.

use crate::parse::parse_prefix;

/// Whether the text around an object has no meaning: blanks and the marks of a code fence.
pub(crate) fn is_wrapping(text: &str) -> bool {
    let text = text.trim().trim_matches(['`', '~']).trim();
    text.is_empty() || text.eq_ignore_ascii_case("json") || text == "\u{FEFF}"
}

/// Whether nothing follows an object but blanks and the marks that close its list or fence. What
/// opens something else is the beginning of a text that could take the object back.
pub(crate) fn is_end(before: &str, after: &str, in_list: bool) -> bool {
    let mut before = before.trim_end();
    let mut after = after.trim();
    if in_list {
        let Some(closed) = after.strip_prefix(']') else {
            return false;
        };
        after = closed.trim_start();
        before = before.strip_suffix('[').unwrap_or(before).trim_end();
    }
    let Some(mark) = after.chars().next() else {
        return true;
    };
    let line = before.lines().next_back().unwrap_or_default();
    matches!(mark, '`' | '~')
        && after.chars().all(|other| other == mark)
        && (line.trim_start().starts_with(mark) || line.ends_with(mark))
}

/// Whether a list that ends with an item before this text ends as JSON.
pub(crate) fn closes_a_list(after: &str) -> bool {
    after.trim_start().starts_with(']') || parse_prefix(&format!("[null{after}")).is_ok()
}
