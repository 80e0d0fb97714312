//! Reads what a model returned (`modelOutput`).
//!
//! The shape is recognised, not the model: one run may have answers of a batch job, of Converse and
//! of calls on demand, and a new model that uses a known shape can be read immediately. Members
//! that are not needed are skipped without being parsed.
//!
//! Limits: images and other media in an answer are skipped.

mod content;
mod end;
mod lenient;
mod plain;
mod shapes;

pub use content::{AnswerContent, UnreadableOutput};
pub use end::AnswerEnd;

use crate::object::Object;
use crate::usage::{Count, Usage};
use lenient::LenientText;
use plain::{JsonText, PlainMember, members_named};
use serde::Deserialize;
use shapes::{
    Candidate, CohereGeneration, MistralOutput, TitanResult, anthropic_content, candidates,
    chat_choices, converse_content, embedding_content, one_of, plain, text_of,
};
use std::borrow::Cow;

/// The stop reason of Converse when a guardrail intervened.
const GUARDRAIL: &str = "guardrail_intervened";

/// A model's answer without its envelope.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelAnswer<'a> {
    /// The content of the answer.
    pub content: AnswerContent<'a>,
    /// Why the model stopped, in the service's words (`end_turn`, `max_tokens`, `tool_use`, …).
    pub stop_reason: Option<Cow<'a, str>>,
    /// The model's statement about its refusal (`stop_details` of Anthropic Messages): the
    /// category, and an explanation in one sentence.
    pub stop_details: Option<String>,
    /// A guardrail replaced or changed the answer (`amazon-bedrock-guardrailAction`). The stop
    /// reason of `InvokeModel` does not say so.
    pub guardrail_intervened: bool,
    /// Tokens read and written, zero if the answer does not say.
    pub usage: Usage,
}

impl ModelAnswer<'_> {
    /// Whether the model had to stop before it was done: at the token limit, or because its context
    /// window was full.
    pub fn cut_off(&self) -> bool {
        self.end() == AnswerEnd::AtLimit
    }

    /// How the answer ended, according to the stop reason.
    pub fn end(&self) -> AnswerEnd {
        AnswerEnd::of(self.stop_reason.as_deref())
    }

    /// Whether the model, a content filter or a guardrail declined to answer.
    pub fn refused(&self) -> bool {
        self.guardrail_intervened
            || self.stopped_by(&[
                "refusal",
                "content_filtered",
                "content_filter",
                "error_toxic",
                GUARDRAIL,
            ])
    }

    /// Whether the service could not parse what the model wrote (Converse, stop reasons
    /// `malformed_model_output` and `malformed_tool_use`). The content may then be any part of it.
    pub fn malformed(&self) -> bool {
        self.stopped_by(&["malformed_model_output", "malformed_tool_use"])
    }

    /// Returns who declined to answer and, if it is known, why; `None` if nobody did.
    pub fn why_refused(&self) -> Option<String> {
        if !self.refused() {
            return None;
        }
        let reason = self.stop_reason.as_deref().unwrap_or_default();
        let mut why = if self.guardrail_intervened || reason.eq_ignore_ascii_case(GUARDRAIL) {
            "a guardrail intervened".to_owned()
        } else {
            format!("the model or a filter declined to answer (stop reason {reason})")
        };
        if let Some(details) = &self.stop_details {
            why.push_str(": ");
            why.push_str(details);
        }
        Some(why)
    }

    fn stopped_by(&self, reasons: &[&str]) -> bool {
        self.stop_reason.as_deref().is_some_and(|stop| {
            reasons
                .iter()
                .any(|reason| stop.eq_ignore_ascii_case(reason))
        })
    }
}

/// Reads a model output, given as the JSON text of `modelOutput`.
///
/// Known shapes: Anthropic Messages (`content`), Converse and Nova (`output.message.content`),
/// Llama (`generation`), Mistral (`outputs`), chat completions (`choices`), Titan text (`results`),
/// Claude text completions (`completion`), Cohere (`generations`, `text`) and embeddings
/// (`embedding`, `embeddings`, `embeddingsByType`). A member that is null counts as missing.
///
/// Of several content blocks the answer is the tool call named `structured_response`, or else the
/// only tool call, or else the text of all text blocks joined. Several calls of that name count as
/// one if they are equal, and so do several candidates. Text behind a call is kept with it; chat
/// completions do not say where text stands, and it counts as text before the calls.
///
/// # Errors
///
/// [`UnreadableOutput`] if the text is not JSON or has no known shape. An answer without content is
/// not an error: it is [`AnswerContent::Empty`].
pub fn read_output(output: &str) -> Result<ModelAnswer<'_>, UnreadableOutput> {
    let envelope = Envelope::read(output)?;
    let (content, inner_stop, inner_usage) = candidate(&envelope)?;
    Ok(ModelAnswer {
        content,
        stop_reason: envelope
            .stop_reason
            .or(envelope.stop_reason_camel)
            .or(inner_stop)
            .or(envelope.finish_reason)
            .map(|text| text.0),
        stop_details: envelope.stop_details.and_then(stop_details),
        guardrail_intervened: envelope
            .guardrail_action
            .is_some_and(|action| action.0.eq_ignore_ascii_case("INTERVENED")),
        usage: envelope
            .usage
            .map(|usage| Usage::read(usage.0))
            .or(inner_usage)
            .unwrap_or_default(),
    })
}

/// Returns the tokens that a model output reports, even if its content has no known shape; zero if
/// it reports none. An answer that cannot be read is paid for too.
pub fn read_usage(output: &str) -> Usage {
    let Ok(envelope) = Envelope::read(output) else {
        return Usage::default();
    };
    envelope.usage.map_or_else(
        || {
            let input = envelope.prompt_token_count;
            Usage::plain(
                input.or(envelope.input_text_token_count),
                envelope.generation_token_count,
            )
        },
        |usage| Usage::read(usage.0),
    )
}

/// Returns the content of the answer, according to its shape.
fn candidate<'a>(envelope: &Envelope<'a>) -> Result<Candidate<'a>, UnreadableOutput> {
    if let Some(blocks) = envelope.content {
        Ok((anthropic_content(blocks)?, None, None))
    } else if let Some(output) = envelope.output {
        Ok((converse_content(output)?, None, None))
    } else if let Some(generation) = envelope.generation {
        let usage = Usage::plain(envelope.prompt_token_count, envelope.generation_token_count);
        Ok((text_of(generation)?, None, Some(usage)))
    } else if let Some(outputs) = envelope.outputs {
        let all = candidates::<MistralOutput<'_>>(outputs)?;
        let all = all.into_iter();
        Ok(one_of(
            all.map(|one| (plain(one.text), one.stop_reason, None))
                .collect(),
        ))
    } else if let Some(choices) = envelope.choices {
        chat_choices(choices)
    } else if let Some(results) = envelope.results {
        let all = candidates::<TitanResult<'_>>(results)?;
        let tokens = all
            .iter()
            .filter_map(|one| one.token_count)
            .reduce(Count::plus);
        let usage = Usage::plain(envelope.input_text_token_count, tokens);
        let all = all.into_iter();
        let all = all.map(|one| (plain(one.output_text), one.completion_reason, None));
        let (content, stop, _) = one_of(all.collect());
        Ok((content, stop, Some(usage)))
    } else if let Some(completion) = envelope.completion {
        Ok((text_of(completion)?, None, None))
    } else if let Some(generations) = envelope.generations {
        let all = candidates::<CohereGeneration<'_>>(generations)?;
        let all = all.into_iter();
        Ok(one_of(
            all.map(|one| (plain(one.text), one.finish_reason, None))
                .collect(),
        ))
    } else if let Some(vectors) = envelope
        .embedding
        .or(envelope.embeddings)
        .or(envelope.embeddings_by_type)
    {
        let usage = Usage::plain(envelope.input_text_token_count, None);
        Ok((embedding_content(vectors)?, None, Some(usage)))
    } else if let Some(text) = envelope.text {
        Ok((text_of(text)?, None, None))
    } else {
        Err(UnreadableOutput::UnknownShape)
    }
}

/// Returns the text of `stop_details`, if there is any. Details in an unknown form do not make the
/// answer unreadable.
fn stop_details(JsonText(details): JsonText<'_>) -> Option<String> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Members<'a> {
        #[serde(borrow)]
        category: Option<LenientText<'a>>,
        #[serde(borrow)]
        explanation: Option<LenientText<'a>>,
    }
    let Object(members): Object<Members<'_>> = serde_json::from_str(details).unwrap_or_default();
    let words = |text: Option<LenientText<'_>>| {
        text.map(|text| text.0.into_owned())
            .filter(|text| !text.trim().is_empty())
    };
    let explanation = words(members.explanation);
    let Some(category) = words(members.category) else {
        return explanation;
    };
    Some(match explanation {
        Some(explanation) => format!("category {category}: {explanation}"),
        None => format!("category {category}"),
    })
}

/// Makes [`Envelope`] of a line for each member: its field, its type, and its name in the output.
macro_rules! envelope {
    ($($field:ident: $type:ty = $name:literal,)*) => {
        /// The members of every known shape, each of which may be null or missing. Those that can have the
        /// content are parsed after the shape is known.
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "'de: 'a"))]
        struct Envelope<'a> {
            $(#[serde(default, rename = $name)] $field: Option<$type>,)*
        }

        impl<'a> Envelope<'a> {
            /// Reads an envelope in one walk; `None` if it is not in its usual form.
            fn read_plain(output: &'a str) -> Option<Self> {
                let [$($field),*] = members_named(output, [$($name),*])?;
                Some(Self { $($field: PlainMember::read($field)?,)* })
            }
        }
    };
}

envelope! {
    content: JsonText<'a> = "content",
    output: JsonText<'a> = "output",
    generation: JsonText<'a> = "generation",
    outputs: JsonText<'a> = "outputs",
    choices: JsonText<'a> = "choices",
    results: JsonText<'a> = "results",
    completion: JsonText<'a> = "completion",
    generations: JsonText<'a> = "generations",
    text: JsonText<'a> = "text",
    embedding: JsonText<'a> = "embedding",
    embeddings: JsonText<'a> = "embeddings",
    embeddings_by_type: JsonText<'a> = "embeddingsByType",
    stop_reason: LenientText<'a> = "stop_reason",
    stop_reason_camel: LenientText<'a> = "stopReason",
    finish_reason: LenientText<'a> = "finish_reason",
    stop_details: JsonText<'a> = "stop_details",
    guardrail_action: LenientText<'a> = "amazon-bedrock-guardrailAction",
    usage: JsonText<'a> = "usage",
    prompt_token_count: Count = "prompt_token_count",
    generation_token_count: Count = "generation_token_count",
    input_text_token_count: Count = "inputTextTokenCount",
}

impl<'a> Envelope<'a> {
    fn read(output: &'a str) -> Result<Self, serde_json::Error> {
        match Self::read_plain(output) {
            Some(envelope) => Ok(envelope),
            None => serde_json::from_str(output).map(|Object(envelope)| envelope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(output: &str) -> AnswerContent<'_> {
        read_output(output).expect("readable").content
    }

    fn text(text: &str) -> AnswerContent<'_> {
        AnswerContent::Text(Cow::Borrowed(text))
    }

    fn tool(json: &str) -> AnswerContent<'_> {
        AnswerContent::Tool(Cow::Borrowed(json))
    }

    /// Returns the same JSON in a form that the walk leaves to serde: with a tab in each object.
    fn with_tabs(output: &str) -> String {
        output.replace('{', "{\t")
    }

    fn seen(answer: &ModelAnswer<'_>) -> String {
        format!("{answer:?}").replace("\\t", "")
    }

    fn output() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "content",
            "output",
            "message",
            "text",
            "type",
            "name",
            "input",
            "toolUse",
            "generation",
            "choices",
            "stop_reason",
            "stopReason",
            "usage",
            "embedding",
            "results",
            "prompt_token_count",
            "inputTextTokenCount",
            "amazon-bedrock-guardrailAction",
            "more",
        ]);
        let scalar = prop::sample::select(vec![
            "null",
            "7",
            "-1",
            "1.5",
            "true",
            "\"text\"",
            "\"tool_use\"",
            "\"structured_response\"",
            "\"a\\n\"",
            "\"\\ud83d\"",
            "\"\"",
            "[]",
            "{}",
        ]);
        let value = scalar
            .prop_map(str::to_owned)
            .prop_recursive(5, 30, 4, move |inner| {
                let member = (words.clone(), inner.clone())
                    .prop_map(|(name, json)| format!("\"{name}\":{json}"));
                let block = inner
                    .clone()
                    .prop_map(|json| format!(r#"{{"type":"tool_use","name":"t","input":{json}}}"#));
                let converse = inner.clone().prop_map(|json| {
                    format!(r#"{{"text":"a","toolUse":{{"name":"t","input":{json}}}}}"#)
                });
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..3)
                        .prop_map(|items| format!("[{}]", items.join(","))),
                    prop::collection::vec(member, 0..4)
                        .prop_map(|members| format!("{{{}}}", members.join(","))),
                    block,
                    converse,
                    inner.clone().prop_map(|json| format!(
                        r#"{{"content":[{json}],"stop_reason":"end_turn"}}"#
                    )),
                    inner.prop_map(|json| format!(
                        r#"{{"output":{{"message":{{"content":[{json}]}}}}}}"#
                    )),
                ]
            });
        value.prop_filter("an object", |json| json.starts_with('{'))
    }

    proptest! {
        /// The quick way and the careful way read the same. Errors differ only in the column.
        #[test]
        fn an_output_is_read_as_serde_reads_it(output in output(), at in any::<prop::sample::Index>(), is_cut in prop::bool::weighted(0.1)) {
            let output = if is_cut { &output[..output.floor_char_boundary(at.index(output.len()))] } else { &*output };
            let careful = with_tabs(output);
            prop_assert!(Envelope::read_plain(&careful).is_none());
            match (read_output(output), read_output(&careful)) {
                (Ok(plain), Ok(careful)) => prop_assert_eq!(seen(&plain), seen(&careful)),
                (Err(plain), Err(careful)) => {
                    let reason = |error: UnreadableOutput| error.to_string().split(" at line").next().unwrap_or_default().to_owned();
                    prop_assert_eq!(reason(plain), reason(careful));
                }
                (plain, careful) => prop_assert!(false, "{}: {:?}, {:?}", output, plain, careful),
            }
            prop_assert_eq!(read_usage(output), read_usage(&careful));
        }
    }

    #[test]
    fn all_text_blocks_are_joined_and_thinking_is_passed_over() {
        assert_eq!(
            content(
                r#"{"content":[{"type":"thinking","thinking":"{hm}"},{"type":"text","text":"{\"a\":"},{"type":"text","text":"1}"}]}"#
            ),
            text(r#"{"a":1}"#)
        );
        assert_eq!(
            content(
                r#"{"output":{"message":{"content":[{"reasoningContent":{"reasoningText":{"text":"hm"}}},{"text":"a"},{"text":"b"}]}}}"#
            ),
            text("ab")
        );
    }

    #[test]
    fn the_tokens_of_an_output_of_no_known_shape_are_read() {
        for (output, tokens) in [
            (
                r#"{"odd":1,"usage":{"input_tokens":3,"output_tokens":2}}"#,
                (3, 2),
            ),
            (
                r#"{"content":5,"usage":{"inputTokens":3,"outputTokens":2}}"#,
                (3, 2),
            ),
            (
                r#"{"prompt_token_count":3,"generation_token_count":2}"#,
                (3, 2),
            ),
            (r#"{"odd":1}"#, (0, 0)),
            ("[1]", (0, 0)),
            ("{", (0, 0)),
        ] {
            let usage = read_usage(output);
            assert_eq!(
                (usage.input_tokens, usage.output_tokens),
                tokens,
                "{output}"
            );
        }
    }

    #[test]
    fn the_expected_tool_wins_over_text_and_other_tools() {
        assert_eq!(
            content(
                r#"{"content":[{"type":"text","text":"x"},{"type":"tool_use","name":"other","input":{"b":2}},{"type":"tool_use","name":"structured_response","input":{"a": 1}}]}"#
            ),
            tool(r#"{"a": 1}"#)
        );
    }

    #[test]
    fn a_single_tool_of_another_name_is_taken_but_two_are_not() {
        assert_eq!(
            content(r#"{"content":[{"type":"tool_use","name":"other","input":{"b":2}}]}"#),
            tool(r#"{"b":2}"#)
        );
        assert_eq!(
            content(
                r#"{"content":[{"type":"tool_use","name":"o","input":{}},{"type":"tool_use","name":"p","input":{}},{"type":"text","text":"t"}]}"#
            ),
            text("t")
        );
    }

    #[test]
    fn no_content_is_empty_and_empty_text_is_text() {
        assert_eq!(content(r#"{"content":[]}"#), AnswerContent::Empty);
        assert_eq!(
            content(r#"{"content":[{"type":"text","text":""}]}"#),
            text("")
        );
        assert_eq!(
            content(r#"{"generation":null,"outputs":[]}"#),
            AnswerContent::Empty
        );
        assert_eq!(content(r#"{"choices":[]}"#), AnswerContent::Empty);
    }

    #[test]
    fn half_a_surrogate_pair_does_not_lose_the_answer() {
        assert_eq!(
            content(r#"{"content":[{"type":"text","text":"ok \ud83d!"}]}"#),
            text("ok \u{FFFD}!")
        );
    }

    #[test]
    fn an_embedding_is_one_vector_in_every_form() {
        let vector = |json: &'static str| AnswerContent::Embedding(Cow::Borrowed(json));
        for output in [
            r#"{"embedding":[1.5,2]}"#,
            r#"{"embeddingsByType":{"binary":[0,1],"float":[1.5,2]}}"#,
            r#"{"embeddings":[[1.5,2]],"response_type":"embeddings_floats"}"#,
            r#"{"embeddings":{"float":[[1.5,2]]},"response_type":"embeddings_by_type"}"#,
            r#"{"embeddings":{"int8":[[3]],"float":[ [1.5,2] ]}}"#,
        ] {
            assert_eq!(content(output), vector("[1.5,2]"), "{output}");
        }
        assert_eq!(content(r#"{"embeddings":{"int8":[[3]]}}"#), vector("[3]"));
        for output in [
            r#"{"embedding":[]}"#,
            r#"{"embeddings":[]}"#,
            r#"{"embeddings":{}}"#,
        ] {
            assert_eq!(content(output), AnswerContent::Empty, "{output}");
        }
    }

    #[test]
    fn an_unknown_shape_is_named() {
        let error = read_output(r#"{"answer":"x"}"#).expect_err("unknown");
        assert!(matches!(error, UnreadableOutput::UnknownShape));
        assert!(matches!(
            read_output("[1]").expect_err("not an object"),
            UnreadableOutput::Malformed(_)
        ));
        assert!(read_output("").is_err());
    }

    #[test]
    fn stop_reasons_of_all_shapes_tell_a_cut_answer_from_a_refusal() {
        let answer = |stop: &str| ModelAnswer {
            content: AnswerContent::Empty,
            stop_reason: Some(Cow::Owned(stop.to_owned())),
            ..ModelAnswer::default()
        };
        for stop in ["max_tokens", "length", "LENGTH"] {
            assert!(answer(stop).cut_off(), "{stop}");
            assert!(!answer(stop).refused(), "{stop}");
        }
        for stop in [
            "refusal",
            "content_filtered",
            "CONTENT_FILTERED",
            "guardrail_intervened",
        ] {
            assert!(answer(stop).refused(), "{stop}");
            assert!(!answer(stop).cut_off(), "{stop}");
        }
        for stop in ["end_turn", "tool_use", "stop", "FINISH"] {
            assert!(!answer(stop).cut_off() && !answer(stop).refused(), "{stop}");
        }
    }

    #[test]
    fn a_guardrail_and_a_refusal_say_why() {
        let why = |output: &str| read_output(output).expect("readable").why_refused();
        assert_eq!(
            why(r#"{"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"No."}}"#).as_deref(),
            Some("the model or a filter declined to answer (stop reason refusal): category cyber: No.")
        );
        assert_eq!(
            why(r#"{"content":[],"stop_reason":"refusal","stop_details":{"category":null,"explanation":null}}"#).as_deref(),
            Some("the model or a filter declined to answer (stop reason refusal)")
        );
        assert_eq!(
            why(r#"{"content":[{"type":"text","text":"No."}],"stop_reason":"end_turn","amazon-bedrock-guardrailAction":"INTERVENED"}"#).as_deref(),
            Some("a guardrail intervened")
        );
        for answered in [
            r#"{"content":[],"stop_reason":"end_turn","amazon-bedrock-guardrailAction":"NONE","stop_details":null}"#,
            r#"{"content":[],"stop_reason":"end_turn","amazon-bedrock-guardrailAction":null,"stop_details":["a","b"]}"#,
        ] {
            assert_eq!(why(answered), None, "{answered}");
        }
    }

    #[test]
    fn a_call_that_the_service_could_not_assemble_is_malformed() {
        for stop in ["malformed_model_output", "malformed_tool_use"] {
            let output = format!(
                r#"{{"output":{{"message":{{"content":[{{"text":"a"}}]}}}},"stopReason":"{stop}"}}"#
            );
            assert!(
                read_output(&output).expect("readable").malformed(),
                "{stop}"
            );
        }
    }

    #[test]
    fn cohere_answers_are_read() {
        for output in [
            r#"{"response_id":"x","text":"a","finish_reason":"MAX_TOKENS","chat_history":[]}"#,
            r#"{"generations":[{"id":"x","text":"a","finish_reason":"MAX_TOKENS"}],"prompt":"p"}"#,
        ] {
            let answer = read_output(output).expect("readable");
            assert_eq!(answer.content, text("a"), "{output}");
            assert!(answer.cut_off(), "{output}");
        }
        assert_eq!(
            content(r#"{"texts":["a"],"embeddings":[[1.5]]}"#),
            AnswerContent::Embedding(Cow::Borrowed("[1.5]"))
        );
    }

    #[test]
    fn several_calls_of_the_tool_are_one_only_if_they_say_the_same() {
        let call = |input: &str| {
            format!(r#"{{"type":"tool_use","name":"structured_response","input":{input}}}"#)
        };
        let output = |inputs: [&str; 2]| {
            format!(r#"{{"content":[{},{}]}}"#, call(inputs[0]), call(inputs[1]))
        };
        assert_eq!(content(&output([r#"{"a":1}"#; 2])), tool(r#"{"a":1}"#));
        assert_eq!(
            content(&output([r#"{"a":1}"#, r#"{"a":2}"#])),
            AnswerContent::Tools(vec![r#"{"a":1}"#.into(), r#"{"a":2}"#.into()])
        );
    }

    #[test]
    fn text_behind_a_call_is_kept_with_it() {
        let call = r#"{"type":"tool_use","name":"structured_response","input":{"a":1}}"#;
        let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
        let content_of = |blocks: &[&str]| format!(r#"{{"content":[{}]}}"#, blocks.join(","));
        let read = |output: &str| format!("{:?}", content(output));
        let alone = tool(r#"{"a":1}"#);
        let followed = |text: &'static str| AnswerContent::Followed {
            calls: Box::new(alone.clone()),
            text: text.into(),
        };
        let (before, one, two) = (text("Before."), text("No"), text("pe."));
        for (blocks, expected) in [
            (vec![&*before, call, &one, &two], followed("Nope.")),
            (vec![call, &one, call, &two], followed("pe.")),
            (vec![&before, call], alone.clone()),
            (vec![call, &text(" \\n")], alone.clone()),
        ] {
            assert_eq!(read(&content_of(&blocks)), format!("{expected:?}"));
        }
        assert_eq!(
            content(
                r#"{"output":{"message":{"content":[{"toolUse":{"name":"o","input":{"a":1}}},{"text":"No."}]}}}"#
            ),
            followed("No.")
        );
        assert_eq!(
            content(
                r#"{"choices":[{"message":{"content":"No.","tool_calls":[{"function":{"name":"o","arguments":"{\"a\":1}"}}]}}]}"#
            ),
            alone
        );
    }

    #[test]
    fn several_candidates_are_one_only_if_they_say_the_same() {
        let (a, b) = (text("a"), text("b"));
        let of = |texts: [&str; 2]| {
            let each = |form: &dyn Fn(&str) -> String| texts.map(form).join(",");
            [
                (
                    "choices",
                    each(&|text| format!(r#"{{"message":{{"content":{text}}}}}"#)),
                ),
                ("choices", each(&|text| format!(r#"{{"text":{text}}}"#))),
                ("outputs", each(&|text| format!(r#"{{"text":{text}}}"#))),
                (
                    "results",
                    each(&|text| format!(r#"{{"outputText":{text}}}"#)),
                ),
                ("generations", each(&|text| format!(r#"{{"text":{text}}}"#))),
            ]
            .map(|(name, items)| format!(r#"{{"{name}":[{items}]}}"#))
        };
        let both = AnswerContent::Candidates(vec![a.clone(), b]);
        for output in of(["\"a\"", "\"b\""]) {
            assert_eq!(content(&output), both, "{output}");
        }
        for same in [["\"a\"", "\"a\""], ["\"\"", "\"a\""], ["\"a\"", "null"]] {
            for output in of(same) {
                assert_eq!(content(&output), a, "{output}");
            }
        }
        let cut = r#"{"choices":[{"text":"a","finish_reason":"stop"},{"text":"a","finish_reason":"length"}]}"#;
        assert!(read_output(cut).expect("readable").cut_off());
    }

    #[test]
    fn arrays_are_not_read_as_objects_by_position() {
        for output in [
            r#"[[{"type":"text","text":"a"}]]"#,
            r#"{"content":[["text","a"]]}"#,
            r#"{"output":[[{"text":"a"}]]}"#,
            r#"{"output":{"message":[[{"text":"a"}]]}}"#,
            r#"{"output":{"message":{"content":[["a"]]}}}"#,
            r#"{"outputs":[["a","stop"]]}"#,
            r#"{"choices":[[{"content":"a"}]]}"#,
            r#"{"results":[["a"]]}"#,
            r#"{"generations":[["a"]]}"#,
        ] {
            assert!(read_output(output).is_err(), "{output}");
        }
    }

    #[test]
    fn an_odd_usage_costs_no_answer() {
        let answer = read_output(
            r#"{"content":[{"type":"text","text":"a"}],"usage":{"input_tokens":"many"}}"#,
        )
        .expect("readable");
        assert_eq!(answer.usage, Usage::default());
    }
}
