//! A data set, its prompts and the request of a run over them, in memory.

use crate::doubles::Silent;
use bytes::Bytes;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{PlanInput, PlanOutput};
use quarry_contract::plan::Plan;
use quarry_edge::clock::{TimeLeft, Unlimited};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The run's model unless the settings name another.
pub const MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/// When the runs start. On this day every model that the tests name is in service.
pub const STARTED: &str = "2026-01-02T03:04:05Z";

/// The input of `plan`, and a store with the objects that it names. The data are in
/// `s3://bucket/in/`, the prompts in `s3://bucket/prompts/`; the result goes to `s3://bucket/out/`,
/// and the run's folder is `s3://bucket/work/run`.
#[derive(Debug, Clone)]
pub struct RunInput {
    /// The objects. Clones share them.
    pub store: MemoryStore,
    /// The payload, which a test may change.
    pub payload: PlanInput,
    /// The deployment's settings.
    pub deployment: BTreeMap<String, String>,
    /// The deployment's work prefix.
    pub work: Option<S3Uri>,
}

impl RunInput {
    /// Creates a run with the text of its `prompts.json`, over files with these names in the data
    /// folder.
    pub async fn new(prompts: &str, files: &[(&str, &[u8])]) -> Self {
        Self::over(&MemoryStore::new(), prompts, files).await
    }

    /// Creates the same run in an existing store.
    ///
    /// # Panics
    ///
    /// If memory does not accept an object, which does not happen.
    pub async fn over(store: &MemoryStore, prompts: &str, files: &[(&str, &[u8])]) -> Self {
        let payload = serde_json::from_value(json!({
            "version": 1,
            "execution": "run",
            "started": STARTED,
            "turn": 0,
            "request": {
                "version": 1,
                "data": "s3://bucket/in/",
                "prompts": "s3://bucket/prompts/",
                "output": "s3://bucket/out/",
                "work": "s3://bucket/work/",
                "job_type": "validation",
                "settings": {"BEDROCK_PRIMARY_MODEL_ID": MODEL},
            },
        }));
        let input = Self {
            store: store.clone(),
            payload: payload.expect("a plan's input"),
            deployment: BTreeMap::new(),
            work: None,
        };
        input.put("prompts/prompts.json", prompts).await;
        for (name, body) in files {
            input.put(&format!("in/{name}"), *body).await;
        }
        input
    }

    /// Sets a setting of the request. If a setting is set several times, the last one counts.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let settings = &mut self.payload.request.settings;
        settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Gives the run the schema of this text.
    #[must_use]
    pub async fn schema(mut self, text: &str) -> Self {
        self.put("schema/validation_schema_1.json", text).await;
        self.payload.request.schema = Some(place("schema/"));
        self
    }

    /// Puts an object into the bucket.
    ///
    /// # Panics
    ///
    /// If memory does not accept the object, which does not happen.
    pub async fn put(&self, key: &str, body: impl AsRef<[u8]> + Send) {
        let body = Bytes::copy_from_slice(body.as_ref());
        let written = self
            .store
            .put(&place(key), body, WriteCondition::Always)
            .await;
        written.expect("memory takes every object");
    }

    /// Calls `plan` once, with the payload's turn.
    ///
    /// # Errors
    ///
    /// Those of `plan`.
    pub async fn call(
        &self,
        store: Arc<dyn ObjectStore>,
        turn: u32,
        time_left: &dyn TimeLeft,
    ) -> Result<PlanOutput, StepError> {
        let deps = quarry_plan::Deps {
            store,
            settings: self.deployment.clone(),
            work: self.work.clone(),
            metrics: Arc::new(Silent),
        };
        let payload = PlanInput {
            turn,
            ..self.payload.clone()
        };
        quarry_plan::handle(&deps, payload, time_left).await
    }

    /// Plans the run in one call.
    ///
    /// # Errors
    ///
    /// Those of `plan`.
    pub async fn planned(&self) -> Result<PlanOutput, StepError> {
        self.call(Arc::new(self.store.clone()), 0, &Unlimited).await
    }

    /// Plans the run and returns its plan.
    ///
    /// # Errors
    ///
    /// Those of `plan`.
    pub async fn plan(&self) -> Result<Plan, StepError> {
        let planned = self.planned().await?;
        documents::read(&self.store, &RunFolder::at(planned.run).plan()).await
    }
}

/// Returns the location of an object of the bucket.
fn place(key: &str) -> S3Uri {
    S3Uri::new("bucket", key).expect("a location")
}
