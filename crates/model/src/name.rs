//! Finds the model's name in a model id.
//!
//! Bedrock names a model in three ways: by a foundation model id (`provider.model-version`), by a
//! cross-Region inference profile id (a geography before such an id) and by the ARNs of both. Other
//! ARNs (application inference profiles, custom and provisioned models) have a random id instead of
//! a model name.

include!(concat!(env!("OUT_DIR"), "/providers.rs"));

/// The model that an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelName<'a> {
    /// The provider of the model, such as `anthropic`.
    pub provider: &'a str,
    /// The provider's name for the model, such as `claude-sonnet-4-20250514-v1:0`.
    pub model: &'a str,
    /// The foundation model's id, which consists of both:
    /// `anthropic.claude-sonnet-4-20250514-v1:0`.
    pub foundation_model: &'a str,
    /// Whether the id is that of an inference profile.
    pub by_profile: bool,
    /// The text before the provider in such an id, such as `us`.
    pub geography: Option<&'a str>,
}

impl<'a> ModelName<'a> {
    /// Reads an id or ARN; `None` if it does not name a model.
    pub fn of(model_id: &'a str) -> Option<Self> {
        let id = match model_id.strip_prefix("arn:") {
            Some(rest) => {
                // partition:bedrock:region:account:resource, and the resource may contain colons.
                let resource = rest.splitn(5, ':').nth(4)?;
                let (kind, name) = resource.split_once('/')?;
                if !matches!(kind, "foundation-model" | "inference-profile") {
                    return None;
                }
                name
            }
            None => model_id,
        };
        let (first, rest) = id.split_once('.')?;
        if PROVIDERS.contains(&first) {
            return Some(Self {
                provider: first,
                model: rest,
                foundation_model: id,
                by_profile: false,
                geography: None,
            });
        }
        let (second, model) = rest.split_once('.')?;
        PROVIDERS.contains(&second).then_some(Self {
            provider: second,
            model,
            foundation_model: rest,
            by_profile: true,
            geography: Some(first),
        })
    }
}

/// The longest id or ARN that Bedrock takes, in bytes.
const LONGEST_ID: usize = 2_048;

/// Whether a text can be the id or the ARN of a model or of an inference profile. The service names
/// the characters in the pattern of `modelId`:
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateModelInvocationJob.html>.
pub fn may_be_model_id(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/');
    (1..=LONGEST_ID).contains(&text.len())
        && text.bytes().all(is_allowed)
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_model_id() {
        for id in [
            "anthropic.claude-sonnet-4-20250514-v1:0",
            "us-gov.amazon.nova-lite-v1:0",
            "my_custom-model",
            "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc",
        ] {
            assert!(may_be_model_id(id), "{id}");
        }
        for id in [
            "",
            "not a model!",
            "amazon.nova-lite-v1:0 ",
            "\"x\"",
            "ä",
            ".x",
            &"x".repeat(2_049),
        ] {
            assert!(!may_be_model_id(id), "{id}");
        }
    }

    #[test]
    fn a_profile_contains_the_id_of_its_model() {
        let model = "anthropic.claude-sonnet-4-20250514-v1:0";
        for (id, geography) in [
            (model.to_owned(), None),
            (format!("eu.{model}"), Some("eu")),
            (format!("us-gov.{model}"), Some("us-gov")),
            (
                format!("arn:aws:bedrock:eu-central-1::foundation-model/{model}"),
                None,
            ),
            (
                format!("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.{model}"),
                Some("eu"),
            ),
        ] {
            let name = ModelName::of(&id).unwrap();
            assert_eq!(
                (name.foundation_model, name.by_profile, name.geography),
                (model, geography.is_some(), geography)
            );
        }
        let application =
            "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc";
        assert_eq!(ModelName::of(application), None);
    }
}
