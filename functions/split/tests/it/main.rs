//! Promise: a round is written in the form that earlier ones led to, and says so.

use bytes::Bytes;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{PlanInput, SliceState};
use quarry_contract::plan::{Asked, RequestForms, Todo};
use quarry_edge::clock::Unlimited;
use quarry_edge::documents;
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_model::{Enforcement, RequestForm};
use quarry_split::{Deps, handle};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

struct Silent;

impl Metrics for Silent {
    fn emit(&self, _: &[(Metric, u64)]) {}
}

async fn put(store: &MemoryStore, key: &str, text: String) {
    let at: S3Uri = format!("s3://bucket/{key}").parse().unwrap();
    store.put(&at, Bytes::from(text), false).await.unwrap();
}

/// A planned run over three rows.
async fn planned(store: &MemoryStore) -> RunFolder {
    put(store, "in/rows.csv", "row\nr0\nr1\nr2\n".to_owned()).await;
    let prompts = json!({"user_prompt_template": "{row}", "input_placeholders": ["row"]});
    put(store, "prompts/prompts.json", prompts.to_string()).await;
    let input: PlanInput = serde_json::from_value(json!({
        "version": 1,
        "execution": "run",
        "started": "2026-01-02T03:04:05Z",
        "turn": 0,
        "request": {
            "version": 1,
            "data": "s3://bucket/in/",
            "prompts": "s3://bucket/prompts/",
            "output": "s3://bucket/out/",
            "work": "s3://bucket/work/",
            "job_type": "validation",
            "settings": {"BEDROCK_PRIMARY_MODEL_ID": "anthropic.claude-sonnet-4-20250514-v1:0"},
        },
    }))
    .unwrap();
    let deps = quarry_plan::Deps {
        store: Arc::new(store.clone()),
        settings: BTreeMap::new(),
        work: None,
        metrics: Arc::new(Silent),
    };
    RunFolder::at(
        quarry_plan::handle(&deps, input, &Unlimited)
            .await
            .unwrap()
            .run,
    )
}

async fn split(store: &MemoryStore, state: SliceState) -> Asked {
    let deps = Deps {
        store: Arc::new(store.clone()),
    };
    let round = RunFolder::at(state.run.clone())
        .slice(state.slice)
        .round(state.round);
    handle(&deps, state).await.unwrap();
    documents::read(store, &round.asked()).await.unwrap()
}

fn forms(because: &str) -> RequestForms {
    RequestForms {
        primary: RequestForm::new(Enforcement::None),
        fallback: None,
        because: vec![because.to_owned()],
    }
}

#[tokio::test]
async fn a_slice_begins_in_the_form_that_the_run_has_learned() {
    let store = MemoryStore::new();
    let run = planned(&store).await;
    let first = SliceState::first(run.location().clone(), 0);
    let asked = split(&store, first.clone()).await;
    assert_eq!((asked.forms, asked.is_taken), (None, false));
    documents::write(&store, &run.forms(), &forms("no prefill"))
        .await
        .unwrap();
    let asked = split(&store, first).await;
    assert_eq!(
        (asked.forms, asked.is_taken),
        (Some(forms("no prefill")), false)
    );
}

/// What the run has learned since is not for a round that was listed in another form: its earlier
/// answers were read in that one.
#[tokio::test]
async fn a_later_round_is_written_as_it_was_listed() {
    let store = MemoryStore::new();
    let run = planned(&store).await;
    documents::write(&store, &run.forms(), &forms("learned later"))
        .await
        .unwrap();
    for (listed, is_taken) in [(None, true), (Some(forms("listed")), false)] {
        let todo = Todo {
            version: 1,
            rows: vec![1],
            forms: listed.clone(),
            is_taken,
        };
        let round = run.slice(0).round(1);
        documents::write(&store, &round.todo(), &todo)
            .await
            .unwrap();
        let state = SliceState {
            round: 1,
            ..SliceState::first(run.location().clone(), 0)
        };
        let asked = split(&store, state).await;
        assert_eq!(
            (asked.records, asked.forms, asked.is_taken),
            (1, listed, is_taken)
        );
    }
}
