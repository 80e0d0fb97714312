//! A record that the service refuses permanently is not sent again, and a round that it refuses as
//! a whole fails the run once, with the service's words.

use crate::support::{World, answer, error};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, RequestForms};
use quarry_edge::documents;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_model::{Enforcement, RequestForm};
use std::sync::Arc;
use std::time::Duration;

const TOO_LONG: &str =
    "The model returned the following errors: Input is too long for requested model.";
const NO_QUOTA: &str =
    "Your account is not authorized to perform this action. Please create a support case";
const FIRST_USE: &str = "Model access is denied due to IAM user or service role is not authorized to perform the \
    required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access \
    to this model.";

fn refusals(rows: std::ops::Range<u64>, words: &str) -> Vec<String> {
    rows.map(|row| error(row, 400, words, false)).collect()
}

#[tokio::test]
async fn only_rows_that_another_round_can_help_are_sent_again() {
    let world = World::new(8, 100, &[]).await;
    let lines = [
        answer(0),
        error(1, 400, TOO_LONG, false),
        error(
            2,
            429,
            "Too many tokens, please wait before trying again.",
            true,
        ),
        error(3, 500, "The system encountered an unexpected error.", true),
        error(
            4,
            424,
            "Model produced invalid sequence as part of ToolUse.",
            false,
        ),
        error(5, 400, "odd", true),
        error(
            6,
            403,
            "You invoked an unsupported model or your request did not allow prompt caching.",
            false,
        ),
    ];
    let state = world.answered(world.first(0), &lines).await;
    let after = world.merge(&state).await.unwrap();
    assert_eq!(
        (after.next, after.round, after.stopped_rounds),
        (Step::Split, 1, 0)
    );
    let todo = world.todo(&after).await;
    assert_eq!(todo.rows, [2, 3, 4, 5, 7]);
    assert!(todo.is_taken, "a row was answered");

    // The refused rows keep the service's words to the end.
    let rest: Vec<String> = todo.rows.iter().map(|row| answer(*row)).collect();
    let state = world.answered(after, &rest).await;
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    let part = world.part(0).await;
    assert!(part.contains(&format!("400: {TOO_LONG}")), "{part}");
    assert_eq!(part.matches(",error,").count(), 4, "{part}");
    let receipt = world.receipt(0).await;
    assert_eq!(receipt.files[0].failed, 2);
    let groups: Vec<(String, u64, u64, bool)> = receipt.rounds[0]
        .counts
        .refusals
        .groups()
        .iter()
        .map(|group| {
            (
                group.text[..3].to_owned(),
                group.lines,
                group.example_row,
                group.is_final,
            )
        })
        .collect();
    let expected = [
        ("400", 1, true),
        ("429", 2, false),
        ("500", 3, false),
        ("424", 4, false),
        ("400", 5, false),
        ("403", 6, true),
    ];
    let expected: Vec<_> = expected
        .map(|(code, row, last)| (code.to_owned(), 1, row, last))
        .into();
    assert_eq!(groups, expected);
}

#[tokio::test]
async fn a_job_that_is_refused_as_a_whole_fails_the_run_once_with_the_services_words() {
    let world = World::new(60, 30, &[]).await;
    assert_eq!(world.slices, 2);
    let state = world
        .answered(world.first(0), &refusals(0..30, NO_QUOTA))
        .await;
    let failed = world.merge(&state).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Refused");
    let text = failed.full_message();
    assert!(
        text.starts_with(&format!("refused: 400: {NO_QUOTA}")),
        "{text}"
    );
    for said in [
        "30 of 30 records",
        "; remove the cause and start a new run, or resume this one",
        "BEDROCK_NO_ANSWERS does not change this",
    ] {
        assert!(text.contains(said), "{text}");
    }

    // Whoever redrives the run has removed the cause, so all records are sent again in a round of
    // their own.
    let after = world.merge(&state).await.unwrap();
    assert_eq!(
        (after.next, after.round, after.stopped_rounds),
        (Step::Split, 1, 1)
    );
    let todo = world.todo(&after).await;
    assert_eq!((todo.rows, todo.is_taken), ((0..30).collect(), false));
    assert!(
        !world.counted(&state).await.counts.refusals.groups()[0].is_final,
        "they were asked again"
    );
    let answers: Vec<String> = (0..30).map(answer).collect();
    let state = world.answered(after, &answers).await;
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 0);
}

/// Only calls on demand reach the fallback model.
#[tokio::test]
async fn records_that_a_job_refused_are_sent_again_only_if_the_fallback_model_gets_them() {
    for (fallback, least, again) in [(true, "10", true), (true, "4", false), (false, "10", false)] {
        let mut settings = vec![("BEDROCK_MIN_RECORDS_PER_JOB", least)];
        if fallback {
            settings.push((
                "BEDROCK_FALLBACK_MODEL_ID",
                "anthropic.claude-3-haiku-20240307-v1:0",
            ));
        }
        let world = World::new(20, 100, &settings).await;
        let mut lines = refusals(0..5, TOO_LONG);
        lines.extend((5..20).map(answer));
        let state = world.answered(world.first(0), &lines).await;
        assert_eq!(state.next, Step::Submit);
        let after = world.merge(&state).await.unwrap();
        let expected = if again { Step::Split } else { Step::Done };
        assert_eq!(after.next, expected, "{settings:?}");
        if again {
            assert_eq!(world.split(after).await.next, Step::Invoke);
        }
    }
}

/// A small run fails again at every redrive as long as nothing has changed.
#[tokio::test]
async fn a_small_run_that_is_refused_fails_each_time_it_is_redriven() {
    let world = World::new(3, 100, &[]).await;
    let mut state = world.first(0);
    for _ in 0..3 {
        let refused = world.answered(state, &refusals(0..3, NO_QUOTA)).await;
        let failed = world.merge(&refused).await.unwrap_err();
        assert_eq!(failed.name(), "Quarry.Refused");
        state = world.merge(&refused).await.unwrap();
    }
}

/// Which rounds end a run and which do not.
#[tokio::test]
async fn a_few_records_are_refused_for_their_content_unless_the_run_has_no_others() {
    let all_of = |rows| refusals(0..rows, TOO_LONG);
    let with = |mut lines: Vec<String>, last: String| {
        lines.pop();
        lines.push(last);
        lines
    };
    for (rows, in_slice, lines, fails) in [
        (3, 100, all_of(3), true),
        (20, 100, all_of(20), true),
        (40, 20, all_of(20), true),
        (38, 19, all_of(19), false),
        (100, 100, with(all_of(100), answer(99)), false),
        (
            100,
            100,
            with(all_of(100), error(99, 400, "another", false)),
            false,
        ),
        (
            100,
            100,
            with(all_of(100), error(99, 500, "oh", true)),
            true,
        ),
        (3, 100, with(all_of(3), error(2, 500, "oh", true)), false),
        // The job ended after a few records.
        (100, 100, all_of(30), false),
    ] {
        let world = World::new(rows, in_slice, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        let state = world.answered(world.first(0), &lines).await;
        let merged = world.merge(&state).await;
        let what = format!("{rows} rows in slices of {in_slice}, {} lines", lines.len());
        assert_eq!(merged.is_err(), fails, "{what}: {merged:?}");
        if fails {
            assert_eq!(merged.unwrap_err().name(), "Quarry.Refused", "{what}");
        }
    }
}

/// The run's model refuses many rows in a job whose other rows are good. They are sent on demand,
/// the only way to the fallback model, which refuses them too.
#[tokio::test]
async fn refusals_after_an_answer_never_end_the_run() {
    let settings = [(
        "BEDROCK_FALLBACK_MODEL_ID",
        "anthropic.claude-3-haiku-20240307-v1:0",
    )];
    let settings = [settings[0], ("BEDROCK_MIN_RECORDS_PER_JOB", "60")];
    let world = World::new(100, 100, &settings).await;
    let mut lines: Vec<String> = (0..50).map(answer).collect();
    lines.extend(refusals(50..100, TOO_LONG));
    let state = world.answered(world.first(0), &lines).await;
    let after = world.merge(&state).await.unwrap();
    assert_eq!(after.next, Step::Split);
    assert!(world.todo(&after).await.is_taken);
    let state = world.answered(after, &refusals(50..100, TOO_LONG)).await;
    assert_eq!(state.next, Step::Invoke);
    let asked: Asked = documents::read(&world.store, &world.round(&state).asked())
        .await
        .unwrap();
    assert!(asked.is_taken, "so `invoke` asks them all");
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 50);
}

#[tokio::test]
async fn an_abandoned_round_is_resumed_if_other_slices_are_answered() {
    let settings = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let world = World::new(100, 50, &settings).await;
    assert_eq!(world.slices, 2);
    let answers: Vec<String> = (0..50).map(answer).collect();
    let other = world.answered(world.first(0), &answers).await;
    assert_eq!(world.merge(&other).await.unwrap().next, Step::Done);

    // `invoke` left the round after the first twenty records.
    let state = world
        .answered(world.first(1), &refusals(50..70, TOO_LONG))
        .await;
    let after = world.merge(&state).await.unwrap();
    assert_eq!(
        (after.next, after.round, after.stopped_rounds),
        (Step::Split, 1, 1)
    );
    let todo = world.todo(&after).await;
    assert_eq!((todo.rows, todo.is_taken), ((70..100).collect(), true));
    let counted = world.counted(&state).await;
    assert_eq!(
        (
            counted.on_demand,
            counted.counts.asked,
            counted.counts.missing
        ),
        (20, 20, 0)
    );

    let rest: Vec<String> = (70..100).map(answer).collect();
    let state = world.answered(after, &rest).await;
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    assert_eq!(world.receipt(1).await.files[0].failed, 20);
}

/// Whether the service accepts jobs and whether it accepts calls are separate questions.
#[tokio::test]
async fn answers_of_a_job_prove_nothing_for_calls_of_another_slice() {
    let world = World::new(60, 30, &[]).await;
    let answers: Vec<String> = (0..30).map(answer).collect();
    let other = world.answered(world.first(0), &answers).await;
    world.merge(&other).await.unwrap();
    let state = world
        .answered(world.first(1), &refusals(30..60, NO_QUOTA))
        .await;
    // The other slice used the same means, so these records were refused for reasons of their own.
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);

    let world = World::new(60, 30, &[("BEDROCK_BATCH_MODE", "realtime")]).await;
    let other = world.answered(world.first(0), &answers).await;
    let mut round = {
        world.merge(&other).await.unwrap();
        world.counted(&other).await
    };
    round.job = Some(quarry_contract::plan::JobEnd {
        version: 1,
        arn: "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/x".to_owned(),
        name: "x".to_owned(),
        status: quarry_contract::job_status::JobStatus::Completed,
        message: String::new(),
        seconds: 1,
        submitted: None,
        counts: None,
    });
    documents::write(&world.store, &world.round(&other).counts(), &round)
        .await
        .unwrap();
    let state = world
        .answered(world.first(1), &refusals(30..50, NO_QUOTA))
        .await;
    assert_eq!(
        world.merge(&state).await.unwrap_err().name(),
        "Quarry.Refused"
    );
}

#[tokio::test]
async fn a_job_that_met_the_denial_of_a_first_use_is_made_again_until_twenty_minutes_have_passed() {
    let world = World::new(50, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let denials: Vec<String> = (0..50)
        .map(|row| error(row, 403, FIRST_USE, false))
        .collect();
    let mut state = world.first(0);
    for round in 0..4 {
        let denied = world.answered(state, &denials).await;
        let pending = world.merge(&denied).await.unwrap_err();
        assert_eq!(pending.name(), "Quarry.ModelAccessPending", "round {round}");
        // The state machine waits five minutes and calls again.
        state = world.merge(&denied).await.unwrap();
        assert_eq!((state.next, state.round), (Step::Split, round + 1));
    }
    let denied = world.answered(state.clone(), &denials).await;
    let failed = world.merge(&denied).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Refused");
    let text = failed.full_message();
    assert!(
        text.contains(FIRST_USE) && text.contains("call the model once as an administrator"),
        "{text}"
    );

    // Access was granted in the last round.
    let answers: Vec<String> = (0..50).map(answer).collect();
    let state: SliceState = world.answered(state, &answers).await;
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 0);
}

/// The first calls of a model may be answered before its first use is denied.
#[tokio::test]
async fn rows_that_met_the_denial_of_a_first_use_are_sent_again() {
    let world = World::new(30, 100, &[]).await;
    let mut lines = vec![answer(0)];
    lines.extend((1..30).map(|row| error(row, 403, FIRST_USE, false)));
    let state = world.answered(world.first(0), &lines).await;
    let after = world.merge(&state).await.unwrap();
    assert_eq!(world.todo(&after).await.rows, (1..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn given_answers_never_fail_a_merge() {
    let world = World::new(30, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let state = world.split(world.first(0)).await;
    let at = world.round(&state).given_output().join("answers.jsonl.out");
    let body = refusals(0..30, TOO_LONG).concat();
    world
        .store
        .put(&at, body.into(), WriteCondition::Always)
        .await
        .unwrap();
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 30);
}

/// All slices use what one slice has learned, even if they were under way at that time.
#[tokio::test]
async fn a_refused_round_is_sent_in_the_form_that_another_slice_has_learned() {
    let world = World::new(60, 30, &[]).await;
    let state = world
        .answered(world.first(1), &refusals(30..60, NO_QUOTA))
        .await;
    let learned = RequestForms {
        primary: RequestForm::new(Enforcement::None),
        fallback: None,
        because: vec!["no prefill: asked again with the prompt alone".to_owned()],
    };
    documents::write(&world.store, &world.run.forms(), &learned)
        .await
        .unwrap();
    let after = world.merge(&state).await.unwrap();
    assert_eq!((after.next, after.stopped_rounds), (Step::Split, 1));
    assert_eq!(world.todo(&after).await.forms, Some(learned.clone()));

    // The service refuses that form too.
    let state = world.answered(after, &refusals(30..60, NO_QUOTA)).await;
    assert_eq!(
        world.merge(&state).await.unwrap_err().name(),
        "Quarry.Refused"
    );

    // A slice that begins now begins in that form.
    let state = world.split(world.first(0)).await;
    let asked: Asked = documents::read(&world.store, &world.round(&state).asked())
        .await
        .unwrap();
    assert_eq!(asked.forms, Some(learned));
}

/// The write of the first slice is under way while the other one learns, once or twice.
#[tokio::test(start_paused = true)]
async fn two_slices_that_learn_at_once_go_on_in_the_same_forms() {
    let words =
        |limit| format!("The maximum tokens you requested exceeds the model limit of {limit}.");
    for limits in [&[2_000][..], &[2_000, 1_000]] {
        let world = World::new(60, 30, &[("BEDROCK_MAX_TOKENS", "4000")]).await;
        let refused = refusals(0..30, &words(3_000));
        let first = world.answered(world.first(0), &refused).await;
        let slow = StoreFault::Slow(Duration::from_mins(1));
        // The counts, then the forms.
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 2, slow);
        let quicker = async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let mut state = world.first(1);
            for limit in limits {
                let refused = refusals(30..60, &words(*limit));
                state = world.answered(state, &refused).await;
                state = world.merge(&state).await.unwrap();
            }
            world.todo(&state).await.forms.unwrap()
        };
        let slow = world.merge_over(Arc::new(faulty), &first);
        let (after, learned) = tokio::join!(slow, quicker);
        assert_eq!(learned.because.len(), limits.len());
        let known: RequestForms = documents::read(&world.store, &world.run.forms())
            .await
            .unwrap();
        assert_eq!(known, learned);
        assert_eq!(world.todo(&after.unwrap()).await.forms, Some(learned));
    }
}

/// Each refusal names a lower limit of tokens, so there is always another form.
#[tokio::test]
async fn a_run_tries_twelve_forms_and_then_fails() {
    let world = World::new(30, 100, &[("BEDROCK_MAX_TOKENS", "4000")]).await;
    let words = |round| {
        let limit = 3_000 - round;
        format!("The maximum tokens you requested exceeds the model limit of {limit}.")
    };
    let mut state = world.first(0);
    for round in 0..12 {
        let refused = world.answered(state, &refusals(0..30, &words(round))).await;
        state = world.merge(&refused).await.unwrap();
        assert_eq!((state.next, state.round), (Step::Split, round + 1));
    }
    let forms = world.todo(&state).await.forms.unwrap();
    assert_eq!(
        (forms.because.len(), forms.primary.max_tokens),
        (12, Some(2_989))
    );

    let refused = world.answered(state, &refusals(0..30, &words(12))).await;
    let failed = world.merge(&refused).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Refused");
    assert!(failed.full_message().contains(&words(12)), "{failed}");
}

/// A refusal in a run of thousands of slices must not cost as many reads.
#[tokio::test]
async fn an_answer_of_another_slice_is_looked_for_in_the_first_sixteen_slices() {
    for (other, fails) in [(15, false), (16, true)] {
        let world = World::new(18 * 20, 20, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        assert_eq!(world.slices, 18);
        let rows_of = |slice: u32| u64::from(slice) * 20..u64::from(slice + 1) * 20;
        let answers: Vec<String> = rows_of(other).map(answer).collect();
        let answered = world.answered(world.first(other), &answers).await;
        world.merge(&answered).await.unwrap();

        let refused = refusals(rows_of(17), TOO_LONG);
        let refused = world.answered(world.first(17), &refused).await;
        let merged = world.merge(&refused).await;
        assert_eq!(merged.is_err(), fails, "slice {other}: {merged:?}");
        if let Err(failed) = merged {
            assert_eq!(failed.name(), "Quarry.Refused");
        }
    }
}
