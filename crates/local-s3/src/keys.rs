//! Object keys as relative file paths, and back.
//!
//! Nearly every key is its own path. Parts that a file system cannot name are escaped: empty parts
//! (`a//b`, `a/`), `.` and `..`, parts over 255 bytes, parts with NUL, and parts that begin like an
//! escape. An escaped part is written as `%Q-…` at the end of the key, as `%Q=…` before a `/`, and
//! in pieces `%Q+…/%Q+…/%Q-…` when it is long, with `%` and NUL percent-encoded.

use std::path::{Component, Path, PathBuf};

/// The longest name that file systems allow, bytes.
const MAX_NAME: usize = 255;
/// The size of a long part's pieces, bytes before escaping; escaping makes a piece at most three
/// times as long.
const PIECE: usize = 80;

const MORE: &str = "%Q+";
const LAST: &str = "%Q-";
const INNER: &str = "%Q=";

/// Returns the path of `key`, relative to its bucket.
pub(crate) fn path_of(key: &str) -> PathBuf {
    let mut path = PathBuf::new();
    let mut parts = key.split('/').peekable();
    while let Some(part) = parts.next() {
        if is_plain(part) {
            path.push(part);
            continue;
        }
        let mut rest = part;
        while rest.len() > PIECE {
            let (piece, later) = rest.split_at(rest.floor_char_boundary(PIECE));
            path.push(format!("{MORE}{}", escape(piece)));
            rest = later;
        }
        let mark = if parts.peek().is_some() { INNER } else { LAST };
        path.push(format!("{mark}{}", escape(rest)));
    }
    path
}

/// Returns the key of a path; `None` for a path that no key has.
pub(crate) fn key_of(path: &Path) -> Option<String> {
    let mut key = String::new();
    let mut at_start = true;
    for component in path.components() {
        let Component::Normal(name) = component else {
            return None;
        };
        let name = name.to_str()?;
        if !at_start {
            key.push('/');
        }
        at_start = false;
        if let Some(piece) = name.strip_prefix(MORE) {
            key.push_str(&unescape(piece));
            at_start = true;
        } else if let Some(piece) = name.strip_prefix(LAST).or(name.strip_prefix(INNER)) {
            key.push_str(&unescape(piece));
        } else {
            key.push_str(name);
        }
    }
    (path_of(&key) == path).then_some(key)
}

fn is_plain(part: &str) -> bool {
    let mut components = Path::new(part).components();
    let is_one_name = matches!(components.next(), Some(Component::Normal(name)) if name == part)
        && components.next().is_none();
    is_one_name && part.len() <= MAX_NAME && !part.starts_with("%Q") && !part.contains('\0')
}

fn escape(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\0', "%00")
        .replace('\\', "%5C")
}

fn unescape(text: &str) -> String {
    let text = text.replace("%5C", "\\").replace("%00", "\0");
    text.replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_keys_are_their_paths() {
        for key in ["a.csv", "train/part 1.csv", "ä/100%.csv", "a/%q/.hidden"] {
            assert_eq!(path_of(key), Path::new(key));
        }
    }

    #[test]
    fn keys_that_no_file_can_have_as_a_name_are_escaped() {
        assert_eq!(path_of("a/"), Path::new("a/%Q-"));
        assert_eq!(path_of("/a//b"), Path::new("%Q=/a/%Q=/b"));
        assert_eq!(path_of("../x"), Path::new("%Q=../x"));
        assert_eq!(path_of("%Q-"), Path::new("%Q-%25Q-"));
    }

    #[test]
    fn a_file_whose_name_is_not_a_canonical_path_has_no_key() {
        assert_eq!(key_of(Path::new("%Q-plain")), None);
        assert_eq!(key_of(Path::new("../a")), None);
    }

    proptest! {
        /// Every key has a path below its bucket that converts back to the key, so no two keys
        /// share a path.
        #[test]
        fn every_key_comes_back(
            key in prop_oneof![
                "[a%Q=+-]{0,8}(/[a.%Q\\x00\\\\-]{0,4}){0,4}",
                "(\\PC{0,9}/?){0,9}",
                "ä{120,300}/b{250,260}/[.]{0,3}",
            ]
        ) {
            let path = path_of(&key);
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            prop_assert!(path.iter().all(|name| name.len() <= MAX_NAME));
            if !key.is_empty() {
                prop_assert_eq!(key_of(&path), Some(key));
            }
        }
    }
}
