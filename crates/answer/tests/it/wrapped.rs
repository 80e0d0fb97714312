//! An answer among prose, fences, reasoning and other JSON comes out as itself, or is refused for a
//! reason that is true. No draft passes as the answer.

use proptest::prelude::*;
use quarry_answer::{FieldValue, ParseStatus, Reader, Reading, Schema};
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn reader() -> Reader {
    let schema = Schema::compile(&json!({
        "type": "object",
        "properties": {
            "kind": {"type": "string"},
            "score": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "inner": {"type": "object", "properties": {"kind": {"type": "string"}}},
        },
        "required": ["kind", "score"],
    }))
    .expect("valid schema");
    Reader::new(Some(Arc::new(schema)), false)
}

/// The text of a value: words, quotes, braces, marks of reasoning, other scripts.
fn words() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,5}",
        1 => Just(" ".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("{".to_owned()),
        1 => Just("}".to_owned()),
        1 => Just("[".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("<think>".to_owned()),
        1 => Just("</think>".to_owned()),
        1 => Just("```".to_owned()),
        1 => Just("„ja“".to_owned()),
        1 => Just("{\"kind\":\"x\",\"score\":0}".to_owned()),
        1 => Just("日本ü".to_owned()),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

/// A valid answer.
fn answer() -> impl Strategy<Value = Value> {
    (
        words(),
        -1_000_i32..1_000,
        prop::option::of(prop::collection::vec(words(), 0..3)),
        prop::option::of(words()),
    )
        .prop_map(|(kind, score, tags, inner)| {
            let mut answer = Map::new();
            answer.insert("kind".into(), kind.into());
            answer.insert("score".into(), score.into());
            if let Some(tags) = tags {
                answer.insert("tags".into(), tags.into());
            }
            if let Some(kind) = inner {
                answer.insert("inner".into(), json!({"kind": kind}));
            }
            Value::Object(answer)
        })
}

fn printed() -> impl Strategy<Value = fn(&Value) -> String> {
    prop_oneof![
        Just((|answer: &Value| answer.to_string()) as fn(&Value) -> String),
        Just(
            (|answer: &Value| serde_json::to_string_pretty(answer).expect("JSON"))
                as fn(&Value) -> String
        ),
    ]
}

/// What a model writes while it reasons: drafts, pieces of JSON, prose. No mark of reasoning.
fn thoughts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("Let me see. ".to_owned()),
        Just("The answer is {\"kind\": \"draft\", \"score\": 0.5}. ".to_owned()),
        Just("{\"kind\": \"draft\", ".to_owned()),
        Just("{\"id\": 7}\n".to_owned()),
        Just("```json\n{\"kind\":\"draft\",\"score\":1}\n```\n".to_owned()),
        Just("\"kind\": ".to_owned()),
        Just("}".to_owned()),
        Just("{".to_owned()),
        Just("\"".to_owned()),
        Just("Final answer: ".to_owned()),
        Just("[1, {\"kind\": 2}]".to_owned()),
        Just("a < b, <b>bold</b>\n\n".to_owned()),
        "[a-z ]{1,8}",
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// A whole block of reasoning that may stand before or after an answer.
fn reasoning() -> impl Strategy<Value = String> {
    (0..13_usize, thoughts()).prop_map(|(kind, thoughts)| {
        let tag = |name: &str| format!("<{name}>{thoughts}</{name}>");
        match kind {
            0 => tag("think"),
            1 => tag("thinking"),
            2 => tag("reasoning"),
            3 => tag("analysis"),
            4 => tag("thoughts"),
            5 => tag("thought"),
            6 => tag("reflection"),
            7 => tag("scratchpad"),
            8 => tag("draft"),
            9 => format!("<Thinking signature=\"ab+/=\">{thoughts}</THINKING>"),
            10 => format!("[THINK]{thoughts}[/THINK]"),
            11 => format!("<|channel|>analysis<|message|>{thoughts}<|end|>"),
            _ => format!("<think>\n{thoughts}<think>{thoughts}</think>\n{thoughts}</think>"),
        }
    })
}

/// Prose that holds no JSON of an answer, and no piece of one.
fn prose() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("Here is the result:\n".to_owned()),
        Just("I chose it because a < b and c > d.\n".to_owned()),
        Just("**Note**: see [1] and [the page](https://example.com/a?b=c#d).\n".to_owned()),
        Just("The \"kind\" is a word.\n".to_owned()),
        Just("`if (x) { return 1; }` is code.\n".to_owned()),
        Just("<p>It's <b>bold</b></p>\n".to_owned()),
        Just("The input was {\"id\": 7, \"name\": \"x\"}.\n".to_owned()),
        Just("- one\n- two (2)\n".to_owned()),
        Just("Use {name} and {{ other }}.\n".to_owned()),
        Just("それは「はい」です。\n".to_owned()),
        Just("\u{feff}\u{200b}\n".to_owned()),
        "[A-Z][a-z ]{1,8}\\.\n",
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn fenced(text: &str, kind: u8) -> String {
    match kind {
        0 => text.to_owned(),
        1 => format!("```json\n{text}\n```\n"),
        2 => format!("```\n{text}\n```\n"),
        3 => format!("~~~json\n{text}\n~~~\n"),
        4 => format!("<answer>{text}</answer>\n"),
        _ => format!("````JSON\n{text}\n````\n"),
    }
}

/// Other JSON that may stand beside an answer, and is or looks like one.
fn rival() -> impl Strategy<Value = String> {
    prop_oneof![
        answer().prop_map(|answer| answer.to_string()),
        words().prop_map(|kind| json!({"kind": kind}).to_string()),
        Just("{\"kind\": \"a\", \"score\": \"high\"}".to_owned()),
        Just("{\"kind\": \"a\", \"score\": 1, ".to_owned()),
        Just("{\"kind\": \"a".to_owned()),
        Just("[{\"kind\": \"a\", \"score\": 1}]".to_owned()),
        Just("\"kind\": \"a\", \"score\": 1}".to_owned()),
        Just("\"answer\": ".to_owned()),
        Just("{\"answer\": {\"kind\": \"a\", \"score\": 1}}".to_owned()),
    ]
}

fn expected(answer: &Value) -> Vec<Value> {
    ["kind", "score", "tags", "inner"]
        .iter()
        .map(|name| answer.get(*name).cloned().unwrap_or(Value::Null))
        .collect()
}

fn values(reading: &Reading) -> Vec<Value> {
    let json = |field: &FieldValue| {
        let mut json = String::new();
        field.write_json(&mut json);
        serde_json::from_str::<Value>(&json).expect("JSON")
    };
    reading.fields.iter().map(json).map(whole).collect()
}

/// Numbers of answers are floats where the schema says so.
fn whole(value: Value) -> Value {
    match value.as_f64() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the scores are small integers"
        )]
        Some(number) => json!(number as i64),
        None => value,
    }
}

fn assert_is(reading: &Reading, answer: &Value, text: &str) {
    assert_eq!(
        reading.parse_status,
        ParseStatus::Success,
        "{:?}: {text}",
        reading.validation_error
    );
    assert_eq!(values(reading), expected(answer), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the reasoning holds, it neither becomes the answer nor hides it.
    #[test]
    fn reasoning_around_an_answer_changes_nothing(
        answer in answer(), print in printed(), fence in 0..6_u8,
        before in prop::collection::vec(reasoning(), 0..3),
        after in prop::collection::vec(reasoning(), 0..3),
    ) {
        let text = format!("{}\n{}\n{}", before.concat(), fenced(&print(&answer), fence), after.concat());
        assert_is(&reader().read_text(&text), &answer, &text);
    }

    /// Reasoning whose opening mark was given to the model, or that a channel ends.
    #[test]
    fn reasoning_without_a_beginning_changes_nothing(
        answer in answer(), print in printed(), thoughts in thoughts(), kind in 0..5_usize,
    ) {
        let json = print(&answer);
        let text = match kind {
            0 => format!("{thoughts}</think>\n{json}"),
            1 => format!("{thoughts}[/THINK]{json}"),
            2 => format!("{thoughts}</reasoning>\n\n```json\n{json}\n```"),
            3 => format!("<|channel|>analysis<|message|>{thoughts}<|end|><|start|>assistant<|channel|>final<|message|>{json}<|return|>"),
            _ => format!("analysis{thoughts}assistantfinal{json}"),
        };
        assert_is(&reader().read_text(&text), &answer, &text);
    }

    /// Prose, code and other JSON around an answer change nothing.
    #[test]
    fn prose_around_an_answer_changes_nothing(
        answer in answer(), print in printed(), fence in 0..6_u8, before in prose(), after in prose(),
        thoughts in prop::option::of(reasoning()),
    ) {
        let text = format!("{}{before}{}\n{after}", thoughts.unwrap_or_default(), fenced(&print(&answer), fence));
        let reading = reader().read_text(&text);
        if reading.parse_status == ParseStatus::Success {
            assert_is(&reading, &answer, &text);
        } else {
            // What cannot be told apart from the rest of a value is refused as that.
            let why = reading.validation_error.unwrap_or_default();
            prop_assert!(why.contains("cannot be told") || why.contains("may have ended"), "{}: {}", why, text);
            prop_assert!(after.contains('}'), "{}: {}", why, text);
        }
    }

    /// Beside other objects of the schema, whole or cut, an answer comes out as itself or is
    /// refused. If both are whole and differ, the refusal says that they contradict each other.
    #[test]
    fn beside_other_answers_an_answer_is_itself_or_refused(
        answer in answer(), rival in rival(), before: bool, fence in 0..6_u8,
        prose in prose(), thoughts in prop::option::of(reasoning()),
    ) {
        let json = fenced(&answer.to_string(), fence);
        let thoughts = thoughts.unwrap_or_default();
        let text = if before {
            format!("{thoughts}{rival}\n{prose}{json}")
        } else {
            format!("{json}\n{prose}{rival}\n{thoughts}")
        };
        let reading = reader().read_text(&text);
        match serde_json::from_str::<Value>(&rival) {
            Ok(other) if other.get("score").is_some_and(Value::is_number) && expected(&other) != expected(&answer) => {
                let why = reading.validation_error.clone().unwrap_or_default();
                prop_assert!(why.contains("contradict") || why.contains("cannot be told") || why.contains("may have ended"), "{:?}: {}", reading, text);
            }
            _ if reading.parse_status == ParseStatus::Success => assert_is(&reading, &answer, &text),
            _ => prop_assert!(reading.validation_error.is_some()),
        }
    }

    /// No prefix of an answer passes as one.
    #[test]
    fn a_cut_answer_never_passes(
        answer in answer(), print in printed(), prose in prose(), cut in any::<prop::sample::Index>(), cut_off: bool,
    ) {
        let json = print(&answer);
        let mut end = cut.index(json.len());
        while !json.is_char_boundary(end) {
            end -= 1;
        }
        let text = format!("{prose}{}", &json[..end]);
        let answer = quarry_model::ModelAnswer {
            content: quarry_model::AnswerContent::Text(text.as_str().into()),
            stop_reason: Some(if cut_off { "max_tokens" } else { "end_turn" }.into()),
            ..quarry_model::ModelAnswer::default()
        };
        let reading = reader().read(&answer);
        prop_assert_ne!(reading.parse_status, ParseStatus::Success, "{}", text);
    }
}

/// What the reader makes of a text: the kind of an answer that passes.
fn kind_of(text: &str) -> Option<String> {
    let reading = reader().read_text(text);
    match (reading.parse_status, reading.fields.first()) {
        (ParseStatus::Success, Some(FieldValue::Text(kind))) => Some(kind.clone()),
        _ => None,
    }
}

/// A value may quote the marks of reasoning. They end no reasoning there, also if the object is cut.
#[test]
fn a_cut_object_whose_values_mention_reasoning_does_not_pass_by_a_member() {
    for mark in [
        "</think>",
        "[/THINK]",
        "</reasoning>",
        "<|channel|>final<|message|>",
    ] {
        for text in [
            format!(r#"{{"tags": ["{mark}"], "inner": {{"kind": "a", "score": 1}}"#),
            format!(
                r#"{{"kind": "uses {mark} here", "inner": {{"kind": "a", "score": 1}}, "score": "#
            ),
            format!(r#"{{"re{mark}nse": {{"kind": "a", "score": 1}}"#),
            format!(r#"Here: {{"x{mark}": [{{"kind": "a", "score": 1}}, {{"kind": "b""#),
        ] {
            assert_eq!(kind_of(&text), None, "{text}");
        }
        let whole =
            format!(r#"{{"kind": "uses {mark} here", "score": 1, "inner": {{"kind": "b"}}}}"#);
        assert_eq!(kind_of(&whole), Some(format!("uses {mark} here")));
    }
}

/// Drafts, cut objects and contradictions.
#[test]
fn texts_without_one_whole_answer_do_not_pass() {
    for text in [
        r#"{"kind": "a", "score": 1}{"kind": "b", "score": 1}"#,
        r#"{"kind": "a", "score": 1} or rather {"kind": "a", "score": 2}"#,
        r#"{"kind": "a", "score": 1, "kind": "b"}"#,
        r#"{"kind": "a", "score": 1, "inner": {"kind": "x", "kind": "y"}}"#,
        r#"{"kind": "a", "score": 1, "inner": {"kind": "x", "\u006bind": "y"}}"#,
        r#"{"kind": "a", "score": NaN}"#,
        r#"{"kind": "a", "score": Infinity}"#,
        r#"{"kind": "a", "score": 1e999}"#,
        r#"{"kind": "a", "score": "NaN"}"#,
        r#"{"kind": "a", "score": "inf"}"#,
        r#"{"kind": "a", "score": "1e999"}"#,
        r#"{"kind": "a", "score": "one"}"#,
        r#"{"kind": "a", "score": ""}"#,
        r#"{"kind": "a", "score": "1 2"}"#,
        r#"{"kind": "a", "score": null}"#,
        r#"[{"kind": "a", "score": 1}, {"kind": "b", "score": 2}]"#,
        r#"[{"kind": "a", "score": 1}, {"kind": "b""#,
        r#"{"items": [{"kind": "a", "score": 1}, {"kind": "b", "score": 2}]}"#,
        r#"{"kind": "a", "score": 1"#,
        r#"{"kind": "a", "score": 1, "inner": {"kind": "b"}"#,
        r#"{"inner": {"kind": "b", "score": 1}, "kind": "a""#,
        r#"{"kind": "a", "sco{"kind": "b", "score": 2"#,
        r#""kind": "a", "score": 1"#,
        r#"<think>{"kind": "a", "score": 1}"#,
        r#"<think>{"kind": "a", "score": 1}</think>"#,
        r#"<think>It is {"kind": "a", "score": 1}</think> I cannot decide."#,
        r#"<thinking>{"kind": "a", "score": 1}</thinking><thinking>{"kind": "b", "score": 1}"#,
        r#"[THINK]{"kind": "a", "score": 1}"#,
        r#"{"kind": "a", "score": 1}</think>"#,
        r#"<|channel|>analysis<|message|>{"kind": "a", "score": 1}"#,
        r#"<|channel|>analysis<|message|>{"kind": "a", "score": 1}<|end|><|start|>assistant"#,
        "```json\n{\"kind\": \"a\", \"score\": 1}\n```\n```json\n{\"kind\": \"b\", \"score\": 1}\n```",
        "```json\n{\"kind\": \"a\", \"score\": 1,\n```",
        r#"{"kind": "a", "score": 1,, "tags": []}"#,
        r#"{"kind": "a" "score": 1}"#,
        "{'kind': 'a', 'score': 1}",
        r#"{"kind": ["a"], "score": 1, "tags": "x", "inner": 7}"#,
        r#"{"kind": "a", "score": [1, 2]}"#,
        r#"{"kind": "a", "score": {"kind": "b", "score": 1}}"#,
        "{}",
        "",
    ] {
        assert_eq!(kind_of(text), None, "{text}");
    }
}

/// Whole answers, whatever surrounds them.
#[test]
fn texts_with_one_whole_answer_pass_as_it() {
    for text in [
        r#"{"kind": "a", "score": 1}{"kind": "a", "score": 1}"#,
        r#"{"kind": "a", "score": 1}{"kind": "a", "score": 1.0}"#,
        r#"{"kind": "a", "score": "1"}"#,
        r#"{"kind": "a", "score": "0.5"}"#,
        r#"<think>{"kind": "b", "score": 1}</think>{"kind": "a", "score": 1}"#,
        r#"{"kind": "a", "score": 1}<think>or {"kind": "b", "score": 1}?</think>"#,
        r#"{"kind": "b", "score": 1}</think>{"kind": "a", "score": 1}"#,
        r#"{"kind": "b", </think>{"kind": "a", "score": 1}"#,
        r#"{"kind": "b</think>{"kind": "a", "score": 1}"#,
        "{\"kind\": \"b\n</think>\n{\"kind\": \"a\", \"score\": 1}",
        r#"{"kind": "a", "score": 1, "other": {"kind": "b", "score": 2}}"#,
    ] {
        assert_eq!(kind_of(text).as_deref(), Some("a"), "{text}");
    }
}
