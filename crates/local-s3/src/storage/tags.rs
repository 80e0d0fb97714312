//! `ETag`s: how they depend on content, and how they are remembered for as long as an object's file
//! stays the same.

use s3s::crypto::{Checksum as _, Crc64Nvme, Sha256};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

/// The file that stores a tag.
#[derive(Debug, Serialize, Deserialize)]
struct TagFile {
    key: String,
    tag: String,
    size: u64,
    modified_ns: u128,
}

/// The folder that stores the tags of all objects.
#[derive(Debug)]
pub(super) struct Tags {
    folder: PathBuf,
}

impl Tags {
    pub(super) fn below(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        let name = hex::encode(Sha256::checksum(key.as_bytes()));
        let (shard, name) = name.split_at(2);
        self.folder.join(bucket).join(shard).join(name)
    }

    /// Returns the stored tag, if it belongs to this state of the file.
    pub(super) fn remembered(
        &self,
        bucket: &str,
        key: &str,
        metadata: &Metadata,
    ) -> Option<String> {
        let text = fs::read(self.path(bucket, key)).ok()?;
        let remembered: TagFile = serde_json::from_slice(&text).ok()?;
        let is_current = remembered.key == key
            && remembered.size == metadata.len()
            && Some(remembered.modified_ns) == modified_ns(metadata);
        is_current.then_some(remembered.tag)
    }

    /// The caller must hold the objects' lock for writing.
    pub(super) fn remember(
        &self,
        bucket: &str,
        key: &str,
        tag: &str,
        metadata: &Metadata,
    ) -> io::Result<()> {
        let path = self.path(bucket, key);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec(&TagFile {
            key: key.to_owned(),
            tag: tag.to_owned(),
            size: metadata.len(),
            modified_ns: modified_ns(metadata).unwrap_or_default(),
        })?;
        fs::write(path, text)
    }

    pub(super) fn forget(&self, bucket: &str, key: &str) {
        let _ = fs::remove_file(self.path(bucket, key));
    }
}

/// Computes an object's tag from its content: a CRC-64 and the length. This is faster than the MD5
/// that S3 often uses, and like the MD5, it differs where content differs.
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
        format!("{}{:016x}", hex::encode(self.crc.finalize()), self.length)
    }

    pub(super) fn of_text(text: &str) -> String {
        let mut tag = Self::default();
        tag.update(text.as_bytes());
        tag.finish()
    }

    pub(super) fn read(file: &mut File) -> io::Result<String> {
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

/// Whether both describe the same state of one file.
pub(super) fn same_file(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && modified_ns(a) == modified_ns(b)
}

pub(super) fn modified_ns(metadata: &Metadata) -> Option<u128> {
    let modified = metadata.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).ok()?.as_nanos())
}
