//! `quarry submit`: starts a run of a deployment over files of this machine.

use crate::deployment::{DeploymentArguments, now};
use crate::estimate::{CostArguments, MissingPrice, PlannedCost};
use crate::failure::Failure;
use crate::output::{printable, say, write, write_json};
use crate::plan_total::PlanTotal;
use crate::question::confirm;
use crate::staging::{
    self, ExpectedPlan, JobArguments, JobInS3, JobPlaces, LocalJob, SampleArguments,
};
use crate::watch::{Following, follow};
use crate::workspace::Workspace;
use clap::Args;
use quarry_contract::plan::Plan;
use quarry_contract::settings::{MAX_COST, Settings};
use quarry_cost::estimate::Estimated;
use quarry_cost::{TokenRate, Usd};
use quarry_local_stack::LocalStack;
use quarry_remote::{RemoteDeployment, RunReader};
use quarry_runs::{check_name, counted, new_name};
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

/// A run that is expected to cost at most this starts without a question.
const SMALL_COST: Usd = Usd::whole(1);
/// And at most this if the estimate is at its highest.
const SMALL_MOST: Usd = Usd::whole(10);

/// Arguments of `quarry submit`.
#[derive(Debug, Args)]
pub(crate) struct SubmitArguments {
    #[command(flatten)]
    job: JobArguments,
    #[command(flatten)]
    sample: SampleArguments,
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    cost: CostArguments,
    #[command(flatten)]
    start: StartArguments,
}

/// How a run is started.
#[derive(Debug, Args)]
pub(crate) struct StartArguments {
    /// The run's name: letters, digits and -; by default it is made from the data's name and the
    /// time.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Follow the run to its end, as `quarry watch` does.
    #[arg(long)]
    wait: bool,
    /// The folder for the results, which are copied when the run has succeeded.
    #[arg(long, value_name = "DIR", requires = "wait")]
    out: Option<PathBuf>,
    /// Start without a question, whatever the run is expected to cost.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl StartArguments {
    /// Refuses a name that no run can have.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.name {
            Some(name) => check_name(name).map_err(|error| Failure::usage(error.to_string())),
            None => Ok(()),
        }
    }
}

/// What a run will ask, as it was planned here.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    total: PlanTotal,
    model: String,
    cost: Result<PlannedCost, MissingPrice>,
    notes: Vec<String>,
    /// Whether the numbers are expected, because only beginnings of the data were read.
    is_expected: bool,
}

impl Planned {
    /// Says what the run is expected to cost, and refuses more than the user allows. Returns whether
    /// it is so little that nobody needs to be asked.
    fn check_cost(&self, allowed: &CostArguments) -> Result<bool, Failure> {
        match &self.cost {
            Ok(cost) => {
                say(&format!("expected to cost {}", cost.in_a_line()));
                allowed.check(cost.expected())?;
                let Estimated { expected, high, .. } = cost.estimated();
                Ok(expected <= SMALL_COST && high <= SMALL_MOST)
            }
            Err(no_price) if allowed.has_limit() => Err(Failure::input(no_price.to_string())),
            Err(no_price) => {
                say(&format!("note: {no_price}"));
                Ok(false)
            }
        }
    }
}

/// A job as the arguments give it.
enum GivenJob {
    /// Its files are on this machine.
    Here(Box<LocalJob>),
    /// Its data is in S3.
    InS3(JobInS3),
}

impl GivenJob {
    fn of(arguments: &JobArguments) -> Result<Self, Failure> {
        Ok(match JobInS3::of(arguments)? {
            Some(job) => Self::InS3(job),
            None => Self::Here(Box::new(LocalJob::read(arguments)?)),
        })
    }
}

/// Plans the run here, uploads its files, and starts it.
pub(crate) async fn submit(arguments: SubmitArguments) -> Result<(), Failure> {
    arguments.start.check()?;
    let given = GivenJob::of(&arguments.job)?;
    let deployment = arguments.deployment.open().await?;
    let random = random();
    let name = arguments.start.name.clone();
    let run = name.unwrap_or_else(|| new_run_name(&stem(&arguments.job.data), random));
    deployment.check_is_new(&run).await?;
    let copies = Workspace::temporary()?;
    let job = match given {
        GivenJob::Here(job) => *job,
        GivenJob::InS3(job) => job.fetch(&deployment, copies.path()).await?,
    };
    let job = job.sampled(arguments.sample)?;
    let planned = plan(&job, &deployment, arguments.cost.rate()).await?;
    let folder = deployment.upload_folder(&run, random);
    let start = RunStart {
        deployment: &deployment,
        job: &job,
        run: &run,
        places: JobPlaces::below(&folder, deployment.results_folder(&run)),
        retries: None,
    };
    let (cost, how) = (&arguments.cost, &arguments.start);
    start
        .confirmed(&planned, cost, how, &arguments.deployment)
        .await
}

/// A run that is planned and not started yet.
pub(crate) struct RunStart<'a> {
    pub(crate) deployment: &'a RemoteDeployment,
    pub(crate) job: &'a LocalJob,
    /// The new run's name.
    pub(crate) run: &'a str,
    pub(crate) places: JobPlaces,
    /// The run whose failed rows it asks again.
    pub(crate) retries: Option<&'a str>,
}

impl RunStart<'_> {
    /// Says what the run asks and costs, starts it if the user agrees, and follows it if that is wanted.
    pub(crate) async fn confirmed(
        &self,
        planned: &Planned,
        cost: &CostArguments,
        how: &StartArguments,
        arguments: &DeploymentArguments,
    ) -> Result<(), Failure> {
        let (deployment, run) = (self.deployment, self.run);
        for note in &planned.notes {
            say(&format!("note: {note}"));
        }
        let (about, total) = if planned.is_expected {
            ("about ", &planned.total.rounded())
        } else {
            ("", &planned.total)
        };
        say(&format!(
            "{about}{}, {}, to {}",
            counted(total.rows, "row"),
            total.in_words(),
            planned.model
        ));
        let is_small = planned.check_cost(cost)?;
        confirm("Start the run?", how.yes || is_small).await?;
        let store = deployment.store();
        let request = self.job.upload(store, &self.places).await?;
        deployment.start(run, &request).await?;
        if how.json {
            let mut started = json!({
                "run": run, "stack": deployment.name(), "model": planned.model, "rows": planned.total.rows,
                "records": planned.total.records, "bytes": planned.total.bytes, "jobs": planned.total.jobs,
                "calls": planned.total.on_demand, "estimated": planned.is_expected, "cost": planned.cost.as_ref().ok().map(PlannedCost::estimated),
                "request": request,
            });
            if let Some(retries) = self.retries {
                started["retries"] = json!(retries);
            }
            write_json(&started)?;
        } else {
            write(format!("started {}\n", printable(run)).as_bytes())?;
        }
        if how.wait {
            let following = Following {
                every: None,
                out: how.out.clone(),
            };
            let mut run = RunReader::open(deployment, run).await?;
            return follow(deployment, &mut run, &following, how.json).await;
        }
        let then = if self.job.is_sampled() {
            "; it ends with what all rows would cost"
        } else {
            ""
        };
        say(&format!(
            "next: quarry watch {run}{}{then}",
            arguments.as_text()
        ));
        Ok(())
    }
}

/// Plans the run on a local stack, with the deployment's settings.
pub(crate) async fn plan(
    job: &LocalJob,
    deployment: &RemoteDeployment,
    rate: Option<TokenRate>,
) -> Result<Planned, Failure> {
    let workspace = Workspace::temporary()?;
    let mut config = staging::stack_config(workspace.path(), job, None, None)?;
    config.settings = deployment.settings();
    let settings = config.settings.clone();
    let stack = staging::start(config).await?;
    let planned = Box::pin(plan_on(&stack, job, &settings, rate)).await;
    let planned = planned.map_err(|failure| staging::explained(&stack, workspace.path(), failure));
    stack.stop();
    planned
}

async fn plan_on(
    stack: &LocalStack,
    job: &LocalJob,
    settings: &BTreeMap<String, String>,
    rate: Option<TokenRate>,
) -> Result<Planned, Failure> {
    let staged = job.for_planning();
    let request = staged.stage(stack.store(), &|_| {}).await?;
    let steps = staged.plan(stack, request).await?;
    let expected = job.expected(steps.plan(), steps.slices(), settings)?;
    let (plan, slices) = match &expected {
        Some(ExpectedPlan { plan, slices }) => (plan, slices.as_slice()),
        None => (steps.plan(), steps.slices()),
    };
    let names = job.names();
    let read = Settings::read(&plan.settings);
    let read = read.map_err(|error| Failure::input(error.to_string()))?;
    let cost = PlannedCost::of(plan, slices, job, rate)?;
    if expected.is_some()
        && let (Ok(cost), Some(cap)) = (&cost, read.max_cost)
        && cost.expected() > cap
    {
        return Err(Failure::input(format!(
            "the run is expected to cost about {}, more than {MAX_COST}, {}; ask a sample of the rows with --sample, or \
             raise {MAX_COST}",
            cost.expected().shown_beside(cap),
            cap.as_given()
        )));
    }
    Ok(Planned {
        total: PlanTotal::of(slices),
        model: read.primary_model_id,
        cost,
        notes: plan.notes.iter().map(|note| names.in_text(note)).collect(),
        plan: plan.clone(),
        is_expected: expected.is_some(),
    })
}

/// Returns the data's name without endings.
fn stem(data: &Path) -> String {
    let whole = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty());
    stem.unwrap_or_default().to_owned()
}

/// Returns the name of a new run. `random` tells it from another one that begins at the same time.
pub(crate) fn new_run_name(data: &str, random: u32) -> String {
    let [high, low, ..] = random.to_be_bytes();
    new_name(data, now(), u16::from_be_bytes([high, low]))
}

/// Returns a number that other calls of the command do not have.
pub(crate) fn random() -> u32 {
    // Each state has random keys.
    let hash = RandomState::new().hash_one(now());
    u32::try_from(hash >> 32).unwrap_or_default()
}
