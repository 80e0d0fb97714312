//! Labels such as `Thought:` that say what an object is.
//!
//! Limits: a label counts for its own line, and if it stands alone, for the line after it.

/// What a label says about the object behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Thought,
    Answer,
}

const THOUGHTS: [&str; 12] = [
    "thought",
    "thoughts",
    "my thoughts",
    "thinking",
    "draft",
    "first draft",
    "rough draft",
    "initial draft",
    "draft answer",
    "brainstorm",
    "brainstorming",
    "scratchpad",
];

/// The last words of a label before an answer.
const ANSWERS: [&str; 5] = ["answer", "output", "result", "response", "json"];

/// The longest label, in bytes.
const LONGEST: usize = 40;

/// Returns the label that governs the end of a text.
pub(crate) fn label_before(text: &str) -> Option<Label> {
    let (earlier, line) = text.rsplit_once('\n').unwrap_or(("", text));
    if ends_with_answer(line) {
        return Some(Label::Answer);
    }
    if thought_label(line).is_some() {
        return Some(Label::Thought);
    }
    let line = earlier
        .rsplit('\n')
        .find(|line| !line.trim().is_empty() && !is_fence(line))?;
    let alone = thought_label(line)?;
    let is_alone = !alone.contains(char::is_alphanumeric);
    is_alone.then_some(Label::Thought)
}

/// Returns what follows a label of thoughts at the beginning of a line.
fn thought_label(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|character: char| !character.is_alphabetic());
    let colon = line[..line.floor_char_boundary(LONGEST)].find(':')?;
    let label = line[..colon].trim_end_matches(|character: char| !character.is_alphabetic());
    let is_thought = THOUGHTS
        .iter()
        .any(|thought| label.eq_ignore_ascii_case(thought));
    is_thought.then(|| &line[colon + 1..])
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~")
}

fn ends_with_answer(line: &str) -> bool {
    let line = line.trim_end_matches(|character: char| {
        character.is_whitespace() || matches!(character, '*' | '_' | '`')
    });
    let Some(words) = line.strip_suffix(':') else {
        return false;
    };
    let words = words.trim_end_matches(['*', '_', ' ']);
    ANSWERS.iter().any(|word| {
        words
            .len()
            .checked_sub(word.len())
            .and_then(|at| words.split_at_checked(at))
            .is_some_and(|(before, last)| {
                last.eq_ignore_ascii_case(word) && !before.ends_with(char::is_alphanumeric)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_governs_its_line_or_the_next_one() {
        for text in [
            "Thought: perhaps ",
            "**Thought 1:** so ",
            "x\n- Draft: ",
            "Thought:\nperhaps ",
            "## Draft:\n\n```json\n",
        ] {
            assert_eq!(label_before(text), Some(Label::Thought), "{text}");
        }
        for text in [
            "Thought: a bird. Answer: ",
            "Thought: so\n**Final answer:** ",
            "JSON: ",
        ] {
            assert_eq!(label_before(text), Some(Label::Answer), "{text}");
        }
        for text in [
            "",
            "Thought: a bird.\n",
            "Thought:\nIt is a bird.\n",
            "The thought: ",
            "Reasoning: ",
            "It is: ",
        ] {
            assert_eq!(label_before(text), None, "{text}");
        }
    }
}
