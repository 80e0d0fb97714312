//! Settings that need a feature that the model does not have. Planning refuses them too, before
//! anything is paid for.

use crate::finding::Findings;
use crate::subject::Subject;
use quarry_asking::{Lack, Lacking, RunModel};
use quarry_contract::settings::BatchMode;

/// The remedy if the facts about a model are out of date.
const CORRECTED: &str = "if that is out of date, correct it with BEDROCK_MODEL_CAPABILITIES";

pub(crate) fn check(subject: &Subject, found: &mut Findings) {
    let settings = &subject.settings;
    // Another check finds a misspelt capability.
    let (Ok(primary), Ok(fallback)) = (RunModel::primary(settings), RunModel::fallback(settings))
    else {
        return;
    };
    if subject.has_model() {
        if !primary.capabilities().batch && settings.batch_mode == BatchMode::Auto {
            found.warning(
                "model-no-batch",
                format!("model {}", primary.id()),
                "batch jobs do not take it: all rows are asked on demand, at the on-demand price",
                format!(
                    "set BEDROCK_BATCH_MODE to realtime if that is meant, or choose a model that batch jobs take; \
                     {CORRECTED} (`batch`)"
                ),
            );
        }
        for lack in primary.lacking(settings) {
            report(lack, found);
        }
    }
    let Some(fallback) = fallback else {
        return;
    };
    for lack in fallback.lacking_as_fallback(settings) {
        report(lack, found);
    }
    for note in fallback.left_out_as_fallback(settings) {
        found.note(
            "setting-not-sent",
            "BEDROCK_FALLBACK_MODEL_ID",
            note,
            "nothing has to be done; choose another fallback model if that matters",
        );
    }
}

fn report(lack: Lack, found: &mut Findings) {
    let model = lack.model;
    match lack.what {
        Lacking::Text { why } => found.error(
            "model-not-asked",
            format!("model {model}"),
            format!("cannot be asked, because {why}"),
            "choose a model that answers with text or with one vector (quarry models)",
        ),
        // The account's own facts are newer than the table; the check of a model's life reads both.
        Lacking::Life { .. } => {}
        Lacking::Tokens { set, ceiling } => found.error(
            "model-max-tokens",
            "BEDROCK_MAX_TOKENS",
            format!("is {set}, and {model} answers with at most {ceiling} tokens"),
            format!(
                "set it to {ceiling} or less, or leave it out; {CORRECTED} (`max_output_tokens`)"
            ),
        ),
        Lacking::Batch => found.error(
            "model-no-batch",
            "BEDROCK_BATCH_MODE",
            format!("is batch, and batch jobs do not take {model}"),
            format!(
                "set it to realtime, or choose a model that batch jobs take; {CORRECTED} (`batch`)"
            ),
        ),
        Lacking::ThinkingOff => found.error(
            "model-thinking",
            "BEDROCK_THINKING",
            format!("is off, and {model} always thinks"),
            format!("leave it out; {CORRECTED} (`thinking`)"),
        ),
        Lacking::Effort { set, takes } => {
            let (has, remedy) = if takes.is_empty() {
                ("has no effort to set".to_owned(), "leave it out".to_owned())
            } else {
                let takes = takes.join(", ");
                (
                    format!("takes {takes}"),
                    "set it to one of these".to_owned(),
                )
            };
            found.error(
                "model-effort",
                "BEDROCK_EFFORT",
                format!("is {}, and {model} {has}", set.as_str()),
                format!("{remedy}; {CORRECTED} (`effort`)"),
            );
        }
        Lacking::Tier(tier) => {
            let tier = tier.as_str();
            found.error(
                "model-tier",
                "BEDROCK_SERVICE_TIER",
                format!("is {tier}, and {model} is not served in this tier"),
                format!("set it to default; {CORRECTED} (`{tier}`)"),
            );
        }
    }
}
