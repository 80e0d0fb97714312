//! When the service does not create a job, `submit` fails with the service's words and the remedy,
//! and it retries where the reason may be transient.

use crate::support::World;
use quarry_contract::plan::Plan;
use quarry_edge::documents;
use quarry_edge::error::{Source, StepError};
use quarry_edge::jobs::JobsError;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_model::Denial;
use std::sync::Arc;

/// Returns the error of the only job of a run when the service denies the model.
async fn denied(denial: Denial, words: &str, settings: &[(&str, &str)]) -> StepError {
    let world = World::new(settings).await;
    world.jobs.fail_next(JobsError::Denied {
        denial,
        source: words.into(),
    });
    world.submit(&world.state(0, 0)).await.unwrap_err()
}

/// Names of settings with their values.
type Settings<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_denied_model_fails_the_run_with_the_services_words_and_the_remedy() {
    let profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x";
    let cases: [(Denial, &str, Settings<'_>, &str); 3] = [
        (
            Denial::NoBatch,
            "ValidationException: Batch inference is not supported for the requested model",
            &[],
            "set BEDROCK_BATCH_MODE to `realtime`, or BEDROCK_PRIMARY_MODEL_ID to a model that batch jobs take",
        ),
        (
            Denial::NotHere,
            "ValidationException: The provided model identifier is invalid.",
            &[],
            "`global.anthropic.claude-haiku-4-5-20251001-v1:0`",
        ),
        (
            Denial::Ended,
            "ResourceNotFoundException: This model version has reached the end of its life.",
            &[("BEDROCK_INFERENCE_PROFILE_ARN", profile)],
            "set BEDROCK_INFERENCE_PROFILE_ARN to a model that has not ended",
        ),
    ];
    for (denial, words, settings, remedy) in cases {
        let error = denied(denial, words, settings).await;
        assert_eq!(error.name(), "Quarry.Refused");
        let text = error.full_message();
        assert!(text.starts_with(&format!("refused: {words}; ")), "{text}");
        assert!(
            text.contains(remedy) && text.contains("creating job quarry-run-"),
            "{text}"
        );
        assert_eq!(text.matches(words).count(), 1, "{text}");
    }
}

#[tokio::test]
async fn the_denial_of_a_models_first_use_is_an_error_of_its_own() {
    let words = "AccessDeniedException: Model use case details have not been submitted for this account. \
        Fill out the Anthropic use case details form before using the model.";
    let error = denied(Denial::FirstUse, words, &[]).await;
    assert_eq!(error.name(), "Quarry.ModelAccessPending");
    let text = error.full_message();
    assert!(text.contains(words), "{text}");
    assert!(
        text.contains("call the model once as an administrator"),
        "{text}"
    );
    assert!(text.contains("fill in the provider's form"), "{text}");
}

#[tokio::test]
async fn the_name_of_a_creation_error_says_whether_it_is_retried() {
    type Failure = fn(Source) -> JobsError;
    let cases: [(Failure, &str); 7] = [
        (JobsError::Throttled, "Quarry.Throttled"),
        (JobsError::Quota, "Quarry.QuotaExceeded"),
        (JobsError::Unavailable, "Quarry.Unavailable"),
        (JobsError::AccessDenied, "Quarry.AccessDenied"),
        (JobsError::NotFound, "Quarry.NotFound"),
        (JobsError::Conflict, "Quarry.Refused"),
        (JobsError::Invalid, "Quarry.Refused"),
    ];
    for (failure, name) in cases {
        let world = World::new(&[]).await;
        let state = world.state(0, 0);
        world.jobs.fail_next(failure("the service's words".into()));
        let failed = world.submit(&state).await.unwrap_err();
        assert_eq!(failed.name(), name);
        let text = failed.full_message();
        let job = format!(
            "creating job {}",
            world.names().await.name(&world.round(&state))
        );
        for part in [&*job, "the service's words"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(!world.store.locations().contains(&world.round(&state).job()));
        assert!(world.metrics.values().is_empty());
        // A refusal that has passed has no effect.
        world.submit(&state).await.unwrap();
        assert_eq!(world.jobs.created().len(), 1);
    }
}

/// `plan` refuses settings that need jobs without a role, but a plan may have been written by hand.
#[tokio::test]
async fn a_run_without_a_role_for_jobs_is_refused_before_the_service_is_called() {
    let world = World::new(&[("BEDROCK_BATCH_MODE", "auto")]).await;
    let at = world.run.plan();
    let mut plan: Plan = documents::read(&world.store, &at).await.unwrap();
    plan.settings.remove("BEDROCK_BATCH_ROLE_ARN");
    documents::write(&world.store, &at, &plan).await.unwrap();
    let failed = world.submit(&world.state(0, 0)).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let words = "BEDROCK_BATCH_ROLE_ARN is not set";
    assert!(failed.full_message().contains(words), "{failed}");
    assert_eq!(world.jobs.calls(), 0);
}

#[tokio::test]
async fn settings_that_this_version_does_not_know_are_refused_by_name() {
    let world = World::new(&[]).await;
    let at = world.run.plan();
    let mut plan: Plan = documents::read(&world.store, &at).await.unwrap();
    let hours = ("BEDROCK_BATCH_TIMEOUT_HOURS".to_owned(), "1".to_owned());
    plan.settings.extend([hours]);
    documents::write(&world.store, &at, &plan).await.unwrap();
    let failed = world.submit(&world.state(0, 0)).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains("BEDROCK_BATCH_TIMEOUT_HOURS is `1`; allowed: 24 to 168"),
        "{text}"
    );
}

#[tokio::test]
async fn a_run_without_a_plan_is_not_found() {
    let world = World::new(&[]).await;
    world.store.delete(&world.run.plan());
    let failed = world.submit(&world.state(0, 0)).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.NotFound");
    let at = format!("reading {}", world.run.plan());
    assert!(failed.full_message().contains(&at), "{failed}");
}

#[tokio::test]
async fn a_note_of_another_version_is_refused_and_pays_for_no_second_job() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    let at = world.round(&state).job();
    let body = r#"{"version": 2, "id": "x"}"#.into();
    world
        .store
        .put(&at, body, WriteCondition::Always)
        .await
        .unwrap();
    let failed = world.submit(&state).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains(&at.to_string()) && text.contains("version 2"),
        "{text}"
    );
    assert_eq!(world.jobs.calls(), 0);
}

/// It is unknown then whether the job exists already.
#[tokio::test]
async fn the_service_is_not_called_if_the_note_cannot_be_read() {
    for (fault, name) in [
        (StoreFault::AccessDenied, "Quarry.AccessDenied"),
        (StoreFault::Unavailable, "Quarry.Unavailable"),
        (StoreFault::Throttled, "Quarry.Throttled"),
    ] {
        let world = World::new(&[]).await;
        let state = world.state(0, 0);
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Get, 1, fault);
        let failed = world.submit_over(Arc::new(faulty), &state).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), name);
        let at = format!("reading {}", world.round(&state).job());
        assert!(failed.full_message().contains(&at), "{failed}");
        assert_eq!(world.jobs.calls(), 0);
    }
}

#[tokio::test]
async fn a_note_that_cannot_be_written_is_named() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    let round = world.round(&state);
    let denied = StoreFault::AccessDenied;
    for (nth, at) in [(1, round.intent()), (2, round.job())] {
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, nth, denied);
        let failed = world.submit_over(Arc::new(faulty), &state).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), "Quarry.AccessDenied");
        let words = format!("writing {at}");
        assert!(failed.full_message().contains(&words), "{failed}");
    }
}
