//! Settings as people write them in JSON: as texts, numbers, `true` or `false`.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads settings of any of these kinds as texts.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let written = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(number) => Ok((name, number.to_string())),
        Value::Bool(flag) => Ok((name, flag.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(D::Error::custom(format!(
            "the setting `{name}` must be a text, a number, true or false, found {value}"
        ))),
    };
    written.into_iter().map(text).collect()
}
