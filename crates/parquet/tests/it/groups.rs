//! How many row groups a part has. Each of them takes room in the footer of the result.

use crate::fixture::{column, open_bytes};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use quarry_parquet::{
    FileReading, PartMeta, PartWriter, PlannedPart, ResultColumn, ResultKind, TableLayout,
};
use quarry_table::ResultCell;
use std::sync::Arc;

const READ_PARTS: FileReading<'_> = FileReading {
    cells: &[],
    whole_rows: false,
    parts: true,
};

/// Returns a file of numbers.
fn numbers(columns: usize, rows: i64) -> Bytes {
    let values = Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef;
    let columns = (0..columns).map(|number| (format!("c{number}"), Arc::clone(&values)));
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
    bytes.into()
}

/// Returns text that neither a dictionary nor a codec can shrink.
fn noise(length: usize) -> String {
    let mut seed = 1_u64;
    let mut noise = String::new();
    while noise.len() < length {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.extend((0..10).map(|n| char::from(33 + ((seed >> (6 * n)) & 63) as u8)));
    }
    noise
}

/// Writes all rows, each with 20 KB of its own if there is a result column.
fn write(mut writer: PartWriter, file: &Bytes, text: &str) -> PartMeta {
    let file = open_bytes("t.parquet", file.clone());
    let mut rows = file.read(0..file.rows(), &READ_PARTS).unwrap();
    while let Some(batch) = rows.next_batch().unwrap() {
        for row in batch.rows() {
            let at = usize::try_from(row.number()).unwrap().min(text.len());
            let text = [&text[at..], &text[..at]].concat();
            writer.push(row, &[ResultCell::Text(&text)]).unwrap();
        }
        writer.take().unwrap();
    }
    writer.finish().unwrap().1
}

fn writer(file: &Bytes, results: &[ResultColumn]) -> PartWriter {
    let layout = TableLayout::of(&open_bytes("t.parquet", file.clone())).unwrap();
    PartWriter::new(&layout, results, &[]).unwrap()
}

/// The empty dictionaries of so many columns would fill a row group with each batch of rows.
#[test]
fn a_wide_table_has_a_row_group_for_many_batches() {
    let file = numbers(1_000, 6_000);
    let meta = write(writer(&file, &[]), &file, "");
    // 48 MB of numbers, in batches of some 500 rows.
    assert!((1..=3).contains(&meta.row_groups), "{meta:?}");
}

/// A slice of more bytes than planning foresaw, because its answers are long, must not take the room of
/// the others.
#[test]
fn a_part_never_has_more_row_groups_than_its_share_of_the_footer() {
    let file = numbers(2, 6_000);
    let results = [column("raw", ResultKind::Text)];
    let text = noise(20_000);
    let room = writer(&file, &results).footer_room().unwrap();
    let mut found = Vec::new();
    for parts in [1, room.groups() / 3, room.groups()] {
        let groups = room.of_part(parts, 6_000, 6_000 * parts);
        let writer = writer(&file, &results).with_groups(groups);
        found.push(write(writer, &file, &text).row_groups);
    }
    assert!(found[0] > 3, "{found:?}");
    assert!(found[1] <= 3 && found[2] == 1, "{found:?}");
}

/// Planning refuses a run by this number.
#[test]
fn what_the_parts_need_grows_with_their_bytes_and_their_columns() {
    let file = numbers(2, 10);
    let planned = |mib: u64| PlannedPart {
        rows: 10,
        bytes: mib << 20,
    };
    let narrow = writer(&file, &[]).footer_room().unwrap();
    assert_eq!(narrow.needed(&[planned(1); 7]), 7);
    assert_eq!(narrow.needed(&[planned(640)]), 11);
    let wide = numbers(1_000, 10);
    let wide = writer(&wide, &[]).footer_room().unwrap();
    assert!(wide.groups() * 300 < narrow.groups(), "{wide:?} {narrow:?}");
}
