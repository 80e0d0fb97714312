//! A round is written in the form that earlier rounds led to, and its document says so.

use crate::support::{CELL, World};
use quarry_contract::plan::{Asked, RequestForms, Todo};
use quarry_edge::documents;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_model::{Enforcement, RequestForm};
use quarry_planned_run::{MODEL, RunInput, contents};
use std::sync::Arc;
use std::time::Duration;

/// A planned run over three rows.
async fn planned() -> World {
    World::of_rows(3, &[]).await
}

/// Splits a round of the only slice.
async fn split(world: &World, round: u32) -> Asked {
    let state = world.state(0, round);
    world.split(&state).await.unwrap();
    world.asked(&state).await
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
    let world = planned().await;
    let asked = split(&world, 0).await;
    assert_eq!((asked.forms, asked.is_taken), (None, false));
    let world = planned().await;
    documents::write(&world.store, &world.run.forms(), &forms("no prefill"))
        .await
        .unwrap();
    let asked = split(&world, 0).await;
    assert_eq!(
        (asked.forms, asked.is_taken),
        (Some(forms("no prefill")), false)
    );
}

/// A round that was listed in another form keeps it, whatever the run has learned since: its
/// earlier answers were read in that form.
#[tokio::test]
async fn a_later_round_is_written_as_it_was_listed() {
    let world = planned().await;
    documents::write(&world.store, &world.run.forms(), &forms("learned later"))
        .await
        .unwrap();
    for (number, listed, is_taken) in [(1, None, true), (2, Some(forms("listed")), false)] {
        let todo = Todo {
            version: 1,
            rows: vec![1],
            forms: listed.clone(),
            is_taken,
            begins: world.state(0, number),
        };
        let round = world.run.slice(0).round(number);
        documents::write(&world.store, &round.todo(), &todo)
            .await
            .unwrap();
        let asked = split(&world, number).await;
        assert_eq!(
            (asked.records, asked.forms, asked.is_taken),
            (1, listed, is_taken)
        );
    }
}

/// The records of a round that has begun stay as they are, although the run has learned another form since.
#[tokio::test]
async fn a_round_that_has_begun_keeps_its_form() {
    let world = planned().await;
    let first = split(&world, 0).await;
    documents::write(&world.store, &world.run.forms(), &forms("learned later"))
        .await
        .unwrap();
    assert_eq!(split(&world, 0).await, first);
}

/// At first, the settings request a tool.
#[tokio::test]
async fn the_records_of_another_form_are_other_requests() {
    let world = with_schema().await;
    let state = world.state(0, 0);
    world.split(&state).await.unwrap();
    let first = world.input(&state).await;
    let world = with_schema().await;
    let learned = RequestForms {
        primary: RequestForm::new(Enforcement::Prefill),
        ..forms("no tools")
    };
    documents::write(&world.store, &world.run.forms(), &learned)
        .await
        .unwrap();
    world.split(&state).await.unwrap();
    let later = world.input(&state).await;
    assert!(first.contains("\"tools\""), "{first}");
    assert!(!later.contains("\"tools\""), "{later}");
}

#[tokio::test]
async fn a_form_that_the_model_does_not_accept_is_refused_with_the_remedy() {
    let world = with_schema().await;
    documents::write(&world.store, &world.run.forms(), &forms("no tools"))
        .await
        .unwrap();
    let failed = world.split(&world.state(0, 0)).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    for words in [MODEL, "the prompt alone", "start a new one"] {
        assert!(text.contains(words), "{text}");
    }
}

/// The quicker copy has learned another form meanwhile, and a job may already read its records.
#[tokio::test(start_paused = true)]
async fn of_two_copies_that_begin_in_different_forms_the_records_of_the_first_stay() {
    let minute = Duration::from_mins(1);
    // The records, or their counts.
    for (rows, operation, late) in [
        (1, StoreOperation::Put, 1),
        (1, StoreOperation::Put, 2),
        (40_000, StoreOperation::CompleteUpload, 1),
        (40_000, StoreOperation::Put, 1),
    ] {
        let world = rows_with_schema(rows).await;
        let state = world.state(0, 0);
        let slow = StoreFault::Slow(minute);
        let faulty = FaultyStore::new(world.store.clone()).fail(operation, late, slow);
        let quicker = async {
            tokio::time::sleep(minute / 2).await;
            let learned = RequestForms {
                primary: RequestForm::new(Enforcement::Prefill),
                ..forms("no tools")
            };
            documents::write(&world.store, &world.run.forms(), &learned)
                .await
                .unwrap();
            let first = world.split(&state).await.unwrap();
            (first, contents(&world.store).await)
        };
        let slower = world.split_over(Arc::new(faulty), &state);
        let (slower, (first, there)) = tokio::join!(slower, quicker);
        assert_eq!(slower.unwrap(), first);
        assert!(contents(&world.store).await == there, "{rows} rows");
        assert!(world.asked(&state).await.forms.is_some());
        assert!(world.store.open_uploads().is_empty());
    }
}

/// A run whose answers have a schema.
async fn with_schema() -> World {
    rows_with_schema(1).await
}

async fn rows_with_schema(rows: usize) -> World {
    let rows: Vec<String> = (0..rows).map(|row| format!("r{row}\n")).collect();
    let table = format!("row\n{}", rows.concat());
    let input = RunInput::new(CELL, &[("rows.csv", table.as_bytes())]).await;
    let schema = r#"{"properties": {"a": {"type": "string"}}}"#;
    World::planned(input.schema(schema).await).await
}
