//! A sample is a small table in the place of the whole one: its rows are untouched and in order, the
//! whole table is checked and counted, and however planning is broken off, the sample is the same.

use crate::support::{CELL, WHOLE, packed, plan_in, refusal, run, slice_in};
use quarry_contract::plan::{Mode, Plan, Slice, WholeTable};
use quarry_contract::request::{JobType, SampleRequest};
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{BY_JOBS, RunInput, TimeFor, contents};
use std::fmt::Write as _;
use std::sync::Arc;

fn sampled(mut input: RunInput, rows: u64, seed: Option<u32>) -> RunInput {
    input.payload.request.sample = Some(SampleRequest { rows, seed });
    input
}

/// Returns the content of a table's files, as they are planned.
async fn planned_text(store: &MemoryStore, plan: &Plan, table: usize) -> String {
    let mut text = String::new();
    for file in &plan.tables[table].files {
        let body = store.get(&file.location, u64::MAX).await.unwrap();
        assert_eq!(body.len() as u64, file.size);
        text.push_str(std::str::from_utf8(&body).unwrap());
    }
    text
}

/// Rows that only their own bytes can be compared with: quoted, with line breaks, blank lines between
/// them, and of two files.
fn odd_rows() -> [String; 2] {
    let mut files = ["row,n\r\n".to_owned(), "row,n\r\n".to_owned()];
    for number in 0..300 {
        let file = &mut files[usize::from(number >= 170)];
        let _ = match number % 4 {
            0 => write!(file, "\"a \"\"b\"\", {number}\",{number}\r\n"),
            1 => write!(file, "\"two\r\nlines\",{number}\r\n\r\n"),
            2 => write!(file, "00123,\"{number}\"\r\n"),
            _ => write!(file, " NA ,{number}\r\n"),
        };
    }
    files
}

/// Returns the records of a text in which each ends with a number and a line break.
fn records(text: &str) -> Vec<String> {
    let mut records = vec![String::new()];
    for line in text.split_inclusive("\r\n").filter(|line| *line != "\r\n") {
        let last = records.last_mut().unwrap();
        last.push_str(line);
        if last.matches('"').count() % 2 == 0 {
            records.push(String::new());
        }
    }
    records.pop();
    records
}

async fn odd_input(seed: Option<u32>) -> RunInput {
    let [first, second] = odd_rows();
    let files = [("a.csv", first.as_bytes()), ("b.csv", second.as_bytes())];
    let input = RunInput::new(CELL, &files)
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        // So that there are many places from which the rows are read.
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "100");
    sampled(input, 40, seed)
}

#[tokio::test]
async fn the_rows_of_a_sample_are_untouched_and_in_order() {
    let [first, second] = odd_rows();
    let header = "row,n\r\n";
    let mut all = records(&first[header.len()..]);
    all.extend(records(&second[header.len()..]));
    assert_eq!(all.len(), 300);
    let mut random = Vec::new();
    for seed in [None, Some(1), Some(2), Some(u32::MAX)] {
        let input = odd_input(seed).await;
        let plan = input.plan().await.unwrap();
        let text = planned_text(&input.store, &plan, 0).await;
        let found = records(text.strip_prefix(header).unwrap());
        assert_eq!(found.len(), 40, "{seed:?}");
        let places: Vec<usize> = found
            .iter()
            .map(|row| all.iter().position(|one| one == row).unwrap())
            .collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{seed:?}");
        if seed.is_none() {
            assert_eq!(found, all[..40]);
        } else {
            assert!(places[39] >= 170, "the second file has chosen rows");
            random.push(places);
        }
        assert_eq!(plan.tables[0].files[0].name, "a sample of 2 files");
        assert_eq!(
            plan.sample.unwrap().tables,
            [WholeTable {
                rows: 300,
                records: 300,
                sampled_records: 40
            }]
        );
    }
    assert!(random[0] != random[1] && random[1] != random[2]);
}

/// Whatever the settings say, and for a table that would be asked in jobs.
#[tokio::test]
async fn a_sample_is_asked_on_demand_and_a_note_says_so() {
    for (seed, which) in [
        (None, "the first 3 of 9 rows"),
        (Some(7), "3 random rows of 9, with the seed 7"),
    ] {
        let mut input = crate::support::rows(9).await;
        for (name, value) in BY_JOBS {
            input = input.set(name, value);
        }
        let input = sampled(input, 3, seed);
        let plan = input.plan().await.unwrap();
        assert_eq!(
            (plan.tables[0].mode, plan.tables[0].rows),
            (Mode::OnDemand, 3)
        );
        assert_eq!(slice_in(&input.store, 0).await.mode, Mode::OnDemand);
        let note = format!(
            "the data set: the sample is {which}; it is asked on demand, whatever BEDROCK_BATCH_MODE says"
        );
        assert!(plan.notes.contains(&note), "{:?}", plan.notes);
        assert!(plan.sample.unwrap().takes_jobs);
    }
}

#[tokio::test]
async fn a_table_with_fewer_rows_is_taken_whole_and_as_it_is() {
    for rows in [0, 1, 5] {
        let input = sampled(crate::support::rows(rows).await, 5, Some(3));
        let plan = input.plan().await.unwrap();
        assert_eq!(plan.tables[0].rows, rows as u64);
        let at = &plan.tables[0].files[0].location;
        assert_eq!(at.to_string(), "s3://bucket/in/rows.csv");
        let note = format!("the data set: the sample is all {rows} rows, no more than 5;");
        assert!(plan.notes.iter().any(|one| one.starts_with(&note)));
    }
}

/// Each table of a training data set has a sample of its own.
#[tokio::test]
async fn every_split_has_its_own_sample() {
    let rows =
        |count: u32| (0..count).fold("row\n".to_owned(), |text, row| format!("{text}r{row}\n"));
    let (many, few) = (rows(30), rows(2));
    let files = [
        ("train/a.csv", many.as_bytes()),
        ("val/b.csv", few.as_bytes()),
        ("test/readme.txt", b"no table"),
    ];
    let mut input = sampled(RunInput::new(CELL, &files).await, 4, None);
    input.payload.request.job_type = JobType::Training;
    let plan = input.plan().await.unwrap();
    let found: Vec<(&str, u64)> = plan
        .tables
        .iter()
        .map(|table| (table.split.as_deref().unwrap(), table.rows))
        .collect();
    assert_eq!(found, [("train", 4), ("val", 2), ("test", 0)]);
    assert_eq!(
        plan.result_name(&plan.tables[0]),
        "train/train_sample_processed_data.csv"
    );
    let whole: Vec<u64> = plan
        .sample
        .unwrap()
        .tables
        .iter()
        .map(|one| one.rows)
        .collect();
    assert_eq!(whole, [30, 2, 0]);
}

/// The columns of JSON Lines are those of all rows, so that a prompt may name a column that the sample's
/// rows lack.
#[tokio::test]
async fn the_columns_are_those_of_the_whole_table() {
    let text = "{\"a\":1}\n{\"a\":2}\n{\"a\":3,\"row\":\"x\"}\n";
    let input = RunInput::new(CELL, &[("a.jsonl.gz", &packed(text))]).await;
    let input = sampled(input, 2, None);
    let plan = input.plan().await.unwrap();
    assert_eq!(plan.tables[0].columns, ["a", "row"]);
    assert!(
        plan.tables[0].gzip,
        "the result is compressed, as the table is"
    );
    let sample = planned_text(&input.store, &plan, 0).await;
    assert_eq!(sample, "{\"a\":1}\n{\"a\":2}\n");
}

/// The damage is in a row that is not in the sample.
#[tokio::test]
async fn the_whole_table_is_checked() {
    let input = RunInput::new(CELL, &[("a.csv", b"row,n\nr0,1\nr1,2\nr2\n")]).await;
    let error = refusal(&sampled(input, 1, None)).await;
    assert!(error.contains("a.csv"), "{error}");
    let input = crate::support::rows(9).await.set("BEDROCK_MAX_ROWS", "8");
    let error = refusal(&sampled(input, 1, None)).await;
    assert!(error.contains("BEDROCK_MAX_ROWS"), "{error}");
}

#[tokio::test]
async fn a_sample_of_no_rows_or_of_too_many_is_refused_with_the_remedy() {
    for rows in [0, 10_001] {
        let error = refusal(&sampled(crate::support::rows(1).await, rows, None)).await;
        assert_eq!(
            error,
            format!(
                "a sample of {rows} rows is not possible: it has 1 to 10000 rows of each table, which are asked on demand; \
                 give a number in this range, or leave the sample out to ask all rows"
            )
        );
    }
}

async fn slices(store: &MemoryStore) -> (Plan, Vec<Slice>) {
    let plan = plan_in(store).await;
    let mut slices = Vec::new();
    for slice in 0..plan.slices {
        slices.push(slice_in(store, slice).await);
    }
    (plan, slices)
}

/// Returns runs over every format, with samples of more than one object.
async fn inputs() -> Vec<RunInput> {
    let pandas = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let rows = (0..2_500).fold("row\n".to_owned(), |mut text, row| {
        let _ = writeln!(text, "r{row}");
        text
    });
    let parquet = [("a.parquet", &pandas[..]), ("b.parquet", pandas)];
    vec![
        odd_input(Some(5)).await,
        sampled(RunInput::new(WHOLE, &parquet).await, 4, Some(5)),
        sampled(
            RunInput::new(CELL, &[("a.csv.gz", &packed(&rows))]).await,
            2_200,
            Some(9),
        ),
    ]
}

#[tokio::test]
async fn a_sample_that_is_taken_over_several_calls_is_the_same() {
    for (at_once, in_pieces) in inputs().await.into_iter().zip(inputs().await) {
        at_once.planned().await.unwrap();
        let mut turn = 0;
        loop {
            let store = Arc::new(in_pieces.store.clone());
            // Each call is repeated, because its response was lost.
            let first = in_pieces
                .call(store.clone(), turn, &TimeFor::pieces(1))
                .await;
            let first = first.unwrap();
            let second = in_pieces.call(store, turn, &TimeFor::pieces(1)).await;
            let output = second.unwrap();
            turn += 1;
            if output.done {
                break;
            }
            assert_eq!(output, first);
            assert!(turn < 60, "no end in sight");
        }
        assert!(turn > 1);
        assert_eq!(slices(&in_pieces.store).await, slices(&at_once.store).await);
    }
}

#[tokio::test]
async fn random_rows_that_cannot_be_read_in_a_call_are_refused_with_the_remedy() {
    // Each row is a place to read from.
    let input = crate::support::rows(3_000)
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "64");
    let input = sampled(input, 900, Some(1));
    let mut turn = 0;
    let error = loop {
        let store = Arc::new(input.store.clone());
        match input.call(store, turn, &TimeFor::pieces(0)).await {
            Ok(output) => turn = output.turn,
            Err(error) => break error,
        }
        assert!(turn < 10, "no end in sight");
    };
    assert!(turn > 0, "the next call has all its time for the sample");
    assert_eq!(error.name(), "Quarry.BadRequest");
    assert_eq!(
        error.full_message(),
        "the 900 random rows of the data set cannot be read in the time of one call; take fewer rows, or the first rows, \
         without a seed"
    );
    assert!(input.store.open_uploads().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_dies_at_any_write_leaves_no_plan_and_the_next_takes_the_same_sample() {
    let whole = inputs().await;
    for (number, input) in whole.iter().enumerate() {
        input.planned().await.unwrap();
        let expected = contents(&input.store).await;
        let mut deaths = 0;
        for nth in 1.. {
            let again = inputs().await.swap_remove(number);
            let faulty = FaultyStore::new(again.store.clone());
            let faulty = faulty.fail_all(StoreOperation::Put, nth.., StoreFault::Unavailable);
            if again.call(Arc::new(faulty), 0, &Unlimited).await.is_ok() {
                break;
            }
            deaths += 1;
            assert!(!again.store.locations().contains(&run().plan()));
            again.planned().await.unwrap();
            assert_eq!(contents(&again.store).await, expected, "write {nth}");
        }
        assert!(
            deaths >= 5,
            "the owner, a copy, the sample, a slice, the manifest, the plan"
        );
    }
}

/// Every value of a Parquet table and its type; the files are of several programs.
#[tokio::test]
async fn a_parquet_sample_has_the_layout_of_its_table() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../crates/parquet/tests/fixtures"
    );
    for name in [
        "pandas",
        "duckdb",
        "fastparquet",
        "pyarrow_types",
        "spark_groups",
    ] {
        let table = std::fs::read(format!("{folder}/{name}.parquet")).unwrap();
        let input = RunInput::new(
            r#"{"user_prompt_template": "Judge this", "input_placeholders": []}"#,
            &[("t.parquet", &table)],
        )
        .await
        .set("BEDROCK_PROMPT_WITHOUT_COLUMNS", "allow");
        let whole = input.plan().await.unwrap();
        let input = RunInput::new(
            r#"{"user_prompt_template": "Judge this", "input_placeholders": []}"#,
            &[("t.parquet", &table)],
        )
        .await
        .set("BEDROCK_PROMPT_WITHOUT_COLUMNS", "allow");
        let input = sampled(input, 2, Some(3));
        let plan = input.plan().await.unwrap();
        assert_eq!(plan.tables[0].rows, 2, "{name}");
        assert_eq!(plan.tables[0].columns, whole.tables[0].columns, "{name}");
        assert!(plan.tables[0].files[0].location.key().contains("/sample-"));
    }
}
