//! Rows of Parquet tables.
//!
//! The decoder requests bytes as it goes and waits for them, so it runs on its own thread and sends
//! batches of rows through a channel. One batch waits in the channel while the next is decoded.

use crate::error::RowsError;
use crate::piece::{Need, SlicePiece};
use bytes::{Bytes, BytesMut};
use quarry_contract::location::S3Uri;
use quarry_edge::documents::MAX_DOCUMENT_BYTES;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::store::{ObjectStore, Pin, StoreError};
use quarry_parquet::{FileReading, ParquetFile, Ranges, RangesError, RowBatch, TableLayout};
use std::ops::Range;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Batches that are decoded before they are needed.
const BATCHES_AHEAD: usize = 1;

/// The rows of consecutive pieces, possibly of several files. Dropping it ends its thread.
pub struct ParquetRows {
    batches: mpsc::Receiver<Result<(usize, RowBatch), RowsError>>,
    thread: Option<JoinHandle<()>>,
    name: String,
}

impl ParquetRows {
    /// Starts to read the rows of `pieces`. Needs a tokio runtime.
    pub fn new(store: Arc<dyn ObjectStore>, pieces: Vec<SlicePiece>, need: Need) -> Self {
        let (to, batches) = mpsc::channel(BATCHES_AHEAD);
        let name = pieces
            .first()
            .map(|piece| piece.name.clone())
            .unwrap_or_default();
        let runtime = Handle::current();
        let thread = spawn_blocking(move || {
            for piece in pieces {
                if let Err(error) = send_rows(&store, &runtime, &piece, &need, &to) {
                    // If it cannot be sent, the receiver is gone.
                    let _ = to.blocking_send(Err(error));
                    return;
                }
            }
        });
        Self {
            batches,
            thread: Some(thread),
            name,
        }
    }

    /// Returns the next rows and the number of their file in its table; `None` after the last.
    pub async fn next_batch(&mut self) -> Result<Option<(usize, RowBatch)>, RowsError> {
        if let Some(batch) = self.batches.recv().await {
            return batch.map(Some);
        }
        if let Some(thread) = self.thread.take()
            && thread.await.is_err()
        {
            return Err(RowsError::Ended(self.name.clone()));
        }
        Ok(None)
    }
}

/// Sends the rows of one piece until the receiver is gone.
fn send_rows(
    store: &Arc<dyn ObjectStore>,
    runtime: &Handle,
    piece: &SlicePiece,
    need: &Need,
    to: &mpsc::Sender<Result<(usize, RowBatch), RowsError>>,
) -> Result<(), RowsError> {
    let file = ParquetFile::open(&*piece.name, Arc::new(Stored::of(store, runtime, piece)))?;
    let reading = match need {
        Need::Cells { columns, whole_row } => FileReading {
            cells: columns,
            whole_rows: *whole_row,
            parts: false,
        },
        Need::SoundRows { columns, whole_row } => FileReading {
            cells: columns,
            whole_rows: *whole_row,
            parts: true,
        },
        Need::Rows => FileReading {
            parts: true,
            ..FileReading::default()
        },
    };
    let mut rows = file.read(piece.start..piece.end, &reading)?;
    while let Some(batch) = rows.next_batch()? {
        if to.blocking_send(Ok((piece.file, batch))).is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads the footer of a file.
pub async fn open(
    store: &Arc<dyn ObjectStore>,
    piece: &SlicePiece,
) -> Result<ParquetFile, RowsError> {
    let (name, ranges) = (
        piece.name.clone(),
        Arc::new(Stored::of(store, &Handle::current(), piece)),
    );
    let opened = spawn_blocking(move || ParquetFile::open(name, ranges)).await;
    Ok(opened.map_err(|_| RowsError::Ended(piece.name.clone()))??)
}

/// Returns what the files of a Parquet table have in common, as plan stored it there.
pub async fn layout(store: &dyn ObjectStore, at: &S3Uri) -> Result<TableLayout, StepError> {
    let bytes = store
        .get(at, MAX_DOCUMENT_BYTES)
        .await
        .doing(|| format!("reading {at}"))?;
    TableLayout::from_bytes(&bytes).map_err(StepError::bad_request)
}

/// A stored file, for a thread that may block.
struct Stored {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    location: S3Uri,
    size: u64,
    pin: Pin,
}

impl Stored {
    fn of(store: &Arc<dyn ObjectStore>, runtime: &Handle, piece: &SlicePiece) -> Self {
        Self {
            store: Arc::clone(store),
            runtime: runtime.clone(),
            location: piece.location.clone(),
            size: piece.size,
            pin: piece.pin.clone(),
        }
    }
}

impl Stored {
    async fn collect(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let length = range.end.saturating_sub(range.start);
        let mut reader = ObjectReader::open(
            Arc::clone(&self.store),
            self.location.clone(),
            range,
            self.pin.clone(),
            ReadOptions::for_all_at_once(),
        );
        let first = reader.next().await?.unwrap_or_default();
        if first.len() as u64 == length {
            return Ok(first);
        }
        let mut all = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
        all.extend_from_slice(&first);
        drop(first);
        while let Some(more) = reader.next().await? {
            all.extend_from_slice(&more);
        }
        Ok(all.freeze())
    }
}

impl Ranges for Stored {
    fn len(&self) -> u64 {
        self.size
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError> {
        self.runtime
            .block_on(self.collect(range))
            .map_err(RangesError::new)
    }
}
