//! Which objects of a folder in S3 are data.

use crate::support::{Case, assert_every_row_once, csv};
use bytes::Bytes;

/// Spark, macOS and other systems keep their own files beside a table's, named after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_programs_keep_beside_a_table_is_left_out_and_noted() {
    let data = csv(3);
    let files = [
        ("part-00000.csv", Bytes::from(data.clone())),
        ("._part-00000.csv", Bytes::from_static(b"\0\x05\x16\x07\0")),
        (".part-00000.csv.crc", Bytes::from_static(b"crc\0")),
        (".DS_Store", Bytes::from_static(b"\0\0\0\x01Bud1")),
        ("_SUCCESS", Bytes::new()),
    ];
    let settings = [("BEDROCK_BATCH_MODE", "realtime")];
    let case = Case::of_files(&files, "Judge {id}: {text}", &settings, |_| {}).await;
    let finished = case.run().await.unwrap();
    assert_every_row_once(&data, &case.result().await);
    let notes = finished.summary["notes"].to_string();
    // In the order of S3, which is the order of bytes.
    let hidden = "begin with a dot: .DS_Store, ._part-00000.csv, .part-00000.csv.crc";
    assert!(notes.contains(hidden), "{notes}");
    assert!(notes.contains("Parquet: _SUCCESS"), "{notes}");
}

/// Quotes that no dialect closes are text if the setting says so, and no row is lost or changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_another_quoting_keeps_its_rows_and_their_bytes() {
    let tsv = "id\ttext\n1\t\"Hi, she said\n2\tlost\n3\t\"And then\n";
    let escaped = "id,text\n1,\"5\\\" disk\"\n2,\"6\\\" disk\"\n3,\"a, \\\\\"\n";
    for (name, quoting, data) in [
        ("data.tsv", "none", tsv),
        ("data.csv", "backslash", escaped),
    ] {
        let settings = [
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_CSV_QUOTING", quoting),
        ];
        let files = [(name, Bytes::from_static(data.as_bytes()))];
        let case = Case::of_files(&files, "Judge {id}: {text}", &settings, |_| {}).await;
        case.run().await.unwrap();
        let result = case.written(&format!("validation_processed_{name}")).await;
        let result = String::from_utf8(result.to_vec()).unwrap();
        assert_eq!(result.lines().count(), 4, "{result}");
        for (before, after) in data.lines().zip(result.lines()) {
            assert!(after.starts_with(before), "{before} in {after}");
        }
    }
}
