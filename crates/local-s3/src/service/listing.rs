//! Listings: the objects and common prefixes of a page, the start of the next page, and the
//! protocol's form of both.

use super::body::length;
use crate::error::StorageError;
use crate::storage::{Entry, Info, Storage};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object, Timestamp,
};
use s3s::{S3Result, s3_error};

/// The most keys of one page.
const MAX_KEYS: i32 = 1000;
/// The characters that are encoded in names: all but unreserved characters and slashes.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Listed {
    Object(Entry),
    /// All keys up to the delimiter, combined.
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

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Page {
    listed: Vec<Listed>,
    /// The name after which the next page starts, if there is one.
    next: Option<String>,
}

impl Page {
    /// Returns the first `limit` lines after `after`. `entries` must be in key order and start with
    /// `prefix`.
    fn of(
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

/// A requested listing.
pub(super) struct Listing {
    input: ListObjectsV2Input,
    max_keys: i32,
    /// Whether names are percent-encoded in the response.
    url_encoded: bool,
    after: Option<String>,
}

/// A page, and the facts about its objects.
pub(super) struct Found {
    page: Page,
    objects: Vec<(String, Info)>,
}

impl Listing {
    pub(super) fn asked(input: ListObjectsV2Input) -> S3Result<Self> {
        let url_encoded = match input.encoding_type.as_ref().map(EncodingType::as_str) {
            None => false,
            Some(EncodingType::URL) => true,
            Some(_) => return Err(s3_error!(InvalidArgument, "unknown encoding type")),
        };
        let after = match &input.continuation_token {
            Some(token) => Some(
                decode_token(token)
                    .ok_or_else(|| s3_error!(InvalidArgument, "unknown continuation token"))?,
            ),
            None => input.start_after.clone(),
        };
        Ok(Self {
            max_keys: input.max_keys.unwrap_or(MAX_KEYS).clamp(0, MAX_KEYS),
            url_encoded,
            after,
            input,
        })
    }

    /// Returns the requested page. Blocks.
    pub(super) fn find(&self, storage: &Storage) -> Result<Found, StorageError> {
        let bucket = &self.input.bucket;
        let prefix = self.input.prefix.as_deref().unwrap_or_default();
        let page = Page::of(
            storage.list(bucket, prefix)?,
            prefix,
            self.input.delimiter.as_deref(),
            self.after.as_deref(),
            usize::try_from(self.max_keys).unwrap_or_default(),
        );
        let mut objects = Vec::new();
        for listed in &page.listed {
            let Listed::Object(entry) = listed else {
                continue;
            };
            match storage.info(bucket, &entry.key) {
                Ok(info) => objects.push((entry.key.clone(), info)),
                // The object was deleted meanwhile.
                Err(StorageError::NoObject(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Found { page, objects })
    }

    pub(super) fn answer(self, Found { page, objects }: Found) -> S3Result<ListObjectsV2Output> {
        let name = |text: &str| {
            if self.url_encoded {
                utf8_percent_encode(text, IN_URL).to_string()
            } else {
                text.to_owned()
            }
        };
        let objects = objects.into_iter().map(|(key, info)| {
            Ok(Object {
                key: Some(name(&key)),
                size: Some(length(info.size)?),
                last_modified: Some(Timestamp::from(info.modified)),
                e_tag: Some(ETag::Strong(info.tag)),
                ..Object::default()
            })
        });
        let contents = objects.collect::<S3Result<Vec<_>>>()?;
        let prefixes = page.listed.iter().filter_map(|listed| match listed {
            Listed::Prefix(prefix) => Some(CommonPrefix {
                prefix: Some(name(prefix)),
            }),
            Listed::Object(_) => None,
        });
        let common_prefixes: Vec<_> = prefixes.collect();
        let count = contents.len() + common_prefixes.len();
        let input = self.input;
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix.as_deref().map(name),
            delimiter: input.delimiter.as_deref().map(name),
            start_after: input.start_after.as_deref().map(name),
            encoding_type: input.encoding_type,
            max_keys: Some(self.max_keys),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(page.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: page.next.as_deref().map(encode_token),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            ..ListObjectsV2Output::default()
        })
    }
}

/// Returns a continuation token: the name in hexadecimal, which XML and URLs leave intact.
fn encode_token(name: &str) -> String {
    hex::encode(name)
}

fn decode_token(token: &str) -> Option<String> {
    String::from_utf8(hex::decode(token).ok()?).ok()
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
    fn a_text_that_is_not_a_token_is_refused() {
        for token in ["xy", "f", "zz00", "ff", "ä0"] {
            assert_eq!(decode_token(token), None, "{token}");
        }
    }
}
