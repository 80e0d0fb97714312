//! The result of a table holds the parts in the order of the slices, in the table's format.

use crate::support::{COLUMNS, PROMPTS, World, sliced, table};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use quarry_parquet::{FileReading, ParquetFile};
use quarry_planned_run::RunInput;
use quarry_table::Cell;
use std::io::{Read, Write};
use std::sync::Arc;

const RESULT: &str = "validation_processed_data.csv";

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// There are more slices than receipts that are read at the same time.
#[tokio::test]
async fn a_result_is_the_header_line_and_every_part_in_the_order_of_the_slices() {
    for slices in [1, 3, 70] {
        let world = World::new(2 * slices, 2).await;
        assert_eq!(world.plan.slices as usize, slices);
        world.finish().await.unwrap();
        let parts: Vec<String> = (0..slices)
            .map(|slice| format!("slice {slice}\n"))
            .collect();
        let expected = format!("row,{COLUMNS}\n{}", parts.concat());
        assert_eq!(world.text(RESULT).await, expected);
    }
}

#[tokio::test]
async fn a_table_without_rows_has_a_result_of_its_header_alone() {
    let world = World::new(0, 2).await;
    assert_eq!(world.plan.slices, 0);
    let output = world.finish().await.unwrap();
    assert_eq!(world.text(RESULT).await, format!("row,{COLUMNS}\n"));
    assert_eq!((output.done, output.rows), (true, 0));
}

#[tokio::test]
async fn json_lines_have_no_header_line() {
    let data = [("rows.jsonl", &b"{\"a\": 1}\n{\"a\": 2}\n"[..])];
    let world = World::planned(sliced(RunInput::new(PROMPTS, &data).await, 1)).await;
    for slice in 0..2 {
        world.merged(slice, format!("{{\"a\":{slice}}}\n")).await;
    }
    world.finish().await.unwrap();
    let result = world.text("validation_processed_data.jsonl").await;
    assert_eq!(result, "{\"a\":0}\n{\"a\":1}\n");
}

#[tokio::test]
async fn the_result_of_compressed_files_is_one_compressed_file() {
    let data = packed("row\nr0\nr1\n");
    let input = RunInput::new(PROMPTS, &[("rows.csv.gz", &data)]).await;
    let world = World::planned(sliced(input, 1)).await;
    for slice in 0..2 {
        world
            .merged(slice, packed(&format!("slice {slice}\n")))
            .await;
    }
    world.finish().await.unwrap();
    let result = world.result("validation_processed_data.csv.gz").await;
    let mut text = String::new();
    let read = MultiGzDecoder::new(&*result).read_to_string(&mut text);
    read.unwrap();
    assert_eq!(text, format!("row,{COLUMNS}\nslice 0\nslice 1\n"));
}

/// All rows of the slice are errors, and the run leaves error rows out.
#[tokio::test]
async fn a_part_without_bytes_adds_nothing() {
    let world = World::new(6, 2).await;
    world.merged(1, "").await;
    world.change(1, |receipt| receipt.rows_written = 0).await;
    world.finish().await.unwrap();
    let expected = format!("row,{COLUMNS}\nslice 0\nslice 2\n");
    assert_eq!(world.text(RESULT).await, expected);
}

#[tokio::test]
async fn every_training_split_has_its_own_result_even_if_it_is_empty() {
    let files = [
        ("train/a.csv", &b"row\nr0\nr1\n"[..]),
        ("val/notes.txt", b"no table"),
        ("test/a.csv", b"row\nr2\n"),
    ];
    let mut input = sliced(RunInput::new(PROMPTS, &files).await, 1);
    input.payload.request.job_type = "training".parse().unwrap();
    let world = World::planned(input).await;
    for slice in 0..3 {
        world.merged(slice, format!("slice {slice}\n")).await;
    }
    let output = world.finish().await.unwrap();
    assert_eq!(output.rows, 3);
    for (split, rows) in [
        ("train", "slice 0\nslice 1\n"),
        ("val", ""),
        ("test", "slice 2\n"),
    ] {
        let result = world
            .text(&format!("{split}/{split}_processed_data.csv"))
            .await;
        assert_eq!(result, format!("row,{COLUMNS}\n{rows}"), "{split}");
    }
}

#[tokio::test]
async fn a_column_of_the_input_that_the_result_replaces_is_in_it_once() {
    let data = [("rows.csv", &b"llm_status,row\nold,r0\n"[..])];
    let input = RunInput::new(PROMPTS, &data).await;
    let world = World::planned(input.set("BEDROCK_REPLACE_COLUMNS", "true")).await;
    world.merged(0, "").await;
    world.finish().await.unwrap();
    assert_eq!(world.text(RESULT).await, format!("row,{COLUMNS}\n"));
}

const PANDAS: &[u8] = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");

/// Returns a column's cells as text.
fn column(file: &ParquetFile, name: &str) -> Vec<String> {
    let cells = [name.to_owned()];
    let reading = FileReading {
        cells: &cells,
        ..FileReading::default()
    };
    let mut reader = file.read(0..file.rows(), &reading).unwrap();
    let mut column = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        for row in batch.rows() {
            let cell = match row.cell(0) {
                Cell::Null => "null".to_owned(),
                cell => cell.text().unwrap_or_default().to_string(),
            };
            column.push(cell);
        }
    }
    column
}

#[tokio::test]
async fn the_parts_of_a_parquet_table_become_one_file_with_its_rows_in_order() {
    let whole = bytes::Bytes::from_static(PANDAS);
    let before = ParquetFile::open("before", Arc::new(whole)).unwrap();
    let rows = usize::try_from(before.rows()).unwrap();
    let input = RunInput::new(PROMPTS, &[("table.parquet", PANDAS)]).await;
    let world = World::planned(sliced(input, rows.div_ceil(3))).await;
    assert_eq!(world.plan.slices, 3);
    world.merged_without_answers().await;
    let output = world.finish().await.unwrap();
    assert_eq!(output.failed, before.rows());

    let result = world.result("validation_processed_data.parquet").await;
    let after = ParquetFile::open("after", Arc::new(result)).unwrap();
    assert_eq!(after.rows(), before.rows());
    let results: Vec<&str> = COLUMNS.split(',').collect();
    let expected = before.columns().iter().map(String::as_str).chain(results);
    assert_eq!(after.columns(), expected.collect::<Vec<_>>());
    let first = &before.columns()[0];
    assert_eq!(column(&after, first), column(&before, first));
    assert_eq!(column(&after, "llm_status"), vec!["error"; rows]);
}

/// The footers are longer than the tail that is read first.
#[tokio::test]
async fn parts_with_long_footers_are_joined_too() {
    let name = "n".repeat(100_000);
    let schema = format!(r#"{{"properties": {{"{name}": {{"type": "string"}}}}}}"#);
    let input = RunInput::new(PROMPTS, &[("table.parquet", PANDAS)]).await;
    let input = input.schema(&schema).await;
    let world = World::planned(sliced(input, 3)).await;
    assert!(world.plan.slices > 1);
    world.merged_without_answers().await;
    let part = world.run.slice(0).part();
    let stored = quarry_edge::store::ObjectStore::head(&world.store, &part).await;
    assert!(stored.unwrap().size > 64 << 10);
    world.finish().await.unwrap();
    let result = world.result("validation_processed_data.parquet").await;
    let after = ParquetFile::open("after", Arc::new(result)).unwrap();
    assert_eq!(after.rows(), world.plan.tables[0].rows);
}

#[tokio::test]
async fn a_parquet_table_of_which_every_row_is_left_out_is_a_file_with_its_columns() {
    let input = RunInput::new(PROMPTS, &[("table.parquet", PANDAS)]).await;
    let input = sliced(input, 4).set("BEDROCK_SKIP_ERROR_RECORDS", "true");
    let world = World::planned(input).await;
    world.merged_without_answers().await;
    let output = world.finish().await.unwrap();
    assert_eq!(output.failed, world.plan.tables[0].rows);
    let result = world.result("validation_processed_data.parquet").await;
    let after = ParquetFile::open("after", Arc::new(result)).unwrap();
    assert_eq!(after.rows(), 0);
    assert_eq!(
        after.columns().len(),
        world.plan.tables[0].columns.len() + 7
    );
}

/// There is no part to join then.
#[tokio::test]
async fn a_parquet_table_without_rows_is_a_file_with_its_columns() {
    let empty = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas_empty.parquet");
    let input = RunInput::new(PROMPTS, &[("table.parquet", empty)]).await;
    let world = World::planned(input).await;
    assert_eq!(world.plan.slices, 0);
    world.finish().await.unwrap();
    let result = world.result("validation_processed_data.parquet").await;
    let after = ParquetFile::open("after", Arc::new(result)).unwrap();
    assert_eq!(after.rows(), 0);
    assert_eq!(
        after.columns().len(),
        world.plan.tables[0].columns.len() + 7
    );
}

#[tokio::test]
async fn what_was_there_before_is_replaced() {
    let input = table(2, 2).await;
    input.put(&format!("out/{RESULT}"), "an older result").await;
    let world = World::planned(input).await;
    world.merged(0, "new\n").await;
    world.finish().await.unwrap();
    assert_eq!(world.text(RESULT).await, format!("row,{COLUMNS}\nnew\n"));
}
