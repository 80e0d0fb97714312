//! Tables as the plan keeps them, and those that are refused.

use crate::support::Case;

const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;

#[tokio::test]
async fn the_plan_keeps_the_quoting_for_the_steps_behind() {
    let data = [("data.tsv", &b"a\tb\n\"x\t1\ny\t2\n"[..])];
    let case = Case::new(WHOLE, &data)
        .await
        .set("BEDROCK_CSV_QUOTING", "none");
    let plan = case.plan().await.unwrap();
    assert_eq!((plan.tables[0].rows, &*plan.tables[0].quoting), (2, "none"));
    let plan = Case::new(WHOLE, &[("data.csv", b"a\n1\n")])
        .await
        .plan()
        .await;
    assert_eq!(plan.unwrap().tables[0].quoting, "");
}

#[tokio::test]
async fn a_table_that_loses_rows_to_quotes_is_refused() {
    let data = [("data.csv", &b"a,b\n\"5\\\"\",1\n\"6\\\"\",2\n"[..])];
    let error = Case::new(WHOLE, &data).await.plan().await.unwrap_err();
    assert!(
        error.contains("data.csv, row 1 (line 2, byte 13): text follows"),
        "{error}"
    );
}

/// Keys that are data would become columns of the result, however many files they are spread over.
#[tokio::test]
async fn the_keys_of_all_files_of_a_table_are_limited_together() {
    let file = |number: usize| {
        let lines = (0..9_999).map(|key| format!("{{\"k{number}-{key}\":1}}\n"));
        lines.collect::<Vec<_>>().concat().into_bytes()
    };
    let (first, second) = (file(1), file(2));
    let files = [("a.jsonl", &*first), ("b.jsonl", &*second)];
    let error = Case::new(WHOLE, &files).await.plan().await.unwrap_err();
    assert_eq!(
        error,
        "b.jsonl: the table has more than 10000 different keys with this file; keys must be column names, not data"
    );
    let plan = Case::new(WHOLE, &[("a.jsonl", &first)]).await.plan().await;
    assert_eq!(plan.unwrap().tables[0].columns.len(), 9_999);
}

/// A message is as long as a person reads, however many columns there are.
#[tokio::test]
async fn files_of_different_columns_are_refused_in_few_words() {
    let header = |last: &str| {
        let names: Vec<String> = (0..20_000).map(|name| format!("column {name}")).collect();
        format!("{},{last}\n", names.join(",")).into_bytes()
    };
    let (first, second) = (header("x"), header("y"));
    let files = [("a.csv", &*first), ("b.csv", &*second)];
    let error = Case::new(WHOLE, &files).await.plan().await.unwrap_err();
    for words in ["column 20001", "\"x\"", "\"y\"", "a.csv", "b.csv"] {
        assert!(error.contains(words), "{error}");
    }
    assert!(error.len() < 300, "{error}");
}
