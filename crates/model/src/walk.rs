//! Walks over the members of a JSON object in one pass, without parsing their values.
//!
//! Most of an output line is text that nobody reads: the request, which the service returns with its
//! answer. This walk passes over such a value as fast as the memory gives it, but checks it all the same.
//!
//! It is stricter than JSON: it gives up at a control character, also between values, at a name with
//! an escape, and at more than [`DEEPEST`] levels. The caller then reads the text with serde, which
//! also knows what is wrong with it and where. What this walk accepts, serde accepts too, with the same
//! members.

use memchr::memchr2;

/// The most levels of nesting inside of a value.
const DEEPEST: u32 = 64;

/// The text is not JSON, or is JSON in a form that the walk leaves to serde.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPlain;

/// The members of an object, in the order of the text.
///
/// ```
/// use quarry_model::PlainMembers;
///
/// let mut members = PlainMembers::of(r#"{"a": {"b": [1, 2]}, "c": null}"#).unwrap();
/// assert_eq!(members.next_member(), Ok(Some(("a", r#"{"b": [1, 2]}"#))));
/// assert_eq!(members.next_member(), Ok(Some(("c", "null"))));
/// assert_eq!(members.next_member(), Ok(None));
/// assert!(PlainMembers::of(r#"{"a": "}"#).unwrap().next_member().is_err());
/// ```
#[derive(Debug, Clone)]
pub struct PlainMembers<'a>(JsonWalk<'a>);

impl<'a> PlainMembers<'a> {
    /// Begins at the object that is the whole of `json`.
    pub fn of(json: &'a str) -> Option<Self> {
        JsonWalk::into(json, b'{').map(Self)
    }

    /// Returns the next member: its name and the JSON text of its value. After the last one, returns
    /// `None` if the object ends where the text ends.
    pub fn next_member(&mut self) -> Result<Option<(&'a str, &'a str)>, NotPlain> {
        if !self.0.has_next(b'}')? {
            return Ok(None);
        }
        let name = self.0.name()?;
        Ok(Some((name, self.0.value()?)))
    }
}

/// The items of a list, in their order.
#[derive(Debug, Clone)]
pub struct PlainItems<'a>(JsonWalk<'a>);

impl<'a> PlainItems<'a> {
    /// Begins at the list that is the whole of `json`.
    pub fn of(json: &'a str) -> Option<Self> {
        JsonWalk::into(json, b'[').map(Self)
    }

    /// Returns the JSON text of the next item. After the last one, returns `None` if the list ends where
    /// the text ends.
    pub fn next_item(&mut self) -> Result<Option<&'a str>, NotPlain> {
        if !self.0.has_next(b']')? {
            return Ok(None);
        }
        self.0.value().map(Some)
    }
}

/// Returns the text of a JSON string that has no escapes. `json` is a value that a walk gave.
pub fn plain_text(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    memchr::memchr(b'\\', inner.as_bytes())
        .is_none()
        .then_some(inner)
}

#[derive(Debug, Clone)]
struct JsonWalk<'a> {
    text: &'a str,
    at: usize,
    /// Whether the next member or item is the first.
    is_first: bool,
}

impl<'a> JsonWalk<'a> {
    /// Steps into the container that begins with `open`.
    fn into(text: &'a str, open: u8) -> Option<Self> {
        if has_control_characters(text) {
            return None;
        }
        let mut walk = Self {
            text,
            at: 0,
            is_first: true,
        };
        (walk.token() == Ok(open)).then_some(walk)
    }

    /// Steps over blanks and one byte, and returns that byte.
    fn token(&mut self) -> Result<u8, NotPlain> {
        loop {
            let byte = *self.text.as_bytes().get(self.at).ok_or(NotPlain)?;
            self.at += 1;
            if byte != b' ' {
                return Ok(byte);
            }
        }
    }

    /// Whether another member or item of the outermost container follows, which ends with `close`.
    fn has_next(&mut self, close: u8) -> Result<bool, NotPlain> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let before = self.at;
        match self.token()? {
            byte if byte == close => {
                let rest = &self.text.as_bytes()[self.at..];
                let ends = rest.iter().all(|byte| *byte == b' ');
                // Another call comes here again.
                self.at = before;
                ends.then_some(false).ok_or(NotPlain)
            }
            b',' if !is_first => Ok(true),
            _ if is_first => {
                self.at = before;
                Ok(true)
            }
            _ => Err(NotPlain),
        }
    }

    /// Steps over a name and its colon, and returns the name.
    fn name(&mut self) -> Result<&'a str, NotPlain> {
        if self.token()? != b'"' {
            return Err(NotPlain);
        }
        let start = self.at;
        self.string()?;
        let name = &self.text[start..self.at - 1];
        if name.contains('\\') || self.token()? != b':' {
            return Err(NotPlain);
        }
        Ok(name)
    }

    /// Steps over a value, and returns its text.
    fn value(&mut self) -> Result<&'a str, NotPlain> {
        let first = self.token()?;
        let start = self.at - 1;
        self.rest_of_value(first)?;
        Ok(&self.text[start..self.at])
    }

    /// Steps over the rest of a value whose first byte is `first`.
    fn rest_of_value(&mut self, first: u8) -> Result<(), NotPlain> {
        let mut open = OpenContainers::default();
        let mut first = first;
        loop {
            if matches!(first, b'{' | b'[') {
                open.push(first)?;
                let next = self.token()?;
                if open.innermost_close() != Some(next) {
                    first = self.first_of_value(next, &open)?;
                    continue;
                }
                open.pop();
            } else {
                self.scalar(first)?;
            }
            loop {
                let Some(close) = open.innermost_close() else {
                    return Ok(());
                };
                match self.token()? {
                    b',' => break,
                    byte if byte == close => open.pop(),
                    _ => return Err(NotPlain),
                }
            }
            let next = self.token()?;
            first = self.first_of_value(next, &open)?;
        }
    }

    /// Steps over the name before a value in an object, and returns the value's first byte. `next` is the
    /// first byte of the name or, in a list, of the value.
    fn first_of_value(&mut self, next: u8, open: &OpenContainers) -> Result<u8, NotPlain> {
        if open.innermost_close() != Some(b'}') {
            return Ok(next);
        }
        if next != b'"' {
            return Err(NotPlain);
        }
        self.string()?;
        if self.token()? != b':' {
            return Err(NotPlain);
        }
        self.token()
    }

    /// Steps over the rest of a text, a number or a word.
    fn scalar(&mut self, first: u8) -> Result<(), NotPlain> {
        match first {
            b'"' => self.string(),
            b't' => self.word("rue"),
            b'f' => self.word("alse"),
            b'n' => self.word("ull"),
            b'-' | b'0'..=b'9' => self.number(first),
            _ => Err(NotPlain),
        }
    }

    fn word(&mut self, rest: &str) -> Result<(), NotPlain> {
        if !self.text.as_bytes()[self.at..].starts_with(rest.as_bytes()) {
            return Err(NotPlain);
        }
        self.at += rest.len();
        Ok(())
    }

    /// Steps over the rest of a text, up to and with its closing quote.
    fn string(&mut self) -> Result<(), NotPlain> {
        let bytes = self.text.as_bytes();
        loop {
            let found = quote_or_backslash(&bytes[self.at..]).ok_or(NotPlain)?;
            self.at += found + 1;
            if bytes[self.at - 1] == b'"' {
                return Ok(());
            }
            self.at += match bytes.get(self.at) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
                Some(b'u') if has_four_digits(&bytes[self.at + 1..]) => 5,
                _ => return Err(NotPlain),
            };
        }
    }

    fn number(&mut self, first: u8) -> Result<(), NotPlain> {
        let first = if first == b'-' {
            let byte = self.here();
            self.at += 1;
            byte
        } else {
            first
        };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(NotPlain),
        }
        if self.here().is_ascii_digit() {
            return Err(NotPlain);
        }
        if self.here() == b'.' {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.here(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.here(), b'+' | b'-') {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), NotPlain> {
        if !self.here().is_ascii_digit() {
            return Err(NotPlain);
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.here().is_ascii_digit() {
            self.at += 1;
        }
    }

    /// Returns the next byte; 0 at the end of the text.
    fn here(&self) -> u8 {
        self.text
            .as_bytes()
            .get(self.at)
            .copied()
            .unwrap_or_default()
    }
}

/// The containers around a place.
#[derive(Default)]
struct OpenContainers {
    /// A bit for each, the innermost last: whether it is an object.
    objects: u64,
    depth: u32,
}

impl OpenContainers {
    fn push(&mut self, open: u8) -> Result<(), NotPlain> {
        if self.depth == DEEPEST {
            return Err(NotPlain);
        }
        self.objects = self.objects << 1 | u64::from(open == b'{');
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    /// Returns the byte that closes the innermost one; `None` if none is open.
    fn innermost_close(&self) -> Option<u8> {
        match self.depth {
            0 => None,
            _ if self.objects & 1 == 1 => Some(b'}'),
            _ => Some(b']'),
        }
    }
}

/// Returns the place of the first quote or backslash. Most names and many values are short, so the first bytes are
/// looked at before a search is prepared that is quick in long texts.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    // The highest bit of each byte that is zero. Above the first such byte, a bit may be set wrongly.
    let zeros = |eight: u64| eight.wrapping_sub(ONES) & !eight & (ONES << 7);
    let Some(first) = bytes.first_chunk::<8>() else {
        return memchr2(b'"', b'\\', bytes);
    };
    let first = u64::from_le_bytes(*first);
    let found = zeros(first ^ (ONES * u64::from(b'"'))) | zeros(first ^ (ONES * u64::from(b'\\')));
    if found != 0 {
        return Some(found.trailing_zeros() as usize / 8);
    }
    memchr2(b'"', b'\\', &bytes[8..]).map(|at| at + 8)
}

fn has_four_digits(bytes: &[u8]) -> bool {
    bytes
        .first_chunk::<4>()
        .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether a text has characters that JSON strings cannot have. The compiler makes this a loop over
/// blocks of bytes.
fn has_control_characters(text: &str) -> bool {
    let least = text.bytes().fold(u8::MAX, u8::min);
    least < b' '
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    /// JSON of any kind, with escapes, braces in texts, and names that come twice.
    pub(crate) fn json() -> impl Strategy<Value = String> {
        let text = r#"([a-c{}\[\],: é😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,8}"#;
        let scalar = prop_oneof![
            text.prop_map(|text| format!("\"{text}\"")),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
        ];
        let blank = " {0,2}";
        scalar.prop_recursive(4, 24, 4, move |inner| {
            let item =
                (blank, inner, blank).prop_map(|(before, json, behind)| before + &json + &behind);
            let member = (r"[a-c\[{]{0,2}", item.clone())
                .prop_map(|(name, json)| format!(" \"{name}\" :{json}"));
            prop_oneof![
                prop::collection::vec(item, 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(member, 0..4)
                    .prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    /// Returns the members that the walk finds; of those with the same name, the last.
    fn walked(json: &str) -> Option<BTreeMap<String, String>> {
        let mut members = PlainMembers::of(json)?;
        let mut found = BTreeMap::new();
        while let Some((name, value)) = members.next_member().ok()? {
            found.insert(name.to_owned(), value.to_owned());
        }
        Some(found)
    }

    fn with_serde(json: &str) -> Option<BTreeMap<String, String>> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
        let members = members.into_iter();
        Some(
            members
                .map(|(name, value)| (name, value.get().to_owned()))
                .collect(),
        )
    }

    proptest! {
        #[test]
        fn plain_json_is_walked_and_the_members_are_those_of_serde(json in json()) {
            if json.starts_with('{') {
                prop_assert_eq!(walked(&json), with_serde(&json));
            }
            if json.starts_with('[') {
                let items: Vec<&RawValue> = serde_json::from_str(&json).unwrap();
                let mut walk = PlainItems::of(&json).unwrap();
                for item in items {
                    prop_assert_eq!(walk.next_item(), Ok(Some(item.get())));
                }
                prop_assert_eq!(walk.next_item(), Ok(None));
                prop_assert_eq!(walk.next_item(), Ok(None));
            }
        }

        /// With bytes left out, put in or cut off.
        #[test]
        fn what_the_walk_accepts_serde_accepts_with_the_same_members(
            json in json(),
            at in any::<prop::sample::Index>(),
            put in "[a-c0-9\"\\\\{}\\[\\],:.eEu+\\-\t\u{0} \u{a0}]{0,2}",
            left_out in 0..3_usize,
            is_cut in prop::bool::weighted(0.2),
        ) {
            let mut text: Vec<char> = format!("{{\"a\":{json}}}").chars().collect();
            let at = at.index(text.len());
            if is_cut {
                text.truncate(at);
            }
            text.splice(at..(at + left_out).min(text.len()), put.chars());
            let json: String = text.into_iter().collect();
            if let Some(members) = walked(&json) {
                prop_assert_eq!(Some(members), with_serde(&json), "{}", json);
            }
        }
    }

    #[test]
    fn a_broken_object_is_never_walked_to_its_end() {
        for json in [
            "",
            "{",
            "}",
            "[]",
            "null",
            "{}{}",
            "{} x",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{\"a\":[1}",
            "{\"a\":[1,]}",
            "{\"a\":[,1]}",
            "{\"a\":{\"b\"}}",
            "{\"a\":{\"b\":1]}",
            "{\"a\":{1:2}}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":-}",
            "{\"a\":+1}",
            "{\"a\":1e}",
            "{\"a\":tru}",
            "{\"a\":nulls}",
            "{\"a\":NaN}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\u12",
            "{\"a\":\"b}",
            "{\"a\":\"\\\"}",
            "{\"a\":[[[",
        ] {
            assert_eq!(walked(json), None, "{json}");
            assert_eq!(with_serde(json), None, "{json}");
        }
    }

    #[test]
    fn json_that_is_left_to_serde_is_refused() {
        let deep =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(walked(&deep(DEEPEST as usize)).is_some());
        for json in [
            &*deep(DEEPEST as usize + 1),
            "{\t\"a\":1}",
            "{\"\\u0061\":1}",
        ] {
            assert_eq!(walked(json), None, "{json}");
            assert!(with_serde(json).is_some(), "{json}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_found_at_any_place() {
        for length in 0..40 {
            for end in ['"', '\\'] {
                let text = format!(
                    "{}{end}\u{a2}é\"\\",
                    "!#[]\u{dc}x"
                        .repeat(8)
                        .chars()
                        .take(length)
                        .collect::<String>()
                );
                assert_eq!(
                    quote_or_backslash(text.as_bytes()),
                    text.find(['"', '\\']),
                    "{text}"
                );
            }
        }
        assert_eq!(quote_or_backslash(b"no end in it"), None);
    }

    #[test]
    fn a_text_without_escapes_is_what_is_between_its_quotes() {
        assert_eq!(plain_text("\"a{é\""), Some("a{é"));
        for json in ["\"a\\n\"", "null", "7", "[\"a\"]", "\""] {
            assert_eq!(plain_text(json), None, "{json}");
        }
    }
}
