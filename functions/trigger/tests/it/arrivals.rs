//! Objects in the inbox.

use crate::{World, at, event, event_of};
use quarry_contract::request::{JobType, SampleRequest};
use quarry_edge::error::StepErrorKind;
use quarry_edge::failure::CallError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_trigger::{Arrived, TriggerEvent, handle};
use serde_json::json;
use std::collections::BTreeMap;

const TABLE: &str = "report\nbird\n";

fn started(arrived: Arrived) -> String {
    match arrived {
        Arrived::Started(run) => run,
        other => panic!("{other:?}"),
    }
}

fn ignored(arrived: Arrived) -> String {
    match arrived {
        Arrived::Ignored(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// Whether an arrival meant this run. Step Functions tells a second start of a run that is under way from the
/// first only if its input differs.
fn is_about(arrived: Arrived, run: &str) -> bool {
    match arrived {
        Arrived::Started(started) => started == run,
        other => ignored(other).contains(run),
    }
}

#[tokio::test]
async fn a_data_file_starts_a_run_with_its_pipelines_prompts() {
    let world = World::new();
    let event = event_of(&world, "s3-object-created", TABLE).await;
    let run = started(world.arrived(event).await);
    assert!(run.starts_with("strikes-"), "{run}");
    let (name, request) = world.only_run();
    assert_eq!(name, run);
    assert_eq!(request.data, at("inbox/strikes/may.csv"));
    assert_eq!(request.prompts, at("pipelines/strikes/"));
    assert_eq!(request.schema, None);
    assert_eq!(request.output, at(&format!("results/strikes/{run}/")));
    assert_eq!(request.job_type, JobType::Validation);
    assert_eq!(
        (request.summary, request.work, request.callback),
        (None, None, None)
    );
}

#[tokio::test]
async fn the_same_event_twice_is_one_run() {
    let world = World::new();
    let first = event_of(&world, "s3-object-created", TABLE).await;
    let second = event_of(&world, "s3-object-created-duplicate", TABLE).await;
    assert_ne!(first["id"], second["id"]);
    let run = started(world.arrived(first.clone()).await);
    assert_eq!(started(world.arrived(second.clone()).await), run);
    world.executions.end(&run);
    assert_eq!(
        world.arrived(second).await,
        Arrived::AlreadyRan(run.clone())
    );
    // Changed defaults of the pipeline do not matter either.
    world
        .put(
            "pipelines/strikes/request.json",
            r#"{"job_type": "testing"}"#,
        )
        .await;
    assert_eq!(world.arrived(first).await, Arrived::AlreadyRan(run));
    assert_eq!(world.executions.executions().len(), 1);
}

/// Returns the event of a later write, with another sequencer and another time.
fn written_again(event: &serde_json::Value, sequencer: &str, time: &str) -> serde_json::Value {
    let mut again = event.clone();
    again["detail"]["object"]["sequencer"] = sequencer.into();
    again["time"] = time.into();
    again
}

#[tokio::test]
async fn a_repeated_put_or_a_copy_in_place_does_not_pay_twice() {
    for name in ["s3-object-created", "s3-object-created-version"] {
        let world = World::new();
        let event = event_of(&world, name, TABLE).await;
        let run = started(world.arrived(event.clone()).await);
        let mut again = written_again(&event, "0062E99A88DC407461", "2026-11-22T01:21:10Z");
        again["detail"]["object"]["version-id"] = "another".into();
        assert!(is_about(world.arrived(again.clone()).await, &run));
        // The first event, delivered again, still means the same run.
        assert_eq!(started(world.arrived(event).await), run);
        assert_eq!(world.executions.executions().len(), 1, "{name}");
    }
}

/// Writes the table, and returns the event of the version that this made.
async fn version_event(world: &World, time: &str) -> serde_json::Value {
    let mut event = event_of(world, "s3-object-created-version", TABLE).await;
    let key = event["detail"]["object"]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let info = world.store.head(&at(&key)).await.unwrap();
    event["detail"]["object"]["version-id"] = info.version.unwrap().into();
    event["time"] = time.into();
    event
}

/// A client repeats its PUT, and both events come after both writes.
#[tokio::test]
async fn an_older_version_starts_nothing() {
    let world = World::over(MemoryStore::new().with_versions());
    let older = version_event(&world, "2026-11-22T00:21:11Z").await;
    let newer = version_event(&world, "2026-11-22T00:21:12Z").await;
    assert_eq!(
        older["detail"]["object"]["etag"],
        newer["detail"]["object"]["etag"]
    );
    let reason = ignored(world.arrived(older).await);
    assert!(reason.contains("replaced since"), "{reason}");
    started(world.arrived(newer).await);
    assert_eq!(world.executions.executions().len(), 1);
}

/// The call of the first event fails after its note, and the client repeats its PUT before the call is
/// repeated.
#[tokio::test]
async fn a_repeated_put_starts_the_run_that_the_first_event_could_not_start() {
    let world = World::over(MemoryStore::new().with_versions());
    let first = version_event(&world, "2026-11-22T00:21:11Z").await;
    let down = CallError::Unavailable("no response".into());
    world.executions.fail_next(down);
    let event: TriggerEvent = serde_json::from_value(first.clone()).unwrap();
    handle(&world.deps(), event).await.unwrap_err();
    let second = version_event(&world, "2026-11-22T00:21:12Z").await;
    let run = started(world.arrived(second.clone()).await);
    // Each event, delivered again, means the same run.
    ignored(world.arrived(first).await);
    assert_eq!(started(world.arrived(second.clone()).await), run);
    let (name, request) = world.only_run();
    assert_eq!(name, run);
    assert!(request.output.to_string().contains(&run), "{request:?}");
    let version = request.data_content.unwrap().version.unwrap();
    assert_eq!(second["detail"]["object"]["version-id"], *version);
}

/// Under a KMS key, the `ETag` differs after each write of the same bytes.
#[tokio::test]
async fn a_repeated_put_under_kms_does_not_pay_twice() {
    for store in [MemoryStore::new(), MemoryStore::new().with_versions()] {
        let world = World::over(store.with_new_etags());
        let event = event_of(&world, "s3-object-created", TABLE).await;
        let run = started(world.arrived(event.clone()).await);
        let again = event_of(&world, "s3-object-created", TABLE).await;
        let again = written_again(&again, "0062E99A88DC407461", "2026-11-22T01:21:10Z");
        assert_ne!(
            event["detail"]["object"]["etag"],
            again["detail"]["object"]["etag"]
        );
        let reason = ignored(world.arrived(again).await);
        assert!(reason.contains(&run), "{reason}");
        // Other bytes are another table.
        let other = event_of(&world, "s3-object-created", "report\nplane\n").await;
        let other = written_again(&other, "0062E99A88DC407462", "2026-11-22T01:21:10Z");
        started(world.arrived(other).await);
    }
}

/// The run works on the object of its event, not on what is there when planning begins.
#[tokio::test]
async fn the_request_names_the_version_of_the_event() {
    let world = World::over(MemoryStore::new().with_versions());
    let event = version_event(&world, "2026-11-22T00:21:11Z").await;
    let version = event["detail"]["object"]["version-id"].as_str();
    started(world.arrived(event.clone()).await);
    let content = world.only_run().1.data_content.unwrap();
    assert_eq!(content.version.as_deref(), version);
    assert_eq!(content.size, TABLE.len() as u64);
}

/// Returns what the event of a second write of the same content within the hour does, if `damage`
/// has changed the note of the first.
async fn second_write(damage: impl FnOnce(String) -> String) -> (String, Arrived) {
    let world = World::new();
    let event = event_of(&world, "s3-object-created", TABLE).await;
    let run = started(world.arrived(event.clone()).await);
    let notes = at("runs/arrivals/");
    let mut there = world.store.locations().into_iter();
    let note = there.find(|at| at.key().starts_with(notes.key())).unwrap();
    let body = world.store.get(&note, u64::MAX).await.unwrap();
    let body = damage(String::from_utf8(body.to_vec()).unwrap());
    world.put(note.key(), &body).await;
    let again = written_again(&event, "0062E99A88DC407461", "2026-11-22T01:21:10Z");
    (run, world.arrived(again).await)
}

#[tokio::test]
async fn a_note_of_4_kib_is_read() {
    let (run, again) = second_write(|note| format!("{note:<4096}")).await;
    assert!(is_about(again, &run));
}

#[tokio::test]
async fn a_damaged_note_does_not_hold_up_an_arrival() {
    let too_long = "x".repeat(4097);
    for damage in ["", "{", r#"{"version": 1}"#, &too_long] {
        let (run, again) = second_write(|_| damage.to_owned()).await;
        assert_ne!(started(again), run, "{damage}");
    }
}

#[tokio::test]
async fn other_content_or_a_later_write_is_another_run() {
    let world = World::new();
    let event = event_of(&world, "s3-object-created", TABLE).await;
    let first = started(world.arrived(event.clone()).await);
    let later = written_again(&event, "0062E99A88DC407461", "2026-11-22T01:21:11Z");
    let second = started(world.arrived(later.clone()).await);
    assert_ne!(second, first);
    // From then on, the hour counts from the later write.
    let soon = written_again(&event, "0062E99A88DC407462", "2026-11-22T01:51:11Z");
    assert!(is_about(world.arrived(soon).await, &second));
    assert_eq!(world.executions.executions().len(), 2);
    let other = event_of(&world, "s3-object-created", "report\nbat\n").await;
    let third = started(world.arrived(other).await);
    assert!(third != first && third != second);
}

#[tokio::test]
async fn a_request_for_tables_that_start_runs_themselves_is_refused() {
    for (key, request) in [
        ("inbox/strikes/request.json", "{}"),
        ("inbox/strikes/request.json", r#"{"data": "may.csv"}"#),
        (
            "inbox/strikes/may/request.json",
            r#"{"data": "s3://quarry-data/inbox/strikes/may.csv"}"#,
        ),
        (
            "inbox/strikes/may/request.json",
            r#"{"data": "s3://quarry-data/inbox/strikes/"}"#,
        ),
    ] {
        let world = World::new();
        let mut event = event("s3-request");
        event["detail"]["object"]["key"] = key.into();
        event["detail"]["object"]["etag"] = world.put(key, request).await.into();
        let event: TriggerEvent = serde_json::from_value(event).unwrap();
        let error = handle(&world.deps(), event).await.unwrap_err();
        assert!(error.to_string().contains("paid twice"), "{error}");
        assert!(world.executions.executions().is_empty());
    }
}

#[tokio::test]
async fn a_request_reaches_no_other_pipelines_data_and_changes_no_costs() {
    for (request, named) in [
        (
            r#"{"data": "s3://quarry-data/inbox/birds/"}"#,
            "inbox/birds/",
        ),
        (
            r#"{"data": "s3://quarry-data/runs/birds-1/slices/0/round-0/input/"}"#,
            "runs/birds-1",
        ),
        (
            r#"{"prompts": "s3://quarry-data/pipelines/birds/prompts.json"}"#,
            "pipelines/birds",
        ),
        (r#"{"schema": "s3://other/schema.json"}"#, "s3://other"),
        (
            r#"{"output": "s3://quarry-data/results/birds/run-1/"}"#,
            "results/birds",
        ),
        (
            r#"{"summary": "s3://quarry-data/results/birds/"}"#,
            "results/birds",
        ),
        (r#"{"work": "s3://quarry-data/runs2/"}"#, "`work`"),
        (
            r#"{"settings": {"BEDROCK_PRIMARY_MODEL_ID": "dear"}}"#,
            "may not change BEDROCK_PRIMARY_MODEL_ID",
        ),
        (
            r#"{"settings": {"BEDROCK_MAX_RETRIES": "10"}}"#,
            "may not change BEDROCK_MAX_RETRIES",
        ),
        (r#"{"request_settings": ["*"]}"#, "cannot be in a request"),
    ] {
        let world = World::new();
        let event = event_of(&world, "s3-request", request).await;
        let event: TriggerEvent = serde_json::from_value(event).unwrap();
        let error = handle(&world.deps(), event).await.unwrap_err();
        assert_eq!(error.name(), "Quarry.BadRequest", "{request}");
        assert!(error.to_string().contains(named), "{named}: {error}");
        assert!(world.executions.executions().is_empty(), "{request}");
    }
}

#[tokio::test]
async fn keys_are_taken_as_they_are() {
    let world = World::new();
    let event = event_of(&world, "s3-odd-key", TABLE).await;
    let run = started(world.arrived(event).await);
    assert!(
        run.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        "{run}"
    );
    let data = world.only_run().1.data;
    assert_eq!(
        data,
        at("inbox/strikes/Bericht (März) + 50%25 #1 & more.csv")
    );
}

#[tokio::test]
async fn a_pipeline_has_defaults_and_a_schema() {
    let world = World::new();
    world
        .put("pipelines/strikes/validation_schema_1.json", "{}")
        .await;
    world
        .put("pipelines/strikes/validation_schema_2.json", "{}")
        .await;
    world
        .put("pipelines/strikes/validation_schema_old/3.json", "{}")
        .await;
    let defaults = json!({
        "job_type": "testing",
        "output": "s3://elsewhere/out/",
        "settings": {"BEDROCK_MAX_TOKENS": "64", "BEDROCK_TOP_P": "0.5"},
        "sample": {"rows": 50, "seed": 7},
    });
    world
        .put("pipelines/strikes/request.json", &defaults.to_string())
        .await;
    let event = event_of(&world, "s3-object-created", TABLE).await;
    let run = started(world.arrived(event).await);
    let request = world.only_run().1;
    assert_eq!(
        request.schema,
        Some(at("pipelines/strikes/validation_schema_2.json"))
    );
    assert_eq!(request.job_type, JobType::Testing);
    // All runs share this place, so each has a folder of its own there.
    assert_eq!(
        request.output.to_string(),
        format!("s3://elsewhere/out/{run}/")
    );
    assert_eq!(request.settings["BEDROCK_MAX_TOKENS"], "64");
    let (rows, seed) = (50, Some(7));
    assert_eq!(request.sample, Some(SampleRequest { rows, seed }));
}

/// It lowers the cost of a run, so it needs no permission of the pipeline.
#[tokio::test]
async fn any_request_may_ask_for_a_sample() {
    let world = World::new();
    let body = json!({"data": "data/", "sample": {"rows": 20}});
    let event = event_of(&world, "s3-request", &body.to_string()).await;
    started(world.arrived(event).await);
    let sample = world.only_run().1.sample;
    assert_eq!(
        sample,
        Some(SampleRequest {
            rows: 20,
            seed: None
        })
    );
}

#[tokio::test]
async fn a_schema_in_a_folder_below_the_pipelines_folder_is_not_the_pipelines() {
    let nested = "pipelines/strikes/validation_schema_old/validation_schema_9.json";
    for own in [None, Some("pipelines/strikes/validation_schema_1.json")] {
        let world = World::new();
        world.put(nested, "{}").await;
        if let Some(own) = own {
            world.put(own, "{}").await;
        }
        let event = event_of(&world, "s3-object-created", TABLE).await;
        started(world.arrived(event).await);
        assert_eq!(world.only_run().1.schema, own.map(at));
    }
}

#[tokio::test]
async fn a_request_names_what_it_wants_and_the_rest_is_its_pipelines() {
    let world = World::new();
    let defaults = json!({
        "prompts": "v2/prompts.json",
        "job_type": "testing",
        "request_settings": ["BEDROCK_MAX_TOKENS"],
        "settings": {"BEDROCK_MAX_TOKENS": "64", "BEDROCK_TOP_P": "0.5"},
    });
    world
        .put("pipelines/strikes/request.json", &defaults.to_string())
        .await;
    let request = json!({
        "version": 1,
        "schema": "schema.json",
        "summary": "s3://elsewhere/summaries/",
        "job_type": "training",
        "settings": {"BEDROCK_MAX_TOKENS": "128"},
    });
    let event = event_of(&world, "s3-request", &request.to_string()).await;
    let run = started(world.arrived(event).await);
    let request = world.only_run().1;
    assert_eq!(
        request.data,
        at("inbox/strikes/may/"),
        "its own folder, with train/, val/, test/"
    );
    assert_eq!(request.schema, Some(at("inbox/strikes/may/schema.json")));
    assert_eq!(request.prompts, at("pipelines/strikes/v2/prompts.json"));
    assert_eq!(request.output, at(&format!("results/strikes/{run}/")));
    assert_eq!(
        request.summary.unwrap().to_string(),
        "s3://elsewhere/summaries/"
    );
    assert_eq!(request.job_type, JobType::Training);
    let settings = [("BEDROCK_MAX_TOKENS", "128"), ("BEDROCK_TOP_P", "0.5")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(request.settings, BTreeMap::from(settings));
}

#[tokio::test]
async fn a_request_that_cannot_be_used_is_refused_by_name_and_starts_nothing() {
    for (defaults, request, named) in [
        ("{}", r#"{"promts": "p.json"}"#, "unknown field `promts`"),
        ("{}", r#"{"version": 2}"#, "version 2"),
        ("{}", "nonsense", "may/request.json"),
        ("{}", r#"{"job_type": "practice"}"#, "practice"),
        ("{}", r#"{"data": "http://x/y"}"#, "http://x/y"),
        ("{}", r#"{"output": "results/"}"#, "`output`"),
        (
            "{}",
            r#"{"summary": "s3://quarry-data/inbox/strikes/"}"#,
            "`summary`",
        ),
        ("{}", r#"{"work": "s3://quarry-data/"}"#, "`work`"),
        (
            r#"{"output": "s3://quarry-data/inbox/out"}"#,
            "{}",
            "`output`",
        ),
        (r#"{"data": "here/"}"#, "{}", "`data`"),
        (r#"{"setings": {}}"#, "{}", "pipelines/strikes/request.json"),
    ] {
        let world = World::new();
        world.put("pipelines/strikes/request.json", defaults).await;
        let event = event_of(&world, "s3-request", request).await;
        let event: TriggerEvent = serde_json::from_value(event).unwrap();
        let error = handle(&world.deps(), event).await.unwrap_err();
        assert_eq!(error.kind(), StepErrorKind::BadRequest, "{error:?}");
        assert!(error.to_string().contains(named), "{named}: {error}");
        assert!(world.executions.executions().is_empty(), "{request}");
    }
}

#[tokio::test]
async fn an_object_that_was_deleted_or_replaced_since_starts_nothing() {
    let world = World::new();
    let gone = ignored(world.arrived(event("s3-object-created")).await);
    assert!(gone.contains("deleted"), "{gone}");
    let first = event_of(&world, "s3-object-created", TABLE).await;
    let second = event_of(&world, "s3-object-created-duplicate", "report\nbat\n").await;
    let replaced = ignored(world.arrived(first).await);
    assert!(replaced.contains("replaced"), "{replaced}");
    started(world.arrived(second).await);
}

#[tokio::test]
async fn an_outage_fails_the_invocation_so_that_lambda_retries() {
    let world = World::new();
    let event = event_of(&world, "s3-object-created", TABLE).await;
    let event: TriggerEvent = serde_json::from_value(event).unwrap();
    world
        .executions
        .fail_next(CallError::Unavailable("down".into()));
    let error = handle(&world.deps(), event.clone()).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Unavailable");
    handle(&world.deps(), event).await.unwrap();
    assert_eq!(world.executions.executions().len(), 1);
}

#[test]
fn events_of_other_kinds_are_refused() {
    let mut deleted = event("s3-object-created");
    deleted["detail-type"] = "Object Deleted".into();
    // S3's own notifications encode keys; they must not be read as messages.
    let notification =
        json!({"Records": [{"eventSource": "aws:s3", "messageId": "1", "body": ""}]});
    for (event, why) in [
        (deleted, "Object Deleted"),
        (notification, "through EventBridge"),
        (json!({}), "neither"),
        (
            json!({"detail-type": "Object Created", "source": "aws.s3"}),
            "cannot be read",
        ),
    ] {
        let error = serde_json::from_value::<TriggerEvent>(event).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
