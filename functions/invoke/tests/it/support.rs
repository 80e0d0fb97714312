//! A planned run on demand, and models that behave as a test says.

use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::SliceState;
use quarry_edge::clock::{RealPause, SystemClock, TimeLeft, Unlimited};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_invoke::{Deps, LAST_QUESTION, handle};
use quarry_model::Denial;
use quarry_planned_run::Silent;
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) const FALLBACK: &str = "anthropic.claude-3-haiku-20240307-v1:0";

/// Plans a run over `rows` rows on demand, one after the other. Returns the state that `invoke` is
/// called with.
pub(crate) async fn planned(store: &MemoryStore, rows: u32) -> SliceState {
    planned_with(store, rows, &[]).await
}

/// The same, with these settings in addition.
pub(crate) async fn planned_with(
    store: &MemoryStore,
    rows: u32,
    settings: &[(&str, &str)],
) -> SliceState {
    let usual = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_BATCH_SIZE", "10"),
        ("BEDROCK_RATE_LIMIT_PER_SECOND", "100"),
    ];
    let plan = quarry_planned_run::planned(store, rows, &[&usual, settings].concat()).await;
    let deps = quarry_split::Deps {
        store: Arc::new(store.clone()),
    };
    let first = SliceState::first(plan.run, 0);
    quarry_split::handle(&deps, first).await.unwrap()
}

/// Returns the only round of a run with one slice.
pub(crate) fn round(state: &SliceState) -> RoundFolder {
    RunFolder::at(state.run.clone())
        .slice(state.slice)
        .round(state.round)
}

/// Returns the stored output lines.
pub(crate) async fn kept_lines(store: &MemoryStore) -> Vec<Value> {
    let mut lines = Vec::new();
    for at in store.locations() {
        if at.key().contains("/output/on-demand/") {
            let body = store.get(&at, u64::MAX).await.unwrap();
            let values = serde_json::Deserializer::from_slice(&body).into_iter::<Value>();
            lines.extend(values.map(Result::unwrap));
        }
    }
    lines
}

/// Returns the bytes of the input that the stored objects hold the records of, according to their
/// names.
pub(crate) fn kept_ranges(store: &MemoryStore) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    for at in store.locations() {
        if at.key().contains("/output/on-demand/") {
            let name = at.file_name().strip_suffix(".jsonl.out").unwrap();
            let (start, end) = name.split_once('-').unwrap();
            assert_eq!((start.len(), end.len()), (16, 16), "so that they sort");
            ranges.push(start.parse().unwrap()..end.parse().unwrap());
        }
    }
    ranges
}

pub(crate) fn ids(lines: &[Value]) -> Vec<String> {
    let id = |line: &Value| line["recordId"].as_str().unwrap().to_owned();
    lines.iter().map(id).collect()
}

pub(crate) fn all_ids(rows: u32) -> Vec<String> {
    (0..rows).map(|row| format!("record_{row}")).collect()
}

/// A function's time limit in the deployment.
pub(crate) const LIMIT: Duration = Duration::from_mins(15);

/// Lambda's deadline on the clock of the runtime.
pub(crate) struct Deadline(pub(crate) Instant);

impl TimeLeft for Deadline {
    fn enough(&self) -> bool {
        Instant::now() + LAST_QUESTION < self.0
    }

    fn until_end(&self) -> Option<Duration> {
        Some(self.0 - Instant::now())
    }
}

pub(crate) type Reply = Result<(), InvokeError>;

/// Gives a model's reply, from its id and the row.
pub(crate) type Script = dyn Fn(&str, &str) -> Reply + Send + Sync;

/// Makes a reply from the service's words.
pub(crate) type MakeReply = fn(&'static str) -> Reply;

/// A model that treats each row as the test says. The records hold `r0`, `r1`, …
pub(crate) struct Scripted {
    script: Box<Script>,
    calls: Mutex<Vec<(String, String)>>,
}

impl Scripted {
    /// The script gets the model's id and the row.
    pub(crate) fn new(script: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            calls: Mutex::default(),
        })
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Returns how often a row was sent, to whichever model.
    pub(crate) fn calls_about(&self, row: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(_, of)| of == row).count()
    }
}

#[async_trait]
impl OnDemand for Scripted {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let body: Value = serde_json::from_slice(&question.body).unwrap();
        let content = &body["messages"][0]["content"];
        let row = content.as_str().or(content[0]["text"].as_str()).unwrap();
        let call = (question.model_id.to_owned(), row.to_owned());
        self.calls.lock().unwrap().push(call);
        tokio::time::sleep(Duration::from_secs(1)).await;
        (self.script)(question.model_id, row)?;
        let answer = json!({"content": [{"type": "text", "text": row}], "stop_reason": "end_turn"});
        Ok(ModelReply {
            json: Bytes::from(answer.to_string()),
            tier: None,
        })
    }
}

pub(crate) fn rejected(message: &str) -> Reply {
    Err(InvokeError::Rejected {
        code: 400,
        message: message.to_owned(),
    })
}

pub(crate) fn denied(denial: Denial, words: &str) -> Reply {
    Err(InvokeError::Denied {
        denial,
        source: words.into(),
    })
}

pub(crate) fn unavailable(words: &str) -> Reply {
    Err(InvokeError::Unavailable(words.into()))
}

pub(crate) fn throttled(words: &str) -> Reply {
    Err(InvokeError::Throttled(words.into()))
}

pub(crate) fn deps(store: &MemoryStore, model: &Arc<Scripted>) -> Deps {
    Deps {
        store: Arc::new(store.clone()),
        models: Arc::clone(model) as Arc<dyn OnDemand>,
        clock: Arc::new(SystemClock),
        pause: Arc::new(RealPause::default()),
        metrics: Arc::new(Silent),
    }
}

pub(crate) async fn invoke(
    store: &MemoryStore,
    model: &Arc<Scripted>,
    state: &SliceState,
) -> Result<SliceState, StepError> {
    handle(&deps(store, model), state.clone(), &Unlimited).await
}

/// Changes a document of `split` or `plan`.
pub(crate) async fn change<T>(
    store: &MemoryStore,
    at: quarry_contract::location::S3Uri,
    change: impl Fn(&mut T),
) where
    T: serde::Serialize + serde::de::DeserializeOwned + Sync,
{
    let mut document: T = documents::read(store, &at).await.unwrap();
    change(&mut document);
    documents::write(store, &at, &document).await.unwrap();
}
