//! The words that announce the final answer.
//!
//! Limits: only English is understood. An announcement is accepted only if its clause consists of
//! words that cannot turn its meaning around: "not my final answer" and "if it were a deer, the final
//! answer" announce nothing.

/// The words that an announcement consists of, as its last two.
const KINDS: [&str; 2] = ["final", "corrected"];
const NOUNS: [&str; 6] = ["answer", "result", "output", "response", "json", "object"];

/// The other words of an announcement.
const NEUTRAL: [&str; 26] = [
    "a",
    "and",
    "as",
    "below",
    "but",
    "complete",
    "done",
    "hence",
    "here",
    "in",
    "is",
    "json",
    "my",
    "now",
    "ok",
    "okay",
    "our",
    "s",
    "so",
    "step",
    "the",
    "then",
    "therefore",
    "this",
    "thus",
    "with",
];

/// Words that say that something is not the final answer.
const DENYING: [&str; 12] = [
    "before",
    "earlier",
    "incorrect",
    "isn",
    "never",
    "not",
    "old",
    "previous",
    "rejected",
    "wasn",
    "without",
    "wrong",
];

/// The longest clause that is read for an announcement, in bytes.
const LONGEST_CLAUSE: usize = 200;

/// Whether a text after an object announces a final answer that is not JSON. `is_same`: whether a value
/// repeats the object's.
pub(crate) fn announces_another_and_ends(after: &str, is_same: &dyn Fn(&str) -> bool) -> bool {
    let mut lines = after.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_end().trim_end_matches(['*', '_']);
        if line.ends_with(':') && names_the_final(line) {
            while lines.next_if(|next| next.trim().is_empty()).is_some() {}
            if !lines.peek().is_some_and(|value| is_same(value.trim())) {
                return true;
            }
        } else if let Some((words, value)) = line.split_once(':')
            && !value.trim().is_empty()
            && names_the_final(words)
            && !is_same(value.trim())
        {
            // `Final answer: b`
            return true;
        }
    }
    false
}

/// What the text before an object says about a final answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// The object is the final answer.
    Final,
    /// The object is not the final answer.
    Denied,
    Missing,
}

impl Announcement {
    /// Reads the announcement at the end of a text.
    pub(crate) fn before(text: &str) -> Self {
        let Some(words) = words_of_the_clause(text) else {
            return Self::Missing;
        };
        let is_neutral = |word: &String| {
            NEUTRAL.contains(&word.as_str()) || word.bytes().all(|byte| byte.is_ascii_digit())
        };
        if words.iter().all(is_neutral) {
            Self::Final
        } else if words.iter().any(|word| DENYING.contains(&word.as_str())) {
            Self::Denied
        } else {
            Self::Missing
        }
    }
}

/// Returns the words before a name for the final answer in its clause, in lower case; `None` if the
/// text does not end with such a name.
fn words_of_the_clause(text: &str) -> Option<Vec<String>> {
    let before = before_the_name(text)?;
    let from = before.ceil_char_boundary(before.len().saturating_sub(LONGEST_CLAUSE));
    let clause = last_clause(&before[from..], &text[before.len()..]);
    let words = clause
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    Some(words.map(str::to_ascii_lowercase).collect())
}

/// Whether a text ends with a name for the final answer, whatever it says about it.
fn names_the_final(text: &str) -> bool {
    before_the_name(text).is_some()
}

/// Returns what precedes the name for the final answer at the end of a text.
fn before_the_name(text: &str) -> Option<&str> {
    let fenced = text.trim_end();
    let fenced = fenced
        .strip_suffix("```json")
        .or_else(|| fenced.strip_suffix("```"))
        .unwrap_or(fenced);
    let words = fenced.trim_end_matches(|character: char| {
        character.is_whitespace() || matches!(character, ':' | '*' | '_' | '#' | '`' | '=' | '-')
    });
    let before = without_last_word(words, &NOUNS)?;
    let kind = before.trim_end_matches([' ', '\t']);
    (kind.len() < before.len())
        .then(|| without_last_word(kind, &KINDS))
        .flatten()
}

/// Returns a text without its last word, if that is one of these.
fn without_last_word<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    words.iter().find_map(|word| {
        let (before, last) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
        let is_whole = !before.ends_with(char::is_alphanumeric);
        (is_whole && last.eq_ignore_ascii_case(word)).then_some(before)
    })
}

/// Returns the end of a text that belongs to the same sentence as what follows. A line does not end a
/// sentence that goes on in lower case on the next line.
fn last_clause<'t>(text: &'t str, following: &str) -> &'t str {
    let mut begin = 0;
    let mut behind_break = false;
    for (at, character) in text.char_indices() {
        if matches!(character, '.' | '!' | '?' | ';' | '>' | '。') {
            begin = at + character.len_utf8();
            behind_break = false;
        } else if matches!(character, '\n' | '\r') {
            behind_break = true;
        } else if behind_break && !matches!(character, ' ' | '\t') {
            behind_break = false;
            if !character.is_lowercase() {
                begin = at;
            }
        }
    }
    if behind_break && !following.starts_with(char::is_lowercase) {
        return "";
    }
    &text[begin..]
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
            "That was a mammal\nFinal answer: ",
            "I was wrong; so here is my final answer: ",
            "No!\n\n3. **Final answer:** ",
            "<|message|>Final output: ",
            "Therefore, the final result:\n",
        ] {
            assert_eq!(Announcement::before(text), Announcement::Final, "{text}");
        }
        for text in [
            "The final answer is wrong: ",
            "Answer:",
            "",
            "`",
            "finalanswer",
            "semifinal answer:",
        ] {
            assert_ne!(Announcement::before(text), Announcement::Final, "{text}");
        }
    }

    #[test]
    fn words_that_turn_an_announcement_around_are_understood() {
        for text in [
            "\nNot my final answer: ",
            "\n(My previous final answer: ",
            "\nThe following is not the final answer: ",
            "\nThis is not\nmy final answer: ",
            "\nThis is not my\nfinal answer: ",
            "\nThe other model's final answer: ",
            "\nThis replaces my final answer: ",
            "\nDo not use this as the final answer: ",
            "\nExample of a final answer: ",
            "\nIf it had been a deer, the final answer: ",
            "\nNever a corrected answer: ",
            "\nThis isn't the final answer: ",
            "\nThis isn’t the final answer: ",
            "\nwrong final answer:\n```json\n",
            "\nMy old (corrected) final answer: ",
        ] {
            assert_ne!(Announcement::before(text), Announcement::Final, "{text}");
            assert!(names_the_final(text), "{text}");
        }
        for (text, denies) in [
            ("This is not my final answer: ", true),
            ("Before giving the final answer: ", true),
            ("I was not sure. Here is the final answer: ", false),
            ("Below you find the final answer: ", false),
            ("Not sure: ", false),
        ] {
            assert_eq!(
                Announcement::before(text) == Announcement::Denied,
                denies,
                "{text}"
            );
        }
    }

    #[test]
    fn a_final_answer_that_is_not_json_is_noticed() {
        for text in [
            "\nFinal answer: b",
            "so\nMy final answer:\n",
            "Not a final answer: b",
        ] {
            assert!(announces_another_and_ends(text, &|_| false), "{text}");
        }
        let is_same = |value: &str| value == "b";
        for text in [
            "\nThat is my final answer.",
            "\nFinal answer: b",
            "so\nMy final answer:\n\nb",
        ] {
            assert!(!announces_another_and_ends(text, &is_same), "{text}");
        }
        assert!(announces_another_and_ends("\nFinal answer: c", &is_same));
    }
}
