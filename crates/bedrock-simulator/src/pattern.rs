//! A text that matches a regular expression, for `pattern` in JSON Schemas.
//!
//! The part of ECMA 262 that schemas use: literals, `.`, classes, `\d \w \s` and their negations,
//! groups, alternation, and the quantifiers. Anything else (look-around, back-references, Unicode
//! properties) gives no text.

use crate::hash::Random;

/// Most repetitions of an open quantifier above its minimum.
const OPEN_REPETITIONS: u32 = 4;
/// Deepest nesting of groups.
const MAX_DEPTH: u32 = 50;
/// Longest repetition that is made at all.
const MAX_REPETITIONS: u32 = 4_096;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Alternatives(Vec<Node>),
    Sequence(Vec<Node>),
    Repeated(Box<Node>, u32, u32),
    OneOf(Vec<(char, char)>),
}

/// A text that matches `pattern` when searched in, or nothing when the pattern is not understood.
pub(crate) fn generate(pattern: &str, random: &mut Random) -> Option<String> {
    let mut parser = Parser {
        rest: pattern.chars().collect(),
        at: 0,
    };
    let node = parser.alternatives(0)?;
    if parser.at < parser.rest.len() {
        return None;
    }
    let mut text = String::new();
    write(&node, random, &mut text)?;
    Some(text)
}

fn write(node: &Node, random: &mut Random, text: &mut String) -> Option<()> {
    match node {
        Node::Alternatives(choices) => write(random.pick(choices)?, random, text),
        Node::Sequence(parts) => parts.iter().try_for_each(|part| write(part, random, text)),
        Node::Repeated(part, least, most) => {
            let extra = random.below(u64::from(most - least) + 1);
            let count = u64::from(*least) + extra;
            (0..count).try_for_each(|_| write(part, random, text))
        }
        Node::OneOf(ranges) => {
            let (first, last) = *random.pick(ranges)?;
            let span = u64::from(u32::from(last)) - u64::from(u32::from(first)) + 1;
            let code = u32::from(first) + u32::try_from(random.below(span)).ok()?;
            text.push(char::from_u32(code).unwrap_or(first));
            Some(())
        }
    }
}

struct Parser {
    rest: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn alternatives(&mut self, depth: u32) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut choices = vec![self.sequence(depth)?];
        while self.take_if('|') {
            choices.push(self.sequence(depth)?);
        }
        Some(Node::Alternatives(choices))
    }

    fn sequence(&mut self, depth: u32) -> Option<Node> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if next == '|' || next == ')' {
                break;
            }
            self.at += 1;
            // Anchors hold at the ends of the text that is made; elsewhere no text would match.
            if next == '^' || next == '$' {
                continue;
            }
            let atom = self.atom(next, depth)?;
            parts.push(self.quantified(atom)?);
        }
        Some(Node::Sequence(parts))
    }

    fn atom(&mut self, first: char, depth: u32) -> Option<Node> {
        match first {
            '(' => {
                if self.take_if('?') && !self.take_if(':') {
                    return None;
                }
                let inner = self.alternatives(depth + 1)?;
                self.take_if(')').then_some(inner)
            }
            '[' => self.class(),
            '.' => Some(Node::OneOf(vec![('a', 'z'), ('0', '9')])),
            '\\' => Some(Node::OneOf(self.escape()?)),
            '*' | '+' | '?' | '{' | '}' | ']' | ')' => None,
            literal => Some(Node::OneOf(vec![(literal, literal)])),
        }
    }

    fn quantified(&mut self, atom: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('*') => (0, OPEN_REPETITIONS),
            Some('+') => (1, 1 + OPEN_REPETITIONS),
            Some('?') => (0, 1),
            Some('{') => {
                self.at += 1;
                let least = self.number()?;
                let most = if self.take_if(',') {
                    if self.peek() == Some('}') {
                        least.checked_add(OPEN_REPETITIONS)?
                    } else {
                        self.number()?
                    }
                } else {
                    least
                };
                if self.peek() != Some('}') || most < least || most > MAX_REPETITIONS {
                    return None;
                }
                (least, most)
            }
            _ => return Some(atom),
        };
        self.at += 1;
        self.take_if('?');
        Some(Node::Repeated(Box::new(atom), least, most))
    }

    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.rest[start..self.at].iter().collect();
        digits.parse().ok()
    }

    fn class(&mut self) -> Option<Node> {
        let negated = self.take_if('^');
        let mut ranges = Vec::new();
        loop {
            let first = match self.take()? {
                ']' => break,
                '\\' => {
                    let escaped = self.escape()?;
                    match escaped.as_slice() {
                        [(one, same)] if one == same => *one,
                        _ => {
                            ranges.extend(escaped);
                            continue;
                        }
                    }
                }
                other => other,
            };
            let is_range =
                self.peek() == Some('-') && self.rest.get(self.at + 1).is_some_and(|c| *c != ']');
            if is_range {
                self.at += 1;
                let last = match self.take()? {
                    '\\' => self.escape()?.first()?.0,
                    other => other,
                };
                if last < first {
                    return None;
                }
                ranges.push((first, last));
            } else {
                ranges.push((first, first));
            }
        }
        if negated {
            ranges = without(&ranges);
        }
        (!ranges.is_empty()).then_some(Node::OneOf(ranges))
    }

    fn escape(&mut self) -> Option<Vec<(char, char)>> {
        const DIGITS: [(char, char); 1] = [('0', '9')];
        const WORD: [(char, char); 4] = [('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')];
        const SPACE: [(char, char); 1] = [(' ', ' ')];
        let escaped = self.take()?;
        Some(match escaped {
            'd' => DIGITS.to_vec(),
            'w' => WORD.to_vec(),
            's' => SPACE.to_vec(),
            'D' => without(&DIGITS),
            'W' => without(&WORD),
            'S' => without(&SPACE),
            'n' => vec![('\n', '\n')],
            't' => vec![('\t', '\t')],
            'r' => vec![('\r', '\r')],
            literal if !literal.is_alphanumeric() => vec![(literal, literal)],
            _ => return None,
        })
    }
}

/// Printable ASCII without `ranges`.
fn without(ranges: &[(char, char)]) -> Vec<(char, char)> {
    (' '..='~')
        .filter(|c| {
            !ranges
                .iter()
                .any(|(first, last)| (first..=last).contains(&c))
        })
        .map(|c| (c, c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[\\PC\\[\\](){}|*+?^$.,0-9-]{0,40}", seed: u64) {
            let _ = generate(&pattern, &mut Random::new(seed));
        }
    }

    /// The texts made really match, as the JSON Schema validator reads the pattern.
    #[test]
    fn what_is_made_matches() {
        for pattern in [
            "^[A-Z]{3}-\\d{4}$",
            "^(low|medium|high)$",
            "^a?b*c+d{2,3}e{2,}$",
            "^[^a-z\\s]{5}$",
            "^\\w+@\\w+\\.(com|org)$",
            "^(?:\\d{1,3}\\.){3}\\d{1,3}$",
            "[0-9a-f]{8}-[0-9a-f]{4}",
            "^[\\w.-]+$",
            "^$",
        ] {
            let validator =
                jsonschema::validator_for(&json!({"type": "string", "pattern": pattern})).unwrap();
            for seed in 0..50 {
                let text = generate(pattern, &mut Random::new(seed)).unwrap();
                assert!(
                    validator.is_valid(&Value::String(text.clone())),
                    "{text:?} does not match {pattern}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_understood_gives_nothing() {
        for pattern in [
            "(?=a)b", "\\p{L}+", "(a", "a{3,2}", "[z-a]", "*", "a{99999}",
        ] {
            assert_eq!(
                generate(pattern, &mut Random::new(1)),
                None,
                "pattern {pattern}"
            );
        }
    }
}
