//! Settings that make Quarry send something that the model refuses.

use crate::finding::Findings;
use crate::subject::Subject;
use quarry_asking::RunModel;
use quarry_model::{Capabilities, Enforcement, FoundBy, ways};

const CAPABILITIES: &str = "BEDROCK_MODEL_CAPABILITIES";

pub(crate) fn check(subject: &Subject, found: &mut Findings) {
    let settings = &subject.settings;
    let model = match RunModel::primary(settings) {
        Ok(model) => model,
        Err(error) => {
            let remedy = "docs/settings.md lists the members and their values";
            found.error("setting", CAPABILITIES, error.to_string(), remedy);
            return;
        }
    };
    let known = model.known();
    if !subject.has_model() || known.is_nameless() {
        return;
    }
    let (sent, accepted) = (model.capabilities(), *known.capabilities());
    let about = format!("model {} ({CAPABILITIES})", settings.effective_model_id());
    check_prefill(subject, &model, &about, found);
    if sent.sampling && !accepted.sampling && !accepted.body.is_embedding() {
        found.error(
            "asking-sampling",
            &about,
            "is said to take temperature and top_p, and the table of models says that it refuses both: every record would fail",
            "leave `sampling` out",
        );
    } else if sent.sampling && sent.temperature_with_top_p && !accepted.temperature_with_top_p {
        found.error(
            "asking-sampling",
            &about,
            "is said to take temperature and top_p together, and the table of models says that it refuses that: every record would fail",
            "leave `temperature_with_top_p` out",
        );
    }
    check_dropped(subject, sent, found);
}

fn check_prefill(subject: &Subject, model: &RunModel, about: &str, found: &mut Findings) {
    let request = subject.request.as_ref();
    let has_schema = subject.settings.validation_schema.is_some()
        || request.is_some_and(|request| request.schema.is_some());
    let is_held = has_schema && subject.settings.use_structured_output;
    let sent = model.capabilities();
    let first = ways(&sent, is_held, false).first().copied();
    if model.known().capabilities().prefill || first != Some(Enforcement::Prefill) {
        return;
    }
    let remedy =
        "leave `prefill` out; with a schema, models with tools are held to it by a tool call";
    if model.known().found_by() == FoundBy::Model {
        let problem = "is said to take a begun answer (prefill), and the table of models says that it refuses that: every record would fail";
        found.error("asking-prefill", about, problem, remedy);
    } else {
        let problem = "is said to take a begun answer (prefill), and it has no row in the table of models: where it refuses that, every record fails";
        found.warning("asking-prefill", about, problem, remedy);
    }
}

/// Settings that are given but not sent.
fn check_dropped(subject: &Subject, sent: Capabilities, found: &mut Findings) {
    let (temperature, top_p) = ("BEDROCK_TEMPERATURE", "BEDROCK_TOP_P");
    let given: Vec<&str> = [temperature, top_p]
        .into_iter()
        .filter(|name| subject.is_set(name))
        .collect();
    let model = subject.settings.effective_model_id();
    if !sent.sampling && !given.is_empty() {
        found.note(
            "setting-not-sent",
            given.join(", "),
            format!("{model} takes neither temperature nor top_p: not sent"),
            "leave it out",
        );
    } else if sent.sampling && !sent.temperature_with_top_p && given.len() == 2 {
        found.note(
            "setting-not-sent",
            given.join(", "),
            format!("{model} takes one of the two: only one is sent, the temperature unless it is at its default"),
            "set one of them",
        );
    }
}
