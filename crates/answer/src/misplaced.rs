//! Finds values that are present, but not where the schema has them.
//!
//! Models that call a tool sometimes write a list or an object as JSON text, put the whole answer
//! into a member of another name, or let one parameter run on into the next (`"summary":
//! "…</summary>\n<parameter name=\"findings\">[…]"`). An object that is invalid as it is gets read
//! in these ways, and is accepted only if it then matches the whole schema.
//!
//! Limits: JSON text must be complete, and no value is invented. An object that is read in one of
//! these ways counts as repaired.

use crate::coerce::{CoercionRule, ObjectRule};
use crate::field::FieldKind;
use crate::member_name::{holds_the_answer, replaces};
use crate::parse::parse_prefix;
use crate::schema::Schema;
use crate::work::looked_at;
use jiter::{JsonObject, JsonValue};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// Returns the possible meanings of an object, the likeliest first.
pub(crate) fn ways(members: &JsonObject<'static>, schema: &Schema) -> Vec<JsonObject<'static>> {
    let rule = schema.rule();
    let mut ways = Vec::new();
    let mut unfolded = JsonValue::Object(Arc::clone(members));
    if unfold_object(rule, &mut unfolded)
        && let JsonValue::Object(unfolded) = unfolded
    {
        ways.push(unfolded);
    }
    let others = [unwrapped(members, schema), untangled(members, rule)];
    for way in others.into_iter().flatten() {
        let mut way = JsonValue::Object(way);
        unfold_object(rule, &mut way);
        if let JsonValue::Object(way) = way {
            ways.push(way);
        }
    }
    ways
}

/// Whether the object may be a wrapper around the answer, whatever the schema says about it: its
/// only member is not a property of the schema, and has a name that means the answer.
pub(crate) fn may_wrap(members: &[(Cow<'_, str>, JsonValue<'_>)], schema: &Schema) -> bool {
    let rule = schema.rule();
    matches!(members, [(name, JsonValue::Object(_) | JsonValue::Str(_))]
        if rule.rule_of(name).is_none()
            && !rule.keeps_others()
            && holds_the_answer(name, schema.title()))
}

/// Returns the name of a member that holds properties of the schema, if the object has none itself.
pub(crate) fn hiding_member(
    members: &[(Cow<'_, str>, JsonValue<'_>)],
    rule: &ObjectRule,
) -> Option<String> {
    if rule.keeps_others() || has_properties(members, rule) {
        return None;
    }
    let (name, _) = members.iter().find(|(_, value)| hides(value, rule))?;
    Some(name.clone().into_owned())
}

fn hides(value: &JsonValue<'_>, rule: &ObjectRule) -> bool {
    match value {
        JsonValue::Object(members) => has_properties(members, rule),
        JsonValue::Str(text) => object_in(text).is_some_and(|inner| has_properties(&inner, rule)),
        JsonValue::Array(items) => items.iter().any(|item| match item {
            JsonValue::Object(members) => has_properties(members, rule),
            _ => false,
        }),
        _ => false,
    }
}

fn has_properties(members: &[(Cow<'_, str>, JsonValue<'_>)], rule: &ObjectRule) -> bool {
    members.iter().any(|(name, _)| rule.rule_of(name).is_some())
}

/// Returns the objects in members that are not properties and have names that replace the values
/// beside them.
pub(crate) fn replacements<'j>(
    members: &JsonObject<'j>,
    rule: &ObjectRule,
) -> Vec<(String, JsonObject<'j>)> {
    if rule.keeps_others() {
        return Vec::new();
    }
    members
        .iter()
        .filter(|(name, _)| rule.rule_of(name).is_none() && replaces(name))
        .filter_map(|(name, value)| {
            let inner = match value {
                JsonValue::Object(inner) => Arc::clone(inner),
                JsonValue::Str(text) => object_in(text)?,
                _ => return None,
            };
            Some((name.clone().into_owned(), inner))
        })
        .collect()
}

/// Parses JSON text where the rule expects a list or an object, at any depth. Returns whether there
/// was any.
fn unfold(rule: &CoercionRule, value: &mut JsonValue<'static>) -> bool {
    if let JsonValue::Str(text) = value
        && let Some(meant) = whole(text)
        && matches!(
            (rule.kind(), &meant),
            (FieldKind::Array, JsonValue::Array(_)) | (FieldKind::Object, JsonValue::Object(_))
        )
    {
        *value = meant;
        unfold(rule, value);
        return true;
    }
    match (rule, value) {
        (CoercionRule::Object(rule), value @ JsonValue::Object(_)) => unfold_object(rule, value),
        (CoercionRule::Array(item), JsonValue::Array(items)) => {
            let mut any = false;
            for value in Arc::make_mut(items) {
                any |= unfold(item, value);
            }
            any
        }
        _ => false,
    }
}

fn unfold_object(rule: &ObjectRule, value: &mut JsonValue<'static>) -> bool {
    let JsonValue::Object(members) = value else {
        return false;
    };
    let mut any = false;
    for (name, value) in Arc::make_mut(members) {
        any |= rule.rule_of(name).is_some_and(|rule| unfold(rule, value));
    }
    any
}

/// Returns the value of a text that is nothing but JSON.
fn whole(text: &str) -> Option<JsonValue<'static>> {
    let text = text.trim();
    let parsed = parse_prefix(text).ok()?;
    (parsed.end == text.len()).then(|| parsed.value.into_static())
}

/// Returns the object that is the only member of this one, as JSON or as JSON text.
fn unwrapped(members: &JsonObject<'static>, schema: &Schema) -> Option<JsonObject<'static>> {
    let rule = schema.rule();
    let [(name, value)] = members.as_slice() else {
        return None;
    };
    if may_wrap(members, schema) {
        return match value {
            JsonValue::Object(inner) => Some(Arc::clone(inner)),
            JsonValue::Str(text) => object_in(text),
            _ => None,
        };
    }
    // A property that cannot hold an object may have the whole answer as text.
    let kind = rule.rule_of(name)?.kind();
    let JsonValue::Str(text) = value else {
        return None;
    };
    let inner = object_in(text)?;
    let is_whole = inner.iter().any(|(member, _)| member == name);
    (is_whole && !matches!(kind, FieldKind::Object | FieldKind::Any)).then_some(inner)
}

fn object_in(text: &str) -> Option<JsonObject<'static>> {
    match whole(text)? {
        JsonValue::Object(members) => Some(members),
        _ => None,
    }
}

/// Returns the members of an object in which the text of one runs on into parameters that the
/// object lacks.
fn untangled(members: &JsonObject<'static>, rule: &ObjectRule) -> Option<JsonObject<'static>> {
    let (index, kept, parameters) =
        members
            .iter()
            .enumerate()
            .find_map(|(index, (name, value))| {
                let JsonValue::Str(text) = value else {
                    return None;
                };
                let (kept, parameters) = run_on(name, text)?;
                Some((index, kept.to_owned(), parameters))
            })?;
    let mut untangled = members.as_ref().clone();
    untangled[index].1 = JsonValue::Str(Cow::Owned(kept));
    let mut names: HashSet<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    for (name, text) in parameters {
        let rule = rule.rule_of(name)?;
        if !names.insert(name) {
            return None;
        }
        let value = match rule.kind() {
            FieldKind::Text => None,
            _ => whole(text),
        };
        let value = value.unwrap_or_else(|| JsonValue::Str(Cow::Owned(text.to_owned())));
        untangled.push((Cow::Owned(name.to_owned()), value));
    }
    Some(Arc::new(untangled))
}

/// Returns a text up to the tag that closes it, and the parameters after that, as text. `None` if
/// anything else follows.
fn run_on<'t>(name: &str, text: &'t str) -> Option<(&'t str, Vec<(&'t str, &'t str)>)> {
    let end = end_of_value(text, name).filter(|end| !end.opens_another)?;
    let (kept, mut rest) = (&text[..end.at], &text[end.behind..]);
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(inner) = parameter(rest) else {
            break;
        };
        let (name, inner) = inner.split_once("\">")?;
        let (value, behind) = match end_of_value(inner, name) {
            Some(end) => (&inner[..end.at], &inner[end.behind..]),
            None => (inner, ""),
        };
        parameters.push((name, value.trim()));
        rest = behind;
    }
    let nothing_more = END.contains(&rest.trim());
    (nothing_more && !parameters.is_empty()).then_some((kept, parameters))
}

fn parameter(text: &str) -> Option<&str> {
    PARAMETER
        .iter()
        .find_map(|opening| text.strip_prefix(opening))
}

/// Where the value of a parameter ends.
struct ValueEnd {
    at: usize,
    /// The offset after its closing tag.
    behind: usize,
    /// The next parameter ends it, without a closing tag.
    opens_another: bool,
}

/// Returns the end of a parameter's value: its closing tag, or the next parameter.
fn end_of_value(text: &str, name: &str) -> Option<ValueEnd> {
    if name.contains('<') {
        return None;
    }
    let end = memchr::memchr_iter(b'<', text.as_bytes()).find_map(|at| {
        let tag = &text[at..];
        let own = || {
            tag.strip_prefix("</")?
                .strip_prefix(name)?
                .strip_prefix('>')
        };
        let of_any = || CLOSING.iter().find_map(|closing| tag.strip_prefix(closing));
        let closed = own().or_else(of_any);
        let opens_another = closed.is_none();
        let rest = closed.or_else(|| parameter(tag).map(|_| tag))?;
        Some(ValueEnd {
            at,
            behind: text.len() - rest.len(),
            opens_another,
        })
    });
    looked_at(end.as_ref().map_or(text.len(), |end| end.at));
    end
}

/// With and without the namespace of Claude's own form of calls.
const PARAMETER: [&str; 2] = ["<parameter name=\"", "<antml:parameter name=\""];
const CLOSING: [&str; 2] = ["</parameter>", "</antml:parameter>"];
const END: [&str; 3] = ["", "</invoke>", "</antml:invoke>"];

#[cfg(test)]
mod tests {
    use crate::{FieldValue, Reader, Reading, Schema};
    use serde_json::json;

    fn read(answer: &str) -> Reading {
        let schema = Schema::compile(&json!({
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "list": {"type": "array", "items": {"type": "integer"}},
                "inner": {
                    "type": "object",
                    "properties": {"numbers": {"type": "array", "items": {"type": "number"}}},
                    "required": ["numbers"],
                },
                "any": {},
            },
            "required": ["text", "list"],
        }))
        .expect("valid schema");
        Reader::new(Some(schema.into()), false).read_text(answer)
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.into())
    }

    fn json_text(json: &str) -> FieldValue {
        FieldValue::Json(json.into())
    }

    #[test]
    fn json_text_is_read_only_where_the_schema_wants_a_list_or_an_object() {
        let reading = read(
            r#"{"text": "[1]", "list": "[\"1\", 2]", "inner": "{\"numbers\": \"[0.5]\"}", "any": "[3]"}"#,
        );
        assert!(reading.validation_passed && reading.repaired);
        assert_eq!(
            reading.fields,
            [
                text("[1]"),
                json_text("[1,2]"),
                json_text(r#"{"numbers":[0.5]}"#),
                text("[3]")
            ]
        );
        for answer in [
            r#"{"text": "x", "list": "[1] and more"}"#,
            r#"{"text": "x", "list": "{\"a\": 1}"}"#,
            r#"{"text": "x", "list": "[\"y\"]"}"#,
            r#"{"text": "x", "list": ""}"#,
        ] {
            assert!(!read(answer).validation_passed, "{answer}");
        }
    }

    #[test]
    fn a_valid_answer_is_not_changed() {
        let reading = read(
            r#"{"text": "x</text>\n<parameter name=\"any\">1", "list": [], "any": "{\"text\": \"y\"}"}"#,
        );
        assert!(reading.validation_passed && !reading.repaired);
        assert_eq!(
            reading.fields[0],
            text("x</text>\n<parameter name=\"any\">1")
        );
        assert_eq!(reading.fields[3], text("{\"text\": \"y\"}"));
    }

    #[test]
    fn an_answer_that_is_the_only_member_of_another_object_is_read() {
        for answer in [
            r#"{"parameters": {"text": "x", "list": [1]}}"#,
            r#"{"input": "{\"text\": \"x\", \"list\": [1]}"}"#,
            r#"{"list": "{\"text\": \"x\", \"list\": [1]}"}"#,
            r#""{\"text\": \"x\", \"list\": [1]}""#,
        ] {
            let reading = read(answer);
            assert!(reading.validation_passed && reading.repaired, "{answer}");
            assert_eq!(
                reading.fields[..2],
                [text("x"), json_text("[1]")],
                "{answer}"
            );
        }
        for answer in [
            r#"{"parameters": {"text": "x", "list": [1]}, "more": 1}"#,
            r#"{"any": "{\"text\": \"x\", \"list\": [1]}"}"#,
            r#"{"parameters": {"text": "x"}}"#,
        ] {
            assert!(!read(answer).validation_passed, "{answer}");
        }
    }

    #[test]
    fn a_text_that_runs_on_into_other_parameters_is_taken_apart() {
        for answer in [
            r#"{"text": "x</text>\n<parameter name=\"list\">[1]"}"#,
            r#"{"text": "x</parameter>\n<parameter name=\"list\">[1]</parameter>\n</invoke>"}"#,
            r#"{"text": "x</antml:parameter>\n<antml:parameter name=\"list\">[1]</antml:parameter>"}"#,
            r#"{"text": "x</text><parameter name=\"list\">[1]</list><parameter name=\"any\">2</any>"}"#,
        ] {
            let reading = read(answer);
            assert!(reading.validation_passed && reading.repaired, "{answer}");
            assert_eq!(
                reading.fields[..2],
                [text("x"), json_text("[1]")],
                "{answer}"
            );
        }
        for answer in [
            r#"{"text": "x</text>\n<parameter name=\"list\">[1"}"#,
            r#"{"text": "x</text>\n<parameter name=\"other\">[1]"}"#,
            r#"{"text": "x</text> and <parameter name=\"list\">[1]"}"#,
            r#"{"text": "x</text>\n<parameter name=\"list\">[1]</list> and more"}"#,
            r#"{"text": "x</text>\n<parameter name=\"list\">[1]", "list": ["y"]}"#,
        ] {
            assert!(!read(answer).validation_passed, "{answer}");
        }
    }
}
