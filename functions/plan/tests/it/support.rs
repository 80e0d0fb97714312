//! Planning over objects in memory.

use bytes::Bytes;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::PlanInput;
use quarry_contract::plan::Plan;
use quarry_edge::clock::Unlimited;
use quarry_edge::documents;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_plan::Deps;
use quarry_planned_run::{STARTED, Silent};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A data folder, prompts and settings.
pub(crate) struct Case {
    pub(crate) store: MemoryStore,
    settings: BTreeMap<String, String>,
}

impl Case {
    pub(crate) async fn new(prompts: &str, files: &[(&str, &[u8])]) -> Self {
        let case = Self {
            store: MemoryStore::default(),
            settings: BTreeMap::from([(
                "BEDROCK_PRIMARY_MODEL_ID".to_owned(),
                "anthropic.claude-sonnet-4-20250514-v1:0".to_owned(),
            )]),
        };
        case.put("prompts/prompts.json", prompts.as_bytes()).await;
        for (name, body) in files {
            case.put(&format!("in/{name}"), body).await;
        }
        case
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    async fn put(&self, key: &str, body: &[u8]) {
        let body = Bytes::copy_from_slice(body);
        self.store.put(&place(key), body, false).await.unwrap();
    }

    /// Returns the plan, or the words of the refusal.
    pub(crate) async fn plan(self) -> Result<Plan, String> {
        let input: PlanInput = serde_json::from_value(json!({
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
                "settings": self.settings,
            },
        }))
        .unwrap();
        let deps = Deps {
            store: Arc::new(self.store.clone()),
            settings: BTreeMap::new(),
            work: None,
            metrics: Arc::new(Silent),
        };
        quarry_plan::handle(&deps, input, &Unlimited)
            .await
            .map_err(|error| error.to_string())?;
        let run = RunFolder::new(&place("work/"), "run");
        Ok(documents::read(&self.store, &run.plan()).await.unwrap())
    }
}

fn place(key: &str) -> S3Uri {
    S3Uri::new("bucket", key).unwrap()
}
