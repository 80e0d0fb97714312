//! No invocation sends a record again that an earlier one got an answer for, even if the time runs
//! out in the middle of a batch.

use crate::support::{Deadline, LIMIT, all_ids, ids, kept_lines, planned};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::clock::{RealPause, SystemClock};
use quarry_edge::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use quarry_edge::s3::memory::MemoryStore;
use quarry_invoke::{Deps, handle};
use quarry_planned_run::Silent;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// A model that takes as long for each row as the table says.
#[derive(Default)]
struct Model {
    /// The seconds for rows that do not take the usual time.
    slow: BTreeMap<String, u64>,
    usual: u64,
    /// The row that the service throttles, and up to which second of the test.
    throttled: Option<(&'static str, u64)>,
    began: OnceLock<Instant>,
    calls: Mutex<Vec<String>>,
}

#[async_trait]
impl OnDemand for Model {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let body: Value = serde_json::from_slice(&question.body).unwrap();
        let row = body["messages"][0]["content"][0]["text"].as_str();
        let row = row
            .or(body["messages"][0]["content"].as_str())
            .unwrap()
            .to_owned();
        self.calls.lock().unwrap().push(row.clone());
        let seconds = *self.slow.get(&row).unwrap_or(&self.usual);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let time = self.began.get_or_init(Instant::now).elapsed().as_secs();
        if self
            .throttled
            .is_some_and(|(id, until)| id == row && time < until)
        {
            return Err(InvokeError::Throttled("slow down".into()));
        }
        if seconds > 600 {
            return Err(InvokeError::TimedOut(Duration::from_mins(10)));
        }
        let answer = json!({"content": [{"type": "text", "text": row}], "stop_reason": "end_turn"});
        Ok(ModelReply {
            json: Bytes::from(answer.to_string()),
            tier: None,
        })
    }
}

/// Calls `invoke` until it is done. Returns the number of calls, and the output lines.
async fn asked(
    store: &MemoryStore,
    model: &Arc<Model>,
    mut state: SliceState,
) -> (u32, Vec<Value>) {
    let deps = Deps {
        store: Arc::new(store.clone()),
        models: Arc::clone(model) as Arc<dyn OnDemand>,
        clock: Arc::new(SystemClock),
        pause: Arc::new(RealPause::default()),
        metrics: Arc::new(Silent),
    };
    let mut invocations = 0;
    while state.next == Step::Invoke {
        let deadline = Instant::now() + LIMIT;
        let time_left = Deadline(deadline);
        let call = handle(&deps, state, &time_left);
        // Lambda ends an invocation at its deadline.
        state = tokio::time::timeout_at(deadline, call)
            .await
            .expect("the invocation ends by itself")
            .unwrap();
        invocations += 1;
        assert!(invocations < 50, "no end in sight");
    }
    assert_eq!(state.next, Step::Merge);
    (invocations, kept_lines(store).await)
}

#[tokio::test(start_paused = true)]
async fn answers_are_kept_when_the_time_is_used_up_within_a_batch() {
    let store = MemoryStore::new();
    let state = planned(&store, 25).await;
    let model = Arc::new(Model {
        usual: 70,
        ..Model::default()
    });
    let (invocations, lines) = asked(&store, &model, state).await;
    assert_eq!(ids(&lines), all_ids(25));
    // A call every 70 seconds for ten minutes makes nine calls an invocation.
    assert_eq!(invocations, 3);
    assert_eq!(
        model.calls.lock().unwrap().len(),
        25,
        "none was asked twice"
    );
}

/// The answers around them are kept, and the next invocation sends only what is missing.
#[tokio::test(start_paused = true)]
async fn records_that_are_throttled_at_the_end_of_the_time_do_not_lose_the_round() {
    let store = MemoryStore::new();
    let state = planned(&store, 12).await;
    let model = Arc::new(Model {
        usual: 1,
        throttled: Some(("r3", 1_000)),
        ..Model::default()
    });
    let (invocations, mut lines) = asked(&store, &model, state).await;
    assert!(invocations > 1);
    lines.sort_by_key(|line| all_ids(12).iter().position(|id| line["recordId"] == **id));
    assert_eq!(ids(&lines), all_ids(12));
    assert!(lines.iter().all(|line| line["modelOutput"].is_object()));
    let calls = model.calls.lock().unwrap().clone();
    for row in (0..12).filter(|row| *row != 3) {
        let row = format!("r{row}");
        let count = calls.iter().filter(|call| **call == row).count();
        assert_eq!(count, 1, "{row} was asked twice");
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_request_that_outlasts_the_invocation_is_sent_again() {
    let store = MemoryStore::new();
    let state = planned(&store, 4).await;
    let model = Arc::new(Model {
        usual: 200,
        slow: BTreeMap::from([("r2".to_owned(), 550)]),
        ..Model::default()
    });
    let (invocations, lines) = asked(&store, &model, state).await;
    assert_eq!(ids(&lines), all_ids(4));
    assert_eq!(invocations, 2);
    let calls = model.calls.lock().unwrap().clone();
    assert_eq!(calls, ["r0", "r1", "r2", "r2", "r3"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_an_error_of_the_record_and_not_of_the_run() {
    let store = MemoryStore::new();
    let state = planned(&store, 3).await;
    let model = Arc::new(Model {
        usual: 1,
        slow: BTreeMap::from([("r1".to_owned(), 601)]),
        ..Model::default()
    });
    let (_, lines) = asked(&store, &model, state).await;
    assert_eq!(ids(&lines), all_ids(3));
    let error =
        json!({"errorCode": 504, "errorMessage": "the model did not answer within 600 seconds"});
    assert_eq!(lines[1]["error"], error);
    assert_eq!(model.calls.lock().unwrap().len(), 3, "none was asked twice");
}

/// The last twenty seconds belong to storing the answers that came before.
#[tokio::test(start_paused = true)]
async fn an_invocation_waits_for_answers_until_twenty_seconds_before_its_end() {
    // The second call begins after 590 of 900 seconds, so it has 290 seconds.
    for (seconds, invocations, calls) in [(289, 1, 2), (291, 2, 3)] {
        let store = MemoryStore::new();
        let state = planned(&store, 2).await;
        let slow = [("r0".to_owned(), 590), ("r1".to_owned(), seconds)];
        let model = Arc::new(Model {
            slow: BTreeMap::from(slow),
            ..Model::default()
        });
        let (made, lines) = asked(&store, &model, state).await;
        assert_eq!(ids(&lines), all_ids(2));
        assert_eq!(made, invocations, "invocations for {seconds} s");
        let called = model.calls.lock().unwrap().len();
        assert_eq!(called, calls, "calls for {seconds} s");
    }
}
