//! Files that look sound and claim what is not true: they are refused with the place, or read rightly.

use crate::fixture::{bytes, file_of, rows_from};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, StringArray};
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::file::metadata::{
    ColumnChunkMetaDataBuilder, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use quarry_parquet::{FileError, ParquetFile};
use std::process::Command;
use std::sync::Arc;

const MIB: usize = 1 << 20;

/// Pages of ten rows.
fn small_pages() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_data_page_row_count_limit(10)
        .set_write_batch_size(10)
}

fn numbers(rows: i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..rows))
}

/// Reads the rows from `start` on, as planning does, and returns the first column's texts.
fn read(bytes: &[u8], start: u64) -> Result<Vec<String>, FileError> {
    let file = ParquetFile::open("t.parquet", Arc::new(Bytes::copy_from_slice(bytes)))?;
    let mut reader = rows_from(&file, start)?;
    let mut texts = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        texts.extend(batch.rows().map(|row| {
            let cell = row.cell(0);
            cell.text().unwrap_or_default().to_owned()
        }));
    }
    Ok(texts)
}

fn refusal(bytes: &[u8], start: u64) -> String {
    read(bytes, start).unwrap_err().to_string()
}

fn metadata(bytes: &[u8]) -> ParquetMetaData {
    let bytes = Bytes::copy_from_slice(bytes);
    ParquetMetaDataReader::new()
        .parse_and_finish(&bytes)
        .unwrap()
}

/// Changes the only place at which `part` is in a range of the file.
fn change(bytes: &mut [u8], range: std::ops::Range<usize>, part: &[u8], by: &[u8]) {
    let found: Vec<usize> = range
        .clone()
        .filter(|at| bytes[*at..range.end].starts_with(part))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    bytes[found[0]..found[0] + by.len()].copy_from_slice(by);
}

/// Where the places of a column's pages are in a file.
fn index_of(bytes: &[u8], column: usize) -> std::ops::Range<usize> {
    let metadata = metadata(bytes);
    let column = metadata.row_group(0).column(column);
    let start = usize::try_from(column.offset_index_offset().unwrap()).unwrap();
    start..start + usize::try_from(column.offset_index_length().unwrap()).unwrap()
}

/// Lets an index say of a page that it begins one row earlier than it does. Returns the row.
fn shift_a_page(bytes: &mut [u8], index: std::ops::Range<usize>) -> u8 {
    let place = |row: u8| [0x16, row * 2, 0];
    let is_there = |row: &u8| {
        bytes[index.clone()]
            .windows(3)
            .any(|part| part == place(*row))
    };
    let row = (5..60).find(is_there).unwrap();
    change(bytes, index, &place(row), &place(row - 1));
    row
}

/// The steps of a run begin to read where the index says, so a false one would give a row the values of
/// another.
#[test]
fn a_page_index_that_is_not_true_is_refused_with_its_column_and_row_group() {
    let columns = vec![("n", numbers(60)), ("other", numbers(60))];
    let sound = file_of(columns, small_pages());
    for start in [0, 25] {
        assert_eq!(read(&sound, start).unwrap()[0], start.to_string());
    }
    for column in [0, 1] {
        let mut file = sound.clone();
        let index = index_of(&file, column);
        let row = shift_a_page(&mut file, index);
        let name = ["n", "other"][column];
        let text = refusal(&file, 0);
        for words in [
            &format!("in column {name:?} of row group 0"),
            "its page index does not have the page at byte",
            &format!(
                "which begins with row {} of its row group; write it again",
                row + 1
            ),
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
}

/// The headers of its pages do not say how many rows they have.
#[test]
fn the_page_index_of_a_list_is_not_trusted() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..60 {
        for item in 0..row % 4 {
            lists.values().append_value(format!("{row} {item}"));
        }
        lists.append(true);
    }
    let lists = Arc::new(lists.finish()) as ArrayRef;
    let mut file = file_of(vec![("lists", lists)], small_pages());
    let expected = read(&file, 33).unwrap();
    assert_eq!(expected[0], r#"["33 0"]"#);
    let index = index_of(&file, 0);
    assert!((1..33).contains(&shift_a_page(&mut file, index)));
    assert_eq!(read(&file, 33).unwrap(), expected);
    assert_eq!(read(&file, 0).unwrap()[33..], expected);
}

#[test]
fn a_page_that_claims_another_number_of_values_is_refused() {
    let sound = file_of(vec![("n", numbers(50))], WriterProperties::builder());
    let end = sound.len() - 200;
    for (claimed, reason) in [
        (63, "claims 63 values, more than the 50 that it can have"),
        (49, "row group has fewer rows than declared"),
    ] {
        let mut file = sound.clone();
        change(
            &mut file,
            4..end,
            b"\x2c\x15\x64",
            &[0x2c, 0x15, claimed * 2],
        );
        let text = refusal(&file, 0);
        assert!(text.contains(reason), "{text}");
        assert!(text.contains("row group 0") || claimed == 49, "{text}");
        assert!(text.contains("write it again"), "{text}");
    }
}

/// Returns a file with a changed description of one of its column chunks.
fn with_chunk(
    bytes: &[u8],
    number: usize,
    change: impl FnOnce(ColumnChunkMetaDataBuilder, &ParquetMetaData) -> ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    let metadata = metadata(bytes);
    let group = metadata.row_group(0);
    let mut columns = group.columns().to_vec();
    let column = columns[number].clone().into_builder();
    columns[number] = change(column, &metadata).build().unwrap();
    let group = group.clone().into_builder();
    let group = group.set_column_metadata(columns).build().unwrap();
    let changed = ParquetMetaData::new(metadata.file_metadata().clone(), vec![group]);
    let length = bytes[bytes.len() - 8..].first_chunk().unwrap();
    let data = bytes.len() - 8 - u32::from_le_bytes(*length) as usize;
    let mut file = bytes[..data].to_vec();
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &changed)
        .finish()
        .unwrap();
    file.extend(footer);
    file
}

#[test]
fn data_that_overlap_or_are_not_in_the_file_are_refused_with_their_columns() {
    let columns = vec![("n", numbers(50)), ("other", numbers(50))];
    let sound = file_of(columns, WriterProperties::builder());
    assert_eq!(
        read(&with_chunk(&sound, 1, |column, _| column), 0)
            .unwrap()
            .len(),
        50
    );
    let same = with_chunk(&sound, 1, |column, metadata| {
        column.set_data_page_offset(metadata.row_group(0).column(0).data_page_offset())
    });
    assert!(
        refusal(&same, 0)
            .contains("column \"n\" of row group 0 and of column \"other\" of row group 0 overlap"),
        "{}",
        refusal(&same, 0)
    );
    let length = i64::try_from(sound.len()).unwrap();
    for (column, size) in [(0, length), (1, length), (1, i64::MAX)] {
        let beyond = with_chunk(&sound, column, |chunk, _| {
            chunk.set_total_compressed_size(size)
        });
        let text = refusal(&beyond, 0);
        let name = ["n", "other"][column];
        assert!(
            text.contains(&format!(
                "row group 0 has data of column {name:?} where the file has none"
            )),
            "{text}"
        );
    }
    // A number of values that is too high is not needed, and one that is too low ends the rows.
    for values in [0, 20, 51, i64::MAX] {
        let lies = with_chunk(&sound, 0, |chunk, _| chunk.set_num_values(values));
        match read(&lies, 0) {
            Ok(texts) => assert_eq!((texts.len(), &*texts[49]), (50, "49"), "{values}"),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("\"n\" of row group 0"), "{values}: {text}");
            }
        }
    }
}

fn shared_texts(rows: usize) -> Vec<u8> {
    let text = "x".repeat(MIB);
    let texts = StringArray::from_iter_values((0..rows).map(|_| &*text));
    let properties = WriterProperties::builder()
        .set_encoding(Encoding::DELTA_BYTE_ARRAY)
        .set_data_page_size_limit(8 * MIB);
    let bytes = file_of(vec![("texts", Arc::new(texts) as ArrayRef)], properties);
    assert!(bytes.len() < 2 * MIB, "{}", bytes.len());
    bytes
}

/// In the file each text begins as the one before it, so the file has a single one.
#[test]
fn a_small_page_that_stands_for_long_texts_is_refused_before_they_are_decoded() {
    let text = refusal(&shared_texts(70), 0);
    assert_eq!(
        text,
        "t.parquet: column \"texts\": row group 0 has a page whose texts have 73400320 bytes when they are decoded, more than \
         the 67108864 of a page; write the file with smaller pages, or without the encoding DELTA_BYTE_ARRAY"
    );
    assert_eq!(refusal(&shared_texts(70), 69), text);
    let texts = read(&shared_texts(40), 0).unwrap();
    assert_eq!((texts.len(), texts[39].len()), (40, MIB));
}

#[test]
fn texts_with_their_lengths_before_them_are_read_as_they_are() {
    for encoding in [
        Encoding::DELTA_BYTE_ARRAY,
        Encoding::DELTA_LENGTH_BYTE_ARRAY,
    ] {
        let text = |row: usize| {
            (!row.is_multiple_of(7)).then(|| format!("{}{row}", "ab".repeat(row * row % 301)))
        };
        let texts = (0..3_000).map(text).collect::<StringArray>();
        let mut lists = ListBuilder::new(StringBuilder::new());
        for row in 0..3_000 {
            lists.values().append_option(text(row));
            lists.append(row % 5 > 0);
        }
        let columns = vec![
            ("texts", Arc::new(texts) as ArrayRef),
            ("lists", Arc::new(lists.finish()) as ArrayRef),
            ("nulls", Arc::new(StringArray::new_null(3_000)) as ArrayRef),
        ];
        let properties = WriterProperties::builder()
            .set_encoding(encoding)
            .set_data_page_row_count_limit(400)
            .set_write_batch_size(100);
        let file = file_of(columns, properties);
        for start in [0, 1_700] {
            let found = read(&file, start as u64).unwrap();
            let expected: Vec<String> = (start..3_000)
                .map(|row| text(row).unwrap_or_default())
                .collect();
            assert_eq!(found, expected, "{encoding}");
        }
    }
}

/// These places are numbers of levels and bytes in pages, which the decoder trusts.
#[test]
fn a_panic_of_the_decoder_is_an_error_of_the_file() {
    let mut panics = 0;
    for (at, column) in [(205, "i16"), (622, "u16"), (904, "f16"), (1_891, "day64")] {
        let mut file = bytes("pyarrow_types.parquet").to_vec();
        file[at] = 0xff;
        let text = refusal(&file, 0);
        let place = format!(
            "t.parquet: the file is damaged at or after row 1, in column {column:?} of row group 0: "
        );
        assert!(text.starts_with(&place), "{text}");
        assert!(
            text.ends_with("; write it again, or without this column"),
            "{text}"
        );
        let is_panic = text.contains("its contents contradict each other (the decoder: ");
        panics += u32::from(is_panic);
    }
    assert!(panics > 0, "the decoder panicked for none of the files");
}

/// It would stand in the log of a function before the error, without the name of the file.
#[test]
fn a_panic_of_the_decoder_is_not_printed() {
    let panics = "claims::a_panic_of_the_decoder_is_an_error_of_the_file";
    let mut program = Command::new(std::env::current_exe().unwrap());
    let run = program.args(["--exact", panics, "--nocapture"]).output();
    let run = run.unwrap();
    let out = String::from_utf8(run.stdout).unwrap();
    assert!(out.contains("1 passed"), "{out}");
    assert_eq!(String::from_utf8(run.stderr).unwrap(), "");
}

/// Writers of other languages give the place 0 to a dictionary that a column does not have.
#[test]
fn a_dictionary_at_the_first_byte_of_a_file_is_none() {
    let columns = vec![("n", numbers(50)), ("other", numbers(50))];
    let sound = file_of(columns, WriterProperties::builder());
    let claims = with_chunk(&sound, 0, |chunk, _| {
        chunk.set_dictionary_page_offset(Some(0))
    });
    let texts = read(&claims, 0).unwrap();
    assert_eq!((texts.len(), &*texts[49]), (50, "49"));
}
