//! Finding the name of a placeholder behind its opening brace, in a time that does not grow with the number of names.

use std::collections::{BTreeSet, HashSet};

/// Names that are placeholders.
pub(crate) struct PlaceholderNames<'n> {
    names: HashSet<&'n str>,
    /// The lengths of the names, in bytes.
    lengths: BTreeSet<usize>,
}

impl<'n> PlaceholderNames<'n> {
    pub(crate) fn new(names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: HashSet<&str> = names.into_iter().collect();
        let lengths = names.iter().map(|name| name.len()).collect();
        Self { names, lengths }
    }

    /// Returns the name that precedes a closing brace at the beginning of `rest`. Several names can match only if
    /// names contain braces; then it is the longest.
    pub(crate) fn placeholder<'t>(&self, rest: &'t str) -> Option<&'t str> {
        let lengths = self.lengths.range(..rest.len()).rev();
        lengths
            .filter(|length| rest.as_bytes()[**length] == b'}')
            .map(|length| &rest[..*length])
            .find(|name| self.names.contains(name))
    }
}

/// Returns the sequence of letters, digits and underscores before a closing brace.
pub(crate) fn word(rest: &str) -> Option<&str> {
    let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_')?;
    (end > 0 && rest[end..].starts_with('}')).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_the_names_that_end_with_a_brace_is_found() {
        let names = PlaceholderNames::new(["a", "a}b", "größe", ""]);
        assert_eq!(names.placeholder("a} and more"), Some("a"));
        assert_eq!(names.placeholder("a}b} and more"), Some("a}b"));
        assert_eq!(names.placeholder("größe}"), Some("größe"));
        assert_eq!(names.placeholder("}"), Some(""));
        assert_eq!(names.placeholder("größer}"), None);
        assert_eq!(names.placeholder("a"), None);
        assert_eq!(names.placeholder(""), None);
    }
}
