//! Checks the size of an output schema before it is used, because rules, columns and requests grow
//! with it.
//!
//! A definition counts at every reference to it, because it is put in place there: for the coercion
//! of answers, for the types of Parquet columns, and for models that take no definitions. A
//! definition within itself is not counted again.

use quarry_model::schema_parts::{placed_parts, referenced};
use serde_json::Value;
use std::collections::HashMap;

/// The most properties of all objects in the schema together.
const MOST_PROPERTIES: usize = 5_000;

/// The deepest nesting of schemas, with references followed.
const DEEPEST: usize = 64;

/// The most schemas after every reference is replaced by its definition.
const MOST_IN_PLACE: usize = 100_000;

/// Why a schema is too large to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Too many properties.
    #[error("output schema has {found} properties, more than {MOST_PROPERTIES}; ask for fewer")]
    Properties {
        /// Number of properties.
        found: usize,
    },
    /// The schema is nested too deeply.
    #[error(
        "output schema is more than {DEEPEST} schemas deep, at #{place}; nest fewer objects and lists"
    )]
    Depth {
        /// JSON Pointer of a schema that is too deep.
        place: String,
    },
    /// There are too many schemas after every reference is replaced by its definition.
    #[error(
        "output schema has more than {MOST_IN_PLACE} schemas after its references are replaced by definitions, at \
         #{place}; use fewer references to definitions that have references themselves"
    )]
    InPlace {
        /// JSON Pointer of a schema that is too large.
        place: String,
    },
}

/// The size of a schema with its definitions in place.
#[derive(Clone, Copy)]
struct Extent {
    schemas: usize,
    height: usize,
}

/// Checks the limits.
pub(crate) fn check(document: &Value) -> Result<(), TooLarge> {
    let mut measure = Measure {
        document,
        properties: 0,
        known: HashMap::new(),
    };
    measure.extent(document, 0, String::new())?;
    if measure.properties > MOST_PROPERTIES {
        return Err(TooLarge::Properties {
            found: measure.properties,
        });
    }
    Ok(())
}

struct Measure<'a> {
    document: &'a Value,
    properties: usize,
    /// Keyed by the address of the referenced schema; `None` while it is being measured.
    known: HashMap<*const Value, Option<Extent>>,
}

impl<'a> Measure<'a> {
    fn extent(
        &mut self,
        schema: &'a Value,
        depth: usize,
        place: String,
    ) -> Result<Extent, TooLarge> {
        if depth > DEEPEST {
            return Err(TooLarge::Depth { place });
        }
        let mut whole = Extent {
            schemas: 1,
            height: 1,
        };
        let Value::Object(members) = schema else {
            return Ok(whole);
        };
        if let Some(Value::Object(properties)) = members.get("properties") {
            self.properties += properties.len();
        }
        let mut below = Vec::new();
        for (pointer, part) in placed_parts(members) {
            below.push(self.extent(part, depth + 1, format!("{place}{pointer}"))?);
        }
        if let Some(reference) = members.get("$ref").and_then(Value::as_str)
            && let Some(target) = referenced(self.document, reference)
        {
            below.push(self.target(target, depth + 1, &place)?);
        }
        for part in below {
            whole.schemas = whole.schemas.saturating_add(part.schemas);
            whole.height = whole.height.max(part.height + 1);
        }
        if whole.schemas > MOST_IN_PLACE {
            return Err(TooLarge::InPlace { place });
        }
        if depth + whole.height > DEEPEST + 1 {
            return Err(TooLarge::Depth { place });
        }
        Ok(whole)
    }

    fn target(&mut self, target: &'a Value, depth: usize, place: &str) -> Result<Extent, TooLarge> {
        let itself = Extent {
            schemas: 1,
            height: 1,
        };
        match self.known.get(&std::ptr::from_ref(target)) {
            Some(known) => return Ok(known.unwrap_or(itself)),
            None => self.known.insert(std::ptr::from_ref(target), None),
        };
        let properties = self.properties;
        let extent = self.extent(target, depth, place.to_owned())?;
        // Definitions are counted at their references.
        self.properties = properties;
        self.known.insert(std::ptr::from_ref(target), Some(extent));
        Ok(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn doubling(levels: usize) -> Value {
        let mut definitions = Map::new();
        for level in 0..levels {
            let below = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            definitions.insert(
                format!("d{level}"),
                json!({"type": "object", "properties": {"a": below, "b": below}}),
            );
        }
        definitions.insert(format!("d{levels}"), json!({"type": "string"}));
        json!({"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    }

    #[test]
    fn definitions_that_double_at_each_level_are_refused_at_once() {
        assert_eq!(check(&doubling(10)), Ok(()));
        for levels in [20, 30] {
            let error = check(&doubling(levels)).expect_err("too large");
            assert!(matches!(error, TooLarge::InPlace { .. }), "{error}");
        }
    }

    #[test]
    fn properties_and_depth_are_bounded() {
        let properties = |count: usize| -> Value {
            let all: Map<String, Value> = (0..count)
                .map(|number| (format!("p{number}"), json!({"type": "string"})))
                .collect();
            json!({ "properties": all })
        };
        assert_eq!(check(&properties(5_000)), Ok(()));
        assert_eq!(
            check(&properties(65_000)),
            Err(TooLarge::Properties { found: 65_000 })
        );
        let nested = |depth: usize| {
            (0..depth).fold(
                json!({"type": "string"}),
                |inner, _| json!({"items": inner}),
            )
        };
        assert_eq!(check(&nested(64)), Ok(()));
        assert!(matches!(check(&nested(65)), Err(TooLarge::Depth { .. })));
    }

    #[test]
    fn a_long_chain_of_definitions_is_as_deep_as_one_of_objects() {
        let definitions: Map<String, Value> = (0..5_000)
            .map(|level| {
                let below = format!("#/$defs/d{}", level + 1);
                (format!("d{level}"), json!({"items": {"$ref": below}}))
            })
            .collect();
        let schema = json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
        assert!(matches!(check(&schema), Err(TooLarge::Depth { .. })));
    }

    #[test]
    fn a_schema_may_contain_itself() {
        let schema = json!({
            "properties": {"a": {"$ref": "#/$defs/a"}, "whole": {"$ref": "#"}},
            "$defs": {
                "a": {"properties": {"b": {"$ref": "#/$defs/b"}, "c": {"$ref": "#/$defs/a"}}},
                "b": {"properties": {"a": {"$ref": "#/$defs/a"}}},
            },
        });
        assert_eq!(check(&schema), Ok(()));
    }
}
