//! The job of a round: its settings, and the record of it.

use crate::support::World;
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_contract::plan::CreatedJob;
use quarry_edge::documents;
use quarry_edge::jobs::NewJob;
use quarry_edge::metrics::Metric;
use quarry_planned_run::{BY_JOBS, MODEL};
use quarry_submit::FIRST_WAIT_SECONDS;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_job_reads_the_rounds_records_and_writes_below_the_rounds_folder() {
    let world = World::new(&[]).await;
    let state = world.state(0, 2);
    let names = world.names().await;
    world.submit(&state).await.unwrap();
    let round = world.round(&state);
    let expected = NewJob {
        name: names.name(&round),
        token: names.token(&round),
        role_arn: BY_JOBS[0].1.to_owned(),
        model_id: MODEL.to_owned(),
        input: round.input(),
        output: round.output(),
        output_kms_key: None,
        timeout_hours: 24,
        converse: false,
        tags: vec![("quarry:run".to_owned(), "run".to_owned())],
    };
    assert_eq!(world.jobs.created(), [expected]);
}

#[tokio::test]
async fn a_job_has_the_key_the_time_limit_and_the_model_of_the_settings() {
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0";
    let key = "arn:aws:kms:us-east-1:123456789012:key/1";
    let world = World::new(&[
        ("BEDROCK_OUTPUT_KMS_KEY", key),
        ("BEDROCK_BATCH_TIMEOUT_HOURS", "168"),
        ("BEDROCK_INFERENCE_PROFILE_ARN", profile),
    ])
    .await;
    world.submit(&world.state(0, 0)).await.unwrap();
    let job = &world.jobs.created()[0];
    assert_eq!(job.output_kms_key.as_deref(), Some(key));
    assert_eq!((job.timeout_hours, &*job.model_id), (168, profile));
}

/// Records hold the bodies of one of two APIs, and the job must say which.
#[tokio::test]
async fn a_model_that_is_called_through_converse_gets_converse_jobs() {
    for (model, converse) in [(MODEL, false), ("us.meta.llama3-3-70b-instruct-v1:0", true)] {
        let world = World::new(&[("BEDROCK_PRIMARY_MODEL_ID", model)]).await;
        world.submit(&world.state(0, 0)).await.unwrap();
        assert_eq!(world.jobs.created()[0].converse, converse, "{model}");
    }
}

#[tokio::test]
async fn the_created_job_is_noted_and_first_checked_after_a_minute() {
    let world = World::new(&[]).await;
    let state = SliceState {
        stopped_rounds: 1,
        ..world.state(0, 1)
    };
    world.asked(&state, "\"records\"").await;
    let before = world.store.locations();
    let after = world.submit(&state).await.unwrap();
    let name = world.names().await.name(&world.round(&state));
    let arn = format!("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{name}");
    let expected = SliceState {
        next: Step::Wait,
        job: Some(JobPointer {
            arn: arn.clone(),
            name: name.clone(),
            waited: 0,
        }),
        wait_seconds: Some(FIRST_WAIT_SECONDS),
        ..state.clone()
    };
    assert_eq!(after, expected);
    assert_eq!(FIRST_WAIT_SECONDS, 60);

    let at = world.round(&state).job();
    let noted: CreatedJob = documents::read(&world.store, &at).await.unwrap();
    assert_eq!(
        noted,
        CreatedJob {
            version: 1,
            arn,
            name,
            input_etag: Some("\"records\"".to_owned()),
        }
    );
    let mut new = world.store.locations();
    new.retain(|at| !before.contains(at));
    let intent = world.round(&state).intent();
    assert_eq!(new, [intent, at], "and nothing else is written");
    assert_eq!(world.metrics.values(), [(Metric::JobsCreated, 1)]);
}

#[tokio::test]
async fn every_slice_and_every_round_has_its_own_job() {
    let world = World::new(&[]).await;
    for (slice, round) in [(0, 0), (0, 1), (1, 0), (11, 0), (1, 10)] {
        world.submit(&world.state(slice, round)).await.unwrap();
    }
    let created = world.jobs.created();
    let names: BTreeSet<&str> = created.iter().map(|job| &*job.name).collect();
    let tokens: BTreeSet<&str> = created.iter().map(|job| &*job.token).collect();
    assert_eq!((names.len(), tokens.len()), (5, 5));
}

/// The second execution could otherwise be given the first one's job by its token.
#[tokio::test]
async fn another_execution_in_the_same_folder_has_jobs_of_its_own() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    for name in ["quarry:run", "other:run"] {
        let arn = format!("arn:aws:states:us-east-1:123456789012:execution:{name}");
        world
            .change_plan(|plan| plan.execution_arn = Some(arn))
            .await;
        world.submit(&state).await.unwrap();
        world.store.delete(&world.round(&state).job());
    }
    let created = world.jobs.created();
    assert_eq!(created.len(), 2);
    assert_ne!(created[0].name, created[1].name);
    assert_ne!(created[0].token, created[1].token);
}

/// The service allows 256 characters of a few kinds in a tag, and Step Functions allows more in a
/// name.
#[tokio::test]
async fn the_runs_name_in_a_tag_has_only_characters_that_the_service_accepts() {
    let world = World::new(&[]).await;
    let execution = format!("ä run/of:{{2}} {}", "x".repeat(300));
    world.change_plan(|plan| plan.execution = execution).await;
    world.submit(&world.state(0, 0)).await.unwrap();
    let (name, value) = &world.jobs.created()[0].tags[0];
    assert_eq!(name, "quarry:run");
    assert!(value.starts_with("- run/of:-2- xxx"), "{value}");
    assert_eq!(value.len(), 256);
}
