//! Fills in `${Name}` in the text of a definition, as the deployment does
//! (`DefinitionSubstitutions` of a SAM or `CloudFormation` template): plain replacement of text
//! before it is read as JSON, so that a value can be a number as well as text within quotes.

use super::problem::DefinitionError;
use std::collections::{BTreeMap, BTreeSet};

/// Fills in all substitutions. A name without a value, a value that the text does not use, a `${`
/// that does not begin a name, and a value that would change the structure of the JSON around it
/// are errors.
pub(super) fn substitute(
    text: &str,
    values: &BTreeMap<String, String>,
) -> Result<String, DefinitionError> {
    let bad = |at: usize, message: String| DefinitionError::BadSubstitution {
        line: text[..at].matches('\n').count() + 1,
        message,
    };
    let mut output = String::with_capacity(text.len());
    let mut unresolved = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut rest = text;
    while let Some(begin) = rest.find("${") {
        let at = text.len() - rest.len() + begin;
        output.push_str(&rest[..begin]);
        let after = &rest[begin + 2..];
        let name = after.split_once('}').map(|(name, _)| name).filter(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        let Some(name) = name else {
            let message = "`${` must be followed by a name of letters and digits and `}`";
            return Err(bad(at, message.to_owned()));
        };
        match values.get(name) {
            None => {
                unresolved.insert(name.to_owned());
            }
            Some(value) if value.contains(|c: char| matches!(c, '"' | '\\') || c.is_control()) => {
                return Err(bad(
                    at,
                    format!(
                        "the value of `{name}` has a quote, a backslash or a control character, \
                         which would break the JSON around it"
                    ),
                ));
            }
            Some(value) => {
                used.insert(name);
                output.push_str(value);
            }
        }
        rest = &after[name.len() + 1..];
    }
    output.push_str(rest);
    if !unresolved.is_empty() {
        return Err(DefinitionError::UnresolvedSubstitutions(
            unresolved.into_iter().collect(),
        ));
    }
    let unused: Vec<_> = values
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .cloned()
        .collect();
    if !unused.is_empty() {
        return Err(DefinitionError::UnusedSubstitutions(unused));
    }
    Ok(output)
}
