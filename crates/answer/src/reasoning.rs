//! Finds where a model's reasoning begins and ends in an answer's text.
//!
//! Models that have no separate block for reasoning write it into the answer: between tags
//! (`<think>`, `<thinking signature="…">`, `<seed:think>`, `◁think▷`, `[THINK]`), up to a closing tag
//! whose opening tag was given to the model, in a code fence (```` ```thinking ````), or in a channel
//! (`<|channel|>analysis<|message|>`, gpt-oss). Objects in it are drafts, and so are objects that are
//! commented out (`<!-- -->`) or struck out (`~~ ~~`, `<del>`).
//!
//! Limits: a tag and a fence are recognised only by their names. Other tags are part of the answer.

use crate::work::{find, looked_at};
use std::borrow::Cow;

/// The names of tags around reasoning, in lower case.
const TAGS: [&str; 26] = [
    "thinking",
    "think",
    "reasoning",
    "analysis",
    "thoughts",
    "thought",
    "reflection",
    "scratchpad",
    "draft",
    "antthinking",
    "chain_of_thought",
    "chain-of-thought",
    "cot",
    "deliberation",
    "inner_monologue",
    "inner_thoughts",
    "internal_monologue",
    "monologue",
    "plan",
    "planning",
    "thinking_process",
    "thought_process",
    "del",
    "strike",
    "rejected",
    "discarded",
];

/// The words after the marks of a code fence around reasoning.
const FENCES: [&str; 10] = [
    "thinking",
    "think",
    "thought",
    "thoughts",
    "reasoning",
    "analysis",
    "scratchpad",
    "cot",
    "plan",
    "draft",
];

/// The brackets of tags.
const BRACKETS: [(char, char); 2] = [('<', '>'), ('◁', '▷')];

/// A pair of marks around reasoning that are no tags.
struct Pair {
    opening: &'static str,
    closing: &'static str,
    /// Whether the closing mark alone ends reasoning whose beginning was given to the model.
    closes_alone: bool,
}

const fn pair(opening: &'static str, closing: &'static str, closes_alone: bool) -> Pair {
    Pair {
        opening,
        closing,
        closes_alone,
    }
}

const PAIRS: [Pair; 5] = [
    pair("[THINK]", "[/THINK]", true),
    pair("<!--", "-->", false),
    pair("<|begin_of_thought|>", "<|end_of_thought|>", true),
    pair("<|START_THINKING|>", "<|END_THINKING|>", true),
    pair("<unused94>", "<unused95>", true),
];

/// The longest namespace of a tag, in bytes.
const LONGEST_NAMESPACE: usize = 16;

/// The longest attributes of an opening tag, in bytes.
const LONGEST_ATTRIBUTES: usize = 4_096;

/// The longest line that opens a fence of reasoning, without its marks, in bytes.
const LONGEST_FENCE: usize = 64;

/// The longest name of a channel, in bytes.
const LONGEST_CHANNEL: usize = 256;

/// The most tags that are examined for the end of a block with blocks in it.
const MOST_NESTED: usize = 64;

const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
const END: &str = "<|end|>";
const START: &str = "<|start|>";

/// The characters that a mark can begin with.
pub(crate) const FIRST_OF_MARKS: [char; 5] = ['<', '[', '◁', '`', '~'];

/// What a mark says about reasoning. Offsets are from the beginning of the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Reasoning from here up to the offset.
    Passed(usize),
    /// Reasoning begins here and does not end; the mark itself ends at the offset.
    Open(usize),
    /// Everything before the offset is reasoning.
    Until(usize),
}

/// Reads marks, and remembers which of them have no end, so that the search for ends takes one pass.
#[derive(Debug, Default)]
pub(crate) struct ReasoningMarks {
    endless_tags: [[bool; TAGS.len()]; BRACKETS.len()],
    endless_pairs: [bool; PAIRS.len()],
    is_fence_endless: bool,
}

impl ReasoningMarks {
    /// Returns the mark at an offset of a text, if there is one. The offsets of one text must grow.
    pub(crate) fn at(&mut self, whole: &str, offset: usize) -> Option<Mark> {
        let text = &whole[offset..];
        match text.chars().next()? {
            '`' if !whole[..offset].ends_with('`') => self.fence(text),
            '~' if !whole[..offset].ends_with('~') => struck_out(text),
            '<' | '[' | '◁' => {
                if let Some(rest) = text.strip_prefix(CHANNEL) {
                    return Some(channel(text, rest));
                }
                self.pair(text).or_else(|| self.tag(text))
            }
            _ => None,
        }
    }

    fn pair(&mut self, text: &str) -> Option<Mark> {
        for (index, pair) in PAIRS.iter().enumerate() {
            if pair.closes_alone && text.starts_with(pair.closing) {
                return Some(Mark::Until(pair.closing.len()));
            }
            let Some(inner) = text.strip_prefix(pair.opening) else {
                continue;
            };
            let opening = pair.opening.len();
            if !self.endless_pairs[index]
                && let Some(end) = find(inner, pair.closing)
            {
                return Some(Mark::Passed(opening + end + pair.closing.len()));
            }
            self.endless_pairs[index] = true;
            return Some(Mark::Open(opening));
        }
        None
    }

    fn tag(&mut self, text: &str) -> Option<Mark> {
        let kind = BRACKETS
            .iter()
            .position(|(open, _)| text.starts_with(*open))?;
        let (open, close) = BRACKETS[kind];
        let inner = &text[open.len_utf8()..];
        if let Some(closing) = inner.strip_prefix('/') {
            let closing = without_namespace(closing);
            let tag = TAGS.iter().find(|tag| is_tag(closing, tag, close))?;
            let behind = closing[tag.len()..].strip_prefix(close)?;
            return Some(Mark::Until(text.len() - behind.len()));
        }
        let inner = without_namespace(inner);
        let index = TAGS.iter().position(|tag| is_tag(inner, tag, close))?;
        let attributes = &inner[TAGS[index].len()..];
        let end = within(attributes, LONGEST_ATTRIBUTES).find(close)?;
        if attributes[..end].ends_with('/') {
            return None;
        }
        let opening = text.len() - attributes.len() + end + close.len_utf8();
        if !self.endless_tags[kind][index]
            && let Some(end) = closing_tag(&text[opening..], TAGS[index], (open, close))
        {
            return Some(Mark::Passed(opening + end));
        }
        self.endless_tags[kind][index] = true;
        Some(Mark::Open(opening))
    }

    /// A code fence whose first line says that it holds reasoning.
    fn fence(&mut self, text: &str) -> Option<Mark> {
        let behind = text.trim_start_matches('`');
        let marks = text.len() - behind.len();
        let (word, _) = within(behind, LONGEST_FENCE).split_once('\n')?;
        if marks < 3 || !FENCES.contains(&word.trim().to_ascii_lowercase().as_str()) {
            return None;
        }
        let opening = marks + word.len() + 1;
        if !self.is_fence_endless {
            let mut at = opening;
            for line in text[opening..].split_inclusive('\n') {
                let behind = line.trim_start().trim_start_matches('`');
                let closing = line.trim_start().len() - behind.len();
                looked_at(line.len());
                // A word behind the marks opens a fence within this one.
                if closing >= marks && !behind.starts_with(char::is_alphanumeric) {
                    return Some(Mark::Passed(at + line.len() - behind.len()));
                }
                at += line.len();
            }
        }
        self.is_fence_endless = true;
        Some(Mark::Open(opening))
    }
}

/// Returns a text without its whole blocks of reasoning.
pub(crate) fn without_reasoning(text: &str) -> Cow<'_, str> {
    let mut marks = ReasoningMarks::default();
    let mut kept = String::new();
    let (mut from, mut at) = (0, 0);
    while let Some(next) = text[at..].find(FIRST_OF_MARKS) {
        at += next;
        if let Some(Mark::Passed(end)) = marks.at(text, at) {
            kept.push_str(&text[from..at]);
            at += end;
            from = at;
        } else {
            at += length_of_first(&text[at..]);
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}

/// Returns where the answer begins in a text of gpt-oss that lost the marks of its channels but
/// kept their names: `analysis…assistantfinal…`.
pub(crate) fn behind_bare_channels(text: &str) -> Option<usize> {
    const FINAL: &str = "assistantfinal";
    text.trim_start().starts_with("analysis").then_some(())?;
    text.rfind(FINAL).map(|at| at + FINAL.len())
}

fn channel(text: &str, rest: &str) -> Mark {
    let head = within(rest, LONGEST_CHANNEL);
    let (name, message) = match head.find(MESSAGE) {
        Some(end) => (&head[..end], CHANNEL.len() + end + MESSAGE.len()),
        None if rest.starts_with("final") => {
            return Mark::Until(CHANNEL.len() + "final".len());
        }
        None => return Mark::Open(CHANNEL.len()),
    };
    // A tool call is the answer, whatever its channel.
    if name.trim_start().starts_with("final") || name.contains("to=") {
        return Mark::Until(message);
    }
    let body = &text[message..];
    let end = body.match_indices("<|").find_map(|(at, _)| {
        let mark = &body[at..];
        if mark.starts_with(END) {
            Some(at + END.len())
        } else {
            (mark.starts_with(START) || mark.starts_with(CHANNEL)).then_some(at)
        }
    });
    looked_at(end.unwrap_or(body.len()));
    match end {
        Some(end) => Mark::Passed(message + end),
        None => Mark::Open(message),
    }
}

/// `~~…~~` within a paragraph. More marks are those of a code fence.
fn struck_out(text: &str) -> Option<Mark> {
    let inner = text.strip_prefix("~~")?;
    if inner.starts_with(['~', ' ', '\n']) {
        return None;
    }
    let mut at = 0;
    while let Some(next) = inner[at..].find(['~', '\n']) {
        looked_at(next);
        at += next;
        let run = inner[at..].trim_start_matches('~');
        let length = inner.len() - at - run.len();
        match length {
            2 => return Some(Mark::Passed(2 + at + 2)),
            0 if inner[at + 1..].starts_with('\n') => return None,
            _ => at += length.max(1),
        }
    }
    None
}

/// Returns a tag's name without what stands before a colon in it.
fn without_namespace(name: &str) -> &str {
    match within(name, LONGEST_NAMESPACE).split_once(':') {
        Some((space, _)) if space.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            &name[space.len() + 1..]
        }
        _ => name,
    }
}

/// Whether a text begins with exactly this tag name.
fn is_tag(text: &str, tag: &str, close: char) -> bool {
    starts_with_ignoring_case(text, tag)
        && (text[tag.len()..].starts_with(close)
            || text[tag.len()..].starts_with(|next: char| next.is_ascii_whitespace()))
}

/// Returns the offset after the closing tag of a block that a text is inside of. Blocks of the same
/// tag within it have closing tags of their own; if there are too few of those, an opening tag was
/// only mentioned, and the first closing tag counts.
fn closing_tag(text: &str, tag: &str, (open, close): (char, char)) -> Option<usize> {
    let mut first = None;
    let mut depth = 0_usize;
    let marks = text.match_indices(open).filter_map(|(at, open)| {
        looked_at(open.len());
        let inner = &text[at + open.len()..];
        match inner.strip_prefix('/') {
            Some(closing) => {
                let closing = without_namespace(closing);
                let behind = starts_with_ignoring_case(closing, tag)
                    .then(|| closing[tag.len()..].strip_prefix(close))??;
                Some(Some(text.len() - behind.len()))
            }
            None => is_tag(without_namespace(inner), tag, close).then_some(None),
        }
    });
    for (count, closing) in marks.enumerate() {
        match closing {
            Some(end) if depth == 0 => return Some(end),
            Some(end) => {
                first.get_or_insert(end);
                depth -= 1;
            }
            None => depth += 1,
        }
        if first.is_some() && count >= MOST_NESTED {
            break;
        }
    }
    first
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.as_bytes()
        .get(..start.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// Returns the length of a text's first character, in bytes.
pub(crate) fn length_of_first(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// Returns the beginning of a text, at most `length` bytes long.
fn within(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Option<Mark> {
        ReasoningMarks::default().at(text, 0)
    }

    #[test]
    fn tags_are_known_in_any_case_and_with_attributes() {
        assert_eq!(mark("<think>a</THINK>b"), Some(Mark::Passed(16)));
        assert_eq!(
            mark("<Thinking signature=\"x\">a</thinking>"),
            Some(Mark::Passed(36))
        );
        assert_eq!(mark("[THINK]a[/THINK]b"), Some(Mark::Passed(16)));
        assert_eq!(mark("<analysis>a"), Some(Mark::Open(10)));
        assert_eq!(mark("</think>a"), Some(Mark::Until(8)));
        for other in [
            "<thinker>a</thinker>",
            "<answer>",
            "<think",
            "<think/>",
            "< think>",
            "[think]",
        ] {
            assert_eq!(mark(other), None, "{other}");
        }
    }

    #[test]
    fn a_block_within_a_block_does_not_end_it() {
        for (block, rest) in [
            ("<think>a<think>b</think>c</think>", "d</think>"),
            ("<think>a<Think >b</THINK><think></think></think>", "d"),
            // A tag that is only mentioned has no end.
            (
                "<think>the tag <think> is mine</think>",
                "{}<think>b</think>",
            ),
            ("<think>a <thinking> b</think>", "</think>"),
        ] {
            let text = format!("{block}{rest}");
            assert_eq!(mark(&text), Some(Mark::Passed(block.len())), "{text}");
        }
    }

    #[test]
    fn every_form_of_reasoning_is_passed_over() {
        for block in [
            "◁think▷a◁/think▷",
            "<seed:think>a</seed:think>",
            "<inner_monologue>a</inner_monologue>",
            "<cot>a</cot>",
            "<plan>a</plan>",
            "<del>a</del>",
            "<!-- a -->",
            "~~a~~",
            "~~a ~~~ b~~",
            "```thinking\na\n```",
            "```thinking\na\n```json\nb\n```",
            "````Thought \na\n```\n````",
            "<|begin_of_thought|>a<|end_of_thought|>",
            "<|START_THINKING|>a<|END_THINKING|>",
        ] {
            let text = format!("{block}, rest");
            assert_eq!(mark(&text), Some(Mark::Passed(block.len())), "{text}");
        }
        for (text, open) in [
            ("◁think▷a", "◁think▷".len()),
            ("<!-- a", 4),
            ("```thinking\na", 12),
        ] {
            assert_eq!(mark(text), Some(Mark::Open(open)), "{text}");
        }
        assert_eq!(mark("◁/think▷a"), Some(Mark::Until("◁/think▷".len())));
        assert_eq!(mark("</seed:think>a"), Some(Mark::Until(13)));
        for text in [
            "~~~\na\n~~~",
            "~~a\n\nb~~",
            "~~ a~~",
            "```json\na\n```",
            "``thinking\n``",
            "-->",
        ] {
            assert_eq!(mark(text), None, "{text}");
        }
        let mut marks = ReasoningMarks::default();
        assert_eq!(marks.at("~~~\na~~", 1), None);
        assert_eq!(marks.at("````thinking\na\n```", 1), None);
    }

    #[test]
    fn whole_blocks_are_taken_out() {
        for (text, rest) in [
            ("a<think>b</think>c[THINK]d[/THINK]", "ac"),
            ("<think>b</think>", ""),
            ("a < b, [1], <think>c", "a < b, [1], <think>c"),
        ] {
            assert_eq!(without_reasoning(text), rest, "{text}");
        }
    }

    #[test]
    fn the_search_for_the_end_of_a_block_is_bounded() {
        let text = "<think><think></think>".repeat(50_000);
        let mut marks = ReasoningMarks::default();
        let mut at = 0;
        while let Some(Mark::Passed(end)) = marks.at(&text, at) {
            at += end;
        }
        assert!(at > 0);
    }

    #[test]
    fn channels_but_the_final_one_are_reasoning() {
        assert_eq!(
            mark("<|channel|>analysis<|message|>a<|end|>b"),
            Some(Mark::Passed(38))
        );
        assert_eq!(
            mark("<|channel|>analysis<|message|>a<|channel|>final<|message|>b"),
            Some(Mark::Passed(31))
        );
        assert_eq!(mark("<|channel|>final<|message|>a"), Some(Mark::Until(27)));
        assert_eq!(
            mark("<|channel|>commentary to=functions.f <|constrain|>json<|message|>a"),
            Some(Mark::Until(65))
        );
        assert_eq!(
            mark("<|channel|>analysis<|message|>a"),
            Some(Mark::Open(30))
        );
        assert_eq!(
            behind_bare_channels("analysisHm.assistantfinal{}"),
            Some(25)
        );
        assert_eq!(behind_bare_channels("The assistantfinal"), None);
    }
}
