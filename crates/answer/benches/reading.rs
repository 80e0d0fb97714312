//! Measures how fast output lines become result fields: line, answer, JSON, coercion and
//! validation, on one core.
//!
//! The target is 100,000 lines per second for lines of about 4 kB with an answer of about 700 bytes
//! (the size of a classification with evidence).

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use quarry_answer::{LineBody, Reader, Reading, Schema, read_line};
use quarry_model::read_output;
use serde_json::{Value, json};
use std::sync::Arc;

const LINES: usize = 1_000;

fn main() {
    divan::main();
}

fn schema() -> Arc<Schema> {
    let document = json!({
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": ["Delay", "Lost", "Damaged", "Other"]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "evidence": {
                "type": "object",
                "properties": {
                    "messages": {"type": "array", "items": {"type": "string"}},
                    "events": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["messages", "events"],
            },
            "reasoning": {"type": "string"},
            "urgent": {"type": "boolean"},
        },
        "required": ["category", "confidence", "evidence"],
        "additionalProperties": false,
    });
    Arc::new(Schema::compile(&document).expect("valid schema"))
}

fn answer(index: usize) -> String {
    json!({
        "category": "Delay",
        "confidence": 0.9,
        "evidence": {
            "messages": [
                "[BUYER]: Where is my parcel? It should have been here on Monday.",
                "[SELLER]: It left the warehouse on Thursday, please wait two more days.",
                format!("[BUYER]: I have waited {index} days."),
            ],
            "events": ["2026-01-03 accepted", "2026-01-04 left depot", "2026-01-09 no scan"],
        },
        "reasoning": "The carrier scanned the parcel last on the fourth and nothing happened \
                      since then; the buyer asks for its whereabouts and the seller confirms \
                      that it was sent. There is no sign of a loss or of damage, so the case \
                      is a delay in transport.",
        "urgent": false,
    })
    .to_string()
}

fn lines(content: impl Fn(usize) -> Value) -> Vec<String> {
    (0..LINES)
        .map(|index| {
            json!({
                "modelInput": {
                    "anthropic_version": "bedrock-2023-05-31",
                    "max_tokens": 1024,
                    "messages": [{"role": "user", "content": "Lorem ipsum dolor sit amet. ".repeat(110)}],
                },
                "modelOutput": {
                    "model": "claude",
                    "role": "assistant",
                    "type": "message",
                    "content": [content(index)],
                    "stop_reason": "end_turn",
                    "usage": {"input_tokens": 900, "output_tokens": 200},
                },
                "recordId": format!("r{index:08}"),
            })
            .to_string()
        })
        .collect()
}

fn read(reader: &Reader, line: &str) -> Reading {
    match read_line(line.as_bytes()).map(|line| line.body) {
        Ok(LineBody::Output(output)) => match read_output(output) {
            Ok(answer) => reader.read(&answer),
            Err(error) => reader.unanswered(error.to_string()),
        },
        Ok(LineBody::Error(error)) => reader.unanswered(error.to_string()),
        Err(malformed) => reader.unanswered(malformed.to_string()),
    }
}

fn run(bencher: Bencher<'_, '_>, reader: &Reader, lines: &[String]) {
    for line in lines {
        let reading = read(reader, line);
        assert!(
            reader.schema().is_none() || reading.validation_passed,
            "{reading:?}"
        );
    }
    bencher
        .counter(ItemsCount::new(lines.len()))
        .counter(BytesCount::new(
            lines.iter().map(String::len).sum::<usize>(),
        ))
        .bench(|| {
            for line in lines {
                black_box(read(reader, black_box(line)));
            }
        });
}

/// A forced tool call: the default with a schema.
#[divan::bench]
fn tool(bencher: Bencher<'_, '_>) {
    let lines = lines(|index| {
        let input: Value = serde_json::from_str(&answer(index)).expect("JSON");
        json!({"type": "tool_use", "id": "t", "name": "structured_response", "input": input})
    });
    run(bencher, &Reader::new(Some(schema()), false), &lines);
}

/// Text after a prefill.
#[divan::bench]
fn prefilled(bencher: Bencher<'_, '_>) {
    let lines = lines(|index| json!({"type": "text", "text": answer(index)[1..]}));
    run(bencher, &Reader::new(Some(schema()), true), &lines);
}

/// Text in which every answer has a broken German quote.
#[divan::bench]
fn repaired(bencher: Bencher<'_, '_>) {
    let lines = lines(
        |index| json!({"type": "text", "text": answer(index).replace("two more", "„two\" more")}),
    );
    run(bencher, &Reader::new(Some(schema()), false), &lines);
}

/// JSON without a schema.
#[divan::bench]
fn untyped(bencher: Bencher<'_, '_>) {
    let lines = lines(|index| json!({"type": "text", "text": answer(index)}));
    run(bencher, &Reader::new(None, false), &lines);
}
