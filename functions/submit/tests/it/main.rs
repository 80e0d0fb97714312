//! Promise: when the service does not create a job, `submit` fails with the service's words and the
//! remedy, and it retries where the reason may be transient.

use async_trait::async_trait;
use quarry_contract::payload::SliceState;
use quarry_edge::error::StepError;
use quarry_edge::jobs::{BatchJobs, Job, JobsError, NewJob};
use quarry_edge::s3::memory::MemoryStore;
use quarry_model::Denial;
use quarry_planned_run::{BY_JOBS, Silent, planned};
use quarry_submit::{Deps, handle};
use std::sync::Arc;

/// Creates no job.
struct Denying(Denial, &'static str);

#[async_trait]
impl BatchJobs for Denying {
    async fn create(&self, _: &NewJob) -> Result<String, JobsError> {
        Err(JobsError::Denied {
            denial: self.0,
            source: self.1.into(),
        })
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        Err(JobsError::NotFound(arn.into()))
    }

    async fn named(&self, _: &str) -> Result<Vec<Job>, JobsError> {
        Ok(Vec::new())
    }

    async fn stop(&self, _: &str) -> Result<(), JobsError> {
        Ok(())
    }
}

/// Returns the outcome of creating the only job of a run.
async fn submitted(jobs: Denying, settings: &[(&str, &str)]) -> Result<SliceState, StepError> {
    let store = MemoryStore::new();
    let settings = [&BY_JOBS[..], settings].concat();
    let planned = planned(&store, 1, &settings).await;
    let deps = Deps {
        store: Arc::new(store),
        jobs: Arc::new(jobs),
        metrics: Arc::new(Silent),
    };
    handle(&deps, SliceState::first(planned.run, 0)).await
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
        let error = submitted(Denying(denial, words), settings)
            .await
            .unwrap_err();
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
    let error = submitted(Denying(Denial::FirstUse, words), &[])
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Quarry.ModelAccessPending");
    let text = error.full_message();
    assert!(text.contains(words), "{text}");
    assert!(
        text.contains("call the model once as an administrator"),
        "{text}"
    );
    assert!(text.contains("fill in the provider's form"), "{text}");
}
