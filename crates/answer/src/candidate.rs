//! Finds the objects of an answer's text that can be the answer.
//!
//! An answer is an object alone, an object among prose, fences and reasoning, or, after a prefill,
//! an object without its first `{`. This module finds all independent objects; [`crate::choice`]
//! decides which of them is the answer. Two rules prevent a wrong choice:
//!
//! - An object that is a member of another one is not the answer. This also holds if the other one
//!   is broken (a brace is never closed) or lacks its beginning (`"name":` or a list precedes the
//!   object, and the end of the other one follows it).
//! - What a model wrote while it reasoned is not the answer ([`crate::reasoning`]).
//!
//! Limits: at most [`MOST_STARTS`] braces that do not begin JSON are tried; braces of code do not
//! count.

use crate::announcement::Announcement;
use crate::missing_brace::{continues_an_object, first_member, is_label};
use crate::parse::{NotJson, parse_prefix};
use crate::readable::{Readable, end_before_repair, readable};
use crate::reasoning::{
    FIRST_OF_MARKS, Mark, ReasoningMarks, behind_bare_channels, length_of_first,
};
use crate::repair::RepairEffort;
use crate::thought_label::{Label, label_before};
use crate::work::looked_at;
use crate::wrapping::is_wrapping;
use jiter::{JsonObject, JsonValue};
use std::borrow::Cow;

/// The most braces that a quote follows and that do not begin JSON.
const MOST_STARTS: usize = 256;

/// The most objects after a quoted word and a colon.
const MOST_LABELS: usize = 64;

const TOO_MANY_QUOTES: &str = "too many values of the answer end within a quotation";
const ONLY_REASONING: &str = "no JSON object outside of the answer's reasoning";
const NOTHING: &str = "no JSON object in the answer";
const IN_OPEN_BRACE: &str = "a brace before the JSON object is not closed";

/// The longest name of a member that is searched before an object, in bytes.
const LONGEST_NAME: usize = 200;

/// An independent object.
#[derive(Debug)]
pub(crate) struct Found<'t> {
    /// Offset in the text.
    pub(crate) start: usize,
    /// Its JSON, repaired if necessary.
    pub(crate) json: Cow<'t, str>,
    /// The parsed members; `None` if the object was repaired.
    pub(crate) members: Option<JsonObject<'t>>,
    /// The text after it, repaired together with it.
    pub(crate) after: Cow<'t, str>,
    pub(crate) repaired: bool,
    /// The text between the object or reasoning before it and this one.
    pub(crate) before: &'t str,
    /// What that text says about a final answer.
    pub(crate) announcement: Announcement,
    /// It is an item of a list that stands by itself.
    pub(crate) in_list: bool,
}

/// Returns the members of an object: the parsed ones, or else those of its JSON.
pub(crate) fn members_of<'j>(parsed: Option<JsonObject<'j>>, json: &'j str) -> JsonObject<'j> {
    parsed.or_else(|| object_of(json)).unwrap_or_default()
}

/// Returns the members of the object at the start of a text.
pub(crate) fn object_of(json: &str) -> Option<JsonObject<'_>> {
    match parse_prefix(json).ok()?.value {
        JsonValue::Object(members) => Some(members),
        _ => None,
    }
}

/// The contents of a text.
#[derive(Debug, Default)]
pub(crate) struct Scan<'t> {
    pub(crate) found: Vec<Found<'t>>,
    /// Why the first thing that looks like an object is not one.
    pub(crate) problem: Option<NotJson>,
    /// Why nothing was found, if nothing was and there is no problem.
    pub(crate) reason: &'static str,
    /// A broken object follows the last object.
    pub(crate) ends_broken: bool,
}

/// What is known about an answer before it is read.
#[derive(Clone, Copy)]
pub(crate) struct Expectation<'s> {
    /// The `{` of the answer was given to the model, or may be missing.
    pub(crate) restores_brace: bool,
    /// The `{` was given to the model.
    pub(crate) prefilled: bool,
    /// Whether a member of this name belongs to an answer.
    pub(crate) is_property: &'s dyn Fn(&str) -> bool,
}

/// Finds the objects of an answer and passes them to `then`, together with their text.
///
/// The objects may borrow from a text that was made for them; hence the continuation.
pub(crate) fn scanned<T>(
    text: &str,
    expectation: Expectation<'_>,
    then: impl FnOnce(&str, Scan<'_>) -> T,
) -> T {
    if expectation.restores_brace && continues_an_object(text) {
        let restored = format!("{{{text}");
        if !is_label(&restored, expectation.prefilled, expectation.is_property) {
            let scan = scan(&restored, expectation);
            return then(&restored, scan);
        }
    }
    then(text, scan(text, expectation))
}

fn scan<'t>(text: &'t str, expectation: Expectation<'_>) -> Scan<'t> {
    let mut scanner = Scanner {
        text,
        expectation,
        marks: ReasoningMarks::default(),
        at: behind_bare_channels(text).unwrap_or(0),
        behind: 0,
        open: 0,
        was_broken: false,
        is_inside: false,
        is_cut: false,
        thinks_until: 0,
        repairs: RepairEffort::of_an_answer(),
        starts: 0,
        labels: 0,
        first_brace: None,
        scan: Scan {
            reason: NOTHING,
            ..Scan::default()
        },
    };
    scanner.behind = scanner.at;
    while let Some(next) = text[scanner.at..].find(is_of_interest) {
        scanner.at += next;
        match text.as_bytes()[scanner.at] {
            b'{' => scanner.brace(),
            b'}' => {
                scanner.open = scanner.open.saturating_sub(1);
                scanner.at += 1;
            }
            _ => {
                if !scanner.mark() {
                    break;
                }
            }
        }
    }
    scanner.finish()
}

fn is_of_interest(character: char) -> bool {
    matches!(character, '{' | '}') || FIRST_OF_MARKS.contains(&character)
}

struct Scanner<'t, 'e> {
    text: &'t str,
    expectation: Expectation<'e>,
    marks: ReasoningMarks,
    at: usize,
    /// The end of what was skipped last: an object or reasoning.
    behind: usize,
    /// Open braces that do not begin JSON.
    open: usize,
    /// Something looks like an object but does not begin JSON.
    was_broken: bool,
    /// The last object is a member of an object without a beginning.
    is_inside: bool,
    /// An object has begun that lacks only its end. What looks like the end of reasoning in it is
    /// text of one of its values.
    is_cut: bool,
    /// The end of the line that is labelled as a thought.
    thinks_until: usize,
    repairs: RepairEffort,
    /// Braces that were tried and do not begin JSON.
    starts: usize,
    /// Objects after what may be a member's name.
    labels: usize,
    first_brace: Option<usize>,
    scan: Scan<'t>,
}

impl<'t> Scanner<'t, '_> {
    fn finish(mut self) -> Scan<'t> {
        if self.repairs.is_used_up() {
            return Scan {
                reason: TOO_MANY_QUOTES,
                ..Scan::default()
            };
        }
        if self.scan.found.is_empty()
            && self.scan.problem.is_none()
            && self.scan.reason == NOTHING
            && let Some(byte) = self.first_brace
            && let Err(problem) = parse_prefix(&self.text[byte..])
        {
            self.scan.problem = Some(NotJson {
                byte: byte + problem.byte,
                reason: problem.reason,
            });
        }
        self.scan
    }

    /// Skips what may be a mark of reasoning. Returns `false` if the rest is reasoning.
    fn mark(&mut self) -> bool {
        match self.marks.at(self.text, self.at) {
            None => {
                self.at += length_of_first(&self.text[self.at..]);
            }
            Some(Mark::Passed(end)) => {
                self.at += end;
                self.behind = self.at;
                if self.scan.found.is_empty() && self.open == 0 {
                    self.scan.reason = ONLY_REASONING;
                }
            }
            Some(Mark::Until(end)) if self.is_cut => self.at += end,
            Some(Mark::Until(end)) => {
                self.at += end;
                self.behind = self.at;
                self.open = 0;
                self.first_brace = None;
                self.was_broken = false;
                self.is_inside = false;
                self.scan = Scan {
                    reason: "no JSON object behind the answer's reasoning",
                    ..Scan::default()
                };
            }
            Some(Mark::Open(_)) if self.scan.found.is_empty() && self.open == 0 => {
                self.scan.reason = "answer ends within its reasoning";
                return self.ends_later();
            }
            Some(Mark::Open(end)) => self.at += end,
        }
        true
    }

    /// Whether a mark of another kind ends reasoning that has no end of its own. If so, continues
    /// there.
    fn ends_later(&mut self) -> bool {
        let mut from = self.at + length_of_first(&self.text[self.at..]);
        while let Some(next) = self.text[from..].find(['<', '[', '◁']) {
            from += next;
            let text = &self.text[from..];
            if ["</", "<|", "[/", "<unused", "◁/"]
                .iter()
                .any(|start| text.starts_with(start))
                && let Some(Mark::Until(_)) = self.marks.at(self.text, from)
            {
                self.at = from;
                return true;
            }
            from += length_of_first(text);
        }
        false
    }

    /// Takes an object, or skips a brace.
    fn brace(&mut self) {
        let text = &self.text[self.at..];
        let looks_like_one = text[1..].trim_start().starts_with(['"', '}']);
        if !looks_like_one || self.starts == MOST_STARTS {
            self.was_broken |= looks_like_one;
            self.first_brace.get_or_insert(self.at);
            self.open += 1;
            self.at += 1;
            return;
        }
        if self.open > 0 || self.was_broken {
            // Only unrepaired JSON counts here, because the beginning decides what is broken.
            match parse_prefix(text) {
                Ok(parsed) => {
                    let end = self.at + parsed.end;
                    if self.open > 0 {
                        self.scan.reason = IN_OPEN_BRACE;
                    } else if !self.is_a_member(end) {
                        self.take(text, parsed.value, parsed.end);
                    }
                    self.pass(end);
                }
                Err(problem) => self.broken(problem),
            }
            return;
        }
        match readable(text, &self.repairs) {
            Ok(Readable::AsItIs(parsed)) => {
                let end = self.at + parsed.end;
                if !self.is_a_member(end) {
                    self.take(text, parsed.value, parsed.end);
                }
                self.pass(end);
            }
            Ok(Readable::Repaired(fixed)) => self.take_repaired(&fixed),
            Err(problem) => self.broken(problem),
        }
    }

    fn pass(&mut self, end: usize) {
        self.at = end;
        self.behind = end;
    }

    fn broken(&mut self, problem: NotJson) {
        self.starts += 1;
        self.is_cut |= self.at + problem.byte >= self.text.trim_end().len();
        if self.open == 0 {
            self.was_broken = true;
            let name = first_member(&self.text[self.at..]).map(|(name, _)| name);
            self.scan.ends_broken = name.is_some_and(|name| (self.expectation.is_property)(name));
            self.scan.problem.get_or_insert(NotJson {
                byte: self.at + problem.byte,
                reason: problem.reason,
            });
        }
        self.open += 1;
        self.at += 1;
    }

    fn take(&mut self, text: &'t str, value: JsonValue<'t>, length: usize) {
        if self.is_thought() {
            return;
        }
        if let JsonValue::Object(members) = value {
            self.scan.ends_broken = false;
            self.scan.found.push(Found {
                start: self.at,
                json: Cow::Borrowed(&text[..length]),
                members: Some(members),
                after: Cow::Borrowed(&text[length..]),
                repaired: false,
                before: &self.text[self.behind..self.at],
                announcement: Announcement::before(&self.text[self.behind..self.at]),
                in_list: self.is_listed(),
            });
        }
    }

    fn take_repaired(&mut self, fixed: &str) {
        let Ok(parsed) = parse_prefix(fixed) else {
            // A repaired text parses.
            self.at += 1;
            return;
        };
        let (json, after) = fixed.split_at(parsed.end);
        let end = self.at + end_before_repair(&self.text[self.at..], after);
        if !self.is_a_member(end) && !self.is_thought() {
            self.scan.ends_broken = false;
            self.forget_repaired_rest();
            self.scan.found.push(Found {
                start: self.at,
                json: Cow::Owned(json.to_owned()),
                members: None,
                after: Cow::Owned(after.to_owned()),
                repaired: true,
                before: &self.text[self.behind..self.at],
                announcement: Announcement::before(&self.text[self.behind..self.at]),
                in_list: self.is_listed(),
            });
        }
        self.pass(end);
    }

    /// Only the last object needs the text behind it in its repaired form, and that is a copy.
    fn forget_repaired_rest(&mut self) {
        if let Some(last) = self.scan.found.last_mut()
            && last.repaired
        {
            last.after = Cow::Borrowed(&self.text[self.at..]);
        }
    }

    /// Whether the object here stands on a line that is labelled as a thought.
    fn is_thought(&mut self) -> bool {
        let is_thought = match label_before(&self.text[self.behind..self.at]) {
            Some(label) => label == Label::Thought,
            None => self.at < self.thinks_until,
        };
        if !is_thought {
            self.thinks_until = 0;
        } else if self.at >= self.thinks_until {
            let line = self.text[self.at..].find('\n');
            self.thinks_until = line.map_or(self.text.len(), |line| self.at + line);
        }
        if is_thought && self.scan.found.is_empty() {
            self.scan.reason = ONLY_REASONING;
        }
        is_thought
    }

    /// Whether the object here is an item of a list.
    fn is_listed(&self) -> bool {
        let before = self.text[self.behind..self.at].trim();
        let goes_on = before == "," && self.scan.found.last().is_some_and(|last| last.in_list);
        before.ends_with('[') || goes_on
    }

    /// Whether the object here, which ends at `end`, is a member of an object that is broken or has
    /// no beginning.
    fn is_a_member(&mut self, end: usize) -> bool {
        let before = self.text[self.behind..self.at].trim_end();
        self.is_inside = match self.place(before) {
            Place::Inside => true,
            Place::Labelled => {
                self.labels += 1;
                self.was_broken || self.labels > MOST_LABELS || closes_more(&self.text[end..])
            }
            Place::Free => false,
        };
        if self.is_inside && self.scan.found.is_empty() {
            self.scan.reason = "answer starts in the middle of a JSON object";
        }
        self.is_inside
    }

    /// Returns what the text between the last object and this one shows about its position.
    fn place(&self, before: &str) -> Place {
        if before == "," && self.is_inside {
            return Place::Inside;
        }
        let listed = before.strip_suffix('[').map(str::trim_end);
        if self.was_broken && (listed.is_some() || before.ends_with(',')) {
            return Place::Inside;
        }
        let Some(named) = listed
            .unwrap_or(before)
            .strip_suffix(':')
            .and_then(|named| named.trim_end().strip_suffix('"'))
        else {
            return Place::Free;
        };
        let Some(open) = named.rfind('"') else {
            return Place::Free;
        };
        let name = &named[open + 1..];
        if name.len() > LONGEST_NAME {
            return Place::Free;
        }
        let earlier = named[..open].trim_end();
        let begins = self.behind == 0 && is_wrapping(earlier);
        if begins && (listed.is_some() || (self.expectation.is_property)(name)) {
            return Place::Inside;
        }
        match earlier.strip_suffix(',').map(str::trim_end) {
            Some(value) if ends_a_value(value) => Place::Inside,
            _ => Place::Labelled,
        }
    }
}

enum Place {
    /// Among prose.
    Free,
    /// After `"name":`, which may be prose.
    Labelled,
    /// After a member, or in a list that is a member.
    Inside,
}

fn ends_a_value(text: &str) -> bool {
    text.ends_with(['"', '}', ']'])
        || text.ends_with(|last: char| last.is_ascii_digit())
        || ["true", "false", "null"]
            .iter()
            .any(|word| text.ends_with(word))
}

/// Whether a text closes a brace that it does not open.
fn closes_more(text: &str) -> bool {
    looked_at(text.len());
    let mut open = 0_usize;
    for at in memchr::memchr2_iter(b'{', b'}', text.as_bytes()) {
        if text.as_bytes()[at] == b'{' {
            open += 1;
        } else if open == 0 {
            return true;
        } else {
            open -= 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectation(restores_brace: bool) -> Expectation<'static> {
        Expectation {
            restores_brace,
            prefilled: restores_brace,
            is_property: &|name| name.len() == 1,
        }
    }

    fn found(text: &str, restores_brace: bool) -> Vec<String> {
        scanned(text, expectation(restores_brace), |_, scan| {
            scan.found
                .into_iter()
                .map(|found| found.json.into_owned())
                .collect()
        })
    }

    fn reason(text: &str) -> &'static str {
        scanned(text, expectation(false), |_, scan| {
            assert!(scan.found.is_empty(), "{text}");
            scan.reason
        })
    }

    #[test]
    fn the_brace_is_put_back_only_before_the_inside_of_an_object() {
        assert_eq!(found("\n \"a\":1}", true), ["{\n \"a\":1}"]);
        assert_eq!(found("}", true), ["{}"]);
        assert_eq!(found("\"a\":1}", false), [""; 0]);
        assert_eq!(found("{\"a\":1}", true), ["{\"a\":1}"]);
        assert_eq!(found(" \u{FEFF}{\"a\":1}", true), ["{\"a\":1}"]);
        assert_eq!(found("Sure: {\"a\":1} ok", true), ["{\"a\":1}"]);
        assert_eq!(found("\"Yes\" it is: {\"a\":1}", true), ["{\"a\":1}"]);
        assert_eq!(found("\"Rule 3\": so {\"a\":1}", true), ["{\"a\":1}"]);
    }

    #[test]
    fn an_object_inside_another_one_is_not_the_answer() {
        for text in [
            "```\n\"a\":1,\"b\":{\"c\":2}}",
            "\"a\" : [{\"c\":2}]",
            "\"a\" : [{\"c\":2},{\"c\":3}], \"b\": {\"c\":4}}",
            "Sure! \"a\":1,\"b\":{\"c\":2}",
            "As \"label\": {\"c\":2}}",
            "{\"a\":say,\"b\":{\"c\":2}}",
            "{{\"c\":2}}",
            "{a: {\"c\":2}}",
            "{\"a\": \"x } \"y\" z\", \"b\": {\"c\":2}",
            "{\"a\": \"x } \"y\" z\", \"b\": [{\"c\":2}, {\"c\":3}",
        ] {
            assert_eq!(found(text, false), [""; 0], "{text}");
        }
        assert_eq!(found("The \"answer\" is {\"c\":2}", false), ["{\"c\":2}"]);
        assert_eq!(found("The \"answer\": {\"c\":2}", false), ["{\"c\":2}"]);
        let escaped = "{\"code\":\"```json\\n{\\\"x\\\":1}\\n```\"}";
        assert_eq!(found(escaped, false), [escaped]);
    }

    #[test]
    fn objects_are_found_after_other_braces() {
        for text in [
            "From {x}:\n```json\n{\"a\":1}\n```",
            "```\n  {\"a\":1}\n```",
            "Using {placeholders} I get {\"a\":1}",
            "function f() { return \"a\"; } gives {\"a\":1}",
            "In the form {\"a\": <number>}: {\"a\":1}",
        ] {
            assert_eq!(found(text, false), ["{\"a\":1}"], "{text}");
        }
        assert_eq!(
            found("[{\"a\":1}, {\"a\":2}]", false),
            ["{\"a\":1}", "{\"a\":2}"]
        );
    }

    #[test]
    fn reasoning_is_passed_over_wherever_it_stands() {
        for text in [
            "<thinking>maybe {\"a\":0}</THINKING>\n{\"a\":1}",
            "<think>{</think><reasoning>{</reasoning>{\"a\":1}",
            "Sure.\n<think>{\"a\":0}</think>{\"a\":1}",
            "maybe {\"a\":0}? {\"a\": \n</think>\n{\"a\":1}",
            "<think>a <think> {\"a\":0}</think> b</think>{\"a\":1}",
            "{\"a\":1}\n<think>or {\"a\":0}?</think>",
            "<think>or {\"a\":0}?<|channel|>final<|message|>{\"a\":1}",
            "analysisSo {\"a\":0}?assistantfinal{\"a\":1}",
        ] {
            assert_eq!(found(text, false), ["{\"a\":1}"], "{text}");
        }
        let inside = "{\"a\":\"</think>\"}";
        assert_eq!(found(inside, false), [inside]);
        assert_eq!(found("<thinker>{\"a\":1}", false), ["{\"a\":1}"]);
    }

    #[test]
    fn an_answer_that_is_reasoning_only_says_so() {
        assert_eq!(
            reason("<thinking>maybe {\"a\":0}"),
            "answer ends within its reasoning"
        );
        assert_eq!(
            reason("<think>maybe {\"a\":0}</think>"),
            "no JSON object outside of the answer's reasoning"
        );
        assert_eq!(
            reason("maybe {\"a\":0}</think>"),
            "no JSON object behind the answer's reasoning"
        );
        assert_eq!(reason("Hello."), "no JSON object in the answer");
    }

    #[test]
    fn scanning_is_bounded() {
        for part in [
            "{\"a\":",
            "{\"a\":{}} <think>",
            "</",
            "<think>{",
            "[{\"a\":1},",
        ] {
            let _ = found(&part.repeat(20_000), false);
        }
    }
}
