//! Messages of SageMaker pipelines.

use crate::{MACHINE, World, at, event};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::callback::Callback;
use quarry_contract::execution_name;
use quarry_contract::layout::RunFolder;
use quarry_contract::request::{JobType, SampleRequest};
use quarry_edge::callbacks::MAX_REASON;
use quarry_edge::callbacks::memory::StepAnswer;
use quarry_edge::executions::memory::{MemoryExecutions, Standing};
use quarry_edge::executions::{Executions, Started, Stopped};
use quarry_edge::failure::CallError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_trigger::{Deps, handle};
use serde_json::{Value, json};
use std::sync::Arc;

const TOKEN: &str = "26vcYbeWsZ";
const ARN: &str =
    "arn:aws:sagemaker:us-east-2:123456789012:pipeline/label-strikes/execution/7pinimwddh3a";

fn callback(token: &str) -> Callback {
    Callback {
        token: token.parse().unwrap(),
        pipeline_execution_arn: ARN.to_owned(),
    }
}

fn run() -> String {
    execution_name::of_callback(MACHINE, &callback(TOKEN))
}

fn nothing_failed() -> Value {
    json!({"batchItemFailures": []})
}

fn first_failed() -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661970000000"}]})
}

fn failure(world: &World, token: &str) -> String {
    match world.callbacks.answers().remove(token) {
        Some(StepAnswer::Failed(reason)) => reason.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Returns the event with an argument added or changed.
fn with_argument(name: &str, value: Value) -> Value {
    let mut event = event("callback-executing");
    let mut body: Value =
        serde_json::from_str(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    body["arguments"][name] = value;
    event["Records"][0]["body"] = body.to_string().into();
    event
}

#[tokio::test]
async fn a_step_that_executes_starts_a_run_with_its_arguments() {
    let world = World::new();
    assert_eq!(
        world.batch(event("callback-executing")).await,
        nothing_failed()
    );
    let (name, request) = world.only_run();
    assert_eq!(name, run());
    assert!(name.starts_with("label-strikes-"), "{name}");
    assert_eq!(request.data, at("strikes/data/"));
    assert_eq!(request.prompts, at("strikes/prompts/"));
    assert_eq!(request.output, at("strikes/out/"));
    assert_eq!(request.summary, Some(at("strikes/summary/")));
    assert_eq!(request.schema, Some(at("strikes/schema.json")));
    assert_eq!(request.job_type, JobType::Calibration);
    assert_eq!(request.callback, Some(callback(TOKEN)));
    let settings: Vec<(&str, &str)> = request
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        settings,
        [
            ("BEDROCK_OUTPUT_COLUMN_PREFIX", "ai_"),
            ("BEDROCK_SKIP_ERROR_RECORDS", "true"),
            ("BEDROCK_TEMPERATURE", "0.5"),
        ]
    );
    assert!(
        world.callbacks.answers().is_empty(),
        "the run has not ended"
    );
}

#[tokio::test]
async fn a_step_may_ask_for_a_sample() {
    let world = World::new();
    let mut event = with_argument("sample_rows", "50".into());
    let body = event["Records"][0]["body"].as_str().unwrap();
    let mut body: Value = serde_json::from_str(body).unwrap();
    body["arguments"]["sample_seed"] = 7.into();
    event["Records"][0]["body"] = body.to_string().into();
    assert_eq!(world.batch(event).await, nothing_failed());
    let (rows, seed) = (50, Some(7));
    assert_eq!(
        world.only_run().1.sample,
        Some(SampleRequest { rows, seed })
    );
}

#[tokio::test]
async fn a_message_delivered_twice_is_one_run() {
    let world = World::new();
    world.batch(event("callback-executing")).await;
    world.batch(event("callback-executing")).await;
    world.executions.end(&run());
    assert_eq!(
        world.batch(event("callback-executing")).await,
        nothing_failed()
    );
    assert_eq!(world.executions.executions().len(), 1);
}

#[tokio::test]
async fn omitted_arguments_have_defaults() {
    let world = World::new();
    let mut event = with_argument("job_type", "".into());
    let mut body: Value =
        serde_json::from_str(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    let arguments = body["arguments"].as_object_mut().unwrap();
    for name in ["processed_data", "analysis_summary", "validation_schema"] {
        arguments.remove(name);
    }
    event["Records"][0]["body"] = body.to_string().into();
    assert_eq!(world.batch(event).await, nothing_failed());
    let (name, request) = world.only_run();
    assert_eq!(
        request.output,
        at(&format!("results/label-strikes/{name}/"))
    );
    assert_eq!((request.summary, request.schema), (None, None));
    assert_eq!(request.job_type, JobType::Validation);
}

#[tokio::test]
async fn a_step_that_stops_stops_its_run_and_settle_calls_back() {
    let world = World::new();
    world.batch(event("callback-executing")).await;
    assert_eq!(
        world.batch(event("callback-stopping")).await,
        nothing_failed()
    );
    let execution = world.executions.executions().remove(&run()).unwrap();
    let Standing::Stopped(cause) = execution.standing else {
        panic!("{execution:?}")
    };
    assert_eq!(cause.error, "Quarry.Stopped");
    assert!(cause.cause.contains(ARN), "{cause:?}");
    assert!(world.callbacks.answers().is_empty(), "that is settle's");
    // Repeating the stop or the start changes nothing.
    assert_eq!(
        world.batch(event("callback-stopping")).await,
        nothing_failed()
    );
    assert_eq!(
        world.batch(event("callback-executing")).await,
        nothing_failed()
    );
    assert_eq!(world.executions.executions().len(), 1);
}

/// A queue does not preserve order.
#[tokio::test]
async fn a_stop_that_overtakes_the_start_keeps_the_run_from_starting() {
    let world = World::new();
    assert_eq!(
        world.batch(event("callback-stopping")).await,
        nothing_failed()
    );
    assert!(failure(&world, TOKEN).contains("stopped before"));
    assert_eq!(
        world.batch(event("callback-executing")).await,
        nothing_failed()
    );
    assert!(world.executions.executions().is_empty());
    // Another step of the same pipeline is not affected.
    let other = RunFolder::new(
        &at("runs"),
        &execution_name::of_callback(MACHINE, &callback("AAAAAAAAA1")),
    );
    assert!(world.store.head(&other.stop()).await.is_err());
}

/// The deployment may be updated while a run goes on.
#[tokio::test]
async fn a_run_whose_name_does_not_tell_the_deployment_is_stopped_too() {
    let world = World::new();
    let earlier = execution_name::of_callback_in_any_deployment(&callback(TOKEN));
    world.executions.start(&earlier, "{}").await.unwrap();
    assert_eq!(
        world.batch(event("callback-stopping")).await,
        nothing_failed()
    );
    let executions = world.executions.executions();
    let standing = &executions[&earlier].standing;
    assert!(matches!(standing, Standing::Stopped(_)), "{standing:?}");
    assert!(
        world.callbacks.answers().is_empty(),
        "settle tells the step"
    );
}

/// An execution that is stopped from elsewhere while it is being started.
struct StoppedMeanwhile {
    executions: MemoryExecutions,
    store: MemoryStore,
}

#[async_trait]
impl Executions for StoppedMeanwhile {
    async fn start(&self, name: &str, input: &str) -> Result<Started, CallError> {
        // The other delivery writes its mark, finds no execution, and is done.
        let mark = RunFolder::new(&at("runs"), name).stop();
        self.store
            .put(&mark, Bytes::from("{}"), WriteCondition::Always)
            .await
            .unwrap();
        assert_eq!(
            self.stop(name, "", "").await.unwrap(),
            Stopped::NoSuchExecution
        );
        self.executions.start(name, input).await
    }

    async fn stop(&self, name: &str, error: &str, cause: &str) -> Result<Stopped, CallError> {
        self.executions.stop(name, error, cause).await
    }
}

#[tokio::test]
async fn a_stop_between_the_check_and_the_start_stops_the_run() {
    let world = World::new();
    let deps = Deps {
        executions: Arc::new(StoppedMeanwhile {
            executions: world.executions.clone(),
            store: world.store.clone(),
        }),
        ..world.deps()
    };
    let event = serde_json::from_value(event("callback-executing")).unwrap();
    handle(&deps, event).await.unwrap();
    let execution = world.executions.executions().remove(&run()).unwrap();
    assert!(
        matches!(execution.standing, Standing::Stopped(_)),
        "{execution:?}"
    );
}

/// A pipeline must not wait for a run that can never begin.
#[tokio::test]
async fn a_message_that_can_never_work_gets_a_failure_by_name_and_is_reported() {
    for (name, value, reason) in [
        (
            "input_date",
            "s3://quarry-data/x".into(),
            "`input_date` is not known",
        ),
        ("input_data", "".into(), "`input_data` is missing"),
        ("input_data", "data/".into(), "`input_data`"),
        (
            "prompt_templates",
            "".into(),
            "`prompt_templates` is missing",
        ),
        ("job_type", "practice".into(), "`job_type`"),
        (
            "sample_rows",
            "-1".into(),
            "`sample_rows` is not such a number",
        ),
        (
            "sample_seed",
            "7".into(),
            "`sample_seed` needs `sample_rows`",
        ),
        (
            "BEDROCK_MODEL_CAPABILITIES",
            json!({}),
            "`BEDROCK_MODEL_CAPABILITIES`",
        ),
        (
            "processed_data",
            "s3://quarry-data/inbox/p/".into(),
            "inbox",
        ),
        (
            "analysis_summary",
            format!("s3://quarry-data/strikes/{}", "k".repeat(1_000)).into(),
            "longer than",
        ),
        (
            "input_data",
            "s3://quarry-data/inbox/another/".into(),
            "may not use",
        ),
        (
            "prompt_templates",
            "s3://quarry-data/runs/run-1/".into(),
            "ReadableArns",
        ),
        (
            "processed_data",
            "s3://quarry-data/results/another/".into(),
            "WritableArns",
        ),
    ] {
        let world = World::new();
        let event = with_argument(name, value);
        assert_eq!(world.batch(event.clone()).await, first_failed(), "{name}");
        let told = failure(&world, TOKEN);
        assert!(told.contains(reason), "{name}: {told}");
        assert!(told.chars().count() <= MAX_REASON);
        // SQS delivers the message again: the step has its result already, and the message fails
        // again.
        assert_eq!(world.batch(event).await, first_failed());
        assert!(world.executions.executions().is_empty());
    }
}

/// A pipeline gets the place with the name of a file in it, 1024 characters at most. The name has
/// eighty of them.
#[tokio::test]
async fn a_place_for_results_has_at_most_944_characters() {
    for name in ["processed_data", "analysis_summary"] {
        for (characters, starts) in [(944, true), (945, false)] {
            let world = World::new();
            let folder = "s3://quarry-data/strikes/";
            let rest = "k".repeat(characters - folder.len() - 1);
            let place = format!("{folder}{rest}/");
            let answer = world.batch(with_argument(name, place.into())).await;
            let what = format!("{name} of {characters} characters");
            assert_eq!(
                world.executions.executions().len(),
                usize::from(starts),
                "{what}"
            );
            if starts {
                assert_eq!(answer, nothing_failed(), "{what}");
            } else {
                assert_eq!(answer, first_failed(), "{what}");
                let told = failure(&world, TOKEN);
                let words = format!("`{name}` is longer than 944 characters");
                assert!(told.contains(&words), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_without_a_token_is_reported_without_a_callback() {
    let world = World::new();
    assert_eq!(
        world.batch(event("callback-malformed")).await,
        first_failed()
    );
    assert!(world.callbacks.answers().is_empty());
    for body in [
        json!([]),
        json!({"token": "short"}),
        json!({"arguments": {}}),
    ] {
        let mut event = event("callback-malformed");
        event["Records"][0]["body"] = body.to_string().into();
        assert_eq!(world.batch(event).await, first_failed(), "{body}");
    }
}

#[tokio::test]
async fn of_a_mixed_batch_the_good_messages_start_runs_and_the_others_are_named() {
    let world = World::new();
    let answer = world.batch(event("callback-mixed")).await;
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap())
        .map(|id| &id[id.len() - 1..])
        .collect();
    assert_eq!(failed, ["1", "2", "4"]);
    let runs: Vec<String> = world.executions.executions().into_keys().collect();
    let mut expected = ["AAAAAAAAA1", "AAAAAAAAA3"]
        .map(|token| execution_name::of_callback(MACHINE, &callback(token)))
        .to_vec();
    expected.sort();
    assert_eq!(runs, expected);
    assert!(failure(&world, "AAAAAAAAA2").contains("`input_date`"));
    assert!(failure(&world, "AAAAAAAAA4").contains("Pausing"));
}

#[tokio::test]
async fn a_transient_failure_is_delivered_again_without_a_callback() {
    for error in [
        CallError::Throttled("slow down".into()),
        CallError::Unavailable("down".into()),
        CallError::AccessDenied("no".into()),
        CallError::NotFound("no such machine".into()),
    ] {
        let world = World::new();
        world.executions.fail_next(error);
        assert_eq!(
            world.batch(event("callback-executing")).await,
            first_failed()
        );
        assert!(world.callbacks.answers().is_empty());
        assert_eq!(
            world.batch(event("callback-executing")).await,
            nothing_failed()
        );
        assert_eq!(world.executions.executions().len(), 1);
    }
    // A stop whose response was lost is retried.
    let world = World::new();
    world
        .callbacks
        .fail_next(CallError::Unavailable("down".into()));
    assert_eq!(
        world.batch(event("callback-stopping")).await,
        first_failed()
    );
    assert_eq!(
        world.batch(event("callback-stopping")).await,
        nothing_failed()
    );
    assert!(failure(&world, TOKEN).contains("stopped before"));
}

/// Without a name, the folder of the pipeline would be the prefix of all pipelines.
#[tokio::test]
async fn a_message_whose_pipeline_has_no_name_reaches_no_pipelines_data() {
    for arn in [
        "arn:aws:sagemaker:us-east-2:123456789012:pipeline//execution/7pinimwddh3a",
        "arn:aws:sagemaker:us-east-2:123456789012:pipeline/../execution/7pinimwddh3a",
        "arn:aws:sagemaker:us-east-2:123456789012:pipeline/a/b/execution/7pinimwddh3a",
        "7pinimwddh3a",
    ] {
        let world = World::new();
        let mut event = with_argument("input_data", "s3://quarry-data/inbox/birds/".into());
        let body = event["Records"][0]["body"].as_str().unwrap();
        event["Records"][0]["body"] = body.replace(ARN, arn).into();
        assert_eq!(world.batch(event).await, first_failed(), "{arn}");
        let told = failure(&world, TOKEN);
        assert!(told.contains("names no pipeline"), "{told}");
        assert!(world.executions.executions().is_empty());
    }
}

#[tokio::test]
async fn a_message_changes_no_more_settings_than_a_request_in_the_inbox() {
    for name in [
        "BEDROCK_PRIMARY_MODEL_ID",
        "BEDROCK_MAX_RETRIES",
        "BEDROCK_MAX_ROWS",
    ] {
        let world = World::new();
        let event = with_argument(name, json!(9));
        assert_eq!(world.batch(event).await, first_failed(), "{name}");
        let told = failure(&world, TOKEN);
        assert!(
            told.contains(&format!("may not change {name} of the pipeline")),
            "{told}"
        );
        assert!(world.executions.executions().is_empty());
    }
}

#[tokio::test]
async fn a_pipelines_settings_hold_for_its_steps_and_its_list_is_what_they_may_change() {
    let world = World::new();
    let own = json!({
        "settings": {"BEDROCK_MAX_RETRIES": "1", "BEDROCK_MAX_ROWS": "500", "BEDROCK_TEMPERATURE": "0"},
        "request_settings": ["*"],
    });
    world
        .put("pipelines/label-strikes/request.json", &own.to_string())
        .await;
    let event = with_argument("BEDROCK_MAX_RETRIES", json!(2));
    assert_eq!(world.batch(event).await, nothing_failed());
    let settings = world.only_run().1.settings;
    for (name, value) in [
        ("BEDROCK_MAX_RETRIES", "2"),
        ("BEDROCK_MAX_ROWS", "500"),
        ("BEDROCK_TEMPERATURE", "0.5"),
    ] {
        assert_eq!(settings[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_pipeline_that_lists_settings_lets_its_step_change_no_others() {
    let world = World::new();
    let own = json!({"request_settings": ["BEDROCK_MAX_TOKENS", "BEDROCK_TEMPERATURE"]});
    world
        .put("pipelines/label-strikes/request.json", &own.to_string())
        .await;
    assert_eq!(
        world.batch(event("callback-executing")).await,
        first_failed()
    );
    let reason = failure(&world, TOKEN);
    assert!(
        reason.contains("BEDROCK_OUTPUT_COLUMN_PREFIX") && reason.contains("request_settings"),
        "{reason}"
    );
    assert!(world.executions.executions().is_empty());
}
