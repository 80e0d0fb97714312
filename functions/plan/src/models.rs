//! Refuses settings that need something that a model does not have, before anything is read or paid
//! for.

use quarry_asking::{Lack, RunModel};
use quarry_contract::settings::Settings;
use quarry_edge::error::StepError;
use quarry_model::{Date, FoundBy, KnownModel, may_be_model_id};

/// Checks the run's models against the settings, as of the day on which the run was started.
/// Returns the notes for the summary.
pub(crate) fn check(settings: &Settings, started: &str) -> Result<Vec<String>, StepError> {
    let today = Date::parse(started).ok_or_else(|| {
        StepError::bad_request(format!(
            "`started` is `{started}`, which is not a time such as 2026-11-28T05:10:00Z"
        ))
    })?;
    check_ids(settings)?;
    let primary = RunModel::primary(settings).map_err(StepError::bad_request)?;
    let mut lacking: Vec<Lack> = primary.ended(today).into_iter().collect();
    lacking.extend(primary.lacking(settings));
    let mut notes: Vec<String> = primary.note_without_row().into_iter().collect();
    if let Some(fallback) = RunModel::fallback(settings).map_err(StepError::bad_request)? {
        lacking.extend(fallback.ended(today));
        lacking.extend(fallback.lacking_as_fallback(settings));
        if KnownModel::of(fallback.id()).found_by() == FoundBy::Provider {
            notes.extend(fallback.note_without_row());
        }
        notes.extend(fallback.left_out_as_fallback(settings));
    }
    if lacking.is_empty() {
        return Ok(notes);
    }
    let texts: Vec<String> = lacking.iter().map(Lack::to_string).collect();
    Err(StepError::bad_request(texts.join("; ")))
}

/// Refuses a text that no model can have as its id. The service would refuse it in every job.
fn check_ids(settings: &Settings) -> Result<(), StepError> {
    let primary = settings.effective_model_id();
    let ids = [
        (settings.model_setting(), Some(primary.as_ref())),
        (
            "BEDROCK_PRIMARY_MODEL_ID",
            Some(settings.primary_model_id.as_str()),
        ),
        (
            "BEDROCK_FALLBACK_MODEL_ID",
            settings.fallback_model_id.as_deref(),
        ),
    ];
    for (setting, id) in ids {
        if let Some(id) = id
            && !may_be_model_id(id)
        {
            let shown = &id[..id.floor_char_boundary(100)];
            return Err(StepError::bad_request(format!(
                "{setting} is {shown:?}, which no model, profile or ARN can be named; an id consists of letters, digits and \
                 `. - _ : /`, such as amazon.nova-lite-v1:0"
            )));
        }
    }
    Ok(())
}
