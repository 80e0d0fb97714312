//! Sentences that take an object back: "That is wrong." behind it, "The answer is NOT" before it.
//!
//! An answer that is refused is paid for again, so only explicit phrases count, and only where they
//! can be about the object. "That", "this" and "the answer" mean the object only in the first sentence
//! behind it, where words such as "Wait" do not count as a sentence; "the above" and "my answer" mean
//! it anywhere. If the object itself speaks of what is right or wrong, as in the grading of a text,
//! what the prose calls wrong may be the text, and does not count.
//!
//! Limits: only English is understood, and no irony, no reported speech and no condition.

use crate::sentence::{Word, sentences, words_of};

/// Words before a statement that do not change it.
const LEADS: [&str; 34] = [
    "actually",
    "ah",
    "and",
    "apologies",
    "but",
    "correction",
    "edit",
    "hence",
    "hm",
    "hmm",
    "hold",
    "however",
    "no",
    "note",
    "now",
    "oh",
    "ok",
    "okay",
    "on",
    "oops",
    "please",
    "reflection",
    "second",
    "so",
    "sorry",
    "then",
    "therefore",
    "thought",
    "thoughts",
    "thus",
    "update",
    "wait",
    "well",
    "yes",
];

/// What may follow a statement in the same clause.
const FOLLOWING: [&str; 13] = [
    "actually", "and", "as", "because", "but", "due", "entirely", "for", "given", "here", "since",
    "so", "sorry",
];

/// Names for the object.
pub(crate) const NOUNS: [&str; 15] = [
    "answer",
    "attempt",
    "block",
    "choice",
    "classification",
    "draft",
    "extraction",
    "json",
    "object",
    "output",
    "prediction",
    "reply",
    "response",
    "result",
    "version",
];

/// Words that say that a name means what was written before.
const EARLIER: [&str; 9] = [
    "above",
    "earlier",
    "first",
    "former",
    "initial",
    "original",
    "preceding",
    "previous",
    "prior",
];

/// Words that say that a name means what is written next.
const LATER: [&str; 4] = ["below", "following", "next", "subsequent"];

const COPULAS: [&str; 2] = ["is", "was"];
const NEGATED: [&str; 4] = ["isn't", "wasn't", "isnt", "wasnt"];
const ADVERBS: [&str; 12] = [
    "also",
    "clearly",
    "completely",
    "entirely",
    "just",
    "obviously",
    "only",
    "plainly",
    "quite",
    "simply",
    "still",
    "totally",
];
pub(crate) const WRONG: [&str; 4] = ["wrong", "incorrect", "mistaken", "inaccurate"];
const RIGHT: [&str; 4] = ["right", "correct", "accurate", "final"];
pub(crate) const RIGHT_KINDS: [&str; 7] = [
    "actual", "correct", "final", "intended", "real", "right", "true",
];
const IGNORE: [&str; 8] = [
    "discard",
    "disregard",
    "forget",
    "ignore",
    "retract",
    "scratch",
    "strike",
    "withdraw",
];
const USE: [&str; 8] = [
    "accept", "copy", "output", "return", "store", "take", "trust", "use",
];
const BAD: [&str; 6] = [
    "bad",
    "discarded",
    "incorrect",
    "invalid",
    "rejected",
    "wrong",
];

/// Parts of words about right and wrong.
const OF_RIGHT_AND_WRONG: [&str; 6] = ["wrong", "correct", "mistak", "error", "accura", "valid"];

/// The most sentences before an object that can say what it is.
const MOST_BEFORE: usize = 3;

/// Where the object is that a sentence speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Before the sentence.
    Before,
    /// Behind it.
    Behind,
}

/// What a name for the object says.
struct Referent {
    /// The number of its words.
    length: usize,
    /// It means the object only if the sentence stands beside it.
    needs_to_be_near: bool,
}

/// Returns the words of a sentence behind those that do not change it.
pub(crate) fn without_leads(words: &[Word]) -> &[Word] {
    let is_lead = |word: &Word| LEADS.contains(&word.text.as_str());
    let first = words.iter().position(|word| !is_lead(word));
    &words[first.unwrap_or(words.len())..]
}

/// Whether an object speaks of what is right or wrong.
pub(crate) fn speaks_of_right_and_wrong(json: &str) -> bool {
    let json = json.to_ascii_lowercase();
    OF_RIGHT_AND_WRONG.iter().any(|part| json.contains(part))
}

/// Returns the sentence of the text behind an object that takes it back. `is_known`: whether a
/// sentence only repeats the object's values.
pub(crate) fn taken_back_behind(
    after: &str,
    grades: bool,
    is_known: impl Fn(&str) -> bool,
) -> Option<&str> {
    let mut is_near = true;
    for sentence in sentences(after) {
        let words = words_of(sentence);
        let statement = without_leads(&words);
        if statement.is_empty() {
            continue;
        }
        let takes_back = is_order(statement)
            || is_confession(statement)
            || (is_correction(&words) && !is_known(sentence))
            || (!grades && is_verdict(statement, Side::Before, is_near));
        if takes_back {
            return Some(sentence);
        }
        is_near = false;
    }
    None
}

/// Returns the sentence of the text before an object that says that it is not the answer.
pub(crate) fn taken_back_before(before: &str, grades: bool) -> Option<&str> {
    let all: Vec<&str> = sentences(before).collect();
    let from = all.len().saturating_sub(MOST_BEFORE);
    // Without a point, the sentence goes on with the object.
    let goes_on = |sentence: &&str| !sentence.ends_with(['.', '!', '?', ';', '。']);
    let mut near = all.len() == 1 || all.last().is_some_and(goes_on);
    for sentence in all[from..].iter().rev() {
        let words = words_of(sentence);
        let statement = without_leads(&words);
        let takes_back = is_prohibition(statement)
            || (!grades
                && (is_verdict(statement, Side::Behind, near)
                    || denies_what_follows(statement, near)
                    || (near && names_a_bad_one(&words))));
        if takes_back {
            return Some(sentence);
        }
        near = false;
    }
    None
}

pub(crate) fn is(word: Option<&Word>, list: &[&str]) -> bool {
    word.is_some_and(|word| list.contains(&word.text.as_str()))
}

/// Whether a clause ends before these words, or goes on with a reason.
pub(crate) fn ends(words: &[Word], at: usize) -> bool {
    let ended = at > 0 && words.get(at - 1).is_none_or(|word| word.is_last);
    ended || is(words.get(at), &FOLLOWING)
}

/// Reads a name for the object at the beginning of some words.
fn referent(words: &[Word], side: Side) -> Option<Referent> {
    let order: &[&str] = match side {
        Side::Before => &EARLIER,
        Side::Behind => &LATER,
    };
    let first = words.first()?;
    let is_own = first.text == "my";
    let is_pronoun = ["this", "that", "it"].contains(&first.text.as_str());
    if !is_own && !is_pronoun && first.text != "the" && first.text != "everything" {
        return None;
    }
    let mut at = 1;
    let mut is_placed = is_own;
    while is(words.get(at), order) || is(words.get(at), &["json", "whole", "entire", "correct"]) {
        is_placed |= is(words.get(at), order);
        at += 1;
    }
    let named = is(words.get(at), &NOUNS);
    at += usize::from(named);
    // "The answer above"
    if is(words.get(at), order) && named {
        is_placed = true;
        at += 1;
    }
    let is_whole = named || (at > 1 && (is_placed || is(words.get(at - 1), &["json"])));
    if !is_whole {
        return is_pronoun.then_some(Referent {
            length: 1,
            needs_to_be_near: true,
        });
    }
    Some(Referent {
        length: at,
        needs_to_be_near: !is_placed,
    })
}

/// "Ignore the above."
fn is_order(words: &[Word]) -> bool {
    is(words.first(), &IGNORE)
        && referent(&words[1..], Side::Before).is_some_and(|name| ends(words, 1 + name.length))
}

/// "I take that back."
fn is_confession(words: &[Word]) -> bool {
    let begins = |phrase: &[&str]| {
        phrase
            .iter()
            .enumerate()
            .all(|(at, part)| is(words.get(at), &[part]))
    };
    [
        &["i", "take", "that", "back"] as &[&str],
        &["i", "take", "it", "back"],
        &["i", "made", "a", "mistake"],
        &["i", "made", "an", "error"],
        &["i", "meant"],
        &["i", "was", "wrong"],
        &["i", "was", "mistaken"],
        &["my", "mistake"],
        &["my", "bad"],
    ]
    .iter()
    .any(|phrase| begins(phrase))
}

/// "Correction: it is a goose."
fn is_correction(words: &[Word]) -> bool {
    let Some(at) = words.iter().position(|word| word.text == "correction") else {
        return false;
    };
    let leads = words[..=at]
        .iter()
        .all(|word| LEADS.contains(&word.text.as_str()));
    let nothing = ["none", "no", "not", "nothing", "n", "unnecessary"];
    leads && words[at].is_last && words.len() > at + 1 && !is(words.get(at + 1), &nothing)
}

/// "That is wrong", "The above is not the correct answer"
fn is_verdict(words: &[Word], side: Side, is_near: bool) -> bool {
    let (length, needs_to_be_near, mut negated) = match words.first() {
        Some(word) if ["that's", "it's"].contains(&word.text.as_str()) => (0, true, false),
        _ => match referent(words, side) {
            Some(name) => (name.length, name.needs_to_be_near, false),
            None => return false,
        },
    };
    if needs_to_be_near && !is_near {
        return false;
    }
    let mut at = length + 1;
    match words.get(length) {
        Some(word) if NEGATED.contains(&word.text.as_str()) => negated = true,
        Some(word) if COPULAS.contains(&word.text.as_str()) || length == 0 => {}
        _ => return false,
    }
    while is(words.get(at), &ADVERBS) {
        at += 1;
    }
    if is(words.get(at), &["not"]) {
        negated = true;
        at += 1;
    }
    while is(words.get(at), &ADVERBS) {
        at += 1;
    }
    let list: &[&str] = if negated { &RIGHT } else { &WRONG };
    if is(words.get(at), list) && ends(words, at + 1) {
        return true;
    }
    if !is(words.get(at), &["the", "my", "a", "an", "what"]) {
        return false;
    }
    at += 1;
    if !negated {
        let is_bad =
            is(words.get(at), &WRONG) && is(words.get(at + 1), &NOUNS) && ends(words, at + 2);
        return is_bad
            || (is(words.get(at), &["draft", "mistake", "error"]) && ends(words, at + 1));
    }
    while is(words.get(at), &RIGHT_KINDS) {
        at += 1;
    }
    is(words.get(at), &NOUNS) && ends(words, at + 1)
}

/// "Do not use the following:"
fn is_prohibition(words: &[Word]) -> bool {
    let verb = match words {
        [first, second, ..] if first.text == "do" && second.text == "not" => 2,
        [first, ..] if ["don't", "dont", "never"].contains(&first.text.as_str()) => 1,
        [first, ..] if IGNORE.contains(&first.text.as_str()) => 0,
        _ => return false,
    };
    if verb > 0 && !is(words.get(verb), &USE) {
        return false;
    }
    let Some(name) = words
        .get(verb + 1..)
        .and_then(|rest| referent(rest, Side::Behind))
    else {
        return false;
    };
    let end = verb + 1 + name.length;
    // "It" and "that" mean what was said before.
    let means_earlier = is(words.get(verb + 1), &["it", "that"]) && name.length == 1;
    !means_earlier
        && ends(words, end)
        && (verb == 0 || !is(words.get(end), &FOLLOWING))
        && (!name.needs_to_be_near || is(words.get(verb + 1), &["this"]))
}

/// "The answer is NOT", also in front of "the following" or the object itself.
fn denies_what_follows(words: &[Word], near: bool) -> bool {
    let mut at = 0;
    if is(words.first(), &["the", "my"]) {
        at = 1;
        while is(words.get(at), &RIGHT_KINDS) {
            at += 1;
        }
        if !is(words.get(at), &NOUNS) {
            return false;
        }
    } else if !is(words.first(), &["it", "this", "here"]) || !near {
        return false;
    }
    at += 1;
    let is_negated = is(words.get(at), &NEGATED);
    at += if is_negated {
        1
    } else if is(words.get(at), &COPULAS) && is(words.get(at + 1), &["not"]) {
        2
    } else {
        return false;
    };
    if at == words.len() {
        return true;
    }
    let rest = &words[at..];
    if is(rest.first(), &["this", "these"]) {
        return rest[0].is_last || (is(rest.get(1), &["one", "object", "json"]) && ends(rest, 2));
    }
    let one_below = is(rest.get(1), &["one", "json", "object"]) && is(rest.get(2), &LATER);
    let following = is(rest.get(1), &LATER) && ends(rest, 2);
    is(rest.first(), &["the"]) && (following || (one_below && ends(rest, 3)))
}

/// "A wrong answer:" directly before the object.
fn names_a_bad_one(words: &[Word]) -> bool {
    let from = words.len().saturating_sub(8);
    let last = &words[from..];
    let denied = last
        .iter()
        .any(|word| ["not", "no", "never", "avoid", "than"].contains(&word.text.as_str()));
    let names = last.windows(2).any(|pair| {
        BAD.contains(&pair[0].text.as_str())
            && (NOUNS.contains(&pair[1].text.as_str()) || pair[1].text == "example")
            && !pair[0].is_last
    });
    let ends_with_it = last
        .iter()
        .rev()
        .take(4)
        .any(|word| NOUNS.contains(&word.text.as_str()) || word.text == "example");
    names && ends_with_it && !denied
}
