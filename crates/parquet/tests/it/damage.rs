//! A damaged file gives an error, never a panic, and never rows that it does not have.

use crate::fixture::bytes;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use quarry_parquet::{
    FileError, FileReading, Joiner, ParquetFile, PartWriter, Ranges, RangesError, TableLayout,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const FILES: [&str; 8] = [
    "pyarrow_types.parquet",
    "pyarrow_pages.parquet",
    "spark_groups.parquet",
    "duckdb.parquet",
    "codec_none.parquet",
    "codec_lz4.parquet",
    "fastparquet.parquet",
    "pandas_empty.parquet",
];

/// Reads a file in every possible way: its footer as a part's and as an input's, its rows for
/// writing and for showing.
fn read_all(bytes: Bytes) -> Result<(), FileError> {
    Joiner::new().add("x", &bytes)?;
    let file = ParquetFile::open("x", Arc::new(bytes))?;
    let layout = TableLayout::of(&file)?;
    TableLayout::from_bytes(&layout.to_bytes()?)?.add(&file)?;
    PartWriter::new(&layout, &[], &[])?;
    let columns: Vec<String> = file
        .columns()
        .iter()
        .filter(|name| !["photo", "hash", "blob"].contains(&name.as_str()))
        .cloned()
        .collect();
    for (range, parts) in [
        (0..file.rows(), true),
        (file.rows() / 3..file.rows(), false),
    ] {
        let reading = FileReading {
            cells: &columns,
            whole_rows: false,
            parts,
        };
        let mut reader = file.read(range.clone(), &reading)?;
        let mut rows = 0;
        while let Some(batch) = reader.next_batch()? {
            rows += batch.len() as u64;
        }
        assert_eq!(rows, range.end - range.start);
    }
    Ok(())
}

/// Returns a footer without rows whose only column is below this many groups. It is written by
/// hand, because no writer would produce it.
fn deeply_nested(groups: u32) -> Bytes {
    let varint = |mut number: u32| {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        bytes
    };
    // Version 1, then the list of schema elements: the root, groups of one member each, a leaf of
    // 64-bit integers.
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    footer.extend(varint(groups + 2));
    footer.extend(b"\x48\x01r\x15\x02\x00");
    footer.extend(b"\x35\x02\x18\x01g\x15\x02\x00".repeat(groups as usize));
    footer.extend(b"\x15\x04\x25\x02\x18\x01a\x00");
    // No rows and no row groups.
    footer.extend(b"\x16\x00\x19\x0c\x00");
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [&b"PAR1"[..], &footer, &length, b"PAR1"].concat().into()
}

/// A stack overflow would end the process without an error that names the file.
#[test]
fn no_depth_of_groups_overflows_the_stack() {
    assert!(ParquetFile::open("x", Arc::new(deeply_nested(63))).is_ok());
    for groups in [64, 100, 20_000, 400_000] {
        let error = ParquetFile::open("x", Arc::new(deeply_nested(groups))).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("column \"g\": its values are nested more than 63 groups deep"),
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_do_not_make_it_panic(
        which in 0..FILES.len(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = bytes(FILES[which]).to_vec();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        let _ = read_all(file.into());
    }

    /// The footer has what decoding relies on: counts, offsets, types.
    #[test]
    fn changed_footers_do_not_make_it_panic(
        which in 0..FILES.len(),
        changes in proptest::collection::vec((0_usize..2_000, any::<u8>()), 1..3),
    ) {
        let mut file = bytes(FILES[which]).to_vec();
        for (before_end, value) in changes {
            let at = file.len().saturating_sub(before_end + 1);
            file[at] = value;
        }
        let _ = read_all(file.into());
    }

    #[test]
    fn a_file_cut_short_is_an_error(which in 0..FILES.len(), at: Index) {
        let file = bytes(FILES[which]);
        let cut = file.slice(..at.index(file.len()));
        let error = read_all(cut).unwrap_err();
        let refused = matches!(error, FileError::NotParquet { .. } | FileError::Damaged { .. });
        prop_assert!(refused, "{}", error);
    }
}

#[test]
fn what_is_not_parquet_is_refused_with_the_reason() {
    for (file, reason) in [
        (Bytes::new(), "too short"),
        (
            Bytes::from_static(b"id,text\n1,abcdef\n"),
            "does not end as",
        ),
        (
            Bytes::from_static(b"PAR1\xff\xff\xff\x7fPAR1"),
            "longer than it can be",
        ),
        (Bytes::from_static(b"PAR1\0\0\0\0PARE"), "encrypted"),
    ] {
        let error = ParquetFile::open("x.parquet", Arc::new(file)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("x.parquet") && text.contains(reason),
            "{text}"
        );
    }
}

/// A source of bytes that fails from some read on.
struct Failing {
    file: Bytes,
    reads_left: AtomicUsize,
}

impl Ranges for Failing {
    fn len(&self) -> u64 {
        Ranges::len(&self.file)
    }

    fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, RangesError> {
        let left = self
            .reads_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        match left {
            Ok(_) => self.file.read(range),
            Err(_) => Err(RangesError::new(std::io::Error::other("connection lost"))),
        }
    }
}

/// A caller that reads over a network must be able to distinguish a lost connection from a damaged
/// file, and get its own error back.
#[test]
fn an_error_of_the_source_comes_back_as_it_was() {
    for name in FILES {
        let mut seen = 0;
        for reads in 0.. {
            let source = Failing {
                file: bytes(name),
                reads_left: AtomicUsize::new(reads),
            };
            let outcome = (|| {
                let file = ParquetFile::open(name, Arc::new(source))?;
                let reading = FileReading {
                    parts: true,
                    ..FileReading::default()
                };
                let mut rows = file.read(1..file.rows(), &reading)?;
                while rows.next_batch()?.is_some() {}
                Ok(())
            })();
            match outcome {
                Ok(()) => break,
                Err(FileError::Read { source, .. }) => {
                    let source = source.into_inner().downcast::<std::io::Error>();
                    assert_eq!(source.unwrap().to_string(), "connection lost");
                    seen += 1;
                }
                Err(other) => panic!("{name}: {other}"),
            }
        }
        assert!(seen > 0, "{name}");
    }
}

/// A file of 200 MiB whose end announces a footer of some length. Reading it is an error.
struct Announcing(u32);

impl Ranges for Announcing {
    fn len(&self) -> u64 {
        200 << 20
    }

    fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, RangesError> {
        if range.end != self.len() {
            return Err(RangesError::new("the footer is read"));
        }
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        let tail = bytes.len() - 8;
        bytes[tail..tail + 4].copy_from_slice(&self.0.to_le_bytes());
        bytes[tail + 4..].copy_from_slice(b"PAR1");
        Ok(bytes.into())
    }
}

#[test]
fn a_footer_of_more_than_64_mib_is_refused_before_it_is_read() {
    let refusal = |length: u32| {
        ParquetFile::open("x.parquet", Arc::new(Announcing(length)))
            .expect_err("no file")
            .to_string()
    };
    let text = refusal((64 << 20) + 1);
    for part in [
        "x.parquet",
        "67108865 bytes, more than 67108864",
        "larger row groups",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(refusal(64 << 20).contains("the footer is read"));
    assert!(refusal(u32::MAX).contains("longer than it can be"));
}
