//! Estimates of how many tokens a text has.

/// Estimates about four bytes for each token, as for English text.
pub(crate) fn tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4).max(1)
}

/// Estimates the tokens of a text that a model reads: a token for six letters or three digits or marks that
/// follow each other, and for any other character that is not a blank.
pub(crate) fn input_tokens(text: &str) -> u64 {
    if text.is_ascii() {
        tokens_of(text.bytes().map(char::from))
    } else {
        tokens_of(text.chars())
    }
}

fn tokens_of(text: impl Iterator<Item = char>) -> u64 {
    #[derive(PartialEq)]
    enum TextRun {
        Letters,
        Digits,
        Marks,
        Blank,
        Other,
    }
    let (mut tokens, mut last, mut length) = (0, TextRun::Blank, 0);
    for character in text {
        let run = match character {
            'a'..='z' | 'A'..='Z' => TextRun::Letters,
            '0'..='9' => TextRun::Digits,
            _ if character.is_ascii_punctuation() => TextRun::Marks,
            _ if character.is_whitespace() => TextRun::Blank,
            _ => TextRun::Other,
        };
        length = if run == last { length + 1 } else { 0 };
        tokens += u64::from(match run {
            TextRun::Letters => length % 6 == 0,
            TextRun::Digits | TextRun::Marks => length % 3 == 0,
            TextRun::Other => true,
            TextRun::Blank => false,
        });
        last = run;
    }
    tokens
}
