//! Object locations: `s3://bucket/key`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A bucket with a key or key prefix. Written and read as `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct S3Uri {
    bucket: String,
    key: String,
}

/// Why a text is not a location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The text does not start with `s3://`.
    #[error("`{0}` is not an S3 location: it must start with `s3://`")]
    Scheme(String),
    /// The bucket is empty or has characters no bucket name has.
    #[error("`{0}` has no valid bucket name: 3 to 63 of `a-z`, `0-9`, `-`, `.`")]
    Bucket(String),
    /// Keys are limited to 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
    #[error("the key of `{0}` is longer than 1,024 bytes")]
    KeyTooLong(String),
}

/// S3's limit for a key, bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 1024;

impl S3Uri {
    /// A location from its two parts.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Result<Self, LocationError> {
        let (bucket, key) = (bucket.into(), key.into());
        let valid = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'A'..=b'Z'));
        if !valid {
            return Err(LocationError::Bucket(format!("s3://{bucket}/{key}")));
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(LocationError::KeyTooLong(format!("s3://{bucket}/{key}")));
        }
        Ok(Self { bucket, key })
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key, or the key prefix; empty for a whole bucket.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// This location with `part` below it, exactly one `/` between the two.
    #[must_use]
    pub fn join(&self, part: &str) -> Self {
        let base = self.key.trim_end_matches('/');
        let part = part.trim_start_matches('/');
        let key = if base.is_empty() {
            part.to_owned()
        } else {
            format!("{base}/{part}")
        };
        Self {
            bucket: self.bucket.clone(),
            key,
        }
    }

    /// What follows the last `/` of the key.
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }
}

impl FromStr for S3Uri {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| LocationError::Scheme(text.to_owned()))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        Self::new(bucket, key)
    }
}

impl TryFrom<String> for S3Uri {
    type Error = LocationError;

    fn try_from(text: String) -> Result<Self, LocationError> {
        text.parse()
    }
}

impl From<S3Uri> for String {
    fn from(uri: S3Uri) -> Self {
        uri.to_string()
    }
}

impl fmt::Display for S3Uri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_reads_back_as_it_was_written() {
        for text in ["s3://bucket/a/b.csv", "s3://bucket/", "s3://b-1.x/ä b"] {
            let uri: S3Uri = text.parse().unwrap();
            assert_eq!(uri.to_string(), text);
        }
        assert_eq!(
            "s3://bucket".parse::<S3Uri>().unwrap().to_string(),
            "s3://bucket/"
        );
    }

    #[test]
    fn join_puts_one_slash_between() {
        let base: S3Uri = "s3://bucket/a/".parse().unwrap();
        assert_eq!(base.join("/b").to_string(), "s3://bucket/a/b");
        let root: S3Uri = "s3://bucket".parse().unwrap();
        assert_eq!(root.join("b").to_string(), "s3://bucket/b");
    }

    #[test]
    fn texts_that_are_no_location_are_refused_by_name() {
        assert!(matches!(
            "b/p".parse::<S3Uri>(),
            Err(LocationError::Scheme(_))
        ));
        assert!(matches!(
            "S3://bucket/p".parse::<S3Uri>(),
            Err(LocationError::Scheme(_))
        ));
        assert!(matches!(
            "s3:///p".parse::<S3Uri>(),
            Err(LocationError::Bucket(_))
        ));
        assert!(matches!(
            "s3://a b/p".parse::<S3Uri>(),
            Err(LocationError::Bucket(_))
        ));
        let long = format!("s3://bucket/{}", "k".repeat(1025));
        assert!(matches!(
            long.parse::<S3Uri>(),
            Err(LocationError::KeyTooLong(_))
        ));
    }
}
