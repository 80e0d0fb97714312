//! What the name of a member that the schema does not have says about an object in it.

/// Names that mean "this is the answer", without the marks between their words.
const ANSWERS: [&str; 28] = [
    "answer",
    "answers",
    "args",
    "arguments",
    "classification",
    "correctedanswer",
    "data",
    "extraction",
    "final",
    "finalanswer",
    "finaljson",
    "finaloutput",
    "finalresponse",
    "finalresult",
    "input",
    "json",
    "object",
    "output",
    "parameter",
    "parametername",
    "parameters",
    "params",
    "payload",
    "prediction",
    "response",
    "result",
    "results",
    "value",
];

/// Names that the tool and the format of structured output have.
const TOOLS: [&str; 4] = [
    "structuredoutput",
    "structuredresponse",
    "toolinput",
    "properties",
];

/// Words that say that the value replaces others, or is the answer.
const REPLACES: [&str; 18] = [
    "actual",
    "amended",
    "answer",
    "better",
    "correct",
    "corrected",
    "correction",
    "final",
    "fixed",
    "improved",
    "new",
    "output",
    "real",
    "response",
    "result",
    "revised",
    "revision",
    "updated",
];

/// Words that say that it is something else.
const DIFFERS: [&str; 21] = [
    "alternate",
    "alternative",
    "draft",
    "earlier",
    "example",
    "expected",
    "first",
    "incorrect",
    "initial",
    "input",
    "invalid",
    "no",
    "not",
    "old",
    "original",
    "other",
    "previous",
    "prior",
    "reference",
    "rejected",
    "wrong",
];

/// Whether the only member of an object holds the answer if it has this name. `title` is the title
/// of the schema.
pub(crate) fn holds_the_answer(name: &str, title: Option<&str>) -> bool {
    let name = letters(name);
    ANSWERS.contains(&name.as_str())
        || TOOLS.contains(&name.as_str())
        || title.is_some_and(|title| !name.is_empty() && letters(title) == name)
}

/// Whether a member of this name beside the values of an answer replaces them.
pub(crate) fn replaces(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(&REPLACES) && !has(&DIFFERS)
}

/// Returns the letters and digits of a name, in lower case.
pub(crate) fn letters(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns the words of a name, in lower case: `revised_answer` and `revisedAnswer` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = character.is_lowercase();
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_mean_the_answer_hold_it() {
        for name in [
            "answer",
            "Result",
            "final_answer",
            "structured_response",
            "$PARAMETER_NAME",
        ] {
            assert!(holds_the_answer(name, None), "{name}");
        }
        assert!(holds_the_answer("strike_report", Some("StrikeReport")));
        for name in [
            "draft",
            "rejected",
            "example",
            "error",
            "thinking",
            "",
            "previous_answer",
        ] {
            assert!(!holds_the_answer(name, Some("StrikeReport")), "{name}");
        }
    }

    #[test]
    fn a_name_says_whether_its_value_replaces_others() {
        for name in [
            "revised_answer",
            "final",
            "correctedResult",
            "new answer",
            "Correction",
        ] {
            assert!(replaces(name), "{name}");
        }
        for name in [
            "other",
            "draft",
            "previous_answer",
            "wrongAnswer",
            "not_the_answer",
            "note",
            "",
        ] {
            assert!(!replaces(name), "{name}");
        }
    }
}
