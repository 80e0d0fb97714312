//! Promise: a run over a sample ends with a whole small result, whatever the format, and its summary says
//! what all rows would take.

use crate::parquet_tables::{assert_passed_through, file_of, random};
use crate::support::{Case, csv, rows_of};
use arrow_array::UInt64Array;
use arrow_select::take::take_record_batch;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use quarry_contract::request::SampleRequest;
use quarry_cost::Usd;
use quarry_local_stack::CallLimit;
use quarry_result::summary::{ProjectionSummary, Summary};
use quarry_table::Format;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

const SEVEN: Option<u32> = Some(7);

async fn case(name: &str, body: Bytes, rows: u64, seed: Option<u32>) -> Case {
    let settings = [("BEDROCK_BATCH_MODE", "batch")];
    let files = [(name, body)];
    let mut case = Case::of_files(&files, "Judge {id}: {text}", &settings, |config| {
        config.call_limit = CallLimit::Pieces(2);
    })
    .await;
    case.request.sample = Some(SampleRequest { rows, seed });
    case
}

async fn ran(case: &Case) -> Summary {
    let finished = case.run().await.unwrap();
    let summary: Summary = serde_json::from_value(finished.summary).unwrap();
    assert_eq!(summary.failed_records, 0);
    assert!(!summary.batch_processing_used);
    summary
}

fn packed(text: &str) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap().into()
}

/// Returns the rows of a text table whose cells have no line breaks, without its header.
fn lines(text: &str, has_header: bool) -> Vec<&str> {
    text.lines().skip(usize::from(has_header)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_of_a_text_sample_come_back_in_order_with_their_bytes() {
    let (mut csv, mut json) = ("id,text\r\n".to_owned(), String::new());
    for id in 0..400 {
        let _ = write!(csv, "{id},\"letter {id}\"\r\n");
        let _ = writeln!(json, "{{\"id\":{id}, \"text\" : \"letter {id}\"}}");
    }
    let tsv = csv.replace(',', "\t");
    for (name, text, gzip, has_header) in [
        ("a.csv", &csv, false, true),
        ("a.csv.gz", &csv, true, true),
        ("a.tsv", &tsv, false, true),
        ("a.jsonl", &json, false, false),
    ] {
        for seed in [None, SEVEN] {
            let body = if gzip {
                packed(text)
            } else {
                Bytes::from(text.clone())
            };
            let case = case(name, body, 23, seed).await;
            let summary = ran(&case).await;
            assert_eq!((summary.rows.r#in, summary.rows.out), (23, 23), "{name}");
            let ending = &name[1..];
            let result = case
                .written(&format!("validation_sample_processed_data{ending}"))
                .await;
            let mut found = String::new();
            if gzip {
                MultiGzDecoder::new(&result[..])
                    .read_to_string(&mut found)
                    .unwrap();
            } else {
                found = String::from_utf8(result.to_vec()).unwrap();
            }
            let all = lines(text, has_header);
            let found = lines(&found, has_header);
            let place = |row: &&str| {
                let kept = |one: &&str| row.starts_with(one.trim_end_matches('}'));
                all.iter().position(kept).unwrap()
            };
            // Row 1 begins like rows 10 to 19, but not with the quote after its number.
            let places: Vec<usize> = found.iter().map(place).collect();
            assert_eq!(places.len(), 23, "{name}");
            assert!(
                places.windows(2).all(|two| two[0] < two[1]),
                "{name}: {places:?}"
            );
            let is_first = places == (0..23).collect::<Vec<usize>>();
            assert_eq!(is_first, seed.is_none(), "{name}");
            let sample = summary.sample.unwrap();
            assert_eq!((sample.rows, sample.of, sample.seed), (23, 400, seed));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_of_a_parquet_sample_keep_their_values_and_types() {
    let table = random(3, 0, 120);
    for seed in [None, SEVEN] {
        let case = case("a.parquet", file_of(&table, 50), 17, seed).await;
        ran(&case).await;
        let result = case
            .written("validation_sample_processed_data.parquet")
            .await;
        let chosen = quarry_slicing::sampled_rows(120, 17, seed);
        let chosen = take_record_batch(&table, &UInt64Array::from(chosen)).unwrap();
        assert_passed_through(&[chosen], result);
    }
}

/// The tokens and the cost of all rows, from a sample that is all rows, are those of the run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_rows_would_take_follows_from_the_sample() {
    let data = || Bytes::from(csv(150));
    let whole = ran(&case("data.csv", data(), 150, None).await).await;
    let cost = whole.cost.unwrap();
    let all = whole.sample.unwrap().projection.unwrap();
    assert_eq!(
        all,
        ProjectionSummary {
            records: 150,
            input_tokens: whole.tokens.input,
            output_tokens: whole.tokens.output,
            in_jobs: Some(half(cost.total)),
            on_demand: Some(cost.total),
        }
    );
    let part = ran(&case("data.csv", data(), 30, SEVEN).await).await;
    let sample = part.sample.unwrap();
    assert_eq!((sample.rows, sample.of), (30, 150));
    let projection = sample.projection.unwrap();
    assert_eq!(projection.records, 150);
    assert_eq!(projection.input_tokens, part.tokens.input * 5);
    assert_eq!(projection.output_tokens, part.tokens.output * 5);
    assert_eq!(
        projection.on_demand,
        Some(part.cost.unwrap().total.times(5))
    );
    assert_eq!(
        projection.in_jobs,
        Some(half(projection.on_demand.unwrap()))
    );
}

/// The price in a job is half of that on demand.
fn half(cost: Usd) -> Usd {
    cost.half()
}

/// A sample into the folder of a whole result replaces nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_leaves_the_result_of_the_whole_table_as_it_is() {
    let mut case = case("data.csv", Bytes::from(csv(40)), 5, SEVEN).await;
    case.request
        .settings
        .insert("BEDROCK_BATCH_MODE".to_owned(), "realtime".to_owned());
    let sample = case.request.sample.take();
    case.run().await.unwrap();
    let whole = case.result().await;
    assert_eq!(rows_of(Format::Csv, whole.as_bytes()).len(), 40);
    case.request.sample = sample;
    case.stack.run("another", &case.request).await.unwrap();
    assert_eq!(case.result().await, whole);
    let result = case.written("validation_sample_processed_data.csv").await;
    assert_eq!(rows_of(Format::Csv, &result).len(), 5);
}
