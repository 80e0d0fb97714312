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
    (0..25_usize, thoughts()).prop_map(|(kind, thoughts)| {
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
            12 => format!("◁think▷{thoughts}◁/think▷"),
            13 => tag("seed:think"),
            14 => tag("inner_monologue"),
            15 => tag("cot"),
            16 => tag("plan"),
            17 => tag("chain_of_thought"),
            18 => tag("deliberation"),
            19 => tag("del"),
            20 => format!("<!-- {thoughts} -->"),
            21 => "~~{\"kind\": \"draft\", \"score\": 0.5}~~".to_owned(),
            22 => "```thinking\n{\"kind\": \"draft\", \"score\": 0.5}\n```".to_owned(),
            23 => format!("<|begin_of_thought|>{thoughts}<|end_of_thought|>"),
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

/// Stop reasons of answers that the model did not end.
const STOPS: [&str; 5] = [
    "max_tokens",
    "length",
    "model_context_window_exceeded",
    "pause_turn",
    "nobody_knows",
];

const DENIALS: [&str; 6] = [
    "Not my final answer:",
    "This is not\nmy final answer:",
    "My previous final answer:",
    "This replaces the final answer:",
    "An example of a final answer:",
    "Do not take this as the corrected answer:",
];

/// Objects that are nearly JSON.
const CORRECTIONS: [&str; 10] = [
    "{'kind': 'KIND', 'score': SCORE}",
    "{kind: \"KIND\", score: SCORE}",
    "{kind: KIND, score: SCORE}",
    "{\"kind\": \"KIND\", \"score\": SCORE,}",
    "{\"kind\": \"KIND\", // so\n\"score\": SCORE}",
    "{/* so */ \"kind\": \"KIND\", \"score\": SCORE}",
    "{“kind”: “KIND”, “score”: SCORE}",
    "{`kind`: `KIND`, `score`: SCORE}",
    "{\\\"kind\\\": \\\"KIND\\\", \\\"score\\\": SCORE}",
    "｛\"kind\": \"KIND\", \"score\": SCORE｝",
];

fn stopped_by<'a>(stop: &'a str, text: &'a str) -> quarry_model::ModelAnswer<'a> {
    quarry_model::ModelAnswer {
        content: quarry_model::AnswerContent::Text(text.into()),
        stop_reason: Some(stop.into()),
        ..quarry_model::ModelAnswer::default()
    }
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
        let text = format!("{}\n{}\n{}", before.join("\n"), fenced(&print(&answer), fence), after.join("\n"));
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
        let text = format!("{}\n{before}{}\n{after}", thoughts.unwrap_or_default(), fenced(&print(&answer), fence));
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

    /// A draft passes neither before a cut nor before a final answer, whatever stands between them.
    #[test]
    fn a_draft_before_a_cut_never_passes(
        draft in answer(), print in printed(), fence in 0..6_u8, before in prose(), words in "[A-Za-z][a-z ,]{0,12}",
        thoughts in prop::option::of(reasoning()), stop in 0..STOPS.len(),
    ) {
        let json = fenced(&print(&draft), fence);
        let text = format!("{before}{json}\n{}{words}", thoughts.unwrap_or_default());
        let reading = reader().read(&stopped_by(STOPS[stop], &text));
        prop_assert_eq!(reading.parse_status, ParseStatus::ValidationFailed, "{}", text);
        let why = reading.validation_error.unwrap_or_default();
        prop_assert!(why.contains("cut off"), "{}: {}", why, text);
    }

    /// Of a text with a final answer, no object passes that the text does not call final.
    #[test]
    fn a_final_answer_that_is_denied_never_passes(
        one in answer(), other in answer(), denial in 0..DENIALS.len(), fence in 0..6_u8, is_final: bool,
    ) {
        prop_assume!(expected(&one) != expected(&other));
        let announced = if is_final { "Final answer: " } else { "" };
        let text = format!("{announced}{one}\n{} {}", DENIALS[denial], fenced(&other.to_string(), fence));
        let reading = reader().read_text(&text);
        prop_assert_ne!(reading.parse_status, ParseStatus::Success, "{}", text);
    }

    /// A correction that is nearly JSON agrees, or contradicts the answer before it.
    #[test]
    fn a_correction_that_is_not_strict_json_counts(
        kind in "[b-d][a-z]{0,1}", other in "[b-d][a-z]{0,1}", score in 0..9_i32, form in 0..CORRECTIONS.len(),
        fence in 0..6_u8, prose in "[A-Z][a-z ]{0,8}[:.]",
    ) {
        let answer = json!({"kind": kind, "score": score});
        let correction = CORRECTIONS[form].replace("KIND", &other).replace("SCORE", &score.to_string());
        let text = format!("{}\n{prose} {correction}", fenced(&answer.to_string(), fence));
        let reading = reader().read_text(&text);
        if kind == other {
            assert_is(&reading, &answer, &text);
        } else {
            prop_assert_eq!(reading.parse_status, ParseStatus::ValidationFailed, "{}", text);
            let why = reading.validation_error.unwrap_or_default();
            prop_assert!(why.contains("contradicts itself"), "{}: {}", why, text);
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
        let stop = if cut_off { "max_tokens" } else { "end_turn" };
        let reading = reader().read(&stopped_by(stop, &text));
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

/// What an answer that is announced as final may be surrounded with.
#[test]
fn a_final_answer_that_the_text_rejects_or_repeats_otherwise_does_not_pass() {
    let (good, other) = (
        r#"{"kind": "a", "score": 1}"#,
        r#"{"kind": "b", "score": 2}"#,
    );
    for text in [
        format!("{good}\nNot my final answer: {other}"),
        format!("Corrected answer: {good}\n(My previous final answer: {other} was wrong.)"),
        format!("{good}\nThis replaces my final answer: {other}"),
        format!("{good}\nThe other model's final answer: {other}"),
        format!("Final answer: {good}\nDo not use this as the final answer: {other}"),
        format!("Final answer: {good}\nExample of a final answer: {other}"),
        format!("Final answer: {other}\nFinal answer: {good}"),
        format!("Final answer: {other}\nOn reflection that is wrong: {good}"),
        format!("Final answer: {other}\n```json\n{good}\n```\nCorrected answer: {good}"),
    ] {
        let reading = reader().read_text(&text);
        let why = reading.validation_error.unwrap_or_default();
        assert!(why.contains("contradicts itself"), "{text}: {why}");
    }
    for text in [
        format!("This is not my final answer: {good}"),
        format!("Before giving the final answer: {good} is a draft."),
    ] {
        let why = reader().read_text(&text).validation_error;
        assert!(
            why.is_some_and(|why| why.contains("not the final answer")),
            "{text}"
        );
    }
    for text in [
        format!("Below you find the final answer: {good}"),
        format!("{other}\nThat is wrong. Final answer: {good}"),
        format!("{other}\nFinal answer: {good}\nCorrected answer: {good}"),
        format!("It is {other}?\nNo\n**Final answer**\n```json\n{good}\n```"),
    ] {
        assert_eq!(kind_of(&text).as_deref(), Some("a"), "{text}");
    }
}

/// Corrections behind an answer, or in it.
#[test]
fn an_answer_before_a_correction_in_another_form_does_not_pass() {
    let good = r#"{"kind": "a", "score": 1}"#;
    for correction in [
        r#"{"kind": "b", "score""#,
        r"{'kind': 'b', 'score': ",
        r"{'kind': 'it's', 'score': 1}",
        r#"```js\n{kind: "b"}\n```"#,
        r#""{\"kind\": \"b\", \"score\": 1}""#,
        r"{&quot;kind&quot;: &quot;b&quot;, &quot;score&quot;: 1}",
        r"{'answer': {'kind': 'b', 'score': 1}}",
        r#"{x {"kind": "b", "score": 1}}"#,
    ] {
        let text = format!("{good}\nCorrection: {correction}");
        assert_eq!(kind_of(&text), None, "{text}");
    }
    for text in [
        r#"{"kind": "a", "score": 1, "revised_answer": {"kind": "b", "score": 1}}"#,
        r#"{"kind": "a", "score": 1, "final": {"kind": "b"}}"#,
        r#"{"kind": "a", "score": 1, "correctedAnswer": "{\"kind\": \"b\"}"}"#,
        r#"[{"kind": "a", "score": 1},"#,
        r#"[{"kind": "a", "score": 1}, "#,
        r#"[{"kind": "a", "score": 1}"#,
        r#"[{"kind": "a", "score": 1}, {"kind": "a", "score": 1},"#,
        r#"[{"kind": "a", "score": 1}, {"#,
    ] {
        assert_eq!(kind_of(text), None, "{text}");
    }
    for text in [
        r#"{"kind": "a", "score": 1, "revised_answer": {"kind": "a", "score": 1.0}}"#,
        r#"{"kind": "a", "score": 1, "previous_answer": {"kind": "b", "score": 1}}"#,
        r#"{"kind": "a", "score": 1} The input was {'id': 7, 'name': 'x'}."#,
        r#"[{"kind": "a", "score": 1}, {"kind": "a", "score": 1}]"#,
        r#"[{"kind": "a", "score": 1}, null]"#,
        r#"As a list: [{"kind": "a", "score": 1}] for you"#,
    ] {
        assert_eq!(kind_of(text).as_deref(), Some("a"), "{text}");
    }
}

/// Only members that mean the answer may be wrapped around it.
#[test]
fn a_member_that_does_not_mean_the_answer_does_not_wrap_it() {
    let answer = r#"{"kind": "b", "score": 2}"#;
    let as_text = serde_json::to_string(answer).expect("JSON");
    for name in [
        "draft",
        "rejected",
        "example",
        "error",
        "thinking",
        "schema",
        "not",
        "wrong_answer",
        "previous_answer",
        "reasoning",
    ] {
        for inner in [answer, as_text.as_str()] {
            let text = format!(r#"{{"{name}": {inner}}}"#);
            let reading = reader().read_text(&text);
            assert_eq!(
                reading.parse_status,
                ParseStatus::ValidationFailed,
                "{text}"
            );
            let why = reading.validation_error.unwrap_or_default();
            assert!(
                why.contains(&format!("its member {name} has;")),
                "{text}: {why}"
            );

            let beside = format!(r#"{text}{{"kind": "a", "score": 1}}"#);
            assert_eq!(kind_of(&beside).as_deref(), Some("a"), "{beside}");
        }
    }
    for name in [
        "answer",
        "result",
        "response",
        "output",
        "data",
        "json",
        "final_answer",
    ] {
        let text = format!(r#"{{"{name}": {answer}}}"#);
        assert_eq!(kind_of(&text).as_deref(), Some("b"), "{text}");
    }

    let lenient = Schema::compile(&json!({
        "title": "Strike report",
        "properties": {"kind": {"enum": ["a", "b"]}},
    }))
    .expect("valid schema");
    let lenient = Reader::new(Some(Arc::new(lenient)), false);
    for text in [
        r#"{"draft": {"kind": "a"}}"#,
        r#"{"drafts": [{"kind": "a"}], "note": 1}"#,
        r#"{"answer": {"kind": "c"}}"#,
    ] {
        let reading = lenient.read_text(text);
        assert_eq!(
            reading.parse_status,
            ParseStatus::ValidationFailed,
            "{text}"
        );
    }
    let reading = lenient.read_text(r#"{"strike_report": {"kind": "a"}}"#);
    assert_eq!(reading.fields, [FieldValue::Text("a".into())]);
}

/// A float next to a number may match a schema that the number does not match.
#[test]
fn a_number_with_more_digits_than_a_float_is_compared_exactly() {
    let read = |constraint: Value, number: &str| {
        let schema = json!({"properties": {"n": constraint}, "required": ["n"]});
        let schema = Schema::compile(&schema).expect("valid schema");
        let reader = Reader::new(Some(Arc::new(schema)), false);
        let whole = reader.read_text(&format!("{{\"n\": {number}}}"));
        let wrapped = reader.read_text(&format!("{{\"answer\": {{\"n\": {number}}}}}"));
        assert_eq!(whole.parse_status, wrapped.parse_status, "{number}");
        whole.parse_status == ParseStatus::Success
    };
    for (constraint, number) in [
        (
            json!({"type": "number", "maximum": 1}),
            "1.00000000000000000001",
        ),
        (json!({"maximum": 1}), "1.00000000000000000001"),
        (
            json!({"type": "number", "minimum": 0.5}),
            "0.49999999999999999999",
        ),
        (
            json!({"type": "number", "minimum": -1}),
            "-1.00000000000000000001",
        ),
        (
            json!({"type": "number", "exclusiveMinimum": 1}),
            "1.00000000000000000000",
        ),
        (
            json!({"type": "number", "exclusiveMaximum": 1}),
            "0.99999999999999999999",
        ),
        (
            json!({"type": "number", "multipleOf": 1}),
            "1.00000000000000000001",
        ),
        (json!({"type": "integer"}), "1.00000000000000000001"),
        (json!({"enum": [1, 2]}), "1.00000000000000000001"),
        (json!({"const": 1}), "0.99999999999999999999"),
    ] {
        assert!(!read(constraint.clone(), number), "{constraint}: {number}");
    }
    for (constraint, number) in [
        (
            json!({"type": "number", "maximum": 1}),
            "1.00000000000000000000",
        ),
        (
            json!({"type": "number", "maximum": 1}),
            "0.99999999999999999999",
        ),
        (json!({"type": "number", "maximum": 0.1}), "0.1"),
        (
            json!({"type": "number", "minimum": 0, "maximum": 1}),
            "0.12345678901234567890123",
        ),
        (json!({"type": "integer"}), "1.0000000000000000000000"),
        (json!({"const": 1}), "1.0000000000000000000000"),
        (json!({"type": "string"}), "\"1.00000000000000000001\""),
    ] {
        assert!(read(constraint.clone(), number), "{constraint}: {number}");
    }
    let texts = json!({"type": "number", "maximum": 1});
    let schema = Schema::compile(&json!({"properties": {"n": texts}})).expect("valid schema");
    let reading =
        Reader::new(Some(Arc::new(schema)), false).read_text("{\"n\": \"1.00000000000000000001\"}");
    let why = reading.validation_error.unwrap_or_default();
    assert!(why.contains("more digits than can be stored"), "{why}");
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
        r#"◁think▷{"kind": "a", "score": 1}◁/think▷"#,
        r#"<inner_monologue>{"kind": "a", "score": 1}</inner_monologue>"#,
        r#"<cot>{"kind": "a", "score": 1}</cot>"#,
        r#"<plan>{"kind": "a", "score": 1}</plan>"#,
        r#"<del>{"kind": "a", "score": 1}</del>"#,
        r#"<!-- {"kind": "a", "score": 1} -->"#,
        r#"~~{"kind": "a", "score": 1}~~"#,
        "```thinking\n{\"kind\": \"a\", \"score\": 1}\n```",
        r#"Thought: perhaps {"kind": "a", "score": 1}"#,
        r#"Thought: {"kind": "a", "score": 1} or {"kind": "b", "score": 1}"#,
        "Thought:\nperhaps {\"kind\": \"a\", \"score\": 1}",
        "**Draft:**\n```json\n{\"kind\": \"a\", \"score\": 1}\n```",
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
        r#"◁think▷{"kind": "b", "score": 1}◁/think▷{"kind": "a", "score": 1}"#,
        r#"{"kind": "b", "score": 1}◁/think▷{"kind": "a", "score": 1}"#,
        r#"<seed:think>{"kind": "b", "score": 1}</seed:think>{"kind": "a", "score": 1}"#,
        r#"<!-- {"kind": "b", "score": 1} -->{"kind": "a", "score": 1}"#,
        r#"~~{"kind": "b", "score": 1}~~ {"kind": "a", "score": 1}"#,
        "~~~json\n{\"kind\": \"a\", \"score\": 1}\n~~~",
        "```thinking\n{\"kind\": \"b\", \"score\": 1}\n```\n```json\n{\"kind\": \"a\", \"score\": 1}\n```",
        "Thought: perhaps {\"kind\": \"b\", \"score\": 1}\nAnswer: {\"kind\": \"a\", \"score\": 1}",
        "Thought: it has feathers.\n{\"kind\": \"a\", \"score\": 1}",
        "Thought: it has feathers. Answer: {\"kind\": \"a\", \"score\": 1}",
    ] {
        assert_eq!(kind_of(text).as_deref(), Some("a"), "{text}");
    }
}
