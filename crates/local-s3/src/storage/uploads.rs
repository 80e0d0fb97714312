//! Multipart uploads: each is a folder with its target and one file for each part, until it becomes
//! an object.

use super::tags::Tag;
use super::{Incoming, PutCondition, Result, Storage, is_absence};
use crate::error::StorageError;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The smallest size of a part other than the last, bytes (S3 user guide, "Amazon S3 multipart
/// upload limits").
const MIN_PART: u64 = 5 << 20;

/// An upload that is neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredUpload {
    pub(crate) id: String,
    pub(crate) key: String,
}

/// The object that an upload will become.
#[derive(Debug, Serialize, Deserialize)]
struct Target {
    bucket: String,
    key: String,
}

impl Storage {
    pub(crate) fn create_upload(&self, bucket: &str, key: &str) -> Result<String> {
        self.bucket(bucket)?;
        let random = RandomState::new();
        let id = format!("{:016x}{:016x}", random.hash_one(key), random.hash_one(0));
        let folder = self.state("uploads").join(&id);
        fs::create_dir(&folder)?;
        let target = Target {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        let text = serde_json::to_vec(&target).map_err(io::Error::from)?;
        fs::write(folder.join("target"), text)?;
        Ok(id)
    }

    pub(crate) fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        number: i32,
        incoming: &Incoming,
        tag: &str,
    ) -> Result<()> {
        let folder = self.upload(bucket, key, upload)?;
        if !(1..=10_000).contains(&number) {
            let text = format!("part number {number} is not between 1 and 10000");
            return Err(StorageError::Invalid(text));
        }
        fs::rename(&incoming.path, folder.join(part_name(number, tag))).map_err(|error| {
            if is_absence(&error) {
                StorageError::NoUpload(upload.to_owned())
            } else {
                error.into()
            }
        })
    }

    /// Copies `range` of an object into a file for a part. Returns the file and its tag.
    pub(crate) fn copy(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        range: Option<Range<u64>>,
        condition: &PutCondition,
    ) -> Result<(Incoming, String)> {
        let (mut file, info) = self.object_at(bucket, key, version)?;
        if let PutCondition::Tag(wanted) = condition
            && *wanted != info.tag
        {
            return Err(StorageError::Condition(key.to_owned()));
        }
        if let Some(range) = &range {
            if range.is_empty() || range.end > info.size {
                return Err(StorageError::Range);
            }
            if info.size <= MIN_PART {
                let text = "a range can be copied only of an object larger than 5 MiB";
                return Err(StorageError::Invalid(text.to_owned()));
            }
        }
        let range = range.unwrap_or(0..info.size);
        let mut incoming = self.incoming()?;
        file.seek(SeekFrom::Start(range.start))?;
        let copied = io::copy(&mut file.take(range.end - range.start), &mut incoming.file)?;
        if copied != range.end - range.start {
            return Err(StorageError::Range);
        }
        // The tag depends only on the source and the range, so the content need not be read.
        let tag = Tag::of_text(&format!("{} {range:?}", info.tag));
        Ok((incoming, tag))
    }

    /// Creates the object from the parts, `(number, tag)` in order. Returns its tag.
    pub(crate) fn complete(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        parts: &[(i32, String)],
        condition: &PutCondition,
    ) -> Result<String> {
        let folder = self.upload(bucket, key, upload)?;
        if parts.is_empty() {
            return Err(StorageError::Invalid("no parts are given".to_owned()));
        }
        if !parts.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(StorageError::PartOrder);
        }
        let mut tags = String::new();
        for (index, (number, tag)) in parts.iter().enumerate() {
            let size = match fs::metadata(folder.join(part_name(*number, tag))) {
                Ok(metadata) => metadata.len(),
                Err(error) if is_absence(&error) => {
                    return Err(StorageError::InvalidPart(*number));
                }
                Err(error) => return Err(error.into()),
            };
            if size < MIN_PART && index + 1 < parts.len() {
                return Err(StorageError::PartTooSmall(*number, size));
            }
            let _ = writeln!(tags, "{tag}");
        }
        let mut whole = self.incoming()?;
        for (number, tag) in parts {
            let mut part = File::open(folder.join(part_name(*number, tag)))?;
            io::copy(&mut part, &mut whole.file)?;
        }
        let tag = format!("{}-{}", Tag::of_text(&tags), parts.len());
        self.put(bucket, key, &whole, &tag, condition)?;
        remove_upload(&folder)?;
        Ok(tag)
    }

    pub(crate) fn abort(&self, bucket: &str, key: &str, upload: &str) -> Result<()> {
        remove_upload(&self.upload(bucket, key, upload)?)
    }

    /// Returns the open uploads of a bucket, in key order.
    pub(crate) fn open_uploads(&self, bucket: &str) -> Result<Vec<StoredUpload>> {
        self.bucket(bucket)?;
        let mut uploads = Vec::new();
        for folder in fs::read_dir(self.state("uploads"))? {
            let folder = folder?;
            let (Ok(id), Some(target)) =
                (folder.file_name().into_string(), target(&folder.path())?)
            else {
                continue;
            };
            if target.bucket == bucket {
                uploads.push(StoredUpload {
                    id,
                    key: target.key,
                });
            }
        }
        uploads.sort_unstable_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        Ok(uploads)
    }

    /// Returns the folder of an upload.
    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<PathBuf> {
        let none = || StorageError::NoUpload(id.to_owned());
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(none());
        }
        let folder = self.state("uploads").join(id);
        match target(&folder)? {
            Some(target) if target.bucket == bucket && target.key == key => Ok(folder),
            _ => Err(none()),
        }
    }
}

fn target(folder: &Path) -> Result<Option<Target>> {
    match fs::read(folder.join("target")) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes the target first: without it, the upload does not exist, whatever else is left.
fn remove_upload(folder: &Path) -> Result<()> {
    for removed in [
        fs::remove_file(folder.join("target")),
        fs::remove_dir_all(folder),
    ] {
        match removed {
            Err(error) if !is_absence(&error) => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn part_name(number: i32, tag: &str) -> String {
    let safe = tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    format!("{number:05}-{}", if safe { tag } else { "none" })
}
