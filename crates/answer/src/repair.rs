//! Repairs one kind of broken JSON: German quotes.
//!
//! Models that write German open a quotation with `„` (U+201E) and often close it with an ASCII
//! `"`, which ends the JSON string in the middle: `{"reason":"er schrieb „hallo" und ging"}`.
//!
//! There are two repairs, both for text that does not parse as it is:
//!
//! - [`repair_quotes`] is exactly the repair of earlier programs: every pair from `„` to the next
//!   `"`, `“` or `”` becomes a pair of escaped ASCII quotes, then every other curly quote becomes
//!   `'`. It breaks a text in which a `„` is never closed, because the pair then ends at the quote
//!   that closes the JSON string.
//! - [`repair_single_pairs`] is for those texts. It decides for each `"` that could close a `„`
//!   whether it does so or ends the string, and accepts the result only if exactly one set of
//!   decisions makes the text parse.
//!
//! Limits: neither repair changes an ASCII `"` that does not follow a `„`, or commas, braces,
//! control characters or anything else that is broken in another way.

use crate::parse::{NotJson, parse_prefix};
use crate::work::looked_at;
use std::cell::Cell;
use std::ops::Range;

const LOW_QUOTE: char = '\u{201E}';

/// The most quotes to decide about in one answer.
const MOST_CHOICES: usize = 64;

/// The most repairs that are tried for one answer.
const MOST_TRIALS: usize = 256;

/// The repairs that may still be tried for an answer, over all objects of its text. Each looks at all
/// of the text that is left.
#[derive(Debug)]
pub(crate) struct RepairEffort(Cell<usize>);

impl RepairEffort {
    pub(crate) const fn of_an_answer() -> Self {
        Self(Cell::new(MOST_TRIALS))
    }

    /// Counts a trial. Returns `false` if there is none left.
    pub(crate) fn take(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// Turns `„…"`, `„…“` and `„…”` into `\"…\"` and every other curly quote into `'`.
///
/// `None` if the text has no curly quote, so that nothing would change. The text between the quotes
/// may span lines and may contain further `„`. ASCII quotes change only as the closing mark of such
/// a pair.
///
/// ```
/// # use quarry_answer::repair_quotes;
/// assert_eq!(
///     repair_quotes(r#"{"a":"er schrieb „hallo" und ‚ja‘"}"#).as_deref(),
///     Some(r#"{"a":"er schrieb \"hallo\" und 'ja'"}"#)
/// );
/// assert_eq!(repair_quotes(r#"{"a":"b"}"#), None);
/// ```
pub fn repair_quotes(text: &str) -> Option<String> {
    looked_at(text.len());
    let first = find_curly(text)?;
    let mut repaired = String::with_capacity(text.len() + 16);
    repaired.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = find_curly(rest) {
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        let pair = rest
            .strip_prefix(LOW_QUOTE)
            .and_then(|inner| Some((inner, inner.find(['"', '\u{201C}', '\u{201D}'])?)));
        if let Some((inner, close)) = pair {
            repaired.push_str("\\\"");
            for character in inner[..close].chars() {
                repaired.push(if is_curly(character) { '\'' } else { character });
            }
            repaired.push_str("\\\"");
            let closing = inner[close..].chars().next().map_or(0, char::len_utf8);
            rest = &inner[close + closing..];
        } else {
            repaired.push('\'');
            rest = &rest[LOW_QUOTE.len_utf8()..];
        }
    }
    repaired.push_str(rest);
    Some(repaired)
}

/// Whether the text has a `„`. Without one, neither repair can help.
pub(crate) fn has_low_quote(text: &str) -> bool {
    find_curly_where(text, |last| last == 0x9E).is_some()
}

/// Decides quote by quote which `"` closes a `„`, and escapes both marks of those pairs.
///
/// `accepts` gets a repaired text that starts with a JSON value and the offset after that value.
/// Returns the only text that parses and is accepted; `None` if there is none or more than one, or
/// if there is too much to decide.
pub(crate) fn repair_single_pairs(
    text: &str,
    effort: &RepairEffort,
    accepts: impl Fn(&str, usize) -> bool,
) -> Option<String> {
    let pairs = ascii_closed_pairs(text);
    if pairs.is_empty() || pairs.len() > MOST_CHOICES {
        return None;
    }
    let mut search = Search {
        text,
        pairs,
        accepts,
        effort,
        found: None,
        ambiguous: false,
    };
    let problem = match parse_prefix(text) {
        Ok(_) => None,
        Err(NotJson { byte, .. }) => Some(byte),
    };
    search.explore(0, &mut Vec::new(), problem);
    if search.ambiguous || effort.is_used_up() {
        return None;
    }
    search.found
}

/// Searches the sets of pairs that make the text parse.
struct Search<'t, F> {
    text: &'t str,
    pairs: Vec<Range<usize>>,
    accepts: F,
    effort: &'t RepairEffort,
    found: Option<String>,
    ambiguous: bool,
}

impl<F: Fn(&str, usize) -> bool> Search<'_, F> {
    /// Adds each of the pairs from `next` on to `chosen`, one after the other.
    ///
    /// `problem` is where the text with the chosen pairs stops being JSON. Escaping a quote after
    /// that offset cannot help.
    fn explore(&mut self, next: usize, chosen: &mut Vec<usize>, problem: Option<usize>) {
        for pair in next..self.pairs.len() {
            if problem.is_some_and(|byte| self.pairs[pair].end > byte) {
                return;
            }
            if self.ambiguous || !self.effort.take() {
                return;
            }
            chosen.push(pair);
            let (candidate, origins) = self.escape(chosen);
            let problem = match parse_prefix(&candidate) {
                Ok(parsed) => {
                    if (self.accepts)(&candidate, parsed.end) {
                        self.ambiguous = self.found.is_some();
                        self.found = Some(candidate);
                    }
                    None
                }
                Err(error) => Some(origin_of(error.byte, &origins)),
            };
            self.explore(pair + 1, chosen, problem);
            chosen.pop();
        }
    }

    /// Returns the text with the chosen pairs escaped, and for each change the offset after it in
    /// the new and in the old text.
    fn escape(&self, chosen: &[usize]) -> (String, Vec<(usize, usize)>) {
        let mut escaped = String::with_capacity(self.text.len() + chosen.len());
        let mut origins = Vec::with_capacity(chosen.len() * 2);
        let mut from = 0;
        for &pair in chosen {
            let Range { start, end } = self.pairs[pair];
            escaped.push_str(&self.text[from..start]);
            escaped.push_str("\\\"");
            let inner = start + LOW_QUOTE.len_utf8();
            origins.push((escaped.len(), inner));
            escaped.push_str(&self.text[inner..end - 1]);
            escaped.push_str("\\\"");
            origins.push((escaped.len(), end));
            from = end;
        }
        escaped.push_str(&self.text[from..]);
        (escaped, origins)
    }
}

/// Returns the offset in the old text of an offset in the new text.
fn origin_of(byte: usize, origins: &[(usize, usize)]) -> usize {
    match origins.iter().rev().find(|(new, _)| *new <= byte) {
        Some((new, old)) => old + (byte - new),
        None => byte,
    }
}

/// Returns all `„…"` from the nearest `„` up to and including the first quote after it, if that is
/// an ASCII quote that is not escaped.
fn ascii_closed_pairs(text: &str) -> Vec<Range<usize>> {
    let mut pairs = Vec::new();
    for (start, low) in text.match_indices(LOW_QUOTE) {
        let inner = &text[start + low.len()..];
        let Some(close) = inner.find(['"', LOW_QUOTE, '\u{201C}', '\u{201D}']) else {
            break;
        };
        let before = &inner.as_bytes()[..close];
        let backslashes = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if inner.as_bytes()[close] == b'"' && backslashes % 2 == 0 {
            pairs.push(start..start + low.len() + close + 1);
        }
    }
    pairs
}

/// Whether a JSON text that parses has a string that ends while a `„` in it is open. The quote that
/// was meant to close the `„` may have ended such a string.
pub(crate) fn ends_a_string_in_an_open_quote(json: &str) -> bool {
    let mut in_string = false;
    let mut open = false;
    let mut characters = json.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => open &= characters.next() != Some('"'),
            '"' if in_string => {
                if open {
                    return true;
                }
                in_string = false;
            }
            '"' => {
                in_string = true;
                open = false;
            }
            LOW_QUOTE => open = true,
            '\u{201C}' | '\u{201D}' => open = false,
            _ => {}
        }
    }
    false
}

fn is_curly(character: char) -> bool {
    ('\u{2018}'..='\u{201F}').contains(&character)
}

/// Returns the offset of the first of U+2018 to U+201F, which are E2 80 98 to E2 80 9F in UTF-8.
fn find_curly(text: &str) -> Option<usize> {
    find_curly_where(text, |last| (0x98..=0x9F).contains(&last))
}

fn find_curly_where(text: &str, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(0xE2, bytes).find(|&at| {
        bytes.get(at + 1) == Some(&0x80) && bytes.get(at + 2).is_some_and(|last| is_wanted(*last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether `after` is `before` with only the marks of `„…"` pairs changed, into escaped ASCII
    /// quotes.
    fn only_pairs_are_escaped(mut before: &str, mut after: &str) -> bool {
        let mut open = false;
        while let Some(character) = before.chars().next() {
            let rest = after.strip_prefix("\\\"");
            match (character, rest) {
                (LOW_QUOTE, Some(rest)) => (open, after) = (true, rest),
                ('"', Some(rest)) if open => (open, after) = (false, rest),
                _ => match after.strip_prefix(character) {
                    Some(rest) => after = rest,
                    None => return false,
                },
            }
            before = &before[character.len_utf8()..];
        }
        after.is_empty() && !open
    }

    proptest! {
        /// The second repair changes only quotes of the German pattern: no other ASCII quote and no
        /// curly one.
        #[test]
        fn single_pairs_are_all_that_the_second_repair_changes(
            values in prop::collection::vec("(„|“|\"|\\\\\"|‚x‘|[a-z ,:{}]|„[a-z]\"|„[a-z]“){0,6}", 1..4),
        ) {
            let members: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(number, value)| format!("\"{number}\":\"{value}\""))
                .collect();
            let text = format!("{{{}}}", members.join(","));
            if let Some(repaired) = single(&text) {
                prop_assert!(only_pairs_are_escaped(&text, &repaired), "{} became {}", text, repaired);
                prop_assert!(parse_prefix(&repaired).is_ok());
            }
        }
    }

    fn single(text: &str) -> Option<String> {
        repair_single_pairs(text, &RepairEffort::of_an_answer(), |_, _| true)
    }

    #[test]
    fn pairs_are_escaped_and_other_curly_quotes_become_apostrophes() {
        for (text, repaired) in [
            ("„a\"", "\\\"a\\\""),
            ("„a“ „b”", "\\\"a\\\" \\\"b\\\""),
            ("„a „b\" c\"", "\\\"a 'b\\\" c\""),
            ("„a\nb\"", "\\\"a\nb\\\""),
            ("a „ b", "a ' b"),
            ("“a” ‘b’ ‚c‘ ‛d‟", "'a' 'b' 'c' 'd'"),
            ("x\"y\" „z\"", "x\"y\" \\\"z\\\""),
            ("„x\\\"", "\\\"x\\\\\""),
        ] {
            assert_eq!(repair_quotes(text).as_deref(), Some(repaired), "{text}");
        }
    }

    #[test]
    fn text_without_curly_quotes_is_not_copied() {
        for text in [
            "",
            "{\"a\":\"b\"}",
            "– … € \u{2017}\u{2020}",
            "\u{E2}\u{80}",
        ] {
            assert_eq!(repair_quotes(text), None, "{text}");
        }
    }

    #[test]
    fn a_quote_that_ends_the_string_is_left_where_another_must_be_escaped() {
        assert_eq!(
            single(r#"{"a":"„Haus","b":"say „hi" there"}"#).as_deref(),
            Some(r#"{"a":"„Haus","b":"say \"hi\" there"}"#)
        );
        assert_eq!(
            single(r#"{"a":["„x" y","„Haus","„z" w"],"b":"„""}"#).as_deref(),
            Some(r#"{"a":["\"x\" y","„Haus","\"z\" w"],"b":"\"\""}"#)
        );
    }

    #[test]
    fn escaped_and_curly_closing_marks_leave_nothing_to_decide() {
        assert_eq!(
            single(r#"{"a":"„x\" and „y“ and „z" w"}"#).as_deref(),
            Some(r#"{"a":"„x\" and „y“ and \"z\" w"}"#)
        );
    }

    #[test]
    fn other_breakage_is_not_repaired() {
        for text in [
            r#"{"a":"„x" y "z" w"}"#,
            r#"{"a":"„x" y"#,
            r#"{"a":"„x" y",}"#,
            r#"{"a":"x "y" z"}"#,
        ] {
            assert_eq!(single(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_that_can_be_read_in_two_ways_is_not_repaired() {
        // The list has either one element or two.
        assert_eq!(single("[\"„a\", \"b\"„c\", \"d\" x\"]"), None);
    }

    #[test]
    fn deciding_is_bounded() {
        let many = format!("{{\"a\":\"{}\"}}", "„x\" ".repeat(MOST_CHOICES + 1));
        assert_eq!(single(&many), None);
        let within = format!("{{\"a\":\"{}\"}}", "„x\" y ".repeat(MOST_CHOICES));
        assert!(single(&within).is_some());
    }

    #[test]
    fn an_open_quote_at_the_end_of_a_string_is_seen() {
        for text in [r#"{"a":"„x"}"#, r#"{"a":"„x“ „"}"#, r#"["a","b „ c"]"#] {
            assert!(ends_a_string_in_an_open_quote(text), "{text}");
        }
        for text in [
            r#"{"a":"x"}"#,
            r#"{"a":"„x“"}"#,
            r#"{"a":"„x\""}"#,
            r#"{"a":"„x” \\"}"#,
        ] {
            assert!(!ends_a_string_in_an_open_quote(text), "{text}");
        }
    }
}
