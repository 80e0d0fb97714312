//! Says whether an answer matches a schema, and what does not match.

use crate::datum::{Datum, MOST_POINTERS};
use crate::effort::CheckEffort;
use crate::excerpt::cut;
use crate::instance::{DatumJson, Instance, LONGEST_SHOWN};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use std::fmt::Write as _;

/// The most violations that are listed for one answer; the rest are counted.
const MOST_VIOLATIONS: usize = 50;

/// The longest message of one violation, in bytes, before its value is left out.
const LONGEST_MESSAGE: usize = LONGEST_SHOWN;

const TOO_LABORIOUS: &str = "the answer cannot be checked against the schema: the choices of the schema that its values have at all \
     depths together are too many";
const TOO_MANY: &str = "the answer does not match the schema, and its violations in all choices of \
     the schema are too many to list";

/// A compiled JSON Schema (draft 2020-12 unless `$schema` says otherwise).
///
/// `format` is checked in every draft: the newer ones leave that open, but who writes it into a schema means it.
#[derive(Debug)]
pub struct SchemaValidator {
    validator: Validator<DatumJson>,
}

impl SchemaValidator {
    /// Compiles a schema. References to other documents are refused: nothing is ever fetched.
    pub fn compile(schema: &Value) -> Result<Self, ValidationError<'static>> {
        let options = jsonschema::options_for::<DatumJson>().should_validate_formats(true);
        options.build(schema).map(|validator| Self { validator })
    }

    /// Whether a coerced answer matches the schema. An answer that takes too much effort does not.
    pub fn holds(&self, answer: &Datum<'_>, effort: &CheckEffort) -> bool {
        !answer.is_faulty()
            && self
                .validator
                .is_valid(Instance::new(answer, &effort.checking))
            && !effort.checking.are_used_up()
    }

    /// Returns all violations of a coerced answer, each with the JSON Pointer of its place; `None`
    /// if there are none.
    pub fn violations(&self, answer: &Datum<'_>, effort: &CheckEffort) -> Option<String> {
        if self.holds(answer, effort) {
            return None;
        }
        if effort.checking.are_used_up() {
            return Some(TOO_LABORIOUS.to_owned());
        }
        let faults = answer.faults();
        let mut list = ViolationList::default();
        for (path, why) in &faults {
            list.add(path, why);
        }
        let errors = self
            .validator
            .iter_errors(Instance::new(answer, &effort.listing));
        if effort.listing.are_used_up() {
            list.add("", TOO_MANY);
            return Some(list.finish());
        }
        for error in errors {
            let path = error.instance_path().as_str();
            // The list already has a better message for it.
            let mut placed = faults.iter().take(MOST_POINTERS);
            if !placed.any(|(known, _)| known == path) {
                list.add(path, &message(&error));
            }
        }
        Some(list.finish())
    }
}

#[derive(Default)]
struct ViolationList {
    text: String,
    count: usize,
}

impl ViolationList {
    fn add(&mut self, path: &str, message: &str) {
        self.count += 1;
        if self.count > MOST_VIOLATIONS {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("; ");
        }
        if !path.is_empty() {
            self.text.push_str(&cut(path.to_owned(), LONGEST_MESSAGE));
            self.text.push_str(": ");
        }
        self.text.push_str(message);
    }

    fn finish(mut self) -> String {
        if self.count > MOST_VIOLATIONS {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "; and {} more", self.count - MOST_VIOLATIONS);
        }
        self.text
    }
}

fn message(error: &ValidationError<'_>) -> String {
    let message = error.to_string();
    if message.len() <= LONGEST_MESSAGE {
        message
    } else {
        cut(error.masked().to_string(), LONGEST_MESSAGE)
    }
}
