//! A run has at most the rows and the bytes that its deployment and its pipeline allow, and what is
//! above that costs nothing.

use crate::support::{CELL, refusal, rows, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_edge::s3::memory::MemoryStore;
use quarry_planned_run::RunInput;
use std::io::Write;

fn assert_only_the_owner_is_stored(store: &MemoryStore) {
    let mut stored = store.locations();
    stored.retain(|at| at.key().starts_with("work/"));
    assert_eq!(stored, [run().owner()]);
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn a_run_of_more_rows_than_its_pipeline_allows_is_refused_with_the_remedy() {
    rows(10)
        .await
        .set("BEDROCK_MAX_ROWS", "10")
        .planned()
        .await
        .unwrap();
    let text = refusal(&rows(11).await.set("BEDROCK_MAX_ROWS", "10")).await;
    assert_eq!(
        text,
        "the data has more than 10 rows, as many as a run may have with BEDROCK_MAX_ROWS 10; split the data, or raise \
         BEDROCK_MAX_ROWS in the pipeline's request.json or in the deployment"
    );
}

#[tokio::test]
async fn more_rounds_allow_fewer_rows() {
    let input = |count: usize| async move {
        let input = rows(count).await.set("BEDROCK_MAX_ROWS", "10");
        input.set("BEDROCK_MAX_RETRIES", "9")
    };
    input(4).await.planned().await.unwrap();
    let text = refusal(&input(5).await).await;
    assert!(
        text.contains("more than 4 rows") && text.contains("BEDROCK_MAX_RETRIES 9"),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_does_not_raise_the_deployments_caps() {
    let mut input = rows(11).await;
    input
        .deployment
        .insert("BEDROCK_MAX_ROWS".to_owned(), "10".to_owned());
    let text = refusal(&input).await;
    assert!(text.contains("more than 10 rows"), "{text}");
    let text = refusal(&input.clone().set("BEDROCK_MAX_ROWS", "")).await;
    assert!(text.contains("more than 10 rows"), "{text}");
    let text = refusal(&input.set("BEDROCK_MAX_ROWS", "11")).await;
    assert_eq!(
        text,
        "BEDROCK_MAX_ROWS is `11`; allowed: at most 10, as the deployment says"
    );
}

#[tokio::test]
async fn the_tables_of_a_training_run_have_the_cap_together() {
    let files: [(&str, &[u8]); 2] = [
        ("train/a.csv", b"row\n1\n2\n"),
        ("val/a.csv", b"row\n3\n4\n"),
    ];
    let mut input = RunInput::new(CELL, &files).await;
    input.payload.request.job_type = "training".parse().unwrap();
    let input = input.set("BEDROCK_BATCH_MODE", "realtime");
    let text = refusal(&input.clone().set("BEDROCK_MAX_ROWS", "3")).await;
    assert!(text.contains("more than 3 rows"), "{text}");
    let text = refusal(&input.clone().set("BEDROCK_MAX_DATA_BYTES", "15")).await;
    assert!(text.contains("more than 15 bytes"), "{text}");
    let input = input.set("BEDROCK_MAX_DATA_BYTES", "16");
    input.set("BEDROCK_MAX_ROWS", "4").planned().await.unwrap();
}

#[tokio::test]
async fn unpacked_bytes_count_and_are_refused_while_they_are_unpacked() {
    let text = [b"row\n".to_vec(), b"abc\n".repeat(100_000)].concat();
    let file = packed(&text);
    assert!(file.len() < 10_000);
    let input = RunInput::new(CELL, &[("a.csv.gz", &file)]).await;
    input
        .clone()
        .set("BEDROCK_MAX_DATA_BYTES", "400004")
        .planned()
        .await
        .unwrap();
    let other = RunInput::new(CELL, &[("a.csv.gz", &file)]).await;
    let store = other.store.clone();
    let text = refusal(&other.set("BEDROCK_MAX_DATA_BYTES", "400003")).await;
    assert_eq!(
        text,
        "the data has more than 400003 bytes when it is unpacked, as many as BEDROCK_MAX_DATA_BYTES allows; split the \
         data, or raise BEDROCK_MAX_DATA_BYTES in the pipeline's request.json or in the deployment"
    );
    assert_only_the_owner_is_stored(&store);
}

#[tokio::test]
async fn a_small_file_of_blank_lines_is_refused_before_it_fills_the_store() {
    let file = packed(&[b"row\n1\n".to_vec(), vec![b'\n'; 80 << 20]].concat());
    let input = RunInput::new(CELL, &[("a.csv.gz", &file)]).await;
    let store = input.store.clone();
    let text = refusal(&input).await;
    assert!(
        text.contains("begins at byte 6 of the unpacked file") && text.contains("blank lines"),
        "{text}"
    );
    assert_only_the_owner_is_stored(&store);
}
