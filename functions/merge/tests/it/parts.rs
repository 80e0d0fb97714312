//! The slice's part of the result has every row once, in order, with its own cells and its result
//! columns.

use crate::support::{World, answer, error, say};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::Step;
use quarry_edge::store::ObjectStore;
use quarry_parquet::{FileReading, ParquetFile};
use quarry_planned_run::{RunInput, SMALL_MODEL, long_cell};
use std::io::{Read, Write};
use std::sync::Arc;

const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;
const SCHEMA: &str = r#"{"properties": {"a": {"type": "integer"}}, "required": ["a"]}"#;

/// A run over files, without retries.
async fn world_of(files: &[(&str, &[u8])], schema: Option<&str>) -> World {
    let input = RunInput::new(WHOLE, files).await;
    let input = match schema {
        Some(schema) => input.schema(schema).await,
        None => input,
    };
    World::of(input.set("BEDROCK_MAX_RETRIES", "0")).await
}

#[tokio::test]
async fn a_part_has_every_row_of_the_slice_once_and_in_order() {
    let world = World::new(10, 4, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let mut rows = Vec::new();
    for slice in 0..world.slices {
        // Every other row has an answer.
        let lines: Vec<String> = (0..10).step_by(2).map(answer).collect();
        let state = world.answered(world.first(slice), &lines).await;
        assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
        let part = world.part(slice).await;
        rows.extend(
            part.lines()
                .map(|line| line.split_once(',').unwrap().0.to_owned()),
        );
    }
    let expected: Vec<String> = (0..10).map(|row| format!("r{row}")).collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn the_cells_of_the_input_come_back_byte_for_byte() {
    let table = "a,b\n\"x\"\"y, z\",  007 \n„ß“,\n\"two\nlines\",NULL\n";
    let world = world_of(&[("t.csv", table.as_bytes())], None).await;
    let lines = [say(0, "w"), say(1, "w"), say(2, "w")];
    world.round_of(world.first(0), &lines).await;
    let part = world.part(0).await;
    for row in [
        "\"x\"\"y, z\",  007 ,w,",
        "„ß“,,w,",
        "\"two\nlines\",NULL,w,",
    ] {
        assert!(part.contains(row), "{part} lacks {row}");
    }
}

#[tokio::test]
async fn the_result_columns_are_the_properties_of_the_schema_and_then_the_six() {
    let world = world_of(&[("t.csv", b"x\n1\n2\n3\n")], Some(SCHEMA)).await;
    let lines = [
        say(0, "Here it is: {\"a\": 5}"),
        say(1, "{\"a\": \"five\"}"),
        error(2, 400, "no", false),
    ];
    world.round_of(world.first(0), &lines).await;
    let part = world.part(0).await;
    let rows: Vec<&str> = part.lines().collect();
    assert_eq!(rows[0], "1,5,success,True,success,,,");
    assert!(
        rows[1].starts_with("2,,validation_failed,False,success,,"),
        "{part}"
    );
    assert!(rows[1].contains("/a"), "{part}");
    assert_eq!(rows[2], "3,,error,False,error,400: no,,");
}

#[tokio::test]
async fn a_row_without_an_answer_says_why_there_is_none() {
    for (status, message, words) in [
        (
            JobStatus::Completed,
            "",
            "no answer came back in 1 round; job quarry-run-",
        ),
        (JobStatus::Expired, "", "ended as Expired"),
        (
            JobStatus::Expired,
            "the time of the job was up",
            "ended as Expired: the time of the job was up",
        ),
    ] {
        let world = World::new(2, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        let state = world.answered(world.first(0), &[answer(1)]).await;
        world.job_ended(&state, status, message).await;
        assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
        let part = world.part(0).await;
        assert!(part.contains(words), "{part} lacks {words}");
    }
}

#[tokio::test]
async fn a_row_that_could_not_be_sent_says_why_and_is_never_sent() {
    let long = long_cell();
    let table = format!("row\na\n{long}\n");
    let input = RunInput::new(WHOLE, &[("t.csv", table.as_bytes())]).await;
    let world = World::of(input.set(SMALL_MODEL.0, SMALL_MODEL.1)).await;
    let after = world.round_of(world.first(0), &[answer(0)]).await;
    assert_eq!(after.next, Step::Done, "although rounds are left");
    let receipt = world.receipt(0).await;
    assert_eq!((receipt.unsendable, receipt.rows_written), (1, 2));
    assert_eq!(receipt.rounds[0].counts.asked, 1);
    let part = world.part(0).await;
    let second = part.lines().nth(1).unwrap();
    assert!(
        second.contains(",error,") && second.contains("20"),
        "{part}"
    );
}

#[tokio::test]
async fn error_rows_are_left_out_where_the_settings_say_so_and_are_still_counted() {
    let settings = [
        ("BEDROCK_SKIP_ERROR_RECORDS", "true"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let world = World::new(3, 100, &settings).await;
    world
        .round_of(world.first(0), &[answer(0), answer(2)])
        .await;
    let part = world.part(0).await;
    let rows: Vec<&str> = part.lines().map(|line| &line[..2]).collect();
    assert_eq!(rows, ["r0", "r2"]);
    let receipt = world.receipt(0).await;
    assert_eq!((receipt.rows, receipt.rows_written), (3, 2));
    assert_eq!((receipt.files[0].records, receipt.files[0].failed), (3, 1));
}

#[tokio::test]
async fn json_lines_get_their_result_as_members() {
    let table = b"{\"x\": 1.50, \"y\": null}\n";
    let world = world_of(&[("t.jsonl", table)], Some(SCHEMA)).await;
    world
        .round_of(world.first(0), &[say(0, "{\"a\": 5}")])
        .await;
    let part = world.part(0).await;
    assert!(part.starts_with("{\"x\": 1.50, \"y\": null"), "{part}");
    let row: serde_json::Value = serde_json::from_str(part.trim()).unwrap();
    assert_eq!(
        (&row["llm_a"], &row["llm_status"]),
        (&5.into(), &"success".into())
    );
}

#[tokio::test]
async fn the_part_of_a_compressed_table_is_compressed() {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"x\n1\n").unwrap();
    let packed = gzip.finish().unwrap();
    let world = world_of(&[("t.csv.gz", &packed)], None).await;
    world.round_of(world.first(0), &[say(0, "w")]).await;
    let at = world.run.slice(0).part();
    let body = world.store.get(&at, u64::MAX).await.unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(&*body)
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.starts_with("1,w,"), "{text}");
}

#[tokio::test]
async fn a_parquet_part_is_a_parquet_file_with_typed_results() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let world = world_of(&[("t.parquet", table)], Some(SCHEMA)).await;
    let before = bytes::Bytes::from_static(table);
    let before = ParquetFile::open("before", Arc::new(before)).unwrap();
    // The number needs more than 64 bits, so it does not fit the column and is counted.
    let lines = [
        say(0, "{\"a\": 5}"),
        say(1, "{\"a\": 99999999999999999999}"),
    ];
    world.round_of(world.first(0), &lines).await;
    let at = world.run.slice(0).part();
    let body = world.store.get(&at, u64::MAX).await.unwrap();
    let part = ParquetFile::open("part", Arc::new(body)).unwrap();
    assert_eq!(part.rows(), before.rows());
    assert_eq!(part.columns().len(), before.columns().len() + 7);
    let receipt = world.receipt(0).await;
    assert_eq!(receipt.unfit, [("llm_a".to_owned(), 1)].into());
}

#[tokio::test]
async fn the_text_of_an_answer_stays_if_a_parquet_column_does_not_hold_its_value() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let world = world_of(&[("t.parquet", table)], Some(SCHEMA)).await;
    let big = "{\"a\":  18446744073709551615}";
    let lines = [say(0, "{\"a\": 5}"), say(1, big)];
    world.round_of(world.first(0), &lines).await;
    let at = world.run.slice(0).part();
    let body = world.store.get(&at, u64::MAX).await.unwrap();
    let part = ParquetFile::open("part", Arc::new(body)).unwrap();
    let columns = ["llm_a", "llm_parse_status", "llm_raw_response"].map(str::to_owned);
    let reading = FileReading {
        cells: &columns,
        ..FileReading::default()
    };
    let batch = part
        .read(0..2, &reading)
        .unwrap()
        .next_batch()
        .unwrap()
        .unwrap();
    let rows: Vec<Vec<&str>> = batch
        .rows()
        .map(|row| {
            let cells = (0..columns.len()).map(|index| row.cell(index));
            cells.map(|cell| cell.text().unwrap_or_default()).collect()
        })
        .collect();
    assert_eq!(rows[0], ["5", "success", ""]);
    assert_eq!(rows[1], ["", "success", big]);
}

#[tokio::test]
async fn a_column_that_the_result_replaces_is_in_the_part_once() {
    let input = RunInput::new(WHOLE, &[("t.csv", b"llm_error,x\nold,1\n")]).await;
    let input = input.set("BEDROCK_REPLACE_COLUMNS", "true");
    let world = World::of(input).await;
    world.round_of(world.first(0), &[say(0, "[5]")]).await;
    assert_eq!(world.part(0).await, "1,[5],json_only,False,success,,,\n");
}

/// The answers have more bytes than a slice keeps in memory.
#[tokio::test]
async fn answers_of_more_than_16_mib_are_all_in_the_part() {
    let world = World::new(9, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let text = |row: u64| {
        char::from(b'a' + u8::try_from(row).unwrap())
            .to_string()
            .repeat(2 << 20)
    };
    let lines: Vec<String> = (0..9).map(|row| say(row, &text(row))).collect();
    assert!(lines.concat().len() > quarry_merge::MEMORY_BYTES);
    world.round_of(world.first(0), &lines).await;
    let part = world.part(0).await;
    assert_eq!(part.lines().count(), 9);
    for (row, line) in (0..).zip(part.lines()) {
        assert!(
            line.starts_with(&format!("r{row},{}", text(row))),
            "row {row}"
        );
    }
}
