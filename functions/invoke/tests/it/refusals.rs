//! `invoke` tells permanent refusals from transient ones, and a refused round costs at most twenty
//! calls.

use crate::support::{
    FALLBACK, MakeReply, Scripted, all_ids, change, denied, deps, ids, invoke, kept_lines, planned,
    planned_with, rejected, round, throttled, unavailable,
};
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::Step;
use quarry_contract::plan::{Asked, Mode, Slice};
use quarry_edge::on_demand::InvokeError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_invoke::handle;
use quarry_model::Denial;
use quarry_planned_run::TimeFor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const NO_TOOLS: &str = r#"tool_choice: type "tool" and "any" are not supported for this model."#;

#[tokio::test(start_paused = true)]
async fn a_round_that_is_refused_is_left_after_twenty_calls_whatever_the_settings() {
    for (batch_size, workers) in [
        ("10", None),
        ("1", None),
        ("7", Some("4")),
        ("500", Some("100")),
    ] {
        let store = MemoryStore::new();
        let mut settings = vec![("BEDROCK_BATCH_SIZE", batch_size)];
        if let Some(workers) = workers {
            settings.push(("BEDROCK_CONCURRENCY_MODE", "concurrent"));
            settings.push(("BEDROCK_MAX_CONCURRENT_WORKERS", workers));
        }
        let state = planned_with(&store, 300, &settings).await;
        let model = Scripted::new(|_, _| rejected(NO_TOOLS));
        let after = invoke(&store, &model, &state).await.unwrap();
        assert_eq!(after.next, Step::Merge, "{settings:?}");
        assert_eq!(model.calls(), 20, "{settings:?}");
        let lines = kept_lines(&store).await;
        assert_eq!(ids(&lines), all_ids(20), "{settings:?}");
        assert_eq!(lines[19]["error"]["errorMessage"], NO_TOOLS);

        // The step is repeated because its response was lost.
        let again = invoke(&store, &model, &state).await.unwrap();
        assert_eq!(
            (again.next, model.calls()),
            (Step::Merge, 20),
            "{settings:?}"
        );
    }
}

/// Calls of earlier invocations count.
#[tokio::test(start_paused = true)]
async fn twenty_calls_are_the_limit_over_several_invocations_too() {
    let store = MemoryStore::new();
    let mut state = planned_with(&store, 300, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    let model = Scripted::new(|_, _| rejected(NO_TOOLS));
    let mut invocations = 0;
    while state.next == Step::Invoke {
        let time_left = TimeFor::pieces(6);
        state = handle(&deps(&store, &model), state, &time_left)
            .await
            .unwrap();
        invocations += 1;
        assert!(invocations < 10);
    }
    assert!(invocations > 1);
    assert_eq!(model.calls(), 20);
}

#[tokio::test(start_paused = true)]
async fn after_one_answer_or_another_error_all_records_are_sent() {
    for script in [
        |row: &str| if row == "r19" { Ok(()) } else { rejected("no") },
        |row: &str| rejected(if row == "r19" { "not this one" } else { "no" }),
    ] {
        let store = MemoryStore::new();
        let state = planned(&store, 60).await;
        let model = Scripted::new(move |_, row| script(row));
        let after = invoke(&store, &model, &state).await.unwrap();
        assert_eq!((after.next, model.calls()), (Step::Merge, 60));
        assert_eq!(ids(&kept_lines(&store).await), all_ids(60));
    }
}

#[tokio::test(start_paused = true)]
async fn records_in_a_form_that_the_service_is_known_to_accept_are_all_sent() {
    let store = MemoryStore::new();
    let state = planned(&store, 60).await;
    change::<Asked>(&store, round(&state).asked(), |asked| asked.is_taken = true).await;
    let model = Scripted::new(|_, _| rejected("Input is too long for requested model."));
    let after = invoke(&store, &model, &state).await.unwrap();
    assert_eq!((after.next, model.calls()), (Step::Merge, 60));
}

/// A refused record costs one call to each model.
#[tokio::test(start_paused = true)]
async fn a_fallback_model_that_also_refuses_every_record_gets_twenty_calls() {
    let store = MemoryStore::new();
    let settings = [("BEDROCK_FALLBACK_MODEL_ID", FALLBACK)];
    let state = planned_with(&store, 300, &settings).await;
    let model =
        Scripted::new(|model, _| rejected(if model == FALLBACK { "nor I" } else { NO_TOOLS }));
    invoke(&store, &model, &state).await.unwrap();
    assert_eq!(model.calls(), 40);
    let line = &kept_lines(&store).await[0];
    assert_eq!(line["error"]["errorMessage"], NO_TOOLS);
    let second = line["error"]["fallbackMessage"].as_str().unwrap();
    assert!(
        second.contains(FALLBACK) && second.ends_with("nor I"),
        "{second}"
    );
}

const NEEDS_PROFILE: &str = "ValidationException: Invocation of model ID anthropic.claude-x with on-demand throughput \
    isn\u{2019}t supported. Retry your request with the ID or ARN of an inference profile that contains this model.";

#[tokio::test(start_paused = true)]
async fn a_model_that_needs_a_profile_ends_the_run_at_once_with_the_remedy() {
    let store = MemoryStore::new();
    let state = planned(&store, 300).await;
    let model = Scripted::new(|_, _| denied(Denial::NeedsProfile, NEEDS_PROFILE));
    let error = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Refused");
    let text = error.full_message();
    assert!(
        text.starts_with(&format!("refused: {NEEDS_PROFILE}")),
        "{text}"
    );
    for words in [
        "BEDROCK_PRIMARY_MODEL_ID",
        "`global.anthropic.claude-haiku-4-5-20251001-v1:0`",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(model.calls(), 1);
    assert!(kept_lines(&store).await.is_empty());
}

/// The first use of a model may be denied after its first calls were answered.
#[tokio::test(start_paused = true)]
async fn an_error_that_every_record_would_get_ends_the_step_and_keeps_the_answers() {
    let words = "AccessDeniedException: Model access is denied due to IAM user or service role is not authorized to \
        perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe)";
    let errors: [(MakeReply, &str); 3] = [
        (
            |words| denied(Denial::FirstUse, words),
            "Quarry.ModelAccessPending",
        ),
        (
            |words| Err(InvokeError::AccessDenied(words.into())),
            "Quarry.AccessDenied",
        ),
        (|words| denied(Denial::Ended, words), "Quarry.Refused"),
    ];
    for (error, name) in errors {
        let store = MemoryStore::new();
        let state = planned(&store, 40).await;
        let open = Arc::new(AtomicU32::new(0));
        let is_open = Arc::clone(&open);
        let model = Scripted::new(move |_, row| {
            let number: u32 = row[1..].parse().unwrap();
            if number < 23 || is_open.load(Ordering::Relaxed) > 0 {
                Ok(())
            } else {
                error(words)
            }
        });
        let failed = invoke(&store, &model, &state).await.unwrap_err();
        assert_eq!(failed.name(), name);
        assert!(failed.full_message().contains(words), "{failed}");
        assert_eq!(ids(&kept_lines(&store).await), all_ids(23), "{name}");
        assert_eq!(model.calls(), 24, "{name}");

        // The cause is removed, and the run is resumed.
        open.store(1, Ordering::Relaxed);
        let after = invoke(&store, &model, &state).await.unwrap();
        assert_eq!(after.next, Step::Merge);
        assert_eq!(ids(&kept_lines(&store).await), all_ids(40), "{name}");
        assert_eq!(model.calls(), 24 + 17, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_model_that_needs_a_profile_is_named_by_its_setting() {
    let store = MemoryStore::new();
    let settings = [("BEDROCK_FALLBACK_MODEL_ID", FALLBACK)];
    let state = planned_with(&store, 30, &settings).await;
    let model = Scripted::new(|model, row| match row {
        "r7" if model == FALLBACK => denied(Denial::NeedsProfile, NEEDS_PROFILE),
        "r7" => rejected("not this one"),
        _ => Ok(()),
    });
    let error = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Refused");
    let text = error.full_message();
    assert!(text.contains("set BEDROCK_FALLBACK_MODEL_ID to"), "{text}");
    assert!(text.contains(&format!("`us.{FALLBACK}`")), "{text}");
    assert_eq!(ids(&kept_lines(&store).await), all_ids(7));
}

/// The other rows of the slice are paid for and must not be lost because of the rest.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_job_becomes_error_rows_where_the_model_is_denied_on_demand() {
    let store = MemoryStore::new();
    let state = planned(&store, 3).await;
    let at = RunFolder::at(state.run.clone()).slice(0).spec();
    change::<Slice>(&store, at, |slice| slice.mode = Mode::Batch).await;
    let model = Scripted::new(|_, _| denied(Denial::NeedsProfile, NEEDS_PROFILE));
    let after = invoke(&store, &model, &state).await.unwrap();
    assert_eq!(after.next, Step::Merge);
    for line in kept_lines(&store).await {
        assert_eq!(line["error"]["retryable"], false);
        let text = line["error"]["errorMessage"].as_str().unwrap();
        assert!(
            text.starts_with(NEEDS_PROFILE) && text.contains("inference profile of the model"),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_service_fails_on_every_time_is_an_error_of_that_record() {
    for rows in [1, 30] {
        let store = MemoryStore::new();
        let state = planned(&store, rows).await;
        let model = Scripted::new(|_, row| match row {
            "r0" => unavailable("InternalServerException: internal error"),
            _ => Ok(()),
        });
        let after = invoke(&store, &model, &state).await.unwrap();
        assert_eq!(after.next, Step::Merge);
        let lines = kept_lines(&store).await;
        assert_eq!(ids(&lines), all_ids(rows));
        assert_eq!(lines[0]["error"]["errorCode"], 503);
        let words = "InternalServerException: internal error";
        assert_eq!(lines[0]["error"]["errorMessage"], words);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_an_error_of_any_record() {
    let store = MemoryStore::new();
    let state = planned(&store, 30).await;
    let model = Scripted::new(|_, _| unavailable("ServiceUnavailableException: later"));
    let error = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Unavailable");
    let text = error.full_message();
    assert!(
        text.contains("ServiceUnavailableException: later"),
        "{text}"
    );
    assert!(kept_lines(&store).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_every_record_is_throttled_nothing_is_stored_and_the_error_has_the_services_words() {
    let words = "ThrottlingException: Too many tokens per day, please wait before trying again.";
    let store = MemoryStore::new();
    let state = planned(&store, 5).await;
    let model = Scripted::new(move |_, _| throttled(words));
    let error = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Throttled");
    assert!(error.full_message().contains(words), "{error}");
    assert!(kept_lines(&store).await.is_empty());
}
