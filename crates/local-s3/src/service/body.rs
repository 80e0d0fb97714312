//! Streaming an object's bytes to a client.

use crate::observer::Watched;
use bytes::{Bytes, BytesMut};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// The number of bytes that are read from a file at once.
const BLOCK: u64 = 1 << 20;
/// Returns the bytes of `range` as a stream of blocks, each read on a blocking thread.
pub(super) fn body(file: File, range: Range<u64>, watched: Watched) -> StreamingBlob {
    let blocks = futures::stream::try_unfold((file, range), move |(file, range)| {
        let watched = watched.clone();
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || read_block(file, range));
            let (block, rest) = read.await.map_err(io::Error::other)??;
            watched.count(block.len());
            Ok::<_, io::Error>(Some((block, rest)))
        }
    });
    StreamingBlob::wrap(blocks)
}

fn read_block(mut file: File, range: Range<u64>) -> io::Result<(Bytes, (File, Range<u64>))> {
    let length = BLOCK.min(range.end - range.start);
    let mut block = BytesMut::zeroed(usize::try_from(length).map_err(io::Error::other)?);
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut block)?;
    let rest = range.start + length..range.end;
    Ok((block.freeze(), (file, rest)))
}

/// Returns a number of bytes in the protocol's type.
pub(super) fn length(size: u64) -> S3Result<i64> {
    i64::try_from(size).map_err(S3Error::internal_error)
}
