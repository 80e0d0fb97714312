//! Reading the lines of an object, one after the other.

use crate::s3::reader::{ObjectReader, ReadOptions};
use crate::store::{ObjectStore, Pin, StoreError};
use bytes::{Bytes, BytesMut};
use quarry_contract::location::S3Uri;
use std::ops::Range;
use std::sync::Arc;

/// Returns lines without their terminator. Memory is bounded by the reader's parts in flight and
/// one line.
pub struct Lines {
    reader: ObjectReader,
    buffer: BytesMut,
    searched: usize,
    position: u64,
    ended: bool,
}

impl Lines {
    /// Reads the lines of a range that begins at the start of a line.
    pub fn open(
        store: Arc<dyn ObjectStore>,
        location: S3Uri,
        range: Range<u64>,
        pin: impl Into<Pin>,
    ) -> Self {
        let position = range.start;
        Self {
            reader: ObjectReader::open(store, location, range, pin, ReadOptions::default()),
            buffer: BytesMut::new(),
            searched: 0,
            position,
            ended: false,
        }
    }

    /// Requests the first lines, without waiting for them. Needs a tokio runtime.
    pub fn request(&mut self) {
        self.reader.request();
    }

    /// Returns the byte of the object after the last line returned.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the next line.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let length = self.searched + found;
                self.searched = 0;
                self.position += length as u64 + 1;
                let mut line = self.buffer.split_to(length + 1).freeze();
                line.truncate(length);
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.ended {
                self.searched = 0;
                self.position += self.buffer.len() as u64;
                let rest = self.buffer.split().freeze();
                return Ok(Some(rest).filter(|line| !line.is_empty()));
            }
            match self.reader.next().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => self.ended = true,
            }
        }
    }
}
