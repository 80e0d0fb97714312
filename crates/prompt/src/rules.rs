//! The rules of a prompts file, and the rules that a row selects.
//!
//! A row names its rules in one cell. Their definitions become blocks of text in the row's prompt.

use crate::sink::Sink;
use indexmap::IndexMap;
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::fmt;

/// The text for a row that selects no rule.
const NONE_SELECTED: &str =
    "No specific rules were routed for this record; classify using the general guidance above.";

/// The rules of a prompts file by name, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    blocks: IndexMap<String, String>,
}

impl Rules {
    /// Adds a rule. Returns whether its name is new; if not, the rule replaces the earlier one.
    ///
    /// The rule's block has a heading with the name, every other field that is neither null nor
    /// empty, and a closing line.
    pub(crate) fn add(&mut self, name: &str, fields: &serde_json::Map<String, Value>) -> bool {
        let mut block = format!("=== RULE: {name} ===\n");
        for (key, value) in fields {
            if key == "rule_name" || is_empty(value) {
                continue;
            }
            block.push_str(key);
            if let Value::Array(items) = value {
                block.push_str(":\n");
                for item in items {
                    block.push_str("- ");
                    block.push_str(&as_text(item));
                    block.push('\n');
                }
            } else {
                block.push_str(": ");
                block.push_str(&as_text(value));
                block.push('\n');
            }
        }
        block.push_str("=== END RULE ===");
        self.blocks.insert(name.to_owned(), block).is_none()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The names in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.blocks.keys().map(String::as_str)
    }

    /// The blocks, in the order of the names.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &str> {
        self.blocks.values().map(String::as_str)
    }

    /// Returns the schema of an answer that picks one of the rules, for prompts without a schema of
    /// their own. `None` if there are no rules.
    pub fn output_schema(&self) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        Some(json!({
            "type": "object",
            "properties": {
                "category": {
                    "type": "string",
                    "enum": self.names().collect::<Vec<_>>(),
                    "description": "The selected classification category (one of the routed rule names)",
                },
                "confidence": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "description": "Model confidence in the selected category (0-1)",
                },
                "reasoning": {
                    "type": "string",
                    "description": "Brief justification for the selected category",
                },
            },
            "required": ["category"],
        }))
    }

    /// Renders the blocks of the rules that a cell selects. `block` writes the one at an index in
    /// [`blocks`](Self::blocks).
    pub(crate) fn render<S: Sink>(
        &self,
        cell: &str,
        selection: &mut Selection,
        sink: &mut S,
        mut block: impl FnMut(usize, &mut S),
    ) {
        selection.read(cell);
        let mut names = selection.names().peekable();
        if names.peek().is_none() {
            return sink.text(NONE_SELECTED);
        }
        for (index, name) in names.enumerate() {
            if index > 0 {
                sink.text("\n\n");
            }
            if let Some(place) = self.blocks.get_index_of(name) {
                block(place, sink);
                continue;
            }
            sink.text("=== RULE: ");
            sink.text(name);
            sink.text(" ===\n(definition unavailable)\n=== END RULE ===");
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns a field as its block shows it: nested values are JSON, and booleans are spelled as in
/// Python, for which prompts were first written.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

/// The rule names in a cell, in buffers that are reused for the next row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    text: String,
    ends: Vec<usize>,
}

impl Selection {
    /// Reads a JSON list of names, one name as a JSON string, or names separated by commas. Null
    /// names no rule.
    fn read(&mut self, cell: &str) {
        self.clear();
        let cell = cell.trim();
        if cell == "null" {
            return;
        }
        if cell.starts_with(['[', '"']) {
            let mut json = serde_json::Deserializer::from_str(cell);
            if json.deserialize_any(&mut *self).is_ok() && json.end().is_ok() {
                return;
            }
            self.clear();
        }
        for name in cell.split(',') {
            self.add(name.trim());
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn add(&mut self, name: &str) {
        if !name.is_empty() {
            self.text.push_str(name);
            self.ends.push(self.text.len());
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .filter_map(|(start, &end)| self.text.get(start..end))
    }
}

impl<'de> Visitor<'de> for &mut Selection {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rule names")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        self.add(name.trim());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            let item = item.get();
            if !item.starts_with('"') {
                self.add(if item == "null" { "" } else { item });
                continue;
            }
            if serde_json::Deserializer::from_str(item)
                .deserialize_str(&mut *self)
                .is_err()
            {
                self.add(item);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{NONE_SELECTED, Rules, Selection};
    use serde_json::{Value, json};

    fn rules() -> Rules {
        let mut rules = Rules::default();
        let listed = json!([
            {"rule_name": "R1", "description": "first", "conditions": ["c1", {"k": 1}], "exclusions": [],
             "priority_tier": 1, "flag": true, "note": null, "more": {"a": [1]}},
            {"description": "second", "rule_name": "R, 2"},
        ]);
        for rule in listed.as_array().unwrap() {
            let fields = rule.as_object().unwrap();
            assert!(rules.add(fields["rule_name"].as_str().unwrap(), fields));
        }
        rules
    }

    fn render(cell: &str) -> String {
        let mut out = String::new();
        let rules = rules();
        let blocks: Vec<&str> = rules.blocks().collect();
        let block = |place: usize, out: &mut String| out.push_str(blocks[place]);
        rules.render(cell, &mut Selection::default(), &mut out, block);
        out
    }

    #[test]
    fn a_block_lists_every_field_that_says_something() {
        assert_eq!(
            render("R1"),
            "=== RULE: R1 ===\ndescription: first\nconditions:\n- c1\n- {\"k\":1}\npriority_tier: 1\nflag: True\n\
             more: {\"a\":[1]}\n=== END RULE ==="
        );
    }

    #[test]
    fn names_are_read_from_json_and_from_text() {
        let second = "=== RULE: R, 2 ===\ndescription: second\n=== END RULE ===";
        assert_eq!(render("[\"R, 2\"]"), second);
        assert_eq!(render("\"R, 2\""), second);
        assert_eq!(
            render(" [\"R, 2\", null, \"R\\u002c 2\"] "),
            format!("{second}\n\n{second}")
        );
        assert_eq!(render("R1,,").lines().next(), Some("=== RULE: R1 ==="));
    }

    #[test]
    fn an_unknown_name_is_shown_as_such() {
        assert_eq!(
            render("[x"),
            "=== RULE: [x ===\n(definition unavailable)\n=== END RULE ==="
        );
        assert_eq!(
            render("[7]"),
            "=== RULE: 7 ===\n(definition unavailable)\n=== END RULE ==="
        );
    }

    #[test]
    fn a_row_without_rules_says_so() {
        for none in ["", " ", "[]", "null", "\"\"", ",", "[null, \"\"]"] {
            assert_eq!(render(none), NONE_SELECTED, "{none:?}");
        }
    }

    #[test]
    fn the_schema_offers_the_names_in_order() {
        let schema = rules().output_schema().unwrap();
        assert_eq!(
            schema["properties"]["category"]["enum"],
            json!(["R1", "R, 2"])
        );
        assert_eq!(Rules::default().output_schema(), None::<Value>);
    }
}
