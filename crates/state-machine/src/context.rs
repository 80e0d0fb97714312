//! The context object: what `$$` paths show of the execution itself.

use crate::path::JsonPath;
use crate::timestamp::iso_8601;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

/// The fields of the context object that stay the same during one execution.
#[derive(Debug)]
pub(crate) struct ExecutionContext {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) start_time: String,
    pub(crate) input: Value,
    pub(crate) machine_name: String,
    pub(crate) machine_id: String,
}

/// The context object as one state sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContextObject<'v> {
    pub(crate) execution: &'v ExecutionContext,
    pub(crate) state: &'v str,
    pub(crate) entered: SystemTime,
    pub(crate) retry_count: u64,
    /// The index and the value of the item for which an `ItemSelector` is evaluated.
    pub(crate) item: Option<(usize, &'v Value)>,
}

/// The place in a definition that a path is used at: only an `ItemSelector` sees an item.
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
    ExecutionInput(JsonPath),
    ExecutionName,
    ExecutionStartTime,
    StateEnteredTime,
    StateName,
    StateRetryCount,
    StateMachineId,
    StateMachineName,
    MapItemIndex,
    MapItemValue(JsonPath),
}

const SUPPORTED: &str = "$$.Execution.{Id, Input, Name, StartTime}, \
     $$.State.{EnteredTime, Name, RetryCount}, $$.StateMachine.{Id, Name}, \
     $$.Map.Item.{Index, Value}";

impl ContextPath {
    /// Reads a path that begins with `$$`. The error says what is wrong with it.
    pub(crate) fn parse(text: &str, vantage: Vantage) -> Result<Self, String> {
        let below = |prefix: &str| {
            text.strip_prefix(prefix)
                .filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let field = match text {
            "$$.Execution.Id" => Field::ExecutionId,
            "$$.Execution.Name" => Field::ExecutionName,
            "$$.Execution.StartTime" => Field::ExecutionStartTime,
            "$$.State.EnteredTime" => Field::StateEnteredTime,
            "$$.State.Name" => Field::StateName,
            "$$.State.RetryCount" => Field::StateRetryCount,
            "$$.StateMachine.Id" => Field::StateMachineId,
            "$$.StateMachine.Name" => Field::StateMachineName,
            "$$.Map.Item.Index" => Field::MapItemIndex,
            _ => {
                if let Some(rest) = below("$$.Execution.Input") {
                    Field::ExecutionInput(JsonPath::parse_after_root(text, rest)?)
                } else if let Some(rest) = below("$$.Map.Item.Value") {
                    Field::MapItemValue(JsonPath::parse_after_root(text, rest)?)
                } else {
                    return Err(format!(
                        "`{text}` is not a supported field of the context object: {SUPPORTED}"
                    ));
                }
            }
        };
        let needs_item = matches!(field, Field::MapItemIndex | Field::MapItemValue(_));
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
            Field::ExecutionId => text(&execution.id),
            Field::ExecutionInput(path) => path.resolve(&execution.input).map(Cow::Borrowed),
            Field::ExecutionName => text(&execution.name),
            Field::ExecutionStartTime => text(&execution.start_time),
            Field::StateEnteredTime => text(&iso_8601(context.entered)),
            Field::StateName => text(context.state),
            Field::StateRetryCount => Some(Cow::Owned(Value::from(context.retry_count))),
            Field::StateMachineId => text(&execution.machine_id),
            Field::StateMachineName => text(&execution.machine_name),
            Field::MapItemIndex => Some(Cow::Owned(Value::from(context.item?.0))),
            Field::MapItemValue(path) => path.resolve(context.item?.1).map(Cow::Borrowed),
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
            "$$.Execution.Inputs",
            "$$.Task.Token",
            "$$.State.Name.x",
            "$$.Map.Item",
            "$$.Execution.Input.*",
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
        for path in [
            "$$.Map.Item.Index",
            "$$.Map.Item.Value",
            "$$.Map.Item.Value.a[0]",
        ] {
            assert!(ContextPath::parse(path, Vantage::ItemSelector).is_ok());
            assert!(ContextPath::parse(path, Vantage::State).is_err());
        }
    }
}
