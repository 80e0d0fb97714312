//! Finds what stands behind an object and may correct it, although it is not JSON.

use crate::loose::{LooseObject, first_name, loose_object, next_brace};
use crate::reasoning::length_of_first;
use std::borrow::Cow;

/// The most objects that are compared, so that the time is bounded.
const MOST_COMPARED: usize = 64;

/// What stands behind an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Correction<'t> {
    /// Nothing that looks like an answer.
    Missing,
    /// Only objects with the same values.
    Same,
    /// An object with other values.
    Other(&'t str),
    /// An object that cannot be read.
    Broken,
}

/// Whether an object is another answer.
pub(crate) enum Rivalry {
    /// It has nothing of an answer.
    Unrelated,
    Same,
    Other,
}

/// Looks for a correction in the text behind an object.
///
/// `is_member`: whether a member of this name belongs to an answer.
pub(crate) fn correction<'t>(
    after: &'t str,
    is_member: &dyn Fn(&str) -> bool,
    mut compare: impl FnMut(&LooseObject) -> Rivalry,
) -> Correction<'t> {
    let mut seen = Correction::Missing;
    let mut compared = 0;
    let mut at = 0;
    while let Some(next) = next_brace(&after[at..]) {
        at += next;
        let text = &after[at..];
        let begin = at;
        at += length_of_first(text);
        let Some(name) = first_name(text) else {
            continue;
        };
        if compared == MOST_COMPARED {
            return Correction::Broken;
        }
        compared += 1;
        let Some(object) = loose_object(text) else {
            if is_member(&name) {
                return Correction::Broken;
            }
            continue;
        };
        match compare(&object) {
            Rivalry::Unrelated => {}
            Rivalry::Same => seen = Correction::Same,
            Rivalry::Other => return Correction::Other(&text[..object.end]),
        }
        at = begin + object.end;
    }
    seen
}

/// Returns a text without the objects in it, each of which leaves its braces. After
/// [`MOST_COMPARED`] braces, the rest stays as it is.
pub(crate) fn without_objects(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let (mut from, mut at) = (0, 0);
    let mut tried = 0;
    while let Some(next) = next_brace(&text[at..]) {
        at += next;
        if tried == MOST_COMPARED {
            break;
        }
        tried += 1;
        match loose_object(&text[at..]) {
            Some(object) => {
                kept.push_str(&text[from..at]);
                kept.push_str("{}");
                at += object.end;
                from = at;
            }
            None => at += length_of_first(&text[at..]),
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}
