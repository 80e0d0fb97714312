//! Receiving bodies from the network into files: streamed, hashed on the way, and written off the
//! async threads.

use crate::error::StorageError;
use crate::observer::Watched;
use crate::storage::{Incoming, Storage, Tag};
use bytes::Bytes;
use futures::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::dto::{Checksum, StreamingBlob};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::task::{JoinHandle, spawn_blocking};

/// The number of bytes that are passed to a blocking thread at once.
const BATCH: usize = 1 << 20;

/// A body that arrived completely.
pub(crate) struct Received {
    pub(crate) incoming: Incoming,
    pub(crate) tag: String,
    /// The requested checksums.
    pub(crate) checksum: Checksum,
}

struct Receiving {
    incoming: Incoming,
    tag: Tag,
    checksums: ChecksumHasher,
}

/// Receives a body; `checksums` says which checksums to compute. An error removes the file.
pub(crate) async fn receive(
    storage: &Arc<Storage>,
    body: Option<StreamingBlob>,
    checksums: ChecksumHasher,
    watched: Watched,
) -> Result<Received, StorageError> {
    let received = receive_body(storage, body, checksums, watched).await;
    if let Err(StorageError::Io(error)) = &received {
        storage.note_lack_of_space(error);
    }
    received
}

async fn receive_body(
    storage: &Arc<Storage>,
    body: Option<StreamingBlob>,
    checksums: ChecksumHasher,
    watched: Watched,
) -> Result<Received, StorageError> {
    let storage = Arc::clone(storage);
    let mut state = blocking(move || {
        Ok(Receiving {
            incoming: storage.incoming()?,
            tag: Tag::default(),
            checksums,
        })
    })
    .await?;
    if let Some(mut body) = body {
        let mut writing: Option<JoinHandle<Result<Receiving, StorageError>>> = None;
        let mut idle = Some(state);
        let (mut batch, mut size) = (Vec::new(), 0);
        loop {
            let chunk = body.next().await.transpose().map_err(StorageError::Body)?;
            let at_end = chunk.is_none();
            if let Some(chunk) = chunk {
                size += chunk.len();
                watched.count(chunk.len());
                batch.push(chunk);
            }
            if size < BATCH && !at_end {
                continue;
            }
            // One batch is written while the next one arrives.
            let receiving = match (idle.take(), writing.take()) {
                (Some(receiving), _) => receiving,
                (None, Some(task)) => task.await.map_err(io::Error::other)??,
                (None, None) => return Err(io::Error::other("the body's file is lost").into()),
            };
            if at_end {
                state = blocking(move || receiving.write(&batch)).await?;
                break;
            }
            let full = std::mem::take(&mut batch);
            size = 0;
            writing = Some(spawn_blocking(move || receiving.write(&full)));
        }
    }
    Ok(Received {
        incoming: state.incoming,
        tag: state.tag.finish(),
        checksum: state.checksums.finalize(),
    })
}

impl Receiving {
    fn write(mut self, batch: &[Bytes]) -> Result<Self, StorageError> {
        for chunk in batch {
            self.tag.update(chunk);
            self.checksums.update(chunk);
            self.incoming.file.write_all(chunk)?;
        }
        Ok(self)
    }
}

/// Runs blocking work on a thread for such work.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, StorageError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, StorageError> + Send + 'static,
{
    spawn_blocking(work).await.map_err(io::Error::other)?
}
