//! Promise: events from outside start exactly the right runs, once; what a run writes starts none;
//! a waiting pipeline always gets a result.

mod arrivals;
mod callbacks;
mod errors;
mod places;

use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::request::Request;
use quarry_edge::callbacks::memory::MemoryCallbacks;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_trigger::{Arrived, Deps, Elsewhere, Prefixes, TriggerEvent, TriggerOutput, handle};
use serde_json::Value;
use std::sync::Arc;

const BUCKET: &str = "quarry-data";
const MACHINE: &str = "arn:aws:states:us-east-2:123456789012:stateMachine:quarry";

fn at(key: &str) -> S3Uri {
    S3Uri::new(BUCKET, key).unwrap()
}

fn places() -> Prefixes {
    Prefixes::new(at("inbox"), at("pipelines"), at("results"), at("runs")).unwrap()
}

/// The places that the deployment lists as readable and writable for every pipeline.
fn elsewhere() -> Elsewhere {
    Elsewhere::new(
        "arn:aws:s3:::quarry-data/strikes/*",
        "arn:aws:s3:::quarry-data/strikes/*,arn:aws:s3:::elsewhere/*",
    )
    .unwrap()
}

/// A deployment in memory.
struct World {
    store: MemoryStore,
    executions: MemoryExecutions,
    callbacks: MemoryCallbacks,
}

impl World {
    fn new() -> Self {
        Self::over(MemoryStore::default())
    }

    /// A deployment over an existing store.
    fn over(store: MemoryStore) -> Self {
        Self {
            store,
            executions: MemoryExecutions::default(),
            callbacks: MemoryCallbacks::default(),
        }
    }

    fn deps(&self) -> Deps {
        Deps {
            store: Arc::new(self.store.clone()),
            executions: Arc::new(self.executions.clone()),
            callbacks: Arc::new(self.callbacks.clone()),
            deployment: MACHINE.to_owned(),
            places: places(),
            elsewhere: elsewhere(),
        }
    }

    /// Writes an object. Returns its `ETag` as EventBridge gives it.
    async fn put(&self, key: &str, body: &str) -> String {
        let body = Bytes::from(body.to_owned());
        let etag = self
            .store
            .put(&at(key), body, WriteCondition::Always)
            .await
            .unwrap();
        etag.trim_matches('"').to_owned()
    }

    async fn arrived(&self, event: Value) -> Arrived {
        let event: TriggerEvent = serde_json::from_value(event).unwrap();
        match handle(&self.deps(), event).await.unwrap() {
            TriggerOutput::Arrival(arrived) => arrived,
            other @ TriggerOutput::Batch(_) => panic!("{other:?}"),
        }
    }

    /// Handles a batch. Returns what Lambda returns to SQS.
    async fn batch(&self, event: Value) -> Value {
        let event: TriggerEvent = serde_json::from_value(event).unwrap();
        let answer = handle(&self.deps(), event).await.unwrap();
        serde_json::to_value(answer).unwrap()
    }

    /// Returns the only run's name and request.
    fn only_run(&self) -> (String, Request) {
        let executions = self.executions.executions();
        assert_eq!(executions.len(), 1, "{executions:?}");
        let (name, execution) = executions.into_iter().next().unwrap();
        (name, serde_json::from_str(&execution.input).unwrap())
    }
}

/// Returns a recorded event.
fn event(name: &str) -> Value {
    let file = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Returns the event of an object that is in the store.
async fn event_of(world: &World, name: &str, body: &str) -> Value {
    let mut event = event(name);
    let object = &mut event["detail"]["object"];
    let key = object["key"].as_str().unwrap().to_owned();
    object["etag"] = world.put(&key, body).await.into();
    event
}
