//! Buckets, objects and uploads as files. Everything here blocks.
//!
//! ```text
//! <root>/<bucket>/<key>                  objects
//! <root>/.quarry-s3/tags/…               each object's ETag, valid for one size and time of the file
//! <root>/.quarry-s3/uploads/<id>/…       multipart uploads: `target`, and one file a part
//! <root>/.quarry-s3/incoming/…           bodies being received; emptied at start
//! ```

use crate::error::StorageError;
use crate::keys::{key_of, path_of};
use s3s::crypto::{Checksum as _, Crc64Nvme, Sha256};
use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::hash::BuildHasher;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the server keeps what is no object. No bucket is called so.
const STATE: &str = ".quarry-s3";
/// Smallest part but the last (S3 user guide, "Amazon S3 multipart upload limits").
const MIN_PART: u64 = 5 << 20;

type Result<T, E = StorageError> = std::result::Result<T, E>;

/// The directory of one server.
#[derive(Debug)]
pub(crate) struct Storage {
    root: PathBuf,
    /// Held for writing while an object is put in place with its tag, so that a condition and
    /// the put it guards are one step, and for reading while the two are read.
    objects: RwLock<()>,
    counter: AtomicU64,
    out_of_space: Mutex<Option<ErrorKind>>,
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    /// Without quotes.
    pub(crate) tag: String,
}

/// A listed object; its tag is looked up when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
}

/// An upload that is neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredUpload {
    pub(crate) id: String,
    pub(crate) key: String,
}

/// What has to hold for an object that is about to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PutCondition {
    None,
    Absent,
    Present,
    Tag(String),
}

/// A file being filled; removed unless it is put in place.
#[derive(Debug)]
pub(crate) struct Incoming {
    path: PathBuf,
    pub(crate) file: File,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Fails when the file was moved to its place, which is as well.
        let _ = fs::remove_file(&self.path);
    }
}

/// The file that remembers a tag.
#[derive(Debug, Serialize, Deserialize)]
struct TagFile {
    key: String,
    tag: String,
    size: u64,
    modified_ns: u128,
}

#[derive(Debug, Serialize, Deserialize)]
struct Target {
    bucket: String,
    key: String,
}

impl Storage {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let storage = Self {
            root: root.to_owned(),
            objects: RwLock::new(()),
            counter: AtomicU64::new(0),
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

    /// Remembers an error if it is for want of space.
    pub(crate) fn note_lack_of_space(&self, error: &io::Error) {
        let kind = error.kind();
        if matches!(
            kind,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        ) {
            *self.lack_of_space() = Some(kind);
        }
    }

    /// The last error that was for want of space.
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
            let text = format!("`{bucket}` is no bucket name: 3 to 63 of `a-z`, `0-9`, `-`, `.`");
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

    /// The bucket's folder.
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

    /// An object's file, which stays the same whatever is put later, with what belongs to it.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<(File, Info)> {
        let path = self.object_path(bucket, key)?;
        let (mut file, metadata, remembered) = {
            let _reading = self.reading();
            let (file, metadata) = open_file(&path, key)?;
            let remembered = self.remembered_tag(bucket, key, &metadata);
            (file, metadata, remembered)
        };
        let tag = if let Some(tag) = remembered {
            tag
        } else {
            let tag = Tag::read(&mut file)?;
            file.rewind()?;
            let _writing = self.writing();
            // Not if it was replaced meanwhile.
            if fs::metadata(&path).is_ok_and(|now| same_file(&now, &metadata)) {
                self.remember_tag(bucket, key, &tag, &metadata)?;
            }
            tag
        };
        let info = Info {
            size: metadata.len(),
            modified: metadata.modified()?,
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
        // The tag of an object put by hand may have to be computed: not under the lock.
        if matches!(condition, PutCondition::Tag(_)) {
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
                self.remembered_tag(bucket, key, current).as_ref() == Some(wanted)
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
        self.remember_tag(bucket, key, tag, &metadata)?;
        Ok(fs::rename(&incoming.path, &path)?)
    }

    /// Removes an object, if it is there, and the folders that are empty without it.
    pub(crate) fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        let bucket_path = self.bucket(bucket)?;
        let path = bucket_path.join(path_of(key));
        let _writing = self.writing();
        match fs::remove_file(&path) {
            Err(error) if !is_absence(&error) => return Err(error.into()),
            _ => {}
        }
        let _ = fs::remove_file(self.tag_path(bucket, key));
        for folder in path.ancestors().skip(1) {
            if folder == bucket_path || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The objects whose keys start with `prefix`, in key order.
    pub(crate) fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Entry>> {
        let bucket_path = self.bucket(bucket)?;
        // Folders above the prefix's last slash need not be read.
        let start = match prefix.rsplit_once('/') {
            Some((folder, _)) => {
                // As a folder the last part may be escaped otherwise than as a key's end.
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
                // Follows links, as opening does; what vanished meanwhile is not there.
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

    /// A new file to receive a body into.
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

    /// A copy of `range` of an object, to be put as a part, and its tag.
    pub(crate) fn copy(
        &self,
        bucket: &str,
        key: &str,
        range: Option<Range<u64>>,
        condition: &PutCondition,
    ) -> Result<(Incoming, String)> {
        let (mut file, info) = self.object(bucket, key)?;
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
        // Content need not be read: it follows from the source and the range.
        let tag = Tag::of_text(&format!("{} {range:?}", info.tag));
        Ok((incoming, tag))
    }

    /// Makes the object of the parts, `(number, tag)` in order; answers its tag.
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

    /// The open uploads of a bucket, in key order.
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

    /// The folder of an upload.
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

    fn state(&self, folder: &str) -> PathBuf {
        self.root.join(STATE).join(folder)
    }

    fn object_path(&self, bucket: &str, key: &str) -> Result<PathBuf> {
        Ok(self.bucket(bucket)?.join(path_of(key)))
    }

    fn tag_path(&self, bucket: &str, key: &str) -> PathBuf {
        let name = hex(Sha256::checksum(key.as_bytes()).as_ref());
        let (shard, name) = name.split_at(2);
        self.state("tags").join(bucket).join(shard).join(name)
    }

    /// The remembered tag, if it is of this state of the file.
    fn remembered_tag(&self, bucket: &str, key: &str, metadata: &Metadata) -> Option<String> {
        let text = fs::read(self.tag_path(bucket, key)).ok()?;
        let remembered: TagFile = serde_json::from_slice(&text).ok()?;
        let is_current = remembered.key == key
            && remembered.size == metadata.len()
            && Some(remembered.modified_ns) == modified_ns(metadata);
        is_current.then_some(remembered.tag)
    }

    /// To be called with the lock held for writing.
    fn remember_tag(&self, bucket: &str, key: &str, tag: &str, metadata: &Metadata) -> Result<()> {
        let path = self.tag_path(bucket, key);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec(&TagFile {
            key: key.to_owned(),
            tag: tag.to_owned(),
            size: metadata.len(),
            modified_ns: modified_ns(metadata).unwrap_or_default(),
        })
        .map_err(io::Error::from)?;
        Ok(fs::write(path, text)?)
    }

    fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, ()> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Computes an object's tag from its content: a CRC-64 and the length, which is faster than the
/// MD5 that S3 often takes, and like that differs where content differs.
#[derive(Default)]
pub(crate) struct Tag {
    crc: Crc64Nvme,
    length: u64,
}

impl Tag {
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.crc.update(data);
        self.length += data.len() as u64;
    }

    pub(crate) fn finish(self) -> String {
        format!("{}{:016x}", hex(&self.crc.finalize()), self.length)
    }

    fn of_text(text: &str) -> String {
        let mut tag = Self::default();
        tag.update(text.as_bytes());
        tag.finish()
    }

    fn read(file: &mut File) -> io::Result<String> {
        let mut tag = Self::default();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(tag.finish()),
                read => tag.update(&buffer[..read]),
            }
        }
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

fn target(folder: &Path) -> Result<Option<Target>> {
    match fs::read(folder.join("target")) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes the target first: without it there is no such upload, whatever else is left.
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

/// Whether the path does not lead to anything.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
    )
}

fn same_file(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && modified_ns(a) == modified_ns(b)
}

fn modified_ns(metadata: &Metadata) -> Option<u128> {
    let modified = metadata.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).ok()?.as_nanos())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
