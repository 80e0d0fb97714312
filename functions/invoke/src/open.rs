//! Reading the records of a round that have no stored line yet.

use crate::group::PendingRecord;
use quarry_contract::location::S3Uri;
use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectStore, StoreError};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The bytes of records that are taken together, apart from those that are needed so that no worker is idle.
const MOST_BYTES: u64 = 16 << 20;

/// The records without a stored line, in the order of the input.
pub(crate) struct OpenRecords {
    store: Arc<dyn ObjectStore>,
    input: S3Uri,
    etag: Arc<str>,
    /// The bytes of the input that are read after `lines`.
    ranges: VecDeque<Range<u64>>,
    lines: Option<Lines>,
}

impl OpenRecords {
    /// Reads the records in these bytes of the input. Every range begins and ends with a record.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        input: S3Uri,
        etag: &str,
        ranges: Vec<Range<u64>>,
    ) -> Self {
        Self {
            store,
            input,
            etag: etag.into(),
            ranges: ranges.into(),
            lines: None,
        }
    }

    /// Returns the next records, at most `most`: the first `least` of them, and those after them for as
    /// long as all together have fewer than [`MOST_BYTES`].
    pub(crate) async fn take(
        &mut self,
        least: usize,
        most: usize,
    ) -> Result<Vec<PendingRecord>, StoreError> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < most && (records.len() < least || bytes < MOST_BYTES) {
            if self.lines.is_none() {
                let Some(range) = self.ranges.pop_front() else {
                    break;
                };
                let store = Arc::clone(&self.store);
                self.lines = Some(Lines::open(store, self.input.clone(), range, &*self.etag));
            }
            let Some(lines) = &mut self.lines else { break };
            let start = lines.position();
            match lines.next().await? {
                Some(line) => {
                    let range = start..lines.position();
                    bytes += range.end - range.start;
                    records.push(PendingRecord { line, range });
                }
                None => self.lines = None,
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use quarry_edge::s3::memory::MemoryStore;
    use quarry_edge::store::WriteCondition;

    /// Large records are not held in memory in such numbers as small ones.
    #[tokio::test]
    async fn records_are_taken_by_their_number_and_by_their_bytes() {
        let store = MemoryStore::new();
        let at = S3Uri::new("bucket", "records.jsonl").unwrap();
        let line = [vec![b'x'; (1 << 20) - 1], vec![b'\n']].concat();
        let body = Bytes::from(line.repeat(60));
        let bytes = body.len() as u64;
        let etag = store.put(&at, body, WriteCondition::Always).await.unwrap();
        let all = std::iter::once(0..bytes).collect();
        let mut open = OpenRecords::new(Arc::new(store), at, &etag, all);
        let mut numbers = Vec::new();
        for (least, most) in [(1, 50), (20, 50), (1, 10), (1, 50), (1, 50)] {
            numbers.push(open.take(least, most).await.unwrap().len());
        }
        assert_eq!(numbers, [16, 20, 10, 14, 0]);
    }
}
