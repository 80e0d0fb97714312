//! Which of the objects of a text is the answer.
//!
//! One object is the answer. Of several, the last one is if it is announced as the final answer;
//! else those that have members of the schema must agree. Two that are valid and differ contradict
//! each other, as does one that is not valid behind one that is; one that is not valid in front is
//! a draft. An answer that contradicts itself is refused, and so is one of which it cannot be told
//! whether it is all there. No draft and no piece passes as an answer.

use crate::candidate::{Found, Scan, is_wrapping};
use crate::ending::doubt;
use crate::readable::ends_in_open_quote;
use std::fmt::Write as _;

/// Longest part of an object in an error text, in bytes.
const LONGEST_SHOWN: usize = 300;

/// What one object is worth.
pub(crate) struct Judged<T> {
    /// The values, or why it is not valid.
    pub(crate) value: Result<T, String>,
    /// It has members that an answer has.
    pub(crate) answers: bool,
    /// It had to be repaired.
    pub(crate) repaired: bool,
}

/// The object that counts.
pub(crate) struct Chosen<T> {
    pub(crate) value: T,
    pub(crate) repaired: bool,
    /// Nothing but blanks and the marks of a fence stand around it.
    pub(crate) is_all: bool,
}

/// Why no object counts.
pub(crate) struct Refused {
    pub(crate) why: String,
    /// The object that is not valid was repaired.
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

/// The place of the object that counts: the last valid one if all agree, else the first.
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

/// The beginning of a JSON text, on one line.
pub(crate) fn shown(json: &str) -> String {
    let cut = &json[..json.floor_char_boundary(LONGEST_SHOWN)];
    let mut shown = cut.replace(['\n', '\r'], " ");
    if cut.len() < json.len() {
        shown.push('…');
    }
    shown
}

/// Why an object may not be all of the answer.
fn incomplete(found: &Found<'_>, is_stopped: bool, ends_broken: bool) -> Option<&'static str> {
    if is_wrapping(&found.after) {
        return None;
    }
    if let Some(doubt) = doubt(&found.json, &found.after) {
        return Some(doubt);
    }
    if is_stopped && (ends_in_open_quote(&found.json) || found.after.trim_start().starts_with('"'))
    {
        return Some(
            "the object ends within a quotation, and the model was stopped while it went on",
        );
    }
    if ends_broken {
        return Some("another object begins behind this one and is not JSON");
    }
    announces_the_final_and_ends(&found.after)
        .then_some("the text behind the object announces a final answer that is not there")
}

fn announces_the_final_and_ends(after: &str) -> bool {
    after.lines().any(|line| {
        let line = line.trim_end();
        line.ends_with(':') && announces_the_final(line)
    }) || announces_a_value(after)
}

/// `Final answer: b`
fn announces_a_value(after: &str) -> bool {
    after.lines().any(|line| {
        line.split_once(':')
            .is_some_and(|(words, value)| !value.trim().is_empty() && announces_the_final(words))
    })
}

/// Whether a text that leads to an object, or ends an answer, says that the final answer follows.
pub(crate) fn announces_the_final(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "final answer",
        "final result",
        "final output",
        "final response",
        "final json",
        "final object",
        "corrected answer",
        "corrected result",
        "corrected output",
        "corrected response",
        "corrected json",
        "corrected object",
    ];
    /// More than the longest words.
    const LENGTH: usize = 40;

    let fenced = text.trim_end();
    let fenced = fenced
        .strip_suffix("```json")
        .or_else(|| fenced.strip_suffix("```"))
        .unwrap_or(fenced);
    let words = fenced.trim_end_matches(|character: char| {
        character.is_whitespace() || matches!(character, ':' | '*' | '_' | '#' | '`' | '=' | '-')
    });
    let last = &words[words.ceil_char_boundary(words.len().saturating_sub(LENGTH))..];
    let last = last.to_ascii_lowercase();
    WORDS.iter().any(|words| last.ends_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_answer_is_known_by_the_words_before_it() {
        for text in [
            "Wait, that is wrong. Final answer:\n```json\n",
            "**Final Answer**\n",
            "## Corrected JSON:\n\n",
        ] {
            assert!(announces_the_final(text), "{text}");
        }
        for text in ["The final answer is wrong: ", "Answer:", "", "`"] {
            assert!(!announces_the_final(text), "{text}");
        }
    }

    #[test]
    fn long_objects_are_shown_by_their_beginnings() {
        assert_eq!(shown("{\"a\":\n1}"), "{\"a\": 1}");
        let long = format!("{{\"a\":\"{}\"}}", "ä".repeat(LONGEST_SHOWN));
        let shown = shown(&long);
        assert!(shown.ends_with('…') && shown.len() <= LONGEST_SHOWN + '…'.len_utf8());
    }
}
