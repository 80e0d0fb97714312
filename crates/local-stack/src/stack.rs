//! Starting the stack, running a request on it, and examining what it did.

use crate::counts::{MetricCount, MetricCounts};
use crate::functions::{CALLS_AT_ONCE, CallLimit, Functions, Reach, Surround, substitutions};
use crate::pause::CountedPause;
use crate::progress::{ProgressSink, Watch};
use crate::uses::{self, FunctionStores, FunctionUse, UseCounts};
use crate::work::Work;
use quarry_bedrock_simulator::{
    AnswerSource, Counters, Faults, Limits, Running, Schedule, Simulator, SimulatorConfig,
};
use quarry_contract::location::{LocationError, S3Uri};
use quarry_contract::payload::FinishOutput;
use quarry_contract::request::Request;
use quarry_edge::bedrock::{BedrockJobs, BedrockOnDemand};
use quarry_edge::clock::Clock;
use quarry_edge::error::StepError;
use quarry_edge::jobs::BatchJobs;
use quarry_edge::metrics::Metric;
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::{self, SdkOptions};
use quarry_edge::store::ObjectStore;
use quarry_local_s3::{LocalS3, Observer, Traffic};
use quarry_state_machine::{
    Definition, DefinitionError, Execution, ExecutionOutcome, Host, Machine, RedriveError,
    StartError, Status, VirtualClock,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// The stack's one bucket.
pub const BUCKET: &str = "quarry-local";

/// The configuration of a stack.
pub struct StackConfig {
    /// The directory behind the S3 server.
    pub directory: PathBuf,
    /// The deployment's settings.
    pub settings: BTreeMap<String, String>,
    /// Whether the bucket keeps versions. Without them, plan copies the data into the run's folder.
    pub keeps_versions: bool,
    /// The simulator's quotas.
    pub limits: Limits,
    /// How long the simulator's jobs take.
    pub schedule: Schedule,
    /// The source of the simulated model's answers.
    pub answers: AnswerSource,
    /// The scripted faults.
    pub faults: Faults,
    /// How much work one call of a function may do.
    pub call_limit: CallLimit,
    /// Wraps what each call of a function reaches, for tests.
    pub surround: Option<Surround>,
    /// The start of the virtual clock, since 1970-01-01T00:00:00Z.
    pub now: Duration,
    /// Receives every step.
    pub progress: ProgressSink,
    /// Counts the rows of a run, for callers that read the progress from time to time.
    pub work: Arc<Work>,
}

impl StackConfig {
    /// Uses the service's default quotas, no faults, and a clock that starts at `now`.
    pub fn new(directory: PathBuf, now: Duration) -> Self {
        Self {
            directory,
            settings: BTreeMap::new(),
            keeps_versions: true,
            limits: Limits::default(),
            schedule: Schedule::default(),
            answers: AnswerSource::default(),
            faults: Faults::default(),
            call_limit: CallLimit::None,
            surround: None,
            now,
            progress: Arc::new(|_| {}),
            work: Arc::default(),
        }
    }
}

/// Why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A location in the stack's bucket is not valid.
    #[error(transparent)]
    Location(LocationError),
    /// Calls of the simulator cannot be made.
    #[error(transparent)]
    Calls(#[from] StepError),
    /// The S3 server failed.
    #[error("the local S3 server did not start")]
    S3(#[from] quarry_local_s3::S3StartError),
    /// The simulator failed.
    #[error("the Bedrock simulator did not start")]
    Simulator(#[from] quarry_bedrock_simulator::SimulatorStartError),
    /// The state machine's definition is refused.
    #[error("the state machine's definition cannot be used")]
    Definition(#[from] DefinitionError),
}

/// How a run failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}: {cause}")]
pub struct RunError {
    /// The error's name, e.g. `Quarry.BadRequest`.
    pub error: String,
    /// Its message.
    pub cause: String,
}

/// A run that ended well.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The execution's output.
    pub output: FinishOutput,
    /// The summary.
    pub summary: Value,
    /// The outcome of the execution.
    pub outcome: ExecutionOutcome,
}

/// The running stack.
pub struct LocalStack {
    s3: LocalS3,
    simulator: Arc<Running>,
    store: Arc<dyn ObjectStore>,
    machine: Machine,
    functions: Arc<Functions>,
}

struct StackClock(VirtualClock);

impl Clock for StackClock {
    fn now(&self) -> Duration {
        since_1970(self.0.now())
    }
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Returns what the S3 server tells about its traffic: how far the rows are, and who reads and writes.
fn observer(work: Arc<Work>, use_counts: Arc<UseCounts>) -> Observer {
    Arc::new(move |traffic: Traffic<'_>| {
        use_counts.traffic(traffic);
        work.traffic(traffic);
    })
}

impl LocalStack {
    /// Starts everything. All servers listen only on the loopback address.
    pub async fn start(config: StackConfig) -> Result<Self, StackError> {
        let work = config.work;
        let use_counts = Arc::new(UseCounts::default());
        let observer = observer(Arc::clone(&work), Arc::clone(&use_counts));
        let s3 = LocalS3::start_observed(&config.directory, observer)?;
        s3.create_bucket(BUCKET)?;
        if config.keeps_versions {
            s3.keep_versions(BUCKET);
        }
        let credentials = uses::credentials(s3.credentials());
        let options = |endpoint: String| SdkOptions {
            endpoint_url: Some(endpoint),
            region: Some("us-east-1".to_owned()),
            credentials: Some(credentials.clone()),
            // Retries inside the SDK would wait in real time; those of the state machine do not.
            max_attempts: Some(1),
        };
        let s3_sdk = sdk::load(options(s3.endpoint())).await;
        let store = S3Store::new(&s3_sdk, true);
        let clock = VirtualClock::starting_at(UNIX_EPOCH + config.now);
        let now = clock.clone();
        let mut simulated = SimulatorConfig::new(
            store.client().clone(),
            Arc::new(move || since_1970(now.now())),
        );
        simulated.limits = config.limits;
        simulated.schedule = config.schedule;
        simulated.answers = config.answers;
        simulated.faults = config.faults;
        let simulator = Arc::new(Simulator::start(simulated).await?);
        let asked = Arc::downgrade(&simulator);
        work.count_asks_with(Box::new(move || {
            asked
                .upgrade()
                .map_or(0, |simulator| simulator.counters().asks)
        }));
        let bedrock_sdk = sdk::load(options(simulator.endpoint())).await;

        let stores = FunctionStores::new(&s3, &store)?;
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        let functions = Arc::new(Functions {
            simulator: Arc::clone(&simulator),
            reach: Reach {
                store: Arc::clone(&store),
                jobs: Arc::new(BedrockJobs::new(&bedrock_sdk)?),
                models: Arc::new(BedrockOnDemand::new(&bedrock_sdk)),
                clock: Arc::new(StackClock(clock.clone())),
            },
            stores,
            uses: use_counts,
            surround: config.surround,
            pause: Arc::new(CountedPause::default()),
            settings: config.settings,
            work: S3Uri::new(BUCKET, "work").map_err(StackError::Location)?,
            call_limit: config.call_limit,
            metrics: Arc::new(MetricCounts::default()),
            work_done: Arc::clone(&work),
            places: Semaphore::new(CALLS_AT_ONCE),
        });
        let definition = Definition::load(crate::DEFINITION, &substitutions())?;
        let watch = Watch {
            began: clock.now(),
            sink: config.progress,
            work,
        };
        let machine = Machine::new(
            definition,
            Arc::clone(&functions) as Arc<dyn Host>,
            clock,
            Arc::new(watch),
        );
        Ok(Self {
            s3,
            simulator,
            store,
            machine,
            functions,
        })
    }

    /// Returns the store with everything in S3.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Returns why the stack's directory could not be written, if the cause was a lack of space.
    pub fn out_of_space(&self) -> Option<ErrorKind> {
        self.s3.out_of_space()
    }

    /// Returns what the simulator counted.
    pub fn counters(&self) -> Counters {
        self.simulator.counters()
    }

    /// Returns what the functions emitted of a metric.
    pub fn metric(&self, metric: Metric) -> MetricCount {
        self.functions.metrics.of(metric)
    }

    /// Returns what each function has used so far, and `state machine` itself, by their names. Requests of
    /// the simulator and of the stack's callers are not among them.
    pub fn uses(&self) -> BTreeMap<&'static str, FunctionUse> {
        self.functions.stores.uses(&self.s3, &self.functions.uses)
    }

    /// Returns the simulator.
    pub fn simulator(&self) -> &Running {
        &self.simulator
    }

    /// Returns the interface through which the functions reach batch jobs.
    pub fn jobs(&self) -> &Arc<dyn BatchJobs> {
        &self.functions.reach.jobs
    }

    /// Returns the stack's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.functions.reach.clock
    }

    /// Creates an execution of the state machine. It begins when it is run, and can be stopped.
    pub fn execution(&self, name: &str, input: Value) -> Result<Execution, StartError> {
        self.machine.execution(name, input)
    }

    /// Opens an execution again that did not succeed. It continues when it is run.
    pub fn redrive(&self, name: &str) -> Result<Execution, RedriveError> {
        self.machine.redrive(name)
    }

    /// Runs a request under an execution name.
    pub async fn run(&self, name: &str, request: &Request) -> Result<Finished, RunError> {
        let failed = |error: &str, cause: String| RunError {
            error: error.to_owned(),
            cause,
        };
        self.functions.work_done.begin(request.data.clone());
        let input = serde_json::to_value(request)
            .map_err(|error| failed("Quarry.BadRequest", error.to_string()))?;
        let outcome = self
            .machine
            .run(name, input)
            .await
            .map_err(|error| failed("Quarry.BadRequest", error.to_string()))?;
        self.finished(outcome).await
    }

    /// Returns what became of a run, given the outcome of its execution.
    pub async fn finished(&self, outcome: ExecutionOutcome) -> Result<Finished, RunError> {
        let failed = |error: &str, cause: String| RunError {
            error: error.to_owned(),
            cause,
        };
        let output = match &outcome.status {
            Status::Succeeded(output) => output.clone(),
            Status::Failed { error, cause } => {
                // A failed slice gives a better reason than the Map that it failed.
                let (error, cause) = outcome
                    .first_child_failure
                    .as_ref()
                    .map_or((error, cause), |child| (&child.error, &child.cause));
                return Err(failed(error, message(cause)));
            }
            Status::TimedOut => {
                return Err(failed("States.Timeout", "the run took too long".to_owned()));
            }
            Status::Aborted { error, cause } => return Err(failed(error, cause.clone())),
        };
        let output: FinishOutput = serde_json::from_value(output)
            .map_err(|error| failed("Quarry.Inconsistent", error.to_string()))?;
        let summary = quarry_edge::documents::read_plain(&*self.store, &output.summary)
            .await
            .map_err(|error| failed(error.name(), error.full_message()))?;
        Ok(Finished {
            output,
            summary,
            outcome,
        })
    }

    /// Calls one function as the state machine would.
    pub async fn call<I, O>(&self, function: &str, input: &I) -> Result<O, RunError>
    where
        I: Serialize + Sync,
        O: DeserializeOwned,
    {
        let failed = |error: String, cause: String| RunError { error, cause };
        let internal =
            |error: serde_json::Error| failed("Quarry.Inconsistent".to_owned(), error.to_string());
        let payload = serde_json::to_value(input).map_err(internal)?;
        let output = self
            .functions
            .invoke(function, payload)
            .await
            .map_err(|error| failed(error.error_type, error.message))?;
        serde_json::from_value(output).map_err(internal)
    }

    /// Stops the servers.
    pub fn stop(self) {
        drop((self.machine, self.functions, self.simulator));
        self.s3.stop();
    }
}

/// Returns the function's own message in a cause.
fn message(cause: &str) -> String {
    serde_json::from_str::<Value>(cause)
        .ok()
        .and_then(|cause| cause.get("errorMessage")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| cause.to_owned())
}
