//! Suggests the right name for a misspelt one.

use crate::settings::names::NAMES;
use quarry_model::{KnownModel, Model, ModelName};

/// The beginning of every setting's name.
const PREFIX: &str = "BEDROCK_";

/// The most letters in which the id of a model is misspelt. Ids of different models may differ in little more.
const MOST_SLIPS: usize = 3;

/// Returns the id of the listed model that a misspelt id or ARN most likely means, in the same form; `None` if it is
/// the id of a listed model.
pub fn nearest_model(model_id: &str) -> Option<String> {
    if KnownModel::of(model_id).has_own_row() {
        return None;
    }
    let wanted = ModelName::of(model_id).map_or(model_id, |name| name.foundation_model);
    let ids = Model::all().flat_map(|model| model.ids.iter());
    let (slips, id) = ids.map(|id| (distance(wanted, id), *id)).min()?;
    let before = model_id.strip_suffix(wanted).unwrap_or_default();
    (slips <= MOST_SLIPS).then(|| format!("{before}{id}"))
}

/// Returns the setting that a misspelt name most likely means: also in lower case, with `-` for `_`, and without
/// `BEDROCK_`.
pub fn nearest_setting(name: &str) -> Option<&'static str> {
    let name = name.trim().to_uppercase().replace('-', "_");
    let of_whole = nearest(&name, &NAMES);
    of_whole.or_else(|| {
        let bare = NAMES.map(|known| known.strip_prefix(PREFIX).unwrap_or(known));
        let found = nearest(name.strip_prefix(PREFIX).unwrap_or(&name), &bare)?;
        let at = bare.iter().position(|known| *known == found)?;
        NAMES.get(at).copied()
    })
}

/// Returns the name among `names` that differs in the fewest letters, if a misspelling is likely.
pub fn nearest<'n>(name: &str, names: &[&'n str]) -> Option<&'n str> {
    names
        .iter()
        .map(|known| (distance(name, known), *known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .map(|(_, known)| known)
}

/// Returns the Levenshtein distance, in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_the_id_of_a_model_is_found_in_each_form_of_the_id() {
        let right = "anthropic.claude-haiku-4-5-20251001-v1:0";
        let slip = "anthropic.claude-haiku-4-5-20251001-v1:1";
        assert_eq!(nearest_model(slip).as_deref(), Some(right));
        for before in [
            "us.",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.",
        ] {
            let found = nearest_model(&format!("{before}{slip}"));
            assert_eq!(found, Some(format!("{before}{right}")));
            assert_eq!(nearest_model(&format!("{before}{right}")), None);
        }
        assert_eq!(nearest_model("my-own-name"), None);
        assert_eq!(nearest_model(""), None);
    }
}
