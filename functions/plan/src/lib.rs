//! `plan`: checks the request, reads prompts and schema, scans the data once and cuts the slices.
//!
//! Everything that can be known to fail is refused here, by name, before money is spent. A scan
//! that outlasts one invocation keeps its progress in the run's folder and is called again.

mod discover;
mod models;
mod parquet;
mod publish;
mod request;
mod scan;
mod sources;
mod stage;

use quarry_asking::{Asking, AskingError};
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{ObjectPointer, PlanInput, PlanOutput};
use quarry_contract::settings::{self, Settings};
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::store::ObjectStore;
use quarry_prompt::Prompts;
use quarry_rows::TableFormat;
use scan::TableScan;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `plan` needs.
#[derive(Clone)]
pub struct Deps {
    /// Data, prompts and schema in, the plan out.
    pub store: Arc<dyn ObjectStore>,
    /// The deployment's settings; the request's go over them.
    pub settings: BTreeMap<String, String>,
    /// The deployment's work prefix, used when the request has none.
    pub work: Option<S3Uri>,
    /// Where metrics go.
    pub metrics: Arc<dyn Metrics>,
}

/// Where planning stands: `plan-progress.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    version: u32,
    settings: BTreeMap<String, String>,
    prompts: Value,
    schema: Option<Value>,
    schema_source: Option<String>,
    notes: Vec<String>,
    tables: Vec<TableScan>,
}

/// Plans a run, or a further piece of it.
pub async fn handle(
    deps: &Deps,
    input: PlanInput,
    time_left: &dyn TimeLeft,
) -> Result<PlanOutput, StepError> {
    let work = request::check(&input, deps.work.as_ref())?;
    let run = RunFolder::new(&work, &input.execution);
    let mut progress = if input.turn == 0 {
        prepare(deps, &input).await?
    } else {
        documents::read(&*deps.store, &run.plan_progress()).await?
    };
    let settings = Settings::read(&progress.settings).map_err(StepError::bad_request)?;
    let prompts =
        Prompts::parse(progress.prompts.to_string().as_bytes()).map_err(StepError::bad_request)?;
    let asking = Asking::new(settings, &prompts, progress.schema.as_ref())
        .map_err(StepError::bad_request)?;

    for number in 0..progress.tables.len() {
        let scanner = scan::TableScanner {
            store: &deps.store,
            asking: &asking,
            run: &run,
            table: number,
            time_left,
        };
        if !scanner.scan(&mut progress.tables[number]).await? {
            documents::write(&*deps.store, &run.plan_progress(), &progress).await?;
            tracing::info!(
                table = number,
                rows = progress.tables[number].rows,
                "planning goes on"
            );
            return Ok(output(&run, input.turn + 1, false, 0, 1));
        }
    }
    form_empty_splits(deps, &run, &mut progress.tables).await?;
    let published = publish::publish(deps, &run, &input, &asking, progress).await?;
    tracing::info!(slices = published.slices, rows = published.rows, "planned");
    deps.metrics.emit(&[
        (Metric::RowsPlanned, published.rows),
        (Metric::SlicesPlanned, published.slices.into()),
    ]);
    Ok(output(
        &run,
        input.turn + 1,
        true,
        published.slices,
        published.max_concurrency,
    ))
}

/// Gives splits without files the columns of the first split that has some.
async fn form_empty_splits(
    deps: &Deps,
    run: &RunFolder,
    tables: &mut [TableScan],
) -> Result<(), StepError> {
    let Some((first, form)) = tables
        .iter()
        .enumerate()
        .find(|(_, table)| !table.files.is_empty())
        .map(|(number, table)| (number, table.clone()))
    else {
        return Ok(());
    };
    for (number, table) in tables.iter_mut().enumerate() {
        if table.files.is_empty() {
            table.take_form_of(&form);
            if form.format == TableFormat::Parquet {
                let layout = quarry_rows::layout(&*deps.store, run, first).await?;
                parquet::store(&*deps.store, &layout, &run.layout(number)).await?;
            }
        }
    }
    Ok(())
}

fn output(run: &RunFolder, turn: u32, done: bool, slices: u32, max_concurrency: u32) -> PlanOutput {
    let manifest = run.manifest();
    PlanOutput {
        version: VERSION,
        done,
        turn,
        run: run.location().clone(),
        manifest: ObjectPointer {
            bucket: manifest.bucket().to_owned(),
            key: manifest.key().to_owned(),
        },
        slices,
        max_concurrency,
    }
}

/// What has to be known before the first row is read.
async fn prepare(deps: &Deps, input: &PlanInput) -> Result<Progress, StepError> {
    let mut values = deps.settings.clone();
    values.extend(input.request.settings.clone());
    let settings = Settings::read(&values).map_err(StepError::bad_request)?;
    let mut of_models = models::check(&settings, &input.started)?;
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
    // A schema or prompt that cannot be used is refused before the data is looked at.
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
    let tables = discover::tables(store, &input.request, quoting, &mut notes).await?;
    Ok(Progress {
        version: VERSION,
        settings: values,
        prompts: prompts_value,
        schema,
        schema_source,
        notes,
        tables,
    })
}
