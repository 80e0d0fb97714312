//! Recognises the service's messages that deny a model as a whole. Every record of a run would get
//! such a message.
//!
//! The service gives these reasons under several exceptions (validation, access denied, not found)
//! and as error lines of batch jobs, so only the text distinguishes them. Sources: texts seen in
//! November 2026; the pages "Access Amazon Bedrock foundation models", "Inference profiles" and
//! "Model lifecycle" of the Amazon Bedrock User Guide.

use crate::ModelName;

/// Why the service denies a model, whatever the record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The account's first use of the model is still pending: the subscription in AWS Marketplace
    /// is in progress or not allowed, or the provider's form is missing. This may pass within
    /// minutes.
    FirstUse,
    /// On demand, the model can be reached only through an inference profile.
    NeedsProfile,
    /// The model is not in this Region, or does not exist.
    NotHere,
    /// The model has ended, or is reserved for accounts that have used it lately.
    Ended,
    /// Batch jobs do not accept the model.
    NoBatch,
}

/// Parts of the service's texts, in lower case, with their meanings. The first one that is found
/// counts.
const WORDS: [(&str, Denial); 20] = [
    ("model access is denied due to", Denial::FirstUse),
    ("aws-marketplace:subscribe", Denial::FirstUse),
    ("aws marketplace subscription", Denial::FirstUse),
    ("use case details have not been submitted", Denial::FirstUse),
    ("required use-case form", Denial::FirstUse),
    (
        "don't have access to the model with the specified model id",
        Denial::FirstUse,
    ),
    // The service writes "isn’t" with a typographic apostrophe, so the word is left out.
    ("on-demand throughput", Denial::NeedsProfile),
    ("inference profile that contains", Denial::NeedsProfile),
    ("marked by provider as legacy", Denial::Ended),
    ("reached the end of its life", Denial::Ended),
    ("reached end of life", Denial::Ended),
    ("model identifier is invalid", Denial::NotHere),
    ("not available in this region", Denial::NotHere),
    ("not available in your region", Denial::NotHere),
    ("not available in the region", Denial::NotHere),
    ("not supported in this region", Denial::NotHere),
    ("not supported in your region", Denial::NotHere),
    ("could not resolve the foundation model", Denial::NotHere),
    (
        "batch inference is not supported for the requested model",
        Denial::NoBatch,
    ),
    ("does not support batch inference", Denial::NoBatch),
];

impl Denial {
    /// Returns the meaning of the service's message; `None` if it is not about the model as a
    /// whole.
    pub fn of(message: &str) -> Option<Self> {
        let message = message.to_lowercase();
        WORDS
            .iter()
            .find(|(words, _)| message.contains(words))
            .map(|(_, denial)| *denial)
    }

    /// Returns the remedy, as the end of an error message. `setting` is the setting that names the
    /// model.
    pub fn remedy(self, setting: &str, model_id: &str) -> String {
        match self {
            Self::FirstUse => "call the model once as an administrator of the account, who may \
                subscribe in AWS Marketplace, and fill in the provider's form if it has one"
                .to_owned(),
            Self::NeedsProfile => format!("set {setting} to {}", profiles(model_id)),
            Self::NotHere => format!(
                "set {setting} to a model of this Region, or to {}",
                profiles(model_id)
            ),
            Self::Ended => format!(
                "set {setting} to a model that has not ended; \
                 \"Model lifecycle\" in the Amazon Bedrock User Guide names the successor"
            ),
            Self::NoBatch => format!(
                "set BEDROCK_BATCH_MODE to `realtime`, or {setting} to a model that batch jobs take"
            ),
        }
    }
}

/// Describes the profiles through which a model can be reached.
fn profiles(model_id: &str) -> String {
    match ModelName::of(model_id) {
        Some(name) => {
            let model = name.foundation_model;
            format!(
                "an inference profile of the model: `global.{model}`, or that of this Region's \
                 geography, such as `us.{model}`, `eu.{model}` or `apac.{model}` (`aws bedrock \
                 list-inference-profiles` lists them)"
            )
        }
        None => "an inference profile of the model (`aws bedrock list-inference-profiles` lists \
            them)"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are those that users of the service have reported.
    #[test]
    fn the_services_words_say_what_the_denial_is_about() {
        for (text, denial) in [
            (
                "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model.",
                Some(Denial::FirstUse),
            ),
            (
                "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model.",
                Some(Denial::FirstUse),
            ),
            (
                "Invocation of model ID anthropic.claude-x with on-demand throughput isn\u{2019}t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
                Some(Denial::NeedsProfile),
            ),
            (
                "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 15 days.",
                Some(Denial::Ended),
            ),
            (
                "This model version has reached the end of its life.",
                Some(Denial::Ended),
            ),
            (
                "The provided model identifier is invalid.",
                Some(Denial::NotHere),
            ),
            (
                "Batch inference is not supported for the requested model",
                Some(Denial::NoBatch),
            ),
            (
                "tool_choice: type \"tool\" and \"any\" are not supported for this model.",
                None,
            ),
            ("Input is too long for requested model.", None),
            (
                "User: arn:aws:sts::1:x is not authorized to perform: bedrock:InvokeModel",
                None,
            ),
        ] {
            assert_eq!(Denial::of(text), denial, "{text}");
        }
    }

    #[test]
    fn the_remedy_names_the_setting_and_the_profiles() {
        let remedy = Denial::NeedsProfile.remedy(
            "BEDROCK_FALLBACK_MODEL_ID",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
        );
        for words in [
            "BEDROCK_FALLBACK_MODEL_ID",
            "`global.anthropic.claude-haiku-4-5-20251001-v1:0`",
            "`us.anthropic.claude-haiku-4-5-20251001-v1:0`",
        ] {
            assert!(remedy.contains(words), "{remedy}");
        }
        let unnamed = Denial::NotHere.remedy("BEDROCK_PRIMARY_MODEL_ID", "my-own-name");
        assert!(unnamed.contains("list-inference-profiles"), "{unnamed}");
    }
}
