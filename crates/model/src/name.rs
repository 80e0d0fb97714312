//! The name in a model id.
//!
//! Knows the three ways Bedrock names a model: a foundation model id (`provider.model-version`),
//! a cross-Region inference profile id (a geography prefix before such an id) and the ARNs of
//! both. Other ARNs (application inference profiles, custom and provisioned models) carry a
//! random id instead of a model name.

use crate::table::PROVIDERS;

/// What a model id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelName<'a> {
    /// Who made the model: `anthropic`.
    pub provider: &'a str,
    /// The provider's name for it: `claude-sonnet-4-20250514-v1:0`.
    pub model: &'a str,
    /// The foundation model's id, both in one: `anthropic.claude-sonnet-4-20250514-v1:0`.
    pub foundation_model: &'a str,
    /// Whether the id is that of an inference profile.
    pub by_profile: bool,
    /// What stands before the provider in such an id: `us`.
    pub geography: Option<&'a str>,
}

impl<'a> ModelName<'a> {
    /// Reads an id or ARN; `None` when it names no model.
    pub fn of(model_id: &'a str) -> Option<Self> {
        let id = match model_id.strip_prefix("arn:") {
            Some(rest) => {
                // partition:bedrock:region:account:resource, and the resource may hold colons.
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
    fn a_profile_names_the_model_behind_it() {
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
