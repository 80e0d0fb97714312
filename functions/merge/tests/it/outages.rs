//! A service that does not work is waited for, and never becomes errors of rows.

use crate::support::{MANIFEST, World, answer, error};
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::{SliceState, Step};
use std::time::Duration;

const WORDS: &str = "Internal server error. Please try again.";
const MINUTE: Duration = Duration::from_mins(1);

fn errors(rows: std::ops::Range<u64>) -> Vec<String> {
    rows.map(|row| error(row, 500, "oh", true)).collect()
}

/// Ends the state's round in an outage, and returns the state after it.
async fn outage(world: &World, state: SliceState) -> SliceState {
    let state = world.ended(state, (JobStatus::Failed, WORDS), &[]).await;
    world.merge(&state).await.unwrap()
}

#[tokio::test]
async fn a_job_that_worked_on_nothing_is_no_attempt_and_the_slice_rests() {
    let expired: Vec<String> = (0..3)
        .map(|row| error(row, 408, "expired", true).replace("false,\"retry", "true,\"retry"))
        .collect();
    for (status, lines) in [
        (JobStatus::Failed, vec![]),
        (JobStatus::Failed, errors(0..3)),
        (JobStatus::Expired, vec![]),
        (JobStatus::Expired, expired),
        (JobStatus::Stopped, vec![]),
    ] {
        let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        let state = world.ended(world.first(0), (status, WORDS), &lines).await;
        let after = world.merge(&state).await.unwrap();
        let expected = SliceState {
            round: 1,
            outage_rounds: 1,
            rests: 1,
            resting_since: Some(world.now.as_secs()),
            next: Step::Rest,
            wait_seconds: Some(300),
            ..world.first(0)
        };
        assert_eq!(after, expected, "{status}");
        assert_eq!(world.todo(&after).await.rows, [0, 1, 2], "{status}");
        assert_eq!(world.merge(&state).await.unwrap(), after, "again");

        // The service works again, and the settings allow one attempt.
        let answers: Vec<String> = (0..3).map(answer).collect();
        let after = world.round_of(after, &answers).await;
        assert_eq!(after.next, Step::Done, "{status}");
        assert_eq!(world.receipt(0).await.files[0].successful, 3, "{status}");
    }
}

#[tokio::test]
async fn rests_grow_from_minutes_to_hours_and_an_answer_ends_them() {
    let mut world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let mut state = world.first(0);
    for minutes in [5, 30, 120, 120] {
        state = outage(&world, state).await;
        let rest = (state.next, state.wait_seconds);
        assert_eq!(rest, (Step::Rest, Some(minutes * 60)));
        world.now += Duration::from_mins(minutes);
    }
    let after = world.round_of(state, &[answer(0)]).await;
    assert_eq!(
        (
            after.next,
            after.outage_rounds,
            after.rests,
            after.resting_since
        ),
        (Step::Split, 4, 0, None)
    );
    let after = outage(&world, after).await;
    assert_eq!((after.next, after.wait_seconds), (Step::Rest, Some(300)));
    let after = world.round_of(after, &[answer(1)]).await;
    assert_eq!(after.next, Step::Done, "two rounds were attempts");
}

#[tokio::test]
async fn the_run_fails_once_with_the_jobs_message_and_a_redrive_sends_the_records_again() {
    let mut world = World::new(3, 100, &[("BEDROCK_OUTAGE_WAIT_HOURS", "2")]).await;
    let begin = world.now;
    let mut state = world.first(0);
    for minutes in [5, 30, 85] {
        state = outage(&world, state).await;
        assert_eq!(state.wait_seconds, Some(minutes * 60));
        world.now += Duration::from_mins(minutes);
    }
    assert_eq!(world.now, begin + Duration::from_hours(2));
    let state = world.ended(state, (JobStatus::Failed, WORDS), &[]).await;
    let failed = world.merge(&state).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Refused");
    let text = failed.full_message();
    assert!(
        text.starts_with(&format!("refused: {WORDS} (job ")),
        "{text}"
    );
    for words in ["ended as Failed", "none of its 3 records", "for 2 hours"] {
        assert!(text.contains(words), "{text} lacks {words}");
    }
    assert!(
        !world
            .store
            .locations()
            .contains(&world.run.slice(0).receipt())
    );

    // The redrive comes on the next day.
    world.now += Duration::from_hours(20);
    let after = world.merge(&state).await.unwrap();
    assert_eq!((after.next, after.wait_seconds), (Step::Split, None));
    assert_eq!((after.rests, after.resting_since), (0, None));
    let after = outage(&world, after).await;
    assert_eq!(after.wait_seconds, Some(300), "it is waited for anew");
    let answers: Vec<String> = (0..3).map(answer).collect();
    assert_eq!(world.round_of(after, &answers).await.next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 0);
}

/// The deployment, or a request, does not want to wait.
#[tokio::test]
async fn without_a_time_to_wait_the_run_fails_at_the_first_outage() {
    let world = World::new(3, 100, &[("BEDROCK_OUTAGE_WAIT_HOURS", "0")]).await;
    let state = world
        .ended(world.first(0), (JobStatus::Expired, ""), &[])
        .await;
    let text = world.merge(&state).await.unwrap_err().full_message();
    assert!(text.contains("ended as Expired"), "{text}");
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Split);
}

/// Its answers were paid for, so they would be paid for again after every rest, or in ten rounds that
/// are no attempts. It makes no difference how the job ended, and where the service counts.
#[tokio::test]
async fn a_job_whose_counted_answers_never_came_is_no_outage() {
    for status in [
        JobStatus::Completed,
        JobStatus::PartiallyCompleted,
        JobStatus::Failed,
        JobStatus::Stopped,
        JobStatus::Expired,
    ] {
        for by_manifest in [true, false] {
            two_attempts_without_their_answers(status, by_manifest).await;
        }
    }
}

/// Asserts that a slice ends after two rounds whose jobs counted answers that never came: in the manifest, or in
/// the job itself.
async fn two_attempts_without_their_answers(status: JobStatus, by_manifest: bool) {
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let mut state = world.first(0);
    let mut rounds = 0;
    while state.next != Step::Done {
        assert_eq!(state.next, Step::Split, "{status}");
        state = world.ended(state, (status, ""), &errors(2..3)).await;
        let mut manifest = serde_json::json!({});
        if by_manifest {
            manifest["successRecordCount"] = 2.into();
        } else {
            world.job_counted(&state, 2, 1).await;
        }
        let manifest = [manifest.to_string()];
        world.output(&state, MANIFEST, &manifest).await;
        state = world.merge_waiting(state).await;
        rounds += 1;
        assert!(rounds <= 2, "{status}: the settings allow two attempts");
    }
    assert_eq!(rounds, 2, "{status}");
    assert_eq!(world.receipt(0).await.files[0].failed, 3);
}

/// The job was stopped after two of three rows, and one of its two lines is lost.
#[tokio::test]
async fn a_stopped_job_of_whose_answers_half_never_came_is_an_attempt() {
    for (counted, came, is_attempt) in [(1, 1, false), (2, 2, false), (2, 1, true), (1, 0, true)] {
        let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        let lines: Vec<String> = (0..came).map(answer).collect();
        let stopped = (JobStatus::Stopped, "");
        let state = world.ended(world.first(0), stopped, &lines).await;
        world.job_counted(&state, counted, 0).await;
        let after = world.merge_waiting(state).await;
        let next = if is_attempt { Step::Done } else { Step::Split };
        assert_eq!(after.next, next, "{counted} counted, {came} came");
    }
}

/// The time of the job was too short for all records.
#[tokio::test]
async fn an_expired_job_with_some_answers_is_an_attempt() {
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let mut state = world.first(0);
    for row in 0..2 {
        assert_eq!(state.next, Step::Split);
        let expired = (JobStatus::Expired, "");
        let ended = world.ended(state, expired, &[answer(row)]).await;
        state = world.merge(&ended).await.unwrap();
    }
    assert_eq!(state.next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 1);
}

/// The job completed, and each of its lines is an error of the service.
#[tokio::test]
async fn a_slice_without_an_answer_is_not_written_as_done() {
    let settings = [
        ("BEDROCK_MAX_RETRIES", "0"),
        ("BEDROCK_OUTAGE_WAIT_HOURS", "1"),
    ];
    let mut world = World::new(6, 3, &settings).await;
    let mut state = world.first(0);
    for minutes in [5, 30, 25] {
        state = world.round_of(state, &errors(0..3)).await;
        let rest = (state.next, state.wait_seconds, state.outage_rounds);
        assert_eq!(rest, (Step::Rest, Some(minutes * 60), state.round));
        world.now += Duration::from_mins(minutes);
    }
    let state = world.answered(state, &errors(0..3)).await;
    let text = world.merge(&state).await.unwrap_err().full_message();
    assert!(text.starts_with("refused: 500: oh (job "), "{text}");
}

/// Other records are answered, so these may be records that the model cannot take.
#[tokio::test]
async fn records_that_the_service_fails_on_while_it_answers_others_become_errors_of_their_rows() {
    let settings = [("BEDROCK_MAX_RETRIES", "1")];
    for own in [true, false] {
        let mut world = World::new(6, 3, &settings).await;
        let mut state = world.first(0);
        let mut rows = 0..3;
        if own {
            state = world.round_of(state, &[answer(0)]).await;
            rows = 1..3;
        } else {
            // The other slice was answered after an outage of its own.
            let other = outage(&world, world.first(1)).await;
            let other = world
                .round_of(other, &[answer(3), answer(4), answer(5)])
                .await;
            assert_eq!(other.next, Step::Done);
            state = world.round_of(state, &errors(rows.clone())).await;
            let rest = (state.next, state.wait_seconds, state.outage_rounds);
            assert_eq!(rest, (Step::Rest, Some(300), 0), "an attempt, and a rest");
            world.now += 5 * MINUTE;
        }
        let state = world.round_of(state, &errors(rows)).await;
        assert_eq!(state.next, Step::Done, "own: {own}");
        let part = world.part(0).await;
        assert!(part.contains("500: oh"), "{part}");
    }
}

#[tokio::test]
async fn a_request_that_allows_no_answers_gets_a_table_of_errors_of_a_job_that_completed() {
    let settings = [
        ("BEDROCK_MAX_RETRIES", "0"),
        ("BEDROCK_NO_ANSWERS", "allow"),
    ];
    let world = World::new(3, 100, &settings).await;
    let state = world.round_of(world.first(0), &errors(0..3)).await;
    assert_eq!(state.next, Step::Done);
    assert_eq!(world.receipt(0).await.files[0].failed, 3);
}
