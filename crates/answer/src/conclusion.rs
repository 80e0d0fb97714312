//! Values that the text behind an object ends with, without the name of a property: `Answer: b`,
//! `\boxed{b}`, `=> b`, "No. B.", "Sorry, it is b", "I change my answer to b", "B is the correct answer".
//!
//! Limits: only English is understood. A value counts only if it is all that the sentence says, and a
//! question says none. "It is b" means the object only in the first sentence behind it.

use crate::claim_value::{Claim, start_of, value_at};
use crate::retraction::{
    NOUNS, RIGHT_KINDS, WRONG, ends, is, speaks_of_right_and_wrong, without_leads,
};
use crate::sentence::{Word, sentences, words_of};
use crate::work::looked_at;

/// The name of a claim that names no property.
const ANSWER: &str = "answer";

/// The longest value, in bytes.
const LONGEST_VALUE: usize = 200;

/// Names for the answer as a whole, before a colon.
const WHOLE: [&str; 3] = [ANSWER, "conclusion", "verdict"];

/// Words before a name for the answer that say that it is the last one.
const LAST_KINDS: [&str; 9] = [
    "actual",
    "correct",
    "corrected",
    "final",
    "new",
    "proper",
    "real",
    "revised",
    "updated",
];

/// Words before a sentence that say that the sentence corrects or concludes.
const TURNING: [&str; 21] = [
    "actually",
    "ah",
    "apologies",
    "correction",
    "edit",
    "hence",
    "hm",
    "hmm",
    "no",
    "oh",
    "ok",
    "okay",
    "oops",
    "so",
    "sorry",
    "therefore",
    "thought",
    "thus",
    "update",
    "wait",
    "yes",
];

/// Words before the verb of a decision that do not change it.
const DECIDERS: [&str; 31] = [
    "actually",
    "am",
    "finally",
    "going",
    "had",
    "have",
    "hereby",
    "i",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "instead",
    "let",
    "let's",
    "me",
    "must",
    "need",
    "now",
    "rather",
    "should",
    "so",
    "then",
    "therefore",
    "thus",
    "to",
    "want",
    "we",
    "will",
    "would",
    "us",
];
const CHANGING: [&str; 19] = [
    "amend",
    "amended",
    "amending",
    "change",
    "changed",
    "changing",
    "correct",
    "corrected",
    "correcting",
    "revise",
    "revised",
    "revising",
    "switch",
    "switched",
    "switching",
    "update",
    "updated",
    "updating",
    "move",
];
const CHOOSING: [&str; 11] = [
    "choose",
    "choosing",
    "chose",
    "chosen",
    "pick",
    "picked",
    "picking",
    "prefer",
    "select",
    "selected",
    "selecting",
];

/// The most words between "change" and "to".
const MOST_CHANGED: usize = 8;

/// Whether a name before a colon or in a tag means the whole answer: `Answer`, `My final answer`.
pub(crate) fn is_answer(name: &str) -> bool {
    let mut is_last = false;
    let mut words = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .skip_while(|word| {
            let is_kind = LAST_KINDS.contains(&word.as_str());
            is_last |= is_kind;
            is_kind
                || [
                    "the",
                    "my",
                    "our",
                    "so",
                    "thus",
                    "therefore",
                    "hence",
                    "and",
                ]
                .contains(&word.as_str())
                || word.bytes().all(|byte| byte.is_ascii_digit())
        });
    let (first, more) = (words.next(), words.next());
    drop(words);
    match first {
        None => is_last && name.trim().eq_ignore_ascii_case("final"),
        Some(noun) => {
            more.is_none()
                && (WHOLE.contains(&noun.as_str()) || (is_last && NOUNS.contains(&noun.as_str())))
        }
    }
}

/// Reads a line that consists of an arrow and a value.
pub(crate) fn behind_an_arrow(line: &str) -> Option<Claim<'_>> {
    let arrows = ["==>", "-->", "=>", "->", "→", "⇒", "⟹", "➡"];
    let trimmed = line.trim();
    let value = arrows
        .iter()
        .find_map(|arrow| trimmed.strip_prefix(arrow))?;
    answer(value.trim(), false, line)
}

/// `\boxed{b}`
pub(crate) fn boxed(text: &str) -> impl Iterator<Item = Claim<'_>> {
    const MARK: &str = r"\boxed{";
    text.match_indices(MARK).filter_map(move |(at, _)| {
        let inner = &text[at + MARK.len()..];
        let inner = &inner[..inner.floor_char_boundary(LONGEST_VALUE)];
        looked_at(inner.len());
        let marked = [r"\text{", r"\textbf{", r"\mathrm{", r"\mathbf{"];
        let bare = marked.iter().find_map(|mark| inner.strip_prefix(mark));
        let bare = bare.unwrap_or(inner);
        let value = &bare[..bare.find('}')?];
        answer(
            value.trim(),
            true,
            &text[at..at + MARK.len() + inner.find('}')?],
        )
    })
}

/// Returns the values that the sentences of a text end with.
pub(crate) fn concluded(text: &str) -> impl Iterator<Item = Claim<'_>> {
    // "No." and "Wait." belong to the sentence behind them.
    let mut turns = false;
    let mut is_near = true;
    sentences(text).filter_map(move |sentence| {
        let words = words_of(sentence);
        let statement = without_leads(&words);
        let leads = &words[..words.len() - statement.len()];
        turns |= leads
            .iter()
            .any(|word| TURNING.contains(&word.text.as_str()));
        if statement.is_empty() {
            return None;
        }
        let (turned, near) = (std::mem::take(&mut turns), std::mem::take(&mut is_near));
        if sentence.trim_end_matches(['*', '_', ' ']).ends_with('?') {
            return None;
        }
        decided(sentence, statement)
            .or_else(|| pointed_at(sentence, statement, turned, near))
            .or_else(|| called_right(sentence, statement))
            .or_else(|| preferred(sentence, statement))
            .or_else(|| turned.then(|| alone(sentence, statement))?)
    })
}

/// Returns the claim of a value for which no property is named.
pub(crate) fn nameless<'t>(value: &'t str, text: &'t str) -> Option<Claim<'t>> {
    answer(value, false, text)
}

fn answer<'t>(value: &'t str, is_marked: bool, text: &'t str) -> Option<Claim<'t>> {
    let value = value.trim_matches(['*', '"', '`', '\'', '“', '”', ' ', '.', '$']);
    (!value.is_empty() && value.len() <= LONGEST_VALUE).then_some(Claim {
        name: ANSWER,
        value,
        is_marked,
        is_denied: false,
        is_plain: false,
        text,
    })
}

/// "I change my answer to b", "I choose b", "I'll go with b", "Make it b"
fn decided<'t>(sentence: &'t str, statement: &[Word]) -> Option<Claim<'t>> {
    let mut at = statement
        .iter()
        .position(|word| !DECIDERS.contains(&word.text.as_str()))?;
    let two = |first: &[&str], second: &[&str]| {
        is(statement.get(at), first) && is(statement.get(at + 1), second)
    };
    if is(statement.get(at), &CHANGING) {
        let rest = statement.get(at + 1..)?;
        let to = rest
            .iter()
            .take(MOST_CHANGED)
            .position(|word| word.text == "to")?;
        at += to + 2;
    } else if is(statement.get(at), &CHOOSING) {
        at += 1;
    } else if two(&["go", "going", "went"], &["with", "for"])
        || two(&["settle", "settled"], &["on", "for"])
        || two(&["make"], &["it", "that", "this"])
    {
        at += 2;
    } else {
        return None;
    }
    let (value, is_marked) = value_at(sentence, statement.get(at - 1)?.end)?;
    answer(value, is_marked, sentence)
}

/// "Sorry, it is b", "It should be b", "The correct one is b"
fn pointed_at<'t>(
    sentence: &'t str,
    statement: &[Word],
    turned: bool,
    near: bool,
) -> Option<Claim<'t>> {
    let first = statement.first()?.text.as_str();
    let mut at = 1;
    let mut is_contracted = false;
    let mut is_sure = turned;
    match first {
        "it" | "this" | "that" => {}
        "it's" | "that's" => is_contracted = true,
        "the" => {
            while is(statement.get(at), &RIGHT_KINDS) {
                at += 1;
            }
            if at == 1 || !is(statement.get(at), &["one"]) {
                return None;
            }
            is_sure = true;
            at += 1;
        }
        _ => return None,
    }
    let mut is_denied = false;
    if is_contracted || is(statement.get(at), &["is", "was"]) {
        at += usize::from(!is_contracted);
        while is(statement.get(at), &["actually", "instead", "really"]) {
            is_sure = true;
            at += 1;
        }
        is_denied = is(statement.get(at), &["not"]);
        at += usize::from(is_denied);
        is_sure |= near && first.starts_with("it");
    } else if is(statement.get(at), &["isn't", "wasn't"]) {
        is_denied = true;
        is_sure |= near && first == "it";
        at += 1;
    } else if is(statement.get(at), &["should", "must", "ought"]) {
        is_sure = true;
        let more = ["actually", "be", "been", "have", "instead", "rather", "to"];
        at += 1;
        while is(statement.get(at), &more) {
            at += 1;
        }
    } else {
        return None;
    }
    let (value, is_marked) = value_at(sentence, statement.get(at - 1)?.end)?;
    // "It is correct" speaks of the object.
    if !is_sure || speaks_of_right_and_wrong(value) {
        return None;
    }
    let value = ["a ", "an ", "the "]
        .iter()
        .find_map(|article| value.strip_prefix(article))
        .unwrap_or(value);
    answer(value, is_marked, sentence).map(|claim| Claim {
        is_denied,
        is_plain: true,
        ..claim
    })
}

/// "B is the correct answer", "A is wrong"
fn called_right<'t>(sentence: &'t str, statement: &[Word]) -> Option<Claim<'t>> {
    // "It is correct" speaks of the object.
    if is(statement.first(), &["it", "this", "that"]) {
        return None;
    }
    let verb = statement
        .iter()
        .position(|word| ["is", "was"].contains(&word.text.as_str()))?;
    let begin = start_of(sentence, statement, 0)?;
    let left = &sentence[begin..statement.get(verb.checked_sub(1)?)?.end];
    let mut at = verb + 1;
    while is(statement.get(at), &["actually", "clearly", "really"]) {
        at += 1;
    }
    let is_negated = is(statement.get(at), &["not"]);
    at += usize::from(is_negated);
    let is_wrong = is(statement.get(at), &WRONG);
    let is_judged = is_wrong || is(statement.get(at), &["accurate", "correct", "right"]);
    if is_judged && ends(statement, at + 1) {
        let claim = answer(left, false, sentence)?;
        return Some(Claim {
            is_denied: is_wrong != is_negated,
            is_plain: true,
            ..claim
        });
    }
    if !is(statement.get(at), &["the", "my"]) {
        return None;
    }
    at += 1;
    while is(statement.get(at), &RIGHT_KINDS) {
        at += 1;
    }
    let is_named = is(statement.get(at), &NOUNS) || is(statement.get(at), &["one", "label"]);
    if !is_named || !ends(statement, at + 1) {
        return None;
    }
    answer(left, false, sentence).map(|claim| Claim {
        is_denied: is_negated,
        is_plain: true,
        ..claim
    })
}

/// "B, not A", "B instead of A"
fn preferred<'t>(sentence: &'t str, statement: &[Word]) -> Option<Claim<'t>> {
    let begin = start_of(sentence, statement, 0)?;
    let rest = &sentence[begin..];
    let marks = [", not ", " instead of ", " rather than ", " and not "];
    let end = marks.iter().filter_map(|mark| rest.find(mark)).min()?;
    answer(&rest[..end], false, sentence).map(|claim| Claim {
        is_plain: true,
        ..claim
    })
}

/// "No. B."
fn alone<'t>(sentence: &'t str, statement: &[Word]) -> Option<Claim<'t>> {
    let begin = start_of(sentence, statement, 0)?;
    let (value, is_marked) = value_at(sentence, begin)?;
    // "No. 4" is a number in a list.
    if value.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    answer(value, is_marked, sentence).map(|claim| Claim {
        is_plain: true,
        ..claim
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_the_answer_are_recognised() {
        for name in [
            "Answer",
            "My final answer",
            "the corrected answer",
            "Final",
            "1. Final answer",
            "final_answer",
            "Revised classification",
            "Verdict",
        ] {
            assert!(is_answer(name), "{name}");
        }
        for name in [
            "",
            "final note",
            "answer key",
            "result",
            "The",
            "note",
            "1",
            "my",
            "new",
        ] {
            assert!(!is_answer(name), "{name}");
        }
    }

    #[test]
    fn the_value_of_a_sentence_is_all_that_it_says() {
        let values = |text: &str| -> Vec<String> {
            concluded(text)
                .map(|claim| claim.value.to_owned())
                .collect()
        };
        for (text, value) in [
            ("I change my answer to B.", "B"),
            ("I'm changing it from A to **B**, since it honks.", "B"),
            ("I will go with B instead.", "B"),
            ("Make it B!", "B"),
            ("Sorry, it is a gull", "gull"),
            ("No. B.", "B"),
            ("B, not A.", "B"),
            ("B is actually the correct answer.", "B"),
            ("It should be \"B\".", "B"),
        ] {
            assert_eq!(values(text), [value], "{text}");
        }
        for text in [
            "Is it B?",
            "No. 4",
            "I would not choose B.",
            "It is correct.",
            "One. It is B.",
        ] {
            assert!(values(text).is_empty(), "{text}");
        }
    }
}
