//! Creating, following, finding and stopping jobs.

use crate::support::{NOVA, World, id_of, input, new_job, status, tool_body, uri};
use aws_sdk_bedrock::error::ProvideErrorMetadata;
use aws_sdk_bedrock::types::{ModelInvocationJobStatus, SortOrder};
use quarry_bedrock_simulator::{NameInUse, SimulatorEvent, Status};
use quarry_edge::error::StepError;
use quarry_edge::jobs::{BatchJobs, Job, JobStatus, JobsError, NewJob};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Returns the time from submission to end.
fn time_of(job: &Job) -> Duration {
    job.ended.unwrap().saturating_sub(job.submitted)
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_job_goes_through_its_statuses_and_leaves_its_output_in_its_own_folder() {
    let world = World::new(|_| {}).await;
    let arn = world.start("first", input(50, tool_body)).await;
    let mut seen = Vec::new();
    for _ in 0..60 {
        let job = world.jobs.get(&arn).await.unwrap();
        if seen.last() != Some(&job.status) {
            seen.push(job.status);
        }
        world.wait(MINUTE);
    }
    assert_eq!(
        seen,
        [
            JobStatus::Submitted,
            JobStatus::Validating,
            JobStatus::Scheduled,
            JobStatus::InProgress,
            JobStatus::Completed
        ]
    );
    let job = world.jobs.get(&arn).await.unwrap();
    // The shown end is a little before the last change.
    let worked = Duration::from_secs(14 * 60 + 20 * 60 + 1);
    assert!(worked.saturating_sub(time_of(&job)) < Duration::from_secs(1));

    let folder = format!("out/{}", id_of(&arn));
    assert_eq!(
        world.keys("out/").await,
        [
            format!("{folder}/first.jsonl.out"),
            format!("{folder}/manifest.json.out")
        ]
    );
    assert_eq!(world.lines("first", &arn).await.len(), 50);
    let manifest = world.manifest(&arn).await;
    assert_eq!(manifest["totalRecordCount"], 50);
    assert_eq!(manifest["successRecordCount"], 50);
    assert!(manifest["outputTokenCount"].as_u64().unwrap() > 50);
    // Newer manifests have members for other kinds of input.
    assert_eq!(manifest["inputAudioSecond"], 0);
}

/// Counts are 0 until the service has validated the input, so a bill of 0 is meaningless until
/// then.
#[tokio::test]
async fn counts_follow_the_work() {
    let world = World::new(|_| {}).await;
    let arn = world.start("counts", input(100, tool_body)).await;
    let get = || async {
        let job = world
            .client
            .get_model_invocation_job()
            .job_identifier(&arn)
            .send()
            .await
            .unwrap();
        (
            job.total_record_count.unwrap(),
            job.processed_record_count.unwrap(),
        )
    };
    assert_eq!(get().await, (0, 0));
    world.wait(5 * MINUTE);
    assert_eq!(get().await, (100, 0));
    world.wait(20 * MINUTE);
    let (_, processed) = get().await;
    assert!((1..100).contains(&processed), "{processed}");
    world.wait(20 * MINUTE);
    assert_eq!(get().await, (100, 100));
}

#[tokio::test]
async fn the_same_token_is_the_same_job() {
    let world = World::new(|_| {}).await;
    let first = world.start("once", input(1, tool_body)).await;
    let again = world.jobs.create(&new_job("once")).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(world.simulator.counters().jobs_created, 1);
}

/// The service refuses the name with either exception; the adapter checks whether the job does the
/// same work, and only then returns it.
#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict_unless_it_is_the_same_work() {
    for setting in [NameInUse::Conflict, NameInUse::Validation] {
        let world = World::new(|config| config.faults.name_in_use = setting).await;
        let first = world.start("taken", input(1, tool_body)).await;
        let other_token = NewJob {
            token: "other".into(),
            ..new_job("taken")
        };
        assert_eq!(world.jobs.create(&other_token).await.unwrap(), first);
        let other_input = NewJob {
            input: uri("s3://bucket/in/else.jsonl"),
            ..other_token
        };
        assert!(matches!(
            world.jobs.create(&other_input).await,
            Err(JobsError::Conflict(_))
        ));
        let same_token_other_job = NewJob {
            name: "another".into(),
            ..new_job("taken")
        };
        // No job has the name, so the adapter cannot know what the service means.
        assert!(matches!(
            world.jobs.create(&same_token_other_job).await,
            Err(JobsError::Unavailable(_))
        ));
        assert_eq!(world.simulator.counters().jobs_created, 1);
    }
}

#[tokio::test]
async fn the_quota_counts_the_models_jobs_that_have_not_ended() {
    let world = World::new(|config| config.limits.jobs_in_flight_per_model = 2).await;
    world.start("a", input(1, tool_body)).await;
    world.start("b", input(1, tool_body)).await;
    let third = world.jobs.create(&new_job("c")).await;
    assert!(matches!(third, Err(JobsError::Quota(_))), "{third:?}");
    let other_model = NewJob {
        model_id: NOVA.into(),
        ..new_job("d")
    };
    world.jobs.create(&other_model).await.unwrap();
    // A place becomes free when a job ends, even if no call asked for its status.
    world.wait(60 * MINUTE);
    world.jobs.create(&new_job("c")).await.unwrap();
}

/// A profile is another name for the model and has no quota of its own.
#[tokio::test]
async fn profiles_share_the_quota_of_their_model() {
    let world = World::new(|config| config.limits.jobs_in_flight_per_model = 1).await;
    let of = |name: &str, model: &str| NewJob {
        model_id: model.into(),
        ..new_job(name)
    };
    world.jobs.create(&of("a", NOVA)).await.unwrap();
    let profile = of("b", "eu.amazon.nova-lite-v1:0");
    let second = world.jobs.create(&profile).await;
    assert!(matches!(second, Err(JobsError::Quota(_))), "{second:?}");
}

/// Returns the words of a refused creation.
async fn refused(world: &World, job: &NewJob) -> String {
    let error = world.jobs.create(job).await.unwrap_err();
    StepError::of(error, "creating the job").full_message()
}

#[tokio::test]
async fn a_model_that_jobs_do_not_accept_is_refused_at_creation() {
    let world = World::new(|_| {}).await;
    for model in [
        "us.anthropic.claude-opus-5-5",
        "us.anthropic.claude-sonnet-5-5",
        "cohere.embed-multilingual-v3",
    ] {
        let job = NewJob {
            model_id: model.into(),
            ..new_job("unsupported")
        };
        let text = refused(&world, &job).await;
        assert!(
            text.contains("Batch inference is not supported for the requested model"),
            "{model}: {text}"
        );
    }
    assert_eq!(world.simulator.counters().jobs_created, 0);
}

/// It is not known which exception this operation returns, so the product must handle both.
#[tokio::test]
async fn a_name_in_use_is_refused_with_either_exception() {
    for (setting, code) in [
        (NameInUse::Conflict, "ConflictException"),
        (NameInUse::Validation, "ValidationException"),
    ] {
        let world = World::new(|config| config.faults.name_in_use = setting).await;
        world.start("taken", input(1, tool_body)).await;
        let other = NewJob {
            token: "other".into(),
            input: uri("s3://bucket/in/else.jsonl"),
            ..new_job("taken")
        };
        let text = refused(&world, &other).await;
        assert!(text.contains(code), "{text}");
        assert!(
            text.contains("The provided job name is currently in use."),
            "{text}"
        );
    }
}

/// A job's id alone is not an ARN, and `GetModelInvocationJob` says so.
#[tokio::test]
async fn a_job_is_named_by_its_arn() {
    let world = World::new(|_| {}).await;
    let arn = world.start("bare", input(1, tool_body)).await;
    let refused = world
        .client
        .get_model_invocation_job()
        .job_identifier(id_of(&arn))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
    assert_eq!(refused.message(), Some("The provided ARN is invalid"));
}

/// As in recorded lists: the model's whole ARN, the owner of the buckets, and no other members, for
/// a failed job too.
#[tokio::test]
async fn a_list_shows_less_than_a_job() {
    let world = World::new(|config| config.limits.min_records_per_job = 100).await;
    let job = NewJob {
        model_id: NOVA.into(),
        ..new_job("few")
    };
    world.put("in/few.jsonl", input(3, tool_body)).await;
    let arn = world.jobs.create(&job).await.unwrap();
    assert_eq!(world.end(&arn).await.status, JobStatus::Failed);
    let list = world
        .client
        .list_model_invocation_jobs()
        .send()
        .await
        .unwrap();
    let shown = &list.invocation_job_summaries()[0];
    assert_eq!(
        shown.model_id,
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    );
    assert_eq!(
        (&shown.message, &shown.client_request_token),
        (&None, &None)
    );
    assert_eq!(shown.job_expiration_time, None);
    let output = shown.output_data_config.as_ref().unwrap();
    let output = output.as_s3_output_data_config().unwrap();
    assert_eq!(output.s3_bucket_owner.as_deref(), Some("123456789012"));
    assert!(shown.end_time < shown.last_modified_time);

    let whole = world
        .client
        .get_model_invocation_job()
        .job_identifier(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(whole.model_id, shown.model_id);
    assert!(whole.client_request_token.is_some() && whole.job_expiration_time.is_some());
    assert_eq!(
        whole.message.unwrap(),
        format!("Batch job {arn} contains less records (3) than the required minimum of: 100")
    );
}

#[tokio::test]
async fn a_profile_is_shown_as_its_arn() {
    let world = World::new(|_| {}).await;
    let arn = world.start("profile", input(1, tool_body)).await;
    let whole = world
        .client
        .get_model_invocation_job()
        .job_identifier(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(
        whole.model_id,
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/\
         us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    );
}

/// As recorded, the end of an expired job is the time of its validation; its last change shows the
/// real end.
#[tokio::test]
async fn an_expired_job_shows_an_end_long_before_it_expired() {
    let world = World::new(|config| config.schedule.scheduled_seconds = 30 * 3_600).await;
    let arn = world.start("expired", input(1, tool_body)).await;
    assert_eq!(world.end(&arn).await.status, JobStatus::Expired);
    let job = world
        .client
        .get_model_invocation_job()
        .job_identifier(&arn)
        .send()
        .await
        .unwrap();
    let after = |time: Option<aws_sdk_bedrock::primitives::DateTime>| {
        time.unwrap().secs() - job.submit_time.secs()
    };
    assert_eq!(after(job.end_time), 4 * 60);
    assert_eq!(after(job.last_modified_time), 24 * 3_600 + 30);
}

/// A job is completed even if every record fails.
#[tokio::test]
async fn a_job_with_nothing_but_errors_is_completed() {
    let world = World::new(|_| {}).await;
    let text = input(120, |prompt| {
        let mut body = tool_body(prompt);
        body["temperature"] = serde_json::json!(1);
        body["top_p"] = serde_json::json!(0.9);
        body
    });
    let (job, lines) = world.run("errors", text).await;
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(lines.len(), 120);
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        line["error"],
        serde_json::json!({
            "errorCode": 400,
            "errorMessage": "The model returned the following errors: `temperature` and `top_p` \
                cannot both be specified for this model. Please use only one.",
            "expired": false,
            "retryable": false
        })
    );
    let manifest = world.manifest(&job.arn).await;
    assert_eq!(
        (
            &manifest["errorRecordCount"],
            &manifest["successRecordCount"]
        ),
        (&120.into(), &0.into())
    );
}

/// Without a day, no model ends, so tests pass on any day.
#[tokio::test]
async fn an_ended_model_is_refused_from_its_day_on() {
    let job = NewJob {
        model_id: "us.anthropic.claude-sonnet-4-20250514-v1:0".into(),
        ..new_job("old")
    };
    for (today, is_taken) in [
        (None, true),
        (Some("2026-10-13"), true),
        (Some("2026-10-14"), false),
    ] {
        let world = World::new(|config| {
            config.faults.today = today.and_then(quarry_bedrock_simulator::FaultDate::read);
        })
        .await;
        let created = world.jobs.create(&job).await;
        assert_eq!(created.is_ok(), is_taken, "{today:?}: {created:?}");
        if let Err(error) = created {
            let text = StepError::of(error, "creating the job").full_message();
            assert!(
                text.contains("The provided model identifier is invalid."),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn jobs_are_found_by_what_their_names_begin_with() {
    let world = World::new(|_| {}).await;
    let mut arns = Vec::new();
    for name in ["run-1", "run-10", "run-1-0", "re-run-1"] {
        arns.push(world.start(name, input(1, tool_body)).await);
    }
    let mut found = world.jobs.named("run-1").await.unwrap();
    assert!(found.iter().all(|job| job.status == JobStatus::Submitted));
    found.sort_by_key(|job| arns.iter().position(|arn| *arn == job.arn));
    let found: Vec<&str> = found.iter().map(|job| job.arn.as_str()).collect();
    assert_eq!(found, arns[..3]);
    assert_eq!(world.jobs.named("run-2").await.unwrap().len(), 0);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let world = World::new(|_| {}).await;
    for name in ["a-1", "a-2", "b-3", "a-4"] {
        world.start(name, input(1, tool_body)).await;
        world.wait(2 * MINUTE);
    }
    let names = |page: &aws_sdk_bedrock::operation::list_model_invocation_jobs::ListModelInvocationJobsOutput| {
        page.invocation_job_summaries()
            .iter()
            .map(|job| job.job_name.clone())
            .collect::<Vec<_>>()
    };
    let list = || world.client.list_model_invocation_jobs();
    let page = list()
        .name_contains("a-")
        .max_results(2)
        .send()
        .await
        .unwrap();
    assert_eq!(names(&page), ["a-4", "a-2"]);
    let token = page.next_token.unwrap();
    let page = list()
        .name_contains("a-")
        .max_results(2)
        .next_token(token)
        .send()
        .await
        .unwrap();
    assert_eq!(names(&page), ["a-1"]);
    assert!(page.next_token.is_none());

    let scheduled = list()
        .status_equals(ModelInvocationJobStatus::Scheduled)
        .sort_order(SortOrder::Ascending)
        .send()
        .await
        .unwrap();
    assert_eq!(names(&scheduled), ["a-1", "a-2", "b-3"]);
    let first = &list()
        .send()
        .await
        .unwrap()
        .invocation_job_summaries
        .unwrap()[3];
    let later = list()
        .submit_time_after(first.submit_time)
        .submit_time_before(first.submit_time)
        .send()
        .await
        .unwrap();
    assert_eq!(names(&later), ["a-1"]);
    let refused = list().max_results(1_001).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
    let refused = list().name_contains("a_b").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_stop_before_the_work_leaves_no_output() {
    let world = World::new(|_| {}).await;
    let arn = world.start("stopped", input(10, tool_body)).await;
    world.wait(5 * MINUTE);
    world.jobs.stop(&arn).await.unwrap();
    let job = world.jobs.get(&arn).await.unwrap();
    assert_eq!(job.status, JobStatus::Stopping);
    assert_eq!(world.end(&arn).await.status, JobStatus::Stopped);
    assert!(world.keys("out/").await.is_empty());
    assert!(world.simulator.records().is_empty());
}

#[tokio::test]
async fn a_stop_during_the_work_keeps_what_was_done() {
    let world = World::new(|config| config.schedule.record_milliseconds = 0).await;
    let arn = world.start("half", input(100, tool_body)).await;
    world.wait(24 * MINUTE);
    world.jobs.stop(&arn).await.unwrap();
    assert_eq!(world.end(&arn).await.status, JobStatus::Stopped);
    assert_eq!(world.lines("half", &arn).await.len(), 50);
    let manifest = world.manifest(&arn).await;
    assert_eq!(manifest["totalRecordCount"], 100);
    assert_eq!(manifest["processedRecordCount"], 50);
    assert_eq!(world.simulator.records().len(), 50);
}

/// The service refuses it, but the adapter counts a job that is stopped or has ended as stopped.
#[tokio::test]
async fn stopping_a_job_that_has_stopped_or_ended_is_not_an_error() {
    let world = World::new(|_| {}).await;
    let arn = world.start("twice", input(1, tool_body)).await;
    world.jobs.stop(&arn).await.unwrap();
    world.jobs.stop(&arn).await.unwrap();
    world.wait(2 * MINUTE);
    world.jobs.stop(&arn).await.unwrap();
    let refused = world
        .client
        .stop_model_invocation_job()
        .job_identifier(&arn)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("ConflictException"));
    let unknown = format!("{}x", &arn[..arn.len() - 1]);
    assert!(matches!(
        world.jobs.stop(&unknown).await,
        Err(JobsError::NotFound(_))
    ));
    assert!(matches!(
        world.jobs.get(&unknown).await,
        Err(JobsError::NotFound(_))
    ));
}

#[tokio::test]
async fn what_the_api_does_not_accept_is_refused_at_creation() {
    let world = World::new(|_| {}).await;
    let good = new_job("good");
    let invalid = |change: fn(&mut NewJob)| {
        let mut job = good.clone();
        change(&mut job);
        let jobs = world.jobs.clone();
        async move {
            let result = jobs.create(&job).await;
            assert!(matches!(result, Err(JobsError::Invalid(_))), "{result:?}");
        }
    };
    invalid(|job| job.name = "under_score".into()).await;
    invalid(|job| job.name = "a".repeat(64)).await;
    invalid(|job| job.token = "a_b".into()).await;
    invalid(|job| job.role_arn = "role".into()).await;
    invalid(|job| job.model_id = "a model".into()).await;
    invalid(|job| job.timeout_hours = 23).await;
    invalid(|job| job.timeout_hours = 169).await;
    invalid(|job| job.input = uri("s3://bucket/dt=2026-01-01/a.jsonl")).await;
    invalid(|job| job.output = uri("s3://bucket/a b/")).await;
    invalid(|job| job.output_kms_key = Some("my key".into())).await;
    invalid(|job| job.tags = vec![("k".into(), "ä".into())]).await;
    assert_eq!(world.simulator.counters().jobs_created, 0);
    // The service's words arrive.
    let bad_name = NewJob {
        name: "under_score".into(),
        ..good
    };
    let error = world.jobs.create(&bad_name).await.unwrap_err();
    let text = StepError::of(error, "creating the job").full_message();
    assert!(
        text.contains("ValidationException") && text.contains("jobName"),
        "{text}"
    );
}

/// A job is created whatever its input is; the service finds the error in the status `Validating`.
#[tokio::test]
async fn an_input_that_breaks_the_rules_fails_the_job_with_the_reason() {
    let world = World::new(|config| {
        config.limits.min_records_per_job = 5;
        config.limits.max_records_per_file = 8;
        config.limits.max_file_bytes = 100_000;
    })
    .await;
    let mut bad_json = input(6, tool_body);
    bad_json.push_str("{\"recordId\": \"record_6\", \"modelInput\": {}\n");
    let cases = [
        (
            "few",
            input(4, tool_body),
            "contains less records (4) than the required minimum of: 5",
        ),
        ("many", input(9, tool_body), "quota of 8 records"),
        (
            "large",
            format!("{}{}", " ".repeat(100_000), input(6, tool_body)),
            "quota of 100000 bytes",
        ),
        ("broken", bad_json, "Line 7"),
        (
            "gap",
            input(3, tool_body) + "\n" + &input(3, tool_body),
            "Line 4",
        ),
        ("shape", "{\"recordId\":\"a\"}\n".repeat(6), "modelInput"),
        (
            "text",
            "{\"modelInput\":\"a\"}\n".repeat(6),
            "no JSON object",
        ),
        ("empty", String::new(), "minimum"),
    ];
    for (name, text, reason) in cases {
        let arn = world.start(name, text).await;
        let job = world.end(&arn).await;
        assert_eq!(job.status, JobStatus::Failed, "{name}");
        assert!(job.message.contains(reason), "{name}: {}", job.message);
    }
    let missing = world.jobs.create(&new_job("missing")).await.unwrap();
    let job = world.end(&missing).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(
        job.message.contains("s3://bucket/in/missing.jsonl"),
        "{}",
        job.message
    );
    assert!(world.keys("out/").await.is_empty());
    assert!(world.simulator.records().is_empty());
}

#[tokio::test]
async fn the_default_quotas_are_the_services() {
    let world =
        World::new(|config| config.limits = quarry_bedrock_simulator::Limits::default()).await;
    let (job, _) = world.run("below", input(99, tool_body)).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.message.contains("minimum of: 100"), "{}", job.message);
    let (job, _) = world.run("enough", input(100, tool_body)).await;
    assert_eq!(job.status, JobStatus::Completed);
}

#[tokio::test]
async fn a_folder_stands_for_all_its_jsonl_files() {
    let world = World::new(|_| {}).await;
    world.put("in/two/a.jsonl", input(3, tool_body)).await;
    world.put("in/two/b.jsonl", input(2, tool_body)).await;
    world.put("in/two/notes.txt", "not for the model").await;
    let job = NewJob {
        input: uri("s3://bucket/in/two/"),
        ..new_job("folder")
    };
    let arn = world.jobs.create(&job).await.unwrap();
    assert_eq!(world.end(&arn).await.status, JobStatus::Completed);
    let folder = format!("out/{}", id_of(&arn));
    let a = world.read(&format!("{folder}/a.jsonl.out")).await.unwrap();
    let b = world.read(&format!("{folder}/b.jsonl.out")).await.unwrap();
    assert_eq!((a.lines().count(), b.lines().count()), (3, 2));
    assert_eq!(world.manifest(&arn).await["totalRecordCount"], 5);

    world.put("in/none/a.txt", "x").await;
    let job = NewJob {
        input: uri("s3://bucket/in/none/"),
        ..new_job("none")
    };
    let arn = world.jobs.create(&job).await.unwrap();
    let job = world.end(&arn).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.message.contains(".jsonl"), "{}", job.message);
}

#[tokio::test]
async fn the_timeout_expires_a_waiting_job_and_cuts_a_working_one() {
    let waiting = World::new(|config| config.schedule.scheduled_seconds = 30 * 3_600).await;
    let (job, lines) = waiting.run("waiting", input(4, tool_body)).await;
    assert_eq!(job.status, JobStatus::Expired);
    assert!(lines.is_empty());

    let slow = World::new(|config| {
        config.schedule.processing_seconds = 96 * 3_600;
        config.schedule.record_milliseconds = 0;
    })
    .await;
    let (job, lines) = slow.run("slow", input(100, tool_body)).await;
    assert_eq!(job.status, JobStatus::PartiallyCompleted);
    assert_eq!(lines.len(), 24);
}

/// Many clients read a job at its end; its work is done once, even if some of them go away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_is_done_once() {
    let ended = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&ended);
    let world = World::new(|config| {
        config.observer = Some(Arc::new(move |event: &SimulatorEvent| {
            log.lock().unwrap().push(event.clone());
        }));
    })
    .await;
    let arn = world.start("race", input(200, tool_body)).await;
    world.wait(60 * MINUTE);
    let readers: Vec<_> = (0..8)
        .map(|number| {
            let (jobs, arn) = (world.jobs.clone(), arn.clone());
            tokio::spawn(async move {
                let read = jobs.get(&arn);
                if number == 0 {
                    // This client hangs up at once.
                    let _ = tokio::time::timeout(Duration::from_millis(1), read).await;
                } else {
                    assert_eq!(read.await.unwrap().status, JobStatus::Completed);
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(world.lines("race", &arn).await.len(), 200);
    let records = world.simulator.records();
    assert!(
        records
            .iter()
            .all(|record| (record.asks(), record.good) == (1, 1))
    );
    let events = ended.lock().unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(matches!(
        &events[1],
        SimulatorEvent::JobEnded {
            status: Status::Completed,
            processed: 200,
            ..
        }
    ));
}

/// The upload has more than one part, and the reading more than one range.
#[tokio::test]
async fn outputs_larger_than_a_part_are_complete() {
    let world = World::new(|_| {}).await;
    let text = "wide ".repeat(10_000);
    let (job, lines) = world
        .run(
            "wide",
            input(400, |prompt| tool_body(&format!("{prompt} {text}"))),
        )
        .await;
    assert_eq!(status(&job), Status::Completed);
    assert_eq!(lines.len(), 400);
    let ids: HashSet<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["recordId"].to_string())
        .collect();
    assert_eq!(ids.len(), 400);
}
