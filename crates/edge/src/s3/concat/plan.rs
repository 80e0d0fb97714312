//! Deciding which ranges S3 copies and which bytes are read, without any call to S3.
//!
//! Every part but the last must have 5 MiB. Smaller sources are gathered with their neighbours. If
//! a gathered part is still too small where a larger source begins, it borrows the first bytes of
//! that source, so that the rest can be copied.

use std::ops::Range;

/// The number of bytes that are read with one GET.
const READ: usize = 8 << 20;
/// How often the size below which sources are read is doubled to save parts.
const WIDER: u32 = 3;

/// The limits for the parts of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyLimits {
    /// The smallest size of a part other than the last, bytes. Ranges can be copied only from
    /// larger objects.
    pub min_part: u64,
    /// The usual size of the largest range that is copied at once, bytes; at least twice
    /// `min_part`.
    pub max_copy: u64,
    /// The same where the number of parts is short.
    pub largest_copy: u64,
    /// The most parts.
    pub max_parts: usize,
    /// The usual size of gathered parts, bytes; up to eight times as much where the number of parts
    /// is short.
    pub gather: u64,
}

impl CopyLimits {
    /// The limits of S3 (user guide, "Amazon S3 multipart upload limits"). S3 would copy 5 GiB at
    /// once; smaller ranges are copied in parallel and give more opportunities to stop.
    pub const S3: Self = Self {
        min_part: 5 << 20,
        max_copy: 1 << 30,
        largest_copy: 5 << 30,
        max_parts: 10_000,
        gather: 8 << 20,
    };
}

/// A segment, as far as the plan needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcatSource {
    /// The length, bytes.
    pub length: u64,
    /// Whether S3 can copy ranges of it.
    pub can_be_copied: bool,
}

/// A range of a source, counted from the source's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRange {
    /// The index of the source, from 0.
    pub source: usize,
    /// The range of its bytes.
    pub range: Range<u64>,
}

impl SourceRange {
    /// Returns the length, bytes.
    pub fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Splits the range into ranges that are each read with one GET.
    pub(super) fn for_reading(&self) -> impl Iterator<Item = Self> + use<> {
        let (source, range) = (self.source, self.range.clone());
        let starts = (range.start..range.end).step_by(READ);
        starts.map(move |start| Self {
            source,
            range: start..range.end.min(start + READ as u64),
        })
    }
}

/// A part of the new object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConcatPart {
    /// A range that S3 copies.
    Copy(SourceRange),
    /// Ranges that are read, joined and sent.
    Gather(Vec<SourceRange>),
}

impl ConcatPart {
    /// Returns the length, bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Copy(piece) => piece.length(),
            Self::Gather(pieces) => pieces.iter().map(SourceRange::length).sum(),
        }
    }
}

/// Returns the parts that make one object from the sources, in their order.
///
/// # Errors
/// The number of parts needed, if it is over the limit even when more is read.
pub fn plan(sources: &[ConcatSource], limits: &CopyLimits) -> Result<Vec<ConcatPart>, usize> {
    let mut needed = usize::MAX;
    // Larger copies cost nothing, and reading more costs time.
    let attempts = (0..=WIDER).flat_map(|wider| {
        let copies = [limits.max_copy, limits.largest_copy];
        copies.map(|max_copy| (wider, max_copy))
    });
    for (wider, max_copy) in attempts {
        let sizes = PartSizes {
            copy_from: limits.min_part << wider,
            max_copy,
            gather: limits.gather.max(limits.min_part) << wider,
        };
        let parts = parts(sources, limits.min_part, sizes);
        if parts.len() <= limits.max_parts {
            return Ok(parts);
        }
        needed = needed.min(parts.len());
    }
    Err(needed)
}

/// The sizes of one attempt, bytes.
#[derive(Clone, Copy)]
struct PartSizes {
    /// Sources of this size or more are copied, the others gathered.
    copy_from: u64,
    /// The largest range of a copy.
    max_copy: u64,
    /// The largest gathered part.
    gather: u64,
}

fn parts(sources: &[ConcatSource], min_part: u64, sizes: PartSizes) -> Vec<ConcatPart> {
    let PartSizes {
        copy_from,
        max_copy,
        gather,
    } = sizes;
    let mut parts = Vec::new();
    let mut gathered = Gathered::default();
    for (
        source,
        &ConcatSource {
            length,
            can_be_copied,
        },
    ) in sources.iter().enumerate()
    {
        let borrowed = match gathered.length {
            0 => 0,
            length => min_part.saturating_sub(length),
        };
        let rest = length.saturating_sub(borrowed);
        if can_be_copied && length >= copy_from && rest >= min_part {
            gathered.add(source, 0..borrowed);
            gathered.close(&mut parts);
            copy(source, borrowed..length, max_copy, &mut parts);
            continue;
        }
        let mut start = 0;
        while start < length {
            let end = length.min(start + (gather - gathered.length));
            gathered.add(source, start..end);
            if gathered.length == gather {
                gathered.close(&mut parts);
            }
            start = end;
        }
    }
    gathered.close(&mut parts);
    parts
}

/// Copies a range in as few parts as possible, of nearly equal sizes.
fn copy(source: usize, range: Range<u64>, max_copy: u64, parts: &mut Vec<ConcatPart>) {
    let length = range.end - range.start;
    let count = length.div_ceil(max_copy);
    let mut start = range.start;
    for index in 0..count {
        let longer = u64::from(index < length % count);
        let end = start + length / count + longer;
        parts.push(ConcatPart::Copy(SourceRange {
            source,
            range: start..end,
        }));
        start = end;
    }
}

#[derive(Default)]
struct Gathered {
    pieces: Vec<SourceRange>,
    length: u64,
}

impl Gathered {
    fn add(&mut self, source: usize, range: Range<u64>) {
        if !range.is_empty() {
            self.length += range.end - range.start;
            self.pieces.push(SourceRange { source, range });
        }
    }

    fn close(&mut self, parts: &mut Vec<ConcatPart>) {
        if !self.pieces.is_empty() {
            parts.push(ConcatPart::Gather(std::mem::take(&mut self.pieces)));
        }
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    fn object(length: u64) -> ConcatSource {
        ConcatSource {
            length,
            can_be_copied: length > CopyLimits::S3.min_part,
        }
    }

    fn piece(source: usize, range: Range<u64>) -> SourceRange {
        SourceRange { source, range }
    }

    #[test]
    fn large_objects_are_copied_as_they_are() {
        let parts = plan(&[object(6 * MIB), object(700 * MIB)], &CopyLimits::S3).unwrap();
        let expected = [
            ConcatPart::Copy(piece(0, 0..6 * MIB)),
            ConcatPart::Copy(piece(1, 0..700 * MIB)),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_header_borrows_from_the_first_object() {
        let header = ConcatSource {
            length: 20,
            can_be_copied: false,
        };
        let parts = plan(&[header, object(100 * MIB)], &CopyLimits::S3).unwrap();
        let borrowed = 5 * MIB - 20;
        let expected = [
            ConcatPart::Gather(vec![piece(0, 0..20), piece(1, 0..borrowed)]),
            ConcatPart::Copy(piece(1, borrowed..100 * MIB)),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn an_object_too_small_to_lend_is_read_whole() {
        let parts = plan(
            &[object(MIB), object(6 * MIB), object(MIB)],
            &CopyLimits::S3,
        )
        .unwrap();
        let expected = [ConcatPart::Gather(vec![
            piece(0, 0..MIB),
            piece(1, 0..6 * MIB),
            piece(2, 0..MIB),
        ])];
        assert_eq!(parts, expected);
    }

    #[test]
    fn what_is_over_the_copy_limit_is_cut_evenly() {
        let parts = plan(&[object(2049 * MIB)], &CopyLimits::S3).unwrap();
        let lengths: Vec<_> = parts.iter().map(ConcatPart::length).collect();
        assert_eq!(lengths, [683 * MIB; 3]);
    }

    #[test]
    fn ten_thousand_objects_fit() {
        let tiny = vec![object(1); 10_000];
        assert_eq!(plan(&tiny, &CopyLimits::S3).unwrap().len(), 1);
        let copied = vec![object(6 * MIB); 10_000];
        assert_eq!(plan(&copied, &CopyLimits::S3).unwrap().len(), 10_000);
        // Copying all sources would need one part too many, so they are read.
        let mut one_more = vec![object(1)];
        one_more.extend(copied);
        let parts = plan(&one_more, &CopyLimits::S3).unwrap();
        assert!(parts.len() <= 10_000);
        assert!(
            parts
                .iter()
                .any(|part| matches!(part, ConcatPart::Gather(_)))
        );
    }

    #[test]
    fn what_cannot_fit_is_an_error_with_the_number() {
        let huge = vec![object(500 * MIB); 10_001];
        assert_eq!(plan(&huge, &CopyLimits::S3), Err(10_001));
        assert_eq!(plan(&[], &CopyLimits::S3), Ok(vec![]));
    }

    /// A result of the most slices has a header, and its parts may be larger than a usual copy.
    #[test]
    fn a_header_and_the_parts_of_the_most_slices_fit() {
        let header = ConcatSource {
            length: 20,
            can_be_copied: false,
        };
        for size in [6 * MIB, 41 * MIB, 1025 * MIB, 5000 * MIB] {
            let mut sources = vec![header];
            sources.extend(vec![object(size); 9_990]);
            let parts = plan(&sources, &CopyLimits::S3).unwrap();
            assert!(parts.len() <= 10_000, "{size}");
        }
    }

    proptest! {
        /// Every byte of every source is there once and in order; every part but the last is large
        /// enough; only ranges that S3 can copy are copied; no copy is over its limit.
        #[test]
        fn a_plan_is_complete_and_allowed(
            lengths in prop::collection::vec(
                prop_oneof![Just(0_u64), 1..40_u64, 90..210_u64, 1_000..9_000_u64], 0..40),
            max_parts in prop_oneof![Just(10_000_usize), 5..40_usize],
        ) {
            let limits =
                CopyLimits { min_part: 100, max_copy: 1_000, largest_copy: 2_500, max_parts, gather: 160 };
            let sources: Vec<_> = lengths.iter().map(|&length| ConcatSource {
                length,
                can_be_copied: length > limits.min_part,
            }).collect();
            let Ok(parts) = plan(&sources, &limits) else {
                return Ok(());
            };
            prop_assert!(parts.len() <= max_parts);
            let mut expected: Vec<(usize, u64)> = sources.iter().enumerate()
                .filter(|(_, source)| source.length > 0)
                .map(|(index, source)| (index, source.length))
                .collect();
            expected.reverse();
            let mut at = 0;
            for (index, part) in parts.iter().enumerate() {
                let is_last = index + 1 == parts.len();
                prop_assert!(is_last || part.length() >= limits.min_part, "{:?}", part);
                let pieces = match part {
                    ConcatPart::Copy(piece) => {
                        prop_assert!(sources[piece.source].can_be_copied);
                        prop_assert!(piece.length() <= limits.largest_copy);
                        std::slice::from_ref(piece)
                    }
                    ConcatPart::Gather(pieces) => pieces,
                };
                for piece in pieces {
                    let &(source, length) = expected.last().unwrap();
                    prop_assert_eq!((piece.source, piece.range.start), (source, at));
                    at = piece.range.end;
                    if at == length {
                        expected.pop();
                        at = 0;
                    }
                }
            }
            prop_assert!(expected.is_empty());
        }
    }
}
