//! The value of one result column.

use crate::datum::{Datum, write_float, write_int, write_text};

/// The value of a schema property in one row, owned and typed for writing.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// No value: an optional property that is missing or null, or a row whose answer failed.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// The decimal digits, with sign, of an integer beyond 64 bits.
    BigInteger(String),
    /// A finite number of a `number` property, or a number with a fraction or an exponent.
    Number(f64),
    /// Text, unescaped.
    Text(String),
    /// An array or object as compact JSON text, without line breaks.
    Json(String),
}

impl FieldValue {
    /// Appends the value as compact JSON, for results in JSON Lines.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Integer(number) => write_int(*number, out),
            Self::BigInteger(digits) | Self::Json(digits) => out.push_str(digits),
            Self::Number(number) => write_float(*number, out),
            Self::Text(text) => write_text(text, out),
        }
    }

    /// Appends the value as a CSV cell before quoting: text as it is, null as nothing, everything
    /// else as JSON.
    pub fn write_plain(&self, out: &mut String) {
        match self {
            Self::Null => {}
            Self::Text(text) => out.push_str(text),
            other => other.write_json(out),
        }
    }
}

impl From<Datum<'_>> for FieldValue {
    fn from(datum: Datum<'_>) -> Self {
        match datum {
            Datum::Absent | Datum::Null | Datum::NonFinite => Self::Null,
            Datum::Bool(flag) => Self::Bool(flag),
            Datum::Int(number) => Self::Integer(number),
            Datum::BigInt(digits) => Self::BigInteger(digits),
            Datum::Float(number) => Self::Number(number),
            Datum::Text(text) => Self::Text(text.into_owned()),
            Datum::Array(_) | Datum::Object(_) => {
                let mut json = String::new();
                datum.write_json(&mut json);
                Self::Json(json)
            }
        }
    }
}

/// The kind of a property's values, for typed result columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// [`FieldValue::Text`].
    Text,
    /// [`FieldValue::Integer`] or [`FieldValue::BigInteger`].
    Integer,
    /// [`FieldValue::Number`].
    Number,
    /// [`FieldValue::Bool`].
    Boolean,
    /// [`FieldValue::Json`] with an array.
    Array,
    /// [`FieldValue::Json`] with an object.
    Object,
    /// Any value: the schema allows several types or names none.
    Any,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_as_it_is_and_json_otherwise() {
        let cell = |value: FieldValue| {
            let mut out = String::new();
            value.write_plain(&mut out);
            out
        };
        assert_eq!(cell(FieldValue::Null), "");
        assert_eq!(cell(FieldValue::Text("a\"b\n".into())), "a\"b\n");
        assert_eq!(cell(FieldValue::Number(1.0)), "1.0");
        assert_eq!(cell(FieldValue::Bool(true)), "true");
        assert_eq!(cell(FieldValue::Json("[1]".into())), "[1]");
    }
}
