//! Shows names from files in messages: quoted, with control characters escaped, and shortened if
//! they are long.
//!
//! Column names, keys and file names are data. A message that repeats a whole name can be as long
//! as the file.

/// The most characters of one name.
const MAX_NAME: usize = 80;

/// The most names of a list.
const MAX_NAMES: usize = 20;

/// Returns a name in quotes, without what follows its first 80 characters.
pub fn name(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

/// Returns names in quotes, separated by commas: at most the first 20, then the number of the
/// others.
pub fn names<N: AsRef<str>>(names: &[N]) -> String {
    first_of(names.iter().map(|one| name(one.as_ref())), MAX_NAMES)
}

/// Returns texts as they are, separated by commas: at most the first `most`, then the number of the
/// others.
pub fn first_of<T: AsRef<str>>(
    texts: impl IntoIterator<IntoIter: ExactSizeIterator<Item = T>>,
    most: usize,
) -> String {
    let mut texts = texts.into_iter();
    let mut list = String::new();
    for (index, text) in texts.by_ref().take(most).enumerate() {
        if index > 0 {
            list.push_str(", ");
        }
        list.push_str(text.as_ref());
    }
    match texts.len() {
        0 => list,
        more => list + &format!(" and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::{first_of, name, names};

    #[test]
    fn long_names_and_long_lists_are_cut() {
        assert_eq!(name("a \"b\"\u{1b}"), r#""a \"b\"\u{1b}""#);
        assert_eq!(name(&"é".repeat(80)), format!("\"{}\"", "é".repeat(80)));
        assert_eq!(name(&"é".repeat(81)), format!("\"{}\"…", "é".repeat(80)));
        assert_eq!(names(&["a", "b"]), "\"a\", \"b\"");
        assert_eq!(names::<&str>(&[]), "");
        let many = vec!["x"; 20_000];
        assert!(
            names(&many).ends_with(", \"x\" and 19980 more"),
            "{}",
            names(&many)
        );
        assert_eq!(first_of(["a", "b"], 2), "a, b");
        assert_eq!(first_of(["a", "b", "c", "d"], 2), "a, b and 2 more");
    }
}
