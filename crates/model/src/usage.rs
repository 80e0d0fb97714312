//! Reads the token counts of an answer, in every shape of answer.
//!
//! Counts are for the summary and the costs. A count in an unknown form affects neither the answer
//! nor the other counts.

use crate::object::Object;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// Token counts of one answer, zero if the answer does not say.
///
/// The tokens read for a request are `input_tokens + cache_read_tokens + cache_write_tokens`, each
/// with its own price. Anthropic and Converse count in this way. In chat completions,
/// `prompt_tokens` includes the cached tokens, so they are subtracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request that were not read from or written to a cache.
    pub input_tokens: u64,
    /// Tokens of the answer, including its reasoning.
    pub output_tokens: u64,
    /// Tokens of the request that were read from the prompt cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read_tokens: u64,
    /// Tokens of the request that were written to the prompt cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    /// Output tokens that the model spent on reasoning. Not every model that reasons reports them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Returns the counts of a shape that only has input and output tokens.
    pub(crate) fn plain(input_tokens: Option<Count>, output_tokens: Option<Count>) -> Self {
        Self {
            input_tokens: first([input_tokens]),
            output_tokens: first([output_tokens]),
            ..Self::default()
        }
    }

    /// Reads a `usage` member.
    ///
    /// Names: Anthropic Messages (`input_tokens`, `cache_read_input_tokens`,
    /// `cache_creation_input_tokens`, `output_tokens_details`), Converse (`inputTokens`,
    /// `cacheReadInputTokens`, `cacheWriteInputTokens`), Nova in `InvokeModel`
    /// (`cacheReadInputTokenCount`, `cacheWriteInputTokenCount`), chat completions
    /// (`prompt_tokens`, `prompt_tokens_details`, `completion_tokens_details`).
    pub(crate) fn read(usage: &str) -> Self {
        let Object(counts): Object<Counts> = serde_json::from_str(usage).unwrap_or_default();
        let cached_in_prompt = counts.prompt_tokens_details.unwrap_or_default().0.cached;
        let prompt = counts.prompt_tokens.map(|prompt| {
            let cached = first([cached_in_prompt]);
            Count(prompt.0.map(|prompt| prompt.saturating_sub(cached)))
        });
        let completion = counts.completion_tokens_details.unwrap_or_default().0;
        let output = counts.output_tokens_details.unwrap_or_default().0;
        Self {
            input_tokens: first([counts.input_tokens, counts.input_tokens_camel, prompt]),
            output_tokens: first([
                counts.output_tokens,
                counts.output_tokens_camel,
                counts.completion_tokens,
            ]),
            cache_read_tokens: first([
                counts.cache_read_input_tokens,
                counts.cache_read_camel,
                counts.cache_read_count,
                cached_in_prompt,
            ]),
            cache_write_tokens: first([
                counts.cache_creation_input_tokens,
                counts.cache_write_camel,
                counts.cache_write_count,
            ]),
            reasoning_tokens: first([
                output.thinking,
                output.reasoning,
                completion.reasoning,
                completion.thinking,
            ]),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn first<const N: usize>(counts: [Option<Count>; N]) -> u64 {
    counts
        .into_iter()
        .flatten()
        .find_map(|count| count.0)
        .unwrap_or(0)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    #[serde(rename = "inputTokens")]
    input_tokens_camel: Option<Count>,
    #[serde(rename = "outputTokens")]
    output_tokens_camel: Option<Count>,
    prompt_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    #[serde(rename = "cacheReadInputTokens")]
    cache_read_camel: Option<Count>,
    #[serde(rename = "cacheWriteInputTokens")]
    cache_write_camel: Option<Count>,
    #[serde(rename = "cacheReadInputTokenCount")]
    cache_read_count: Option<Count>,
    #[serde(rename = "cacheWriteInputTokenCount")]
    cache_write_count: Option<Count>,
    output_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    prompt_tokens_details: Option<Details>,
}

/// The parts of a count; empty if it is not an object.
#[derive(Default)]
struct Details(DetailCounts);

#[derive(Deserialize, Default)]
#[serde(default)]
struct DetailCounts {
    #[serde(rename = "thinking_tokens")]
    thinking: Option<Count>,
    #[serde(rename = "reasoning_tokens")]
    reasoning: Option<Count>,
    #[serde(rename = "cached_tokens")]
    cached: Option<Count>,
}

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let details = <&RawValue>::deserialize(deserializer)?;
        let Object(counts) = serde_json::from_str(details.get()).unwrap_or_default();
        Ok(Self(counts))
    }
}

/// A number of tokens; empty if it is not a whole number of zero or more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count(Option<u64>);

impl Count {
    /// Returns the sum, in which an unknown count is zero.
    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = self.0.unwrap_or(0).saturating_add(other.0.unwrap_or(0));
        Self((self.0.is_some() || other.0.is_some()).then_some(sum))
    }

    /// Reads a member that is a count, null or missing; `None` if it is not JSON.
    #[expect(
        clippy::option_option,
        reason = "a missing count is not one that cannot be read"
    )]
    pub(crate) fn of_json(json: Option<&str>) -> Option<Option<Self>> {
        match json {
            None => Some(None),
            Some(json) => serde_json::from_str(json).ok(),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a count of tokens")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(Some(count)))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Count, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(usage: &str) -> [u64; 5] {
        let usage = Usage::read(usage);
        [
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        ]
    }

    #[test]
    fn cache_and_reasoning_are_read_in_the_words_of_every_shape() {
        for (usage, counts) in [
            (
                r#"{"input_tokens":1,"cache_creation_input_tokens":4,"cache_read_input_tokens":3,
                    "cache_creation":{"ephemeral_5m_input_tokens":4},"output_tokens":2,
                    "output_tokens_details":{"thinking_tokens":5},"service_tier":"standard"}"#,
                [1, 2, 3, 4, 5],
            ),
            (
                r#"{"inputTokens":1,"outputTokens":2,"totalTokens":10,"cacheReadInputTokens":3,
                    "cacheWriteInputTokens":4,"cacheDetails":null}"#,
                [1, 2, 3, 4, 0],
            ),
            (
                r#"{"inputTokens":1,"outputTokens":2,"cacheReadInputTokens":null,
                    "cacheReadInputTokenCount":3,"cacheWriteInputTokenCount":4}"#,
                [1, 2, 3, 4, 0],
            ),
            (
                r#"{"prompt_tokens":4,"completion_tokens":2,
                    "prompt_tokens_details":{"cached_tokens":3,"audio_tokens":null},
                    "completion_tokens_details":{"reasoning_tokens":5}}"#,
                [1, 2, 3, 0, 5],
            ),
            (
                r#"{"prompt_tokens":4,"completion_tokens":2,"prompt_tokens_details":null}"#,
                [4, 2, 0, 0, 0],
            ),
        ] {
            assert_eq!(read(usage), counts, "{usage}");
        }
    }

    #[test]
    fn an_odd_count_costs_no_other_count() {
        for odd in [
            "\"many\"",
            "-1",
            "1.5",
            "null",
            "[1]",
            "{\"a\":1}",
            "true",
            "1e400",
        ] {
            let usage = format!(
                r#"{{"input_tokens":{odd},"output_tokens":2,"output_tokens_details":{odd}}}"#
            );
            let expected = if odd == "1e400" {
                [0, 0, 0, 0, 0]
            } else {
                [0, 2, 0, 0, 0]
            };
            assert_eq!(read(&usage), expected, "{odd}");
        }
        assert_eq!(read("[1,2]"), [0; 5]);
    }
}
