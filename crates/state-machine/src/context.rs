//! The context object: what `$$` paths show of the execution itself.

use crate::path::JsonPath;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// The fields of the context object that stay the same during one execution.
#[derive(Debug)]
pub(crate) struct ExecutionContext {
    pub(crate) name: String,
    pub(crate) start_time: String,
}

/// The context object as one state sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContextObject<'v> {
    pub(crate) execution: &'v ExecutionContext,
    /// The item that an `ItemSelector` is evaluated for.
    pub(crate) item: Option<&'v Value>,
}

/// The place in a definition where a path is used. Only an `ItemSelector` sees an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vantage {
    State,
    ItemSelector,
}

/// A path into the context object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextPath {
    text: String,
    field: Field,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    ExecutionId,
    ExecutionName,
    ExecutionStartTime,
    MapItemValue(JsonPath),
}

/// The beginning of the ARNs of executions, which the execution's name follows.
const EXECUTIONS: &str = "arn:aws:states:us-east-1:123456789012:execution:quarry";
const ITEM: &str = "$$.Map.Item.Value";
const SUPPORTED: &str = "$$.Execution.{Id, Name, StartTime}, $$.Map.Item.Value";

impl ContextPath {
    /// Reads a path that begins with `$$`. The error says what is wrong with it.
    pub(crate) fn parse(text: &str, vantage: Vantage) -> Result<Self, String> {
        let item = text
            .strip_prefix(ITEM)
            .filter(|rest| rest.is_empty() || rest.starts_with('.'));
        let field = match (text, item) {
            ("$$.Execution.Id", _) => Field::ExecutionId,
            ("$$.Execution.Name", _) => Field::ExecutionName,
            ("$$.Execution.StartTime", _) => Field::ExecutionStartTime,
            (_, Some(rest)) => Field::MapItemValue(JsonPath::parse_after_root(text, rest)?),
            (_, None) => {
                return Err(format!(
                    "`{text}` is not a supported field of the context object: {SUPPORTED}"
                ));
            }
        };
        let needs_item = matches!(field, Field::MapItemValue(_));
        if needs_item && vantage != Vantage::ItemSelector {
            return Err(format!(
                "`{text}` can only be used in an ItemSelector: a child execution does not see \
                 the item of its Map state"
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            field,
        })
    }

    /// Returns the value that the path leads to, or `None` if the context object does not have it.
    pub(crate) fn resolve<'v>(&self, context: &ContextObject<'v>) -> Option<Cow<'v, Value>> {
        let execution = context.execution;
        let text = |text: &str| Some(Cow::Owned(Value::from(text)));
        match &self.field {
            Field::ExecutionId => text(&format!("{EXECUTIONS}:{}", execution.name)),
            Field::ExecutionName => text(&execution.name),
            Field::ExecutionStartTime => text(&execution.start_time),
            Field::MapItemValue(path) => path.resolve(context.item?).map(Cow::Borrowed),
        }
    }
}

impl fmt::Display for ContextPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that this interpreter does not fill is refused; it would otherwise be null.
    #[test]
    fn unknown_fields_are_refused() {
        for path in [
            "$$",
            "$$.Execution",
            "$$.Execution.RoleArn",
            "$$.Execution.Names",
            "$$.Execution.Name.x",
            "$$.Task.Token",
            "$$.State.Name",
            "$$.Map.Item",
            "$$.Map.Item.Index",
            "$$.Map.Item.Values",
            "$$.Map.Item.Value.*",
        ] {
            assert!(
                ContextPath::parse(path, Vantage::ItemSelector).is_err(),
                "{path} was accepted"
            );
        }
    }

    /// The states of a child execution do not see the Map state's item; the item selector does.
    #[test]
    fn items_are_seen_in_item_selectors_only() {
        for path in ["$$.Map.Item.Value", "$$.Map.Item.Value.a"] {
            assert!(ContextPath::parse(path, Vantage::ItemSelector).is_ok());
            assert!(ContextPath::parse(path, Vantage::State).is_err());
        }
    }
}
