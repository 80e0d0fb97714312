//! `quarry parse`.

use crate::command::Workplace;
use serde_json::{Value, json};

/// The keys of a line, in their order.
const KEYS: [&str; 8] = [
    "status",
    "parse_status",
    "validation_passed",
    "repaired",
    "fields",
    "raw_response",
    "validation_error",
    "error",
];

fn text(answer: &str) -> String {
    json!({ "text": answer }).to_string()
}

/// Parses lines. Asserts that there is one output line for each input line, with all keys.
#[track_caller]
fn parse(arguments: &str, lines: &[&[u8]]) -> Vec<Value> {
    let workplace = Workplace::new();
    let mut input = lines.join(&b"\n"[..]);
    input.push(b'\n');
    let ran = workplace
        .quarry_reading(&format!("parse {arguments}"), &input)
        .good();
    assert_eq!(ran.stderr, "");
    let parsed = ran.json_lines();
    assert_eq!(parsed.len(), lines.len(), "{}", ran.stdout);
    for line in &parsed {
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys, KEYS);
    }
    parsed
}

#[test]
fn every_line_has_one_line_of_output_at_its_place_whatever_it_is() {
    let lines: [&[u8]; 13] = [
        b"hello",
        b"",
        br#"{"text":"{\"kind\":\"bill\"}"}"#,
        b"   ",
        b"\xff\xfe",
        br#"{"text":5}"#,
        b"[]",
        b"null",
        br#"{"recordId":"r","modelOutput":{"content":"#,
        br#"{"recordId":"r","modelOutput":null}"#,
        br#"{"recordId":"r","modelOutput":{"unheard":"of"}}"#,
        br#"{"recordId":"r","error":{"errorCode":500,"errorMessage":"broken"}}"#,
        br#"{"text":"{\"kind\":\"praise\"}"}"#,
    ];
    let parsed = parse("--schema schema.json", &lines);
    for (number, line) in parsed.iter().enumerate() {
        if number == 2 || number == 12 {
            assert_eq!(line["status"], "success", "line {number}: {line}");
            assert_eq!(line["parse_status"], "success", "line {number}: {line}");
        } else {
            assert_eq!(line["status"], "error", "line {number}: {line}");
            assert!(line["error"].is_string(), "line {number}: {line}");
            assert_eq!(line["fields"], json!({"kind": null, "score": null}));
        }
    }
    assert_eq!(parsed[2]["fields"]["kind"], "bill");
    assert_eq!(parsed[12]["fields"]["kind"], "praise");
    assert!(
        parsed[4]["error"]
            .as_str()
            .is_some_and(|e| e.contains("UTF-8"))
    );
    assert_eq!(parsed[11]["error"], "500: broken");
}

#[test]
fn a_text_that_cannot_be_read_is_named_and_not_taken_for_another_kind_of_line() {
    let lines: [&[u8]; 4] = [
        br#"{"text":5}"#,
        br#"{"text":"{}","text":"[]"}"#,
        br#"{"text":"{}"#,
        br#"{"modelOutput":{}}"#,
    ];
    let parsed = parse("--schema schema.json", &lines);
    let why = |number: usize| parsed[number]["error"].as_str().expect("an error");
    assert!(
        why(0).contains("its member text cannot be read: invalid type"),
        "{}",
        why(0)
    );
    assert!(
        why(1).contains("its member text cannot be read: duplicate field"),
        "{}",
        why(1)
    );
    assert!(why(2).contains("not an answer line: byte"), "{}", why(2));
    assert!(why(3).contains("no recordId"), "{}", why(3));
}

#[test]
fn the_last_line_needs_no_line_break_and_no_input_gives_no_output() {
    let workplace = Workplace::new();
    let ran = workplace
        .quarry_reading("parse", br#"{"text":"{\"a\":1}"}"#)
        .good();
    assert_eq!(ran.json_lines().len(), 1);
    assert_eq!(workplace.quarry_reading("parse", b"").good().stdout, "");
}

#[test]
fn fields_are_the_schemas_with_null_for_what_the_answer_lacks() {
    let whole = text(r#"{"score": 0.25, "kind": "bill"}"#);
    let part = text(r#"{"kind": "praise"}"#);
    let parsed = parse("--schema schema.json", &[whole.as_bytes(), part.as_bytes()]);
    assert_eq!(
        parsed[0],
        json!({
            "status": "success", "parse_status": "success", "validation_passed": true, "repaired": false,
            "fields": {"kind": "bill", "score": 0.25},
            "raw_response": null, "validation_error": null, "error": null
        })
    );
    assert_eq!(
        parsed[1]["fields"].to_string(),
        r#"{"kind":"praise","score":null}"#
    );
}

#[test]
fn answers_come_as_text_blocks_and_tool_calls() {
    let lines = [
        json!({"recordId": "record_0", "modelInput": {}, "modelOutput": {"content": [
            {"type": "text", "text": "Here it is: {\"kind\": \"bill\"} I hope it helps."}]}}),
        json!({"recordId": "record_1", "modelOutput": {"content": [
            {"type": "tool_use", "id": "t", "name": "structured_response", "input": {"kind": "praise", "score": 1}}],
            "stop_reason": "tool_use"}}),
    ]
    .map(|line| line.to_string());
    let parsed = parse(
        "--schema schema.json",
        &[lines[0].as_bytes(), lines[1].as_bytes()],
    );
    assert_eq!(parsed[0]["fields"], json!({"kind": "bill", "score": null}));
    assert_eq!(parsed[1]["fields"]["kind"], "praise");
    assert_eq!(parsed[1]["validation_passed"], true);
}

#[test]
fn an_answer_that_breaks_the_schema_keeps_its_text_and_says_where() {
    let wrong = text(r#"{"kind": "letter", "score": 7}"#);
    let parsed = parse("--schema schema.json", &[wrong.as_bytes()]);
    let line = &parsed[0];
    assert_eq!(line["status"], "success");
    assert_eq!(line["parse_status"], "validation_failed");
    assert_eq!(line["validation_passed"], false);
    assert_eq!(line["fields"], json!({"kind": null, "score": null}));
    assert_eq!(line["raw_response"], r#"{"kind": "letter", "score": 7}"#);
    let why = line["validation_error"].as_str().expect("a reason");
    assert!(why.contains("/kind") && why.contains("/score"), "{why}");
}

#[test]
fn german_quotes_are_repaired_and_the_repair_is_reported() {
    let broken = text(r#"{"answer": "Er sagte „nein" und ging"}"#);
    let sound = text(r#"{"answer": "Er sagte „nein“ und ging"}"#);
    let parsed = parse("", &[broken.as_bytes(), sound.as_bytes()]);
    assert_eq!(parsed[0]["repaired"], true);
    assert_eq!(parsed[0]["parse_status"], "json_only");
    assert_eq!(parsed[1]["repaired"], false);
    assert_eq!(
        parsed[1]["fields"]["response"]["answer"],
        "Er sagte „nein“ und ging"
    );
}

#[test]
fn a_prefilled_answer_continues_after_the_brace() {
    let rest = text(r#""kind": "bill"}"#);
    let with = parse("--schema schema.json --prefilled", &[rest.as_bytes()]);
    assert_eq!(with[0]["fields"]["kind"], "bill");
    assert_eq!(with[0]["validation_passed"], true);
}

#[test]
fn without_a_schema_the_field_is_the_response() {
    let (json, prose) = (text("{\"n\": 12345678901234567890123}"), text("No idea."));
    let workplace = Workplace::new();
    let input = format!("{json}\n{prose}\n");
    let ran = workplace.quarry_reading("parse", input.as_bytes()).good();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    // Compared as text, since a float cannot represent a number this large.
    assert!(
        lines[0].contains(r#""fields":{"response":{"n":12345678901234567890123}}"#),
        "{}",
        lines[0]
    );
    let prose: Value = serde_json::from_str(lines[1]).expect("JSON");
    assert_eq!(prose["parse_status"], "json_failed");
    assert_eq!(prose["fields"], json!({"response": "No idea."}));
}

/// The columns of a run are those of the schema and some of its own.
#[test]
fn a_schema_that_a_run_refuses_for_its_columns_is_refused() {
    let workplace = Workplace::new();
    for property in ["error", "status", "raw_response"] {
        let schema = json!({"type": "object", "properties": {property: {"type": "string"}}});
        workplace.file("odd.json", schema.to_string());
        let ran = workplace.quarry_reading("parse --schema odd.json", b"{\"text\": \"{}\"}\n");
        assert_eq!((ran.code, &*ran.stdout), (3, ""), "{ran:?}");
        let words = format!("odd.json: the schema property `{property}` would give a second");
        assert!(ran.stderr.contains(&words), "{}", ran.stderr);
    }
}

/// As Pydantic writes them: without `$schema`, by which older drafts are told from newer ones.
#[test]
fn formats_of_a_schema_without_a_draft_are_checked() {
    let workplace = Workplace::new();
    let schema = json!({"type": "object", "properties": {
        "day": {"type": "string", "format": "date"}, "page": {"type": "string", "format": "uri"},
    }});
    workplace.file("model.json", schema.to_string());
    let answers = [
        (r#"{"day": "2024-02-28", "page": "https://a.b/c"}"#, true),
        (r#"{"day": "yesterday", "page": "https://a.b/c"}"#, false),
        (r#"{"day": "2024-02-30", "page": "https://a.b/c"}"#, false),
        (r#"{"day": "2024-02-28", "page": "not a page"}"#, false),
    ];
    let lines: Vec<String> = answers.iter().map(|(answer, _)| text(answer)).collect();
    let input = lines.join("\n");
    let ran = workplace.quarry_reading("parse --schema model.json", input.as_bytes());
    let passed = ran.good().json_lines();
    let passed: Vec<&Value> = passed
        .iter()
        .map(|line| &line["validation_passed"])
        .collect();
    assert_eq!(passed, answers.map(|(_, passes)| passes));
}

#[test]
fn a_recursive_model_is_read_by_its_definition() {
    let workplace = Workplace::new();
    let schema = json!({"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {
        "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
    }}}});
    workplace.file("model.json", schema.to_string());
    let answers = [
        text(r#"{"name": "a", "children": [{"name": "b"}]}"#),
        text(r#"{"name": "a", "children": [{"name": 5}]}"#),
    ];
    let input = answers.join("\n");
    let ran = workplace.quarry_reading("parse --schema model.json", input.as_bytes());
    let lines = ran.good().json_lines();
    assert_eq!(lines[0]["fields"]["children"][0]["name"], "b");
    assert_eq!(lines[1]["validation_passed"], false);
}
