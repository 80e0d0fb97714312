//! The outputs of the model families, member by member as the service writes them.

use super::{AskedForm, Body, Reply, Stop};
use crate::hash::Random;
use crate::models::{Feature, base_name};
use crate::question::{Question, QuestionForm};
use crate::tokens::tokens;
use serde_json::{Map, Value, json};

/// The members of a content block of `Converse`. In a job's output, every block has all of them.
const UNION: [&str; 12] = [
    "audio",
    "cachePoint",
    "citationsContent",
    "document",
    "guardContent",
    "image",
    "reasoningContent",
    "searchResult",
    "text",
    "toolResult",
    "toolUse",
    "video",
];

/// The creation time of all answers of chat models.
const CREATED: u64 = 1_762_540_512;

impl Reply {
    pub(super) fn form(self, question: &Question, asking: &AskedForm<'_>, tokens: u64) -> Value {
        match question.form {
            QuestionForm::Anthropic => self.claude(question, asking, tokens),
            QuestionForm::Converse if asking.converse => self.converse(question, asking, tokens),
            QuestionForm::Converse => self.nova(question, asking, tokens),
            QuestionForm::Llama => self.llama(question, tokens),
            QuestionForm::Chat => self.chat(question, asking, tokens),
            QuestionForm::TitanEmbeddings => {
                let numbers = self.numbers();
                json!({
                    "embedding": numbers,
                    "embeddingsByType": {"float": numbers},
                    "inputTextTokenCount": question.input_tokens,
                })
            }
            QuestionForm::CohereEmbeddings => json!({
                "id": Random::new(asking.seed).id(24),
                "texts": [question.prompt],
                "embeddings": [self.numbers()],
                "response_type": "embeddings_floats",
            }),
        }
    }

    fn numbers(self) -> Vec<f64> {
        match self.body {
            Body::Vector(numbers) => numbers,
            _ => Vec::new(),
        }
    }

    /// Returns the reply as one text, for forms that have nothing else.
    fn plain(self) -> String {
        match self.body {
            Body::Text(text) => text,
            Body::Tool { input, .. } => input.to_string(),
            Body::Nothing | Body::Output(_) | Body::Vector(_) => String::new(),
        }
    }

    /// Members were added over time: Claude 4.5 reports the tokens of its cache; 4.6 and later
    /// report more of them, the tier, and the details of the stop.
    fn claude(self, question: &Question, asking: &AskedForm<'_>, output_tokens: u64) -> Value {
        let mut random = Random::new(asking.seed);
        let mut content = Vec::new();
        if let Some(thought) = self.thought {
            content.push(json!({"type": "thinking", "thinking": thought, "signature": "EqAB"}));
        }
        match self.body {
            Body::Tool { name, input } => {
                let mut call = json!({
                    "type": "tool_use",
                    "id": format!("toolu_bdrk_01{}", random.id(22)),
                    "name": name,
                });
                // `json!` would copy the input, member by member.
                call["input"] = input;
                content.push(call);
            }
            Body::Text(text) => content.push(json!({"type": "text", "text": text})),
            Body::Nothing | Body::Output(_) | Body::Vector(_) => {}
        }
        if self.stop == Stop::Guardrail {
            return json!({
                "type": "message",
                "content": content,
                "amazon-bedrock-guardrailAction": "INTERVENED",
                "amazon-bedrock-trace": {"guardrail": {}},
                "stop_reason": "end_turn",
            });
        }
        let is_new = asking.facts.takes(Feature::ThinkingAdaptive);
        let stop_reason = match self.stop {
            Stop::End | Stop::Guardrail => "end_turn",
            Stop::Tool => "tool_use",
            Stop::MaxTokens => "max_tokens",
            Stop::Refusal => "refusal",
        };
        let mut usage = json!({
            "input_tokens": question.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        });
        if is_new {
            usage["cache_creation"] =
                json!({"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0});
            usage["service_tier"] = json!("standard");
        }
        if let Some(thought) = self.thought {
            let thinking = tokens(thought.len());
            usage["output_tokens_details"] = json!({"thinking_tokens": thinking});
        }
        let model = base_name(asking.model_id);
        let model = model.strip_prefix("anthropic.").unwrap_or(model);
        let mut answer = json!({
            "model": model.split("-v1").next().unwrap_or(model),
            "id": format!("msg_bdrk_01{}", random.id(22)),
            "type": "message",
            "role": "assistant",
            "content": null,
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": usage,
        });
        answer["content"] = Value::Array(content);
        if self.stop == Stop::Refusal {
            answer["stop_details"] = json!({
                "type": "refusal",
                "category": "cyber",
                "explanation": "This request was declined because it could enable cyber harm.",
            });
        } else if is_new {
            answer["stop_details"] = Value::Null;
        }
        answer
    }

    fn converse(self, question: &Question, asking: &AskedForm<'_>, output_tokens: u64) -> Value {
        let mut blocks = Vec::new();
        if let Some(thought) = self.thought {
            blocks.push(("reasoningContent", reasoning(thought, asking)));
        }
        let stop = self.stop;
        match self.body {
            Body::Tool { name, input } => {
                let id = format!("tooluse_{}", Random::new(asking.seed).id(22));
                let call = json!({"input": input, "name": name, "toolUseId": id});
                blocks.push(("toolUse", call));
            }
            Body::Text(text) => blocks.push(("text", Value::String(text))),
            Body::Nothing | Body::Output(_) | Body::Vector(_) => {}
        }
        let content: Vec<Value> = blocks
            .into_iter()
            .map(|(member, value)| block(member, value, asking.in_job))
            .collect();
        let mut usage = if asking.in_job {
            json!({
                "serverToolUsage": {"webSearchRequests": null},
                "cacheReadInputTokens": null,
                "cacheWriteInputTokens": null,
                "cacheReadInputTokenCount": null,
                "cacheWriteInputTokenCount": null,
                "cacheDetails": null,
            })
        } else {
            json!({
                "cacheReadInputTokenCount": 0,
                "cacheReadInputTokens": 0,
                "cacheWriteInputTokenCount": 0,
                "cacheWriteInputTokens": 0,
            })
        };
        usage["inputTokens"] = json!(question.input_tokens);
        usage["outputTokens"] = json!(output_tokens);
        usage["totalTokens"] = json!(question.input_tokens + output_tokens);
        let mut answer = json!({
            "metrics": {"latencyMs": 400 + asking.seed % 1_000},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": converse_stop(stop),
            "usage": usage,
        });
        if stop == Stop::Guardrail {
            answer["trace"] = json!({"guardrail": {}});
        }
        if let Some(tier) = asking.tier {
            answer["serviceTier"] = json!({"type": tier.as_str()});
        }
        answer
    }

    /// Returns Nova's own output. Before a call, Nova sometimes thinks aloud in a text.
    fn nova(self, question: &Question, asking: &AskedForm<'_>, output_tokens: u64) -> Value {
        let stop = self.stop;
        let content = match self.body {
            Body::Tool { name, input } => {
                let mut random = Random::new(asking.seed);
                let call = json!({"name": name, "toolUseId": uuid(&mut random), "input": input});
                let call = json!({"toolUse": call});
                let aloud = "<thinking> I need to use the tool to answer.</thinking>\n";
                if random.below(2) == 0 {
                    json!([{"text": aloud}, call])
                } else {
                    json!([call])
                }
            }
            Body::Text(text) => json!([{"text": text}]),
            Body::Nothing | Body::Output(_) | Body::Vector(_) => json!([]),
        };
        let mut answer = json!({
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": converse_stop(stop),
            "usage": {
                "inputTokens": question.input_tokens,
                "outputTokens": output_tokens,
                "totalTokens": question.input_tokens + output_tokens,
                "cacheReadInputTokenCount": 0,
                "cacheWriteInputTokenCount": 0,
            },
        });
        mark_guardrail(&mut answer, stop);
        answer
    }

    fn llama(self, question: &Question, output_tokens: u64) -> Value {
        let stop = self.stop;
        let mut answer = json!({
            "generation": self.plain(),
            "prompt_token_count": question.input_tokens,
            "generation_token_count": output_tokens,
            "stop_reason": if stop == Stop::MaxTokens { "length" } else { "stop" },
        });
        mark_guardrail(&mut answer, stop);
        answer
    }

    fn chat(self, question: &Question, asking: &AskedForm<'_>, output_tokens: u64) -> Value {
        let mut random = Random::new(asking.seed);
        let stop = self.stop;
        let thought = self.thought.map_or_else(String::new, |thought| {
            format!("<reasoning>{thought}</reasoning>")
        });
        let message = match self.body {
            Body::Tool { name, input } => json!({
                "role": "assistant",
                "content": null,
                "tool_calls": [{
                    "id": format!("call_{}", random.id(24)),
                    "type": "function",
                    "function": {"name": name, "arguments": input.to_string()},
                }],
            }),
            Body::Nothing => json!({
                "content": null, "refusal": "I can't help with that.", "role": "assistant",
            }),
            _ => {
                let text = format!("{thought}{}", self.plain());
                json!({"content": text, "role": "assistant"})
            }
        };
        let finish = match stop {
            Stop::End | Stop::Guardrail => "stop",
            Stop::Tool => "tool_calls",
            Stop::MaxTokens => "length",
            Stop::Refusal => "content_filter",
        };
        let mut answer = json!({
            "choices": [{"finish_reason": finish, "index": 0, "message": message}],
            "created": CREATED,
            "id": format!("chatcmpl-{}", random.id(24)),
            "model": base_name(asking.model_id),
            "object": "chat.completion",
            "service_tier": asking.tier.unwrap_or_default().as_str(),
            "usage": {
                "completion_tokens": output_tokens,
                "prompt_tokens": question.input_tokens,
                "total_tokens": question.input_tokens + output_tokens,
            },
        });
        mark_guardrail(&mut answer, stop);
        answer
    }
}

fn converse_stop(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::Tool => "tool_use",
        Stop::MaxTokens => "max_tokens",
        Stop::Refusal => "content_filtered",
        Stop::Guardrail => "guardrail_intervened",
    }
}

/// `InvokeModel` has a separate member that says whether a guardrail wrote the answer.
fn mark_guardrail(answer: &mut Value, stop: Stop) {
    if stop == Stop::Guardrail {
        answer["amazon-bedrock-guardrailAction"] = json!("INTERVENED");
        answer["amazon-bedrock-trace"] = json!({"guardrail": {}});
    }
}

fn reasoning(thought: &str, asking: &AskedForm<'_>) -> Value {
    let mut text = json!({"text": thought});
    if asking.in_job {
        text["signature"] = Value::Null;
    } else if !asking.facts.reasons {
        text["signature"] = json!("EqAB");
    }
    json!({"reasoningText": text})
}

/// Returns a content block. In a job's output, its unused members are null.
fn block(member: &str, value: Value, in_job: bool) -> Value {
    let mut block = Map::new();
    if in_job {
        for name in UNION {
            block.insert(name.to_owned(), Value::Null);
        }
    }
    block.insert(member.to_owned(), value);
    Value::Object(block)
}

fn uuid(random: &mut Random) -> String {
    let hex = format!("{:016x}{:016x}", random.next(), random.next());
    format!(
        "{}-{}-4{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}
