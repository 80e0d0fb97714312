//! Making texts: by a pattern, by a format, or from some words.

use super::{Generator, count};
use serde_json::{Map, Value};

/// The longest text, whatever `minLength` says.
const MAX_LENGTH: usize = 1 << 20;

const WORDS: [&str; 16] = [
    "steady", "north", "river", "signal", "amber", "quiet", "façade", "harbor", "copper", "naïve",
    "meadow", "lantern", "Größe", "cedar", "orbit", "velvet",
];

impl Generator<'_> {
    pub(super) fn string(&mut self, schema: &Map<String, Value>, depth: u32) -> String {
        let least = count(schema.get("minLength")).unwrap_or(0).min(MAX_LENGTH);
        let most = count(schema.get("maxLength"));
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            let length = least..=most.unwrap_or(usize::MAX);
            if let Some(text) = self.patterns.text(pattern, &length, &mut self.random) {
                return text;
            }
        }
        if schema.get("contentMediaType").and_then(Value::as_str) == Some("application/json") {
            let content = schema.get("contentSchema").unwrap_or(&Value::Null);
            return self.value(content, depth + 1).to_string();
        }
        let format = schema.get("format").and_then(Value::as_str);
        format
            .and_then(|format| self.formatted(format))
            .unwrap_or_else(|| self.words(least, most))
    }

    /// Returns a text of a format of JSON Schema, or of one that Pydantic writes.
    fn formatted(&mut self, format: &str) -> Option<String> {
        Some(match format {
            "date" => self.date(),
            "time" => self.time(),
            "date-time" => format!("{}T{}", self.date(), self.time()),
            "duration" => format!("P{}DT{}H", self.number(1, 30), self.number(0, 24)),
            "email" | "idn-email" => format!("{}@example.com", self.random.id(8)),
            "name-email" => format!("Ada <{}@example.com>", self.random.id(8)),
            "uri" | "iri" | "uri-reference" | "iri-reference" | "uri-template" => {
                format!("https://example.com/{}", self.random.id(8))
            }
            "multi-host-uri" => format!("postgresql://db.example.com/{}", self.random.id(8)),
            "hostname" | "idn-hostname" => format!("{}.example.com", self.random.id(8)),
            "ipv4" | "ipvanyaddress" => format!(
                "10.{}.{}.{}",
                self.number(0, 256),
                self.number(0, 256),
                self.number(1, 254)
            ),
            "ipv4network" | "ipvanynetwork" => format!("10.{}.0.0/16", self.number(0, 256)),
            "ipv4interface" | "ipvanyinterface" => format!("10.{}.0.1/16", self.number(0, 256)),
            "ipv6" => format!("2001:db8::{:x}", self.number(1, 0xffff)),
            "ipv6network" => format!("2001:db8:{:x}::/48", self.number(1, 0xffff)),
            "ipv6interface" => format!("2001:db8::{:x}/64", self.number(1, 0xffff)),
            "uuid" | "uuid1" | "uuid3" | "uuid4" | "uuid5" | "uuid6" | "uuid7" | "uuid8" => {
                let version = format.as_bytes().get(4).copied().unwrap_or(b'4');
                self.uuid(char::from(version))
            }
            "json-pointer" => format!("/{}", self.random.id(4)),
            "relative-json-pointer" => format!("1/{}", self.random.id(4)),
            "regex" => format!("^[a-z]{{{}}}$", self.number(1, 9)),
            "json-string" => format!("{{\"{}\": {}}}", self.random.id(4), self.number(0, 100)),
            "file-path" | "path" => format!("/data/{}.txt", self.random.id(8)),
            "directory-path" => format!("/data/{}", self.random.id(8)),
            "color" => format!("#{:06x}", self.number(0, 0x0100_0000)),
            // Uses characters of the alphabet that all of them share, in whole groups of four.
            "base64" | "base64url" | "byte" | "binary" => self.random.id(12),
            _ => return None,
        })
    }

    /// Returns a number from `from`, below `until`.
    fn number(&mut self, from: u64, until: u64) -> u64 {
        from + self.random.below(until - from)
    }

    fn date(&mut self) -> String {
        let (year, month, day) = (self.number(10, 30), self.number(1, 13), self.number(1, 29));
        format!("20{year}-{month:02}-{day:02}")
    }

    fn time(&mut self) -> String {
        let (hour, minute) = (self.number(0, 24), self.number(0, 60));
        format!("{hour:02}:{minute:02}:{:02}Z", self.number(0, 60))
    }

    fn uuid(&mut self, version: char) -> String {
        let hex = format!("{:016x}{:016x}", self.random.next(), self.random.next());
        format!(
            "{}-{}-{version}{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        )
    }

    /// Returns some words, of `least` to `most` characters.
    pub(super) fn words(&mut self, least: usize, most: Option<usize>) -> String {
        let wanted = 3 + self.random.index(6);
        let mut text = String::new();
        let mut characters = 0;
        let mut words = 0;
        let most = most.unwrap_or(usize::MAX);
        while (words < wanted || characters < least) && characters < most.max(1) {
            if words > 0 {
                text.push(' ');
                characters += 1;
            }
            let word = WORDS[self.random.index(WORDS.len())];
            text.push_str(word);
            characters += word.chars().count();
            words += 1;
        }
        if characters > most {
            text = text.chars().take(most).collect();
        }
        text
    }
}
