//! Estimates of how many tokens a text has.

/// Estimates about four bytes for each token, as for English text.
pub(crate) fn tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4).max(1)
}

/// Estimates the tokens of a text that a model reads: a token for six letters or three digits or marks that
/// follow each other, and for any other character that is not a blank.
pub(crate) fn input_tokens(text: &str) -> u64 {
    if text.is_ascii() {
        tokens_of(text.bytes().map(|byte| ASCII[usize::from(byte)]))
    } else {
        tokens_of(text.chars().map(TextRun::of))
    }
}

/// The kinds of characters of which several make a token.
#[derive(Debug, Clone, Copy, PartialEq)]
enum TextRun {
    Letters,
    Digits,
    Marks,
    Blank,
    Other,
}

impl TextRun {
    fn of(character: char) -> Self {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => Self::of_ascii(byte),
            _ if character.is_whitespace() => Self::Blank,
            _ => Self::Other,
        }
    }

    const fn of_ascii(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => Self::Letters,
            b'0'..=b'9' => Self::Digits,
            b'\t'..=b'\r' | b' ' => Self::Blank,
            _ if byte.is_ascii_punctuation() => Self::Marks,
            _ => Self::Other,
        }
    }
}

/// The kind of each ASCII character.
const ASCII: [TextRun; 128] = {
    let mut kinds = [TextRun::Other; 128];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte as usize] = TextRun::of_ascii(byte);
        byte += 1;
    }
    kinds
};

fn tokens_of(text: impl Iterator<Item = TextRun>) -> u64 {
    let (mut tokens, mut last, mut length) = (0, TextRun::Blank, 0);
    for run in text {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_of_the_same_kind_in_ascii_text_and_in_other_text() {
        for byte in 0..128_u8 {
            let character = char::from(byte);
            assert_eq!(ASCII[usize::from(byte)], TextRun::of(character), "{byte}");
            let is_blank = character.is_whitespace();
            assert_eq!(TextRun::of(character) == TextRun::Blank, is_blank, "{byte}");
        }
        let text = "A letterbox, 12345 \"{}\":\n";
        assert_eq!(input_tokens(&format!("{text}é日")), input_tokens(text) + 2);
    }
}
