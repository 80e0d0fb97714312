//! Tables that the plan accepts, and those that it refuses.

use crate::support::{CELL, WHOLE, packed, refusal, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_contract::settings::CsvQuoting;
use quarry_planned_run::RunInput;
use std::io::Write;

#[tokio::test]
async fn the_plan_keeps_the_quoting_for_the_later_steps() {
    let data = [("data.tsv", &b"a\tb\n\"x\t1\ny\t2\n"[..])];
    let case = RunInput::new(WHOLE, &data)
        .await
        .set("BEDROCK_CSV_QUOTING", "none");
    let plan = case.plan().await.unwrap();
    let table = &plan.tables[0];
    assert_eq!((table.rows, table.quoting), (2, CsvQuoting::None));
    let plan = RunInput::new(WHOLE, &[("data.csv", b"a\n1\n")])
        .await
        .plan()
        .await;
    assert_eq!(plan.unwrap().tables[0].quoting, CsvQuoting::Standard);
}

/// Quarry would refuse the result as the input of a next run.
#[tokio::test]
async fn a_header_of_the_result_that_could_not_be_read_again_is_refused() {
    let data = [("data.csv", &b"a\n1\n"[..])];
    let collide = r#"{"properties": {"a,b": {"type": "string"}, "a b": {"type": "string"}}}"#;
    let input = RunInput::new(WHOLE, &data).await.schema(collide).await;
    let error = refusal(&input.set("BEDROCK_CSV_QUOTING", "none")).await;
    assert!(
        error.contains("data.csv: the result would have two columns")
            && error.contains("the schema property \"a,b\""),
        "{error}"
    );
    let input = RunInput::new(WHOLE, &data).await.schema(collide).await;
    input.plan().await.unwrap();
    let nul = r#"{"properties": {"a\u0000b": {"type": "string"}}}"#;
    let error = refusal(&RunInput::new(WHOLE, &data).await.schema(nul).await).await;
    assert!(
        error.contains("U+0000") && error.contains("rename the schema property"),
        "{error}"
    );
    let lines = [("data.jsonl", &b"{\"a\":1}\n"[..])];
    let input = RunInput::new(WHOLE, &lines).await.schema(nul).await;
    input.plan().await.unwrap();
}

#[tokio::test]
async fn a_table_that_loses_rows_to_quotes_is_refused() {
    let data = [("data.csv", &b"a,b\n\"5\\\"\",1\n\"6\\\"\",2\n"[..])];
    let error = refusal(&RunInput::new(WHOLE, &data).await).await;
    assert!(
        error.contains("data.csv, row 1 (line 2, byte 13): text follows"),
        "{error}"
    );
}

/// Keys that are data would become columns of the result, even if they are spread over many files.
#[tokio::test]
async fn the_keys_of_all_files_of_a_table_are_limited_together() {
    let file = |number: usize| {
        let lines = (0..9_999).map(|key| format!("{{\"k{number}-{key}\":1}}\n"));
        lines.collect::<Vec<_>>().concat().into_bytes()
    };
    let (first, second) = (file(1), file(2));
    let files = [("a.jsonl", &*first), ("b.jsonl", &*second)];
    let error = refusal(&RunInput::new(WHOLE, &files).await).await;
    assert_eq!(
        error,
        "b.jsonl: the table has more than 10000 different keys with this file; keys must be column names, not data"
    );
    let plan = RunInput::new(WHOLE, &[("a.jsonl", &first)])
        .await
        .plan()
        .await;
    assert_eq!(plan.unwrap().tables[0].columns.len(), 9_999);
}

/// Ten megabytes of gzip can hold ten gigabytes of zeros. They are refused before they are stored.
#[tokio::test]
async fn a_compressed_file_is_refused_at_the_first_row_that_is_too_long() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"a\n1\n").unwrap();
    gzip.write_all(&vec![0; 80 << 20]).unwrap();
    let packed = gzip.finish().unwrap();
    let case = RunInput::new(WHOLE, &[("data.csv.gz", &packed)]).await;
    let store = case.store.clone();
    let error = refusal(&case).await;
    assert_eq!(
        error,
        "data.csv.gz: the line that begins at byte 4 of the unpacked file is longer than a row may be, 67108864 bytes, blank \
         lines included; shorten the row, or look for a missing line break"
    );
    let mut stored = store.locations();
    stored.retain(|at| at.key().starts_with("work/"));
    assert_eq!(stored, [run().owner()], "and no unpacked copy");
}

/// Some storage fills files up to whole blocks, and gzip tools read them.
#[tokio::test]
async fn zeros_after_a_compressed_file_do_not_count() {
    let padded = [packed("a\n1\n2\n"), vec![0; 1_000]].concat();
    let plan = RunInput::new(WHOLE, &[("data.csv.gz", &padded)]).await;
    assert_eq!(plan.plan().await.unwrap().tables[0].rows, 2);
    let other = [packed("a\n1\n"), b"\0\0rest".to_vec()].concat();
    let error = refusal(&RunInput::new(WHOLE, &[("data.csv.gz", &other)]).await).await;
    assert!(
        error.contains("data.csv.gz is not a whole gzip file: bytes follow the zeros"),
        "{error}"
    );
}

#[tokio::test]
async fn plain_text_named_as_compressed_is_refused_with_the_remedy() {
    let case = RunInput::new(WHOLE, &[("data.csv.gz", b"a,b\n1,2\n")]).await;
    let error = refusal(&case).await;
    assert!(
        error.contains("take .gz from its name if it is not compressed"),
        "{error}"
    );
}

/// The message stays short enough to read, however many columns there are.
#[tokio::test]
async fn files_of_different_columns_are_refused_in_few_words() {
    let header = |last: &str| {
        let names: Vec<String> = (0..20_000).map(|name| format!("column {name}")).collect();
        format!("{},{last}\n", names.join(",")).into_bytes()
    };
    let (first, second) = (header("x"), header("y"));
    let files = [("a.csv", &*first), ("b.csv", &*second)];
    let error = refusal(&RunInput::new(WHOLE, &files).await).await;
    for words in ["column 20001", "\"x\"", "\"y\"", "a.csv", "b.csv"] {
        assert!(error.contains(words), "{error}");
    }
    assert!(error.len() < 300, "{error}");
}

/// The state machine goes by this to `finish`, without a Map.
#[tokio::test]
async fn tables_without_rows_are_planned_as_empty() {
    for (rows, is_empty) in [(0, true), (1, false)] {
        let input = crate::support::rows(rows).await;
        let planned = input.planned().await.unwrap();
        assert_eq!((planned.empty, planned.slices == 0), (is_empty, is_empty));
    }
}

/// It may be what a broken upload has left.
#[tokio::test]
async fn a_file_without_a_header_is_refused_beside_others_too() {
    let whole: &[u8] = b"row\n1\n";
    for files in [
        [("1.csv", whole), ("2.csv", b"")],
        [("1.csv", b""), ("2.csv", whole)],
    ] {
        let error = refusal(&RunInput::new(CELL, &files).await).await;
        let empty = if files[0].1.is_empty() {
            "1.csv"
        } else {
            "2.csv"
        };
        assert_eq!(
            error,
            format!(
                "{empty} is empty: it needs a header row with the column names; write it again, or delete it if it has no rows"
            )
        );
    }
    let lines = [("1.jsonl", &b"{\"row\":1}\n"[..]), ("2.jsonl", b"")];
    RunInput::new(CELL, &lines).await.planned().await.unwrap();
}
