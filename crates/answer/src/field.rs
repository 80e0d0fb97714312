//! The value of one result column.

use quarry_model::plain_text;
use quarry_validation::{Datum, write_float, write_int, write_text};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

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

    /// Reads what [`write_json`](Self::write_json) wrote, as the same value. `json` must be a JSON value without blanks
    /// around it.
    pub fn read_json(json: &str) -> Result<Self, serde_json::Error> {
        match json.as_bytes().first() {
            Some(b'n') => Ok(Self::Null),
            Some(b't') => Ok(Self::Bool(true)),
            Some(b'f') => Ok(Self::Bool(false)),
            Some(b'"') => match plain_text(json) {
                Some(text) => Ok(Self::Text(text.to_owned())),
                None => serde_json::from_str(json).map(Self::Text),
            },
            Some(b'[' | b'{') => Ok(Self::Json(json.to_owned())),
            _ if json.contains(['.', 'e', 'E']) => json
                .parse()
                .map(Self::Number)
                .map_err(serde_json::Error::custom),
            _ => Ok(json
                .parse()
                .map_or_else(|_| Self::BigInteger(json.to_owned()), Self::Integer)),
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

/// Stored as the JSON that [`FieldValue::write_json`] writes, so that it is read back as the same value.
impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(_) | Self::BigInteger(_) | Self::Number(_) | Self::Json(_) => {
                let mut json = String::new();
                self.write_json(&mut json);
                let raw = RawValue::from_string(json).map_err(serde::ser::Error::custom)?;
                raw.serialize(serializer)
            }
        }
    }
}

/// Reads what `Serialize` stored. The input must be borrowed, such as a slice.
impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        Self::read_json(json.get()).map_err(D::Error::custom)
    }
}

impl From<Datum<'_>> for FieldValue {
    fn from(datum: Datum<'_>) -> Self {
        match datum {
            Datum::Absent | Datum::Null | Datum::NonFinite | Datum::Contradicted => Self::Null,
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
    fn a_value_is_read_back_as_it_was_stored() {
        let big = "-".to_owned() + &"9".repeat(40);
        for (value, text) in [
            (FieldValue::Null, "null"),
            (FieldValue::Bool(true), "true"),
            (FieldValue::Bool(false), "false"),
            (FieldValue::Integer(i64::MIN), "-9223372036854775808"),
            (FieldValue::BigInteger(big.clone()), big.as_str()),
            (FieldValue::Number(1.0), "1.0"),
            (FieldValue::Number(-1e-7), "-1e-07"),
            (FieldValue::Number(1e300), "1e+300"),
            (FieldValue::Text("1.5".into()), r#""1.5""#),
            (FieldValue::Text("\u{8}\u{c}".into()), r#""\u0008\u000c""#),
            (
                FieldValue::Text("a\"\n\u{2028}ä".into()),
                "\"a\\\"\\n\u{2028}ä\"",
            ),
            (
                FieldValue::Json(r#"{"a":[1.50]}"#.into()),
                r#"{"a":[1.50]}"#,
            ),
        ] {
            let stored = serde_json::to_string(&value).unwrap();
            assert_eq!(stored, text, "{value:?}");
            assert_eq!(serde_json::from_str::<FieldValue>(&stored).unwrap(), value);
            let mut written = String::new();
            value.write_json(&mut written);
            assert_eq!(stored, written, "{value:?}");
        }
    }

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
