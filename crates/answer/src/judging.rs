//! Judges an object of an answer under a schema: it is coerced and validated as it is and, if that
//! fails, with its members moved to where the schema has them ([`crate::misplaced`]).

use crate::candidate::{Found, members_of, object_of};
use crate::choice::Judged;
use crate::datum::Datum;
use crate::effort::CheckEffort;
use crate::field::FieldValue;
use crate::misplaced::{may_wrap, ways};
use crate::schema::Schema;
use jiter::JsonValue;

/// Judges an object as an answer of the schema.
pub(crate) fn judge(
    schema: &Schema,
    found: &mut Found<'_>,
    effort: &CheckEffort,
) -> Judged<Vec<FieldValue>> {
    let count = schema.properties().len();
    let members = members_of(found.members.take(), &found.json);
    let wraps = may_wrap(&members, schema.rule());
    let answer = schema.rule().apply(members);
    let answers = has_members(&answer, count);
    let violations = schema.violations(&answer, effort);
    if violations.is_none() && !wraps {
        return Judged {
            value: Ok(fields_of(answer, count)),
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
        value: match violations {
            None => Ok(fields_of(answer, count)),
            Some(violations) => Err(violations),
        },
        answers,
        repaired: found.repaired,
    }
}

/// Returns the values of an object whose members are misplaced, if it is valid after they are
/// moved.
fn as_meant(
    schema: &Schema,
    json: &str,
    count: usize,
    effort: &CheckEffort,
) -> Option<Vec<FieldValue>> {
    let JsonValue::Object(members) = JsonValue::Object(object_of(json)?).into_static() else {
        return None;
    };
    ways(&members, schema.rule()).into_iter().find_map(|way| {
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

fn fields_of(answer: Datum<'_>, count: usize) -> Vec<FieldValue> {
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
