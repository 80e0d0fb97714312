//! Makes a text that matches a regular expression, for `pattern` in JSON Schemas.
//!
//! `fancy-regex` reads the expression as JSON Schema validators do. Then the expression is made
//! plain: assertions (anchors, word boundaries, look-around) are left out, and a back reference
//! becomes the group that it names. A walk over the plain expression makes texts until one of them
//! matches the original expression.

use crate::hash::Random;
use fancy_regex::{Expr, LookAround, Regex};
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// The most repetitions of an open quantifier above its minimum, at first.
const OPEN_REPETITIONS: u32 = 4;
/// The length at which a text is given up, in bytes.
const MAX_LENGTH: usize = 1 << 16;
/// The most texts that are made in search of one that matches.
const TRIES: u32 = 400;
/// The most parsed expressions that are kept.
const MAX_KEPT: usize = 1_000;

/// A cache of parsed expressions. `None` stands for an expression that cannot be used.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    read: Mutex<HashMap<String, Option<Arc<Pattern>>>>,
}

impl Patterns {
    /// Returns a text in which a search for `pattern` finds a match and whose length in characters is
    /// in `length`; `None` if no such text is found.
    pub(crate) fn text(
        &self,
        pattern: &str,
        length: &RangeInclusive<usize>,
        random: &mut Random,
    ) -> Option<String> {
        self.read(pattern)?.text(length, random)
    }

    fn read(&self, pattern: &str) -> Option<Arc<Pattern>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(pattern) {
            return known.clone();
        }
        if read.len() >= MAX_KEPT {
            read.clear();
        }
        let new = Pattern::read(pattern).map(Arc::new);
        read.insert(pattern.to_owned(), new.clone());
        new
    }
}

#[derive(Debug)]
struct Pattern {
    /// The plain expression in two forms: without any look-around, and with the expression inside
    /// each positive look-around in its place.
    plain: Vec<Hir>,
    whole: Regex,
}

impl Pattern {
    fn read(pattern: &str) -> Option<Self> {
        let whole = Regex::new(pattern).ok()?;
        let expression = Expr::parse_tree(pattern).ok()?.expr;
        let mut groups = Vec::new();
        collect_groups(&expression, &mut groups);
        let plain = [false, true].into_iter().filter_map(|seen| {
            let mut plain = String::new();
            make_plain(&expression, &groups, seen)?.to_str(&mut plain, 0);
            regex_syntax::parse(&plain).ok()
        });
        let mut plain: Vec<Hir> = plain.collect();
        plain.dedup();
        (!plain.is_empty()).then_some(Self { plain, whole })
    }

    fn text(&self, length: &RangeInclusive<usize>, random: &mut Random) -> Option<String> {
        // Short texts come first. If they do not reach the length, repetitions become longer.
        let longest = u32::try_from(*length.start()).unwrap_or(u32::MAX);
        for number in 0..TRIES {
            let open = if number % 4 < 2 {
                OPEN_REPETITIONS
            } else {
                longest.max(1)
            };
            let plain = self.plain.get(number as usize % self.plain.len())?;
            let mut text = String::new();
            let made = write(plain, open, random, &mut text).is_some();
            if made
                && length.contains(&text.chars().count())
                && self.whole.is_match(&text).unwrap_or(false)
            {
                return Some(text);
            }
        }
        None
    }
}

fn collect_groups<'e>(expression: &'e Expr, groups: &mut Vec<&'e Expr>) {
    if let Expr::Group(inner) = expression {
        groups.push(inner);
    }
    for child in expression.children_iter() {
        collect_groups(child, groups);
    }
}

/// Returns the expression without look-around and references; `None` if it has other parts that a
/// plain expression cannot have. With `seen`, the expression inside a positive look-around takes
/// its place.
fn make_plain(expression: &Expr, groups: &[&Expr], seen: bool) -> Option<Expr> {
    let plain = |inner: &Expr| make_plain(inner, groups, seen);
    let all = |parts: &[Expr]| parts.iter().map(plain).collect::<Option<Vec<_>>>();
    Some(match expression {
        Expr::LookAround(inner, LookAround::LookAhead | LookAround::LookBehind) if seen => {
            Expr::Group(Arc::new(plain(inner)?))
        }
        Expr::Assertion(_) | Expr::LookAround(..) => Expr::Empty,
        Expr::Concat(parts) => Expr::Concat(all(parts)?),
        Expr::Alt(parts) => Expr::Alt(all(parts)?),
        Expr::Group(inner) => Expr::Group(Arc::new(plain(inner)?)),
        Expr::AtomicGroup(inner) => Expr::Group(Arc::new(plain(inner)?)),
        Expr::Repeat {
            child,
            lo,
            hi,
            greedy,
        } => Expr::Repeat {
            child: Box::new(plain(child)?),
            lo: *lo,
            hi: *hi,
            greedy: *greedy,
        },
        Expr::Backref { group, .. } => {
            let named = groups.get(group.checked_sub(1)?)?;
            // A plain expression cannot repeat a group that itself has a reference.
            let refers = |inner: &Expr| matches!(inner, Expr::Backref { .. });
            if refers(named) || named.has_descendant(refers) {
                return None;
            }
            Expr::Group(Arc::new(plain(named)?))
        }
        Expr::Empty | Expr::Any { .. } | Expr::Literal { .. } | Expr::Delegate { .. } => {
            expression.clone()
        }
        _ => return None,
    })
}

/// Appends one of the texts that the expression describes. Returns `None` if it describes none, or if
/// the text is too long.
fn write(expression: &Hir, open: u32, random: &mut Random, text: &mut String) -> Option<()> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            text.push_str(std::str::from_utf8(&literal.0).ok()?);
            Some(())
        }
        HirKind::Class(class) => {
            text.push(match class {
                Class::Unicode(class) => character(class, random)?,
                Class::Bytes(class) => character(&class.to_unicode_class()?, random)?,
            });
            Some(())
        }
        HirKind::Repetition(repetition) => {
            let least = repetition.min;
            let most = least.saturating_add(open);
            let most = repetition.max.map_or(most, |max| max.min(most).max(least));
            let extra = random.below(u64::from(most - least) + 1);
            (0..u64::from(least) + extra)
                .try_for_each(|_| write(&repetition.sub, open, random, text))
        }
        HirKind::Capture(capture) => write(&capture.sub, open, random, text),
        HirKind::Concat(parts) => parts
            .iter()
            .try_for_each(|part| write(part, open, random, text)),
        HirKind::Alternation(choices) => write(random.pick(choices)?, open, random, text),
    }
}

/// Returns a printable ASCII character of the class if it has one, otherwise any of its characters.
fn character(class: &ClassUnicode, random: &mut Random) -> Option<char> {
    let printable: Vec<(char, char)> = class
        .iter()
        .map(|range| (range.start().max(' '), range.end().min('~')))
        .filter(|(first, last)| first <= last)
        .collect();
    let (first, last) = match random.pick(&printable) {
        Some(range) => *range,
        None => class
            .iter()
            .next()
            .map(|range| (range.start(), range.end()))?,
    };
    let span = u64::from(u32::from(last) - u32::from(first)) + 1;
    let code = u32::from(first) + u32::try_from(random.below(span)).ok()?;
    Some(char::from_u32(code).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ANY: RangeInclusive<usize> = 0..=usize::MAX;

    fn text(pattern: &str, seed: u64) -> Option<String> {
        Patterns::default().text(pattern, &ANY, &mut Random::new(seed))
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[\\PC\\[\\](){}|*+?^$.,0-9-]{0,40}", seed: u64) {
            let _ = text(&pattern, seed);
        }

        #[test]
        fn no_odd_group_panics(
            pattern in "(\\(\\?[=!<>:#~a-zA-Z&|0-9]{0,3}|\\\\[1-9bBAzZGKRXkgpP]|[ab|)*+?.{}0-9\\[\\]^$-]){0,12}",
            seed: u64,
        ) {
            let _ = text(&pattern, seed);
        }
    }

    /// The JSON Schema validator accepts every generated text.
    #[test]
    fn generated_texts_match_their_pattern() {
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
            "^\\p{L}+$",
            "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$",
            "^(?=.*[A-Z])(?=.*\\d)[A-Za-z\\d]{8,}$",
            "(?<=USD )\\d+$",
            "^\\d+(?= EUR)",
            "^(ab|cd)-\\1$",
            "^\\bword\\b and \\w+\\b$",
            "^[\\u00e4\\u00f6]{3}$",
        ] {
            let validator =
                jsonschema::validator_for(&json!({"type": "string", "pattern": pattern})).unwrap();
            for seed in 0..50 {
                let text = text(pattern, seed).unwrap_or_else(|| panic!("nothing for {pattern}"));
                assert!(
                    validator.is_valid(&Value::String(text.clone())),
                    "{text:?} does not match {pattern}"
                );
            }
        }
    }

    #[test]
    fn a_length_is_kept_where_the_pattern_leaves_it_open() {
        let patterns = Patterns::default();
        for seed in 0..50 {
            let text = patterns.text("^[a-z_]+$", &(20..=22), &mut Random::new(seed));
            assert!((20..=22).contains(&text.unwrap().len()));
        }
        assert_eq!(patterns.text("^a{3}$", &(4..=9), &mut Random::new(1)), None);
    }

    #[test]
    fn a_pattern_that_no_text_matches_gives_nothing() {
        for pattern in [
            "(a",
            "[z-a]",
            "*",
            "a{99999}{99999}",
            "^(?!a)a$",
            "a^b",
            "^(a|\\1)b\\1$",
        ] {
            assert_eq!(text(pattern, 1), None, "pattern {pattern}");
        }
    }
}
