//! Reads objects that are nearly JSON: with other quotes, names without quotes, comments, trailing
//! commas, Python's words or full-width marks.
//!
//! Limits: such an object is compared with an answer, and is never one itself. A quote within a text
//! of the same quotes ends the text.

use crate::parse::parse_prefix;
use crate::work::looked_at;
use quarry_validation::write_text;

/// The deepest nesting.
const DEEPEST: usize = 64;

/// The longest name of a first member, in bytes.
const LONGEST_NAME: usize = 200;

/// An object that is nearly JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LooseObject {
    /// Its equivalent in JSON.
    pub(crate) json: String,
    /// The names of its own members.
    pub(crate) names: Vec<String>,
    /// Offset of the first byte after it.
    pub(crate) end: usize,
}

/// Returns the offset of the next brace that may begin an object.
pub(crate) fn next_brace(text: &str) -> Option<usize> {
    text.find(['{', '｛'])
}

/// Returns the name of the first member of a text that begins with a brace.
pub(crate) fn first_name(text: &str) -> Option<String> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.take_any(&['{', '｛'])?;
    cursor.skip_blanks();
    let name = cursor.name().filter(|name| name.len() <= LONGEST_NAME)?;
    cursor.skip_blanks();
    looked_at(cursor.at);
    cursor.take_any(&[':', '：'])?;
    Some(name)
}

/// Reads the object at the beginning of a text.
pub(crate) fn loose_object(text: &str) -> Option<LooseObject> {
    let mut cursor = Cursor { text, at: 0 };
    let mut json = String::new();
    let names = cursor.object(&mut json, 0);
    looked_at(cursor.at);
    let names = names?;
    Some(LooseObject {
        json,
        names,
        end: cursor.at,
    })
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take_any(&mut self, characters: &[char]) -> Option<char> {
        let next = self.rest().chars().next()?;
        characters.contains(&next).then(|| {
            self.at += next.len_utf8();
            next
        })
    }

    fn take(&mut self, start: &str) -> bool {
        let is_there = self.rest().starts_with(start);
        self.at += if is_there { start.len() } else { 0 };
        is_there
    }

    /// Skips blanks and comments.
    fn skip_blanks(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            let comment = self.rest();
            let length = if comment.starts_with("/*") {
                comment.find("*/").map(|end| end + 2)
            } else if comment.starts_with("//") || comment.starts_with('#') {
                comment.find('\n').or(Some(comment.len()))
            } else {
                None
            };
            let Some(length) = length else {
                return;
            };
            self.at += length;
        }
    }

    /// Reads an object into JSON, and returns the names of its members.
    fn object(&mut self, json: &mut String, depth: usize) -> Option<Vec<String>> {
        self.take_any(&['{', '｛']).filter(|_| depth < DEEPEST)?;
        let mut names = Vec::new();
        json.push('{');
        loop {
            self.skip_blanks();
            if self.take_any(&['}', '｝']).is_some() {
                break;
            }
            let name = self.name()?;
            self.skip_blanks();
            self.take_any(&[':', '：'])?;
            if !names.is_empty() {
                json.push(',');
            }
            write_text(&name, json);
            json.push(':');
            names.push(name);
            self.value(json, depth)?;
            self.skip_blanks();
            if self.take_any(&[',', '，']).is_none() {
                self.take_any(&['}', '｝'])?;
                break;
            }
        }
        json.push('}');
        Some(names)
    }

    fn list(&mut self, json: &mut String, depth: usize) -> Option<()> {
        self.take_any(&['[']).filter(|_| depth < DEEPEST)?;
        let mut is_first = true;
        json.push('[');
        loop {
            self.skip_blanks();
            if self.take("]") {
                break;
            }
            if !is_first {
                json.push(',');
            }
            is_first = false;
            self.value(json, depth)?;
            self.skip_blanks();
            if self.take_any(&[',', '，']).is_none() {
                self.take_any(&[']'])?;
                break;
            }
        }
        json.push(']');
        Some(())
    }

    fn value(&mut self, json: &mut String, depth: usize) -> Option<()> {
        self.skip_blanks();
        match self.rest().chars().next()? {
            '{' | '｛' => self.object(json, depth + 1).map(|_| ()),
            '[' => self.list(json, depth + 1),
            _ => {
                if let Some(text) = self.quoted() {
                    write_text(&text, json);
                } else {
                    self.word(json)?;
                }
                Some(())
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        if let Some(name) = self.quoted() {
            return Some(name);
        }
        let rest = self.rest();
        let end = rest
            .find(|character: char| !character.is_alphanumeric() && !"_-$.".contains(character))
            .unwrap_or(rest.len());
        self.at += end;
        (end > 0).then(|| rest[..end].to_owned())
    }

    /// Reads a text in quotes of any kind.
    fn quoted(&mut self) -> Option<String> {
        let rest = self.rest();
        let open = quotes().find(|(open, _)| rest.starts_with(open))?;
        if open.0 == "\""
            && let Ok(parsed) = parse_prefix(rest)
            && let jiter::JsonValue::Str(text) = parsed.value
        {
            self.at += parsed.end;
            return Some(text.into_owned());
        }
        let inner = &rest[open.0.len()..];
        let mut text = String::new();
        let mut at = 0;
        loop {
            let left = &inner[at..];
            if let Some(close) = open.1.iter().find(|close| left.starts_with(**close)) {
                self.at += open.0.len() + at + close.len();
                return Some(text);
            }
            let next = left.chars().next().filter(|next| *next != '\n')?;
            at += next.len_utf8();
            if next == '\\'
                && let Some(escaped) = inner[at..].chars().next()
            {
                at += escaped.len_utf8();
                text.push(if escaped == 'n' { '\n' } else { escaped });
            } else {
                text.push(next);
            }
        }
    }

    /// Reads a number or words without quotes, up to the end of the member.
    fn word(&mut self, json: &mut String) -> Option<()> {
        let rest = self.rest();
        let end = rest
            .find([',', '，', '}', '｝', ']', '\n'])
            .unwrap_or(rest.len());
        let end = [" #", " //", "/*"]
            .iter()
            .filter_map(|comment| rest[..end].find(comment))
            .min()
            .unwrap_or(end);
        let word = rest[..end].trim();
        self.at += end;
        match word {
            "" => return None,
            "True" => json.push_str("true"),
            "False" => json.push_str("false"),
            "None" | "undefined" => json.push_str("null"),
            _ => match parse_prefix(word) {
                Ok(parsed) if parsed.end == word.len() => json.push_str(word),
                _ => write_text(word, json),
            },
        }
        Some(())
    }
}

/// The marks that open a text, each with those that can close it.
fn quotes() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    const DOUBLE: &[&str] = &["”", "“", "\""];
    const SINGLE: &[&str] = &["’", "‘", "'"];
    [
        ("\"", &["\""] as &[&str]),
        ("\\\"", &["\\\""]),
        ("&quot;", &["&quot;"]),
        ("'", &["'"]),
        ("`", &["`"]),
        ("“", DOUBLE),
        ("”", DOUBLE),
        ("„", DOUBLE),
        ("‘", SINGLE),
        ("’", SINGLE),
    ]
    .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_is_nearly_json_has_an_equivalent_in_json() {
        let expected = r#"{"kind":"b","score":0.5}"#;
        for text in [
            r#"{"kind": "b", "score": 0.5}"#,
            "{'kind': 'b', 'score': 0.5}",
            "{kind: 'b', score: 0.5,}",
            "{kind: b, score: 0.5}",
            "{`kind`: `b`, `score`: 0.5}",
            "{/* c */ \"kind\": \"b\", // d\n \"score\": 0.5 # e\n}",
            "{“kind”: “b”, “score”: 0.5}",
            "{„kind“: „b“, „score“: 0.5}",
            "{‘kind’: ‘b’, ‘score’: 0.5}",
            r#"{\"kind\": \"b\", \"score\": 0.5}"#,
            "{&quot;kind&quot;: &quot;b&quot;, &quot;score&quot;: 0.5}",
            "｛\"kind\"：\"b\"，\"score\"：0.5｝",
        ] {
            let object = loose_object(text).expect(text);
            assert_eq!(object.json, expected, "{text}");
            assert_eq!(object.end, text.len(), "{text}");
            assert_eq!(object.names, ["kind", "score"], "{text}");
            assert_eq!(first_name(text).as_deref(), Some("kind"), "{text}");
        }
        let nested = loose_object("{a: [1, 'x', {b: None}], c: {d: True}} and").expect("object");
        assert_eq!(nested.json, r#"{"a":[1,"x",{"b":null}],"c":{"d":true}}"#);
        assert_eq!(nested.names, ["a", "c"]);
    }

    #[test]
    fn prose_and_code_in_braces_are_no_objects() {
        for text in [
            "{name}",
            "{{ other }}",
            "{ return 1; }",
            "{🙂}",
            "{",
            "{ }",
            "{'a' 'b'}",
        ] {
            assert_eq!(first_name(text), None, "{text}");
        }
        for text in ["{'kind': 'b'", "{'kind': ", "{kind: }", "{'it's': 1}"] {
            assert_eq!(loose_object(text), None, "{text}");
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        assert_eq!(loose_object(&"{a:".repeat(100_000)), None);
    }
}
