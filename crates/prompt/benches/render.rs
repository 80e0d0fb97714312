//! Measures how fast CSV becomes batch input: decoding, rendering and escaping, on one core.
//!
//! Run with `cargo bench -p quarry-prompt`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use quarry_prompt::{FieldLimit, RecordEncoder, RenderOptions, Template};
use quarry_table::{Format, RowDecoder};
use serde_json::json;
use std::fmt::Write as _;

/// Counts allocations: there should be none for each row.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const ROWS: usize = 20_000;
/// As large as one ranged read.
const PIECE: usize = 8 * 1024 * 1024;

fn main() {
    divan::main();
}

/// Rows of about 1,000 bytes with quotes, doubled quotes and line breaks.
fn table() -> String {
    let mut csv = "id,dialogue,events\n".to_owned();
    for row in 0..ROWS {
        let said = "Where is my parcel? It should have come last week, I said. ".repeat(12);
        let shipped = "2025-03-01 shipped; 2025-03-04 in transit; ".repeat(5);
        writeln!(
            csv,
            "{row:08},\"He wrote \"\"{said}\"\"\nand left.\",{shipped}"
        )
        .expect("a string takes all");
    }
    csv
}

fn encoder() -> RecordEncoder {
    let template = "Read the dialogue and the events, then classify.\n".repeat(20)
        + "Dialogue: {dialogue}\nEvents: {events}\nReturn JSON.";
    let template = Template::compile(&template, &[]);
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 32768,
        "temperature": 1.0,
        "messages": [{"role": "user", "content": "SLOT"}, {"role": "assistant", "content": "{"}],
        "system": "You are a careful classifier of customer dialogues. ".repeat(20),
    });
    let field_limit = Some(FieldLimit::new(400_000).expect("far above the least"));
    let options = RenderOptions {
        field_limit,
        ..RenderOptions::default()
    };
    RecordEncoder::new(&body, "SLOT", template, options).expect("there is one slot")
}

/// Decodes the table and passes each piece of output to `use_output`.
fn render(
    csv: &str,
    encoder: &mut RecordEncoder,
    out: &mut Vec<u8>,
    mut use_output: impl FnMut(&[u8]),
) {
    let mut decoder = RowDecoder::start(Format::Csv, "bench.csv");
    decoder.project(encoder.template().columns());
    let mut id = String::new();
    for piece in csv.as_bytes().chunks(PIECE) {
        decoder.push(piece);
        while let Some(row) = decoder.next_row().expect("the table is good") {
            id.clear();
            write!(id, "record_{}", row.number()).expect("a string takes all");
            encoder.encode(out, &id, &row, None);
        }
        use_output(out);
        out.clear();
    }
}

#[divan::bench]
fn csv_to_records(bencher: Bencher<'_, '_>) {
    let (csv, mut encoder) = (table(), encoder());
    let mut out = Vec::new();
    let mut bytes = 0;
    render(&csv, &mut encoder, &mut out, |piece| bytes += piece.len());
    bencher
        .counter(ItemsCount::new(ROWS))
        .counter(BytesCount::new(bytes))
        .bench_local(|| {
            render(&csv, &mut encoder, &mut out, |piece| {
                divan::black_box(piece);
            });
        });
}

#[divan::bench]
fn decode_csv_alone(bencher: Bencher<'_, '_>) {
    let csv = table();
    bencher
        .counter(ItemsCount::new(ROWS))
        .counter(BytesCount::new(csv.len()))
        .bench_local(|| {
            let mut decoder = RowDecoder::start(Format::Csv, "bench.csv");
            let mut rows = 0;
            for piece in csv.as_bytes().chunks(PIECE) {
                decoder.push(piece);
                while let Some(row) = decoder.next_row().expect("the table is good") {
                    divan::black_box(row.raw());
                    rows += 1;
                }
            }
            assert_eq!(rows, ROWS);
        });
}
