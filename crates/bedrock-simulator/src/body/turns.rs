//! The turns and texts of Claude's messages.

use serde_json::Value;

/// Returns the turns as role and text, if they are valid.
pub(super) fn read(messages: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let messages = match messages {
        None => return Err("messages: Field required".to_owned()),
        Some(Value::Array(messages)) => messages,
        Some(_) => return Err("messages: Input should be a valid list".to_owned()),
    };
    if messages.is_empty() {
        return Err("messages: at least one message is required".to_owned());
    }
    let mut turns: Vec<(String, String)> = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str);
        let Some(role @ ("user" | "assistant")) = role else {
            return Err(format!(
                "messages.{index}.role: Input should be 'user' or 'assistant'"
            ));
        };
        let text = match message.get("content") {
            None => return Err(format!("messages.{index}.content: Field required")),
            Some(Value::String(text)) if text.is_empty() => {
                return Err(format!(
                    "messages.{index}: {role} messages must have non-empty content"
                ));
            }
            Some(Value::String(text)) if text.trim().is_empty() => {
                return Err(
                    "messages: text content blocks must contain non-whitespace text".to_owned(),
                );
            }
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(blocks)) => {
                if blocks.is_empty() {
                    return Err(format!(
                        "messages.{index}: {role} messages must have non-empty content"
                    ));
                }
                text_blocks(blocks, "messages")?;
                let last = blocks.last().and_then(|block| block.get("text"));
                last.and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            Some(_) => {
                return Err(format!(
                    "messages.{index}.content: Input should be a valid list"
                ));
            }
        };
        if turns.last().is_some_and(|(previous, _)| previous == role) {
            return Err(format!(
                "messages: roles must alternate between \"user\" and \"assistant\", but found \
                 multiple \"{role}\" roles in a row"
            ));
        }
        if index == 0 && role != "user" {
            return Err("messages: first message must use the \"user\" role".to_owned());
        }
        turns.push((role.to_owned(), text));
    }
    Ok(turns)
}

pub(super) fn text_blocks(blocks: &[Value], at: &str) -> Result<(), String> {
    for (index, block) in blocks.iter().enumerate() {
        match block.get("type").and_then(Value::as_str) {
            None => return Err(format!("{at}.{index}.type: Field required")),
            Some("text") => match block.get("text").and_then(Value::as_str) {
                None => return Err(format!("{at}.{index}.text.text: Field required")),
                Some("") => return Err(format!("{at}: text content blocks must be non-empty")),
                Some(text) if text.trim().is_empty() => {
                    return Err(format!(
                        "{at}: text content blocks must contain non-whitespace text"
                    ));
                }
                Some(_) => {}
            },
            Some(_) => {}
        }
    }
    Ok(())
}
