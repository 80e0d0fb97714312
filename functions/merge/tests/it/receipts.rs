//! The receipt describes the outcome of the slice, and the part that belongs to it.

use crate::support::{World, answer, error};
use quarry_contract::plan::{Asked, RequestForms};
use quarry_edge::documents;
use quarry_edge::store::ObjectStore;
use quarry_model::{Enforcement, RequestForm};
use quarry_planned_run::RunInput;
use quarry_result::receipt::FileOutcomes;

const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;

#[tokio::test]
async fn a_receipt_names_its_rows_and_its_part() {
    let world = World::new(6, 3, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let lines = [answer(3), answer(4), answer(5)];
    world.round_of(world.first(1), &lines).await;
    let receipt = world.receipt(1).await;
    assert_eq!((receipt.version, receipt.slice), (1, 1));
    assert_eq!(
        (receipt.first_row, receipt.rows, receipt.rows_written),
        (3, 3, 3)
    );
    let part = world.store.head(&world.run.slice(1).part()).await.unwrap();
    assert_eq!(
        (receipt.part_bytes, receipt.part_etag),
        (part.size, part.etag)
    );
    assert_eq!((receipt.unsendable, receipt.unfit.len()), (0, 0));
}

#[tokio::test]
async fn outcomes_are_counted_by_file() {
    let files = [("a.csv", &b"x\n1\n2\n"[..]), ("b.csv", b"x\n3\n")];
    let input = RunInput::new(WHOLE, &files).await;
    let world = World::of(input.set("BEDROCK_MAX_RETRIES", "0")).await;
    let lines = [answer(0), error(1, 400, "no", false), answer(2)];
    world.round_of(world.first(0), &lines).await;
    let expected =
        [(0, 2, 1, 1), (1, 1, 1, 0)].map(|(file, records, successful, failed)| FileOutcomes {
            file,
            records,
            successful,
            failed,
            validation_passed: 0,
            ..FileOutcomes::default()
        });
    assert_eq!(world.receipt(0).await.files, expected);
}

#[tokio::test]
async fn what_split_counted_of_the_first_round_is_in_the_receipt() {
    let world = World::new(1, 100, &[]).await;
    let state = world.answered(world.first(0), &[answer(0)]).await;
    let at = world.round(&state).asked();
    let asked: Asked = documents::read(&world.store, &at).await.unwrap();
    let asked = Asked {
        truncations: 3,
        truncated_records: 1,
        truncated_fields: [("row".to_owned(), 3)].into(),
        ..asked
    };
    documents::write(&world.store, &at, &asked).await.unwrap();
    world.merge(&state).await.unwrap();
    let receipt = world.receipt(0).await;
    assert_eq!((receipt.truncations, receipt.truncated_records), (3, 1));
    assert_eq!(receipt.truncated_fields, [("row".to_owned(), 3)].into());
}

#[tokio::test]
async fn why_requests_were_sent_in_another_form_is_in_the_receipt() {
    let world = World::new(1, 100, &[]).await;
    let forms = RequestForms {
        primary: RequestForm::new(Enforcement::None),
        fallback: None,
        because: vec!["no prefill: asked again with the prompt alone".to_owned()],
    };
    let at = world.run.forms();
    documents::write(&world.store, &at, &forms).await.unwrap();
    world.round_of(world.first(0), &[answer(0)]).await;
    assert_eq!(world.receipt(0).await.form_changes, forms.because);
}

#[tokio::test]
async fn the_values_and_the_failures_of_the_slice_are_in_the_receipt() {
    let world = World::new(6, 3, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let lines = [answer(3), error(4, 400, "no", false), answer(5)];
    world.round_of(world.first(1), &lines).await;
    let profile = world.receipt(1).await.profile.expect("a profile");
    let profile = profile.summary(&[None]);
    assert_eq!((profile.rows, profile.properties.len()), (2, 1));
    let response = &profile.properties[0];
    assert_eq!(
        (response.property.as_str(), response.values, response.nulls),
        ("response", 2, 0)
    );
    let failure = &profile.failures[0];
    assert_eq!(
        (failure.rows, failure.example_row, failure.answered),
        (1, 4, false)
    );
    assert!(
        failure
            .reason
            .as_ref()
            .is_some_and(|reason| reason.starts_with("400: "))
    );
}
