//! Whether the values of an answer fit the result columns, so that none is lost.

use crate::result_array::{Fit, ResultArray};
use crate::result_kind::{ResultColumn, ResultKind};
use quarry_answer::FieldValue;
use quarry_table::ResultCell;

impl ResultColumn {
    /// Whether all values of an answer, in the order of the properties, can be written to these columns,
    /// which begin with those of the properties. A value that does not fit becomes null, as a whole or in
    /// part, and is counted in [`PartMeta::unfit`](crate::PartMeta::unfit).
    pub fn hold(columns: &[Self], values: &[FieldValue]) -> bool {
        columns
            .iter()
            .zip(values)
            .all(|(column, value)| column.kind.holds(value))
    }
}

impl ResultKind {
    fn holds(&self, value: &FieldValue) -> bool {
        let mut text = String::new();
        let cell = match (self, value) {
            (_, FieldValue::Null) | (Self::Text, _) | (Self::Integer, FieldValue::Integer(_)) => {
                return true;
            }
            (Self::Number, FieldValue::Integer(_) | FieldValue::Number(_))
            | (Self::Boolean, FieldValue::Bool(_)) => return true,
            (_, FieldValue::Bool(flag)) => ResultCell::Bool(*flag),
            (_, FieldValue::Text(text)) => ResultCell::Text(text),
            (_, other) => {
                other.write_json(&mut text);
                ResultCell::Json(&text)
            }
        };
        ResultArray::new(self).push(cell) == Fit::Whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_fits_if_nothing_of_it_is_lost() {
        let kind = |schema: &serde_json::Value| ResultKind::of_schema(schema, schema);
        let big = || FieldValue::BigInteger("18446744073709551615".into());
        let json = |text: &str| FieldValue::Json(text.into());
        let integers = json!({"type": "array", "items": {"type": "integer"}});
        let members = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
        for (schema, value, fits) in [
            (json!({"type": "integer"}), FieldValue::Integer(5), true),
            (json!({"type": "integer"}), FieldValue::Null, true),
            (json!({"type": "integer"}), big(), false),
            (json!({"type": "integer"}), FieldValue::Number(1e29), false),
            (json!({"type": "number"}), big(), true),
            (json!({"type": "number"}), FieldValue::Number(0.5), true),
            (json!({"type": "string"}), big(), true),
            (json!({"type": "boolean"}), FieldValue::Bool(true), true),
            (
                json!({"type": "boolean"}),
                FieldValue::Text("x".into()),
                false,
            ),
            (integers.clone(), json("[1,2]"), true),
            (integers, json("[1,18446744073709551615]"), false),
            (members.clone(), json(r#"{"n":1}"#), true),
            (
                members.clone(),
                json(r#"{"n":18446744073709551615}"#),
                false,
            ),
            (members, json(r#"{"n":1,"more":2}"#), false),
        ] {
            assert_eq!(kind(&schema).holds(&value), fits, "{schema} {value:?}");
        }
    }
}
