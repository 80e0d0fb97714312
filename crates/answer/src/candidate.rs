//! Where in an answer text the JSON object may be.
//!
//! An answer is an object alone, an object in prose or in a code fence, or, after a prefill, an
//! object without its first `{`. There is one rule against taking the wrong thing: an object that
//! is a member of another one is not the answer. If what stands before a `{` holds a member name
//! (`"name":`), that `{` is inside an object whose beginning is broken or missing.
//!
//! Limits: the first `{` counts. If what stands there is not JSON, a later one is tried only at
//! the start of a code fence: `I filled {placeholders} and got {"a":1}` has no answer, because
//! which of several objects in running text is meant would be a guess.

use std::borrow::Cow;

/// Tags in which models without a reasoning block put their reasoning.
const REASONING_TAGS: [&str; 3] = ["thinking", "think", "reasoning"];

/// The texts to parse, best first; each starts with `{`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Candidates<'t> {
    pub(crate) texts: Vec<Cow<'t, str>>,
    /// Why there is none, if there is none.
    pub(crate) reason: &'static str,
}

/// Finds the candidates.
///
/// `restores_brace`: the `{` an answer was begun with is missing from its text and is put back
/// where the text goes on as an object does.
pub(crate) fn candidates(text: &str, restores_brace: bool) -> Candidates<'_> {
    let none = |reason| Candidates {
        texts: Vec::new(),
        reason,
    };
    if restores_brace && continues_an_object(text) {
        return Candidates {
            texts: vec![Cow::Owned(format!("{{{text}"))],
            reason: "",
        };
    }
    let Some(body) = after_reasoning(text) else {
        return none("answer ends within its reasoning");
    };
    let Some(first) = body.find('{') else {
        return none("no JSON object in the answer");
    };
    let mut texts = Vec::new();
    if !holds_a_member(&body[..first]) {
        texts.push(Cow::Borrowed(&body[first..]));
    }
    if let Some(fenced) = fenced_object(body)
        && fenced > first
        && !holds_a_member(&body[..fenced])
    {
        texts.push(Cow::Borrowed(&body[fenced..]));
    }
    Candidates {
        texts,
        reason: "answer starts in the middle of a JSON object",
    }
}

/// The text as the model wrote it, prefill included, for the raw response column.
pub(crate) fn with_prefill(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(is_blank).starts_with('{') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{{{text}"))
    }
}

/// Whether a `{` before the text would make the beginning of an object.
fn continues_an_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with(['"', '}'])
}

/// The text after blanks and reasoning; `None` if the reasoning does not end.
fn after_reasoning(text: &str) -> Option<&str> {
    let mut body = text.trim_start_matches(is_blank);
    while let Some(tag) = REASONING_TAGS.iter().find(|tag| opens_with(body, tag)) {
        let closing = format!("</{tag}>");
        let end = body
            .match_indices("</")
            .find(|(at, _)| starts_with_ignoring_case(&body[*at..], &closing))
            .map(|(at, _)| at + closing.len())?;
        body = body[end..].trim_start_matches(is_blank);
    }
    Some(body)
}

fn opens_with(text: &str, tag: &str) -> bool {
    text.strip_prefix('<').is_some_and(|text| {
        starts_with_ignoring_case(text, tag) && text.as_bytes().get(tag.len()) == Some(&b'>')
    })
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.as_bytes()
        .get(..start.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// Blanks as Python's `strip` sees them, and characters without width that editors and models put
/// in front of a text.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{1C}'..='\u{1F}' | '\u{FEFF}' | '\u{200B}' | '\u{2060}'
        )
}

/// Whether a text holds a member name: a `"` with a `:` after it, blanks aside.
fn holds_a_member(text: &str) -> bool {
    text.match_indices('"')
        .any(|(at, _)| text[at + 1..].trim_start().starts_with(':'))
}

/// Where the `{` of an object that begins a code fence is.
fn fenced_object(text: &str) -> Option<usize> {
    const LONGEST_INFO: usize = 20;

    text.match_indices("```").find_map(|(at, fence)| {
        let info = at + fence.len();
        let info_length = text.as_bytes()[info..]
            .iter()
            .take(LONGEST_INFO)
            .position(|byte| *byte == b'\n')?;
        let content = &text[info + info_length + 1..];
        let object = content.trim_start();
        object.starts_with('{').then(|| text.len() - object.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, restores_brace: bool) -> Vec<String> {
        candidates(text, restores_brace)
            .texts
            .into_iter()
            .map(Cow::into_owned)
            .collect()
    }

    #[test]
    fn the_brace_is_put_back_only_before_the_inside_of_an_object() {
        assert_eq!(found("\n \"a\":1}", true), ["{\n \"a\":1}"]);
        assert_eq!(found("}", true), ["{}"]);
        assert_eq!(found("\"a\":1}", false), [""; 0]);
        assert_eq!(found("{\"a\":1}", true), ["{\"a\":1}"]);
        assert_eq!(found(" \u{FEFF}{\"a\":1}", true), ["{\"a\":1}"]);
        assert_eq!(found("Sure: {\"a\":1} ok", true), ["{\"a\":1} ok"]);
    }

    #[test]
    fn an_object_inside_another_one_is_not_the_answer() {
        assert_eq!(found("```\n\"a\":1,\"b\":{\"c\":2}}", true), [""; 0]);
        assert_eq!(found("\"a\" : [{\"c\":2}]", false), [""; 0]);
        assert_eq!(found("The \"answer\" is {\"c\":2}", false), ["{\"c\":2}"]);
        assert_eq!(
            found("{\"code\":\"```json\n{\\\"x\\\":1}\n```\"}", false).len(),
            1
        );
    }

    #[test]
    fn a_fence_is_found_behind_other_braces() {
        assert_eq!(
            found("From {x}:\n```json\n{\"a\":1}\n```", false),
            ["{x}:\n```json\n{\"a\":1}\n```", "{\"a\":1}\n```"]
        );
        assert_eq!(found("```\n  {\"a\":1}\n```", false), ["{\"a\":1}\n```"]);
    }

    #[test]
    fn reasoning_before_the_answer_is_passed_over() {
        assert_eq!(
            found("<thinking>maybe {\"a\":0}</THINKING>\n{\"a\":1}", false),
            ["{\"a\":1}"]
        );
        assert_eq!(
            found("<think>{</think><reasoning>{</reasoning>{\"a\":1}", false),
            ["{\"a\":1}"]
        );
        let cut = candidates("<thinking>maybe {\"a\":0}", false);
        assert_eq!(
            (cut.texts.len(), cut.reason),
            (0, "answer ends within its reasoning")
        );
        assert_eq!(found("<thinker>{\"a\":1}", false), ["{\"a\":1}"]);
    }

    #[test]
    fn the_raw_response_shows_the_prefill() {
        assert_eq!(with_prefill("\"a\":1"), "{\"a\":1");
        assert_eq!(with_prefill("\u{A0}{\"a\":1"), "\u{A0}{\"a\":1");
        assert_eq!(with_prefill(""), "{");
    }
}
