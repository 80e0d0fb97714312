//! The values of one property.

use super::lengths::LengthTally;
use super::numbers::ProfiledNumbers;
use super::values::ValueCounts;
use crate::counts::is_zero;
use crate::summary::{BooleanSummary, PropertySummary};
use quarry_answer::FieldValue;
use serde::{Deserialize, Serialize};

/// Counts the values of a property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyProfile {
    property: String,
    /// The most bytes of values that are kept.
    most_bytes: usize,
    nulls: u64,
    values: ValueCounts,
    #[serde(default, skip_serializing_if = "LengthTally::is_empty")]
    texts: LengthTally,
    #[serde(default, skip_serializing_if = "ProfiledNumbers::is_empty")]
    numbers: ProfiledNumbers,
    #[serde(default, skip_serializing_if = "is_zero")]
    trues: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    falses: u64,
    /// The numbers of elements in lists.
    #[serde(default, skip_serializing_if = "LengthTally::is_empty")]
    lists: LengthTally,
    #[serde(default, skip_serializing_if = "is_zero")]
    objects: u64,
    /// The JSON of a number.
    #[serde(skip)]
    json: String,
}

impl PropertyProfile {
    /// Begins to count. At most `most_bytes` of values are kept.
    pub fn new(property: &str, most_bytes: usize) -> Self {
        Self {
            property: property.to_owned(),
            most_bytes,
            nulls: 0,
            values: ValueCounts::default(),
            texts: LengthTally::default(),
            numbers: ProfiledNumbers::default(),
            trues: 0,
            falses: 0,
            lists: LengthTally::default(),
            objects: 0,
            json: String::new(),
        }
    }

    /// Adds the value of a row.
    pub fn add(&mut self, value: &FieldValue) {
        match value {
            FieldValue::Null => self.nulls += 1,
            FieldValue::Bool(true) => self.trues += 1,
            FieldValue::Bool(false) => self.falses += 1,
            FieldValue::Text(text) => {
                self.texts.add(text.chars().count() as u64);
                self.values.add_text(text, self.most_bytes);
            }
            FieldValue::Integer(number) => {
                self.numbers.add_integer(*number);
                self.add_number(value);
            }
            FieldValue::Number(number) => {
                self.numbers.add(*number);
                self.add_number(value);
            }
            FieldValue::BigInteger(digits) => {
                let number: f64 = digits.parse().unwrap_or_default();
                self.numbers.add(number.clamp(f64::MIN, f64::MAX));
                self.values.add_json(digits, self.most_bytes);
            }
            FieldValue::Json(json) => {
                if json.starts_with('[') {
                    self.lists.add(elements(json));
                } else {
                    self.objects += 1;
                }
                self.values.add_json(json, self.most_bytes);
            }
        }
    }

    fn add_number(&mut self, number: &FieldValue) {
        // To write a number takes longer than everything else about it.
        if !self.values.is_over() {
            self.json.clear();
            number.write_json(&mut self.json);
            self.values.add_json(&self.json, self.most_bytes);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.nulls += other.nulls;
        self.values.merge(&other.values, self.most_bytes);
        self.texts.merge(&other.texts);
        self.numbers.merge(&other.numbers);
        self.trues += other.trues;
        self.falses += other.falses;
        self.lists.merge(&other.lists);
        self.objects += other.objects;
    }

    /// Returns what the summary says.
    pub fn summary(&self) -> PropertySummary {
        let booleans = self.trues + self.falses;
        let kinds = u64::from(self.trues > 0) + u64::from(self.falses > 0);
        let others = [("true", self.trues), ("false", self.falses)];
        PropertySummary {
            property: self.property.clone(),
            values: self.texts.values()
                + self.numbers.values()
                + booleans
                + self.lists.values()
                + self.objects,
            nulls: self.nulls,
            distinct: self.values.distinct().map(|distinct| distinct + kinds),
            most_frequent: self.values.most_frequent(others),
            texts: self.texts.figures(),
            numbers: self.numbers.figures(),
            booleans: (booleans > 0).then_some(BooleanSummary {
                r#true: self.trues,
                r#false: self.falses,
            }),
            lists: self.lists.figures(),
            objects: self.objects,
        }
    }
}

/// Returns the number of elements of a list, which is valid and compact JSON.
fn elements(json: &str) -> u64 {
    if json == "[]" {
        return 0;
    }
    let (mut depth, mut commas, mut in_text, mut is_escaped) = (0_u32, 0, false, false);
    for byte in json.bytes() {
        if in_text {
            in_text = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => commas += 1,
            _ => {}
        }
    }
    commas + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_a_list_are_counted_and_not_those_inside_them() {
        for (json, expected) in [
            ("[]", 0),
            ("[1]", 1),
            ("[[1,2],{\"a\":[3,4],\"b\":5},6]", 3),
            (r#"["a,b","c\",d","\\",","]"#, 4),
        ] {
            assert_eq!(elements(json), expected, "{json}");
        }
    }
}
