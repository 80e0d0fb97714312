//! Answers are stored in the form of Bedrock's output lines, in the order of the records.

use crate::support::{
    FALLBACK, Scripted, deps, kept_lines, kept_ranges, planned_with, rejected, round,
};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::Asked;
use quarry_edge::clock::Unlimited;
use quarry_edge::documents;
use quarry_edge::metrics::Metric;
use quarry_edge::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_invoke::{Deps, handle};
use quarry_planned_run::{Emitted, MODEL};
use serde_json::json;
use std::io::BufRead;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// The name of each object says which bytes of the input hold its records.
#[tokio::test(start_paused = true)]
async fn answers_are_stored_in_batches_whose_names_say_which_records_they_hold() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    let model = Scripted::new(|_, _| Ok(()));
    let after = handle(&deps(&store, &model), state.clone(), &Unlimited).await;
    let expected = SliceState {
        next: Step::Merge,
        ..state.clone()
    };
    assert_eq!(after.unwrap(), expected);
    let asked: Asked = documents::read(&store, &round(&state).asked())
        .await
        .unwrap();
    let ranges = kept_ranges(&store);
    assert_eq!(ranges.len(), 3);
    assert_eq!((ranges[0].start, ranges[2].end), (0, asked.bytes));
    for (one, next) in ranges.iter().zip(&ranges[1..]) {
        assert_eq!(one.end, next.start);
    }
    let body = store.get(&round(&state).input(), u64::MAX).await.unwrap();
    let lines = |range: &Range<u64>| {
        let bytes = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        body[bytes].lines().count()
    };
    assert_eq!(ranges.iter().map(lines).collect::<Vec<_>>(), [5, 5, 2]);
}

/// Gives the same reply to every question.
struct Replying(&'static str);

#[async_trait]
impl OnDemand for Replying {
    async fn invoke(&self, _: Question<'_>) -> Result<ModelReply, InvokeError> {
        Ok(ModelReply {
            json: Bytes::from_static(self.0.as_bytes()),
            tier: None,
        })
    }
}

async fn line_of(reply: &'static str) -> serde_json::Value {
    let store = MemoryStore::new();
    let state = planned_with(&store, 1, &[]).await;
    let model = Scripted::new(|_, _| Ok(()));
    let deps = Deps {
        models: Arc::new(Replying(reply)),
        ..deps(&store, &model)
    };
    let folder = round(&state).on_demand_output();
    handle(&deps, state, &Unlimited).await.unwrap();
    let there = store.list(&folder).await.unwrap();
    let body = store.get(&there[0].location, u64::MAX).await.unwrap();
    let text = std::str::from_utf8(&body).unwrap();
    assert_eq!(text.find(['\r', '\n']), Some(text.len() - 1), "one line");
    serde_json::from_str(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_on_one_line_however_it_was_printed() {
    let line = line_of("{\n  \"content\":\r\n [ ]\n}\n").await;
    let expected = json!({"recordId": "record_0", "modelOutput": {"content": []}});
    assert_eq!(line, expected);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_json_is_an_error_of_the_record() {
    let line = line_of("<html>").await;
    assert_eq!(line["error"]["errorCode"], 502);
    let text = line["error"]["errorMessage"].as_str().unwrap();
    assert!(text.starts_with("the answer is not JSON: "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn answers_of_the_fallback_model_say_so() {
    let store = MemoryStore::new();
    let settings = [("BEDROCK_FALLBACK_MODEL_ID", FALLBACK)];
    let state = planned_with(&store, 3, &settings).await;
    let model = Scripted::new(|model, row| match row {
        "r1" if model != FALLBACK => rejected("not this one"),
        _ => Ok(()),
    });
    handle(&deps(&store, &model), state, &Unlimited)
        .await
        .unwrap();
    let lines = kept_lines(&store).await;
    let by: Vec<bool> = lines
        .iter()
        .map(|line| line["byFallback"] == true)
        .collect();
    assert_eq!(by, [false, true, false]);
    assert_eq!(model.calls(), 4, "only what was refused is asked of it");
}

/// A question that the model got: the model's id, whether it is a `Converse` body, and the body.
type Put = (String, bool, Bytes);

/// Records the questions.
#[derive(Default)]
struct Listening(Mutex<Vec<Put>>);

#[async_trait]
impl OnDemand for Listening {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let put = (
            question.model_id.to_owned(),
            question.converse,
            question.body,
        );
        self.0.lock().unwrap().push(put);
        Ok(ModelReply {
            json: Bytes::from_static(b"{}"),
            tier: None,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_the_body_of_the_record_byte_for_byte() {
    for (model_id, converse) in [(MODEL, false), ("us.meta.llama3-3-70b-instruct-v1:0", true)] {
        let store = MemoryStore::new();
        let settings = [("BEDROCK_PRIMARY_MODEL_ID", model_id)];
        let state = planned_with(&store, 1, &settings).await;
        let model = Arc::new(Listening::default());
        let deps = Deps {
            models: Arc::<Listening>::clone(&model),
            ..deps(&store, &Scripted::new(|_, _| Ok(())))
        };
        handle(&deps, state.clone(), &Unlimited).await.unwrap();
        let questions = model.0.lock().unwrap().clone();
        let (id, by_converse, body) = &questions[0];
        assert_eq!((&**id, *by_converse), (model_id, converse));
        let at = round(&state).input();
        let record = store.get(&at, u64::MAX).await;
        let record = String::from_utf8(record.unwrap().to_vec()).unwrap();
        let body = std::str::from_utf8(body).unwrap();
        assert!(
            record.contains(&format!("\"modelInput\":{body}}}")),
            "{record}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_is_counted_even_if_the_step_fails() {
    for (refuses, calls) in [(false, 3), (true, 1)] {
        let store = MemoryStore::new();
        let state = planned_with(&store, 3, &[]).await;
        let metrics = Arc::new(Emitted::default());
        let model = Scripted::new(move |_, _| {
            if refuses {
                Err(InvokeError::AccessDenied("no".into()))
            } else {
                Ok(())
            }
        });
        let deps = Deps {
            metrics: Arc::<Emitted>::clone(&metrics),
            ..deps(&store, &model)
        };
        let result = handle(&deps, state, &Unlimited).await;
        assert_eq!(result.is_err(), refuses);
        assert_eq!(metrics.values(), [(Metric::OnDemandCalls, calls)]);
    }
}
