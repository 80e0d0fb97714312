//! Buckets, objects and uploads as files. Everything here blocks.
//!
//! ```text
//! <root>/<bucket>/<key>                  objects
//! <root>/.quarry-s3/tags/…               each object's ETag, valid for one size and time of the file
//! <root>/.quarry-s3/uploads/<id>/…       multipart uploads: `target`, and one file a part
//! <root>/.quarry-s3/versions/…           versions that are not current, in buckets that keep them
//! <root>/.quarry-s3/incoming/…           bodies being received; emptied at start
//! ```

mod tags;
mod uploads;
mod versions;

pub(crate) use tags::Tag;

use crate::error::StorageError;
use crate::keys::{key_of, path_of};
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;
use tags::{Tags, same_file};

/// The folder of the server's own files. No bucket can have this name.
const STATE: &str = ".quarry-s3";
type Result<T, E = StorageError> = std::result::Result<T, E>;

/// The directory of one server.
#[derive(Debug)]
pub(crate) struct Storage {
    root: PathBuf,
    tags: Tags,
    /// Held for writing while an object is put in place with its tag, so that a condition and its
    /// put are one step; held for reading while the two are read.
    objects: RwLock<()>,
    counter: AtomicU64,
    /// The buckets that keep versions.
    with_versions: Mutex<BTreeSet<String>>,
    out_of_space: Mutex<Option<ErrorKind>>,
}

/// What is known about an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    /// The `ETag`, without quotes.
    pub(crate) tag: String,
    /// The version, in a bucket that keeps versions.
    pub(crate) version: Option<String>,
}

/// A listed object. Its tag is looked up when the listing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
}

/// The condition that must hold before an object is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PutCondition {
    None,
    Absent,
    Present,
    Tag(String),
}

/// A file that receives a body. It is removed unless it is put in place.
#[derive(Debug)]
pub(crate) struct Incoming {
    path: PathBuf,
    pub(crate) file: File,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // This fails if the file was moved to its place, which is intended.
        let _ = fs::remove_file(&self.path);
    }
}

impl Storage {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let storage = Self {
            root: root.to_owned(),
            tags: Tags::below(root.join(STATE).join("tags")),
            objects: RwLock::new(()),
            counter: AtomicU64::new(0),
            with_versions: Mutex::default(),
            out_of_space: Mutex::new(None),
        };
        match fs::remove_dir_all(storage.state("incoming")) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for folder in ["incoming", "uploads", "tags"] {
            fs::create_dir_all(storage.state(folder))?;
        }
        Ok(storage)
    }

    /// Remembers an error if its cause is a lack of space.
    pub(crate) fn note_lack_of_space(&self, error: &io::Error) {
        let kind = error.kind();
        if matches!(
            kind,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        ) {
            *self.lack_of_space() = Some(kind);
        }
    }

    /// Returns the last error whose cause was a lack of space.
    pub(crate) fn out_of_space(&self) -> Option<ErrorKind> {
        *self.lack_of_space()
    }

    fn lack_of_space(&self) -> MutexGuard<'_, Option<ErrorKind>> {
        self.out_of_space
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn create_bucket(&self, bucket: &str) -> Result<()> {
        if !s3s::path::check_bucket_name(bucket) {
            let text = format!(
                "`{bucket}` is not a bucket name: it needs 3 to 63 of `a-z`, `0-9`, `-`, `.`"
            );
            return Err(StorageError::Invalid(text));
        }
        Ok(fs::create_dir_all(self.root.join(bucket))?)
    }

    pub(crate) fn buckets(&self) -> Result<Vec<(String, SystemTime)>> {
        let mut buckets = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let metadata = fs::metadata(&path)?;
            if metadata.is_dir() && s3s::path::check_bucket_name(name) {
                buckets.push((name.to_owned(), metadata.modified()?));
            }
        }
        buckets.sort();
        Ok(buckets)
    }

    /// Returns the bucket's folder.
    pub(crate) fn bucket(&self, bucket: &str) -> Result<PathBuf> {
        let path = self.root.join(bucket);
        if s3s::path::check_bucket_name(bucket) && path.is_dir() {
            Ok(path)
        } else {
            Err(StorageError::NoBucket(bucket.to_owned()))
        }
    }

    pub(crate) fn info(&self, bucket: &str, key: &str) -> Result<Info> {
        self.object(bucket, key).map(|(_, info)| info)
    }

    /// Returns an object's open file, which later puts do not change, and the facts about it.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<(File, Info)> {
        let path = self.object_path(bucket, key)?;
        let (mut file, metadata, remembered) = {
            let _reading = self.reading();
            let (file, metadata) = open_file(&path, key)?;
            let remembered = self.tags.remembered(bucket, key, &metadata);
            (file, metadata, remembered)
        };
        let tag = if let Some(tag) = remembered {
            tag
        } else {
            let tag = Tag::read(&mut file)?;
            file.rewind()?;
            let _writing = self.writing();
            // Remember the tag only if the file was not replaced meanwhile.
            if fs::metadata(&path).is_ok_and(|now| same_file(&now, &metadata)) {
                self.tags.remember(bucket, key, &tag, &metadata)?;
            }
            tag
        };
        let info = Info {
            size: metadata.len(),
            modified: metadata.modified()?,
            version: self.version_of(bucket, &tag, &metadata),
            tag,
        };
        Ok((file, info))
    }

    /// Puts a received file in place as an object.
    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        incoming: &Incoming,
        tag: &str,
        condition: &PutCondition,
    ) -> Result<()> {
        let path = self.object_path(bucket, key)?;
        // The tag of an object that was put by hand may have to be computed, which must not happen
        // under the lock.
        if matches!(condition, PutCondition::Tag(_)) || self.keeps_versions(bucket) {
            match self.info(bucket, key) {
                Ok(_) | Err(StorageError::NoObject(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let metadata = incoming.file.metadata()?;
        let _writing = self.writing();
        let current = match open_file(&path, key) {
            Ok((_, metadata)) => Some(metadata),
            Err(StorageError::NoObject(_)) => None,
            Err(error) => return Err(error),
        };
        let holds = match (condition, &current) {
            (PutCondition::None, _)
            | (PutCondition::Absent, None)
            | (PutCondition::Present, Some(_)) => true,
            (PutCondition::Tag(wanted), Some(current)) => {
                self.tags.remembered(bucket, key, current).as_ref() == Some(wanted)
            }
            _ => false,
        };
        if !holds {
            return Err(StorageError::Condition(key.to_owned()));
        }
        if current.is_none() && path.is_dir() {
            return Err(StorageError::FileAndFolder(key.to_owned()));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| match error.kind() {
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    StorageError::FileAndFolder(key.to_owned())
                }
                _ => error.into(),
            })?;
        }
        if self.keeps_versions(bucket) {
            self.keep(bucket, key, &path)?;
        }
        self.tags.remember(bucket, key, tag, &metadata)?;
        Ok(fs::rename(&incoming.path, &path)?)
    }

    /// Removes an object, if it exists, and the folders that become empty.
    pub(crate) fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        let bucket_path = self.bucket(bucket)?;
        let path = bucket_path.join(path_of(key));
        let _writing = self.writing();
        if self.keeps_versions(bucket) {
            self.keep(bucket, key, &path)?;
        }
        match fs::remove_file(&path) {
            Err(error) if !is_absence(&error) => return Err(error.into()),
            _ => {}
        }
        self.tags.forget(bucket, key);
        for folder in path.ancestors().skip(1) {
            if folder == bucket_path || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the objects whose keys start with `prefix`, in key order.
    pub(crate) fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Entry>> {
        let bucket_path = self.bucket(bucket)?;
        // Folders above the prefix's last slash need not be read.
        let start = match prefix.rsplit_once('/') {
            Some((folder, _)) => {
                // As a folder, the last part may be escaped differently than at a key's end.
                let mut path = path_of(&format!("{folder}/x"));
                path.pop();
                bucket_path.join(path)
            }
            None => bucket_path.clone(),
        };
        let mut entries = Vec::new();
        let mut folders = vec![start];
        while let Some(folder) = folders.pop() {
            let listing = match fs::read_dir(&folder) {
                Err(error) if is_absence(&error) => continue,
                listing => listing?,
            };
            for file in listing {
                let path = file?.path();
                // Follows links, as opening does. A file that has vanished meanwhile is skipped.
                let Ok(metadata) = fs::metadata(&path) else {
                    continue;
                };
                if metadata.is_dir() {
                    folders.push(path);
                    continue;
                }
                let key = path.strip_prefix(&bucket_path).ok().and_then(key_of);
                if let Some(key) = key.filter(|key| key.starts_with(prefix)) {
                    entries.push(Entry {
                        key,
                        size: metadata.len(),
                        modified: metadata.modified()?,
                    });
                }
            }
        }
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Creates a file that receives a body.
    pub(crate) fn incoming(&self) -> Result<Incoming> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let path = self.state("incoming").join(number.to_string());
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Incoming { path, file })
    }

    fn state(&self, folder: &str) -> PathBuf {
        self.root.join(STATE).join(folder)
    }

    fn object_path(&self, bucket: &str, key: &str) -> Result<PathBuf> {
        Ok(self.bucket(bucket)?.join(path_of(key)))
    }

    fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, ()> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_file(path: &Path, key: &str) -> Result<(File, Metadata)> {
    let none = || StorageError::NoObject(key.to_owned());
    let file = match File::open(path) {
        Err(error) if is_absence(&error) => return Err(none()),
        file => file?,
    };
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(none());
    }
    Ok((file, metadata))
}

/// Whether nothing exists at the path.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
    )
}
