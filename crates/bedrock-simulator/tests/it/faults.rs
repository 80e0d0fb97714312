//! Every scripted fault, as clients see it.

use crate::support::{
    World, id_of, input, new_job, of_record, prefill_body, prompt, schema, status, tool_body,
};
use bytes::Bytes;
use quarry_bedrock_simulator::{
    CallFault, CallFaultKind, Faults, JobFault, JobFaultKind, Operation, RecordFault,
    RecordFaultKind, Simulator, SimulatorConfig, SimulatorStartError, Status,
};
use quarry_edge::error::StepError;
use quarry_edge::jobs::{BatchJobs, JobStatus, JobsError};
use quarry_edge::on_demand::{InvokeError, OnDemand, Question};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

async fn with_record(fault: RecordFault) -> World {
    World::new(|config| config.faults.records = vec![fault]).await
}

async fn with_job(fault: JobFault) -> World {
    World::new(|config| config.faults.jobs = vec![fault]).await
}

async fn with_call(fault: CallFault) -> World {
    World::new(|config| config.faults.calls = vec![fault]).await
}

/// Returns the output lines of six records, of which `record_2` has this fault.
async fn lines_with(kind: RecordFaultKind) -> (World, Vec<String>) {
    let world = with_record(RecordFault::of_record("record_2", kind)).await;
    let (job, lines) = world.run("faulty", input(6, tool_body)).await;
    assert_eq!(job.status, JobStatus::Completed);
    for number in [0, 1, 3, 4, 5] {
        let record = of_record(&lines, number);
        assert_eq!(record.len(), 1, "record {number}");
        let answer = &record[0]["modelOutput"]["content"][0]["input"];
        assert!(jsonschema::is_valid(&schema(), answer), "record {number}");
    }
    (world, lines)
}

fn text_of(line: &Value) -> &str {
    line["modelOutput"]["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn an_error_line_has_its_code_and_is_gone_when_the_record_is_sent_again() {
    let fault = RecordFault {
        code: Some(429),
        message: Some("slow down".into()),
        ..RecordFault::of_record("record_2", RecordFaultKind::ErrorLine)
    };
    let world = with_record(fault).await;
    let (_, lines) = world.run("error", input(4, tool_body)).await;
    let record = &of_record(&lines, 2)[0];
    assert_eq!(record["error"]["errorCode"], 429);
    assert_eq!(record["error"]["errorMessage"], "slow down");
    assert_eq!(record["error"]["retryable"], true);
    assert_eq!(record["error"]["expired"], false);
    let (_, lines) = world.run("again", input(4, tool_body)).await;
    assert!(of_record(&lines, 2)[0].get("modelOutput").is_some());
    let asks = &world.simulator.asks("record_2")[0];
    assert_eq!((asks.in_jobs, asks.good, asks.bad), (2, 1, 1));
}

#[tokio::test]
async fn missing_duplicate_unknown_and_malformed_lines() {
    let (_, lines) = lines_with(RecordFaultKind::Missing).await;
    assert_eq!(lines.len(), 5);

    let (_, lines) = lines_with(RecordFaultKind::Duplicate).await;
    assert_eq!(lines.len(), 7);
    let twice: Vec<&String> = lines
        .iter()
        .filter(|l| l.contains("\"record_2\""))
        .collect();
    assert_eq!(twice[0], twice[1]);

    let (_, lines) = lines_with(RecordFaultKind::ConflictingDuplicate).await;
    let twice = of_record(&lines, 2);
    assert_eq!(twice.len(), 2);
    let answers: Vec<&Value> = twice
        .iter()
        .map(|line| &line["modelOutput"]["content"][0]["input"])
        .collect();
    assert_ne!(answers[0], answers[1]);
    assert!(answers.iter().all(|a| jsonschema::is_valid(&schema(), a)));

    let (_, lines) = lines_with(RecordFaultKind::UnknownId).await;
    assert_eq!(lines.len(), 6);
    assert!(of_record(&lines, 2).is_empty());
    assert!(lines.iter().any(|line| line.contains("\"unknown-")));

    let (_, lines) = lines_with(RecordFaultKind::MalformedLine).await;
    assert_eq!(lines.len(), 6);
    let malformed = |line: &&String| serde_json::from_str::<Value>(line).is_err();
    assert_eq!(lines.iter().filter(malformed).count(), 1);
}

/// Otherwise answers would be charged that no line has.
#[tokio::test]
async fn of_two_faults_of_a_line_the_first_is_written_and_charged() {
    let conflicting = RecordFaultKind::ConflictingDuplicate;
    for (kinds, written) in [
        ([RecordFaultKind::Duplicate, conflicting], 2),
        ([conflicting, RecordFaultKind::Duplicate], 2),
        ([RecordFaultKind::UnknownId, conflicting], 1),
        // The first line reports no tokens, and the second one does.
        ([RecordFaultKind::GuardrailIntervened, conflicting], 2),
    ] {
        let of_kind = |kind| RecordFault::of_record("record_0", kind);
        let world = World::new(|config| config.faults.records = kinds.map(of_kind).into()).await;
        let (_, lines) = world.run("faulty", input(1, tool_body)).await;
        assert_eq!(lines.len(), written, "{kinds:?}");
        let different: BTreeSet<String> = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["modelOutput"].to_string())
            .collect();
        let of_lines = |name: &str| -> u64 {
            let outputs = different.iter();
            let outputs = outputs.map(|text| serde_json::from_str::<Value>(text).unwrap());
            outputs
                .filter_map(|output| output["usage"][name].as_u64())
                .sum()
        };
        let counters = world.simulator.counters();
        assert_eq!(of_lines("input_tokens"), counters.input_tokens, "{kinds:?}");
        assert_eq!(
            of_lines("output_tokens"),
            counters.output_tokens,
            "{kinds:?}"
        );
    }
}

#[tokio::test]
async fn answers_in_quotes_fences_and_prose_are_texts() {
    let (_, lines) = lines_with(RecordFaultKind::GermanQuotes).await;
    let record = &of_record(&lines, 2)[0];
    let text = text_of(record);
    assert!(text.contains('„'), "{text}");
    assert!(serde_json::from_str::<Value>(text).is_err());
    assert_eq!(record["modelOutput"]["stop_reason"], "end_turn");

    let (_, lines) = lines_with(RecordFaultKind::Fenced).await;
    let record = &of_record(&lines, 2)[0];
    let inner = text_of(record)
        .strip_prefix("```json\n")
        .and_then(|text| text.strip_suffix("\n```"))
        .unwrap();
    assert!(jsonschema::is_valid(
        &schema(),
        &serde_json::from_str(inner).unwrap()
    ));

    let (_, lines) = lines_with(RecordFaultKind::Prose).await;
    let text = text_of(&of_record(&lines, 2)[0]).to_owned();
    let inner = &text[text.find('{').unwrap()..=text.rfind('}').unwrap()];
    assert!(jsonschema::is_valid(
        &schema(),
        &serde_json::from_str(inner).unwrap()
    ));
}

#[tokio::test]
async fn answers_that_break_the_schema_or_the_limit() {
    let (world, lines) = lines_with(RecordFaultKind::SchemaViolation).await;
    let answer = &of_record(&lines, 2)[0]["modelOutput"]["content"][0]["input"];
    assert!(!jsonschema::is_valid(&schema(), answer), "{answer}");
    assert_eq!(world.simulator.asks("record_2")[0].bad, 1);

    let (_, lines) = lines_with(RecordFaultKind::MaxTokens).await;
    let output = &of_record(&lines, 2)[0]["modelOutput"];
    assert_eq!(output["stop_reason"], "max_tokens");
    assert!(!jsonschema::is_valid(
        &schema(),
        &output["content"][0]["input"]
    ));
}

/// Models and guardrails write these in the place of an answer.
#[tokio::test]
async fn refusals_guardrails_leaks_and_nested_texts() {
    let (world, lines) = lines_with(RecordFaultKind::Refusal).await;
    let output = &of_record(&lines, 2)[0]["modelOutput"];
    assert_eq!(output["stop_reason"], "refusal");
    assert_eq!(output["content"], serde_json::json!([]));
    assert_eq!(output["stop_details"]["type"], "refusal");
    assert_eq!(world.simulator.asks("record_2")[0].bad, 1);

    let (_, lines) = lines_with(RecordFaultKind::GuardrailIntervened).await;
    let output = &of_record(&lines, 2)[0]["modelOutput"];
    assert_eq!(output["amazon-bedrock-guardrailAction"], "INTERVENED");
    assert_eq!(output["stop_reason"], "end_turn");

    let (_, lines) = lines_with(RecordFaultKind::ToolCallLeak).await;
    let input = &of_record(&lines, 2)[0]["modelOutput"]["content"][0]["input"];
    let reason = input["reason"].as_str().unwrap();
    assert!(reason.contains("</reason>\n<parameter name=\""), "{reason}");
    assert!(!jsonschema::is_valid(&schema(), input), "{input}");

    let (_, lines) = lines_with(RecordFaultKind::NestedAsText).await;
    let input = &of_record(&lines, 2)[0]["modelOutput"]["content"][0]["input"];
    assert!(
        jsonschema::is_valid(&schema(), &input["parameters"]),
        "{input}"
    );
}

/// The example's script rehearses every fault that a run survives. It leaves out those that end a
/// run: the denial of a model's first use, alone or by its Region, an old model, and a missing
/// right of the account or the caller; and those that make something late.
#[tokio::test]
async fn the_examples_script_has_every_kind_that_a_run_survives() {
    let script = include_bytes!("../../../../examples/wildlife-strikes/faults.json");
    let faults = Faults::from_json(script).unwrap();
    for kind in RecordFaultKind::ALL {
        let is_there = faults.records.iter().any(|fault| fault.kind == kind);
        assert!(is_there, "{kind:?}");
    }
    let left_out = [
        JobFaultKind::LateOutput,
        JobFaultKind::NoManifest,
        JobFaultKind::LateList,
    ];
    for kind in JobFaultKind::ALL {
        let is_there = faults.jobs.iter().any(|fault| fault.kind == kind);
        assert_eq!(is_there, !left_out.contains(&kind), "{kind:?}");
    }
    let left_out = [
        CallFaultKind::SubscriptionPending,
        CallFaultKind::UseCaseFormMissing,
        CallFaultKind::NotInRegion,
        CallFaultKind::Legacy,
        CallFaultKind::AccountNotAuthorized,
        CallFaultKind::PassRoleDenied,
    ];
    for kind in CallFaultKind::ALL {
        let is_there = faults.calls.iter().any(|fault| fault.kind == kind);
        assert_eq!(is_there, !left_out.contains(&kind), "{kind:?}");
    }
}

/// Nothing can come before a given beginning, so the fault breaks the end.
#[tokio::test]
async fn faults_keep_to_a_given_beginning() {
    let world = World::new(|config| {
        config.answers = quarry_bedrock_simulator::AnswerSource::FromSchema {
            schema: Some(schema()),
        };
        config.faults.records = vec![
            RecordFault::of_record("record_0", RecordFaultKind::GermanQuotes),
            RecordFault::of_record("record_1", RecordFaultKind::Fenced),
            RecordFault::of_record("record_2", RecordFaultKind::MaxTokens),
        ];
    })
    .await;
    let (_, lines) = world.run("prefill", input(3, prefill_body)).await;
    let text = |number| text_of(&of_record(&lines, number)[0]).to_owned();
    assert!(text(0).contains('„') && text(0).starts_with('"'));
    assert!(text(1).ends_with("\n```") && !text(1).contains("```json"));
    assert_eq!(
        of_record(&lines, 2)[0]["modelOutput"]["stop_reason"],
        "max_tokens"
    );
    assert!(!text(2).ends_with('}'));
}

/// A record that comes again in a smaller job, at another position, is still the same record.
#[tokio::test]
async fn positions_are_those_of_the_first_job() {
    let world = with_record(RecordFault::of_every(3, 1, RecordFaultKind::Missing).times(2)).await;
    let (_, lines) = world.run("all", input(9, tool_body)).await;
    let missing: Vec<usize> = (0..9)
        .filter(|number| of_record(&lines, *number).is_empty())
        .collect();
    assert_eq!(missing, [1, 4, 7]);
    let all = input(9, tool_body);
    let again: Vec<&str> = all
        .lines()
        .enumerate()
        .filter(|(number, _)| missing.contains(number))
        .map(|(_, line)| line)
        .collect();
    let again = again.join("\n");
    let (_, lines) = world.run("again", again.clone()).await;
    assert!(lines.is_empty(), "the fault holds twice");
    let (_, lines) = world.run("third", again).await;
    assert_eq!(lines.len(), 3);
}

/// A call on demand has no record id; the record is found by its prompt.
#[tokio::test]
async fn on_demand_requests_count_for_the_same_record() {
    let fault = RecordFault {
        code: Some(503),
        ..RecordFault::of_record("record_1", RecordFaultKind::ErrorLine)
    }
    .times(2);
    let world = with_record(fault).await;
    let (_, lines) = world.run("job", input(3, tool_body)).await;
    assert_eq!(of_record(&lines, 1)[0]["error"]["errorCode"], 503);
    let body = Bytes::from(tool_body(&prompt(1)).to_string());
    let ask = || {
        world
            .on_demand
            .invoke(Question::of(crate::support::SONNET, false, body.clone()))
    };
    let second = ask().await;
    assert!(
        matches!(second, Err(InvokeError::Unavailable(_))),
        "{second:?}"
    );
    ask().await.unwrap();
    let asks = &world.simulator.asks("record_1")[0];
    assert_eq!(
        (asks.in_jobs, asks.on_demand, asks.good, asks.bad),
        (1, 2, 1, 2)
    );
}

#[tokio::test]
async fn jobs_end_as_scripted_with_a_share_of_their_records() {
    for (end, share, lines) in [
        (Status::Failed, 0.0, 0),
        (Status::Failed, 0.25, 5),
        (Status::Stopped, 0.5, 10),
        (Status::Expired, 0.1, 2),
        (Status::PartiallyCompleted, 0.95, 19),
        (Status::Completed, 1.0, 20),
    ] {
        let fault = JobFault {
            message: Some("as scripted".into()),
            ..JobFault::end(0, end, share)
        };
        let world = with_job(fault).await;
        let (job, written) = world.run("ends", input(20, tool_body)).await;
        assert_eq!(status(&job), end);
        assert_eq!(job.message, "as scripted");
        assert_eq!(written.len(), lines, "{end:?} {share}");
        assert_eq!(world.simulator.records().len(), lines);
        let (second, _) = world.run("after", input(20, tool_body)).await;
        assert_eq!(second.status, JobStatus::Completed);
    }
}

#[tokio::test]
async fn every_second_job_fails() {
    let fault = JobFault {
        job: None,
        every_job: Some(2),
        offset: 1,
        ..JobFault::end(0, Status::Failed, 0.0)
    };
    let world = with_job(fault).await;
    let mut ends = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ends.push(world.run(name, input(1, tool_body)).await.0.status);
    }
    let (done, failed) = (JobStatus::Completed, JobStatus::Failed);
    assert_eq!(ends, [done, failed, done, failed]);
}

#[tokio::test]
async fn creation_is_throttled_or_over_quota_as_often_as_scripted() {
    let twice = |kind| JobFault {
        times: 2,
        ..JobFault::of_job(0, kind)
    };
    let world = with_job(twice(JobFaultKind::ThrottleCreate)).await;
    for _ in 0..2 {
        let result = world.jobs.create(&new_job("a")).await;
        assert!(matches!(result, Err(JobsError::Throttled(_))), "{result:?}");
    }
    world.jobs.create(&new_job("a")).await.unwrap();

    let world = with_job(twice(JobFaultKind::QuotaCreate)).await;
    for _ in 0..2 {
        let result = world.jobs.create(&new_job("a")).await;
        assert!(matches!(result, Err(JobsError::Quota(_))), "{result:?}");
    }
    world.jobs.create(&new_job("a")).await.unwrap();
    assert_eq!(world.simulator.counters().jobs_created, 1);
}

/// After a crash between creation and response, a second attempt gets the existing job.
#[tokio::test]
async fn a_lost_response_to_a_creation_does_not_make_a_second_job() {
    for cut in [false, true] {
        let world = with_job(JobFault {
            cut,
            ..JobFault::of_job(0, JobFaultKind::LostCreateResponse)
        })
        .await;
        let lost = world.jobs.create(&new_job("lost")).await;
        assert!(matches!(lost, Err(JobsError::Unavailable(_))), "{lost:?}");
        let found = world.jobs.named("lost").await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            world.jobs.create(&new_job("lost")).await.unwrap(),
            found[0].arn
        );
        assert_eq!(world.simulator.counters().jobs_created, 1);
    }
}

/// The same happens inside one call of a client that retries by itself.
#[tokio::test]
async fn the_sdks_own_retries_do_not_make_a_second_job() {
    let world = World::with_attempts(3, |config| {
        config.faults.jobs = vec![JobFault {
            cut: true,
            ..JobFault::of_job(0, JobFaultKind::LostCreateResponse)
        }];
    })
    .await;
    world.jobs.create(&new_job("lost")).await.unwrap();
    assert_eq!(world.simulator.counters().jobs_created, 1);
}

#[tokio::test]
async fn reading_a_job_is_throttled() {
    let world = with_job(JobFault::of_job(0, JobFaultKind::ThrottleGet)).await;
    let arn = world.start("a", input(1, tool_body)).await;
    assert!(matches!(
        world.jobs.get(&arn).await,
        Err(JobsError::Throttled(_))
    ));
    world.jobs.get(&arn).await.unwrap();
}

/// The job has ended, and its counts and manifest are those of all records. Its lines come later.
#[tokio::test]
async fn late_output_is_written_minutes_after_the_end_was_seen() {
    for (answered, first) in [(None, None), (Some(0.5), Some(5)), (Some(0.0), Some(0))] {
        let world = with_job(JobFault {
            answered,
            ..JobFault::late(0, JobFaultKind::LateOutput, 20)
        })
        .await;
        let arn = world.start("late", input(10, tool_body)).await;
        let job = world.end(&arn).await;
        assert_eq!(status(&job), Status::Completed);
        assert_eq!(world.manifest(&arn).await["successRecordCount"], 10);
        let key = format!("out/{}/late.jsonl.out", id_of(&arn));
        let lines = async || Some(world.read(&key).await?.lines().count());
        world.wait(Duration::from_mins(19));
        world.simulator.write_due().await;
        assert_eq!(lines().await, first);
        world.wait(Duration::from_mins(1));
        world.simulator.write_due().await;
        assert_eq!(lines().await, Some(10));
    }
}

#[tokio::test]
async fn a_manifest_comes_later_or_never() {
    for (minutes, comes) in [(Some(20), true), (None, false)] {
        let world = with_job(JobFault {
            minutes,
            ..JobFault::of_job(0, JobFaultKind::NoManifest)
        })
        .await;
        let (_, lines) = world.run("late", input(10, tool_body)).await;
        assert_eq!(lines.len(), 10);
        let arn = &world.jobs.named("late").await.unwrap()[0].arn;
        let key = format!("out/{}/manifest.json.out", id_of(arn));
        assert_eq!(world.read(&key).await, None);
        world.wait(Duration::from_hours(1));
        world.jobs.get(arn).await.unwrap();
        assert_eq!(world.read(&key).await.is_some(), comes);
    }
}

/// The job can be read by its ARN at once.
#[tokio::test]
async fn a_new_job_is_listed_late() {
    let world = with_job(JobFault::late(0, JobFaultKind::LateList, 10)).await;
    let arn = world.start("late", input(1, tool_body)).await;
    world.jobs.get(&arn).await.unwrap();
    world.wait(Duration::from_mins(9));
    assert!(world.jobs.named("late").await.unwrap().is_empty());
    world.wait(Duration::from_mins(1));
    assert_eq!(world.jobs.named("late").await.unwrap().len(), 1);
}

#[tokio::test]
async fn calls_fail_by_their_number() {
    let world = with_call(CallFault::of_every(
        3,
        Operation::Invoke,
        CallFaultKind::Throttle,
    ))
    .await;
    let body = Bytes::from(tool_body("ask").to_string());
    let mut throttled = Vec::new();
    for _ in 0..6 {
        let result = world
            .on_demand
            .invoke(Question::of(crate::support::SONNET, false, body.clone()))
            .await;
        throttled.push(matches!(result, Err(InvokeError::Throttled(_))));
    }
    assert_eq!(throttled, [true, false, false, true, false, false]);
    let counters = world.simulator.counters();
    assert_eq!(
        (counters.on_demand_calls, counters.on_demand_answers),
        (6, 4)
    );

    let world = with_call(CallFault::of_first(
        1,
        Operation::List,
        CallFaultKind::Unavailable,
    ))
    .await;
    assert!(matches!(
        world.jobs.named("a").await,
        Err(JobsError::Unavailable(_))
    ));
    world.jobs.named("a").await.unwrap();

    // The stop arrives, but its response is lost.
    let world = with_call(CallFault::of_first(1, Operation::Stop, CallFaultKind::Cut)).await;
    let arn = world.start("a", input(1, tool_body)).await;
    assert!(matches!(
        world.jobs.stop(&arn).await,
        Err(JobsError::Unavailable(_))
    ));
    let job = world.jobs.get(&arn).await.unwrap();
    assert_eq!(job.status, JobStatus::Stopping);
}

#[tokio::test]
async fn a_script_with_a_mistake_does_not_start() {
    let world = World::new(|_| {}).await;
    let now = Arc::new(|| Duration::ZERO);
    let mut config = SimulatorConfig::new(world.s3.clone(), now);
    config.faults = Faults {
        records: vec![RecordFault::of_every(0, 0, RecordFaultKind::Missing)],
        ..Faults::default()
    };
    let refused = Simulator::start(config).await;
    assert!(
        matches!(refused, Err(SimulatorStartError::Faults(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_right_that_is_missing_is_refused_at_creation_in_the_services_words() {
    let world = with_call(CallFault::of_first(
        1,
        Operation::Create,
        CallFaultKind::AccountNotAuthorized,
    ))
    .await;
    let refused = world.jobs.create(&new_job("closed")).await.unwrap_err();
    assert!(matches!(refused, JobsError::Invalid(_)), "{refused:?}");
    let text = StepError::of(refused, "creating").full_message();
    assert!(
        text.contains(
            "ValidationException: Your account is not authorized to perform this action."
        ),
        "{text}"
    );

    let world = with_call(CallFault::of_first(
        1,
        Operation::Create,
        CallFaultKind::PassRoleDenied,
    ))
    .await;
    let refused = world.jobs.create(&new_job("role")).await.unwrap_err();
    assert!(matches!(refused, JobsError::AccessDenied(_)), "{refused:?}");
    let text = StepError::of(refused, "creating").full_message();
    assert!(
        text.contains("is not authorized to perform: iam:PassRole on resource: "),
        "{text}"
    );
    assert_eq!(world.simulator.counters().jobs_created, 0);
}
