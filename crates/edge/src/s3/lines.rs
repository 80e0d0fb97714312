//! Reading the lines of an object, one after the other.

use crate::s3::reader::{ObjectReader, ReadOptions};
use crate::store::{ObjectStore, Pin, StoreError};
use bytes::{Bytes, BytesMut};
use quarry_contract::location::S3Uri;
use std::ops::Range;
use std::sync::Arc;

/// Returns lines without their terminator. Memory is bounded by the reader's parts in flight and
/// one line. A line is a part of the piece that was read, and keeps that piece in memory, so drop it
/// before the next one.
pub struct Lines {
    reader: ObjectReader,
    /// The bytes that were read and not returned yet.
    piece: Bytes,
    /// The beginning of a line that ends in a later piece.
    begun: BytesMut,
    position: u64,
}

impl Lines {
    /// Reads the lines of a range that begins at the start of a line.
    pub fn open(
        store: Arc<dyn ObjectStore>,
        location: S3Uri,
        range: Range<u64>,
        pin: impl Into<Pin>,
    ) -> Self {
        Self::open_with(store, location, range, pin, ReadOptions::default())
    }

    /// Like [`open`](Self::open), with other parts.
    pub fn open_with(
        store: Arc<dyn ObjectStore>,
        location: S3Uri,
        range: Range<u64>,
        pin: impl Into<Pin>,
        options: ReadOptions,
    ) -> Self {
        let position = range.start;
        Self {
            reader: ObjectReader::open(store, location, range, pin, options),
            piece: Bytes::new(),
            begun: BytesMut::new(),
            position,
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
            if let Some(length) = memchr::memchr(b'\n', &self.piece) {
                let mut end = self.piece.split_to(length + 1);
                end.truncate(length);
                let line = self.whole(end);
                self.position += line.len() as u64 + 1;
                return Ok(Some(line));
            }
            self.begun.extend_from_slice(&self.piece);
            self.piece = Bytes::new();
            let Some(piece) = self.reader.next().await? else {
                let rest = self.begun.split().freeze();
                self.position += rest.len() as u64;
                return Ok(Some(rest).filter(|line| !line.is_empty()));
            };
            self.piece = piece;
        }
    }

    /// Returns the line that ends with `end`.
    fn whole(&mut self, end: Bytes) -> Bytes {
        if self.begun.is_empty() {
            return end;
        }
        self.begun.extend_from_slice(&end);
        self.begun.split().freeze()
    }
}
