//! JSON paths: reference paths, which select one node, and result paths, which place one.
//!
//! Supported are `$`, `$.name` and `$.name.name`. Everything in brackets, wildcards, filters and `..`
//! are refused when the definition is loaded.

use serde_json::{Map, Value};
use std::fmt;

/// A path to one node of a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath {
    text: String,
    names: Vec<String>,
}

/// Characters with a meaning in JSON path that this subset does not support.
const REFUSED_IN_NAMES: &[char] = &['*', '?', '@', '(', ')', '\'', '"', ',', ':', '[', ']', '$'];

impl JsonPath {
    /// Reads a path that begins with `$`. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix('$')
            .ok_or_else(|| format!("`{text}` is not a path: it must begin with `$`"))?;
        Self::parse_after_root(text, rest)
    }

    /// Reads the part of a path that follows its root (`$`, or a field of the context object).
    pub(crate) fn parse_after_root(text: &str, rest: &str) -> Result<Self, String> {
        let refused = |why: &str| {
            Err(format!(
                "`{text}` is not in the supported path subset ($, $.a.b): {why}"
            ))
        };
        let mut names = Vec::new();
        if !rest.is_empty() {
            let Some(rest) = rest.strip_prefix('.') else {
                return refused("`.` expected");
            };
            for name in rest.split('.') {
                if name.is_empty() {
                    return refused("a name is missing after `.`");
                }
                if name.contains(REFUSED_IN_NAMES) || name.contains(char::is_whitespace) {
                    return refused("indexes, wildcards, filters, slices and quoted names are not");
                }
                names.push(name.to_owned());
            }
        }
        Ok(Self {
            text: text.to_owned(),
            names,
        })
    }

    /// Returns the node that the path leads to, or `None` if the document does not have it.
    pub(crate) fn resolve<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.names
            .iter()
            .try_fold(root, |node, name| node.as_object()?.get(name))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Where the result of a state goes in the state's input to make its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResultPath {
    /// `null`: the result is discarded, and the input becomes the output.
    Discard,
    /// `$`: the result becomes the output.
    Replace,
    /// `$.a.b`: the result is put there; missing objects on the way are created.
    Field { text: String, names: Vec<String> },
}

impl ResultPath {
    /// Reads a result path that is not `null`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let JsonPath { text, names } = JsonPath::parse(text)?;
        Ok(if names.is_empty() {
            Self::Replace
        } else {
            Self::Field { text, names }
        })
    }

    /// Puts `result` into `input`. The error says which part of the input prevents it.
    pub(crate) fn place(&self, input: &Value, result: Value) -> Result<Value, String> {
        let (text, names) = match self {
            Self::Discard => return Ok(input.clone()),
            Self::Replace => return Ok(result),
            Self::Field { text, names } => (text, names),
        };
        let in_the_way = |node: &Value| {
            let kind = kind_of(node);
            Err(format!(
                "Unable to apply ReferencePath {text}: it leads through {kind}"
            ))
        };
        let mut output = input.clone();
        let mut node = &mut output;
        let Some((last, parents)) = names.split_last() else {
            return Ok(result);
        };
        for name in parents {
            let Value::Object(object) = node else {
                return in_the_way(node);
            };
            node = object
                .entry(name.as_str())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        let Value::Object(object) = node else {
            return in_the_way(node);
        };
        object.insert(last.clone(), result);
        Ok(output)
    }
}

/// Returns a JSON type in words, for messages.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Paths lead through objects, and to nothing where the document ends.
    #[test]
    fn paths_lead_to_one_node_or_nothing() {
        let document = json!({"a": {"b": [10, {"c-d": true}]}, "ä": null});
        let at = |path: &str| JsonPath::parse(path).unwrap().resolve(&document).cloned();
        assert_eq!(at("$"), Some(document.clone()));
        assert_eq!(at("$.a.b"), Some(json!([10, {"c-d": true}])));
        assert_eq!(at("$.ä"), Some(Value::Null));
        assert_eq!(at("$.a.b.c"), None);
        assert_eq!(at("$.x"), None);
    }

    /// Everything outside the subset is refused and not read as something else.
    #[test]
    fn other_json_path_syntax_is_refused() {
        for path in [
            "",
            "a",
            ".a",
            "$a",
            "$.",
            "$..a",
            "$.*",
            "$.a[*]",
            "$.a[1]",
            "$.a[1:2]",
            "$.a[-1]",
            "$['a']",
            "$.a[?(@.b)]",
            "$.a.",
            "$.a[0",
            "$.a b",
            "$.length()",
            "$$.a",
        ] {
            assert!(JsonPath::parse(path).is_err(), "{path} was accepted");
        }
    }

    /// A result path creates the objects that it needs, keeps those that exist, and does not
    /// overwrite a scalar on the way.
    #[test]
    fn results_are_placed_in_the_input() {
        let place = |path: &str, input: Value| {
            let path = ResultPath::parse(path).unwrap();
            path.place(&input, json!(1))
        };
        assert_eq!(place("$", json!({"a": 0})), Ok(json!(1)));
        assert_eq!(place("$.b", json!({"a": 0})), Ok(json!({"a": 0, "b": 1})));
        assert_eq!(place("$.a", json!({"a": 0})), Ok(json!({"a": 1})));
        assert_eq!(place("$.b.c", json!({})), Ok(json!({"b": {"c": 1}})));
        assert!(place("$.a.c", json!({"a": 0})).is_err());
        assert!(place("$.a", json!("text")).is_err());
        assert_eq!(
            ResultPath::Discard.place(&json!({"a": 0}), json!(1)),
            Ok(json!({"a": 0}))
        );
        assert!(ResultPath::parse("$.a[0]").is_err());
    }

    proptest! {
        /// A path finds what the same result path has placed.
        #[test]
        fn a_placed_result_is_found_again(names in prop::collection::vec("[a-zA-Z_][a-zA-Z0-9_-]{0,5}", 1..5)) {
            let text = format!("$.{}", names.join("."));
            let placed = ResultPath::parse(&text).unwrap().place(&json!({}), json!("here")).unwrap();
            prop_assert_eq!(JsonPath::parse(&text).unwrap().resolve(&placed), Some(&json!("here")));
        }

        /// No text makes the parser panic.
        #[test]
        fn any_text_is_a_path_or_an_error(text in "\\PC{0,20}") {
            let _ = JsonPath::parse(&text);
            let _ = ResultPath::parse(&format!("$.{text}"));
        }
    }
}
