//! Reads one answer into the values of a row.
//!
//! With a schema the answer is the JSON object of the text, coerced and validated. Without a schema
//! it is the text itself or, if the text contains JSON, that JSON. [`crate::choice`] decides which
//! object of a text it is.
//!
//! An object that does not match the schema is read again in the ways of [`crate::misplaced`]. An
//! object that matches is never changed.

use crate::candidate::{Expectation, members_of, scanned};
use crate::choice::{Chosen, Judged, Properties, Refused, choose};
use crate::circumstances::Circumstances;
use crate::claim::ClaimKind;
use crate::claimed::SpokenNames;
use crate::coerce::keep;
use crate::field::FieldValue;
use crate::judging::judge;
use crate::missing_brace::with_prefill;
use crate::parse::parse_prefix;
use crate::schema::Schema;
use jiter::JsonValue;
use quarry_model::{AnswerContent, EMBEDDING_FIELD, ModelAnswer};
use quarry_validation::CheckEffort;
use quarry_validation::Datum;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The name of the only field if there is no schema.
pub const RESPONSE_FIELD: &str = "response";

/// How far an answer could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Success,
        Self::JsonOnly,
        Self::ValidationFailed,
        Self::JsonFailed,
        Self::Error,
    ];

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
    /// How far the answer could be read.
    pub parse_status: ParseStatus,
    /// The answer matches the whole schema.
    pub validation_passed: bool,
    /// Quotes had to be repaired before the answer could be parsed, or values were not where the
    /// schema has them (JSON text instead of a list, for example).
    pub repaired: bool,
    /// A limit on tokens stopped the model before it was done.
    pub cut_off: bool,
    /// The model's context window was full, and that is what stopped it.
    pub context_full: bool,
    /// Something else stopped the model before it was done.
    pub interrupted: bool,
    /// The model, a filter or a guardrail declined to answer. Its text is not an answer; `error`
    /// says why it declined.
    pub refused: bool,
    /// The model was made to answer with JSON: there is a schema, or the model was given a `{`.
    pub json_expected: bool,
    /// One value for each schema property, in schema order, or without a schema the single field
    /// [`RESPONSE_FIELD`]. All values are null if the answer failed.
    pub fields: Vec<FieldValue>,
    /// The answer text, including the prefill, if the fields do not hold all of it: on failure, if
    /// it is not an answer, and without a schema if prose surrounds the JSON.
    pub raw_response: Option<String>,
    /// Why the answer is not JSON, or every violation of the schema with its JSON Pointer.
    pub validation_error: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

impl Reading {
    /// Whether the row needs no other round. The answer is valid or, without a schema, is JSON, or
    /// is complete text if text will do.
    pub fn is_good(&self) -> bool {
        match self.parse_status {
            ParseStatus::Success | ParseStatus::JsonOnly => true,
            ParseStatus::JsonFailed => !self.json_expected && !self.cut_off && !self.interrupted,
            ParseStatus::ValidationFailed | ParseStatus::Error => false,
        }
    }
}

/// Reads the answers of a run.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(crate) schema: Option<Arc<Schema>>,
    prefilled: bool,
}

impl Reader {
    /// Creates a reader for answers that must match `schema`, if there is one.
    ///
    /// `prefilled`: the requests end with an assistant turn of `{`, so the answer texts lack it.
    pub fn new(schema: Option<Arc<Schema>>, prefilled: bool) -> Self {
        Self { schema, prefilled }
    }

    /// The schema that answers must match.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    /// Number of fields of each [`Reading`].
    pub fn field_count(&self) -> usize {
        self.schema
            .as_ref()
            .map_or(1, |schema| schema.properties().len())
    }

    /// Reads an answer. Never fails: the [`Reading`] says what is wrong.
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
        self.read_content(answer, &answer.content)
    }

    fn read_content(&self, answer: &ModelAnswer<'_>, content: &AnswerContent<'_>) -> Reading {
        let circumstances = Circumstances::of(answer);
        match content {
            AnswerContent::Tool(json) => self.read_call(json, circumstances),
            AnswerContent::Tools(calls) => self.read_calls(calls, circumstances),
            AnswerContent::Followed { calls, text } => {
                let reading = self.read_content(answer, calls);
                self.followed(reading, calls, text, circumstances)
            }
            AnswerContent::Candidates(all) => {
                let readings = all.iter().map(|one| self.read_content(answer, one));
                self.agreed(readings.collect(), content, circumstances)
            }
            // A vector has no name; with a schema it is the only property of the answer.
            AnswerContent::Embedding(vector) if self.schema.is_some() => {
                let object = format!("{{\"{EMBEDDING_FIELD}\":{vector}}}");
                self.read_answer(&object, circumstances)
            }
            AnswerContent::Embedding(vector) => self.read_answer(vector, circumstances),
            AnswerContent::Text(text) => {
                self.read_answer(text, circumstances.with_prefill(self.prefilled))
            }
            AnswerContent::Empty => {
                let mut error = "the model returned no content".to_owned();
                if let Some(reason) = &answer.stop_reason {
                    error.push_str(" (stop reason ");
                    error.push_str(reason);
                    error.push(')');
                }
                Reading {
                    cut_off: circumstances.is_cut_off(),
                    context_full: circumstances.is_context_full(),
                    interrupted: circumstances.is_interrupted(),
                    ..self.unanswered(error)
                }
            }
        }
    }

    /// Returns the reading of a text that is not an answer, whatever it looks like. A refusal, for
    /// example, can stop in the middle of a value.
    fn not_an_answer(&self, answer: &ModelAnswer<'_>, why: String) -> Reading {
        Reading {
            cut_off: answer.cut_off(),
            context_full: Circumstances::of(answer).is_context_full(),
            raw_response: self.text_of(answer),
            ..self.unanswered(why)
        }
    }

    /// Returns the text of an answer as `raw_response` has it, with the prefill; `None` if there is none.
    pub fn text_of(&self, answer: &ModelAnswer<'_>) -> Option<String> {
        match &answer.content {
            AnswerContent::Text(text) if self.prefilled => Some(with_prefill(text).into_owned()),
            content => content.raw(),
        }
    }

    /// Reads the input of a tool call, which may be JSON text.
    pub(crate) fn read_call(&self, json: &str, circumstances: Circumstances<'_>) -> Reading {
        if circumstances.may_lack_end() {
            // The service may have closed the braces of what the model wrote until then.
            let why = "the tool call may lack its end".to_owned();
            return match &self.schema {
                Some(_) => self.failed(json, why, false, circumstances),
                None => Reading {
                    json_expected: true,
                    ..not_json(json, why, circumstances)
                },
            };
        }
        match text_of_json(json) {
            Some(text) if self.schema.is_some() => {
                let reading = self.read_answer(&text, circumstances);
                Reading {
                    repaired: reading.repaired || reading.validation_passed,
                    ..reading
                }
            }
            _ => self.read_answer(json, circumstances),
        }
    }

    /// Reads an answer of which only the text is known.
    pub fn read_text(&self, text: &str) -> Reading {
        self.read_answer(text, Circumstances::default().with_prefill(self.prefilled))
    }

    /// Returns the reading of a record without an answer: all fields are null, and `error` gives
    /// the reason.
    pub fn unanswered(&self, error: String) -> Reading {
        Reading {
            parse_status: ParseStatus::Error,
            validation_passed: false,
            repaired: false,
            cut_off: false,
            context_full: false,
            interrupted: false,
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

    fn read_answer(&self, text: &str, circumstances: Circumstances<'_>) -> Reading {
        match &self.schema {
            Some(schema) => self.read_with_schema(schema, text, circumstances),
            None => read_without_schema(text, circumstances),
        }
    }

    fn read_with_schema(
        &self,
        schema: &Schema,
        text: &str,
        circumstances: Circumstances<'_>,
    ) -> Reading {
        if let Some(inner) = text_of_json(text)
            && inner.trim_start().starts_with('{')
        {
            let reading = self.read_with_schema(schema, &inner, circumstances);
            return Reading {
                repaired: reading.repaired || reading.validation_passed,
                ..reading
            };
        }
        // Even without a prefill, a text that starts with a member name can only be an object that
        // lacks its brace.
        let is_property = |name: &str| schema.rule().rule_of(name).is_some();
        let expectation = Expectation {
            restores_brace: true,
            prefilled: circumstances.prefilled,
            is_property: &is_property,
        };
        let effort = CheckEffort::of_an_answer();
        let may_lack_end = circumstances.may_lack_end();
        let chosen = with_properties(schema, &effort, |properties| {
            scanned(text, expectation, |text, scan| {
                choose(text, scan, may_lack_end, properties, |found| {
                    judge(schema, found, &effort)
                })
            })
        });
        match chosen {
            Ok(Chosen {
                value, repaired, ..
            }) => Reading {
                parse_status: ParseStatus::Success,
                validation_passed: true,
                repaired,
                fields: value,
                raw_response: None,
                validation_error: None,
                ..self.failed("", String::new(), repaired, circumstances)
            },
            Err(Refused { why, repaired }) => self.failed(text, why, repaired, circumstances),
        }
    }

    /// Returns the reading of an answer that is not valid.
    pub(crate) fn failed(
        &self,
        text: &str,
        why: String,
        repaired: bool,
        circumstances: Circumstances<'_>,
    ) -> Reading {
        Reading {
            parse_status: ParseStatus::ValidationFailed,
            validation_passed: false,
            repaired,
            cut_off: circumstances.is_cut_off(),
            context_full: circumstances.is_context_full(),
            interrupted: circumstances.is_interrupted(),
            refused: false,
            json_expected: true,
            fields: self.nulls(),
            raw_response: Some(if circumstances.prefilled {
                with_prefill(text).into_owned()
            } else {
                text.to_owned()
            }),
            validation_error: Some(circumstances.explained(why)),
            error: None,
        }
    }
}

/// Passes what is known about the properties of a schema to `then`.
pub(crate) fn with_properties<T>(
    schema: &Schema,
    effort: &CheckEffort,
    then: impl FnOnce(&Properties<'_, Vec<FieldValue>>) -> T,
) -> T {
    let is_property = |name: &str| schema.rule().rule_of(name).is_some();
    let spoken = SpokenNames::of(schema);
    then(&Properties {
        is_property: Some(&is_property),
        is_spoken: &|name| spoken.index_of(name).is_some(),
        compare: &|fields: &Vec<FieldValue>, claim| spoken.compare(fields, claim, effort),
    })
}

/// Returns the text of an answer that is a single JSON string.
pub(crate) fn text_of_json(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with('"') {
        return None;
    }
    let parsed = parse_prefix(text).ok()?;
    match parsed.value {
        JsonValue::Str(inner) if parsed.end == text.len() => Some(inner.into_owned()),
        _ => None,
    }
}

fn read_without_schema(text: &str, circumstances: Circumstances<'_>) -> Reading {
    if let Some(field) = whole_json(text)
        && !(circumstances.may_lack_end() && goes_on_anywhere(text))
    {
        return json_only(field, circumstances);
    }
    let expectation = Expectation {
        restores_brace: circumstances.prefilled,
        prefilled: circumstances.prefilled,
        is_property: &|_| true,
    };
    let properties = Properties {
        is_property: None,
        is_spoken: &|_| false,
        compare: &|_: &FieldValue, _| ClaimKind::Unrelated,
    };
    let may_lack_end = circumstances.may_lack_end();
    let chosen = scanned(text, expectation, |text, scan| {
        choose(text, scan, may_lack_end, &properties, |found| {
            let members = members_of(found.members.take(), &found.json);
            let answer = keep(JsonValue::Object(members));
            Judged {
                value: match answer.faults().first() {
                    None => Ok(FieldValue::from(answer)),
                    Some((path, why)) => Err(format!("{path}: {why}")),
                },
                answers: true,
                repaired: found.repaired,
            }
        })
    });
    match chosen {
        Ok(chosen) => Reading {
            repaired: chosen.repaired,
            raw_response: (!chosen.is_all).then(|| text.to_owned()),
            ..json_only(chosen.value, circumstances)
        },
        Err(Refused { why, .. }) => not_json(text, why, circumstances),
    }
}

/// Returns the reading of an answer that is JSON, where there is no schema.
fn json_only(field: FieldValue, circumstances: Circumstances<'_>) -> Reading {
    Reading {
        parse_status: ParseStatus::JsonOnly,
        validation_passed: false,
        repaired: false,
        cut_off: circumstances.is_cut_off(),
        context_full: circumstances.is_context_full(),
        interrupted: circumstances.is_interrupted(),
        refused: false,
        json_expected: circumstances.prefilled,
        fields: vec![field],
        raw_response: None,
        validation_error: None,
        error: None,
    }
}

/// Returns the reading of an answer that is not JSON, where there is no schema.
fn not_json(text: &str, why: String, circumstances: Circumstances<'_>) -> Reading {
    Reading {
        parse_status: ParseStatus::JsonFailed,
        raw_response: Some(text.to_owned()),
        validation_error: Some(circumstances.explained(why)),
        ..json_only(FieldValue::Text(text.to_owned()), circumstances)
    }
}

/// Whether a JSON value would still be one with more text behind it: a number or a word.
fn goes_on_anywhere(json: &str) -> bool {
    !json.trim_end().ends_with(['"', '}', ']', '`'])
}

/// Returns the value of a text that is nothing but JSON. Numbers and words stay as they are
/// written, so that `1.50` does not become `1.5`.
fn whole_json(text: &str) -> Option<FieldValue> {
    let text = unfenced(text.trim());
    let parsed = parse_prefix(text).ok()?;
    if parsed.end != text.len() {
        return None;
    }
    match keep(parsed.value) {
        answer @ (Datum::Object(_) | Datum::Array(_)) => {
            let is_json = !answer.is_faulty();
            is_json.then(|| FieldValue::from(answer))
        }
        Datum::Text(text) => Some(FieldValue::Text(text.into_owned())),
        Datum::NonFinite => None,
        _ => Some(FieldValue::Text(text.to_owned())),
    }
}

/// Returns the content of a code fence that takes the whole text.
fn unfenced(text: &str) -> &str {
    text.strip_prefix("```")
        .and_then(|text| text.strip_suffix("```"))
        .map(|text| text.strip_prefix("json").unwrap_or(text).trim())
        .filter(|text| text.starts_with('['))
        .unwrap_or(text)
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
    fn a_status_is_stored_as_its_column_shows_it() {
        for status in [
            ParseStatus::Success,
            ParseStatus::JsonOnly,
            ParseStatus::ValidationFailed,
            ParseStatus::JsonFailed,
            ParseStatus::Error,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
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
            "{\"kind\":\"a\"}\n{ \"kind\": \"a\" }",
            "{\"kind\":1}\n{\"kind\":\"a\"}",
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
    fn an_answer_cut_off_after_an_open_quote_does_not_pass() {
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

    fn stopped_by<'a>(stop: &'a str, text: &'a str) -> ModelAnswer<'a> {
        ModelAnswer {
            content: AnswerContent::Text(text.into()),
            stop_reason: Some(stop.into()),
            ..ModelAnswer::default()
        }
    }

    #[test]
    fn a_draft_before_a_cut_never_passes_and_the_reason_is_the_cut() {
        for (stop, reason) in [
            ("max_tokens", "cut off at the token limit"),
            ("length", "cut off at the token limit"),
            (
                "model_context_window_exceeded",
                "the context window was full",
            ),
            ("pause_turn", "cut off (stop reason pause_turn)"),
            (
                "a_new_reason",
                "may be cut off (unknown stop reason a_new_reason)",
            ),
        ] {
            for answer in [
                "First try: {\"kind\":\"a\"}\nWait, that is wrong, because",
                "{\"kind\":\"a\"}\n\nHowever",
                "```json\n{\"kind\":\"a\"}\n```\nI will check",
                "```json\n{\"kind\":\"a\"}\n```\n```json",
                "{\"kind\":\"a\"}\n```json",
                "{\"kind\":\"a\"}\n```",
                "{\"kind\":\"a\"}<think>or",
                "{\"kind\":\"a\"}<think>or {\"kind\":\"b\"}?</think>",
                "[{\"kind\":\"a\"},",
                "[{\"kind\":\"a\"}",
                "{\"kind\":\"a\"} {",
                "\"{\\\"kind\\\":\\\"a\\\"} Wait\"",
            ] {
                let reading = reader(false).read(&stopped_by(stop, answer));
                assert_eq!(
                    reading.parse_status,
                    ParseStatus::ValidationFailed,
                    "{stop}: {answer}"
                );
                assert!(!reading.is_good());
                assert_eq!(
                    reading.context_full,
                    stop == "model_context_window_exceeded"
                );
                let error = reading.validation_error.expect("reason");
                assert!(error.contains(reason), "{answer}: {error}");
                // A JSON string is whole, whatever its text is.
                let free = Reader::new(None, true).read(&stopped_by(stop, answer));
                assert_eq!(free.is_good(), answer.starts_with('"'), "{stop}: {answer}");
            }
        }
    }

    #[test]
    fn a_whole_answer_at_the_end_of_a_cut_text_passes() {
        for stop in ["max_tokens", "pause_turn", "a_new_reason"] {
            for answer in [
                "{\"kind\":\"a\"}",
                "So: {\"kind\":\"a\"}\n \n",
                "```json\n{\"kind\":\"a\"}\n```",
                "~~~\n{\"kind\":\"a\"}\n~~~\n",
                "`{\"kind\":\"a\"}`",
                "[{\"kind\":\"a\"}]",
                "```json\n[ {\"kind\":\"a\"} ]\n```",
                "<think>{\"kind\":\"b\"}</think>{\"kind\":\"a\"}",
            ] {
                let reading = reader(false).read(&stopped_by(stop, answer));
                assert_eq!(
                    reading.fields[0],
                    text("a"),
                    "{stop}: {answer}: {reading:?}"
                );
            }
        }
    }

    #[test]
    fn a_number_or_a_word_that_may_lack_its_end_is_not_json() {
        let free = Reader::new(None, false);
        for answer in ["12", "1.5", "true", "null"] {
            let cut = free.read(&stopped_by("max_tokens", answer));
            assert!(!cut.is_good(), "{answer}: {cut:?}");
            let paused = free.read(&stopped_by("pause_turn", answer));
            assert!(!paused.is_good(), "{answer}: {paused:?}");
            let whole = free.read(&stopped_by("end_turn", answer));
            assert_eq!(whole.parse_status, ParseStatus::JsonOnly, "{answer}");
        }
        for answer in ["[1,2]", "{\"a\":1}", "\"b\""] {
            let whole = free.read(&stopped_by("max_tokens", answer));
            assert_eq!(whole.parse_status, ParseStatus::JsonOnly, "{answer}");
        }
    }

    #[test]
    fn prose_after_an_answer_is_not_taken_for_its_rest() {
        for rest in [
            "\nDone.",
            "\nThe field \"score\": left out.",
            " // see {kind}, \"quoted\"",
            "\nThe input was {\"other\":\"b\"} or {\"more\":\"c\"}.",
            "\n{\"other\":\"b",
            "}",
        ] {
            let reading = reader(false).read_text(&format!("{{\"kind\":\"„a\"}}{rest}"));
            assert_eq!(reading.fields[0], text("„a"), "{rest}");
        }
    }

    #[test]
    fn a_second_answer_after_the_first_contradicts_it() {
        for rest in [
            "\n{\"kind\":\"b\"}",
            "\nOr \"rather\": {\"kind\":\"b\"} or {\"kind\":\"c\"}.",
            "\n{\"kind\":1}",
            "\n{\"kind\":\"b",
            "\nFinal answer: b",
        ] {
            let answer = format!("{{\"kind\":\"a\"}}{rest}");
            let reading = reader(false).read_text(&answer);
            assert_eq!(
                reading.parse_status,
                ParseStatus::ValidationFailed,
                "{rest}"
            );
            assert_eq!(reading.raw_response, Some(answer), "{rest}");
        }
        let reading = reader(false).read_text("{\"kind\":\"a\"}\n{\"kind\":\"b\"}");
        assert_eq!(
            reading.validation_error.as_deref(),
            Some(
                "the answer contradicts itself: {\"kind\":\"a\"} at byte 0, but {\"kind\":\"b\"} at \
                 byte 13"
            )
        );
    }

    /// JSON parsers take the last value, but nothing says which of them the model meant.
    #[test]
    fn a_repeated_key_with_different_values_contradicts_itself_and_with_the_same_it_does_not() {
        for (answer, place) in [
            (r#"{"kind":"a","score":0.1,"kind":"b"}"#, "/kind"),
            (r#"{"kind":"a","score":0.1,"score":null}"#, "/score"),
            (r#"{"kind":"a","list":[1],"list":[1,2]}"#, "/list"),
        ] {
            let answers = [
                answer.to_owned(),
                format!("Here it is:\n```json\n{answer}\n```"),
                serde_json::to_string(answer).expect("JSON"),
            ];
            for answer in answers {
                let reading = reader(false).read_text(&answer);
                assert_eq!(
                    reading.parse_status,
                    ParseStatus::ValidationFailed,
                    "{answer}"
                );
                let error = reading.validation_error.unwrap_or_default();
                let expected = format!("{place}: the answer contradicts itself");
                assert!(error.contains(&expected), "{answer}: {error}");
            }
        }
        let same = r#"{"kind":"a","score":"0.5","list":[1],"score":0.5,"kind":"a","list":["1"]}"#;
        assert_eq!(
            reader(false).read_text(same).parse_status,
            ParseStatus::Success
        );

        let free = Schema::compile(&json!({"properties": {"a": {}}})).expect("valid");
        let free = Reader::new(Some(Arc::new(free)), false);
        for (answer, status) in [
            (r#"{"a":[{"b":1,"b":2}]}"#, ParseStatus::ValidationFailed),
            (
                r#"{"a":{"b":1,"c":[2]},"a":{"c":[2],"b":1}}"#,
                ParseStatus::Success,
            ),
        ] {
            assert_eq!(free.read_text(answer).parse_status, status, "{answer}");
        }
        let any = Reader::new(None, false).read_text(r#"{"b":1,"b":2}"#);
        assert_eq!(any.parse_status, ParseStatus::JsonFailed);
    }

    #[test]
    fn a_tool_call_that_may_be_cut_off_is_not_taken_for_complete() {
        for stop in ["max_tokens", "pause_turn", "a_new_reason"] {
            let answer = ModelAnswer {
                content: AnswerContent::Tool(r#"{"kind": "a"}"#.into()),
                stop_reason: Some(stop.into()),
                ..ModelAnswer::default()
            };
            let reading = reader(false).read(&answer);
            assert_eq!(reading.parse_status, ParseStatus::ValidationFailed);
            assert_eq!(reading.cut_off, stop == "max_tokens");
            assert!(!reading.is_good(), "{stop}");
            assert!(!Reader::new(None, false).read(&answer).is_good(), "{stop}");
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
    fn a_declined_or_malformed_response_is_never_an_answer() {
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
    fn free_text_is_good_where_json_was_not_required() {
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
