//! A damaged file gives an error, never a panic, and never rows that it does not have.

use crate::fixture::{bytes, file_of};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataWriter};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
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

/// Returns a file of a long text among short ones, and the size of the page in which it is.
fn one_long_among_short(properties: WriterPropertiesBuilder) -> (Vec<u8>, u32) {
    let cell = |row: usize| {
        if row == 70 {
            "x".repeat(1_200_000)
        } else {
            row.to_string()
        }
    };
    let cells = StringArray::from_iter_values((0..100).map(cell));
    let rows = RecordBatch::try_from_iter([
        (
            "n",
            Arc::new(Int64Array::from_iter_values(0..100)) as ArrayRef,
        ),
        ("text", Arc::new(cells)),
    ])
    .unwrap();
    let properties = properties
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_write_batch_size(10)
        .set_data_page_row_count_limit(10)
        .set_dictionary_page_size_limit(8 << 20)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let sizes = 1_200_000..1_210_000_u32;
    let found = sizes.filter(|size| places(&bytes, &header_of(*size)).len() == 1);
    let sizes: Vec<u32> = found.collect();
    assert_eq!(sizes.len(), 1, "one page is long: {sizes:?}");
    (bytes, sizes[0])
}

/// The unpacked size of a page, as its header has it: a number of four bytes.
fn header_of(size: u32) -> [u8; 5] {
    let number = size << 1;
    let seven = |shift: u32| u8::try_from(number >> shift & 0x7f).unwrap();
    [
        0x15,
        seven(0) | 0x80,
        seven(7) | 0x80,
        seven(14) | 0x80,
        seven(21),
    ]
}

fn places(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(part.len()).enumerate();
    windows
        .filter(|(_, found)| *found == part)
        .map(|(at, _)| at)
        .collect()
}

/// Returns a file of two columns in row groups of 50 rows, without compression.
fn two_columns(properties: WriterPropertiesBuilder) -> Vec<u8> {
    let texts = |prefix: &'static str| {
        let texts = (0..200).map(move |row| format!("{prefix} {row:03}"));
        Arc::new(StringArray::from_iter_values(texts)) as ArrayRef
    };
    let columns = vec![("shown", texts("shown")), ("other", texts("other"))];
    file_of(columns, properties.set_max_row_group_row_count(Some(50)))
}

/// Reads all rows as a part's, from `start` on.
fn read_for_parts(bytes: Vec<u8>, start: u64) -> Result<u64, FileError> {
    let file = ParquetFile::open("t.parquet", Arc::new(Bytes::from(bytes)))?;
    let reading = FileReading {
        cells: &["shown".to_owned()],
        parts: true,
        ..FileReading::default()
    };
    let mut reader = file.read(start..file.rows(), &reading)?;
    let mut rows = 0;
    while let Some(batch) = reader.next_batch()? {
        rows += batch.len() as u64;
    }
    Ok(rows)
}

/// A user has to find the damage, and the rows before it are sound.
#[test]
fn damage_is_named_with_its_column_its_row_group_and_its_row() {
    let file = two_columns(WriterProperties::builder());
    assert_eq!(read_for_parts(file.clone(), 0).unwrap(), 200);
    let mut damaged = file;
    let at = places(&damaged, b"other 123")[0];
    damaged[at - 1] = 0x7f;
    for start in [0, 3, 110] {
        assert_eq!(
            read_for_parts(damaged.clone(), start)
                .unwrap_err()
                .to_string(),
            "t.parquet: the file is damaged at or after row 124, in column \"other\" of row group 2: Parquet argument error: \
             EOF: eof decoding byte array; write it again, or without this column"
        );
    }
    assert_eq!(read_for_parts(damaged, 150).unwrap(), 50);
}

/// Most readers would return the changed text.
#[test]
fn a_page_that_does_not_match_its_checksum_is_refused() {
    let (sound, at) = with_checksum();
    let read = |bytes: &[u8]| {
        let file = ParquetFile::open("t.parquet", Arc::new(Bytes::copy_from_slice(bytes)))?;
        let reading = FileReading {
            parts: true,
            ..FileReading::default()
        };
        file.read(0..3, &reading)?.next_batch().map(drop)
    };
    read(&sound).unwrap();
    let mut damaged = sound;
    damaged[at] ^= 1;
    assert_eq!(
        read(&damaged).unwrap_err().to_string(),
        "t.parquet: the file is damaged at or after row 1, in column \"text\" of row group 0: Parquet argument error: \
         Parquet error: Page CRC checksum mismatch; write it again, or without this column"
    );
}

/// Returns a file of one page, whose header has its checksum, and the place of a letter in the page.
fn with_checksum() -> (Vec<u8>, usize) {
    let texts = StringArray::from(vec!["one", "two", "three"]);
    let rows = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    let metadata = writer.close().unwrap();
    let group = metadata.row_group(0);
    let column = group.column(0);
    let length = usize::try_from(column.compressed_size()).unwrap();
    let page = &bytes[4..4 + length];
    // Type 0, two sizes of one byte each, then the description of a data page (field 5).
    assert_eq!(
        (&page[..3], page[4], page[6]),
        (&b"\x15\0\x15"[..], 0x15, 0x2c)
    );
    let end_of_header = page.len() - usize::from(page[5] >> 1);
    let mut checksum = vec![0x15];
    let crc = i64::from(i32::from_ne_bytes(
        crc32(&page[end_of_header..]).to_ne_bytes(),
    ));
    let mut number = ((crc << 1) ^ (crc >> 63)).cast_unsigned();
    while number >= 0x80 {
        checksum.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    checksum.push(u8::try_from(number).unwrap());
    let page = [&page[..6], &checksum, &b"\x1c"[..], &page[7..]].concat();
    let size = i64::try_from(page.len()).unwrap();
    let column = column.clone().into_builder();
    let column = column
        .set_total_compressed_size(size)
        .set_total_uncompressed_size(size)
        .build()
        .unwrap();
    let builder = group.clone().into_builder();
    let group = builder.set_column_metadata(vec![column]).build().unwrap();
    let file = metadata.file_metadata().clone();
    let metadata = ParquetMetaData::new(file, vec![group]);
    let mut whole = [b"PAR1".as_slice(), &page].concat();
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &metadata)
        .finish()
        .unwrap();
    whole.extend(footer);
    let at = places(&whole, b"three")[0];
    (whole, at)
}

/// The checksum of gzip, which pages have too.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// The footer tells only the sizes of whole column chunks. What a page claims is not allocated.
#[test]
fn a_long_row_among_short_ones_is_refused_before_it_is_unpacked() {
    let dictionary = |enabled| WriterProperties::builder().set_dictionary_enabled(enabled);
    let forms = [
        dictionary(true),
        dictionary(false),
        dictionary(false).set_writer_version(WriterVersion::PARQUET_2_0),
        dictionary(true).set_offset_index_disabled(true),
    ];
    for form in forms {
        let (mut bytes, size) = one_long_among_short(form);
        read_all(bytes.clone().into()).unwrap();
        let at = places(&bytes, &header_of(size))[0];
        bytes[at..at + 5].copy_from_slice(&header_of(130_000_000));
        let file = ParquetFile::open("t.parquet", Arc::new(Bytes::from(bytes))).unwrap();
        let read = |rows: std::ops::Range<u64>, cells: &[&str]| {
            let cells: Vec<String> = cells.iter().map(|&name| name.to_owned()).collect();
            let reading = FileReading {
                cells: &cells,
                ..FileReading::default()
            };
            let mut rows = file.read(rows, &reading)?;
            while rows.next_batch()?.is_some() {}
            Ok::<_, FileError>(())
        };
        for start in [0, 5, 65] {
            assert_eq!(
                read(start..100, &["text"]).unwrap_err().to_string(),
                "t.parquet: column \"text\": row group 0 has a page of 130000000 bytes, more than the 67108864 that are \
                 unpacked at a time; shorten its values, store them beside the table, or write the file with smaller pages"
            );
        }
        read(0..100, &["n"]).unwrap();
    }
}

/// The decoder would allocate 24 bytes for each page that the index claims.
#[test]
fn a_page_index_that_claims_more_pages_than_it_has_is_not_decoded() {
    let rows = RecordBatch::try_from_iter([(
        "n",
        Arc::new(Int64Array::from_iter_values(0..4_000)) as ArrayRef,
    )]);
    let rows = rows.unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(1_000)
        .set_write_batch_size(1_000)
        .build();
    let mut whole = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut whole, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    let metadata = writer.close().unwrap();
    let column = metadata.row_group(0).column(0);
    let index = usize::try_from(column.offset_index_offset().unwrap()).unwrap();
    assert_eq!(
        whole[index..index + 2],
        *b"\x19\x4c",
        "a list of four structs"
    );
    read_all(whole.clone().into()).unwrap();
    whole[index + 1..index + 7].copy_from_slice(b"\xfc\xff\xff\xff\xff\x07");
    let file = ParquetFile::open("x", Arc::new(Bytes::from(whole))).unwrap();
    // Nobody needs the index to read the rows.
    let reading = FileReading {
        cells: &["n".to_owned()],
        ..FileReading::default()
    };
    let mut rows = file.read(3_500..4_000, &reading).unwrap();
    let mut found = 0;
    while let Some(batch) = rows.next_batch().unwrap() {
        found += batch.len();
    }
    assert_eq!(found, 500);
}

/// The encoder refuses such a map, when everything is paid for.
#[test]
fn a_map_with_a_null_as_a_key_is_refused_before_it_is_written() {
    let file = include_bytes!("../../../../fuzz/corpus/parquet/map-with-a-null-key.parquet");
    let error = read_for_parts(file.to_vec(), 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.parquet: the file is damaged at or after row 2, in column \"map\" of row group 0: a map has a null as a key, which \
         Parquet does not allow; write it again, or without this column"
    );
}

#[test]
fn a_map_inside_a_key_with_a_null_as_a_key_is_refused_before_it_is_written() {
    let file =
        include_bytes!("../../../../fuzz/corpus/parquet/map-with-a-null-key-in-a-key.parquet");
    let error = read_for_parts(file.to_vec(), 0).unwrap_err().to_string();
    assert!(error.contains("a map has a null as a key"), "{error}");
}
