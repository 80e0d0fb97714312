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

#[cfg(test)]
mod tests {
    use super::*;

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
