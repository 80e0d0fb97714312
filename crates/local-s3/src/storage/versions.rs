//! Versions of objects, in the buckets that keep them.
//!
//! The current version is the object's own file. Before it is replaced or deleted, the file is linked as
//! `versions/<bucket>/<hash of the key>/<version>@<tag>`. A version's name follows from the tag and the
//! time of its file, so a file that was put into the directory by hand has one too.

use super::tags::{Tag, modified_ns};
use super::{Info, Result, Storage, is_absence, open_file};
use crate::error::StorageError;
use s3s::crypto::{Checksum as _, Sha256};
use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

impl Storage {
    /// From now on, a bucket keeps what is replaced or deleted.
    pub(crate) fn keep_versions(&self, bucket: &str) {
        let mut buckets = self
            .with_versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        buckets.insert(bucket.to_owned());
    }

    pub(super) fn keeps_versions(&self, bucket: &str) -> bool {
        let buckets = self
            .with_versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        buckets.contains(bucket)
    }

    /// Returns the version of a file with this tag; `None` if its bucket keeps none.
    pub(super) fn version_of(&self, bucket: &str, tag: &str, file: &Metadata) -> Option<String> {
        self.keeps_versions(bucket).then(|| version_name(tag, file))
    }

    /// Returns an object's open file and the facts about it: those of `version`, or the current ones.
    pub(crate) fn object_at(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(File, Info)> {
        let Some(wanted) = version else {
            return self.object(bucket, key);
        };
        match self.object(bucket, key) {
            Ok((file, info)) if info.version.as_deref() == Some(wanted) => return Ok((file, info)),
            Ok(_) | Err(StorageError::NoObject(_)) => {}
            Err(error) => return Err(error),
        }
        let none = || StorageError::NoObject(key.to_owned());
        let folder = self.versions_folder(bucket, key);
        let kept = match fs::read_dir(folder) {
            Err(error) if is_absence(&error) => return Err(none()),
            kept => kept?,
        };
        for file in kept {
            let path = file?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some((version, tag)) = name.and_then(|name| name.split_once('@')) else {
                continue;
            };
            if version == wanted {
                let (file, metadata) = open_file(&path, key)?;
                let info = Info {
                    size: metadata.len(),
                    modified: metadata.modified()?,
                    tag: tag.to_owned(),
                    version: Some(version.to_owned()),
                };
                return Ok((file, info));
            }
        }
        Err(none())
    }

    /// Keeps the current file of an object, which is about to be replaced or deleted. The caller must
    /// hold the objects' lock for writing.
    pub(super) fn keep(&self, bucket: &str, key: &str, path: &Path) -> Result<()> {
        let (mut file, metadata) = match open_file(path, key) {
            Err(StorageError::NoObject(_)) => return Ok(()),
            opened => opened?,
        };
        let tag = match self.tags.remembered(bucket, key, &metadata) {
            Some(tag) => tag,
            None => Tag::read(&mut file)?,
        };
        let folder = self.versions_folder(bucket, key);
        fs::create_dir_all(&folder)?;
        let name = format!("{}@{tag}", version_name(&tag, &metadata));
        let kept = folder.join(name);
        match fs::hard_link(path, &kept) {
            // The same bytes at the same time are the same version.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Some file systems have no links.
            Err(_) => Ok(fs::copy(path, kept).map(drop)?),
            Ok(()) => Ok(()),
        }
    }

    fn versions_folder(&self, bucket: &str, key: &str) -> PathBuf {
        let name = hex::encode(Sha256::checksum(key.as_bytes()));
        self.state("versions").join(bucket).join(name)
    }
}

fn version_name(tag: &str, file: &Metadata) -> String {
    Tag::of_text(&format!("{tag} {:?}", modified_ns(file)))
}
