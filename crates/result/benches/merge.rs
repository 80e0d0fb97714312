//! Measures the work of `merge` on a slice, from answer lines to result rows, without S3.
//!
//! `cargo bench -p quarry-result`

use divan::counter::{BytesCount, ItemsCount};
use quarry_answer::{Reader, Schema};
use quarry_contract::record_id::RecordIds;
use quarry_result::columns::{ResultCells, ResultColumns};
use quarry_result::ledger::{Expected, Ledger};
use quarry_result::outcome::Outcome;
use quarry_result::profile::{ProfileTally, RowPlace};
use quarry_result::spool::{MemorySpool, Spool};
use quarry_table::{Format, RowDecoder, RowEncoder};
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

const ROWS: u64 = 20_000;

fn main() {
    divan::main();
}

fn schema() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "species_group": {"type": "string", "enum": ["raptor", "gull", "other"]},
            "damage": {"type": "string"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "reasoning": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["species_group", "damage", "confidence", "reasoning"],
    })
}

/// Lines of some 4 kB, with the echoed input, in another order than the rows.
fn lines() -> Vec<Vec<u8>> {
    let ids = RecordIds::new(None);
    let prompt = "A wildlife strike was reported near the runway. ".repeat(65);
    (0..ROWS)
        .map(|n| (n * 7_919) % ROWS)
        .map(|row| {
            let line = json!({
                "modelInput": {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1024,
                    "messages": [{"role": "user", "content": format!("{prompt}{row}")}]},
                "modelOutput": {"content": [{"type": "tool_use", "id": "t", "name": "structured_response", "input": {
                    "species_group": "gull", "damage": "minor", "confidence": f64::from(u16::try_from(row % 997).unwrap_or_default()) / 997.0,
                    "reasoning": format!("report {row}: {}", "the report names a gull and slight damage. ".repeat(6)),
                    "tags": ["gull", "approach", "day"]}}],
                    "stop_reason": "tool_use", "usage": {"input_tokens": 812, "output_tokens": 96}},
                "recordId": ids.id(row),
            });
            serde_json::to_vec(&line).unwrap_or_default()
        })
        .collect()
}

fn table() -> String {
    let mut text = String::from("id,airport,remarks\n");
    for row in 0..ROWS {
        let _ = writeln!(
            text,
            "{row},BARKSDALE AIR FORCE BASE ARPT,\"{}\"",
            "remarks, ".repeat(20)
        );
    }
    text
}

/// The whole chain: line, join, answer, repair check, schema, spool, profile, row.
#[divan::bench(sample_count = 10)]
fn lines_to_rows(bencher: divan::Bencher<'_, '_>) {
    let (lines, table) = (lines(), table());
    let schema = Schema::compile(&schema()).map(Arc::new).ok();
    let names: Vec<String> = schema
        .iter()
        .flat_map(|schema| {
            schema
                .properties()
                .iter()
                .map(|property| property.name.clone())
        })
        .collect();
    let Ok(columns) = ResultColumns::new(Some(&names), "llm_") else {
        return;
    };
    let bytes: usize = lines.iter().map(Vec::len).sum();
    bencher
        .counter(ItemsCount::new(ROWS))
        .counter(BytesCount::new(bytes))
        .bench(|| {
            let (ids, expected) = (RecordIds::new(None), Expected::All(0, ROWS));
            let reader = Reader::new(schema.clone(), false);
            let mut spool = MemorySpool::default();
            let mut ledger = Ledger::new(&ids, &expected, &reader);
            for line in &lines {
                let _ = ledger.line(line, &mut spool);
            }
            let (places, counts) = ledger.finish();
            assert_eq!(counts.good, ROWS);
            let mut decoder = RowDecoder::start(Format::Csv, "table.csv");
            decoder.push(table.as_bytes());
            decoder.end();
            let (mut out, mut line, mut cells) = (Vec::new(), Vec::new(), ResultCells::default());
            let mut encoder: Option<RowEncoder> = None;
            let mut profile = ProfileTally::new(columns.properties());
            for (place, row_number) in places.into_iter().zip(0..) {
                let Ok(Some(row)) = decoder.next_row() else {
                    break;
                };
                let encoder = encoder.get_or_insert_with(|| {
                    let header = quarry_table::Header {
                        columns: row.columns().to_vec(),
                        ..quarry_table::Header::default()
                    };
                    RowEncoder::new(Format::Csv, &header, columns.names(), &[])
                });
                let _ = spool.read(place.at, place.len, &mut line);
                if let Ok(outcome) = Outcome::read_line(&line) {
                    let place = RowPlace {
                        table: 0,
                        row: row_number,
                    };
                    profile.add(place, &outcome, true);
                    encoder.row(&mut out, &row, &cells.of(&columns, &outcome));
                }
            }
            (out, profile)
        });
}
