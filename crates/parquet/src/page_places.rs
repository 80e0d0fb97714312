//! Where the pages of a row group are, as the page index of its file says.

use crate::claims::{ChunkClaims, PageClaims, places};
use crate::error::FileError;
use crate::file::Inner;
use crate::footer::chunk_range;
use crate::grammar::OFFSET_INDEX;
use crate::guard::guarded;
use crate::held::HeldPages;
use crate::ranges::RangesError;
use crate::window::{Source, Walk, Windows};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMask, ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use parquet::file::reader::{ChunkReader, Length};
use std::ops::Range;
use std::sync::Arc;

/// The longest page index that is compared with the pages, in bytes.
const MAX_INDEX_BYTES: u64 = 8 << 20;

impl Inner {
    /// Reads the places of the pages of some chunks of a row group, to compare the pages with them: a
    /// reading that begins inside the row group trusts them. Chunks of repeated columns have none.
    pub(crate) fn read_places(
        &self,
        group: usize,
        chunks: &mut [ChunkClaims],
    ) -> Result<(), RangesError> {
        let columns = self.group(group).columns();
        let known: Vec<(usize, u64, Range<u64>)> = chunks
            .iter()
            .enumerate()
            .filter_map(|(index, chunk)| {
                Some((index, chunk.rows?, index_range(&columns[chunk.leaf])?))
            })
            .filter(|(.., range)| !range.is_empty() && range.end <= self.ranges.len())
            .collect();
        let start = known.iter().map(|(.., range)| range.start).min();
        let end = known.iter().map(|(.., range)| range.end).max();
        let (Some(start), Some(end)) = (start, end) else {
            return Ok(());
        };
        // Writers put the indexes of a row group one after the other.
        let together = if end - start <= MAX_INDEX_BYTES {
            Some(self.ranges.read(start..end)?)
        } else {
            None
        };
        for (index, rows, range) in known {
            let encoded = match &together {
                Some(bytes) => usize::try_from(range.start - start)
                    .ok()
                    .zip(usize::try_from(range.end - start).ok())
                    .and_then(|(from, to)| bytes.get(from..to))
                    .map(Bytes::copy_from_slice)
                    .unwrap_or_default(),
                None => self.ranges.read(range)?,
            };
            chunks[index].places = places(&encoded, &chunks[index].range, rows);
        }
        Ok(())
    }

    /// Returns the metadata with the page offsets of some row groups, if the file has valid ones.
    /// With them, pages before the wanted rows are not read. They only save time, so invalid ones
    /// are not an error.
    pub(crate) fn with_page_places(
        &self,
        groups: &[usize],
        mask: &ProjectionMask,
    ) -> Result<Arc<ParquetMetaData>, FileError> {
        // Only the contents of a page say how many rows a repeated column has in it, so its places
        // cannot be compared with the headers of pages.
        let is_compared = |leaf: usize| {
            let is_repeated = self.declared.column(leaf).max_rep_level() > 0;
            let mut groups = groups.iter().map(|group| self.group(*group).column(leaf));
            !is_repeated && groups.all(|column| index_range(column).is_some())
        };
        let leaves: Vec<usize> = (0..self.declared.num_columns())
            .filter(|leaf| mask.leaf_included(*leaf) && is_compared(*leaf))
            .collect();
        let has_places = groups.iter().any(|group| {
            let group = self.group(*group);
            leaves
                .iter()
                .any(|leaf| group.column(*leaf).offset_index_offset().is_some())
        });
        if !has_places {
            return Ok(Arc::clone(&self.metadata));
        }
        let none = HeldPages::new(Vec::new(), false);
        let claims = PageClaims::new(Vec::new());
        let windows = Windows::new(
            Arc::clone(&self.ranges),
            Vec::new(),
            Vec::new(),
            none,
            claims,
        );
        let mut reader =
            ParquetMetaDataReader::new_with_metadata(ParquetMetaData::clone(&self.metadata))
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Optional)
                .with_offset_index_mask(ColumnChunkMask::row_groups_and_columns(
                    groups.iter().copied(),
                    leaves.iter().copied(),
                ));
        let indexes = groups.iter().flat_map(|group| {
            let columns = self.group(*group).columns();
            leaves
                .iter()
                .filter_map(|leaf| index_range(&columns[*leaf]))
        });
        let source = CheckedIndexes {
            source: Source(Arc::clone(&windows)),
            indexes: indexes.collect(),
        };
        let found = guarded(|| {
            reader
                .read_page_indexes_sized(&source, self.ranges.len())
                .and_then(|()| reader.finish())
                .map_err(|error| error.to_string())
        });
        if let Some(source) = windows.take_failure() {
            return Err(FileError::Read {
                file: self.name.clone(),
                source,
            });
        }
        Ok(found
            .ok()
            .filter(|found| places_make_sense(found, groups, &leaves))
            .map_or_else(|| Arc::clone(&self.metadata), Arc::new))
    }
}

/// The bytes of a file, of which the page indexes are checked before the decoder has them. It would allocate
/// memory for all pages that an index claims.
struct CheckedIndexes {
    source: Source,
    indexes: Vec<Range<u64>>,
}

impl Length for CheckedIndexes {
    fn len(&self) -> u64 {
        self.source.len()
    }
}

impl ChunkReader for CheckedIndexes {
    type T = Walk;

    fn get_read(&self, start: u64) -> ParquetResult<Walk> {
        self.source.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.source.get_bytes(start, length)?;
        for index in &self.indexes {
            let from = index.start.checked_sub(start).map(usize::try_from);
            let to = index.end.checked_sub(start).map(usize::try_from);
            let (Some(Ok(from)), Some(Ok(to))) = (from, to) else {
                continue;
            };
            if let Some(encoded) = bytes.get(from..to) {
                OFFSET_INDEX.check(encoded).map_err(ParquetError::General)?;
            }
        }
        Ok(bytes)
    }
}

/// Returns the range of a column chunk's page places; `None` if it has none, or too many.
fn index_range(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(column.offset_index_offset()?).ok()?;
    let length = u64::try_from(column.offset_index_length()?).ok()?;
    (length <= MAX_INDEX_BYTES).then_some(start..start.checked_add(length)?)
}

/// Whether the pages are inside their column chunks, one after the other, with rows that the row
/// group has.
fn places_make_sense(metadata: &ParquetMetaData, groups: &[usize], leaves: &[usize]) -> bool {
    let Some(index) = metadata.page_index() else {
        return true;
    };
    groups.iter().all(|&group| {
        let rows = metadata.row_group(group).num_rows();
        leaves.iter().all(|&leaf| {
            let Some(pages) = index.page_locations(group, leaf) else {
                return true;
            };
            let Some(chunk) = chunk_range(metadata.row_group(group).column(leaf)) else {
                return false;
            };
            let in_chunk = pages.iter().all(|page| {
                let end = page
                    .offset
                    .checked_add(i64::from(page.compressed_page_size));
                let bounds = u64::try_from(page.offset)
                    .ok()
                    .zip(end.and_then(|end| u64::try_from(end).ok()));
                bounds.is_some_and(|(start, end)| {
                    chunk.start <= start && start < end && end <= chunk.end
                }) && (0..rows).contains(&page.first_row_index)
            });
            let starts = pages.first().is_some_and(|page| page.first_row_index == 0);
            let in_order = pages.windows(2).all(|two| {
                two[0].offset < two[1].offset && two[0].first_row_index <= two[1].first_row_index
            });
            in_chunk && starts && in_order
        })
    })
}
