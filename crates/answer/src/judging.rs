//! Judges an object of an answer under a schema: it is coerced and validated as it is and, if that
//! fails, with its members moved to where the schema has them ([`crate::misplaced`]).

use crate::candidate::{Found, members_of, object_of};
use crate::choice::Judged;
use crate::exact::other_sides;
use crate::field::FieldValue;
use crate::misplaced::{hiding_member, may_wrap, replacements, ways};
use crate::schema::Schema;
use jiter::{JsonObject, JsonValue};
use quarry_validation::CheckEffort;
use quarry_validation::Datum;
use quarry_validation::cut;

/// The longest name of a member that a message shows, in bytes.
const LONGEST_NAME: usize = 100;

/// Judges an object as an answer of the schema.
pub(crate) fn judge(
    schema: &Schema,
    found: &mut Found<'_>,
    effort: &CheckEffort,
) -> Judged<Vec<FieldValue>> {
    let count = schema.properties().len();
    let members = members_of(found.members.take(), &found.json);
    let wraps = may_wrap(&members, schema);
    let hiding = hiding_member(&members, schema.rule());
    let replacements = replacements(&members, schema.rule());
    let other = other_sides(&members, &found.json, schema.rule());
    let answer = schema.rule().apply(members);
    let answers = has_members(&answer, count);
    let violations = schema
        .violations(&answer, effort)
        .or_else(|| inexactly(schema, other?, effort));
    if violations.is_none() && !wraps && hiding.is_none() {
        return Judged {
            value: match replaced(schema, &answer, replacements) {
                None => Ok(fields_of(answer, count)),
                Some(why) => Err(why),
            },
            answers,
            repaired: found.repaired,
        };
    }
    if let Some(fields) = as_meant(schema, &found.json, count, effort) {
        return Judged {
            value: Ok(fields),
            answers: true,
            repaired: true,
        };
    }
    Judged {
        value: match (hiding, violations) {
            (Some(name), _) if !wraps => Err(hidden(&name)),
            (_, Some(violations)) => Err(violations),
            (Some(name), None) => Err(format!(
                "the object in the member {name} does not match the schema"
            )),
            (None, None) => Ok(fields_of(answer, count)),
        },
        answers,
        repaired: found.repaired,
    }
}

/// Returns the violations of an answer whose numbers are on the other sides of those it has.
fn inexactly<'a>(
    schema: &'a Schema,
    other: JsonObject<'a>,
    effort: &CheckEffort,
) -> Option<String> {
    let violations = schema.violations(&schema.rule().apply(other), effort)?;
    Some(format!(
        "a number of the answer has more digits than can be stored, and the float beside it does not \
         match the schema: {violations}"
    ))
}

fn hidden(name: &str) -> String {
    let name = cut(name.to_owned(), LONGEST_NAME);
    format!(
        "the answer has no property of the schema, but its member {name} has; only an object in a \
         member whose name means the answer is taken for it"
    )
}

/// Returns why an answer contradicts itself that has other values in a member of a name such as
/// `revised_answer`.
fn replaced<'a>(
    schema: &'a Schema,
    answer: &Datum<'_>,
    replacements: Vec<(String, JsonObject<'a>)>,
) -> Option<String> {
    let Datum::Object(values) = answer else {
        return None;
    };
    replacements.into_iter().find_map(|(name, members)| {
        let Datum::Object(others) = schema.rule().apply(members) else {
            return None;
        };
        let mut pairs = values.iter().zip(&others).take(schema.properties().len());
        let (property, _) = pairs
            .find(|((_, value), (_, other))| *other != Datum::Absent && !other.is_same(value))?
            .0;
        let name = cut(name, LONGEST_NAME);
        Some(format!(
            "the answer contradicts itself: its member {name} has another value of {property}"
        ))
    })
}

/// Returns the values of an object whose members are misplaced, if it is valid after they are
/// moved.
fn as_meant(
    schema: &Schema,
    json: &str,
    count: usize,
    effort: &CheckEffort,
) -> Option<Vec<FieldValue>> {
    let members = object_of(json)?;
    let other = other_sides(&members, json, schema.rule());
    if let Some(other) = other {
        as_moved(schema, other, count, effort)?;
    }
    as_moved(schema, members, count, effort)
}

fn as_moved(
    schema: &Schema,
    members: JsonObject<'_>,
    count: usize,
    effort: &CheckEffort,
) -> Option<Vec<FieldValue>> {
    let JsonValue::Object(members) = JsonValue::Object(members).into_static() else {
        return None;
    };
    ways(&members, schema).into_iter().find_map(|way| {
        let answer = schema.rule().apply(way);
        (has_members(&answer, count) && schema.holds(&answer, effort))
            .then(|| fields_of(answer, count))
    })
}

/// Whether one of the schema's properties is present.
fn has_members(answer: &Datum<'_>, count: usize) -> bool {
    match answer {
        Datum::Object(members) => members
            .iter()
            .take(count)
            .any(|(_, value)| !matches!(value, Datum::Absent)),
        _ => false,
    }
}

pub(crate) fn fields_of(answer: Datum<'_>, count: usize) -> Vec<FieldValue> {
    match answer {
        // Members that are not properties come after them.
        Datum::Object(members) => members
            .into_iter()
            .take(count)
            .map(|(_, value)| FieldValue::from(value))
            .collect(),
        _ => vec![FieldValue::Null; count],
    }
}
