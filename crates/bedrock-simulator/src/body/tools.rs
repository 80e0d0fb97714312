//! The tools of Claude's messages.

use super::members::{not_permitted, tool_name};
use super::{Judge, structured};
use crate::known::KnownJsons;
use crate::models::Feature;
use serde_json::{Map, Value};

/// Returns the reason for which Claude refuses the tools and the choice among them, if it does.
pub(super) fn check(
    body: &Map<String, Value>,
    judge: &Judge<'_>,
    known: &KnownJsons,
) -> Result<(), String> {
    let tools = match body.get("tools") {
        None => &[][..],
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err("tools: Input should be a valid list".to_owned()),
    };
    for (index, tool) in tools.iter().enumerate() {
        tool_name(tool.get("name"), &format!("tools.{index}.custom.name"))?;
        let at = format!("tools.{index}.custom.input_schema");
        input_schema(tool.get("input_schema").unwrap_or(&Value::Null), &at, known)?;
        if let Some(strict) = tool.get("strict") {
            if !judge.takes(Feature::StrictTool) {
                return Err(not_permitted(&format!("tools.{index}.custom.strict")));
            }
            if strict == &Value::Bool(true) {
                structured::check(tool.get("input_schema").unwrap_or(&Value::Null), &at)?;
            }
        }
    }
    tool_choice(body, tools, judge)
}

fn input_schema(schema: &Value, at: &str, known: &KnownJsons) -> Result<(), String> {
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {}
        Some(_) => return Err(format!("{at}.type: Input should be 'object'")),
        None => return Err(format!("{at}.type: Field required")),
    }
    if ["oneOf", "allOf", "anyOf"]
        .iter()
        .any(|keyword| schema.get(keyword).is_some())
    {
        return Err(format!(
            "{at}: input_schema does not support oneOf, allOf, or anyOf at the top level"
        ));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let has_bad_key =
        properties.is_some_and(|properties| !properties.keys().all(|key| is_property_key(key)));
    if has_bad_key {
        return Err(format!(
            "{at}.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
        ));
    }
    if known.of(schema).follows_the_draft() {
        return Ok(());
    }
    Err(format!(
        "{at}: JSON schema is invalid. It must match JSON Schema draft 2020-12 \
         (https://json-schema.org/draft/2020-12). Learn more about tool use at \
         https://docs.claude.com/en/docs/tool-use."
    ))
}

fn is_property_key(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn tool_choice(
    body: &Map<String, Value>,
    tools: &[Value],
    judge: &Judge<'_>,
) -> Result<(), String> {
    let Some(choice) = body.get("tool_choice") else {
        return Ok(());
    };
    if tools.is_empty() {
        return Err("tool_choice: may only be specified while providing tools".to_owned());
    }
    if forces_tool(body) && !judge.takes(Feature::ToolChoice) {
        return Err(
            "tool_choice: type \"tool\" and \"any\" are not supported for this model.".to_owned(),
        );
    }
    match choice.get("type").and_then(Value::as_str) {
        Some("auto" | "any" | "none") => Ok(()),
        Some("tool") => {
            let name = choice.get("name").and_then(Value::as_str);
            let found = tools
                .iter()
                .any(|tool| tool.get("name").and_then(Value::as_str) == name);
            match (name, found) {
                (None, _) => Err("tool_choice.tool.name: Field required".to_owned()),
                (Some(_), true) => Ok(()),
                (Some(name), false) => Err(format!(
                    "tool_choice: Tool '{name}' not found in provided tools"
                )),
            }
        }
        _ => Err(
            "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', \
             'tool', 'none'"
                .to_owned(),
        ),
    }
}

/// Whether the request forces a tool call.
pub(super) fn forces_tool(body: &Map<String, Value>) -> bool {
    let choice = body
        .get("tool_choice")
        .and_then(|choice| choice.get("type"));
    matches!(choice.and_then(Value::as_str), Some("tool" | "any"))
}
