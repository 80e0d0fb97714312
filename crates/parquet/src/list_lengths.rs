//! How much the values of rows take when they are decoded, before they are.
//!
//! Equal values of a list are a few bytes in the file, and each has a place in memory: a file of a few
//! kilobytes can have rows of gigabytes. The repetition levels of a page say how many values each row has.
//! They are read before the decoder reads the rows.

use crate::file::Inner;
use crate::guard::guarded;
use crate::held::{LargeRows, MAX_DECODED_BYTES};
use crate::varint;
use crate::window::{Source, Windows};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::basic::{Encoding, Type as Physical};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;
use std::sync::Arc;

/// The bytes of a definition or repetition level, and those of the offset of a list.
const LEVEL_BYTES: u64 = 2;
const OFFSET_BYTES: u64 = 4;

/// Why rows are not decoded.
#[derive(Debug)]
pub(crate) enum RowsFault {
    Large(LargeRows),
    /// The repetition levels of a page contradict it.
    Levels(String),
}

/// Returns what each value of a column takes when it is decoded, bytes.
pub(crate) fn value_bytes(column: &ColumnDescriptor) -> u64 {
    let value = match column.physical_type() {
        Physical::BOOLEAN => 1,
        Physical::INT32 | Physical::FLOAT => 4,
        Physical::INT64 | Physical::DOUBLE => 8,
        Physical::INT96 => 12,
        // Views of the bytes in their page.
        Physical::BYTE_ARRAY => 16,
        Physical::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or_default(),
    };
    let lists = u64::try_from(column.max_rep_level()).unwrap_or_default();
    let levels = u64::from(column.max_def_level() > 0) + u64::from(lists > 0);
    value + levels * LEVEL_BYTES + lists * OFFSET_BYTES
}

/// Says of the next rows of a row group what their values take.
pub(crate) struct ValueSizes {
    /// What a row takes in all columns that are not repeated, the column that takes most of it, and what it
    /// takes.
    single: u64,
    largest: (usize, u64),
    lists: Vec<ListColumn>,
    windows: Arc<Windows>,
}

struct ListColumn {
    leaf: usize,
    value_bytes: u64,
    pages: SerializedPageReader<Source>,
    levels: Levels,
}

impl Inner {
    /// Prepares to say what the rows of a row group take, after the first `skip`. Returns `None` if no
    /// `batch_rows` of them can take too much according to the footer, which is compared with the pages. The
    /// windows of the decoder note what makes this fail.
    pub(crate) fn value_sizes(
        &self,
        number: usize,
        skip: u64,
        mask: &ProjectionMask,
        batch_rows: u64,
        of_decoder: &Windows,
    ) -> Result<Option<ValueSizes>, String> {
        let group = self.group(number);
        let columns = group.columns().iter().enumerate();
        let mut single = 0_u64;
        let mut largest = (0, 0);
        let (mut repeated, mut of_lists) = (Vec::new(), 0_u64);
        for (leaf, column) in columns.filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let bytes = value_bytes(column.column_descr());
            if column.column_descr().max_rep_level() > 0 {
                let values = u64::try_from(column.num_values()).unwrap_or_default();
                of_lists = of_lists.saturating_add(values.saturating_mul(bytes));
                repeated.push((leaf, bytes));
            } else {
                single = single.saturating_add(bytes);
                if bytes > largest.1 {
                    largest = (leaf, bytes);
                }
            }
        }
        if single.saturating_mul(batch_rows).saturating_add(of_lists) <= MAX_DECODED_BYTES {
            return Ok(None);
        }
        let schema = self.metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(schema, repeated.iter().map(|(leaf, _)| *leaf));
        let windows = self.windows(number, true, &mask, &self.metadata);
        let lists = repeated.into_iter().map(|(leaf, value_bytes)| {
            let mut list = ListColumn::open(group, leaf, value_bytes, &windows)?;
            list.next_rows(skip)?;
            Ok(list)
        });
        let lists = lists
            .collect::<Result<_, String>>()
            .inspect_err(|_| of_decoder.fail_as(&windows))?;
        Ok(Some(ValueSizes {
            single,
            largest,
            lists,
            windows,
        }))
    }
}

impl ValueSizes {
    /// Passes over the next rows. Fails if they take too much.
    pub(crate) fn next_rows(&mut self, rows: u64) -> Result<(), RowsFault> {
        let mut bytes = self.single.saturating_mul(rows);
        let mut largest = (self.largest.0, self.largest.1.saturating_mul(rows));
        for list in &mut self.lists {
            let values = list.next_rows(rows).map_err(RowsFault::Levels)?;
            let of_list = values.saturating_mul(list.value_bytes);
            bytes = bytes.saturating_add(of_list);
            if of_list > largest.1 {
                largest = (list.leaf, of_list);
            }
        }
        if bytes <= MAX_DECODED_BYTES {
            return Ok(());
        }
        Err(RowsFault::Large(LargeRows {
            leaf: largest.0,
            bytes,
        }))
    }

    /// The windows through which pages are read, with what they refused.
    pub(crate) fn windows(&self) -> &Arc<Windows> {
        &self.windows
    }
}

impl ListColumn {
    fn open(
        group: &RowGroupMetaData,
        leaf: usize,
        value_bytes: u64,
        windows: &Arc<Windows>,
    ) -> Result<Self, String> {
        let column = group.column(leaf);
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        let source = Arc::new(Source(Arc::clone(windows)));
        let pages = guarded(|| {
            SerializedPageReader::new(source, column, rows, None).map_err(|error| error.to_string())
        })?;
        Ok(Self {
            leaf,
            value_bytes,
            pages,
            levels: Levels::of_a_column(column.column_descr()),
        })
    }

    /// Passes over the next rows. Returns the number of their values.
    fn next_rows(&mut self, rows: u64) -> Result<u64, String> {
        let (mut left, mut values) = (rows, 0);
        loop {
            values += self
                .levels
                .take(&mut left)
                .ok_or("the repetition levels of a page cannot be read")?;
            if self.levels.left > 0 {
                return Ok(values);
            }
            // The page is not needed while the next one is unpacked.
            self.levels.clear();
            let pages = &mut self.pages;
            let next = guarded(|| pages.get_next_page().map_err(|error| error.to_string()))?;
            match next {
                None => return Ok(values),
                Some(Page::DictionaryPage { .. }) => {}
                Some(page) => self.levels.begin(&page)?,
            }
        }
    }
}

/// The repetition levels of a page that are not passed yet.
struct Levels {
    /// The bits of a level.
    width: usize,
    bytes: Bytes,
    /// The levels of the page that are not passed.
    left: u64,
    run: LevelRun,
    /// Whether each level has the same bits, most significant first, without runs.
    is_old: bool,
}

/// Levels that are stored together.
enum LevelRun {
    Equal { count: u64, level: u64 },
    Packed { bytes: Bytes, next: usize },
}

const EMPTY: LevelRun = LevelRun::Equal { count: 0, level: 0 };

impl Levels {
    /// The levels of a column of which no page was read.
    fn of_a_column(column: &ColumnDescriptor) -> Self {
        let most = column.max_rep_level();
        Self {
            width: (i16::BITS - most.leading_zeros()) as usize,
            bytes: Bytes::new(),
            left: 0,
            run: EMPTY,
            is_old: false,
        }
    }

    fn clear(&mut self) {
        self.bytes = Bytes::new();
        self.run = EMPTY;
        self.is_old = false;
    }

    /// Begins the levels of a page.
    fn begin(&mut self, page: &Page) -> Result<(), String> {
        let cut = || "the repetition levels of a page are longer than the page".to_owned();
        let buffer = page.buffer();
        self.left = u64::from(page.num_values());
        let range = match page {
            Page::DataPageV2 {
                rep_levels_byte_len,
                ..
            } => 0..*rep_levels_byte_len as usize,
            Page::DataPage {
                rep_level_encoding, ..
            } => {
                #[expect(deprecated, reason = "old files have it")]
                let is_old = *rep_level_encoding == Encoding::BIT_PACKED;
                self.is_old = is_old;
                if is_old {
                    let bits = page.num_values() as usize * self.width;
                    0..bits.div_ceil(8)
                } else {
                    let length = buffer.first_chunk().copied().ok_or_else(cut)?;
                    4..(u32::from_le_bytes(length) as usize).saturating_add(4)
                }
            }
            Page::DictionaryPage { .. } => 0..0,
        };
        if range.end > buffer.len() {
            return Err(cut());
        }
        self.bytes = buffer.slice(range);
        if self.is_old {
            let bytes = std::mem::take(&mut self.bytes);
            self.run = LevelRun::Packed { bytes, next: 0 };
        }
        Ok(())
    }

    /// Passes over levels until `rows` more rows have begun and the next one would begin, or until the page
    /// ends. Counts the rows down. Returns how many levels were passed; `None` if they cannot be read.
    fn take(&mut self, rows: &mut u64) -> Option<u64> {
        let mut taken = 0;
        while self.left > 0 {
            let (width, is_old) = (self.width, self.is_old);
            let passed = match &mut self.run {
                LevelRun::Equal { count: 0, .. } => {
                    self.next_run()?;
                    continue;
                }
                LevelRun::Equal { count, level: 0 } => {
                    let passed = (*count).min(self.left).min(*rows);
                    *count -= passed;
                    *rows -= passed;
                    passed
                }
                LevelRun::Equal { count, .. } => {
                    let passed = (*count).min(self.left);
                    *count -= passed;
                    passed
                }
                LevelRun::Packed { bytes, next } => {
                    let Some(level) = packed(bytes, *next, width, is_old) else {
                        self.run = EMPTY;
                        continue;
                    };
                    let passed = u64::from(level > 0 || *rows > 0);
                    if level == 0 {
                        *rows -= passed;
                    }
                    *next += usize::from(passed > 0);
                    passed
                }
            };
            if passed == 0 {
                break;
            }
            taken += passed;
            self.left -= passed;
        }
        Some(taken)
    }

    fn next_run(&mut self) -> Option<()> {
        let mut rest = &*self.bytes;
        let header = varint::unsigned(&mut rest)?;
        let begin = self.bytes.len() - rest.len();
        let length = if header & 1 == 0 {
            let length = self.width.div_ceil(8);
            let level = rest.get(..length)?.iter().rev();
            self.run = LevelRun::Equal {
                count: header >> 1,
                level: level.fold(0, |level, byte| level << 8 | u64::from(*byte)),
            };
            length
        } else {
            // Eight levels have as many bytes as a level has bits. The last ones may be left out.
            let length = usize::try_from(header >> 1).ok()?;
            let length = length.checked_mul(self.width)?.min(rest.len());
            self.run = LevelRun::Packed {
                bytes: self.bytes.slice(begin..begin + length),
                next: 0,
            };
            length
        };
        self.bytes = self.bytes.slice(begin + length..);
        Some(())
    }
}

/// Returns the `index`th level of `width` bits; `None` if it is not there.
fn packed(bytes: &[u8], index: usize, width: usize, is_old: bool) -> Option<u64> {
    let start = index * width;
    (0..width).try_fold(0, |level, bit| {
        let at = start + bit;
        let byte = u64::from(*bytes.get(at / 8)?);
        Some(if is_old {
            level << 1 | byte >> (7 - at % 8) & 1
        } else {
            level | (byte >> (at % 8) & 1) << bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(bytes: &'static [u8], left: u64, run: LevelRun, is_old: bool) -> Levels {
        Levels {
            width: 2,
            bytes: Bytes::from_static(bytes),
            left,
            run,
            is_old,
        }
    }

    /// Passes over some rows. Returns the levels that were passed, and the rows that are missing.
    fn take(levels: &mut Levels, mut rows: u64) -> Option<(u64, u64)> {
        let taken = levels.take(&mut rows)?;
        Some((taken, rows))
    }

    #[test]
    fn the_levels_of_rows_are_counted_in_runs_and_in_packed_bits() {
        // Three rows of one level, then the levels 0, 1, 2, 0, 0, 1, 1 and one that the page does not have.
        let both = || levels(&[6, 0, 3, 0x24, 0x14], 10, EMPTY, false);
        for steps in [
            &[(4, (6, 0)), (5, (4, 3))][..],
            &[
                (0, (0, 0)),
                (1, (1, 0)),
                (2, (2, 0)),
                (1, (3, 0)),
                (1, (1, 0)),
                (1, (3, 0)),
                (1, (0, 1)),
            ],
        ] {
            let mut levels = both();
            for (rows, expected) in steps {
                assert_eq!(take(&mut levels, *rows), Some(*expected), "{steps:?}");
            }
        }
        let old = LevelRun::Packed {
            bytes: Bytes::from_static(&[0x18, 0x14]),
            next: 0,
        };
        let mut old = levels(&[], 7, old, true);
        assert_eq!(take(&mut old, 2), Some((4, 0)));
        assert_eq!(take(&mut old, 2), Some((3, 1)));
    }

    #[test]
    fn a_run_that_is_longer_than_its_page_ends_with_it_and_missing_levels_are_noticed() {
        let mut long = levels(&[0xfe, 0xff, 0xff, 0xff, 0xf, 1], 100, EMPTY, false);
        assert_eq!(take(&mut long, 1), Some((100, 1)));
        for cut in [&[][..], &[6], &[6, 0], &[3], &[3, 0x24], &[0x80]] {
            assert_eq!(
                take(&mut levels(cut, 10, EMPTY, false), 20),
                None,
                "{cut:?}"
            );
        }
    }
}
