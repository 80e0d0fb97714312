//! The sentences of prose around an object, as words.
//!
//! Limits: only the first [`MOST_WORDS`] words of a sentence are read. A sentence that begins with a
//! quotation mark or stands in a block quotation says what somebody else said, and is left out.

use crate::work::looked_at;

/// The most words of a sentence that are read.
const MOST_WORDS: usize = 32;

/// The marks that a line of prose can begin with.
const DECORATION: [char; 13] = [
    '*', '#', '-', '+', '•', '(', '[', '_', '~', '`', ' ', '\t', '⚠',
];

/// The marks of a quotation at the beginning of a sentence.
const QUOTATIONS: [char; 8] = ['"', '“', '„', '«', '‘', '\'', '>', '「'];

/// A word in lower case.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Offset of the first byte after it in its sentence.
    pub(crate) end: usize,
    /// A comma, a colon, a bracket, the end of a line or of the sentence follows it.
    pub(crate) is_last: bool,
}

/// Returns the sentences of a text.
pub(crate) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let end = end_of_sentence(rest);
            looked_at(end);
            let sentence = rest[..end].trim();
            rest = &rest[end..];
            if sentence.starts_with("```") && !sentence.contains(char::is_whitespace) {
                // The marks of a code fence, and the name of its language.
                continue;
            }
            let sentence = sentence.trim_start_matches(DECORATION);
            if sentence.contains(char::is_alphanumeric) && !sentence.starts_with(QUOTATIONS) {
                return Some(sentence);
            }
        }
    })
}

/// Returns the words at the beginning of a sentence.
pub(crate) fn words_of(sentence: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut word = String::new();
    for (at, character) in sentence.char_indices() {
        match character {
            '\'' | '’' if !word.is_empty() => word.push('\''),
            _ if character.is_alphanumeric() || character == '_' => {
                word.extend(character.to_lowercase());
            }
            _ => {
                finish(&mut word, at, &mut words);
                if words.len() == MOST_WORDS {
                    return words;
                }
                let breaks = !matches!(character, ' ' | '\t' | '*' | '`');
                if let Some(last) = words.last_mut() {
                    last.is_last |= breaks;
                }
            }
        }
    }
    finish(&mut word, sentence.len(), &mut words);
    if let Some(last) = words.last_mut() {
        last.is_last = true;
    }
    words
}

fn finish(word: &mut String, end: usize, words: &mut Vec<Word>) {
    let text = word.trim_end_matches('\'');
    if !text.is_empty() {
        words.push(Word {
            text: text.to_owned(),
            end,
            is_last: false,
        });
    }
    word.clear();
}

/// Returns the offset of the first byte after a sentence. A line does not end a sentence that goes
/// on in lower case on the next line, and a point within a number or a name ends none.
fn end_of_sentence(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let end = at + character.len_utf8();
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match character {
            '.' | '!' | '?' | ';' => next.is_none_or(|next| !next.is_alphanumeric()),
            '。' | '！' | '？' | '；' | '{' | '}' => true,
            '\n' => !next.is_some_and(char::is_lowercase),
            _ => false,
        };
        if ends {
            return end;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_cut_into_sentences_and_words() {
        let text = "Wait. That is\nwrong! See v1.2; **No**\n\"Quoted.\"\n> quoted\n- A list";
        let found: Vec<_> = sentences(text).collect();
        assert_eq!(
            found,
            ["Wait.", "That is\nwrong!", "See v1.2;", "No**", "A list"]
        );
        let words = words_of("It **isn’t** so, 0.5 `a_b`");
        let shown: Vec<_> = words
            .iter()
            .map(|word| (word.text.as_str(), word.is_last))
            .collect();
        assert_eq!(
            shown,
            [
                ("it", false),
                ("isn't", false),
                ("so", true),
                ("0", true),
                ("5", false),
                ("a_b", true)
            ]
        );
    }
}
