//! Reading the records of a round that have no stored line yet.

use crate::group::PendingRecord;
use quarry_contract::location::S3Uri;
use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectStore, StoreError};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

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

    /// Returns the next records, at most `count`.
    pub(crate) async fn take(&mut self, count: usize) -> Result<Vec<PendingRecord>, StoreError> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count {
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
                Some(line) => records.push(PendingRecord {
                    line,
                    range: start..lines.position(),
                }),
                None => self.lines = None,
            }
        }
        Ok(records)
    }
}
