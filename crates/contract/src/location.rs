//! Object locations: `s3://bucket/key`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A bucket with a key or a key prefix. Its text form is `s3://bucket/key`.
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
    /// The bucket is empty or has characters that no bucket name can have.
    #[error("`{0}` has no valid bucket name: 3 to 63 of `a-z`, `0-9`, `-`, `.`")]
    Bucket(String),
    /// The key is too long. Keys are limited to 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon
    /// S3 objects").
    #[error("the key of `{0}` is longer than 1,024 bytes")]
    KeyTooLong(String),
}

/// Why Bedrock does not accept a location for job files. Its pattern of `s3Uri` in a job's input
/// and output (`S3InputDataConfig`) is narrower than S3's rules for keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobLocationError {
    /// The bucket's name has a character that Bedrock does not accept.
    #[error(
        "Bedrock takes no bucket with `{character}` for job files: {bucket}; use a bucket of a-z, 0-9, `-` and `.`"
    )]
    Bucket {
        /// The bucket.
        bucket: String,
        /// The character.
        character: char,
    },
    /// The key has an empty part.
    #[error("Bedrock does not accept `//` in the location of job files: {0}")]
    EmptyPart(S3Uri),
    /// The key has a character that Bedrock does not accept.
    #[error(
        "Bedrock takes no `{character}` in the location of job files: {location}; change `work` or the execution's \
         name to letters, digits and -!_*'()."
    )]
    Key {
        /// The location.
        location: S3Uri,
        /// The character.
        character: char,
    },
}

/// S3's limit for a key, in bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 1024;

impl S3Uri {
    /// Creates a location from its two parts.
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

    /// Returns this location with `part` below it, separated by exactly one `/`.
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

    /// Returns the location with this name in the folder of this one.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        let folder = self.key.len() - self.file_name().len();
        Self {
            bucket: self.bucket.clone(),
            key: format!("{}{name}", &self.key[..folder]),
        }
    }

    /// Checks whether Bedrock accepts this location for job files.
    pub fn check_for_jobs(&self) -> Result<(), JobLocationError> {
        let in_bucket = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.');
        if let Some(character) = self.bucket.chars().find(|c| !in_bucket(*c)) {
            return Err(JobLocationError::Bucket {
                bucket: self.bucket.clone(),
                character,
            });
        }
        if self.key.split('/').any(str::is_empty) {
            return Err(JobLocationError::EmptyPart(self.clone()));
        }
        let in_key = |c: char| c.is_ascii_alphanumeric() || "-!_*'()./".contains(c);
        match self.key.chars().find(|c| !in_key(*c)) {
            Some(character) => Err(JobLocationError::Key {
                location: self.clone(),
                character,
            }),
            None => Ok(()),
        }
    }

    /// The part of the key after the last `/`.
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
    fn locations_that_bedrock_refuses_are_refused_with_the_character() {
        for (uri, character) in [
            ("s3://bucket/dt=2026/x", '='),
            ("s3://bucket/a b/x", ' '),
            ("s3://bucket/a+b/x", '+'),
            ("s3://my_bucket/a", '_'),
            ("s3://bucket/ä", 'ä'),
        ] {
            let error = uri.parse::<S3Uri>().unwrap().check_for_jobs().unwrap_err();
            assert!(
                error.to_string().contains(&format!("`{character}`")),
                "{error}"
            );
        }
        let check = |uri: &str| uri.parse::<S3Uri>().unwrap().check_for_jobs();
        assert!(check("s3://bucket/a//b").is_err());
        assert!(check("s3://my-bucket/work/run-1_a.csv").is_ok());
    }

    #[test]
    fn texts_that_are_not_locations_are_refused_by_name() {
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
