//! Reads the fields that only Map states have, except `ItemProcessor`, which holds states itself.

use super::document::FieldReader;
use super::fields::check_resource;
use super::problem::Problems;
use crate::limits::MAX_LABEL_CHARS;
use crate::template::ComputedField;

/// Reads an `ItemReader`: the bucket and the key of a JSON object that holds a list.
pub(super) fn parse_item_reader(
    mut fields: FieldReader<'_>,
    problems: &mut Problems,
) -> Option<(ComputedField, ComputedField)> {
    check_resource(&mut fields, "states:::s3:getObject", problems);
    let path = fields.at("ReaderConfig");
    let config = fields.required("ReaderConfig", problems);
    if let Some(mut config) = config.and_then(|value| FieldReader::of(value, &path, problems)) {
        if let Some(kind) = config.required_text("InputType", problems)
            && kind != "JSON"
        {
            let message = format!("`{kind}` is not supported (supported: JSON)");
            problems.add(&config.at("InputType"), message);
        }
        config.refuse_rest(problems);
    }
    let path = fields.at("Parameters");
    let parameters = fields.required("Parameters", problems);
    let location = parameters
        .and_then(|value| FieldReader::of(value, &path, problems))
        .and_then(|mut parameters| {
            let bucket = ComputedField::required("Bucket.$", &mut parameters, problems);
            let key = ComputedField::required("Key.$", &mut parameters, problems);
            parameters.refuse_rest(problems);
            Some((bucket?, key?))
        });
    fields.refuse_rest(problems);
    location
}

/// Reads the `Label`, which becomes part of the children's names. Without one, the service makes
/// one from the state's name.
pub(super) fn parse_label(
    name: &str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> String {
    let allowed =
        |c: char| !(c.is_whitespace() || c.is_control() || r#"?*<>{}[]:;,\|^~$#%&`"/"#.contains(c));
    let Some(label) = fields.text("Label", problems) else {
        let made = name.chars().filter(|c| allowed(*c));
        return made.take(MAX_LABEL_CHARS).collect();
    };
    let length = label.chars().count();
    if length == 0 || length > MAX_LABEL_CHARS || !label.chars().all(allowed) {
        let message = format!(
            "must have 1 to {MAX_LABEL_CHARS} characters, without spaces, brackets, wildcards \
             and special characters"
        );
        problems.add(&fields.at("Label"), message);
    }
    label.to_owned()
}
