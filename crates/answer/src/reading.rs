//! The result of reading one answer.
//!
//! With a schema the answer is the first JSON object of the text, coerced and validated. Without
//! one it is the text itself, or its JSON where there is JSON in it.
//!
//! The order of trying, which the rest of the crate serves:
//!
//! 1. The text as it is. A text that parses is never repaired.
//! 2. The repair of all quote pairs.
//! 3. The repair of single pairs.
//!
//! What follows the object is ignored, if it is not the object's own rest: in
//! `{"a":"„x" } and more"}` the quote in the value ended the string, and the brace in the value the
//! object. So an object that ends while a `„` is open and has text behind it is repaired if that
//! makes it reach further, and where the text behind an object holds a closing brace and quotes of
//! its own, or the model was stopped while it went on, the answer is refused. A truncated value
//! never passes as an answer.

use crate::candidate::{candidates, with_prefill};
use crate::coerce::keep;
use crate::datum::Datum;
use crate::field::FieldValue;
use crate::parse::{NotJson, Parsed, parse_prefix};
use crate::repair::{
    ends_a_string_in_an_open_quote, has_low_quote, repair_quotes, repair_single_pairs,
};
use crate::schema::Schema;
use jiter::{JsonObject, JsonValue};
use quarry_model::{AnswerContent, EMBEDDING_FIELD, ModelAnswer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The name of the only field when there is no schema.
pub const RESPONSE_FIELD: &str = "response";

/// How far reading an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParseStatus {
    /// The answer is valid against the schema.
    Success,
    /// There is no schema and the answer is JSON.
    JsonOnly,
    /// There is a schema, and the answer is not JSON or not valid against it.
    ValidationFailed,
    /// There is no schema and the answer is not JSON.
    JsonFailed,
    /// There is no answer.
    Error,
}

impl ParseStatus {
    /// The text of the `parse_status` column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::JsonOnly => "json_only",
            Self::ValidationFailed => "validation_failed",
            Self::JsonFailed => "json_failed",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for ParseStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What was read from one answer: the new columns of a row.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each flag is a fact of its own about the answer"
)]
pub struct Reading {
    /// How far reading came.
    pub parse_status: ParseStatus,
    /// The full schema holds.
    pub validation_passed: bool,
    /// Quotes had to be repaired before the answer could be parsed.
    pub repaired: bool,
    /// The model was stopped before it was done, by a limit on tokens.
    pub cut_off: bool,
    /// The model, a filter or a guardrail declined to answer. What it wrote is no answer; why it
    /// declined is in `error`.
    pub refused: bool,
    /// The model was made to answer with JSON: there is a schema, or a `{` was given to it.
    pub json_expected: bool,
    /// One value for each schema property, in schema order, or without a schema the one field
    /// [`RESPONSE_FIELD`]. All null when the answer failed.
    pub fields: Vec<FieldValue>,
    /// The answer text, prefill included, where the fields do not hold all of it: on failure, where
    /// it is no answer, and without a schema where the JSON stood in prose.
    pub raw_response: Option<String>,
    /// Why the answer is not JSON, or every violation of the schema with its JSON Pointer.
    pub validation_error: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

impl Reading {
    /// Whether the row needs no further asking: the answer is valid, or without a schema JSON, or
    /// text where text will do and all of it is there.
    pub fn is_good(&self) -> bool {
        match self.parse_status {
            ParseStatus::Success | ParseStatus::JsonOnly => true,
            ParseStatus::JsonFailed => !self.json_expected && !self.cut_off,
            ParseStatus::ValidationFailed | ParseStatus::Error => false,
        }
    }
}

/// Reads the answers of a run.
#[derive(Debug, Clone)]
pub struct Reader {
    schema: Option<Arc<Schema>>,
    prefilled: bool,
}

/// What the envelope of an answer says about its text.
#[derive(Debug, Clone, Copy, Default)]
struct Circumstances {
    prefilled: bool,
    cut_off: bool,
}

impl Reader {
    /// A reader for answers that must fit `schema`, if there is one.
    ///
    /// `prefilled`: the requests end with an assistant turn of `{`, so the answer texts lack it.
    pub fn new(schema: Option<Arc<Schema>>, prefilled: bool) -> Self {
        Self { schema, prefilled }
    }

    /// The schema answers must fit.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    /// How many fields each [`Reading`] has.
    pub fn field_count(&self) -> usize {
        self.schema
            .as_ref()
            .map_or(1, |schema| schema.properties().len())
    }

    /// Reads an answer. Never fails: whatever is wrong with it is in the [`Reading`].
    pub fn read(&self, answer: &ModelAnswer<'_>) -> Reading {
        if let Some(why) = answer.why_refused() {
            return Reading {
                refused: true,
                ..self.not_an_answer(answer, why)
            };
        }
        if answer.malformed() {
            let reason = answer.stop_reason.as_deref().unwrap_or_default();
            let why =
                format!("the service could not read what the model wrote (stop reason {reason})");
            return self.not_an_answer(answer, why);
        }
        let circumstances = Circumstances {
            prefilled: false,
            cut_off: answer.cut_off(),
        };
        match &answer.content {
            AnswerContent::Tool(json) => self.read_answer(json, circumstances),
            AnswerContent::Tools(calls) => self.not_an_answer(answer, contradiction(calls)),
            // A vector has no name; with a schema it is the one property of the answer.
            AnswerContent::Embedding(vector) if self.schema.is_some() => {
                let object = format!("{{\"{EMBEDDING_FIELD}\":{vector}}}");
                self.read_answer(&object, circumstances)
            }
            AnswerContent::Embedding(vector) => self.read_answer(vector, circumstances),
            AnswerContent::Text(text) => self.read_answer(
                text,
                Circumstances {
                    prefilled: self.prefilled,
                    ..circumstances
                },
            ),
            AnswerContent::Empty => {
                let mut error = "the model returned no content".to_owned();
                if let Some(reason) = &answer.stop_reason {
                    error.push_str(" (stop reason ");
                    error.push_str(reason);
                    error.push(')');
                }
                Reading {
                    cut_off: circumstances.cut_off,
                    ..self.unanswered(error)
                }
            }
        }
    }

    /// The reading of what a model wrote that is no answer, whatever it looks like: a refusal, say,
    /// can stop in the middle of a value.
    fn not_an_answer(&self, answer: &ModelAnswer<'_>, why: String) -> Reading {
        let raw_response = match &answer.content {
            AnswerContent::Text(text) if self.prefilled => Some(with_prefill(text).into_owned()),
            AnswerContent::Text(text)
            | AnswerContent::Tool(text)
            | AnswerContent::Embedding(text) => Some(text.to_string()),
            AnswerContent::Tools(calls) => Some(calls.join("\n")),
            AnswerContent::Empty => None,
        };
        Reading {
            cut_off: answer.cut_off(),
            raw_response,
            ..self.unanswered(why)
        }
    }

    /// Reads an answer of which only the text is known.
    pub fn read_text(&self, text: &str) -> Reading {
        self.read_answer(
            text,
            Circumstances {
                prefilled: self.prefilled,
                ..Circumstances::default()
            },
        )
    }

    /// The reading of a record without an answer: all fields null, and the reason.
    pub fn unanswered(&self, error: String) -> Reading {
        Reading {
            parse_status: ParseStatus::Error,
            validation_passed: false,
            repaired: false,
            cut_off: false,
            refused: false,
            json_expected: self.schema.is_some() || self.prefilled,
            fields: self.nulls(),
            raw_response: None,
            validation_error: None,
            error: Some(error),
        }
    }

    fn nulls(&self) -> Vec<FieldValue> {
        vec![FieldValue::Null; self.field_count()]
    }

    fn read_answer(&self, text: &str, circumstances: Circumstances) -> Reading {
        match &self.schema {
            Some(schema) => self.read_with_schema(schema, text, circumstances),
            None => read_without_schema(text, circumstances),
        }
    }

    fn read_with_schema(
        &self,
        schema: &Schema,
        text: &str,
        circumstances: Circumstances,
    ) -> Reading {
        // Without a prefill, too, a text that starts with a member name can only be an object
        // that lacks its brace.
        let outcome = find_object(text, true, circumstances, |found| {
            let answer = schema.rule().apply(found.members);
            match schema.violations(&answer) {
                None => Ok((fields_of(answer, schema.properties().len()), found.repaired)),
                Some(violations) => Err((violations, found.repaired)),
            }
        });
        let (repaired, result) = match outcome {
            Ok(Ok((fields, repaired))) => (repaired, Ok(fields)),
            Ok(Err((violations, repaired))) => (repaired, Err(violations)),
            Err(problem) => (false, Err(problem)),
        };
        let passed = result.is_ok();
        let (fields, validation_error) = match result {
            Ok(fields) => (fields, None),
            Err(problem) => (self.nulls(), Some(explained(problem, circumstances))),
        };
        let raw_response = (!passed).then(|| {
            if circumstances.prefilled {
                with_prefill(text).into_owned()
            } else {
                text.to_owned()
            }
        });
        Reading {
            parse_status: if passed {
                ParseStatus::Success
            } else {
                ParseStatus::ValidationFailed
            },
            validation_passed: passed,
            repaired,
            cut_off: circumstances.cut_off,
            refused: false,
            json_expected: true,
            fields,
            raw_response,
            validation_error,
            error: None,
        }
    }
}

fn read_without_schema(text: &str, circumstances: Circumstances) -> Reading {
    let reading = |field: FieldValue, repaired: bool, raw_response: Option<String>| Reading {
        parse_status: ParseStatus::JsonOnly,
        validation_passed: false,
        repaired,
        cut_off: circumstances.cut_off,
        refused: false,
        json_expected: circumstances.prefilled,
        fields: vec![field],
        raw_response,
        validation_error: None,
        error: None,
    };
    if let Some(field) = whole_json(text) {
        return reading(field, false, None);
    }
    let outcome = find_object(text, circumstances.prefilled, circumstances, |found| {
        let is_all = is_wrapping(found.before) && is_wrapping(found.after);
        let answer = keep(JsonValue::Object(found.members));
        match answer.non_finite_paths().first() {
            None => Ok((FieldValue::from(answer), found.repaired, is_all)),
            Some(path) => Err(format!("{path}: number is not finite")),
        }
    });
    match outcome {
        Ok(Ok((field, repaired, is_all))) => {
            reading(field, repaired, (!is_all).then(|| text.to_owned()))
        }
        Ok(Err(problem)) | Err(problem) => Reading {
            parse_status: ParseStatus::JsonFailed,
            validation_error: Some(explained(problem, circumstances)),
            ..reading(
                FieldValue::Text(text.to_owned()),
                false,
                Some(text.to_owned()),
            )
        },
    }
}

/// The value of a text that is JSON and nothing else. Numbers and words stay as they are written,
/// so that `1.50` is not turned into `1.5`.
fn whole_json(text: &str) -> Option<FieldValue> {
    let text = text.trim();
    let parsed = parse_prefix(text).ok()?;
    if parsed.end != text.len() {
        return None;
    }
    match keep(parsed.value) {
        answer @ (Datum::Object(_) | Datum::Array(_)) => answer
            .non_finite_paths()
            .is_empty()
            .then(|| FieldValue::from(answer)),
        Datum::Text(text) => Some(FieldValue::Text(text.into_owned())),
        Datum::NonFinite => None,
        _ => Some(FieldValue::Text(text.to_owned())),
    }
}

/// Whether the text around an object says nothing: blanks and the marks of a code fence.
fn is_wrapping(text: &str) -> bool {
    let text = text.trim().trim_matches(['`', '~']).trim();
    text.is_empty() || text.eq_ignore_ascii_case("json") || text == "\u{FEFF}"
}

/// Why several calls of the one tool are no answer.
fn contradiction(calls: &[Cow<'_, str>]) -> String {
    format!(
        "the model called the tool {} times, and not two of the calls say the same",
        calls.len()
    )
}

fn explained(problem: String, circumstances: Circumstances) -> String {
    if circumstances.cut_off {
        format!("answer was cut off at the token limit; {problem}")
    } else {
        problem
    }
}

fn fields_of(answer: Datum<'_>, count: usize) -> Vec<FieldValue> {
    match answer {
        // Members that are not properties stand behind them.
        Datum::Object(members) => members
            .into_iter()
            .take(count)
            .map(|(_, value)| FieldValue::from(value))
            .collect(),
        _ => vec![FieldValue::Null; count],
    }
}

/// The object of an answer and what stands around it.
struct FoundObject<'t> {
    members: JsonObject<'t>,
    repaired: bool,
    before: &'t str,
    after: &'t str,
}

/// Finds the JSON object of an answer and hands it to `then`, whose result is returned.
///
/// The object borrows from a text that may have been made for it, hence the continuation.
///
/// # Errors
///
/// Why there is no object, with the byte where reading stopped.
fn find_object<T>(
    text: &str,
    restores_brace: bool,
    circumstances: Circumstances,
    then: impl FnOnce(FoundObject<'_>) -> T,
) -> Result<T, String> {
    let found = candidates(text, restores_brace);
    let mut first_problem = None;
    for candidate in &found.texts {
        let before = match candidate {
            Cow::Borrowed(rest) => &text[..text.len() - rest.len()],
            Cow::Owned(_) => "",
        };
        let repaired_text;
        let (parsed, source, repaired) = match readable(candidate, circumstances.cut_off) {
            Ok(Readable::AsItIs(parsed)) => (parsed, &**candidate, false),
            Ok(Readable::Repaired(fixed)) => {
                repaired_text = fixed;
                match parse_prefix(&repaired_text) {
                    Ok(parsed) => (parsed, &*repaired_text, true),
                    Err(_) => continue,
                }
            }
            Err(problem) => {
                first_problem.get_or_insert(NotJson {
                    byte: before.len() + problem.byte,
                    reason: problem.reason,
                });
                continue;
            }
        };
        if let JsonValue::Object(members) = parsed.value {
            return Ok(then(FoundObject {
                members,
                repaired,
                before,
                after: &source[parsed.end..],
            }));
        }
    }
    Err(first_problem.map_or_else(
        || found.reason.to_owned(),
        |problem| format!("not JSON at {problem}"),
    ))
}

/// A candidate in a form that starts with a JSON value.
enum Readable<'t> {
    AsItIs(Parsed<'t>),
    Repaired(String),
}

/// Reads a candidate as it is, or repairs it.
fn readable(candidate: &str, cut_off: bool) -> Result<Readable<'_>, NotJson> {
    let parsed = match parse_prefix(candidate) {
        Ok(parsed) => parsed,
        Err(problem) => {
            return match repaired(candidate) {
                Some(repaired) => Ok(Readable::Repaired(repaired)),
                None => Err(problem),
            };
        }
    };
    let (object, rest) = candidate.split_at(parsed.end);
    if rest.trim().is_empty() {
        return Ok(Readable::AsItIs(parsed));
    }
    let ends_in_open_quote = has_low_quote(object) && ends_a_string_in_an_open_quote(object);
    if ends_in_open_quote && let Some(repaired) = repaired_to_read_on(candidate, rest) {
        return Ok(Readable::Repaired(repaired));
    }
    let was_going_on = cut_off && (ends_in_open_quote || rest.trim_start().starts_with('"'));
    if was_going_on || holds_the_end_of_an_object(rest) {
        return Err(NotJson {
            byte: parsed.end,
            reason: "the object ends in the middle of a value with a quote in it".to_owned(),
        });
    }
    Ok(Readable::AsItIs(parsed))
}

/// The repair of a text that does not parse.
fn repaired(candidate: &str) -> Option<String> {
    if !has_low_quote(candidate) {
        return None;
    }
    let is_whole = |text: &str, end: usize| !holds_the_end_of_an_object(&text[end..]);
    repair_quotes(candidate)
        .filter(|repaired| {
            parse_prefix(repaired).is_ok_and(|parsed| is_whole(repaired, parsed.end))
        })
        .or_else(|| repair_single_pairs(candidate, is_whole))
}

/// The repair with which the object reaches further into `rest`, the text behind it.
fn repaired_to_read_on(candidate: &str, rest: &str) -> Option<String> {
    // Braces outlast every repair, so fewer of them behind the object means that it reaches
    // further.
    let braces = count_braces(rest);
    let reads_on = |text: &str, end: usize| {
        count_braces(&text[end..]) < braces && !holds_the_end_of_an_object(&text[end..])
    };
    repair_quotes(candidate)
        .filter(|repaired| {
            parse_prefix(repaired).is_ok_and(|parsed| reads_on(repaired, parsed.end))
        })
        .or_else(|| repair_single_pairs(candidate, reads_on))
}

fn count_braces(text: &str) -> usize {
    memchr::memchr_iter(b'}', text.as_bytes()).count()
}

/// Whether text behind an object holds the real end of that object: a `}` that opens nowhere, with
/// a quote before it. Objects of their own and `{words}` in braces are passed over.
fn holds_the_end_of_an_object(rest: &str) -> bool {
    /// Most objects looked for, so that endless open braces cost no endless time.
    const MOST_OBJECTS: usize = 16;

    let mut quoted = false;
    let mut objects = 0;
    let mut at = 0;
    while let Some(next) = rest[at..].find(['"', '{', '}']) {
        at += next;
        match rest.as_bytes()[at] {
            b'"' => quoted = true,
            b'}' if quoted => return true,
            b'{' if objects < MOST_OBJECTS => {
                objects += 1;
                if let Ok(parsed) = parse_prefix(&rest[at..]) {
                    at += parsed.end;
                    continue;
                }
                if let Some(close) = rest[at + 1..].find(['"', '{', '}'])
                    && rest.as_bytes()[at + 1 + close] == b'}'
                {
                    at += close + 2;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reader(prefilled: bool) -> Reader {
        let schema = Schema::compile(&json!({
            "type": "object",
            "properties": {
                "kind": {"type": "string"},
                "score": {"type": "number", "maximum": 1},
                "list": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["kind"],
        }))
        .expect("valid schema");
        Reader::new(Some(Arc::new(schema)), prefilled)
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.to_owned())
    }

    #[test]
    fn fields_come_in_schema_order_with_null_for_what_is_absent() {
        let reading = reader(false).read_text(r#"{"score":1,"kind":"a"}"#);
        assert_eq!(reading.parse_status, ParseStatus::Success);
        assert!(reading.validation_passed && !reading.repaired && reading.is_good());
        assert_eq!(
            reading.fields,
            [text("a"), FieldValue::Number(1.0), FieldValue::Null]
        );
        assert_eq!(reading.raw_response, None);
        assert_eq!(reading.validation_error, None);
    }

    #[test]
    fn a_violation_leaves_the_text_and_no_fields() {
        let reading = reader(true).read_text("\"kind\":\"a\",\"score\":2}");
        assert_eq!(reading.parse_status, ParseStatus::ValidationFailed);
        assert!(!reading.validation_passed && !reading.is_good());
        assert_eq!(reading.fields, vec![FieldValue::Null; 3]);
        assert_eq!(
            reading.raw_response.as_deref(),
            Some("{\"kind\":\"a\",\"score\":2}")
        );
        let error = reading.validation_error.expect("violation");
        assert!(error.starts_with("/score: 2"), "{error}");
        assert_eq!(reading.error, None);
    }

    #[test]
    fn wrapped_answers_are_read() {
        for answer in [
            "```json\n{\"kind\":\"a\"}\n```",
            "Sure! {\"kind\":\"a\"} Hope this helps.",
            "\u{FEFF}{\"kind\":\"a\"}",
            "[{\"kind\":\"a\"}]",
            "<answer>{\"kind\":\"a\"}</answer>",
            "<thinking>{\"kind\":\"b\"}?</thinking>\n{\"kind\":\"a\"}",
            "{\"kind\":\"a\"}\n{\"kind\":\"b\"}",
        ] {
            for prefilled in [false, true] {
                let reading = reader(prefilled).read_text(answer);
                assert_eq!(reading.fields[0], text("a"), "{answer}");
                assert!(reading.validation_passed, "{answer}");
            }
        }
    }

    #[test]
    fn a_value_cut_inside_a_broken_quote_never_passes() {
        let read_on = reader(false).read_text(r#"{"kind":"„x" } and {"}"#);
        assert_eq!(read_on.fields[0], text("\"x\" } and {"));
        assert!(read_on.repaired);

        let single = reader(false).read_text(r#"{"kind":"„x" } and „y“ {","list":["1"]}"#);
        assert_eq!(single.fields[0], text("\"x\" } and \"y\" {"));

        for answer in [
            r#"{"kind":"„x" } and "y" z"}"#,
            r#"{"kind":"„x" } and "more","list":[1]}"#,
            r#"{"kind":"„x" } and "y" } z"}"#,
            r#"{"kind":"say "}" or so"}"#,
            r#"{"kind":"say "}” or so","list":[1]}"#,
            r#"{"kind":"„a" b","more":"say "}" or so"}"#,
        ] {
            let reading = reader(false).read_text(answer);
            assert_eq!(
                reading.parse_status,
                ParseStatus::ValidationFailed,
                "{answer}"
            );
        }
    }

    #[test]
    fn an_answer_stopped_at_the_limit_behind_an_open_quote_does_not_pass() {
        let answer = |stop: &'static str| ModelAnswer {
            content: AnswerContent::Text("{\"kind\":\"„x\" } and so".into()),
            stop_reason: Some(stop.into()),
            ..ModelAnswer::default()
        };
        let cut = reader(false).read(&answer("max_tokens"));
        assert!(cut.cut_off && !cut.validation_passed);
        let error = cut.validation_error.expect("reason");
        assert!(error.contains("token limit"), "{error}");

        let complete = reader(false).read(&answer("end_turn"));
        assert_eq!(complete.fields[0], text("„x"));
    }

    #[test]
    fn prose_behind_an_answer_is_not_taken_for_its_rest() {
        for rest in [
            "\nDone.",
            "\nThe field \"score\": left out.",
            " // see {kind}, \"quoted\"",
            "\nOr \"rather\": {\"kind\":\"b\"} or {\"kind\":\"c\"}.",
            "\n{\"kind\":\"b",
            "}",
        ] {
            let reading = reader(false).read_text(&format!("{{\"kind\":\"„a\"}}{rest}"));
            assert_eq!(reading.fields[0], text("„a"), "{rest}");
        }
    }

    #[test]
    fn an_unclosed_low_quote_beside_a_broken_one_is_read() {
        let reading = reader(false).read_text(r#"{"list":[1],"kind":"„a" b","score":"0.5"}"#);
        assert_eq!(reading.fields[0], text("\"a\" b"));

        let schema = Schema::compile(&json!({"properties": {"a": {}, "b": {}}})).expect("valid");
        let reading = Reader::new(Some(Arc::new(schema)), false)
            .read_text(r#"{"a":"„Haus","b":"say „hi" there"}"#);
        assert_eq!(reading.fields, [text("„Haus"), text("say \"hi\" there")]);
        assert!(reading.repaired);
    }

    #[test]
    fn what_parses_is_never_repaired() {
        let reading = reader(false).read_text(r#"{"kind":"“a” „b“ ‚c‘ „d"}"#);
        assert_eq!(reading.fields[0], text("“a” „b“ ‚c‘ „d"));
        assert!(!reading.repaired);
    }

    #[test]
    fn tool_input_is_read_without_putting_a_brace_back() {
        let answer = ModelAnswer {
            content: AnswerContent::Tool(r#"{"kind": "a", "list": ["1", 2.0]}"#.into()),
            stop_reason: Some("tool_use".into()),
            ..ModelAnswer::default()
        };
        let reading = reader(true).read(&answer);
        assert_eq!(reading.fields[2], FieldValue::Json("[1,2]".into()));
    }

    #[test]
    fn an_empty_answer_is_an_error_with_its_stop_reason() {
        let answer = ModelAnswer {
            content: AnswerContent::Empty,
            stop_reason: Some("end_turn".into()),
            ..ModelAnswer::default()
        };
        let reading = reader(true).read(&answer);
        assert_eq!(reading.parse_status, ParseStatus::Error);
        assert_eq!(
            reading.error.as_deref(),
            Some("the model returned no content (stop reason end_turn)")
        );
        assert_eq!(reading.fields.len(), 3);
        assert!(!reading.refused);
    }

    #[test]
    fn what_is_declined_or_malformed_is_no_answer_whatever_it_looks_like() {
        let answer = |stop: &'static str| ModelAnswer {
            content: AnswerContent::Text("\"kind\":\"a\"}".into()),
            stop_reason: Some(stop.into()),
            ..ModelAnswer::default()
        };
        for (stop, refused) in [
            ("refusal", true),
            ("content_filtered", true),
            ("guardrail_intervened", true),
            ("malformed_tool_use", false),
        ] {
            for reader in [reader(true), Reader::new(None, true)] {
                let reading = reader.read(&answer(stop));
                assert_eq!(reading.parse_status, ParseStatus::Error, "{stop}");
                assert_eq!(
                    (reading.refused, reading.is_good()),
                    (refused, false),
                    "{stop}"
                );
                assert_eq!(reading.raw_response.as_deref(), Some("{\"kind\":\"a\"}"));
                assert!(
                    reading
                        .fields
                        .iter()
                        .all(|field| *field == FieldValue::Null)
                );
            }
        }
    }

    #[test]
    fn without_a_schema_the_response_is_the_json_or_the_text() {
        let read = |answer: &str| Reader::new(None, false).read_text(answer);

        for (answer, response) in [
            (
                "{\"b\": 1,\n \"a\": [1.50]}",
                FieldValue::Json("{\"b\":1,\"a\":[1.5]}".into()),
            ),
            ("[1, 2]", FieldValue::Json("[1,2]".into())),
            ("1.50", text("1.50")),
            ("null", text("null")),
            ("\"a\\nb\"", text("a\nb")),
            (
                "```json\n{\"a\":1}\n```",
                FieldValue::Json("{\"a\":1}".into()),
            ),
            (
                "{\"a\":\"„x\" y\"}",
                FieldValue::Json("{\"a\":\"\\\"x\\\" y\"}".into()),
            ),
        ] {
            let reading = read(answer);
            assert_eq!(reading.fields, [response], "{answer}");
            assert_eq!(reading.parse_status, ParseStatus::JsonOnly, "{answer}");
            assert_eq!(reading.raw_response, None, "{answer}");
        }

        let prose = read("The answer: {\"a\":1} as asked.");
        assert_eq!(prose.fields, [FieldValue::Json("{\"a\":1}".into())]);
        assert_eq!(
            prose.raw_response.as_deref(),
            Some("The answer: {\"a\":1} as asked.")
        );

        for answer in [
            "Hello.",
            "",
            "{\"a\":",
            "{\"a\":NaN}",
            "\"a\":1,\"b\":{\"c\":2}}",
        ] {
            let failed = read(answer);
            assert_eq!(failed.parse_status, ParseStatus::JsonFailed, "{answer}");
            assert_eq!(failed.fields, [text(answer)], "{answer}");
            assert!(failed.validation_error.is_some(), "{answer}");
        }
    }

    #[test]
    fn free_text_is_good_where_no_json_was_asked_for() {
        let answer = |stop: &'static str| ModelAnswer {
            content: AnswerContent::Text("Hello.".into()),
            stop_reason: Some(stop.into()),
            ..ModelAnswer::default()
        };
        let free = Reader::new(None, false);
        assert!(free.read(&answer("end_turn")).is_good());
        assert!(!free.read(&answer("max_tokens")).is_good());
        assert!(!free.read(&answer("refusal")).is_good());
        assert!(!Reader::new(None, true).read(&answer("end_turn")).is_good());
        assert!(!reader(false).read(&answer("end_turn")).is_good());
    }

    #[test]
    fn without_a_schema_the_prefill_is_put_back_too() {
        let reading = Reader::new(None, true).read_text("\"a\":1,\"b\":{\"c\":2}}");
        assert_eq!(
            reading.fields,
            [FieldValue::Json("{\"a\":1,\"b\":{\"c\":2}}".into())]
        );
        assert_eq!(reading.raw_response, None);
    }

    #[test]
    fn problems_are_placed_in_the_text_as_it_came() {
        let reading = reader(false).read_text("Here: {\"kind\":tru}");
        let error = reading.validation_error.expect("problem");
        assert!(error.starts_with("not JSON at byte 1"), "{error}");
    }
}
