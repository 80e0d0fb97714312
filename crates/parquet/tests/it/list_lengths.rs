//! A file of a few kilobytes can stand for lists of gigabytes, because equal values take no bytes in a page.
//! How long the lists of a row are is known before they are decoded.

use crate::fixture::rows_from;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Repetition, Type as Physical};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::data_type::FixedLenByteArrayType;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{SchemaDescriptor, Type};
use quarry_parquet::{FileError, FileReading, ParquetFile, PartWriter, TableLayout};
use std::io::Write as _;
use std::sync::Arc;

/// Rows with lists of this length each.
#[derive(Clone, Copy)]
struct Lists {
    rows: u32,
    length: u32,
}

/// Appends an integer of a variable number of bytes.
fn variable(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}

/// Appends a run of equal numbers of at most eight bits.
fn run(out: &mut Vec<u8>, count: u32, number: u8) {
    if count > 0 {
        variable(out, count << 1);
        out.push(number);
    }
}

/// Returns a page in which each of the lists has the first value of the dictionary only. If the page
/// continues a list, its first list is not a new row.
fn page(lists: Lists, continues: bool, second_version: bool) -> CompressedPage {
    let (mut repetition, mut definition) = (Vec::new(), Vec::new());
    for row in 0..lists.rows {
        let is_new = u32::from(row > 0 || !continues);
        run(&mut repetition, is_new, 0);
        run(&mut repetition, lists.length - is_new, 1);
    }
    let num_values = lists.rows * lists.length;
    run(&mut definition, num_values, 1);
    // The indices of the values in the dictionary, of one bit each.
    let mut values = vec![1];
    run(&mut values, num_values, 0);
    let length = |levels: &[u8]| u32::try_from(levels.len()).unwrap();
    let page = if second_version {
        Page::DataPageV2 {
            buf: [&*repetition, &definition, &values].concat().into(),
            num_values,
            encoding: Encoding::RLE_DICTIONARY,
            num_nulls: 0,
            num_rows: lists.rows - u32::from(continues),
            def_levels_byte_len: length(&definition),
            rep_levels_byte_len: length(&repetition),
            is_compressed: false,
            statistics: None,
        }
    } else {
        let prefixed = |levels: &[u8]| [&length(levels).to_le_bytes()[..], levels].concat();
        Page::DataPage {
            buf: [prefixed(&repetition), prefixed(&definition), values]
                .concat()
                .into(),
            num_values,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        }
    };
    let bytes = page.buffer().len();
    CompressedPage::new(page, bytes)
}

/// The columns of a file: a repeated number in each, with the same pages.
struct Columns {
    count: usize,
    /// The lists of each page, and whether its first list goes on from the page before.
    pages: Vec<(Lists, bool)>,
    second_version: bool,
}

impl Columns {
    fn rows(&self) -> i64 {
        let rows = |(lists, continues): &(Lists, bool)| lists.rows - u32::from(*continues);
        i64::from(self.pages.iter().map(rows).sum::<u32>())
    }

    /// Returns a file of one row group, whose footer says how many values a column has.
    fn file(&self, claimed: impl Fn(i64) -> i64) -> Vec<u8> {
        let number = |column: usize| {
            let name = format!("c{column}");
            let builder = Type::primitive_type_builder(&name, Physical::INT64);
            let repeated = builder.with_repetition(Repetition::REPEATED);
            Arc::new(repeated.build().unwrap())
        };
        let root = Type::group_type_builder("rows")
            .with_fields((0..self.count).map(number).collect())
            .build()
            .unwrap();
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
        let mut out = TrackedWrite::new(Vec::new());
        out.write_all(b"PAR1").unwrap();
        let mut chunks = Vec::new();
        for column in schema.columns() {
            let start = i64::try_from(out.bytes_written()).unwrap();
            let mut writer = SerializedPageWriter::new(&mut out);
            let dictionary = Page::DictionaryPage {
                buf: Bytes::from_static(&[7, 0, 0, 0, 0, 0, 0, 0]),
                num_values: 1,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            writer
                .write_page(CompressedPage::new(dictionary, 8))
                .unwrap();
            let first = i64::try_from(out.bytes_written()).unwrap();
            for (lists, continues) in &self.pages {
                let mut writer = SerializedPageWriter::new(&mut out);
                let page = page(*lists, *continues, self.second_version);
                writer.write_page(page).unwrap();
            }
            let end = i64::try_from(out.bytes_written()).unwrap();
            let values = |(lists, _): &(Lists, bool)| i64::from(lists.rows * lists.length);
            chunks.push(
                ColumnChunkMetaData::builder(Arc::clone(column))
                    .set_compression(Compression::UNCOMPRESSED)
                    .set_encodings(vec![
                        Encoding::PLAIN,
                        Encoding::RLE,
                        Encoding::RLE_DICTIONARY,
                    ])
                    .set_num_values(claimed(self.pages.iter().map(values).sum()))
                    .set_total_compressed_size(end - start)
                    .set_total_uncompressed_size(end - start)
                    .set_dictionary_page_offset(Some(start))
                    .set_data_page_offset(first)
                    .build()
                    .unwrap(),
            );
        }
        let group = RowGroupMetaData::builder(Arc::clone(&schema))
            .set_num_rows(self.rows())
            .set_column_metadata(chunks)
            .build()
            .unwrap();
        let file = FileMetaData::new(1, self.rows(), None, None, schema, None);
        let mut bytes = out.into_inner().unwrap();
        let metadata = ParquetMetaData::new(file, vec![group]);
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &metadata)
            .finish()
            .unwrap();
        bytes.extend(footer);
        bytes
    }
}

/// Reads and writes all rows from `start` on. Returns the length of each row's first list, and the most rows
/// of a batch.
fn lengths(bytes: &[u8], start: u64) -> Result<(Vec<usize>, usize), FileError> {
    let file = ParquetFile::open("t.parquet", Arc::new(Bytes::copy_from_slice(bytes)))?;
    let layout = TableLayout::of(&file)?;
    let mut part = PartWriter::new(&layout, &[], &[])?;
    let mut reader = rows_from(&file, start)?;
    let (mut found, mut most) = (Vec::new(), 0);
    while let Some(batch) = reader.next_batch()? {
        most = most.max(batch.len());
        for row in batch.rows() {
            let cell = row.cell(0);
            let text = cell.text().unwrap();
            found.push(if text == "[]" {
                0
            } else {
                text.matches(',').count() + 1
            });
            part.push(row, &[])?;
        }
        part.take()?;
    }
    Ok((found, most))
}

fn lists(rows: u32, length: u32) -> Lists {
    Lists { rows, length }
}

/// The peak memory of this process, bytes. Other tests run in it at the same time.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

/// 200 columns with a page of 16 million numbers: 25 GB.
#[test]
fn long_lists_of_equal_values_are_refused_before_they_are_decoded() {
    let many = 16 << 20;
    for (second_version, pages, start, row) in [
        (false, vec![(lists(1, many), false)], 0, 1),
        (true, vec![(lists(1, many), false)], 0, 1),
        // Short lists come before, in the same page or in another one.
        (
            false,
            vec![(lists(3, 2), false), (lists(2, many / 2), false)],
            0,
            4,
        ),
        (
            true,
            vec![(lists(3, 2), false), (lists(2, many / 2), false)],
            4,
            5,
        ),
        // The list goes on in the next pages.
        (
            false,
            vec![(lists(1, many / 4), false), (lists(1, many), true)],
            0,
            1,
        ),
    ] {
        let columns = Columns {
            count: 200,
            pages,
            second_version,
        };
        let bytes = columns.file(|values| values);
        assert!(bytes.len() < 64 << 10, "{}", bytes.len());
        let before = peak();
        let text = lengths(&bytes, start).unwrap_err().to_string();
        let taken = peak() - before;
        assert!(taken < 2 << 30, "{taken}");
        for words in [
            "t.parquet: column \"c".to_owned(),
            format!("row {row}, in row group 0, is in it. The row takes "),
            " more than the 134217728 ".to_owned(),
            "shorten its values or lists".to_owned(),
        ] {
            assert!(text.contains(&words), "{words}: {text}");
        }
    }
}

#[test]
fn a_page_that_claims_more_values_than_its_column_is_refused() {
    let columns = Columns {
        count: 1,
        pages: vec![(lists(2, 50), false), (lists(2, 50), false)],
        second_version: false,
    };
    assert_eq!(
        lengths(&columns.file(|values| values), 0).unwrap().0,
        [50; 4]
    );
    let text = lengths(&columns.file(|values| values - 1), 0)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("claims 100 values, more than the 99 that are left of its column"),
        "{text}"
    );
    assert!(text.contains("column \"c0\" of row group 0"), "{text}");
}

/// The lists of single rows fit, but not those of all rows that are decoded together as a rule.
#[test]
fn long_lists_among_short_ones_are_decoded_row_by_row() {
    let long = 1 << 20;
    for second_version in [false, true] {
        // In the second version, a page begins with a row.
        let goes_on = !second_version;
        let pages = vec![
            (lists(3_000, 1), false),
            (lists(2, long), false),
            (lists(1, long), goes_on),
            (lists(4, long), false),
            (lists(20_000, 1), false),
        ];
        let columns = Columns {
            count: 2,
            pages,
            second_version,
        };
        let bytes = columns.file(|values| values);
        let length = long as usize;
        let long_rows = if goes_on {
            vec![length, 2 * length]
        } else {
            vec![length; 3]
        };
        let expected = [vec![1; 3_000], long_rows, vec![length; 4], vec![1; 20_000]].concat();
        let start = if goes_on { 0 } else { 3_002 };
        let (found, most) = lengths(&bytes, start).unwrap();
        assert_eq!(found, expected[usize::try_from(start).unwrap()..]);
        assert!(most > 1);
    }
}

/// Each value of a fixed length has its place in memory, also where it is null or equal to others.
#[test]
fn long_values_of_a_fixed_length_are_refused_before_they_are_decoded() {
    let width = 25 << 20;
    let file = |columns: usize, rows: usize| {
        let field = |column: usize| {
            let name = format!("c{column}");
            let builder = Type::primitive_type_builder(&name, Physical::FIXED_LEN_BYTE_ARRAY);
            let optional = builder
                .with_repetition(Repetition::OPTIONAL)
                .with_length(width);
            Arc::new(optional.build().unwrap())
        };
        let root = Type::group_type_builder("rows")
            .with_fields((0..columns).map(field).collect())
            .build()
            .unwrap();
        let mut bytes = Vec::new();
        let properties = WriterProperties::builder().set_dictionary_enabled(false);
        let mut file =
            SerializedFileWriter::new(&mut bytes, Arc::new(root), Arc::new(properties.build()))
                .unwrap();
        let mut rows_of = file.next_row_group().unwrap();
        while let Some(mut column) = rows_of.next_column().unwrap() {
            let values = column.typed::<FixedLenByteArrayType>();
            values.write_batch(&[], Some(&vec![0; rows]), None).unwrap();
            column.close().unwrap();
        }
        rows_of.close().unwrap();
        file.close().unwrap();
        bytes
    };
    let read = |columns: usize, rows: usize| {
        let bytes = Bytes::from(file(columns, rows));
        let file = ParquetFile::open("t.parquet", Arc::new(bytes)).unwrap();
        let reading = FileReading {
            parts: true,
            ..FileReading::default()
        };
        let mut reader = file.read(0..file.rows(), &reading).unwrap();
        reader.next_batch().map(|batch| batch.unwrap().len())
    };
    let before = peak();
    assert_eq!(read(2, 4).unwrap(), 1);
    let text = read(40, 4).unwrap_err().to_string();
    assert!(peak() - before < 2 << 30);
    assert!(
        text.contains("row 1, in row group 0, is in it. The row takes 1048576080 bytes"),
        "{text}"
    );
}
