//! The functions, under the names that the state machine uses.

use crate::counts::MetricCounts;
use crate::pause::CountedPause;
use crate::uses::{FunctionStores, STATE_MACHINE, UseCounts};
use crate::work::Work;
use async_trait::async_trait;
use quarry_bedrock_simulator::Running;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{PlanOutput, SliceState};
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::clock::{Clock, TimeLeft};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::function::respond;
use quarry_edge::jobs::BatchJobs;
use quarry_edge::metrics::Metrics;
use quarry_edge::on_demand::OnDemand;
use quarry_edge::store::ObjectStore;
use quarry_edge::telemetry::About;
use quarry_state_machine::{FunctionError, Host};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Semaphore;

/// The substitutions of the state machine's definition.
pub(crate) fn substitutions() -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = [
        "Plan", "Split", "Submit", "Check", "Invoke", "Merge", "Finish",
    ]
    .into_iter()
    .map(|name| (format!("{name}Function"), name.to_lowercase()))
    .collect();
    all.insert("Partition".to_owned(), "aws".to_owned());
    all
}

/// How much work one call of a function may do; it replaces Lambda's limit of 15 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallLimit {
    /// No limit.
    None,
    /// At most this many pieces of work, at least one. Each function decides what its pieces are.
    Pieces(u32),
}

/// Says that there is enough time, but only this many times.
struct Pieces(AtomicU32);

impl TimeLeft for Pieces {
    fn enough(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }
}

impl CallLimit {
    fn time_left(self) -> Pieces {
        Pieces(AtomicU32::new(match self {
            Self::None => u32::MAX,
            Self::Pieces(pieces) => pieces.max(1),
        }))
    }
}

/// What one call of a function reaches.
#[derive(Clone)]
pub struct Reach {
    /// S3.
    pub store: Arc<dyn ObjectStore>,
    /// Bedrock's batch jobs.
    pub jobs: Arc<dyn BatchJobs>,
    /// Bedrock's models.
    pub models: Arc<dyn OnDemand>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// What one call of a function reaches through wrappers.
pub struct Surrounded {
    /// The wrappers.
    pub reach: Reach,
    /// Ready when the function dies, with the error's name and the message with which Lambda reports
    /// the death. The call then fails so.
    pub death: Pin<Box<dyn Future<Output = (&'static str, &'static str)> + Send>>,
}

/// Wraps what each call of a function reaches, given the function's name.
pub type Surround = Arc<dyn Fn(&str, Reach) -> Surrounded + Send + Sync>;

/// Everything that the functions need.
pub(crate) struct Functions {
    /// The simulator, whose late output has to be there when a call begins after its time.
    pub(crate) simulator: Arc<Running>,
    /// What the stack itself reaches, to follow a run.
    pub(crate) reach: Reach,
    /// S3 as each function reaches it.
    pub(crate) stores: FunctionStores,
    pub(crate) uses: Arc<UseCounts>,
    pub(crate) surround: Option<Surround>,
    pub(crate) pause: Arc<CountedPause>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) work: S3Uri,
    pub(crate) call_limit: CallLimit,
    pub(crate) metrics: Arc<MetricCounts>,
    pub(crate) work_done: Arc<Work>,
    /// Permits for calls. On AWS, each call has its own memory; here all calls share one process,
    /// and more calls than cores would only use more memory.
    pub(crate) places: Semaphore,
}

/// The number of calls at the same time.
pub(crate) const CALLS_AT_ONCE: usize = 2;

/// The largest object that the state machine itself reads: the manifest.
const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

impl Functions {
    /// Calls a handler as its `main` does: inside its span, and measured.
    async fn call<'a, I, O>(
        &self,
        function: &'static str,
        payload: Value,
        handle: impl FnOnce(I) -> Working<'a, O>,
    ) -> Result<Value, FunctionError>
    where
        I: About + DeserializeOwned,
        O: Serialize,
    {
        let output = respond(function, "local", &*self.metrics, payload, handle)
            .await
            .map_err(|error| FunctionError::new(error.name(), error.full_message()))?;
        serde_json::to_value(output)
            .map_err(|error| FunctionError::new("Quarry.BadRequest", error.to_string()))
    }
}

/// The future of a handler.
type Working<'a, O> = Pin<Box<dyn Future<Output = Result<O, StepError>> + Send + 'a>>;

impl Functions {
    /// Records what a call is about to work on. If the payload cannot be read, the call itself
    /// reports it.
    async fn watch_begin(&self, function: &str, payload: &Value) {
        if function != "split" {
            return;
        }
        let Ok(state) = SliceState::deserialize(payload) else {
            return;
        };
        if state.round > 0 {
            return;
        }
        let spec = RunFolder::at(state.run).slice(state.slice).spec();
        if let Ok(slice) = documents::read::<Slice>(&*self.reach.store, &spec).await {
            self.work_done.slice_begins(&slice);
        }
    }

    /// Records the progress of a call.
    async fn watch_end(&self, function: &str, output: &Value) {
        match function {
            "plan" => {
                let Ok(output) = PlanOutput::deserialize(output) else {
                    return;
                };
                let run = RunFolder::at(output.run);
                if output.done
                    && let Ok(plan) = documents::read::<Plan>(&*self.reach.store, &run.plan()).await
                {
                    self.work_done.planned(run, &plan);
                }
            }
            "finish" => {}
            _ => {
                if let Ok(state) = SliceState::deserialize(output) {
                    self.work_done.slice_advanced(function, &state);
                }
            }
        }
    }
}

/// The steps, each with the dependencies that its function's `main` gives it.
impl Functions {
    async fn dispatch(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        let _place = self.places.acquire().await;
        self.simulator.write_due().await;
        self.uses.called(function);
        let reach = Reach {
            store: Arc::clone(self.stores.of(function).unwrap_or(&self.reach.store)),
            ..self.reach.clone()
        };
        let Some(surround) = &self.surround else {
            return self.step(function, payload, &reach).await;
        };
        let Surrounded { reach, death } = surround(function, reach);
        tokio::select! {
            biased;
            result = self.step(function, payload, &reach) => result,
            (error, message) = death => Err(FunctionError::new(error, message)),
        }
    }

    async fn step(
        &self,
        function: &str,
        payload: Value,
        reach: &Reach,
    ) -> Result<Value, FunctionError> {
        match function {
            "plan" => self.plan(payload, reach).await,
            "split" => self.split(payload, reach).await,
            "submit" => self.submit(payload, reach).await,
            "check" => self.check(payload, reach).await,
            "invoke" => self.invoke_models(payload, reach).await,
            "merge" => self.merge(payload, reach).await,
            "finish" => self.finish(payload, reach).await,
            other => Err(FunctionError::new(
                "Lambda.ResourceNotFoundException",
                format!("there is no function `{other}`"),
            )),
        }
    }

    async fn plan(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let time_left = self.call_limit.time_left();
        let deps = quarry_plan::Deps {
            store: Arc::clone(&reach.store),
            settings: self.settings.clone(),
            work: Some(self.work.clone()),
            metrics: self.metrics(),
        };
        self.call("plan", payload, |input| {
            erased(quarry_plan::handle(&deps, input, &time_left))
        })
        .await
    }

    async fn split(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let deps = quarry_split::Deps {
            store: Arc::clone(&reach.store),
        };
        self.call("split", payload, |input| {
            erased(quarry_split::handle(&deps, input))
        })
        .await
    }

    async fn submit(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let deps = quarry_submit::Deps {
            store: Arc::clone(&reach.store),
            jobs: Arc::clone(&reach.jobs),
            metrics: self.metrics(),
        };
        self.call("submit", payload, |input| {
            erased(quarry_submit::handle(&deps, input))
        })
        .await
    }

    async fn check(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let deps = quarry_check::Deps {
            store: Arc::clone(&reach.store),
            jobs: Arc::clone(&reach.jobs),
            clock: Arc::clone(&reach.clock),
            metrics: self.metrics(),
        };
        self.call("check", payload, |input| {
            erased(quarry_check::handle(&deps, input))
        })
        .await
    }

    async fn invoke_models(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let time_left = self.call_limit.time_left();
        let deps = quarry_invoke::Deps {
            store: Arc::clone(&reach.store),
            models: Arc::clone(&reach.models),
            clock: Arc::clone(&reach.clock),
            pause: self.pause.clone(),
            metrics: self.metrics(),
        };
        self.call("invoke", payload, |input| {
            erased(quarry_invoke::handle(&deps, input, &time_left))
        })
        .await
    }

    async fn merge(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let deps = quarry_merge::Deps {
            store: Arc::clone(&reach.store),
            clock: Arc::clone(&reach.clock),
        };
        self.call("merge", payload, |input| {
            erased(quarry_merge::handle(&deps, input))
        })
        .await
    }

    async fn finish(&self, payload: Value, reach: &Reach) -> Result<Value, FunctionError> {
        let time_left = self.call_limit.time_left();
        let deps = quarry_finish::Deps {
            store: Arc::clone(&reach.store),
            metrics: self.metrics(),
        };
        self.call("finish", payload, |input| {
            erased(quarry_finish::handle(&deps, input, &time_left))
        })
        .await
    }

    fn metrics(&self) -> Arc<dyn Metrics> {
        Arc::clone(&self.metrics) as Arc<dyn Metrics>
    }
}

#[async_trait]
impl Host for Functions {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        if !self.work_done.is_watching() {
            return self.dispatch(function, payload).await;
        }
        self.watch_begin(function, &payload).await;
        let output = self.dispatch(function, payload).await?;
        self.watch_end(function, &output).await;
        Ok(output)
    }

    async fn get_object(&self, bucket: &str, key: &str) -> Result<Vec<u8>, FunctionError> {
        let at = S3Uri::new(bucket, key)
            .map_err(|error| FunctionError::new("States.ItemReaderFailed", error.to_string()))?;
        let store = self.stores.of(STATE_MACHINE).unwrap_or(&self.reach.store);
        store
            .get(&at, MAX_MANIFEST_BYTES)
            .await
            .map(|bytes| bytes.to_vec())
            .map_err(|error| FunctionError::new("States.ItemReaderFailed", error.to_string()))
    }
}

/// Hides a handler's type, so that the compiler proves separately that it is `Send`. As a part of a
/// larger future, it cannot.
fn erased<'a, O>(call: impl Future<Output = Result<O, StepError>> + Send + 'a) -> Working<'a, O> {
    Box::pin(call)
}
