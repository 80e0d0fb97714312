//! The records of a round are exactly its rows.

use crate::support::{CELL, World, records_of};
use quarry_contract::plan::Asked;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::RunInput;

#[tokio::test]
async fn the_first_round_sends_every_row_of_the_slice_once_and_in_order() {
    let settings = [
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ("BEDROCK_MAX_RECORDS_PER_JOB", "4"),
    ];
    let world = World::of_rows(10, &settings).await;
    let mut all = Vec::new();
    for slice in 0..world.slices {
        let state = world.state(slice, 0);
        world.split(&state).await.unwrap();
        all.extend(world.records(&state).await);
    }
    assert!(world.slices > 2);
    assert_eq!(all, records_of(&(0..10).collect::<Vec<_>>()));
}

#[tokio::test]
async fn a_later_round_sends_the_listed_rows_and_no_others() {
    let world = World::of_rows(10, &[]).await;
    for (round, rows) in (1..).zip([vec![0, 1, 9], vec![4], (0..10).collect()]) {
        let state = world.state(0, round);
        world.list(&state, &rows).await;
        let after = world.split(&state).await.unwrap();
        assert_eq!(after.records, rows.len() as u64);
        assert_eq!(world.records(&state).await, records_of(&rows));
    }
}

#[tokio::test]
async fn the_counts_have_the_size_and_the_etag_of_the_records() {
    let world = World::of_rows(3, &[]).await;
    let state = world.state(0, 0);
    let after = world.split(&state).await.unwrap();
    let input = world.input(&state).await;
    let at = world.round(&state).input();
    let expected = Asked {
        version: 1,
        records: 3,
        bytes: input.len() as u64,
        etag: world.store.head(&at).await.unwrap().etag,
        ..Asked::default()
    };
    assert_eq!(world.asked(&state).await, expected);
    assert_eq!(after.records, 3);
    assert_eq!(input.lines().count(), 3);
    assert!(input.ends_with('\n'));
}

#[tokio::test]
async fn only_the_rounds_own_records_and_counts_are_written() {
    let world = World::of_rows(3, &[]).await;
    let before = world.store.locations();
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    let round = world.round(&state);
    let mut new = world.store.locations();
    new.retain(|at| !before.contains(at));
    assert_eq!(new, [round.asked(), round.input()]);
}

#[tokio::test]
async fn a_slice_over_several_files_is_read_in_their_order() {
    let files = [
        ("a.csv", &b"row\nr0\nr1\n"[..]),
        ("b.csv", b"row\n"),
        ("c.csv", b"row\nr2\n"),
    ];
    let world = World::planned(RunInput::new(CELL, &files).await).await;
    assert_eq!(world.slices, 1);
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    assert_eq!(world.records(&state).await, records_of(&[0, 1, 2]));
}

#[tokio::test]
async fn the_ids_of_a_training_split_name_it_and_number_its_own_rows() {
    let files = [
        ("train/a.csv", &b"row\nr0\n"[..]),
        ("test/a.csv", b"row\nr0\nr1\n"),
    ];
    let mut input = RunInput::new(CELL, &files).await;
    input.payload.request.job_type = "training".parse().unwrap();
    let world = World::planned(input).await;
    let mut ids = Vec::new();
    for slice in 0..world.slices {
        let state = world.state(slice, 0);
        world.split(&state).await.unwrap();
        ids.extend(world.records(&state).await.into_iter().map(|(id, _)| id));
    }
    assert_eq!(ids, ["train-record_0", "test-record_0", "test-record_1"]);
}

#[tokio::test]
async fn a_cell_reaches_the_prompt_byte_for_byte() {
    let cells = [
        "„Straße“ \u{1F600}",
        " {row} {{x}} ",
        r#""a ""b"", c""#,
        "\\n\\u0000",
    ];
    let world = World::of_cells(&cells, &[]).await;
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    let prompts: Vec<String> = world
        .records(&state)
        .await
        .into_iter()
        .map(|r| r.1)
        .collect();
    let expected = [cells[0], cells[1], r#"a "b", c"#, cells[3]];
    assert_eq!(prompts, expected);
}

#[tokio::test]
async fn truncated_cells_are_counted_by_cell_row_and_column() {
    let long = "x".repeat(50);
    let settings = [("BEDROCK_MAX_INPUT_FIELD_LENGTH", "40")];
    let world = World::of_cells(&["short", &long, &long], &settings).await;
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    let asked = world.asked(&state).await;
    assert_eq!((asked.truncations, asked.truncated_records), (2, 2));
    assert_eq!(asked.truncated_fields, [("row".to_owned(), 2)].into());
    let (_, prompt) = &world.records(&state).await[1];
    assert_eq!(prompt.chars().count(), 40);
    assert!(prompt.ends_with("[TRUNCATED DUE TO LENGTH]"), "{prompt}");
}

#[tokio::test]
async fn cells_are_complete_if_truncation_is_off() {
    let long = "x".repeat(50);
    let settings = [
        ("BEDROCK_MAX_INPUT_FIELD_LENGTH", "40"),
        ("BEDROCK_TRUNCATION_ENABLED", "false"),
    ];
    let world = World::of_cells(&[&long], &settings).await;
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    assert_eq!(world.asked(&state).await.truncations, 0);
    assert_eq!(world.records(&state).await[0].1, long);
}

/// The records have more bytes than the upload gets at once.
#[tokio::test]
async fn a_round_of_many_bytes_is_written_completely() {
    let cell = "y".repeat(700_000);
    let world = World::of_cells(
        &[&cell, &cell, &cell],
        &[("BEDROCK_TRUNCATION_ENABLED", "false")],
    )
    .await;
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    let asked = world.asked(&state).await;
    assert_eq!(asked.bytes, world.input(&state).await.len() as u64);
    assert!(
        world
            .records(&state)
            .await
            .iter()
            .all(|(_, prompt)| *prompt == cell)
    );
}
