//! What is wrong with a Parquet file is found before anything is paid for, because merge writes
//! every column.

use crate::support::refusal;
use quarry_planned_run::RunInput;

/// A prompt that shows one column of the table; the other one is `text`.
const NUMBER: &str = r#"{"user_prompt_template": "{n}", "input_placeholders": ["n"]}"#;

/// Returns a table of 200 rows without compression.
fn table() -> Vec<u8> {
    include_bytes!("../../../../crates/parquet/tests/fixtures/codec_none.parquet").to_vec()
}

#[tokio::test]
async fn a_damaged_page_of_a_column_that_no_prompt_shows_is_refused_with_its_place() {
    let mut damaged = table();
    // The length of the last text of 18 bytes, which is in row 196.
    let text = b"\x12\0\0\0abcabcabcabcabcabc";
    let mut places = damaged.windows(text.len()).enumerate();
    let place = places.rfind(|(_, found)| found == text).map(|(at, _)| at);
    damaged[place.unwrap() + 3] = 0x7f;
    assert_eq!(
        refusal(&RunInput::new(NUMBER, &[("t.parquet", &damaged)]).await).await,
        "t.parquet: the file is damaged at or after row 196, in column \"text\" of row group 0: Parquet argument error: EOF: \
         eof decoding byte array; write it again, or without this column"
    );
    RunInput::new(NUMBER, &[("t.parquet", &table())])
        .await
        .planned()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_codec_that_merge_could_not_read_is_refused_in_whichever_column_it_is() {
    let brotli = include_bytes!("../../../../crates/parquet/tests/fixtures/codec_brotli.parquet");
    let error = refusal(&RunInput::new(NUMBER, &[("t.parquet", brotli)]).await).await;
    assert!(error.contains("compressed with Brotli"), "{error}");
}
