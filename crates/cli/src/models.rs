//! `quarry models`: lists the models, how each can be called, what it costs and when it ends.

mod page;
mod words;

use crate::failure::Failure;
use crate::offered::MODELS;
use crate::output::{write, write_json};
use clap::Args;
use quarry_model::{FoundBy, KnownModel, Listing, Model};
use serde::Serialize;

/// The most models that are described in full; if there are more, each gets one line.
const IN_FULL: usize = 3;

/// Arguments of `quarry models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArguments {
    /// Part of a model's id or name, in upper or lower case, or the id or ARN of an inference
    /// profile; by default all models. Up to three models are described in full.
    #[arg(value_parser = MODELS, hide_possible_values = true)]
    pattern: Option<String>,
    /// Print JSON.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the page docs/models.md.
    #[arg(long, conflicts_with = "pattern")]
    markdown: bool,
}

/// Prints the table of models, or a part of it.
pub(crate) fn models(arguments: &ModelsArguments) -> Result<(), Failure> {
    if arguments.markdown {
        let shown = described(&matching(page::EXAMPLE)?);
        return write(page::page(&shown).as_bytes()).map(drop);
    }
    let found = matching(arguments.pattern.as_deref().unwrap_or_default())?;
    if arguments.json {
        let found: Vec<WholeRow> = found.into_iter().map(WholeRow::of).collect();
        return write_json(&found).map(drop);
    }
    write(described(&found).as_bytes()).map(drop)
}

/// Describes a few models in full, and many with a line each.
fn described(found: &[&Model]) -> String {
    if found.len() > IN_FULL {
        return words::listed(found);
    }
    let texts: Vec<String> = found.iter().map(|model| words::in_full(model)).collect();
    texts.join("\n")
}

/// Everything in the table about a model.
#[derive(Serialize)]
struct WholeRow {
    #[serde(flatten)]
    model: &'static Model,
    #[serde(flatten)]
    listing: &'static Listing,
}

impl WholeRow {
    fn of(model: &'static Model) -> Self {
        Self {
            model,
            listing: model.listing(),
        }
    }
}

fn matching(pattern: &str) -> Result<Vec<&'static Model>, Failure> {
    let wanted = pattern.to_lowercase();
    let found: Vec<&Model> = Model::all()
        .filter(|model| {
            model.listing().name.to_lowercase().contains(&wanted)
                || model.ids.iter().any(|id| id.contains(&wanted))
        })
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let named = KnownModel::of(pattern);
    match named.found_by() {
        FoundBy::Model => Ok(vec![named.model()]),
        FoundBy::Provider => Err(Failure::input(format!(
            "no model has `{pattern}` in its id or name; it would be asked as a model of {} that is not listed: without a \
             ceiling, and with nothing that a model of this provider refuses (BEDROCK_MODEL_CAPABILITIES says more)",
            named.model().listing().name
        ))),
        FoundBy::Nothing => Err(Failure::input(format!(
            "no model has `{pattern}` in its id or name; `quarry models` lists all"
        ))),
    }
}
