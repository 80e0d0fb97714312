//! Settings that ask of a model what it does not have. Planning refuses them too, before anything is paid for.

use crate::finding::Findings;
use crate::subject::Subject;
use quarry_asking::{capabilities, fallback_capabilities, max_tokens};
use quarry_contract::settings::{BatchMode, ServiceTier, ThinkingSetting};
use quarry_model::{Capabilities, Thinking};

/// The way out where the facts of a model are out of date.
const CORRECTED: &str = "if that is out of date, correct it with BEDROCK_MODEL_CAPABILITIES";

pub(crate) fn check(subject: &Subject, found: &mut Findings) {
    let settings = &subject.settings;
    // A capability that is misspelt is found elsewhere.
    let Ok(primary) = capabilities(settings) else {
        return;
    };
    if subject.has_model() {
        let model = settings.effective_model_id();
        check_batch(subject, &model, primary, found);
        check_model(subject, &model, primary, found);
    }
    if let (Some(model), Ok(Some(fallback))) =
        (&settings.fallback_model_id, fallback_capabilities(settings))
    {
        check_model(subject, model, fallback, found);
    }
}

/// Only the run's own model is asked in jobs.
fn check_batch(subject: &Subject, model: &str, accepted: Capabilities, found: &mut Findings) {
    if accepted.batch {
        return;
    }
    match subject.settings.batch_mode {
        BatchMode::Realtime => {}
        BatchMode::Batch => found.error(
            "model-no-batch",
            "BEDROCK_BATCH_MODE",
            format!("is batch, and batch jobs do not take {model}"),
            format!(
                "set it to realtime, or choose a model that batch jobs take; {CORRECTED} (`batch`)"
            ),
        ),
        BatchMode::Auto => found.warning(
            "model-no-batch",
            format!("model {model}"),
            "batch jobs do not take it: all rows are asked on demand, at the on-demand price",
            format!(
                "set BEDROCK_BATCH_MODE to realtime if that is meant, or choose a model that batch jobs take; \
                 {CORRECTED} (`batch`)"
            ),
        ),
    }
}

fn check_model(subject: &Subject, model: &str, accepted: Capabilities, found: &mut Findings) {
    let settings = &subject.settings;
    if let (Err(_), Some(set), Some(ceiling)) = (
        max_tokens(settings, model, &accepted),
        settings.max_tokens,
        accepted.max_output_tokens,
    ) {
        found.error(
            "model-max-tokens",
            "BEDROCK_MAX_TOKENS",
            format!("is {set}, and {model} answers with at most {ceiling} tokens"),
            format!(
                "set it to {ceiling} or less, or leave it out; {CORRECTED} (`max_output_tokens`)"
            ),
        );
    }
    if settings.thinking == ThinkingSetting::Off && accepted.thinking == Thinking::Always {
        found.error(
            "model-thinking",
            "BEDROCK_THINKING",
            format!("is off, and {model} always thinks"),
            format!("leave it out; {CORRECTED} (`thinking`)"),
        );
    }
    if let Some(effort) = settings.effort.filter(|_| !accepted.effort) {
        found.error(
            "model-effort",
            "BEDROCK_EFFORT",
            format!("is {}, and {model} has no effort to set", effort.as_str()),
            format!("leave it out; {CORRECTED} (`effort`)"),
        );
    }
    let has_tier = match settings.service_tier {
        ServiceTier::Default => true,
        ServiceTier::Flex => accepted.flex,
        ServiceTier::Priority => accepted.priority,
    };
    if !has_tier {
        let tier = settings.service_tier.as_str();
        found.error(
            "model-tier",
            "BEDROCK_SERVICE_TIER",
            format!("is {tier}, and {model} is not served in this tier"),
            format!("set it to default; {CORRECTED} (`{tier}`)"),
        );
    }
}
