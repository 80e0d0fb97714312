//! `quarry retry-failed`: starts a run of a deployment over the rows that failed in an earlier one.

use crate::deployment::DeploymentArguments;
use crate::estimate::CostArguments;
use crate::failure::Failure;
use crate::offered::ASSIGNMENTS;
use crate::output::{say, write_json};
use crate::retry::FetchedResult;
use crate::staging::{JobArguments, JobPlaces, LocalJob, read_settings};
use crate::submit::{RunStart, StartArguments, new_run_name, plan, random};
use crate::workspace::Workspace;
use clap::Args;
use quarry_asking::Asking;
use quarry_contract::plan::Plan;
use quarry_contract::settings::{CAPS, PRICES, Settings};
use quarry_remote::{RemoteError, RunReader};
use quarry_runs::{counted, grouped};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Settings that the deployment decides. A retry takes those that the deployment has now, unless the first
/// run's request had its own.
const OF_THE_DEPLOYMENT: [&str; 2] = ["BEDROCK_BATCH_ROLE_ARN", "BEDROCK_OUTPUT_KMS_KEY"];

/// A run without any answer fails, because its request may be at fault. The first run had answers with the
/// same request, so that rows which fail again are an outcome.
const WITHOUT_ANSWERS: (&str, &str) = ("BEDROCK_NO_ANSWERS", "allow");

/// Arguments of `quarry retry-failed`.
#[derive(Debug, Args)]
pub(crate) struct RetryFailedArguments {
    /// The run whose failed rows are asked again: its name, the beginning of its name, or - for the
    /// newest.
    run: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// A setting that differs from that of the run, e.g. another model; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = ASSIGNMENTS, hide_possible_values = true)]
    settings: Vec<String>,
    #[command(flatten)]
    cost: CostArguments,
    #[command(flatten)]
    start: StartArguments,
}

/// Plans a run over the failed rows here, uploads them, and starts it.
pub(crate) async fn retry_failed(arguments: RetryFailedArguments) -> Result<(), Failure> {
    arguments.start.check()?;
    let changed = read_settings(&arguments.settings)?;
    let deployment = arguments.deployment.open().await?;
    let mut run = RunReader::open(&deployment, &arguments.run).await?;
    let output = deployment.finished(&mut run).await;
    if output
        .map_err(|error| without_result(run.name(), error))?
        .failed
        == 0
    {
        return nothing_failed(&arguments, run.name());
    }
    let random = random();
    let name = arguments.start.name.clone();
    let name = name.unwrap_or_else(|| new_run_name(&format!("retry-{}", run.name()), random));
    deployment.check_is_new(&name).await?;
    let workspace = Workspace::temporary()?;
    let result = FetchedResult::of(&deployment, &mut run, &workspace.path().join("result")).await?;
    let job = job(&result, &changed, &workspace.path().join("retry"))?;
    say(&format!(
        "{} of {} failed in {}",
        grouped(result.summary.failed_records),
        counted(result.summary.total_records, "row"),
        run.name()
    ));
    let planned = plan(&job, &deployment, arguments.cost.rate()).await?;
    check_fits(&result, &planned.plan)?;
    let folder = deployment.upload_folder(&name, random);
    let places = JobPlaces {
        data: deployment.failed_rows_folder(&folder, run.name()),
        ..JobPlaces::below(&folder, deployment.results_folder(&name))
    };
    let start = RunStart {
        deployment: &deployment,
        job: &job,
        run: &name,
        places,
        retries: Some(run.name()),
    };
    let (cost, how) = (&arguments.cost, &arguments.start);
    start
        .confirmed(&planned, cost, how, &arguments.deployment)
        .await
}

/// Says what to do with a run that has no result.
fn without_result(run: &str, error: RemoteError) -> Failure {
    match error {
        RemoteError::NoResults { end } => Failure::input(format!(
            "{end}; it has no result whose rows could be asked again: quarry redrive {run}"
        )),
        other => other.into(),
    }
}

fn nothing_failed(arguments: &RetryFailedArguments, run: &str) -> Result<(), Failure> {
    if arguments.start.json {
        write_json(&json!({"run": null, "retries": run, "rows": 0}))?;
    } else {
        say(&format!("no row failed in {run}, so nothing was started"));
    }
    Ok(())
}

/// Writes the files of a run over the failed rows into a folder: the rows, and the prompts, the schema and
/// the settings of the run that is retried.
fn job(
    result: &FetchedResult,
    changed: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<LocalJob, Failure> {
    let plan = &result.plan;
    let data = result.pick_failed(&folder.join("rows"))?;
    let write = |name: &str, document: &serde_json::Value| {
        let file = folder.join(name);
        std::fs::write(&file, document.to_string()).map_err(|error| {
            Failure::run(format!("{} cannot be written: {error}", file.display()))
        })?;
        Ok::<_, Failure>(file)
    };
    // The schema of a rule set, of a setting or of a model is found again where it was found first.
    let from_file = plan
        .schema_source
        .as_ref()
        .is_some_and(|source| source.contains("://"));
    let schema = plan.schema.as_ref().filter(|_| from_file);
    let settings = settings(plan).into_iter().chain(changed.clone());
    let settings = settings.map(|(name, value)| format!("{name}={value}"));
    LocalJob::read(&JobArguments {
        data,
        prompts: Some(write("prompts.json", &plan.prompts)?),
        schema: schema
            .map(|schema| write("schema.json", schema))
            .transpose()?,
        settings: settings.collect(),
        job_type: Some(plan.request.job_type.to_string()),
    })
}

/// Returns the settings of a run, as its retry has them.
fn settings(plan: &Plan) -> BTreeMap<String, String> {
    let mut settings = plan.settings.clone();
    for name in OF_THE_DEPLOYMENT.into_iter().chain(CAPS).chain(PRICES) {
        settings.remove(name);
    }
    settings.extend(plan.request.settings.clone());
    let (name, value) = WITHOUT_ANSWERS;
    settings.insert(name.to_owned(), value.to_owned());
    settings
}

/// Refuses a retry whose result could not be merged.
fn check_fits(result: &FetchedResult, plan: &Plan) -> Result<(), Failure> {
    let asking = Asking::of_plan(plan).map_err(|error| Failure::input(error.to_string()))?;
    let settings: &Settings = asking.settings();
    if settings.skip_error_records {
        return Err(Failure::input(
            "BEDROCK_SKIP_ERROR_RECORDS would leave rows out of the retry, so that it could not be merged; leave it out",
        ));
    }
    result.check_fits(plan, asking.columns())
}
