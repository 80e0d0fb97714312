//! Writes and reads the line that keeps an outcome until its row is written.
//!
//! The line is the JSON that serde derives for [`Outcome`]. It is written and read once for each row, so both are done here
//! without the texts in between that serde needs for the values. A line in another form is read with serde.

use super::Outcome;
use quarry_answer::{FieldValue, ParseStatus};
use quarry_model::{PlainItems, PlainMembers, plain_text};

impl Outcome {
    /// Appends the outcome as one line of JSON, without a line break.
    ///
    /// # Errors
    ///
    /// A text cannot be written as JSON, which does not happen.
    pub fn write_line(&self, out: &mut String) -> serde_json::Result<()> {
        out.push_str("{\"row\":");
        out.push_str(&self.row.to_string());
        let flags = [
            ("good", self.good, true),
            ("refused", self.refused, false),
            ("answered", self.answered, true),
        ];
        for (name, flag, is_always_written) in flags {
            write_flag(out, name, flag, is_always_written);
        }
        out.push_str(",\"parse_status\":\"");
        out.push_str(self.parse_status.as_str());
        out.push('"');
        write_flag(out, "validation_passed", self.validation_passed, true);
        write_flag(out, "repaired", self.repaired, false);
        for (index, field) in self.fields.iter().enumerate() {
            out.push_str(if index == 0 { ",\"fields\":[" } else { "," });
            field.write_json(out);
        }
        if !self.fields.is_empty() {
            out.push(']');
        }
        let texts = [
            (",\"error\":", &self.error),
            (",\"raw_response\":", &self.raw_response),
            (",\"validation_error\":", &self.validation_error),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                out.push_str(name);
                out.push_str(&serde_json::to_string(text)?);
            }
        }
        out.push('}');
        Ok(())
    }

    /// Reads a line that [`write_line`](Self::write_line) or an earlier build wrote.
    ///
    /// # Errors
    ///
    /// The line is not the JSON of an outcome.
    pub fn read_line(line: &[u8]) -> serde_json::Result<Self> {
        let plain = simdutf8::basic::from_utf8(line).ok().and_then(read_plain);
        match plain {
            Some(outcome) => Ok(outcome),
            None => serde_json::from_slice(line),
        }
    }
}

fn write_flag(out: &mut String, name: &str, flag: bool, is_always_written: bool) {
    if flag || is_always_written {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str(if flag { "\":true" } else { "\":false" });
    }
}

/// Reads a line whose members are all known and in their usual form, and none of them twice.
fn read_plain(line: &str) -> Option<Outcome> {
    let mut members = PlainMembers::of(line)?;
    let (mut row, mut parse_status) = (None, None);
    let (mut good, mut answered, mut validation_passed) = (None, None, None);
    let (mut refused, mut repaired) = (None, None);
    let (mut fields, mut error, mut raw_response, mut validation_error) = (None, None, None, None);
    while let Some((name, value)) = members.next_member().ok()? {
        let is_first = match name {
            "row" => row.replace(value.parse().ok()?).is_none(),
            "good" => good.replace(value.parse().ok()?).is_none(),
            "refused" => refused.replace(value.parse().ok()?).is_none(),
            "answered" => answered.replace(value.parse().ok()?).is_none(),
            "parse_status" => parse_status.replace(status(value)?).is_none(),
            "validation_passed" => validation_passed.replace(value.parse().ok()?).is_none(),
            "repaired" => repaired.replace(value.parse().ok()?).is_none(),
            "fields" => fields.replace(read_fields(value)?).is_none(),
            "error" => error.replace(text(value)?).is_none(),
            "raw_response" => raw_response.replace(text(value)?).is_none(),
            "validation_error" => validation_error.replace(text(value)?).is_none(),
            _ => false,
        };
        if !is_first {
            return None;
        }
    }
    Some(Outcome {
        row: row?,
        good: good?,
        refused: refused.unwrap_or_default(),
        answered: answered?,
        parse_status: parse_status?,
        validation_passed: validation_passed?,
        repaired: repaired.unwrap_or_default(),
        fields: fields.unwrap_or_default(),
        error,
        raw_response,
        validation_error,
    })
}

fn status(json: &str) -> Option<ParseStatus> {
    let text = plain_text(json)?;
    let mut all = ParseStatus::ALL.into_iter();
    all.find(|status| status.as_str() == text)
}

fn text(json: &str) -> Option<String> {
    match plain_text(json) {
        Some(text) => Some(text.to_owned()),
        None => serde_json::from_str(json).ok(),
    }
}

fn read_fields(json: &str) -> Option<Vec<FieldValue>> {
    let mut items = PlainItems::of(json)?;
    let mut fields = Vec::new();
    while let Some(item) = items.next_item().ok()? {
        fields.push(FieldValue::read_json(item).ok()?);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field() -> impl Strategy<Value = FieldValue> {
        let float = any::<f64>().prop_filter("finite", |number| number.is_finite());
        prop_oneof![
            Just(FieldValue::Null),
            any::<bool>().prop_map(FieldValue::Bool),
            any::<i64>().prop_map(FieldValue::Integer),
            "-?[1-9][0-9]{20,40}".prop_map(FieldValue::BigInteger),
            float.prop_map(FieldValue::Number),
            texts().prop_map(FieldValue::Text),
            texts().prop_map(|text| FieldValue::Json(
                serde_json::json!({"a": [text, {}], "b": {"c": null}}).to_string()
            )),
        ]
    }

    fn texts() -> impl Strategy<Value = String> {
        "(?s:[a-z\"\\\\{}\\[\\],:\u{0}-\u{1f}\u{7f}é😀]|.){0,30}"
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        let status = prop::sample::select(ParseStatus::ALL.as_slice());
        let flags = any::<[bool; 5]>();
        let fields = prop::collection::vec(field(), 0..5);
        let text = || prop::option::of(texts());
        (
            any::<u64>(),
            status,
            flags,
            fields,
            [text(), text(), text()],
        )
            .prop_map(|(row, parse_status, flags, fields, texts)| {
                let [good, refused, answered, validation_passed, repaired] = flags;
                let [error, raw_response, validation_error] = texts;
                Outcome {
                    row,
                    good,
                    refused,
                    answered,
                    parse_status,
                    validation_passed,
                    repaired,
                    fields,
                    error,
                    raw_response,
                    validation_error,
                }
            })
    }

    fn line_of(outcome: &Outcome) -> String {
        let mut line = String::new();
        outcome.write_line(&mut line).unwrap();
        line
    }

    proptest! {
        #[test]
        fn a_line_is_what_serde_writes_and_is_read_back(outcome in outcome()) {
            let line = line_of(&outcome);
            prop_assert_eq!(&line, &serde_json::to_string(&outcome).unwrap());
            prop_assert_eq!(&read_plain(&line).unwrap(), &outcome);
            prop_assert_eq!(&Outcome::read_line(line.as_bytes()).unwrap(), &outcome);
        }

        /// A line that was changed somewhere is read as serde reads it, or not at all.
        #[test]
        fn a_changed_line_is_read_as_serde_reads_it(outcome in outcome(), at in any::<prop::sample::Index>(), put in "[a-z0-9\"{}\\[\\],: ]{0,2}", cut in 0..3_usize) {
            let mut line: Vec<char> = line_of(&outcome).chars().collect();
            let at = at.index(line.len());
            line.splice(at..(at + cut).min(line.len()), put.chars());
            let line: String = line.into_iter().collect();
            let with_serde = serde_json::from_str::<Outcome>(&line);
            match (Outcome::read_line(line.as_bytes()), with_serde) {
                (Ok(read), Ok(with_serde)) => prop_assert_eq!(read, with_serde),
                (Err(read), Err(with_serde)) => prop_assert_eq!(read.to_string(), with_serde.to_string()),
                (read, with_serde) => prop_assert!(false, "{}: {:?}, {:?}", line, read, with_serde),
            }
        }
    }

    #[test]
    fn a_line_in_another_form_is_read_too() {
        let line = r#"{ "row": 3, "answered": true, "good": false, "parse_status": "json_failed",
            "validation_passed": false, "error": null }"#;
        let outcome = Outcome::read_line(line.as_bytes()).unwrap();
        assert_eq!((outcome.row, outcome.error), (3, None));
        for line in [r#"{"row":3}"#, "", r#"{"row":3,"row":3}"#, "\u{ff}"] {
            assert!(Outcome::read_line(line.as_bytes()).is_err(), "{line}");
        }
    }
}
