//! Finds the parts of a request that the service's text names as the reason of a refusal.
//!
//! The texts are those of Claude's validation, of Bedrock's own and of other models behind
//! Converse. None of them is documented, so they are searched for names of parameters.

/// A part of a request that a refusal can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedPart {
    /// The forced tool call.
    ToolChoice,
    /// Tools, or a tool's input schema.
    Tool,
    /// Structured output, or the schema that the answer is bound to.
    StructuredOutput,
    /// The begun assistant turn.
    Prefill,
    /// The sampling temperature.
    Temperature,
    /// Nucleus sampling.
    TopP,
    /// The most tokens of an answer.
    MaxTokens,
    /// Thinking.
    Thinking,
    /// Effort.
    Effort,
    /// The system turn.
    System,
    /// An unknown member without a name.
    Unknown,
}

/// The words for each part, in lower case.
const NAMES: [(RefusedPart, &[&str]); 11] = [
    (
        RefusedPart::ToolChoice,
        &["tool_choice", "toolchoice", "tool choice"],
    ),
    (
        RefusedPart::Tool,
        &[
            "toolconfig",
            "toolspec",
            "tools",
            "tool use",
            "tool_use",
            "tooluse",
            "tool calling",
            "function calling",
            "input_schema",
            "inputschema",
        ],
    ),
    (
        RefusedPart::StructuredOutput,
        &[
            "output_config",
            "outputconfig",
            "output_format",
            "textformat",
            "response_format",
            "json_schema",
            "structured output",
            "schema is too complex",
            "schemas contains too many",
            "invalid schema",
            "grammar",
        ],
    ),
    (
        RefusedPart::Prefill,
        &[
            "prefill",
            "pre-fill",
            "assistant message",
            "must end with a user",
            "last turn must be a user",
        ],
    ),
    (RefusedPart::Temperature, &["temperature"]),
    (RefusedPart::TopP, &["top_p", "topp", "top-p"]),
    (
        RefusedPart::MaxTokens,
        &[
            "max_tokens",
            "maxtokens",
            "max tokens",
            "maximum tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "max_new_tokens",
            "maximum number of output tokens",
        ],
    ),
    (
        RefusedPart::Thinking,
        &["thinking", "additionalmodelrequestfields"],
    ),
    (RefusedPart::Effort, &["effort", "reasoningconfig"]),
    (
        RefusedPart::System,
        &[
            "system message",
            "system prompt",
            "system role",
            "system instruction",
            "[system]",
            "`system`",
        ],
    ),
    (
        RefusedPart::Unknown,
        &["extra inputs are not permitted", "extraneous key"],
    ),
];

/// Returns the parts that a refusal names, in the order of its text, with a member without a name
/// last.
pub(crate) fn named(text: &str) -> Vec<RefusedPart> {
    let text = text.to_lowercase();
    let mut found: Vec<(usize, RefusedPart)> = NAMES
        .into_iter()
        .filter_map(|(named, names)| {
            let first = names.iter().filter_map(|name| place(&text, name)).min()?;
            Some((
                if named == RefusedPart::Unknown {
                    usize::MAX
                } else {
                    first
                },
                named,
            ))
        })
        .collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, named)| named).collect()
}

/// Returns where a name is. A path through it to effort names effort.
fn place(text: &str, name: &str) -> Option<usize> {
    text.match_indices(name)
        .find(|(at, _)| !text[at + name.len()..].starts_with(".effort"))
        .map(|(at, _)| at)
}

/// Whether a refusal says that two parameters exclude each other.
pub(crate) fn is_about_both(text: &str) -> bool {
    let text = text.to_lowercase();
    ["both", "together", "only one", "either"]
        .iter()
        .any(|word| text.contains(word))
}

/// Returns the token ceiling that a refusal of `sent` names: the largest number in it that is
/// lower.
///
/// A text that also counts the record's own tokens is about that record and does not count.
pub(crate) fn lower_ceiling(text: &str, sent: u64) -> Option<u64> {
    /// A smaller number is not a ceiling but part of a version or a position.
    const LEAST: u64 = 64;

    let text = text.to_lowercase();
    if ["context", "input length", "input token", "prompt"]
        .iter()
        .any(|word| text.contains(word))
    {
        return None;
    }
    let is_below = ["less than", "lower than", "below", "smaller than"]
        .iter()
        .any(|words| text.contains(words));
    let ceiling = numbers(&text)
        .filter(|number| (LEAST..sent).contains(number))
        .max()?;
    Some(if is_below { ceiling - 1 } else { ceiling })
}

/// Returns the whole numbers that are separate words, with or without grouped thousands.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|character: char| {
        !(character.is_alphanumeric() || matches!(character, '.' | ',' | '-' | '_' | '/' | ':'))
    })
    .filter_map(|word| {
        let word = word.trim_matches(['.', ',', ':']);
        word.replace([',', '_'], "").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_it_is_about() {
        use RefusedPart::*;
        for (text, expected) in [
            (
                r#"tool_choice: type "tool" and "any" are not supported for this model"#,
                &[ToolChoice][..],
            ),
            (
                "Thinking may not be enabled when tool_choice forces tool use.",
                &[Thinking, ToolChoice, Tool],
            ),
            (
                "output_config.format: Extra inputs are not permitted",
                &[StructuredOutput, Unknown],
            ),
            (
                "output_config.effort: Extra inputs are not permitted",
                &[Effort, Unknown],
            ),
            (
                "Malformed input request: #: extraneous key [toolConfig] is not permitted, please reformat your input and try again.",
                &[Tool, Unknown],
            ),
            (
                "This model does not support assistant message prefill. The conversation must end with a user message.",
                &[Prefill],
            ),
            (
                "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
                &[Temperature, TopP],
            ),
            ("This model doesn't support system messages.", &[System]),
            (
                "Schema is too complex for compilation.",
                &[StructuredOutput],
            ),
            ("Input is too long for requested model.", &[]),
            ("The provided model identifier is invalid.", &[]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn a_ceiling_is_the_largest_lower_number() {
        for (text, sent, expected) in [
            (
                "max_tokens: 32768 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20240620",
                32_768,
                Some(8_192),
            ),
            (
                "The maximum tokens you requested exceeds the model limit of 10000. Try again with a maximum tokens value that is lower than 10000.",
                32_768,
                Some(9_999),
            ),
            ("max_tokens must be at most 4,096.", 32_768, Some(4_096)),
            ("maxTokens: the maximum value is 8192", 8_192, None),
            (
                "max_tokens is too large for claude-3-haiku-20240307",
                32_768,
                None,
            ),
            (
                "input length and `max_tokens` exceed context limit: 20000 + 32768 > 40000, decrease input length or `max_tokens` and try again",
                32_768,
                None,
            ),
            ("max_tokens: 32768 > 18446744073709551616", 32_768, None),
        ] {
            assert_eq!(lower_ceiling(text, sent), expected, "{text}");
        }
    }
}
