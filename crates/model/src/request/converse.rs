//! The body of the Converse API. Nova's own body has the same members.

use super::{PROMPT_SLOT, RequestBuilder, TOOL_NAME, insert, tool_description};
use crate::enforcement::{Enforcement, bound_schema, tool_input};
use crate::form::RequestForm;
use serde_json::{Map, Value, json};

impl RequestBuilder {
    pub(super) fn converse(&self, form: &RequestForm) -> Value {
        let mut content = vec![json!({ "text": PROMPT_SLOT })];
        if let Some(text) = self.before_the_prompt(form) {
            content.insert(0, json!({ "text": text }));
        }
        let mut messages = vec![json!({ "role": "user", "content": content })];
        if form.enforcement.is_prefilled() {
            messages.push(json!({ "role": "assistant", "content": [{ "text": "{" }] }));
        }
        let mut inference = Map::new();
        insert(&mut inference, "maxTokens", self.max_tokens(form));
        insert(&mut inference, "temperature", self.temperature(form));
        insert(&mut inference, "topP", self.top_p(form));

        let mut body = Map::new();
        body.insert("messages".into(), Value::Array(messages));
        if let Some(system) = self.system_turn(form) {
            body.insert("system".into(), json!([{ "text": system }]));
        }
        body.insert("inferenceConfig".into(), Value::Object(inference));
        if let Some(tools) = self.converse_tools(form) {
            body.insert("toolConfig".into(), tools);
        }
        let effort = self.effort(form);
        let mut output = Map::new();
        insert(&mut output, "textFormat", self.converse_format(form));
        if !self.is_nova() {
            insert(&mut output, "effort", effort);
        }
        if !output.is_empty() {
            body.insert("outputConfig".into(), Value::Object(output));
        }
        if self.is_nova()
            && let Some(effort) = effort
        {
            // Its greatest effort is `high`.
            let effort = if effort == "max" { "high" } else { effort };
            let config = json!({ "type": "enabled", "maxReasoningEffort": effort });
            body.insert("reasoningConfig".into(), config);
        }
        if self.switches_thinking_off(form) {
            let fields = json!({ "thinking": { "type": "disabled" } });
            body.insert("additionalModelRequestFields".into(), fields);
        }
        Value::Object(body)
    }

    fn converse_tools(&self, form: &RequestForm) -> Option<Value> {
        let schema = self.schema.as_ref()?;
        if !form.enforcement.has_tool() {
            return None;
        }
        let tool = tool_input(&self.capabilities, schema)?;
        let mut config = json!({
            "tools": [{
                "toolSpec": {
                    "name": TOOL_NAME,
                    "description": tool_description(form.enforcement),
                    "inputSchema": { "json": tool.schema },
                },
            }],
        });
        if form.enforcement == Enforcement::ForcedTool {
            config["toolChoice"] = json!({ "tool": { "name": TOOL_NAME } });
        }
        Some(config)
    }

    fn converse_format(&self, form: &RequestForm) -> Option<Value> {
        if form.enforcement != Enforcement::StructuredOutput {
            return None;
        }
        let schema = bound_schema(&self.capabilities, self.schema.as_ref()?)?;
        Some(json!({
            "type": "json_schema",
            "structure": {
                "jsonSchema": { "schema": schema.to_string(), "name": TOOL_NAME },
            },
        }))
    }
}
