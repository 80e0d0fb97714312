//! The words that announce the final answer.

/// Whether a text after an object announces a final answer that is not JSON.
pub(crate) fn announces_the_final_and_ends(after: &str) -> bool {
    after.lines().any(|line| {
        let line = line.trim_end();
        line.ends_with(':') && announces_the_final(line)
    }) || announces_a_value(after)
}

/// `Final answer: b`
fn announces_a_value(after: &str) -> bool {
    after.lines().any(|line| {
        line.split_once(':')
            .is_some_and(|(words, value)| !value.trim().is_empty() && announces_the_final(words))
    })
}

/// Whether a text before an object, or at the end of an answer, announces the final answer.
pub(crate) fn announces_the_final(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "final answer",
        "final result",
        "final output",
        "final response",
        "final json",
        "final object",
        "corrected answer",
        "corrected result",
        "corrected output",
        "corrected response",
        "corrected json",
        "corrected object",
    ];
    /// Longer than the longest of the phrases.
    const LENGTH: usize = 40;

    let fenced = text.trim_end();
    let fenced = fenced
        .strip_suffix("```json")
        .or_else(|| fenced.strip_suffix("```"))
        .unwrap_or(fenced);
    let words = fenced.trim_end_matches(|character: char| {
        character.is_whitespace() || matches!(character, ':' | '*' | '_' | '#' | '`' | '=' | '-')
    });
    let last = &words[words.ceil_char_boundary(words.len().saturating_sub(LENGTH))..];
    let last = last.to_ascii_lowercase();
    WORDS.iter().any(|words| last.ends_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_answer_is_recognised_by_the_words_before_it() {
        for text in [
            "Wait, that is wrong. Final answer:\n```json\n",
            "**Final Answer**\n",
            "## Corrected JSON:\n\n",
        ] {
            assert!(announces_the_final(text), "{text}");
        }
        for text in ["The final answer is wrong: ", "Answer:", "", "`"] {
            assert!(!announces_the_final(text), "{text}");
        }
    }
}
