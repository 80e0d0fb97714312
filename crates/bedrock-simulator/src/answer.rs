//! The model's answers to questions, before faults change them.

use crate::given::GivenAnswer;
use crate::hash::Random;
use crate::known::{KnownJson, KnownJsons};
use crate::question::{Question, Want};
use crate::schema::Maker;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where answers come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerSource {
    /// Answers are made from the JSON Schema in the request (a tool's input, a structured output, a
    /// text of the prompt) and are valid against it. Without a schema, the answer is a short text.
    FromSchema {
        /// A schema that answers keep in addition to the request's, which may say less than its
        /// user means. It applies where the request allows it, and to requests without a schema.
        schema: Option<Value>,
    },
    /// Answers are given for single records; all others are made from the schema.
    Given {
        /// The answers, see [`crate::parse_given`].
        answers: Vec<GivenAnswer>,
        /// As with `FromSchema`.
        schema: Option<Value>,
    },
}

impl Default for AnswerSource {
    fn default() -> Self {
        Self::FromSchema { schema: None }
    }
}

/// The content of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SimulatedContent {
    /// A JSON value, in the form that the request wants.
    Json(Value),
    /// A text.
    Text(String),
    /// A whole model output.
    Output(Value),
    /// An embedding.
    Vector(Vec<f64>),
}

/// The lines of a file of given answers for the same records.
#[derive(Debug)]
struct GivenLines {
    /// The place of the first of them in the file.
    first: usize,
    lines: Vec<GivenAnswer>,
    was_used: AtomicBool,
}

impl GivenLines {
    fn beginning_at(first: usize) -> Self {
        Self {
            first,
            lines: Vec::new(),
            was_used: AtomicBool::new(false),
        }
    }
}

/// [`AnswerSource`], prepared for questions.
#[derive(Debug)]
pub(crate) struct Answers {
    by_record: HashMap<String, GivenLines>,
    /// Ordered by the first line of each text.
    by_text: Vec<(String, GivenLines)>,
    for_all: Vec<GivenAnswer>,
    schema: Option<Arc<KnownJson>>,
    maker: Maker,
}

impl Answers {
    pub(crate) fn new(source: AnswerSource) -> Self {
        let (given, schema) = match source {
            AnswerSource::FromSchema { schema } => (Vec::new(), schema),
            AnswerSource::Given { answers, schema } => (answers, schema),
        };
        let mut answers = Self {
            by_record: HashMap::new(),
            by_text: Vec::new(),
            for_all: Vec::new(),
            schema: schema.map(|schema| Arc::new(KnownJson::new(schema))),
            maker: Maker::default(),
        };
        for (place, answer) in given.into_iter().enumerate() {
            let begin = || GivenLines::beginning_at(place);
            if let Some(id) = answer.record_id.clone() {
                let known = answers.by_record.entry(id);
                known.or_insert_with(begin).lines.push(answer);
            } else if let Some(text) = answer.r#match.clone() {
                let by_text = &mut answers.by_text;
                let known = by_text.iter().position(|(known, _)| *known == text);
                let known = known.unwrap_or_else(|| {
                    by_text.push((text, begin()));
                    by_text.len() - 1
                });
                by_text[known].1.lines.push(answer);
            } else {
                answers.for_all.push(answer);
            }
        }
        answers
    }

    /// Returns the given answers for a record or for a text that were used for no record so far, in their order.
    pub(crate) fn unused(&self) -> Vec<GivenAnswer> {
        let by_text = self.by_text.iter().map(|(_, lines)| lines);
        let mut unused: Vec<&GivenLines> = self
            .by_record
            .values()
            .chain(by_text)
            .filter(|lines| !lines.was_used.load(Ordering::Relaxed))
            .collect();
        unused.sort_by_key(|lines| lines.first);
        let lines = unused.into_iter().flat_map(|one| &one.lines);
        lines.cloned().collect()
    }

    /// Returns the schema that the answer must keep.
    pub(crate) fn schema(&self, question: &Question, known: &KnownJsons) -> Option<Arc<KnownJson>> {
        match &question.want {
            Want::Tool { schema, .. } | Want::Json(schema) => Some(Arc::clone(schema)),
            Want::Text | Want::Prefill(_) => match &self.schema {
                Some(schema) => Some(Arc::clone(schema)),
                None => schema_in(&question.system)
                    .or_else(|| schema_in(&question.prompt))
                    .map(|schema| known.of(&schema)),
            },
            Want::Embedding { .. } => None,
        }
    }

    /// Returns the answer to a question that is sent for the `ask`-th time (from 0).
    pub(crate) fn content(
        &self,
        question: &Question,
        record_id: Option<&str>,
        ask: u64,
        known: &KnownJsons,
    ) -> SimulatedContent {
        let own = record_id.and_then(|id| self.by_record.get(id)).or_else(|| {
            self.by_text
                .iter()
                .find(|(text, _)| question.prompt.contains(text.as_str()))
                .map(|(_, lines)| lines)
        });
        let given = match own {
            Some(own) => {
                own.was_used.store(true, Ordering::Relaxed);
                &own.lines
            }
            None => &self.for_all,
        };
        let turn = usize::try_from(ask).unwrap_or(usize::MAX);
        let given = given.get(turn).or_else(|| given.last());
        match given {
            Some(GivenAnswer {
                model_output: Some(output),
                ..
            }) => SimulatedContent::Output(output.clone()),
            Some(GivenAnswer {
                text: Some(text), ..
            }) => match (&question.want, serde_json::from_str(text)) {
                (Want::Tool { .. }, Ok(Value::Object(object))) => {
                    SimulatedContent::Json(Value::Object(object))
                }
                _ => SimulatedContent::Text(text.clone()),
            },
            _ => self.made(question, 0, known),
        }
    }

    /// Returns an answer made from the schema. Each `variant` is another good answer to the same
    /// question.
    pub(crate) fn made(
        &self,
        question: &Question,
        variant: u64,
        known: &KnownJsons,
    ) -> SimulatedContent {
        let schema = self.schema(question, known);
        let schema_hash = schema.as_ref().map_or(0, |schema| schema.hash());
        let seed = question.prompt_hash ^ schema_hash.rotate_left(17) ^ variant;
        if let Some(schema) = schema {
            return SimulatedContent::Json(self.value(&schema, seed));
        }
        let text = || self.maker.generate(&json!({"type": "string"}), seed);
        match &question.want {
            Want::Embedding { dimensions } => SimulatedContent::Vector(vector(*dimensions, seed)),
            // Text that begins with a bracket continues as JSON.
            Want::Prefill(prefill) if prefill.starts_with('{') => {
                SimulatedContent::Json(json!({"answer": text()}))
            }
            _ => match text() {
                Value::String(text) => SimulatedContent::Text(text),
                other => SimulatedContent::Json(other),
            },
        }
    }

    /// Returns a value that the request's schema accepts, and the user's schema too if there is
    /// one.
    fn value(&self, schema: &KnownJson, seed: u64) -> Value {
        if let Some(whole) = self.schema.as_deref().filter(|whole| *whole != schema) {
            let value = self.maker.value(whole.value(), whole.check(), seed);
            if schema.accepts(&value) {
                return value;
            }
        }
        self.maker.value(schema.value(), schema.check(), seed)
    }
}

/// Returns the JSON Schema of an object that a text contains, as a model would find it.
fn schema_in(text: &str) -> Option<Value> {
    /// The most braces that are examined.
    const MOST: usize = 64;
    text.match_indices('{').take(MOST).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        let value = values.next()?.ok()?;
        let is_object = value.get("type").and_then(Value::as_str) == Some("object");
        let has_properties = value.get("properties").is_some_and(Value::is_object);
        (is_object || has_properties).then_some(value)
    })
}

/// Returns a vector of length 1.
fn vector(dimensions: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut numbers: Vec<f64> = (0..dimensions)
        .map(|_| f64::from(u32::try_from(random.below(2_000_001)).unwrap_or(0)) / 1e6 - 1.0)
        .collect();
    let length = numbers.iter().map(|n| n * n).sum::<f64>().sqrt();
    if length > 0.0 {
        for number in &mut numbers {
            *number /= length;
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::parse_given;
    use crate::hash::hash;
    use crate::question::QuestionForm;

    fn question(prompt: &str, want: Want) -> Question {
        Question {
            form: QuestionForm::Anthropic,
            prompt: prompt.to_owned(),
            prompt_hash: hash(prompt.as_bytes()),
            system: String::new(),
            want,
            thinks: None,
            max_tokens: None,
            input_tokens: 1,
        }
    }

    #[test]
    fn the_nearest_given_answer_counts_and_the_last_of_a_list_stays() {
        let answers = Answers::new(AnswerSource::Given {
            answers: parse_given(
                b"{\"text\":\"all\"}\n{\"match\":\"Newark\",\"text\":\"text\"}\n\
                  {\"recordId\":\"r\",\"text\":\"first\"}\n{\"recordId\":\"r\",\"text\":\"second\"}",
            )
            .unwrap(),
            schema: None,
        });
        let newark = question("at Newark", Want::Text);
        let text = |id, ask| answers.content(&newark, id, ask, &KnownJsons::default());
        assert_eq!(text(Some("r"), 0), SimulatedContent::Text("first".into()));
        assert_eq!(text(Some("r"), 1), SimulatedContent::Text("second".into()));
        assert_eq!(text(Some("r"), 7), SimulatedContent::Text("second".into()));
        assert_eq!(text(Some("s"), 0), SimulatedContent::Text("text".into()));
        assert_eq!(
            answers.content(
                &question("elsewhere", Want::Text),
                None,
                0,
                &KnownJsons::default()
            ),
            SimulatedContent::Text("all".into())
        );
    }

    #[test]
    fn given_answers_that_no_record_took_are_unused_in_their_order() {
        let answers = Answers::new(AnswerSource::Given {
            answers: parse_given(
                b"{\"match\":\"Newrak\",\"text\":\"1\"}\n{\"recordId\":\"z\",\"text\":\"2\"}\n\
                  {\"recordId\":\"a\",\"text\":\"3\"}\n{\"recordId\":\"z\",\"text\":\"4\"}\n{\"text\":\"5\"}",
            )
            .unwrap(),
            schema: None,
        });
        let unused = || -> Vec<String> {
            let unused = answers.unused().into_iter();
            unused.map(|one| one.text.unwrap()).collect()
        };
        assert_eq!(unused(), ["1", "2", "4", "3"]);
        let newark = question("at Newark", Want::Text);
        answers.content(&newark, Some("z"), 0, &KnownJsons::default());
        assert_eq!(unused(), ["1", "3"]);
    }

    #[test]
    fn a_given_text_becomes_the_input_of_a_tool_only_when_it_is_an_object() {
        let tool = Want::Tool {
            name: "t".into(),
            schema: Arc::new(KnownJson::new(json!({"type": "object"}))),
        };
        let given = |text: &str| {
            Answers::new(AnswerSource::Given {
                answers: vec![GivenAnswer {
                    text: Some(text.into()),
                    ..GivenAnswer::default()
                }],
                schema: None,
            })
            .content(
                &question("q", tool.clone()),
                None,
                0,
                &KnownJsons::default(),
            )
        };
        assert_eq!(given("{\"a\":1}"), SimulatedContent::Json(json!({"a": 1})));
        assert_eq!(given("{\"a\":"), SimulatedContent::Text("{\"a\":".into()));
    }

    #[test]
    fn an_embedding_has_the_requested_length_and_unit_norm() {
        let answers = Answers::new(AnswerSource::default());
        let content = answers.made(
            &question("q", Want::Embedding { dimensions: 256 }),
            0,
            &KnownJsons::default(),
        );
        let SimulatedContent::Vector(numbers) = content else {
            panic!("no vector: {content:?}")
        };
        assert_eq!(numbers.len(), 256);
        let norm: f64 = numbers.iter().map(|n| n * n).sum();
        assert!((norm - 1.0).abs() < 1e-9);
    }

    /// A model that only reads the schema in its prompt keeps it as far as it sees it.
    #[test]
    fn a_schema_in_the_prompt_gets_a_valid_answer() {
        let answers = Answers::new(AnswerSource::default());
        let schema =
            json!({"type": "object", "properties": {"a": {"const": 7}}, "required": ["a"]});
        let mut told = question("q", Want::Text);
        told.system = format!("Use {{this}}. Answer with JSON of this schema:\n{schema}\nOnly.");
        assert_eq!(
            answers.made(&told, 0, &KnownJsons::default()),
            SimulatedContent::Json(json!({"a": 7}))
        );
        told.system = String::new();
        told.prompt = format!("q\n{schema}");
        assert_eq!(
            answers.made(&told, 0, &KnownJsons::default()),
            SimulatedContent::Json(json!({"a": 7}))
        );
        let untold = question("what is {x}? {\"kind\": \"a\"}", Want::Text);
        assert!(matches!(
            answers.made(&untold, 0, &KnownJsons::default()),
            SimulatedContent::Text(_)
        ));
    }

    /// The request's schema may leave out what its form cannot express.
    #[test]
    fn the_users_schema_counts_where_the_request_allows_it() {
        let whole = json!({
            "type": "object", "required": ["a"],
            "properties": {"a": {"type": "integer", "minimum": 7, "maximum": 7}}
        });
        let answers = Answers::new(AnswerSource::FromSchema {
            schema: Some(whole),
        });
        let fitted = json!({
            "type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}
        });
        let made = answers.made(
            &question("q", Want::Json(Arc::new(KnownJson::new(fitted)))),
            0,
            &KnownJsons::default(),
        );
        assert_eq!(made, SimulatedContent::Json(json!({"a": 7})));
        let renamed =
            json!({"type": "object", "required": ["b"], "properties": {"b": {"const": 1}}});
        let made = answers.made(
            &question("q", Want::Json(Arc::new(KnownJson::new(renamed)))),
            0,
            &KnownJsons::default(),
        );
        assert_eq!(made, SimulatedContent::Json(json!({"b": 1})));
    }
}
