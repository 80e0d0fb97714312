//! Texts whose lengths come first in their page: how long they are together.
//!
//! A text of `DELTA_BYTE_ARRAY` begins as the one before it, so a page of some kilobytes can stand for
//! gigabytes. The decoder allocates memory for all lengths of a page, and then for the texts of a batch,
//! without a limit.

use crate::claims::TEXT_LENGTHS;
use crate::error::{DamagedPlace, FileError};
use crate::file::Inner;
use crate::guard::guarded;
use crate::page::MAX_PAGE_BYTES;
use crate::varint;
use crate::window::{Source, Windows};
use parquet::arrow::ProjectionMask;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

/// Why the texts of a page are not decoded.
#[derive(Debug, PartialEq, Eq)]
enum TextsFault {
    /// They are longer than a page may be.
    TooLong(u64),
    /// Their lengths contradict the page.
    Contradiction(String),
}

impl TextsFault {
    fn contradiction(reason: &str) -> Self {
        Self::Contradiction(reason.to_owned())
    }
}

/// The most levels of a column, from which the width of a level in the old encoding follows.
#[derive(Debug, Clone, Copy)]
struct MaxLevels {
    repetition: i16,
    definition: i16,
}

impl Inner {
    /// Refuses texts of a row group that the decoder would allocate too much memory for.
    /// `first_row` is the first row that is read.
    pub(crate) fn check_texts(
        &self,
        number: usize,
        mask: &ProjectionMask,
        first_row: u64,
    ) -> Result<(), FileError> {
        let group = self.group(number);
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        for (leaf, column) in group.columns().iter().enumerate() {
            let has_lengths = column.encodings().any(|one| TEXT_LENGTHS.contains(&one));
            if !has_lengths || !mask.leaf_included(leaf) {
                continue;
            }
            let schema = self.metadata.file_metadata().schema_descr();
            let mask = ProjectionMask::leaves(schema, [leaf]);
            let windows = self.windows(number, true, &mask, &self.metadata);
            let name = || column.column_path().string();
            match check_chunk(&windows, column, rows) {
                Ok(()) => {}
                Err(TextsFault::TooLong(bytes)) => {
                    return Err(self.too_long_texts(number, name(), bytes));
                }
                Err(TextsFault::Contradiction(reason)) => {
                    return Err(FileError::Damaged {
                        file: self.name.clone(),
                        at: DamagedPlace {
                            row: Some(first_row),
                            column: Some(name()),
                            row_group: Some(number),
                        },
                        reason,
                    });
                }
            }
            if let Some(source) = windows.take_failure() {
                return Err(FileError::Read {
                    file: self.name.clone(),
                    source,
                });
            }
        }
        Ok(())
    }
}

/// Checks the texts of a column chunk of a row group with `rows` rows, page by page. A page that cannot be
/// read is left to the decoder, which comes to the same page.
fn check_chunk(
    windows: &Arc<Windows>,
    column: &ColumnChunkMetaData,
    rows: usize,
) -> Result<(), TextsFault> {
    let levels = MaxLevels {
        repetition: column.column_descr().max_rep_level(),
        definition: column.column_descr().max_def_level(),
    };
    let source = Arc::new(Source(Arc::clone(windows)));
    let mut pages = None;
    loop {
        let next = guarded(|| {
            let reader = match &mut pages {
                Some(reader) => reader,
                none @ None => none.insert(
                    SerializedPageReader::new(Arc::clone(&source), column, rows, None)
                        .map_err(|error| error.to_string())?,
                ),
            };
            reader.get_next_page().map_err(|error| error.to_string())
        });
        let Ok(Some(page)) = next else {
            return Ok(());
        };
        windows.batch_is_decoded();
        check(&page, levels)?;
    }
}

/// Checks the texts of an unpacked page. Pages with other encodings are fine.
fn check(page: &Page, levels: MaxLevels) -> Result<(), TextsFault> {
    let encoding = page.encoding();
    if matches!(page, Page::DictionaryPage { .. }) || !TEXT_LENGTHS.contains(&encoding) {
        return Ok(());
    }
    let values = values(page, levels).ok_or_else(|| {
        TextsFault::contradiction("the levels of a page are longer than the page")
    })?;
    let broken = || TextsFault::contradiction("the lengths of the texts of a page cannot be read");
    let mut reader = Packed { bytes: values };
    if values.is_empty() {
        // All values are null.
        return Ok(());
    }
    let count = u64::from(page.num_values());
    let first = reader.lengths(count).ok_or_else(broken)?;
    let total = if encoding == Encoding::DELTA_BYTE_ARRAY {
        let suffixes = reader.lengths(count).ok_or_else(broken)?;
        joined_length(&first, &suffixes)?
    } else {
        first.iter().sum()
    };
    if total > MAX_PAGE_BYTES {
        return Err(TextsFault::TooLong(total));
    }
    Ok(())
}

/// Returns the length of all texts that begin with a part of the text before.
fn joined_length(prefixes: &[u64], suffixes: &[u64]) -> Result<u64, TextsFault> {
    if prefixes.len() != suffixes.len() {
        return Err(TextsFault::contradiction(
            "a page has texts without a beginning or an end",
        ));
    }
    let (mut before, mut total) = (0, 0_u64);
    for (prefix, suffix) in prefixes.iter().zip(suffixes) {
        if *prefix > before {
            return Err(TextsFault::contradiction(
                "a text of a page begins with more bytes of the text before it than that has",
            ));
        }
        before = prefix + suffix;
        total = total.saturating_add(before);
    }
    Ok(total)
}

/// Returns the bytes of a data page behind its levels.
fn values(page: &Page, levels: MaxLevels) -> Option<&[u8]> {
    match page {
        Page::DataPage {
            buf,
            num_values,
            def_level_encoding,
            rep_level_encoding,
            ..
        } => {
            let values = *num_values as usize;
            let rest = behind_levels(buf, levels.repetition, *rep_level_encoding, values)?;
            behind_levels(rest, levels.definition, *def_level_encoding, values)
        }
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => {
            let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            buf.get(usize::try_from(levels).ok()?..)
        }
        Page::DictionaryPage { .. } => None,
    }
}

fn behind_levels(bytes: &[u8], most: i16, encoding: Encoding, values: usize) -> Option<&[u8]> {
    if most == 0 {
        return Some(bytes);
    }
    #[expect(deprecated, reason = "old files have it")]
    let is_old = encoding == Encoding::BIT_PACKED;
    if is_old {
        let width = (i16::BITS - most.leading_zeros()) as usize;
        return bytes.get((values * width).div_ceil(8)..);
    }
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    bytes.get(4..)?.get(usize::try_from(length).ok()?..)
}

/// Numbers in `DELTA_BINARY_PACKED`.
struct Packed<'a> {
    bytes: &'a [u8],
}

impl Packed<'_> {
    /// Reads lengths, of which there are at most `most`. `None` if they are not lengths of 32 bits.
    fn lengths(&mut self, most: u64) -> Option<Vec<u64>> {
        let block = usize::try_from(varint::unsigned(&mut self.bytes)?).ok()?;
        let minis = usize::try_from(varint::unsigned(&mut self.bytes)?).ok()?;
        let count = varint::unsigned(&mut self.bytes)?;
        let first = varint::signed(&mut self.bytes)?;
        if count > most || minis == 0 || block == 0 || !block.is_multiple_of(minis) {
            return None;
        }
        let count = usize::try_from(count).ok()?;
        let of_mini = block / minis;
        let mut lengths = Vec::with_capacity(count);
        let mut last = first;
        if count > 0 {
            lengths.push(u64::from(u32::try_from(last).ok()?));
        }
        while lengths.len() < count {
            let smallest = varint::signed(&mut self.bytes)?;
            let (widths, rest) = self.bytes.split_at_checked(minis)?;
            self.bytes = rest;
            for width in widths {
                if lengths.len() == count {
                    break;
                }
                let packed = self.mini(of_mini, *width)?;
                for index in 0..of_mini.min(count - lengths.len()) {
                    let delta = bits(packed, index, *width).cast_signed();
                    // As in the decoder, numbers of 32 bits wrap.
                    let sum = last
                        .wrapping_add(smallest)
                        .wrapping_add(delta)
                        .cast_unsigned();
                    let low = u32::try_from(sum & u64::from(u32::MAX)).ok()?;
                    last = i64::from(low.cast_signed());
                    lengths.push(u64::from(u32::try_from(last).ok()?));
                }
            }
        }
        Some(lengths)
    }

    /// Takes the bytes of some numbers of this many bits. The last ones may be left out.
    fn mini(&mut self, numbers: usize, width: u8) -> Option<&[u8]> {
        if width > 32 {
            return None;
        }
        let length = numbers.checked_mul(usize::from(width))?.div_ceil(8);
        let (taken, rest) = self.bytes.split_at(length.min(self.bytes.len()));
        self.bytes = rest;
        Some(taken)
    }
}

/// Returns the `index`th number of `width` bits. Bits that are not there are zero.
fn bits(packed: &[u8], index: usize, width: u8) -> u64 {
    let start = index * usize::from(width);
    (0..usize::from(width)).fold(0, |number, bit| {
        let at = start + bit;
        let is_set = packed
            .get(at / 8)
            .is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        number | u64::from(is_set) << bit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: MaxLevels = MaxLevels {
        repetition: 0,
        definition: 0,
    };

    /// The header of packed numbers: blocks of 128 in four parts, then the count and the first number.
    fn packed(count: &[u8], first: u8, blocks: &[u8]) -> Vec<u8> {
        [&[0x80, 1, 4][..], count, &[first * 2], blocks].concat()
    }

    fn page(values: Vec<u8>, num_values: u32, encoding: Encoding) -> Page {
        Page::DataPage {
            buf: values.into(),
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        }
    }

    fn of_lengths(lengths: Vec<u8>, num_values: u32) -> Result<(), TextsFault> {
        let page = page(lengths, num_values, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        check(&page, NONE)
    }

    fn of_parts(prefixes: Vec<u8>, suffixes: &[u8], num_values: u32) -> Result<(), TextsFault> {
        let parts = [prefixes, suffixes.to_vec()].concat();
        check(&page(parts, num_values, Encoding::DELTA_BYTE_ARRAY), NONE)
    }

    #[test]
    fn more_lengths_than_the_page_has_values_are_refused_before_they_are_read() {
        // Equal numbers take no bits, so a block has any number of them.
        let block = [0, 0, 0, 0, 0];
        of_lengths(packed(&[100], 9, &block), 100).unwrap();
        of_lengths(packed(&[100], 9, &block), 99).unwrap_err();
        let two_billion = packed(&[0xff, 0xff, 0xff, 0xff, 7], 0, &block);
        of_lengths(two_billion, 100).unwrap_err();
        // Not all blocks are there.
        of_lengths(packed(&[0x82, 1], 9, &block), 200).unwrap_err();
        of_lengths(packed(&[100], 9, &block[..3]), 100).unwrap_err();
    }

    #[test]
    fn texts_have_the_beginnings_of_others_only_as_far_as_those_go() {
        let one_each = packed(&[3], 1, &[0, 0, 0, 0, 0]);
        // Prefixes 0, 1, 2 behind one byte each.
        of_parts(packed(&[3], 0, &[2, 0, 0, 0, 0]), &one_each, 3).unwrap();
        let error = of_parts(packed(&[3], 0, &[4, 0, 0, 0, 0]), &one_each, 3).unwrap_err();
        assert_eq!(
            error,
            TextsFault::contradiction(
                "a text of a page begins with more bytes of the text before it than that has"
            )
        );
        // Negative lengths, and another number of ends.
        of_parts(packed(&[3], 1, &[3, 0, 0, 0, 0]), &one_each, 3).unwrap_err();
        of_parts(packed(&[2], 0, &[0, 0, 0, 0, 0]), &one_each, 3).unwrap_err();
    }

    #[test]
    fn values_begin_behind_the_levels() {
        let levels = MaxLevels {
            repetition: 1,
            definition: 3,
        };
        let lengths = packed(&[100], 9, &[0, 0, 0, 0, 0]);
        let behind = [&[2, 0, 0, 0, 7, 7, 1, 0, 0, 0, 7][..], &lengths].concat();
        let page = page(behind, 100, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        check(&page, levels).unwrap();
        check(&page, NONE).unwrap_err();
    }
}
