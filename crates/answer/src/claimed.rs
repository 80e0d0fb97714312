//! Compares what the text around an object says about a property with the object's values.
//!
//! What the text says counts only if it could stand in the object: with it in the place of the
//! object's own value, the whole object has to match the schema. So the explanation of a value,
//! which is no number and none of the values of an `enum`, never counts. Where any text would match,
//! an explanation would match too; there only a single word counts, or what is marked as a value.

use crate::candidate::object_of;
use crate::claim::ClaimKind;
use crate::claim_value::Claim;
use crate::field::FieldValue;
use crate::judging::fields_of;
use crate::member_name::letters;
use crate::parse::parse_prefix;
use crate::schema::Schema;
use quarry_validation::CheckEffort;
use quarry_validation::write_text;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

/// The most words of a text that a single word can contradict, if the property accepts any text. A
/// longer one is a sentence.
const MOST_WORDS: usize = 3;

/// The most properties that a value without a property's name is tried for.
const MOST_TRIED: usize = 16;

/// A text that only a property accepts that accepts any text.
const EXPLANATION: &str = "an explanation of the value, and not a value";

/// The names of a schema's properties as prose writes them: `Species group` means `species_group`.
pub(crate) struct SpokenNames<'s> {
    schema: &'s Schema,
    by_letters: OnceCell<HashMap<String, usize>>,
}

impl<'s> SpokenNames<'s> {
    pub(crate) const fn of(schema: &'s Schema) -> Self {
        Self {
            schema,
            by_letters: OnceCell::new(),
        }
    }

    /// Returns the position of the property that a name means.
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        let named = |name| self.schema.rule().index_of(name);
        named(name).or_else(|| {
            let by_letters = self.by_letters.get_or_init(|| {
                let properties = self.schema.properties().iter().enumerate();
                properties
                    .map(|(index, property)| (letters(&property.name), index))
                    .filter(|(letters, _)| !letters.is_empty())
                    .collect()
            });
            by_letters.get(&letters(name)).copied()
        })
    }

    /// Compares a claim with the values of a valid object.
    pub(crate) fn compare(
        &self,
        fields: &[FieldValue],
        claim: &Claim<'_>,
        effort: &CheckEffort,
    ) -> ClaimKind {
        match self.index_of(claim.name) {
            Some(index) => self.compare_one(index, fields, claim, effort),
            None => self.compare_any(fields, claim, effort),
        }
    }

    fn compare_one(
        &self,
        index: usize,
        fields: &[FieldValue],
        claim: &Claim<'_>,
        effort: &CheckEffort,
    ) -> ClaimKind {
        let Some(own) = fields.get(index).filter(|own| **own != FieldValue::Null) else {
            return ClaimKind::Unrelated;
        };
        let is_same = is_written(own, claim.value);
        if let Some(kind) = as_written(is_same, claim) {
            return kind;
        }
        match self.with(index, fields, claim.value, effort) {
            None => ClaimKind::Unrelated,
            Some(value) if value == *own => ClaimKind::Same,
            Some(_) => {
                let is_free = self.is_free(index, fields, effort);
                let is_vague = claim.is_plain && !claim.is_marked;
                if is_free && (is_vague || !contradicts_freely(own, claim)) {
                    ClaimKind::Unrelated
                } else {
                    ClaimKind::Other
                }
            }
        }
    }

    /// Compares a claim that names no property. A number or a boolean counts only if it is the object's
    /// only value, because it could mean anything else.
    fn compare_any(
        &self,
        fields: &[FieldValue],
        claim: &Claim<'_>,
        effort: &CheckEffort,
    ) -> ClaimKind {
        let given = || {
            let values = fields.iter().enumerate();
            values.filter(|(_, value)| **value != FieldValue::Null)
        };
        let is_only = given().nth(1).is_none();
        let is_same = given().any(|(_, own)| is_written(own, claim.value));
        if let Some(kind) = as_written(is_same, claim) {
            return kind;
        }
        let mut kind = ClaimKind::Unrelated;
        let compared = given().filter(|(_, value)| match value {
            FieldValue::Text(_) => true,
            FieldValue::Json(_) => false,
            _ => is_only,
        });
        for (index, own) in compared.take(MOST_TRIED) {
            match self.with(index, fields, claim.value, effort) {
                Some(value) if value == *own => return ClaimKind::Same,
                Some(_) if !self.is_free(index, fields, effort) => kind = ClaimKind::Other,
                _ => {}
            }
        }
        kind
    }

    /// Returns a value of a property, if the object is valid with it.
    fn with(
        &self,
        index: usize,
        fields: &[FieldValue],
        value: &str,
        effort: &CheckEffort,
    ) -> Option<FieldValue> {
        let value = value.trim();
        let is_json = parse_prefix(value).is_ok_and(|parsed| parsed.end == value.len());
        let mut as_text = String::new();
        write_text(value, &mut as_text);
        let forms = [is_json.then_some(value), Some(as_text.as_str())];
        forms
            .into_iter()
            .flatten()
            .find_map(|json| self.with_json(index, fields, json, effort))
    }

    fn with_json(
        &self,
        index: usize,
        fields: &[FieldValue],
        value: &str,
        effort: &CheckEffort,
    ) -> Option<FieldValue> {
        let mut json = String::from("{");
        let properties = self.schema.properties().iter().zip(fields).enumerate();
        for (number, (property, own)) in properties {
            if number > 0 {
                json.push(',');
            }
            write_text(&property.name, &mut json);
            json.push(':');
            if number == index {
                json.push_str(value);
            } else {
                own.write_json(&mut json);
            }
        }
        json.push('}');
        let answer = self.schema.rule().apply(object_of(&json)?);
        if !self.schema.holds(&answer, effort) {
            return None;
        }
        let mut fields = fields_of(answer, fields.len());
        (index < fields.len()).then(|| fields.swap_remove(index))
    }

    /// Whether a property accepts any text.
    fn is_free(&self, index: usize, fields: &[FieldValue], effort: &CheckEffort) -> bool {
        self.with(index, fields, EXPLANATION, effort).is_some()
    }
}

/// Returns what a claim says whose value is written as the object's own is, or that denies a value. Other
/// values have to be tried.
fn as_written(is_same: bool, claim: &Claim<'_>) -> Option<ClaimKind> {
    match (claim.is_denied, is_same) {
        (true, true) => Some(ClaimKind::Other),
        (true, false) => Some(ClaimKind::Unrelated),
        (false, true) => Some(ClaimKind::Same),
        (false, false) => None,
    }
}

/// Whether a text is how a value is written.
fn is_written(own: &FieldValue, text: &str) -> bool {
    let mut written = String::new();
    own.write_plain(&mut written);
    let text = text.trim();
    written.trim().eq_ignore_ascii_case(text)
        || matches!(own, FieldValue::Number(number) if text.parse() == Ok(*number))
}

/// Whether a value of a property that accepts any text is another one, and not an explanation or a
/// part of the object's own.
fn contradicts_freely(own: &FieldValue, claim: &Claim<'_>) -> bool {
    let FieldValue::Text(own) = own else {
        return true;
    };
    let (own, value) = (words(own), words(claim.value));
    let is_value = claim.is_marked || (value.len() == 1 && own.len() <= MOST_WORDS);
    is_value && !own.is_subset(&value) && !value.is_subset(&own)
}

fn words(text: &str) -> HashSet<String> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
