//! Measures how fast rows are read, become batch input, and are written with results, on one core.
//! Bytes are those of the values, not of the file.
//!
//! Run with `cargo bench -p quarry-parquet`.

use arrow_array::{Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use quarry_parquet::{
    FileReading, Joiner, ParquetFile, PartWriter, ResultColumn, ResultKind, TableLayout,
};
use quarry_prompt::{RecordEncoder, RenderOptions, Template};
use quarry_table::ResultCell;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Counts allocations: there should be none for each row.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const ROWS: usize = 40_000;

const CODECS: [&str; 3] = ["none", "snappy", "zstd"];

fn main() {
    divan::main();
}

/// Text of words, which compresses like real text.
fn said(seed: &mut u64, words: usize) -> String {
    const WORDS: [&str; 16] = [
        "where", "is", "my", "parcel", "it", "should", "have", "come", "last", "week", "I",
        "ordered", "two", "of", "them", "please",
    ];
    let mut text = String::new();
    for _ in 0..words {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = usize::try_from(*seed >> 60).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{} ", WORDS[word], *seed >> 56 & 0xf);
    }
    text
}

/// Rows of about 1,000 bytes, and the bytes of their values.
fn table(codec: &str) -> (Bytes, u64) {
    let mut seed = 1;
    let dialogues: StringArray = (0..ROWS).map(|_| Some(said(&mut seed, 120))).collect();
    let events: StringArray = (0..ROWS).map(|_| Some(said(&mut seed, 30))).collect();
    let ids: StringArray = (0..ROWS).map(|row| Some(format!("{row:08}"))).collect();
    let scores: Float64Array = (0_u32..)
        .take(ROWS)
        .map(|row| Some(f64::from(row) / 7.0))
        .collect();
    let counts: Int64Array = (0_i64..).take(ROWS).map(Some).collect();
    let bytes = [&dialogues, &events, &ids]
        .iter()
        .map(|texts| texts.value_data().len())
        .sum::<usize>()
        + 16 * ROWS;
    let columns: [(&str, Arc<dyn Array>); 5] = [
        ("id", Arc::new(ids)),
        ("dialogue", Arc::new(dialogues)),
        ("events", Arc::new(events)),
        ("score", Arc::new(scores)),
        ("count", Arc::new(counts)),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, values)| Field::new(*name, DataType::clone(values.data_type()), true))
        .collect();
    let values = columns.into_iter().map(|(_, values)| values).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), values).expect("equal lengths");
    let codec = match codec {
        "none" => Compression::UNCOMPRESSED,
        "snappy" => Compression::SNAPPY,
        _ => Compression::ZSTD(ZstdLevel::default()),
    };
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))
        .expect("a supported schema");
    writer.write(&batch).expect("memory takes all");
    (
        writer.into_inner().expect("memory takes all").into(),
        bytes as u64,
    )
}

fn open(bytes: &Bytes) -> ParquetFile {
    ParquetFile::open("table", Arc::new(bytes.clone())).expect("just written")
}

/// Reads two text columns.
#[divan::bench(args = CODECS)]
fn read(bencher: Bencher<'_, '_>, codec: &str) {
    let (bytes, plain) = table(codec);
    let file = open(&bytes);
    let cells = ["dialogue", "events"].map(str::to_owned);
    let reading = FileReading {
        cells: &cells,
        ..FileReading::default()
    };
    bencher
        .counter(ItemsCount::new(ROWS))
        .counter(BytesCount::new(plain))
        .bench(|| {
            let mut length = 0;
            let mut rows = file.read(0..file.rows(), &reading).expect("text columns");
            while let Some(batch) = rows.next_batch().expect("an intact file") {
                for row in batch.rows() {
                    length += row.cell(0).text().map_or(0, str::len);
                    length += row.cell(1).text().map_or(0, str::len);
                }
            }
            length
        });
}

/// Reads two text columns and renders them into records of a batch job. Counts the bytes of the
/// records.
#[divan::bench(args = CODECS)]
fn read_and_render(bencher: Bencher<'_, '_>, codec: &str) {
    let (bytes, _) = table(codec);
    let file = open(&bytes);
    let template = "Read the dialogue and the events, then classify.\n".repeat(20)
        + "Dialogue: {dialogue}\nEvents: {events}\nReturn JSON.";
    let template = Template::compile(&template, &[]);
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 32768,
        "messages": [{"role": "user", "content": "SLOT"}, {"role": "assistant", "content": "{"}],
        "system": "You are a careful classifier of customer dialogues. ".repeat(20),
    });
    let cells = template.columns().to_vec();
    let encoder = RecordEncoder::new(&body, "SLOT", template, RenderOptions::default())
        .expect("there is one slot");
    let run = || {
        let mut encoder = encoder.clone();
        let reading = FileReading {
            cells: &cells,
            ..FileReading::default()
        };
        let mut out = Vec::with_capacity(1 << 22);
        let mut written = 0;
        let mut rows = file.read(0..file.rows(), &reading).expect("text columns");
        while let Some(batch) = rows.next_batch().expect("an intact file") {
            for row in batch.rows() {
                written += encoder.encode(&mut out, "record_0", &row, None);
            }
            out.clear();
        }
        written
    };
    bencher
        .counter(ItemsCount::new(ROWS))
        .counter(BytesCount::new(run()))
        .bench(run);
}

/// Reads all columns and writes them with nine result columns.
#[divan::bench(args = CODECS)]
fn read_and_write(bencher: Bencher<'_, '_>, codec: &str) {
    let (bytes, plain) = table(codec);
    let file = open(&bytes);
    let layout = TableLayout::of(&file).expect("an intact file");
    let column = |name: &str, kind| ResultColumn {
        name: name.to_owned(),
        kind,
    };
    let results = [
        column("category", ResultKind::Text),
        column("confidence", ResultKind::Number),
        column("tags", ResultKind::List(Box::new(ResultKind::Text))),
        column("parse_status", ResultKind::Text),
        column("validation_passed", ResultKind::Boolean),
        column("status", ResultKind::Text),
        column("error", ResultKind::Text),
        column("raw_response", ResultKind::Text),
        column("validation_error", ResultKind::Text),
    ];
    let cells = [
        ResultCell::Text("late delivery"),
        ResultCell::Json("0.93"),
        ResultCell::Json("[\"parcel\",\"week\"]"),
        ResultCell::Text("success"),
        ResultCell::Bool(true),
        ResultCell::Text("success"),
    ];
    bencher
        .counter(ItemsCount::new(ROWS))
        .counter(BytesCount::new(plain))
        .bench(|| {
            let mut writer = PartWriter::new(&layout, &results, &[]).expect("new names");
            let reading = FileReading {
                parts: true,
                ..FileReading::default()
            };
            let mut written = 0;
            let mut rows = file
                .read(0..file.rows(), &reading)
                .expect("supported columns");
            while let Some(batch) = rows.next_batch().expect("an intact file") {
                for row in batch.rows() {
                    writer.push(row, &cells).expect("rows of the table");
                }
                written += writer.take().expect("memory takes all").len();
            }
            written + writer.finish().expect("memory takes all").0.len()
        });
}

/// Joins a thousand parts of 25 columns. Only their footers are read.
#[divan::bench]
fn join_a_thousand_parts(bencher: Bencher<'_, '_>) {
    let (bytes, _) = table("none");
    let file = open(&bytes);
    let layout = TableLayout::of(&file).expect("an intact file");
    let results: Vec<ResultColumn> = (0..20)
        .map(|number| ResultColumn {
            name: format!("result {number}"),
            kind: ResultKind::Text,
        })
        .collect();
    let mut writer = PartWriter::new(&layout, &results, &[]).expect("new names");
    let reading = FileReading {
        parts: true,
        ..FileReading::default()
    };
    let mut rows = file.read(0..100, &reading).expect("supported columns");
    let batch = rows
        .next_batch()
        .expect("an intact file")
        .expect("has rows");
    for row in batch.rows() {
        writer.push(row, &[]).expect("rows of the table");
    }
    let (part, meta) = writer.finish().expect("memory takes all");
    bencher.counter(ItemsCount::new(1_000_usize)).bench(|| {
        let mut joiner = Joiner::new();
        for _ in 0..1_000 {
            joiner.add("part", &part).expect("a part");
        }
        joiner.finish(1_000 * meta.rows).expect("all rows").bytes
    });
}
