//! Reads a JSON object at the beginning of a text, as it is or repaired.
//!
//! The order of attempts is: the text as it is, the repair of all quote pairs, the repair of single
//! pairs. A text that parses is repaired in one case only. In `{"a":"„x" } and more"}` the quote in
//! the value ended the string, and the brace in the value the object. So an object that ends while
//! a `„` is open, with text after it, is repaired if the object then reaches further.

use crate::ending::closes_again;
use crate::parse::{NotJson, Parsed, parse_prefix};
use crate::repair::{
    RepairEffort, ends_a_string_in_an_open_quote, has_low_quote, repair_quotes, repair_single_pairs,
};

/// A text in a form that starts with a JSON value.
pub(crate) enum Readable<'t> {
    AsItIs(Parsed<'t>),
    Repaired(String),
}

/// Reads a text that starts with `{`, repairing it if necessary.
pub(crate) fn readable<'t>(text: &'t str, effort: &RepairEffort) -> Result<Readable<'t>, NotJson> {
    let parsed = match parse_prefix(text) {
        Ok(parsed) => parsed,
        Err(problem) => {
            let repaired = repaired(text, effort).map(Readable::Repaired);
            return repaired.ok_or(problem);
        }
    };
    let (object, rest) = text.split_at(parsed.end);
    if !rest.trim_start().is_empty()
        && ends_in_open_quote(object)
        && let Some(repaired) = repaired_to_read_on(text, rest, effort)
    {
        return Ok(Readable::Repaired(repaired));
    }
    Ok(Readable::AsItIs(parsed))
}

/// Whether a string of the object ends while a `„` in it is open.
pub(crate) fn ends_in_open_quote(object: &str) -> bool {
    has_low_quote(object) && ends_a_string_in_an_open_quote(object)
}

/// Returns the offset, in the text before repair, of what follows the object. No repair changes the
/// number of braces.
pub(crate) fn end_before_repair(text: &str, repaired_rest: &str) -> usize {
    memchr::memrchr_iter(b'}', text.as_bytes())
        .nth(count_braces(repaired_rest))
        .map_or(text.len(), |brace| brace + 1)
}

/// Returns the repair of a text that does not parse.
fn repaired(text: &str, effort: &RepairEffort) -> Option<String> {
    if !has_low_quote(text) || !effort.take() {
        return None;
    }
    let is_whole = |text: &str, end: usize| !closes_again(&text[end..]);
    repair_quotes(text)
        .filter(|repaired| {
            parse_prefix(repaired).is_ok_and(|parsed| is_whole(repaired, parsed.end))
        })
        .or_else(|| repair_single_pairs(text, effort, is_whole))
}

/// Returns the repair with which the object reaches further into `rest`, the text after it.
fn repaired_to_read_on(text: &str, rest: &str, effort: &RepairEffort) -> Option<String> {
    if !effort.take() {
        return None;
    }
    // Fewer braces after the object mean that it reaches further.
    let braces = count_braces(rest);
    let reads_on =
        |text: &str, end: usize| count_braces(&text[end..]) < braces && !closes_again(&text[end..]);
    repair_quotes(text)
        .filter(|repaired| {
            parse_prefix(repaired).is_ok_and(|parsed| reads_on(repaired, parsed.end))
        })
        .or_else(|| repair_single_pairs(text, effort, reads_on))
}

fn count_braces(text: &str) -> usize {
    memchr::memchr_iter(b'}', text.as_bytes()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_in_the_text_as_it_came() {
        let text = "{\"a\":\"say „x\" {}\"} and {more} “here”";
        let Ok(Readable::Repaired(fixed)) = readable(text, &RepairEffort::of_an_answer()) else {
            panic!("repaired");
        };
        let end = parse_prefix(&fixed).expect("JSON").end;
        let end = end_before_repair(text, &fixed[end..]);
        assert_eq!(&text[end..], " and {more} “here”");
    }
}
