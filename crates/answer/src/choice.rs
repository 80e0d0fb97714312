//! Decides which of the objects of a text is the answer.
//!
//! A single object is the answer. Of several, the last one is the answer if the text announces it
//! as final. Otherwise those that have members of the schema must agree. Two valid objects that
//! differ contradict each other, and so does an invalid object after a valid one; an invalid object
//! before a valid one is a draft. An answer that contradicts itself is refused, and so is one that
//! may be incomplete. Neither a draft nor a fragment is accepted as an answer.

use crate::announcement::announces_the_final_and_ends;
use crate::candidate::{Found, Scan, is_wrapping};
use crate::ending::doubt;
use crate::readable::ends_in_open_quote;
use crate::reasoning::without_reasoning;
use std::fmt::Write as _;

/// The longest part of an object in an error text, in bytes.
const LONGEST_SHOWN: usize = 300;

/// An object, judged as an answer.
pub(crate) struct Judged<T> {
    /// The values, or why the object is not valid.
    pub(crate) value: Result<T, String>,
    /// The object has members that belong to an answer.
    pub(crate) answers: bool,
    /// The object had to be repaired.
    pub(crate) repaired: bool,
}

/// The chosen object.
pub(crate) struct Chosen<T> {
    pub(crate) value: T,
    pub(crate) repaired: bool,
    /// Only blanks and the marks of a fence surround it.
    pub(crate) is_all: bool,
}

/// Why no object was chosen.
pub(crate) struct Refused {
    pub(crate) why: String,
    /// The invalid object was repaired.
    pub(crate) repaired: bool,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self {
            why,
            repaired: false,
        }
    }
}

/// Chooses among the objects of a text.
///
/// `is_stopped`: the model was stopped while it wrote.
pub(crate) fn choose<'t, T: PartialEq>(
    text: &str,
    mut scan: Scan<'t>,
    is_stopped: bool,
    mut judge: impl FnMut(&mut Found<'t>) -> Judged<T>,
) -> Result<Chosen<T>, Refused> {
    let mut judged: Vec<(Found<'t>, Judged<T>)> = Vec::with_capacity(scan.found.len());
    for mut found in std::mem::take(&mut scan.found) {
        let worth = judge(&mut found);
        judged.push((found, worth));
    }
    if judged.iter().any(|(_, worth)| worth.answers) {
        judged.retain(|(_, worth)| worth.answers);
    }
    if judged.last().is_some_and(|(found, _)| found.is_final) {
        judged.drain(..judged.len() - 1);
    }
    let Some(chosen) = agreed(&judged)? else {
        return Err(scan
            .problem
            .map_or_else(
                || scan.reason.to_owned(),
                |problem| format!("not JSON at {problem}"),
            )
            .into());
    };
    let (found, worth) = judged.swap_remove(chosen);
    if let Some(why) = incomplete(&found, is_stopped, scan.ends_broken) {
        let end = found.start + found.json.len();
        return Err(format!("{why} (it ends at byte {end})").into());
    }
    match worth.value {
        Ok(value) => Ok(Chosen {
            value,
            repaired: worth.repaired,
            is_all: is_wrapping(&text[..found.start]) && is_wrapping(&found.after),
        }),
        Err(why) => Err(Refused {
            why,
            repaired: worth.repaired,
        }),
    }
}

/// Returns the index of the chosen object: the last valid one if all agree, or else the first.
fn agreed<T: PartialEq>(judged: &[(Found<'_>, Judged<T>)]) -> Result<Option<usize>, Refused> {
    let Some(first) = judged.iter().position(|(_, worth)| worth.value.is_ok()) else {
        return Ok((!judged.is_empty()).then_some(0));
    };
    let value = &judged[first].1.value;
    let other = judged[first + 1..]
        .iter()
        .find(|(_, worth)| worth.value != *value);
    if let Some((other, _)) = other {
        return Err(contradiction(&judged[first].0, other).into());
    }
    Ok(Some(judged.len() - 1))
}

fn contradiction(one: &Found<'_>, other: &Found<'_>) -> String {
    let mut text = "the answer contradicts itself: ".to_owned();
    for (index, found) in [one, other].into_iter().enumerate() {
        if index > 0 {
            text.push_str(", but ");
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{} at byte {}", shown(&found.json), found.start);
    }
    text
}

/// Returns the beginning of a JSON text, on one line.
pub(crate) fn shown(json: &str) -> String {
    let cut = &json[..json.floor_char_boundary(LONGEST_SHOWN)];
    let mut shown = cut.replace(['\n', '\r'], " ");
    if cut.len() < json.len() {
        shown.push('…');
    }
    shown
}

/// Returns why an object may be only part of the answer.
fn incomplete(found: &Found<'_>, is_stopped: bool, ends_broken: bool) -> Option<&'static str> {
    let after = without_reasoning(&found.after);
    if is_wrapping(&after) {
        return None;
    }
    if let Some(doubt) = doubt(&found.json, &after) {
        return Some(doubt);
    }
    if is_stopped && (ends_in_open_quote(&found.json) || after.trim_start().starts_with('"')) {
        return Some(
            "the object ends within a quotation, and the model was stopped while it went on",
        );
    }
    if ends_broken {
        return Some("another object begins behind this one and is not JSON");
    }
    announces_the_final_and_ends(&after)
        .then_some("the text behind the object announces a final answer that is not there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_objects_are_shown_by_their_beginnings() {
        assert_eq!(shown("{\"a\":\n1}"), "{\"a\": 1}");
        let long = format!("{{\"a\":\"{}\"}}", "ä".repeat(LONGEST_SHOWN));
        let shown = shown(&long);
        assert!(shown.ends_with('…') && shown.len() <= LONGEST_SHOWN + '…'.len_utf8());
    }
}
