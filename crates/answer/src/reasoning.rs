//! Finds where a model's reasoning begins and ends in an answer's text.
//!
//! Models that have no separate block for reasoning write it into the answer: between tags
//! (`<think>`, `<thinking signature="…">`, `[THINK]`), up to a closing tag whose opening tag was
//! given to the model, or in a channel (`<|channel|>analysis<|message|>`, gpt-oss). Objects in it
//! are drafts.
//!
//! Limits: a tag is recognised only by its name. Other tags are part of the answer.

use std::borrow::Cow;

/// The names of tags around reasoning, in lower case.
const TAGS: [&str; 9] = [
    "thinking",
    "think",
    "reasoning",
    "analysis",
    "thoughts",
    "thought",
    "reflection",
    "scratchpad",
    "draft",
];

/// The longest attributes of an opening tag and the longest name of a channel, in bytes.
const LONGEST_MARK: usize = 4_096;

/// The most tags that are examined for the end of a block with blocks in it.
const MOST_NESTED: usize = 64;

const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
const END: &str = "<|end|>";
const START: &str = "<|start|>";

/// What a mark at the beginning of a text says about reasoning. Offsets are within that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Reasoning from here up to the offset.
    Passed(usize),
    /// Reasoning begins here and does not end; the mark itself ends at the offset.
    Open(usize),
    /// Everything before the offset is reasoning.
    Until(usize),
}

/// Reads marks, and remembers which tags have no end, so that the search for ends takes one pass.
#[derive(Debug, Default)]
pub(crate) struct ReasoningMarks {
    endless: [bool; TAGS.len()],
}

impl ReasoningMarks {
    /// Returns the mark at the beginning of a text that starts with `<` or `[`, if there is one.
    pub(crate) fn at(&mut self, text: &str) -> Option<Mark> {
        if let Some(rest) = text.strip_prefix(CHANNEL) {
            return Some(channel(text, rest));
        }
        if text.starts_with("[/THINK]") {
            return Some(Mark::Until("[/THINK]".len()));
        }
        if text.starts_with("[THINK]") {
            return Some(match text.find("[/THINK]") {
                Some(end) => Mark::Passed(end + "[/THINK]".len()),
                None => Mark::Open("[THINK]".len()),
            });
        }
        let inner = text.strip_prefix('<')?;
        if let Some(closing) = inner.strip_prefix('/') {
            let tag = TAGS.iter().find(|tag| is_tag(closing, tag))?;
            return (closing.as_bytes().get(tag.len()) == Some(&b'>'))
                .then_some(Mark::Until(tag.len() + "</>".len()));
        }
        let index = TAGS.iter().position(|tag| is_tag(inner, tag))?;
        let attributes = &inner[TAGS[index].len()..];
        let close = within(attributes, LONGEST_MARK).find('>')?;
        if attributes[..close].ends_with('/') {
            return None;
        }
        let opening = text.len() - attributes.len() + close + 1;
        if self.endless[index] {
            return Some(Mark::Open(opening));
        }
        if let Some(end) = closing_tag(&text[opening..], TAGS[index]) {
            return Some(Mark::Passed(opening + end));
        }
        self.endless[index] = true;
        Some(Mark::Open(opening))
    }
}

/// Returns a text without its whole blocks of reasoning.
pub(crate) fn without_reasoning(text: &str) -> Cow<'_, str> {
    let mut marks = ReasoningMarks::default();
    let mut kept = String::new();
    let (mut from, mut at) = (0, 0);
    while let Some(next) = text[at..].find(['<', '[']) {
        at += next;
        if let Some(Mark::Passed(end)) = marks.at(&text[at..]) {
            kept.push_str(&text[from..at]);
            at += end;
            from = at;
        } else {
            at += 1;
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
    let head = within(rest, LONGEST_MARK);
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
    let ends = [
        body.find(END).map(|at| at + END.len()),
        body.find(START),
        body.find(CHANNEL),
    ];
    match ends.into_iter().flatten().min() {
        Some(end) => Mark::Passed(message + end),
        None => Mark::Open(message),
    }
}

/// Whether a text begins with exactly this tag name.
fn is_tag(text: &str, tag: &str) -> bool {
    starts_with_ignoring_case(text, tag)
        && text
            .as_bytes()
            .get(tag.len())
            .is_some_and(|next| *next == b'>' || next.is_ascii_whitespace())
}

/// Returns the offset after the closing tag of a block that a text is inside of. Blocks of the same
/// tag within it have closing tags of their own; if there are too few of those, an opening tag was
/// only mentioned, and the first closing tag counts.
fn closing_tag(text: &str, tag: &str) -> Option<usize> {
    let mut first = None;
    let mut depth = 0_usize;
    let marks = text.match_indices('<').filter_map(|(at, _)| {
        let inner = &text[at + 1..];
        match inner.strip_prefix('/') {
            Some(closing) => {
                let is_closing = starts_with_ignoring_case(closing, tag)
                    && closing.as_bytes().get(tag.len()) == Some(&b'>');
                is_closing.then_some(Some(at + tag.len() + "</>".len()))
            }
            None => is_tag(inner, tag).then_some(None),
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

/// Returns the beginning of a text, at most `length` bytes long.
fn within(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Option<Mark> {
        ReasoningMarks::default().at(text)
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
        while let Some(Mark::Passed(end)) = marks.at(&text[at..]) {
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
