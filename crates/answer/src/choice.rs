//! Decides which of the objects of a text is the answer.
//!
//! A single object is the answer. If the text announces the last one as final, only those that it
//! announces so count. Of those that count, those that have members of the schema must agree. Two valid objects that
//! differ contradict each other, and so does an invalid object after a valid one; an invalid object
//! before a valid one is a draft. An answer that contradicts itself is refused, and so is one that
//! may be incomplete. If the model may have been stopped while it wrote, an object is the answer only
//! if nothing follows it. Neither a draft nor a fragment is accepted as an answer.

use crate::announcement::{Announcement, announces_another_and_ends};
use crate::candidate::{Found, Scan, object_of};
use crate::claim::{ClaimKind, ClaimPlace, bare, contradicting_claim, stated};
use crate::claim_value::Claim;
use crate::conclusion::{concluded, nameless};
use crate::correction::{Correction, Rivalry, correction, without_objects};
use crate::ending::doubt;
use crate::loose::LooseObject;
use crate::reasoning::without_reasoning;
use crate::retraction::{speaks_of_right_and_wrong, taken_back_before, taken_back_behind};
use crate::wrapping::{closes_a_list, is_end, is_wrapping};
use std::collections::HashSet;
use std::fmt::Write as _;

/// The longest part of an object in an error text, in bytes.
const LONGEST_SHOWN: usize = 300;

const DENIED: &str = "the text says that the object is not the final answer";
const OPEN_LIST: &str = "the list around the object does not end";
const DRAFT: &str = "text follows the object and may go on, so the object may be a draft";

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

/// What is known about the properties that the text around an object may speak of.
pub(crate) struct Properties<'r, T> {
    /// Whether a member of this name belongs to an answer; `None` if there is no schema.
    pub(crate) is_property: Option<&'r dyn Fn(&str) -> bool>,
    /// Whether prose means a property by this name.
    pub(crate) is_spoken: &'r dyn Fn(&str) -> bool,
    /// Compares what the text says with the object's values.
    pub(crate) compare: &'r dyn Fn(&T, &Claim<'_>) -> ClaimKind,
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
/// `may_lack_end`: the model may have been stopped while it wrote.
pub(crate) fn choose<'t, T: PartialEq>(
    text: &str,
    mut scan: Scan<'t>,
    may_lack_end: bool,
    properties: &Properties<'_, T>,
    mut judge: impl FnMut(&mut Found<'t>) -> Judged<T>,
) -> Result<Chosen<T>, Refused> {
    let is_property = properties.is_property;
    let mut judged: Vec<(Found<'t>, Judged<T>)> = Vec::with_capacity(scan.found.len());
    for mut found in std::mem::take(&mut scan.found) {
        let worth = judge(&mut found);
        judged.push((found, worth));
    }
    if judged.iter().any(|(_, worth)| worth.answers) {
        judged.retain(|(_, worth)| worth.answers);
    }
    let is_final = |found: &Found<'_>| found.announcement == Announcement::Final;
    if judged.last().is_some_and(|(found, _)| is_final(found)) {
        judged.retain(|(found, _)| is_final(found));
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
    let why = if may_lack_end && !is_end(&text[..found.start], &found.after, found.in_list) {
        Some(placed(DRAFT, &found))
    } else if found.announcement == Announcement::Denied {
        Some(DENIED.to_owned())
    } else {
        let rival = |other: &LooseObject| match worth.value {
            Ok(_) => rivalry(other, &found, &worth, is_property, &mut judge),
            // What is wrong with the object itself says more.
            Err(_) => Rivalry::Unrelated,
        };
        let repeats = |text: &str| {
            let value = worth.value.as_ref();
            value.is_ok_and(|value| repeats(text, value, properties))
        };
        taken_back(&found, scan.ends_broken, is_property, rival, &repeats).or_else(|| {
            let value = worth.value.as_ref().ok()?;
            said_otherwise(&found, value, properties)
        })
    };
    if let Some(why) = why {
        return Err(why.into());
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

/// Returns why the text behind an object does not let it be the answer.
fn taken_back(
    found: &Found<'_>,
    ends_broken: bool,
    is_property: Option<&dyn Fn(&str) -> bool>,
    rival: impl FnMut(&LooseObject) -> Rivalry,
    repeats: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let after = without_reasoning(&found.after);
    if is_wrapping(&after) {
        return found.in_list.then(|| OPEN_LIST.to_owned());
    }
    if let Some(doubt) = doubt(&found.json, &after) {
        return Some(placed(doubt, found));
    }
    let own = names_of(&found.json);
    let is_own = |name: &str| own.contains(name);
    let broken = match correction(&after, is_property.unwrap_or(&is_own), rival) {
        Correction::Other(other) => {
            return Some(format!(
                "the answer contradicts itself: {} at byte {}, but behind it {}",
                shown(&found.json),
                found.start,
                shown(other)
            ));
        }
        Correction::Same => false,
        Correction::Missing => ends_broken,
        Correction::Broken => true,
    };
    if broken {
        let why = "another object begins behind this one and is not JSON";
        return Some(placed(why, found));
    }
    if found.in_list && !closes_a_list(&after) {
        return Some(OPEN_LIST.to_owned());
    }
    announces_another_and_ends(&after, repeats).then(|| {
        let why =
            "the text behind the object announces a final answer that the object does not have";
        placed(why, found)
    })
}

/// Whether a text behind an announcement only repeats a value of the object.
fn repeats<T>(text: &str, value: &T, properties: &Properties<'_, T>) -> bool {
    let named = nameless(bare(text).0, text);
    let claim = named.filter(|claim| (properties.compare)(value, claim) != ClaimKind::Unrelated);
    let claim = claim.or_else(|| stated(text, properties.is_spoken));
    claim.is_some_and(|claim| (properties.compare)(value, &claim) == ClaimKind::Same)
}

/// Returns why the prose, YAML or XML around a valid object does not let it be the answer.
fn said_otherwise<T>(
    found: &Found<'_>,
    value: &T,
    properties: &Properties<'_, T>,
) -> Option<String> {
    let after = without_reasoning(&found.after);
    let (is_spoken, compare) = (properties.is_spoken, |claim: &Claim<'_>| {
        (properties.compare)(value, claim)
    });
    let mut claim = None;
    if found.announcement != Announcement::Final {
        claim = contradicting_claim(found.before, ClaimPlace::Before, is_spoken, compare)
            .map(|text| ("before", text));
    }
    let claim = claim.or_else(|| {
        let text = contradicting_claim(&after, ClaimPlace::Behind, is_spoken, compare)?;
        Some(("behind", text))
    });
    if let Some((side, text)) = claim {
        return Some(format!(
            "the answer contradicts itself: {} at byte {}, but {side} it {}",
            shown(&found.json),
            found.start,
            shown(&text)
        ));
    }
    let prose = without_objects(&after);
    if found.before.trim().is_empty() && prose.trim().is_empty() {
        return None;
    }
    let grades = speaks_of_right_and_wrong(&found.json);
    let is_known = |sentence: &str| {
        let mut claims = stated(sentence, is_spoken)
            .into_iter()
            .chain(concluded(sentence));
        claims.any(|claim| compare(&claim) == ClaimKind::Same)
    };
    let sentence = taken_back_before(found.before, grades)
        .or_else(|| taken_back_behind(&prose, grades, is_known))?;
    let why = format!("the text takes the object back: {}", shown(sentence));
    Some(placed(&why, found))
}

fn placed(why: &str, found: &Found<'_>) -> String {
    let end = found.start + found.json.len();
    format!("{why} (it ends at byte {end})")
}

/// Returns the names of an object's members.
fn names_of(json: &str) -> HashSet<String> {
    let members = object_of(json).unwrap_or_default();
    members.iter().map(|(name, _)| name.to_string()).collect()
}

/// Compares an object that is nearly JSON with the chosen one.
fn rivalry<'t, T: PartialEq>(
    other: &LooseObject,
    chosen: &Found<'t>,
    worth: &Judged<T>,
    is_property: Option<&dyn Fn(&str) -> bool>,
    judge: &mut impl FnMut(&mut Found<'t>) -> Judged<T>,
) -> Rivalry {
    let mut found = Found {
        start: chosen.start,
        ..Found::alone(other.json.clone())
    };
    let judged = judge(&mut found);
    let answers = if is_property.is_some() {
        judged.answers
    } else {
        let own = names_of(&chosen.json);
        other.names.iter().any(|name| own.contains(name))
    };
    match answers {
        false => Rivalry::Unrelated,
        true if judged.value == worth.value => Rivalry::Same,
        true => Rivalry::Other,
    }
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
