//! Values that the text around an object gives properties of the schema outside of any object: lines
//! such as `label: b`, tags such as `<label>b</label>`, and sentences such as "The label should be b".
//!
//! Limits: a value is on one line. Markdown tables, lists of YAML and values without the name of their
//! property are not read. At most [`MOST_CLAIMS`] values that differ from those of the object are
//! compared, so that the time is bounded.

use crate::claim_value::{Claim, start_of, value_at};
use crate::conclusion::{behind_an_arrow, boxed, concluded, is_answer};
use crate::correction::without_objects;
use crate::retraction::{speaks_of_right_and_wrong, without_leads};
use crate::sentence::{Word, sentences, words_of};
use crate::work::looked_at;

/// The most claims that are compared.
pub(crate) const MOST_CLAIMS: usize = 64;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 100;

/// The most words of a name in a sentence.
const MOST_NAME_WORDS: usize = 4;

/// Words before the name of a property that say that its value replaces another.
const REPLACING: [&str; 7] = [
    "actual",
    "correct",
    "corrected",
    "proper",
    "real",
    "revised",
    "right",
];

/// Words of a line above lines that are quoted from elsewhere.
const OF_THE_INPUT: [&str; 9] = [
    "data", "example", "format", "input", "original", "record", "report", "row", "schema",
];

/// What a claim says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// The object has the same value.
    Same,
    /// The object has another value, and this one would be valid too.
    Other,
    /// It is no value of a property: an explanation, for example.
    Unrelated,
}

/// Which side of the object a text is on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimPlace {
    Before,
    Behind,
}

/// Returns the text of the first claim that contradicts the object.
///
/// Before the object, a line or a sentence is a thought that led to it; only tags, fences of YAML and
/// denials count there.
pub(crate) fn contradicting_claim(
    text: &str,
    place: ClaimPlace,
    is_name: &dyn Fn(&str) -> bool,
    mut compare: impl FnMut(&Claim<'_>) -> ClaimKind,
) -> Option<String> {
    let text = without_objects(text);
    let mut compared = 0;
    let mut contradicts = |claim: &Claim<'_>| {
        if compared == MOST_CLAIMS {
            return false;
        }
        let kind = compare(claim);
        compared += usize::from(kind == ClaimKind::Unrelated);
        kind == ClaimKind::Other
    };
    tags(&text, is_name)
        .chain(lines(&text, place, is_name))
        .chain(sentences(&text).filter_map(|sentence| stated(sentence, is_name)))
        .chain(concluded(&text).filter(|_| place == ClaimPlace::Behind))
        .chain(boxed(&text).filter(|_| place == ClaimPlace::Behind))
        .filter(|claim| place == ClaimPlace::Behind || claim.is_marked || claim.is_denied)
        .find(|claim| contradicts(claim))
        .map(|claim| claim.text.trim().to_owned())
}

/// `<label>b</label>`, `<parameter name="label">b</parameter>`
fn tags<'t>(text: &'t str, is_name: &'t dyn Fn(&str) -> bool) -> impl Iterator<Item = Claim<'t>> {
    text.match_indices('<').filter_map(move |(at, _)| {
        let inner = &text[at + 1..];
        let head = &inner[..inner.floor_char_boundary(LONGEST_NAME)];
        looked_at(head.len());
        let head = &head[..head.find(['<', '>'])?];
        let tag = head.split_whitespace().next()?;
        let name = match head.split_once("name=") {
            Some((_, name)) => name.trim_matches(['"', '\'', ' ']),
            None => head,
        };
        // Tags of one letter are HTML's.
        if !inner[head.len()..].starts_with('>')
            || name.chars().count() < 2
            || !(is_name(name) || is_answer(name))
        {
            return None;
        }
        let value = &inner[head.len() + 1..];
        let end = value.find('<').unwrap_or(value.len());
        looked_at(end);
        let closing = value[end..].strip_prefix("</")?.strip_prefix(tag)?;
        closing.starts_with('>').then(|| Claim {
            name,
            value: &value[..end],
            is_marked: true,
            is_denied: false,
            is_plain: false,
            text: &text[at..at + 1 + head.len() + 1 + end],
        })
    })
}

/// `label: b` on a line of its own.
fn lines<'t>(
    text: &'t str,
    place: ClaimPlace,
    is_name: &'t dyn Fn(&str) -> bool,
) -> impl Iterator<Item = Claim<'t>> {
    let mut in_yaml = false;
    let mut is_quoted = false;
    let mut has_begun = false;
    text.lines().filter_map(move |line| {
        let trimmed = line.trim();
        if let Some(fence) = trimmed.strip_prefix("```") {
            let word = fence.trim();
            in_yaml = word.eq_ignore_ascii_case("yaml") || word.eq_ignore_ascii_case("yml");
            return None;
        }
        if trimmed.is_empty() {
            is_quoted &= !has_begun;
            return None;
        }
        if trimmed.starts_with('>') {
            return None;
        }
        let named = named_value(line, &|name| is_name(name) || is_answer(name));
        let claim = named.or_else(|| behind_an_arrow(line));
        if claim.is_none() && trimmed.trim_end_matches(['*', '_']).ends_with(':') {
            is_quoted = words_of(trimmed)
                .iter()
                .any(|word| OF_THE_INPUT.contains(&word.text.as_str()));
            has_begun = false;
            return None;
        }
        has_begun = true;
        let claim = claim.filter(|_| !is_quoted && (in_yaml || place == ClaimPlace::Behind))?;
        Some(Claim {
            is_marked: claim.is_marked || in_yaml,
            ..claim
        })
    })
}

/// Reads `name: value`.
fn named_value<'t>(line: &'t str, is_name: &dyn Fn(&str) -> bool) -> Option<Claim<'t>> {
    let head = &line[..line.floor_char_boundary(LONGEST_NAME)];
    looked_at(head.len());
    let colon = head.find([':', '：', '='])?;
    let length = line[colon..].chars().next()?.len_utf8();
    let (name, value) = (&line[..colon], &line[colon + length..]);
    let name = name.trim_matches(|character: char| !character.is_alphanumeric());
    let name = if is_name(name) {
        name
    } else {
        without_replacing(name)
    };
    let (value, is_marked) = bare(behind_last_arrow(value));
    let is_object = value.contains(['{', '}']);
    (!value.is_empty() && !is_object && is_name(name)).then_some(Claim {
        name,
        value,
        is_marked,
        is_denied: false,
        is_plain: false,
        text: line,
    })
}

/// Returns the new value of a change such as `a → b`.
fn behind_last_arrow(value: &str) -> &str {
    let arrows = [" => ", " -> ", " → ", " ⇒ "];
    let ends = arrows
        .iter()
        .filter_map(|arrow| Some(value.rfind(arrow)? + arrow.len()));
    &value[ends.max().unwrap_or(0)..]
}

fn without_replacing(name: &str) -> &str {
    match name.split_once([' ', '_']) {
        Some((first, rest)) if REPLACING.contains(&first.to_ascii_lowercase().as_str()) => {
            rest.trim_start()
        }
        _ => name,
    }
}

/// Returns a value without the marks around it, and whether they are quotation marks.
pub(crate) fn bare(value: &str) -> (&str, bool) {
    let value = value.trim().trim_start_matches('*').trim();
    let value = value.trim_end_matches([',', ';', '*', '_']).trim_end();
    let quotes = [
        ("\"", "\""),
        ("'", "'"),
        ("`", "`"),
        ("“", "”"),
        ("„", "“"),
        ("‘", "’"),
        ("«", "»"),
    ];
    for (open, close) in quotes {
        let Some(inner) = value.strip_prefix(open) else {
            continue;
        };
        if let Some(end) = inner.find(close) {
            let rest = inner[end + close.len()..].trim_matches(['.', '*', ' ']);
            if rest.is_empty() || rest.starts_with(['(', ',', '#', ';', '—', '–']) {
                return (&inner[..end], true);
            }
        }
        return (value, false);
    }
    let short = [" (", " #", " —", " –", " because ", " since "]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min();
    let value = &value[..short.unwrap_or(value.len())];
    (value.trim_end_matches(['.', ',']).trim_end(), false)
}

/// "The label should be b", "The label is not b", "Correction: label is b"
pub(crate) fn stated<'t>(sentence: &'t str, is_name: &dyn Fn(&str) -> bool) -> Option<Claim<'t>> {
    let words = words_of(sentence);
    let statement = without_leads(&words);
    let corrects = words[..words.len() - statement.len()].iter().any(|word| {
        ["actually", "correction", "no", "oops", "sorry", "wait"].contains(&word.text.as_str())
    });
    let is = |at: usize, list: &[&str]| {
        statement
            .get(at)
            .is_some_and(|word: &Word| list.contains(&word.text.as_str()))
    };
    let changes = is(0, &["change", "correct", "set", "update"]);
    let mut at = usize::from(changes);
    at += usize::from(is(at, &["the", "its", "my", "this"]));
    let replaces = is(at, &REPLACING);
    at += usize::from(replaces);
    let begin = start_of(sentence, statement, at)?;
    let (length, name) = (1..=MOST_NAME_WORDS).rev().find_map(|length| {
        let end = statement.get(at + length - 1)?.end;
        let name = &sentence[begin..end];
        (is_name(name) || (length == 1 && name.eq_ignore_ascii_case("answer")))
            .then_some((length, name))
    })?;
    at += length;
    let colon = sentence[statement[at - 1].end..].trim_start_matches(['*', '`', '"', ' ']);
    let (mut is_denied, mut is_plain) = (false, false);
    if corrects && colon.starts_with([':', '=']) {
        // The value follows the mark.
    } else if changes {
        at += statement[at..].iter().position(|word| word.text == "to")? + 1;
    } else if is(at, &["isn't", "wasn't"]) {
        is_denied = true;
        at += 1;
    } else if is(at, &["is", "was"]) {
        is_denied = is(at + 1, &["not"]);
        let insists = is(at + 1, &["actually", "really", "instead"]);
        is_plain = !is_denied && !insists && !replaces && !corrects;
        at += 1 + usize::from(is_denied || insists);
    } else if is(at, &["should", "must", "ought"]) {
        at += 1;
        while is(
            at,
            &["actually", "be", "been", "have", "instead", "rather", "to"],
        ) {
            at += 1;
        }
    } else {
        return None;
    }
    let (value, is_marked) = value_at(sentence, statement.get(at - 1)?.end)?;
    // "The answer is correct" speaks of the object.
    (!is_plain || !speaks_of_right_and_wrong(value)).then_some(Claim {
        name,
        value,
        is_marked,
        is_denied,
        is_plain,
        text: sentence,
    })
}
