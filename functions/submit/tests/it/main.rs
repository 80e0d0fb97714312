//! Promise: a job that the service does not create fails with the service's words and what to do, and is
//! tried again where the reason may pass.

use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{PlanInput, SliceState};
use quarry_edge::clock::Unlimited;
use quarry_edge::error::StepError;
use quarry_edge::jobs::{BatchJobs, Job, JobsError, NewJob};
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_model::Denial;
use quarry_submit::{Deps, handle};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const MODEL: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

struct Silent;

impl Metrics for Silent {
    fn emit(&self, _: &[(Metric, u64)]) {}
}

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

async fn put(store: &MemoryStore, key: &str, text: String) {
    let at: S3Uri = format!("s3://bucket/{key}").parse().unwrap();
    store.put(&at, Bytes::from(text), false).await.unwrap();
}

/// What comes of creating the only job of a run.
async fn submitted(jobs: Denying, settings: &[(&str, &str)]) -> Result<SliceState, StepError> {
    let store = MemoryStore::new();
    put(&store, "in/rows.csv", "row\nr0\n".to_owned()).await;
    let prompts = json!({"user_prompt_template": "{row}", "input_placeholders": ["row"]});
    put(&store, "prompts/prompts.json", prompts.to_string()).await;
    let mut input: PlanInput = serde_json::from_value(json!({
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
            "settings": {
                "BEDROCK_PRIMARY_MODEL_ID": MODEL,
                "BEDROCK_BATCH_ROLE_ARN": "arn:aws:iam::123456789012:role/BatchRole",
                "BEDROCK_BATCH_MODE": "batch",
                "BEDROCK_MIN_RECORDS_PER_JOB": "1",
            },
        },
    }))
    .unwrap();
    for (name, value) in settings {
        let settings = &mut input.request.settings;
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
    let deps = quarry_plan::Deps {
        store: Arc::new(store.clone()),
        settings: BTreeMap::new(),
        work: None,
        metrics: Arc::new(Silent),
    };
    let planned = quarry_plan::handle(&deps, input, &Unlimited).await.unwrap();
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
            "`global.anthropic.claude-sonnet-4-20250514-v1:0`",
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
