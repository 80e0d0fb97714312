//! What a small file can make large in memory: pages, rows and batches have limits.

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, StringViewArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use quarry_parquet::{FileReading, ParquetFile, PartWriter, RowReader, TableLayout};
use std::sync::Arc;

const MIB: usize = 1 << 20;

/// Returns a file of one row group. Texts are repeated, so it is small.
fn file_of(columns: Vec<(String, ArrayRef)>, properties: WriterPropertiesBuilder) -> ParquetFile {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let properties = properties
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    assert!(bytes.len() < 2 * MIB, "{}", bytes.len());
    ParquetFile::open("t.parquet", Arc::new(Bytes::from(bytes))).unwrap()
}

/// Returns texts of these lengths, all of which share their memory.
fn shared(lengths: impl IntoIterator<Item = usize>) -> StringViewArray {
    let lengths: Vec<usize> = lengths.into_iter().collect();
    let longest = lengths.iter().copied().max().unwrap();
    let mut texts = StringViewBuilder::new();
    let block = texts.append_block("x".repeat(longest).into_bytes().into());
    for length in lengths {
        let length = u32::try_from(length).unwrap();
        texts.try_append_view(block, 0, length).unwrap();
    }
    texts.finish()
}

fn without_dictionary() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_write_batch_size(1)
}

fn reader(file: &ParquetFile, cells: &[&str]) -> RowReader {
    let cells: Vec<String> = cells.iter().map(|&name| name.to_owned()).collect();
    let reading = FileReading {
        cells: &cells,
        parts: true,
        ..FileReading::default()
    };
    file.read(0..file.rows(), &reading).unwrap()
}

/// Hundreds of columns could each have a page of 64 MiB.
#[test]
fn the_pages_of_all_columns_that_are_in_memory_together_have_a_limit() {
    let texts: ArrayRef = Arc::new(shared([7 * MIB; 8]));
    let file = |columns: usize| {
        let columns = (0..columns).map(|column| (format!("c{column}"), Arc::clone(&texts)));
        let one_page = without_dictionary().set_data_page_size_limit(60 * MIB);
        file_of(columns.collect(), one_page)
    };
    let error = reader(&file(5), &[]).next_batch().unwrap_err().to_string();
    for words in [
        "t.parquet: column \"c",
        "the pages of row group 0 that must be in memory at the same time have 293",
        "more than the 268435456 that are held",
        "smaller pages",
    ] {
        assert!(error.contains(words), "{error}");
    }
    let mut rows = reader(&file(4), &[]);
    let mut count = 0;
    while let Some(batch) = rows.next_batch().unwrap() {
        count += batch.len();
    }
    assert_eq!(count, 8);
}

/// The footer tells only the average, by which many rows would be decoded together.
#[test]
fn long_rows_among_short_ones_are_decoded_one_by_one() {
    let lengths = (0..40_000).map(|row| {
        if (100..108).contains(&row) {
            40 * MIB
        } else {
            9
        }
    });
    let numbers = Int64Array::from_iter_values(0..40_000);
    let columns: Vec<(String, ArrayRef)> = vec![
        ("n".to_owned(), Arc::new(numbers)),
        ("text".to_owned(), Arc::new(shared(lengths))),
    ];
    let file = file_of(columns, without_dictionary());
    let mut rows = reader(&file, &["n", "text"]);
    let mut next = 0_u64;
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows() {
            assert_eq!(row.cell(0).text().unwrap(), next.to_string());
            let length = if (100..108).contains(&next) {
                40 * MIB
            } else {
                9
            };
            assert_eq!(row.cell(1).text().unwrap().len(), length);
            next += 1;
        }
        let bytes: usize = batch
            .rows()
            .map(|row| row.cell(1).text().unwrap().len())
            .sum();
        assert!(bytes <= 16 * MIB || batch.len() == 1, "{bytes}");
    }
    assert_eq!(next, 40_000);
}

/// Returns a column of lists of a text of 1 MiB.
fn lists(rows: usize, texts: usize) -> ArrayRef {
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    let block = lists
        .values()
        .append_block("x".repeat(MIB).into_bytes().into());
    for _ in 0..rows {
        for _ in 0..texts {
            let length = u32::try_from(MIB).unwrap();
            lists.values().try_append_view(block, 0, length).unwrap();
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// In the file such a text is there once, but each row shows it.
#[test]
fn a_long_text_that_lists_share_is_shown_and_written_in_small_batches() {
    // Many writers do not say how long the texts are without a dictionary.
    let dictionary = WriterProperties::builder()
        .set_dictionary_page_size_limit(4 * MIB)
        .set_statistics_enabled(EnabledStatistics::None);
    let file = file_of(vec![("lists".to_owned(), lists(40, 4))], dictionary);
    let layout = TableLayout::of(&file).unwrap();
    let mut part = PartWriter::new(&layout, &[], &[]).unwrap();
    let mut rows = reader(&file, &["lists"]);
    for expected in 0..3 {
        let batch = rows.next_batch().unwrap().unwrap();
        assert_eq!((batch.first_row(), batch.len()), (expected * 4, 4));
        assert_eq!(batch.row_bytes(), 4 << 20);
        for row in batch.rows() {
            assert_eq!(row.cell(0).text().unwrap().len(), 4 * (MIB + 3) + 1);
            part.push(row, &[]).unwrap();
        }
    }
    let (bytes, meta) = part.finish().unwrap();
    assert_eq!(meta.rows, 12);
    let written = ParquetFile::open("part", Arc::new(bytes)).unwrap();
    let mut rows = reader(&written, &["lists"]);
    let mut count = 0;
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows() {
            assert_eq!(row.cell(0).text().unwrap().len(), 4 * (MIB + 3) + 1);
            count += 1;
        }
    }
    assert_eq!(count, 12);
}

#[test]
fn a_row_that_is_longer_than_a_row_may_be_is_refused_by_its_number() {
    let dictionary = WriterProperties::builder().set_dictionary_page_size_limit(4 * MIB);
    let short = StringArray::from(vec!["a"; 2]);
    let columns = vec![
        ("short".to_owned(), Arc::new(short) as ArrayRef),
        ("lists".to_owned(), lists(2, 70)),
    ];
    let error = reader(&file_of(columns, dictionary), &[])
        .next_batch()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.parquet: column \"lists\": most of row 1 is in it, which has 73400321 bytes, more than the 67108864 of a row; \
         shorten its values, or store them beside the table"
    );
}
