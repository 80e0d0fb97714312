//! Building a reply: an answer in the form that the request wants, changed by a fault, and written
//! as the model family's output.

mod forms;
mod spoilt;

use crate::answer::SimulatedContent;
use crate::faults::{FaultTier, RecordFaultKind};
use crate::models::ModelRow;
use crate::question::{Question, QuestionForm, Want};
use crate::tokens::tokens;
use serde_json::Value;
use std::io;

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    End,
    Tool,
    MaxTokens,
    Refusal,
    Guardrail,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Tool {
        name: String,
        input: Value,
    },
    /// With the beginning that the request gave.
    Text(String),
    Nothing,
    Output(Value),
    Vector(Vec<f64>),
}

/// A reply that is not written yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    body: Body,
    stop: Stop,
    /// The model's thinking before it answers.
    thought: Option<&'static str>,
}

/// The model and the kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedForm<'a> {
    pub(crate) model_id: &'a str,
    pub(crate) facts: ModelRow<'a>,
    /// Whether the body was one of `Converse`.
    pub(crate) converse: bool,
    /// Whether it was a record of a job.
    pub(crate) in_job: bool,
    /// The tier that the request names.
    pub(crate) tier: Option<FaultTier>,
    pub(crate) seed: u64,
}

/// A reply as the service writes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WrittenReply {
    pub(crate) value: Value,
    pub(crate) output_tokens: u64,
    /// Whether the model finished the answer by itself.
    pub(crate) complete: bool,
    /// Whether a model was called. A guardrail that stops a prompt calls none: Claude's reply has no usage then, and
    /// nothing is charged.
    pub(crate) is_charged: bool,
}

/// Contains braces, as thoughts about JSON do.
const THOUGHT: &str = "The text asks for an answer of this form: {\"field\": value}. Each field \
     follows from what the text says, so I can write it down.";
const BLOCKED: &str = "Sorry, the model cannot answer this question.";

impl Reply {
    /// Creates the reply to `question`, with a thought before it if the model thinks.
    pub(crate) fn new(question: &Question, content: SimulatedContent, thinks: bool) -> Self {
        let (body, stop) = match (content, &question.want) {
            (SimulatedContent::Json(input @ Value::Object(_)), Want::Tool { name, .. }) => {
                let name = name.clone();
                (Body::Tool { name, input }, Stop::Tool)
            }
            (SimulatedContent::Json(value), _) => (Body::Text(value.to_string()), Stop::End),
            (SimulatedContent::Text(text), _) => (Body::Text(text), Stop::End),
            (SimulatedContent::Output(output), _) => (Body::Output(output), Stop::End),
            (SimulatedContent::Vector(numbers), _) => (Body::Vector(numbers), Stop::End),
        };
        let thought = thinks && !matches!(body, Body::Output(_) | Body::Vector(_));
        Self {
            body,
            stop,
            thought: thought.then_some(THOUGHT),
        }
    }

    /// Changes the reply as the fault says. Whole given outputs and vectors are not changed.
    /// `schema` is the one that the answer should keep.
    pub(crate) fn spoil(
        &mut self,
        kind: RecordFaultKind,
        question: &Question,
        schema: Option<&Value>,
    ) {
        if matches!(self.body, Body::Output(_) | Body::Vector(_)) {
            return;
        }
        match kind {
            RecordFaultKind::GermanQuotes => {
                if let Some(value) = self.json() {
                    self.become_text(spoilt::with_german_quotes(value, schema));
                }
            }
            RecordFaultKind::Fenced => self.wrap(question, "```json\n", "\n```"),
            RecordFaultKind::Prose => self.wrap(
                question,
                "Here is the result you asked for:\n\n",
                "\n\nLet me know if you need anything else.",
            ),
            RecordFaultKind::SchemaViolation => {
                self.change(|value| spoilt::violate(value, schema));
            }
            RecordFaultKind::ToolCallLeak => {
                if matches!(self.body, Body::Tool { .. }) {
                    self.change(|value| spoilt::leak(value, schema));
                }
            }
            RecordFaultKind::NestedAsText => self.change(spoilt::nest_as_text),
            RecordFaultKind::MaxTokens => self.cut(None),
            RecordFaultKind::Refusal => {
                self.body = Body::Nothing;
                self.stop = Stop::Refusal;
                self.thought = None;
            }
            RecordFaultKind::GuardrailIntervened => {
                self.become_text(BLOCKED.to_owned());
                self.stop = Stop::Guardrail;
                self.thought = None;
            }
            // These faults concern the line or the connection, not the reply.
            RecordFaultKind::ErrorLine
            | RecordFaultKind::Missing
            | RecordFaultKind::Duplicate
            | RecordFaultKind::ConflictingDuplicate
            | RecordFaultKind::UnknownId
            | RecordFaultKind::MalformedLine
            | RecordFaultKind::BrokenOff => {}
        }
    }

    fn become_text(&mut self, text: String) {
        self.body = Body::Text(text);
        self.stop = Stop::End;
    }

    /// Changes the reply if it is JSON.
    fn change(&mut self, change: impl FnOnce(&mut Value)) {
        let Some(mut value) = self.json() else { return };
        change(&mut value);
        match &mut self.body {
            Body::Tool { input, .. } => *input = value,
            body => *body = Body::Text(value.to_string()),
        }
    }

    /// Puts text around the answer. Nothing can come before a beginning that the request gave.
    fn wrap(&mut self, question: &Question, before: &str, after: &str) {
        let Some(text) = self.full_text() else { return };
        let begun = matches!(&question.want, Want::Prefill(prefill) if text.starts_with(prefill));
        let before = if begun { "" } else { before };
        self.become_text(format!("{before}{text}{after}"));
    }

    /// Cuts the reply after `most` tokens, or in its middle.
    fn cut(&mut self, most: Option<u64>) {
        match &mut self.body {
            Body::Text(text) => {
                let keep = most.map_or(text.len() / 2, |most| {
                    usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX)
                });
                if keep >= text.len() {
                    return;
                }
                let mut end = keep;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.truncate(end);
            }
            Body::Tool { input, .. } => {
                let length = json_length(input);
                if most.is_some_and(|most| tokens(length) <= most) {
                    return;
                }
                // A call that was cut arrives with its complete members only.
                if let Value::Object(members) = input {
                    let keep = members.len() / 2;
                    *members = std::mem::take(members).into_iter().take(keep).collect();
                }
            }
            Body::Nothing | Body::Output(_) | Body::Vector(_) => return,
        }
        self.stop = Stop::MaxTokens;
    }

    fn json(&self) -> Option<Value> {
        match &self.body {
            Body::Tool { input, .. } => Some(input.clone()),
            Body::Text(text) => serde_json::from_str(text).ok(),
            Body::Nothing | Body::Output(_) | Body::Vector(_) => None,
        }
    }

    fn full_text(&self) -> Option<String> {
        match &self.body {
            Body::Tool { input, .. } => Some(input.to_string()),
            Body::Text(text) => Some(text.clone()),
            Body::Nothing | Body::Output(_) | Body::Vector(_) => None,
        }
    }

    /// Writes the reply in the form of the request's model family.
    pub(crate) fn write(mut self, question: &Question, asking: &AskedForm<'_>) -> WrittenReply {
        let thought_tokens = self.thought.map_or(0, |thought| tokens(thought.len()));
        if let Some(most) = question.max_tokens {
            self.cut(Some(most.saturating_sub(thought_tokens)));
        }
        if let (Body::Text(text), Want::Prefill(prefill)) = (&mut self.body, &question.want)
            && let Some(rest) = text.strip_prefix(prefill.as_str())
        {
            *text = rest.to_owned();
        }
        let answer_tokens = match &self.body {
            Body::Text(text) => tokens(text.len()),
            Body::Tool { input, .. } => tokens(json_length(input)),
            Body::Output(output) => output_tokens_of(output),
            Body::Nothing | Body::Vector(_) => 0,
        };
        let output_tokens = answer_tokens + thought_tokens;
        let complete = matches!(self.stop, Stop::End | Stop::Tool);
        let is_stopped = self.stop == Stop::Guardrail && question.form == QuestionForm::Anthropic;
        let is_charged = !is_stopped || matches!(self.body, Body::Output(_));
        let value = match self.body {
            Body::Output(output) => output,
            _ => self.form(question, asking, output_tokens),
        };
        WrittenReply {
            value,
            output_tokens,
            complete,
            is_charged,
        }
    }
}

/// Returns the tokens that a whole given output states.
fn output_tokens_of(output: &Value) -> u64 {
    ["/usage/output_tokens", "/usage/outputTokens"]
        .iter()
        .find_map(|pointer| output.pointer(pointer).and_then(Value::as_u64))
        .unwrap_or_else(|| tokens(json_length(output)))
}

/// Returns the length of a value's JSON text, in bytes.
fn json_length(value: &Value) -> usize {
    struct Length(usize);
    impl io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    // A length can always be counted.
    let _ = serde_json::to_writer(&mut length, value);
    length.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Models;
    use serde_json::json;

    fn question(want: Want) -> Question {
        Question {
            form: QuestionForm::Anthropic,
            prompt: "q".into(),
            prompt_hash: crate::hash::hash(b"q"),
            system: String::new(),
            want,
            thinks: None,
            max_tokens: None,
            input_tokens: 7,
        }
    }

    fn tool(schema: &Value) -> Want {
        Want::Tool {
            name: "t".into(),
            schema: std::sync::Arc::new(crate::known::KnownJson::new(schema.clone())),
        }
    }

    fn replied(question: &Question, value: Value) -> Reply {
        Reply::new(question, SimulatedContent::Json(value), false)
    }

    /// Writes a reply as Claude Sonnet 4.5 does on demand.
    fn write(reply: Reply, question: &Question) -> WrittenReply {
        written(
            reply,
            question,
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            false,
        )
    }

    fn written(reply: Reply, question: &Question, model_id: &str, in_job: bool) -> WrittenReply {
        let models = Models::new(Vec::new());
        let asking = AskedForm {
            model_id,
            facts: models.of(model_id),
            converse: question.form == QuestionForm::Converse && !model_id.contains("nova"),
            in_job,
            tier: None,
            seed: 1,
        };
        reply.write(question, &asking)
    }

    /// Returns the reply that a fault makes of `{"a": "x", "list": [1]}`.
    fn spoilt(kind: RecordFaultKind, form: QuestionForm, model_id: &str) -> Value {
        let question = Question {
            form,
            ..question(tool(&json!({})))
        };
        let mut reply = replied(&question, json!({"a": "x", "list": [1]}));
        reply.spoil(kind, &question, None);
        written(reply, &question, model_id, false).value
    }

    #[test]
    fn a_prefilled_beginning_is_not_repeated() {
        let question = question(Want::Prefill("{".into()));
        let reply = replied(&question, json!({"a": 1}));
        let output = write(reply, &question).value;
        assert_eq!(output["content"][0]["text"], "\"a\":1}");
    }

    #[test]
    fn a_forced_tool_is_called() {
        let question = question(tool(&json!({})));
        let reply = replied(&question, json!({"a": 1}));
        let output = write(reply, &question).value;
        assert_eq!(output["content"][0]["type"], "tool_use");
        assert_eq!(output["content"][0]["input"], json!({"a": 1}));
        assert_eq!(output["stop_reason"], "tool_use");
    }

    /// The broken text has the pattern and is not JSON; with the mark escaped, it is JSON again.
    #[test]
    fn german_quotes_break_the_json_by_one_mark_only() {
        let schema = json!({"properties": {
            "kind": {"enum": ["a b"]}, "note": {"type": "string"}
        }});
        let question = question(tool(&schema));
        let mut reply = replied(&question, json!({"kind": "a b", "note": "one two"}));
        reply.spoil(RecordFaultKind::GermanQuotes, &question, Some(&schema));
        let output = write(reply, &question).value;
        let text = output["content"][0]["text"].as_str().unwrap();
        assert_eq!(text, "{\"kind\":\"a b\",\"note\":\"one „two\"\"}");
        assert!(serde_json::from_str::<Value>(text).is_err());
        assert_eq!(output["stop_reason"], "end_turn");
    }

    #[test]
    fn a_violation_really_violates() {
        for schema in [
            json!({"type": "object", "properties": {"a": {"enum": ["x"]}}}),
            json!({"type": "object", "properties": {"a": {"type": "array"}}}),
            json!({"type": "object", "properties": {"a": {"type": "number"}}}),
            json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
        ] {
            let question = question(tool(&schema));
            let mut reply = replied(&question, json!({"a": "x"}));
            reply.spoil(RecordFaultKind::SchemaViolation, &question, Some(&schema));
            let output = write(reply, &question).value;
            let input = &output["content"][0]["input"];
            assert!(!jsonschema::is_valid(&schema, input), "{schema}: {input}");
        }
    }

    #[test]
    fn fences_and_prose_go_around_the_answer_and_never_before_a_given_beginning() {
        let spoilt = |want: Want, kind: RecordFaultKind| {
            let question = question(want);
            let mut reply = replied(&question, json!({"a": 1}));
            reply.spoil(kind, &question, None);
            let output = write(reply, &question).value;
            output["content"][0]["text"].as_str().unwrap().to_owned()
        };
        let schema = json!({});
        assert_eq!(
            spoilt(tool(&schema), RecordFaultKind::Fenced),
            "```json\n{\"a\":1}\n```"
        );
        assert_eq!(
            spoilt(Want::Prefill("{".into()), RecordFaultKind::Fenced),
            "\"a\":1}\n```"
        );
        assert!(spoilt(Want::Text, RecordFaultKind::Prose).starts_with("Here is"));
        assert!(
            spoilt(Want::Prefill("{".into()), RecordFaultKind::Prose)
                .starts_with("\"a\":1}\n\nLet")
        );
    }

    #[test]
    fn a_reply_longer_than_the_limit_is_cut_and_says_so() {
        let mut limited = question(Want::Text);
        limited.max_tokens = Some(2);
        let reply = Reply::new(
            &limited,
            SimulatedContent::Text("Größe und mehr davon".into()),
            false,
        );
        let output = write(reply, &limited);
        assert_eq!(output.value["stop_reason"], "max_tokens");
        assert_eq!(output.value["content"][0]["text"], "Größe ");
        assert_eq!(output.output_tokens, 2);

        let schema = json!({});
        let question = question(tool(&schema));
        let mut reply = replied(&question, json!({"a": 1, "b": 2}));
        reply.spoil(RecordFaultKind::MaxTokens, &question, None);
        let output = write(reply, &question).value;
        assert_eq!(output["content"][0]["input"], json!({"a": 1}));
        assert_eq!(output["stop_reason"], "max_tokens");
    }

    #[test]
    fn every_family_has_its_form() {
        let ask = |form: QuestionForm| {
            let question = Question {
                form,
                ..question(Want::Text)
            };
            let reply = Reply::new(&question, SimulatedContent::Text("hello".into()), false);
            written(reply, &question, "m", false).value
        };
        assert_eq!(ask(QuestionForm::Anthropic)["usage"]["output_tokens"], 2);
        let converse = ask(QuestionForm::Converse);
        assert_eq!(converse["output"]["message"]["content"][0]["text"], "hello");
        assert_eq!(converse["usage"]["totalTokens"], 9);
        assert_eq!(ask(QuestionForm::Llama)["generation"], "hello");
        assert_eq!(
            ask(QuestionForm::Chat)["choices"][0]["message"]["content"],
            "hello"
        );
    }

    const NOVA: &str = "amazon.nova-lite-v1:0";
    const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const OPUS_5: &str = "us.anthropic.claude-opus-5";

    #[test]
    fn a_refusal_has_no_content_and_says_why() {
        let kind = RecordFaultKind::Refusal;
        let claude = spoilt(kind, QuestionForm::Anthropic, OPUS_5);
        assert_eq!(claude["content"], json!([]));
        assert_eq!(claude["stop_reason"], "refusal");
        assert_eq!(claude["stop_details"]["type"], "refusal");
        assert!(claude["stop_details"]["explanation"].is_string());
        assert_eq!(claude["usage"]["output_tokens"], 0);
        let converse = spoilt(kind, QuestionForm::Converse, SONNET_4_5);
        assert_eq!(converse["output"]["message"]["content"], json!([]));
        assert_eq!(converse["stopReason"], "content_filtered");
        let chat = spoilt(kind, QuestionForm::Chat, GPT_OSS);
        assert_eq!(chat["choices"][0]["finish_reason"], "content_filter");
        assert!(chat["choices"][0]["message"]["content"].is_null());
    }

    #[test]
    fn a_guardrails_message_is_marked_as_one() {
        let kind = RecordFaultKind::GuardrailIntervened;
        let claude = spoilt(kind, QuestionForm::Anthropic, OPUS_5);
        assert_eq!(claude["amazon-bedrock-guardrailAction"], "INTERVENED");
        assert_eq!(claude["stop_reason"], "end_turn");
        assert_eq!(claude["content"][0]["text"], BLOCKED);
        let converse = spoilt(kind, QuestionForm::Converse, SONNET_4_5);
        assert_eq!(converse["stopReason"], "guardrail_intervened");
        let nova = spoilt(kind, QuestionForm::Converse, NOVA);
        assert_eq!(nova["amazon-bedrock-guardrailAction"], "INTERVENED");
    }

    #[test]
    fn what_is_charged_is_what_the_reply_says_of_its_tokens() {
        use RecordFaultKind::{GuardrailIntervened, MaxTokens, Refusal};
        let question = question(tool(&json!({})));
        for faults in [
            &[GuardrailIntervened][..],
            &[GuardrailIntervened, MaxTokens],
            &[MaxTokens, GuardrailIntervened],
            &[GuardrailIntervened, Refusal],
            &[Refusal, GuardrailIntervened],
        ] {
            let mut reply = replied(&question, json!({"a": "x", "list": [1]}));
            for fault in faults {
                reply.spoil(*fault, &question, None);
            }
            let written = write(reply, &question);
            let says = written.value.get("usage").is_some();
            assert_eq!(written.is_charged, says, "{faults:?}: {}", written.value);
        }
    }

    #[test]
    fn leaks_and_nested_texts_stay_calls() {
        let leak = spoilt(
            RecordFaultKind::ToolCallLeak,
            QuestionForm::Anthropic,
            SONNET_4_5,
        );
        let input = &leak["content"][0]["input"];
        assert_eq!(input["a"], "x</a>\n<parameter name=\"list\">[\n  1\n]");
        assert_eq!(leak["stop_reason"], "tool_use");
        let nested = spoilt(
            RecordFaultKind::NestedAsText,
            QuestionForm::Anthropic,
            SONNET_4_5,
        );
        assert_eq!(nested["content"][0]["input"]["list"], "[1]");
    }

    /// `tests/recorded` holds the members of real outputs, and the simulator's outputs have at
    /// least these.
    #[test]
    fn outputs_have_the_members_of_recorded_ones() {
        let recorded: Value =
            serde_json::from_str(include_str!("../tests/recorded/outputs.json")).unwrap();
        for case in recorded.as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let form = match case["form"].as_str().unwrap() {
                "claude" => QuestionForm::Anthropic,
                "chat" => QuestionForm::Chat,
                _ => QuestionForm::Converse,
            };
            let want = if case["tool"] == true {
                tool(&json!({}))
            } else {
                Want::Text
            };
            let question = Question {
                form,
                ..question(want)
            };
            let thinks = case["thinks"] == true;
            let reply = Reply::new(&question, SimulatedContent::Json(json!({"a": 1})), thinks);
            let model_id = case["model"].as_str().unwrap();
            let in_job = case["in_job"] == true;
            let mut ours = Vec::new();
            members(
                &written(reply, &question, model_id, in_job).value,
                "",
                &mut ours,
            );
            let mut theirs = Vec::new();
            members(&case["output"], "", &mut theirs);
            for member in theirs {
                assert!(
                    ours.contains(&member),
                    "{name}: {member} is not in {ours:?}"
                );
            }
        }
    }

    /// Collects the paths of all members. The items of a list share a path, and null differs from
    /// other values.
    fn members(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    // Only the simulator decides the tool's input.
                    if name != "input" {
                        self::members(member, &format!("{at}/{name}"), found);
                    }
                }
            }
            Value::Array(items) => items
                .iter()
                .for_each(|item| members(item, &format!("{at}/*"), found)),
            Value::Null => found.push(format!("{at} null")),
            _ => found.push(at.to_owned()),
        }
    }
}
