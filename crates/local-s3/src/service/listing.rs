//! Pages of a listing: which objects and common prefixes one answer has, and where the next goes on.

use crate::storage::Entry;
use std::fmt::Write as _;

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    Object(Entry),
    /// All keys up to the delimiter, as one.
    Prefix(String),
}

impl Listed {
    fn name(&self) -> &str {
        match self {
            Self::Object(entry) => &entry.key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) listed: Vec<Listed>,
    /// After what the next page starts, if there is one.
    pub(crate) next: Option<String>,
}

impl Page {
    /// The first `limit` lines after `after`; `entries` are in key order and start with `prefix`.
    pub(crate) fn of(
        entries: Vec<Entry>,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Self {
        let mut page = Self {
            listed: Vec::new(),
            next: None,
        };
        for entry in entries {
            let group = delimiter.filter(|d| !d.is_empty()).and_then(|delimiter| {
                let rest = &entry.key[prefix.len()..];
                let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
                Some(entry.key[..end].to_owned())
            });
            let listed = group.map_or_else(|| Listed::Object(entry), Listed::Prefix);
            if after.is_some_and(|after| listed.name() <= after)
                || page
                    .listed
                    .last()
                    .is_some_and(|last| last.name() == listed.name())
            {
                continue;
            }
            if page.listed.len() == limit {
                page.next = page.listed.last().map(|last| last.name().to_owned());
                break;
            }
            page.listed.push(listed);
        }
        page
    }
}

/// Percent-encodes all but unreserved characters and slashes.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A continuation token: the name in hexadecimal, since it has to survive XML and URLs.
pub(crate) fn encode_token(name: &str) -> String {
    name.bytes().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    })
}

pub(crate) fn decode_token(token: &str) -> Option<String> {
    if !token.len().is_multiple_of(2) {
        return None;
    }
    let bytes: Option<Vec<u8>> = token
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn entries(keys: &[&str]) -> Vec<Entry> {
        let entry = |key: &&str| Entry {
            key: (*key).to_owned(),
            size: 1,
            modified: UNIX_EPOCH,
        };
        keys.iter().map(entry).collect()
    }

    fn names(page: &Page) -> Vec<&str> {
        page.listed.iter().map(Listed::name).collect()
    }

    /// Following the tokens gives every line once, whatever the page size.
    #[test]
    fn pages_join_to_the_whole() {
        let keys = ["a", "b/1", "b/2", "b.txt", "c/x/1", "c/x/2", "d"];
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        for (delimiter, whole) in [
            (None, sorted.clone()),
            (Some("/"), vec!["a", "b.txt", "b/", "c/", "d"]),
        ] {
            for limit in 1..=8 {
                let (mut seen, mut after) = (Vec::new(), None::<String>);
                loop {
                    let page = Page::of(entries(&sorted), "", delimiter, after.as_deref(), limit);
                    assert!(page.listed.len() <= limit);
                    seen.extend(names(&page).iter().map(|&name| name.to_owned()));
                    match page.next {
                        Some(next) => after = decode_token(&encode_token(&next)),
                        None => break,
                    }
                }
                assert_eq!(seen, whole, "{limit} a page");
            }
        }
    }

    #[test]
    fn a_prefix_is_not_searched_for_the_delimiter() {
        let page = Page::of(entries(&["a/b/1", "a/c"]), "a/", Some("/"), None, 10);
        assert_eq!(names(&page), ["a/b/", "a/c"]);
    }

    #[test]
    fn a_token_that_is_none_is_refused() {
        for token in ["xy", "f", "zz00", "ff", "ä0"] {
            assert_eq!(decode_token(token), None, "{token}");
        }
    }
}
