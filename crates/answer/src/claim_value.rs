//! A value that the text around an object gives a property, and where it stands in a sentence.

use crate::sentence::Word;

/// A value of a property.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim<'t> {
    pub(crate) name: &'t str,
    pub(crate) value: &'t str,
    /// The text says where the value ends: by a tag, a fence of YAML or quotation marks.
    pub(crate) is_marked: bool,
    /// The text says that this is not the value.
    pub(crate) is_denied: bool,
    /// It only says "is", so that an explanation can have the same form. Where any text would match, it
    /// counts only if it is marked.
    pub(crate) is_plain: bool,
    /// All of the text that makes the claim.
    pub(crate) text: &'t str,
}

/// Returns the value that a sentence gives from a place on, and whether it is in quotation marks.
pub(crate) fn value_at(sentence: &str, from: usize) -> Option<(&str, bool)> {
    let rest = sentence.get(from..)?;
    let rest = rest.trim_start_matches([':', '=', ' ', '*', ',', '"', '`', '\t'].as_slice());
    let from = sentence.len() - rest.len();
    let is_quoted = sentence[..from].ends_with(['"', '`']);
    let end = end_of_value(rest, is_quoted);
    let value = rest[..end].trim_matches(['*', '"', '`', '\'', '“', '”', ' ', '.']);
    (!value.is_empty()).then_some((value, is_quoted))
}

/// Returns the offset of a word in its sentence.
pub(crate) fn start_of(sentence: &str, words: &[Word], at: usize) -> Option<usize> {
    let word = words.get(at)?;
    let begin = word.end.checked_sub(word.text.len())?;
    sentence.is_char_boundary(begin).then_some(begin)
}

fn end_of_value(text: &str, quoted: bool) -> usize {
    if quoted {
        return text.find(['"', '`']).unwrap_or(text.len());
    }
    let ends = [
        ", ", "; ", " (", " —", " –", " - ", " because", " since", " instead", " rather", " not ",
        " as ", " and ", " but ", " so ", "\n",
    ];
    let end = ends.iter().filter_map(|mark| text.find(mark)).min();
    let end = end.unwrap_or(text.len());
    text[..end]
        .trim_end_matches(['.', '!', '?', ',', ';', ':'])
        .len()
}
