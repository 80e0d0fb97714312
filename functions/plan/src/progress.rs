//! What planning knows before the first row is read, and how far its scan has come.
//!
//! A scan that outlasts one invocation is stored as this document and resumed from it.

use crate::deps::Deps;
use crate::sample::WholeScan;
use crate::table_scan::TableScan;
use crate::{cost_cap, discover, models, pins, rates, request, sources};
use quarry_asking::{Asking, AskingError};
use quarry_contract::VERSION;
use quarry_contract::payload::PlanInput;
use quarry_contract::settings::{self, Settings};
use quarry_edge::error::StepError;
use quarry_prompt::Prompts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The progress of `plan` between two calls: `plan-progress.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanProgress {
    pub(crate) version: u32,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) prompts: Value,
    pub(crate) schema: Option<Value>,
    pub(crate) schema_source: Option<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) tables: Vec<TableScan>,
    /// What the whole tables have, once their samples are in their place in `tables`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) whole: Option<Vec<WholeScan>>,
}

impl PlanProgress {
    /// Builds the run's specification from its stored parts.
    pub(crate) fn asking(&self) -> Result<Asking, StepError> {
        let settings = Settings::read(&self.settings).map_err(StepError::bad_request)?;
        let prompts =
            Prompts::parse(self.prompts.to_string().as_bytes()).map_err(StepError::bad_request)?;
        Asking::new(settings, &prompts, self.schema.as_ref()).map_err(StepError::bad_request)
    }
}

/// Collects what must be known before the first row is read.
pub(crate) async fn prepare(
    deps: &Deps,
    input: &PlanInput,
) -> Result<(PlanProgress, Asking), StepError> {
    let mut values = settings::over_deployment(&deps.settings, &input.request.settings)
        .map_err(StepError::bad_request)?;
    let mut settings = Settings::read(&values).map_err(StepError::bad_request)?;
    let mut of_models = models::check(&settings, &input.started)?;
    cost_cap::check_prices(&settings, &rates::of(&settings))?;
    if input.request.sample.is_some() {
        values.insert("BEDROCK_BATCH_MODE".to_owned(), "realtime".to_owned());
        settings = Settings::read(&values).map_err(StepError::bad_request)?;
    }
    let store = &*deps.store;
    let (prompts_value, prompts) = sources::prompts(store, &input.request.prompts).await?;
    let mut notes: Vec<String> = prompts
        .warnings()
        .iter()
        .map(|warning| format!("prompts.json: {warning}"))
        .collect();
    notes.extend(settings::notes(&values));
    notes.append(&mut of_models);
    let own_schema = quarry_asking::own_schema(&settings).map_err(StepError::bad_request)?;
    if own_schema.is_some() && prompts.system().is_some() {
        notes.push(
            "the system prompt is not sent: an embedding model takes one text and no more"
                .to_owned(),
        );
    }
    let schema = sources::schema(
        store,
        input.request.schema.as_ref(),
        &settings,
        &prompts,
        own_schema,
        &mut notes,
    )
    .await?;
    let (schema, schema_source) = schema.map_or((None, None), |(schema, source)| {
        (Some(schema), Some(source))
    });
    // A schema or prompt that cannot be used is refused before the data is read.
    let asking = Asking::new(settings, &prompts, schema.as_ref()).map_err(|error| {
        match (&error, &schema_source) {
            (AskingError::Schema(_), Some(source)) => {
                StepError::bad_request(format!("{source}: {error}"))
            }
            _ => StepError::bad_request(error),
        }
    })?;
    if let Some(source) = &schema_source {
        let of_schema = asking.schema_notes().iter();
        notes.extend(of_schema.map(|note| format!("{source}: {note}")));
    }
    request::check_output(store, &input.request).await?;
    let quoting = asking.settings().csv_quoting;
    let mut tables = discover::tables(store, &input.request, quoting, &mut notes).await?;
    pins::versions(store, &mut tables).await?;
    let progress = PlanProgress {
        version: VERSION,
        settings: values,
        prompts: prompts_value,
        schema,
        schema_source,
        notes,
        tables,
        whole: None,
    };
    Ok((progress, asking))
}
