//! Promise: a round is written in the form that earlier rounds led to, and its document says so.

use quarry_contract::layout::RunFolder;
use quarry_contract::payload::SliceState;
use quarry_contract::plan::{Asked, RequestForms, Todo};
use quarry_edge::documents;
use quarry_edge::s3::memory::MemoryStore;
use quarry_model::{Enforcement, RequestForm};
use quarry_split::{Deps, handle};
use std::sync::Arc;

/// Plans a run over three rows.
async fn planned(store: &MemoryStore) -> RunFolder {
    RunFolder::at(quarry_planned_run::planned(store, 3, &[]).await.run)
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

/// A round that was listed in another form keeps it, whatever the run has learned since: its
/// earlier answers were read in that form.
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
