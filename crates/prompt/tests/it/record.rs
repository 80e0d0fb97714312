//! Records are compact JSON with exactly the prompt.

use crate::table::for_each_row;
use proptest::prelude::*;
use quarry_prompt::{
    FieldLimit, RecordEncoder, RenderError, RenderOptions, RequestBody, Template, Truncation,
};
use quarry_table::Format;
use serde_json::{Value, json};

fn body() -> Value {
    json!({"temperature": 1.0, "messages": [{"content": "SLOT", "role": "user"}, {"content": "{"}], "system": "SLOT\""})
}

fn encoder(template: &str, limit: Option<usize>) -> RecordEncoder {
    let field_limit = limit.map(|limit| FieldLimit::new(limit).unwrap());
    let options = RenderOptions {
        field_limit,
        ..RenderOptions::default()
    };
    RecordEncoder::new(&body(), "SLOT", Template::compile(template, &[]), options).unwrap()
}

#[test]
fn a_record_is_one_compact_line() {
    let mut encoder = encoder("say \"{a}\"", None);
    let columns = encoder.template().columns().to_vec();
    let mut out = b"before ".to_vec();
    for_each_row(Format::Csv, b"a\n\"\"\"\n\xC3\xBC\"\n", &columns, |row| {
        let length = encoder.encode(&mut out, "id\"1", row, None);
        assert_eq!(length, out.len() - "before ".len());
    });
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"before {"recordId":"id\"1","modelInput":{"temperature":1.0,"messages":[{"content":"say \"\"\nü\"","#,
            r#""role":"user"},{"content":"{"}],"system":"SLOT\""}}"#,
            "\n"
        )
    );
}

/// A prompt moves from one model's body to another's with its escapes.
#[test]
fn a_prompt_moves_to_another_body() {
    let other = json!({"inputText": "SLOT", "n": 1});
    let other = RequestBody::new(&other, "SLOT").unwrap();
    let mut encoder = encoder("{a}", None);
    let columns = encoder.template().columns().to_vec();
    for_each_row(Format::Csv, b"a\n\"\"\"{\xC3\xBC\n\"\n", &columns, |row| {
        let mut body = Vec::new();
        encoder.model_input(&mut body, row, None);
        let moved = encoder.body().moved_to(&other, &body).unwrap();
        assert_eq!(
            String::from_utf8(moved.clone()).unwrap(),
            r#"{"inputText":"\"{ü\n","n":1}"#
        );
        assert_eq!(other.moved_to(encoder.body(), &moved), Some(body));
        assert_eq!(encoder.body().moved_to(&other, b"{}"), None);
    });
}

/// The body of a single request is the record's model input, byte for byte.
#[test]
fn model_input_can_be_written_alone() {
    let mut encoder = encoder("{a}", None);
    let columns = encoder.template().columns().to_vec();
    for_each_row(Format::Csv, b"a\nx\n", &columns, |row| {
        let (mut record, mut alone) = (Vec::new(), Vec::new());
        encoder.encode(&mut record, "r", row, None);
        let length = encoder.model_input(&mut alone, row, None);
        assert_eq!(length, alone.len());
        let record = String::from_utf8(record).unwrap();
        assert_eq!(
            record,
            format!(
                "{{\"recordId\":\"r\",\"modelInput\":{}}}\n",
                String::from_utf8(alone).unwrap()
            )
        );
    });
}

#[test]
fn a_body_has_exactly_one_slot() {
    let found = |body: Value| match RecordEncoder::new(
        &body,
        "SLOT",
        Template::compile("", &[]),
        RenderOptions::default(),
    ) {
        Ok(_) => 1,
        Err(RenderError::PromptSlot { found }) => found,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(found(json!(["SLOT"])), 1);
    assert_eq!(
        found(json!({"SLOT": "a SLOT"})),
        0,
        "neither keys nor parts of strings are slots"
    );
    assert_eq!(found(json!({"a": "SLOT", "b": {"c": ["SLOT"]}})), 2);
}

/// A value counts once for a row, however often the prompt repeats it, and only if the prompt uses
/// it.
#[test]
fn what_is_cut_is_counted_once() {
    let mut encoder = encoder("{a} {a} {b}", Some(40));
    let columns = encoder.template().columns().to_vec();
    let long = "x".repeat(41);
    let table = format!("a,b,unused\n{long},{long},{long}\n{long},ok,{long}\nok,ok,{long}\n");
    let mut counts = Truncation::default();
    for_each_row(Format::Csv, table.as_bytes(), &columns, |row| {
        encoder.encode(&mut Vec::new(), "r", row, Some(&mut counts));
        encoder.encode(&mut Vec::new(), "r", row, None);
    });
    assert_eq!(
        serde_json::to_value(&counts).unwrap(),
        json!({"total": 3, "records": 2, "fields": {"a": 2, "b": 1}})
    );
}

proptest! {
    /// A record reads back as the body, with the prompt that a person would see in its slot.
    #[test]
    fn a_record_reads_back_as_its_prompt(
        value in "(?s:[a\"\\\\\u{0}-\u{1f}\u{7f}é😀\u{2028}]|.){0,80}",
        text in "[a\"\\\\\n\té]{0,10}",
    ) {
        let mut encoder = encoder(&format!("{text}{{a}}{text}"), Some(50));
        let table = format!("{{\"a\":{}}}", serde_json::to_string(&value).unwrap());
        let columns = encoder.template().columns().to_vec();
        let mut out = Vec::new();
        let mut prompt = String::new();
        for_each_row(Format::JsonLines, table.as_bytes(), &columns, |row| {
            encoder.encode(&mut out, "record_0", row, None);
            prompt = encoder.template().render(row, encoder.options());
        });
        prop_assert_eq!(out.iter().position(|&byte| byte == b'\n'), Some(out.len() - 1));
        let mut expected = body();
        expected["messages"][0]["content"] = json!(prompt);
        let record: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(record, json!({"recordId": "record_0", "modelInput": expected}));
    }
}
