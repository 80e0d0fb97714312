//! Joining the Parquet parts of a table: S3 copies their data, and only their footers are read
//! here.

use bytes::Bytes;
use futures::stream::{FuturesOrdered, StreamExt};
use quarry_edge::error::StepError;
use quarry_edge::s3::concat::ConcatSegment;
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::store::{ObjectInfo, ObjectStore};
use quarry_parquet::{
    FileError, Joiner, PartWriter, Ranges, RangesError, ResultColumn, SplicePiece, TableLayout,
};
use std::ops::Range;
use std::sync::Arc;

/// The number of bytes at a part's end that are read for its footer. A longer footer needs a second
/// read.
const TAIL_BYTES: u64 = 64 << 10;

/// The number of tails that are read at the same time.
const READS_IN_FLIGHT: usize = 32;

/// Returns the sources of the table's file, in order.
pub(crate) async fn segments(
    store: &Arc<dyn ObjectStore>,
    layout: &TableLayout,
    results: &[ResultColumn],
    replaced: &[usize],
    parts: &[ObjectInfo],
    rows: u64,
) -> Result<Vec<ConcatSegment>, StepError> {
    if parts.is_empty() {
        let writer = PartWriter::new(layout, results, replaced).map_err(StepError::bad_request)?;
        let (empty, _) = writer.finish().map_err(StepError::bad_request)?;
        return Ok(vec![ConcatSegment::Bytes(empty)]);
    }
    let mut joiner = Joiner::new();
    let mut under_way = FuturesOrdered::new();
    let mut waiting = parts.iter();
    loop {
        while under_way.len() < READS_IN_FLIGHT
            && let Some(part) = waiting.next()
        {
            under_way.push_back(async move { (part, Tail::read(store, part, TAIL_BYTES).await) });
        }
        let Some((part, tail)) = under_way.next().await else {
            break;
        };
        add(&mut joiner, store, part, tail?).await?;
    }
    let splice = joiner
        .finish(rows)
        .map_err(|error| StepError::inconsistent(error.to_string()))?;
    Ok(splice
        .pieces
        .into_iter()
        .map(|piece| match piece {
            SplicePiece::Bytes(bytes) => ConcatSegment::Bytes(bytes),
            SplicePiece::Copy { part, range } => ConcatSegment::Object {
                info: parts[part].clone(),
                range,
            },
        })
        .collect())
}

/// Adds a part by its tail. If the footer is longer than the tail, reads a longer tail.
async fn add(
    joiner: &mut Joiner,
    store: &Arc<dyn ObjectStore>,
    part: &ObjectInfo,
    tail: Tail,
) -> Result<(), StepError> {
    let name = part.location.to_string();
    let Err(error) = joiner.add(&name, &tail) else {
        return Ok(());
    };
    let FileError::Read { source, .. } = error else {
        return Err(StepError::bad_request(error));
    };
    let longer = match source.into_inner().downcast::<Beyond>() {
        Ok(beyond) => Tail::read(store, part, part.size.saturating_sub(beyond.0)).await?,
        Err(source) => return Err(StepError::bad_request(source)),
    };
    joiner
        .add(&name, &longer)
        .map(drop)
        .map_err(StepError::bad_request)
}

/// The last bytes of a part.
struct Tail {
    size: u64,
    bytes: Bytes,
}

/// The footer begins before the tail, at this byte.
#[derive(Debug, thiserror::Error)]
#[error("byte {0} has not been read")]
struct Beyond(u64);

impl Tail {
    async fn read(
        store: &Arc<dyn ObjectStore>,
        part: &ObjectInfo,
        length: u64,
    ) -> Result<Self, StepError> {
        let failed = |error: quarry_edge::store::StoreError| {
            StepError::of(error, format!("reading {}", part.location))
        };
        let mut reader = ObjectReader::open(
            Arc::clone(store),
            part.location.clone(),
            part.size - length.min(part.size)..part.size,
            part.etag.as_str(),
            ReadOptions::default(),
        );
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await.map_err(failed)? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Self {
            size: part.size,
            bytes: bytes.into(),
        })
    }
}

impl Ranges for Tail {
    fn len(&self) -> u64 {
        self.size
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError> {
        let begins = self.size - self.bytes.len() as u64;
        let within = range
            .start
            .checked_sub(begins)
            .zip(range.end.checked_sub(begins))
            .ok_or(Beyond(range.start))
            .map_err(RangesError::new)?;
        let (Ok(start), Ok(end)) = (usize::try_from(within.0), usize::try_from(within.1)) else {
            return Err(RangesError::new(Beyond(range.start)));
        };
        Ok(self.bytes.slice(start..end))
    }
}
