//! Decides whether an object ends where its JSON ends.
//!
//! A value that contains a bare quote ends too early, and the object may end with it: the JSON of
//! `{"a":"say "} or so"}` is `{"a":"say "}`. The text after an object distinguishes such a fragment
//! from an answer that prose, code or other JSON follows.
//!
//! Limits: prose is not understood. If the text after an object could be its rest as well as prose,
//! the answer is refused.

use crate::parse::parse_prefix;
use crate::work::looked_at;

/// The most objects and quotes that are examined after an object, so that the time is bounded.
const MOST_TRIALS: usize = 64;

/// Returns why the object whose JSON is `object` may be incomplete, according to the text `after`
/// it.
pub(crate) fn doubt(object: &str, after: &str) -> Option<&'static str> {
    if after.trim_start().is_empty() {
        return None;
    }
    if goes_on_with_a_member(after) {
        return Some("the object is closed before its last member");
    }
    if !after.contains('}') {
        return None;
    }
    let in_string = ends_in_a_string(object);
    if holds_a_stray_brace(after, !in_string) {
        return Some(
            "behind the object a brace is closed that nothing opens: a quote in a value may have \
             ended the object too early",
        );
    }
    if in_string && may_read_on(object, after) {
        return Some(
            "it cannot be told whether a quote in the last value ended the object too early: what \
             stands behind it could belong to the value",
        );
    }
    None
}

/// Whether the text after an object contains the real end of that object: an unmatched `}` that a
/// quote precedes.
pub(crate) fn closes_again(after: &str) -> bool {
    holds_a_stray_brace(after, false)
}

/// `, "name":`
fn goes_on_with_a_member(after: &str) -> bool {
    let Some(member) = after.trim_start().strip_prefix(',') else {
        return false;
    };
    let Some(name) = member.trim_start().strip_prefix('"') else {
        return false;
    };
    name.split_once('"')
        .is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
}

/// Whether the last value of an object, at any depth, is a string.
fn ends_in_a_string(object: &str) -> bool {
    object
        .trim_end_matches(|character: char| {
            matches!(character, '}' | ']') || character.is_ascii_whitespace()
        })
        .ends_with('"')
}

/// Whether a text has an unmatched `}` that a quote precedes. JSON objects and pairs of braces are
/// skipped, and so are braces in quotes of their own (`"}"`) if `passes_mentions`.
fn holds_a_stray_brace(text: &str, passes_mentions: bool) -> bool {
    let bytes = text.as_bytes();
    let mut quoted = false;
    let mut depth = 0_usize;
    let mut trials = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(['"', '{', '}']) {
        looked_at(next);
        at += next;
        match bytes[at] {
            b'"' => quoted = true,
            b'}' if depth > 0 => depth -= 1,
            b'}' if passes_mentions && is_mention(bytes, at) => {}
            b'}' if quoted => return true,
            b'{' => {
                if trials < MOST_TRIALS {
                    trials += 1;
                    if let Ok(parsed) = parse_prefix(&text[at..]) {
                        at += parsed.end;
                        continue;
                    }
                }
                depth += usize::from(!(passes_mentions && is_mention(bytes, at)));
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// Whether a character is alone in quotes or backticks.
fn is_mention(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    before == bytes.get(at + 1) && matches!(before, Some(b'"' | b'\'' | b'`'))
}

/// Whether the last string of an object could continue after it: the same line has a quote that
/// would end the string and then the object. A JSON string cannot contain a line break.
fn may_read_on(object: &str, after: &str) -> bool {
    let Some(open) = object.rfind('"') else {
        return false;
    };
    let line = after.split(['\n', '\r']).next().unwrap_or(after);
    let mut trials = 0;
    let mut at = 0;
    while let Some(next) = line[at..].find(['"', '{']) {
        at += next;
        if trials == MOST_TRIALS {
            return true;
        }
        trials += 1;
        if line.as_bytes()[at] == b'{' {
            // A complete object is not the rest of the string.
            if let Ok(parsed) = parse_prefix(&after[at..]) {
                at += parsed.end;
                if at >= line.len() {
                    return false;
                }
                continue;
            }
        } else {
            let read_on = format!("{}{}", &object[..=open], &after[at + 1..]);
            if parse_prefix(&read_on).is_ok() {
                return true;
            }
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubted(text: &str) -> bool {
        let end = parse_prefix(text).expect("JSON").end;
        doubt(&text[..end], &text[end..]).is_some()
    }

    #[test]
    fn a_piece_of_an_object_is_doubted() {
        for text in [
            r#"{"a":"say "} or so"}"#,
            r#"{"a":"say "}" or {so"}"#,
            r#"{"a":"say "} or {x" y"}"#,
            r#"{"a":"say "} or {"x": "y"} z"}"#,
            r#"{"a":["say "]} {", "x"]}"#,
            r#"{"a":1}, "b": 2}"#,
            r#"{"a":"x"}, "b": "#,
            "{\"a\":\"say \"}\nand \"so\"}",
        ] {
            assert!(doubted(text), "{text}");
        }
    }

    #[test]
    fn prose_code_and_json_after_an_object_are_not_its_rest() {
        for text in [
            "{\"a\":0.9}\n\nI used the rule `if (x) { return \"a\"; }` here.",
            "{\"a\":0.9} The dict was {'k': \"v\"}.",
            "{\"a\":\"x\"}\nThe dict was {'k': \"v\"}.",
            "{\"a\":\"x\"}\nI used the rule `if (x) { return \"a\"; }` here.",
            "{\"a\":\"x\"} I used `if (x) { return \"a\"; }` here.",
            "{\"a\":\"x\"} The input was {\"k\": \"v\"}.",
            "{\"a\":9}\nI left the \"}\" out, and '{' too.",
            "{\"a\":9}, \"quoted\" and more",
            "{\"a\":\"x\"} }",
            "{\"a\":\"x\"}",
        ] {
            assert!(!doubted(text), "{text}");
        }
    }

    #[test]
    fn deciding_is_bounded() {
        let text = format!("{{\"a\":\"x\"}}{}}}", " \"{".repeat(50_000));
        assert!(doubted(&text));
    }
}
