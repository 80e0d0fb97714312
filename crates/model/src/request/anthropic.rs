//! The body of Anthropic's Messages API.

use super::{PROMPT_SLOT, RequestBuilder, TOOL_NAME, insert, tool_description};
use crate::enforcement::{Enforcement, bound_schema, tool_input};
use crate::form::RequestForm;
use serde_json::{Map, Value, json};

impl RequestBuilder {
    pub(super) fn anthropic(&self, form: &RequestForm) -> Value {
        let content = match self.before_the_prompt(form) {
            Some(text) => json!([
                { "type": "text", "text": text },
                { "type": "text", "text": PROMPT_SLOT },
            ]),
            None => PROMPT_SLOT.into(),
        };
        let mut messages = vec![json!({ "role": "user", "content": content })];
        if form.enforcement.is_prefilled() {
            messages.push(json!({ "role": "assistant", "content": "{" }));
        }
        let mut body = Map::new();
        body.insert("anthropic_version".into(), "bedrock-2023-05-31".into());
        insert(&mut body, "max_tokens", self.max_tokens(form));
        insert(&mut body, "temperature", self.temperature(form));
        insert(&mut body, "top_p", self.top_p(form));
        if self.switches_thinking_off(form) {
            body.insert("thinking".into(), json!({ "type": "disabled" }));
        }
        body.insert("messages".into(), Value::Array(messages));
        let mut output = Map::new();
        if let Some(schema) = &self.schema {
            if form.enforcement.has_tool()
                && let Some(tool) = tool_input(&self.capabilities, schema)
            {
                body.insert(
                    "tools".into(),
                    json!([{
                        "name": TOOL_NAME,
                        "description": tool_description(form.enforcement),
                        "input_schema": tool.schema,
                    }]),
                );
                if form.enforcement == Enforcement::ForcedTool {
                    let choice = json!({ "type": "tool", "name": TOOL_NAME });
                    body.insert("tool_choice".into(), choice);
                }
            }
            if form.enforcement == Enforcement::StructuredOutput
                && let Some(schema) = bound_schema(&self.capabilities, schema)
            {
                let format = json!({ "type": "json_schema", "schema": schema });
                output.insert("format".into(), format);
            }
        }
        insert(&mut output, "effort", self.effort(form));
        if !output.is_empty() {
            body.insert("output_config".into(), Value::Object(output));
        }
        insert(&mut body, "system", self.system_turn(form));
        Value::Object(body)
    }
}
