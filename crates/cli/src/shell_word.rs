//! Words of the command lines that the command shows.

/// Returns the text as one word of a shell's command line.
pub(crate) fn in_shell(text: &str) -> String {
    let is_plain = |one: char| one.is_alphanumeric() || "/._-".contains(one);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_a_shell_would_change_is_quoted() {
        for (text, word) in [
            ("job/a_b-1.csv", "job/a_b-1.csv"),
            ("my job", "'my job'"),
            ("it's", "'it'\\''s'"),
            ("-x", "'-x'"),
            ("", "''"),
        ] {
            assert_eq!(in_shell(text), word);
        }
    }
}
