//! Which rows are sent again, how often, and which answer of several rounds a row keeps.

use crate::support::{World, answer, error, say};
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::Todo;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::RunInput;

const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;
const SCHEMA: &str = r#"{"properties": {"a": {"type": "integer"}}, "required": ["a"]}"#;

/// A run of three rows whose answers have a schema.
async fn with_schema(retries: &str) -> World {
    let input = RunInput::new(WHOLE, &[("t.csv", b"x\n1\n2\n3\n")]).await;
    let input = input.schema(SCHEMA).await;
    World::of(input.set("BEDROCK_MAX_RETRIES", retries)).await
}

fn valid(row: u64) -> String {
    say(row, "{\"a\": 5}")
}

#[tokio::test]
async fn rows_without_a_good_answer_are_listed_for_the_next_round_and_no_part_is_written() {
    let world = with_schema("3").await;
    let lines = [say(0, "{\"a\": \"five\"}"), valid(1)];
    let state = world.answered(world.first(0), &lines).await;
    let after = world.merge(&state).await.unwrap();
    let expected = SliceState {
        next: Step::Split,
        round: 1,
        records: 0,
        job: None,
        wait_seconds: None,
        ..world.first(0)
    };
    assert_eq!(after, expected);
    let expected = Todo {
        version: 1,
        rows: vec![0, 2],
        forms: None,
        is_taken: true,
        begins: after.clone(),
    };
    assert_eq!(world.todo(&after).await, expected);
    let there = world.store.locations();
    assert!(
        there.contains(&world.round(&state).results()),
        "the good answer is kept"
    );
    assert!(!there.contains(&world.run.slice(0).part()));
    assert!(!there.contains(&world.run.slice(0).receipt()));
}

#[tokio::test]
async fn a_slice_whose_rows_are_all_good_is_done_after_one_round() {
    let world = with_schema("3").await;
    let after = world
        .round_of(world.first(0), &[valid(0), valid(1), valid(2)])
        .await;
    let expected = SliceState {
        next: Step::Done,
        records: 3,
        ..world.first(0)
    };
    assert_eq!(after, expected);
}

#[tokio::test]
async fn rows_are_sent_again_as_often_as_the_settings_say() {
    for retries in 0..3_usize {
        let world = with_schema(&retries.to_string()).await;
        let mut state = world.first(0);
        let mut rounds = 0;
        while state.next != Step::Done {
            state = world.round_of(state, &[valid(0), valid(1)]).await;
            rounds += 1;
        }
        assert_eq!(rounds, retries + 1);
        let receipt = world.receipt(0).await;
        assert_eq!(receipt.rounds.len(), rounds);
        assert_eq!(receipt.files[0].failed, 1);
        let part = world.part(0).await;
        let words = if rounds == 1 {
            "in 1 round;".to_owned()
        } else {
            format!("in {rounds} rounds;")
        };
        assert!(part.contains(&words), "{part}");
    }
}

/// The round's job was broken off, so the model did not get all of its rows.
#[tokio::test]
async fn a_round_whose_job_failed_or_was_stopped_does_not_count_as_an_attempt() {
    for status in [JobStatus::Failed, JobStatus::Stopped] {
        let world = with_schema("0").await;
        let state = world.ended(world.first(0), (status, ""), &[valid(0)]).await;
        let after = world.merge(&state).await.unwrap();
        assert_eq!(
            (after.next, after.round, after.stopped_rounds),
            (Step::Split, 1, 1)
        );
        let after = world.round_of(after, &[valid(1)]).await;
        assert_eq!(after.next, Step::Done);
        assert_eq!(world.receipt(0).await.files[0].successful, 2);
    }
}

/// Each of its jobs gets an answer that is not good, so there is always something left.
#[tokio::test]
async fn a_slice_whose_jobs_are_always_stopped_ends_after_ten_rounds() {
    let world = with_schema("0").await;
    let mut state = world.first(0);
    for round in 0..=10 {
        assert_eq!((state.next, state.round), (Step::Split, round));
        let lines = [say(0, "no object")];
        let asked = world.ended(state, (JobStatus::Stopped, ""), &lines).await;
        state = world.merge(&asked).await.unwrap();
    }
    assert_eq!(state.next, Step::Done);
}

#[tokio::test]
async fn a_good_answer_of_an_earlier_round_is_in_the_part() {
    let world = with_schema("2").await;
    let after = world.round_of(world.first(0), &[valid(0)]).await;
    let after = world.round_of(after, &[valid(1)]).await;
    let after = world.round_of(after, &[valid(2)]).await;
    assert_eq!(after.next, Step::Done);
    let part = world.part(0).await;
    assert_eq!(
        part.matches(",5,success,True,success,").count(),
        3,
        "{part}"
    );
}

/// A later error does not replace an answer, and a later answer replaces an earlier one that was
/// not good.
#[tokio::test]
async fn a_row_keeps_the_last_of_several_answers_and_an_error_replaces_none() {
    let world = with_schema("2").await;
    let first = [
        say(0, "first"),
        error(1, 500, "first", true),
        say(2, "first"),
    ];
    let after = world.round_of(world.first(0), &first).await;
    let second = [
        error(0, 500, "second", true),
        error(1, 503, "second", true),
        say(2, "second"),
    ];
    let after = world.round_of(after, &second).await;
    let third = [error(0, 500, "third", true), error(1, 500, "third", true)];
    let after = world.round_of(after, &third).await;
    assert_eq!(after.next, Step::Done);
    let part = world.part(0).await;
    let rows: Vec<&str> = part.lines().collect();
    assert!(
        rows[0].contains("first") && !rows[0].contains("second"),
        "{part}"
    );
    assert!(rows[1].contains("500: third"), "{part}");
    assert!(
        rows[2].contains("second") && !rows[2].contains("first"),
        "{part}"
    );
}

#[tokio::test]
async fn a_row_counts_as_on_demand_by_the_round_of_its_answer() {
    let input = RunInput::new(WHOLE, &[("t.csv", b"x\n1\n2\n3\n")]).await;
    let world = World::of(input.set("BEDROCK_MIN_RECORDS_PER_JOB", "2")).await;
    let after = world
        .round_of(world.first(0), &[answer(0), answer(1)])
        .await;
    let asked = world.answered(after, &[answer(2)]).await;
    assert_eq!(asked.next, Step::Invoke, "one record is too few for a job");
    assert_eq!(world.merge(&asked).await.unwrap().next, Step::Done);
    let receipt = world.receipt(0).await;
    assert_eq!(receipt.files[0].on_demand, 1);
    let on_demand: Vec<u64> = receipt.rounds.iter().map(|round| round.on_demand).collect();
    assert_eq!(on_demand, [0, 1]);
    assert!(receipt.rounds[0].job.is_some() && receipt.rounds[1].job.is_none());
}

#[tokio::test]
async fn rows_keep_their_numbers_in_slices_that_do_not_begin_at_the_first_row() {
    let world = World::new(6, 3, &[]).await;
    let after = world
        .round_of(world.first(1), &[answer(3), answer(5)])
        .await;
    assert_eq!(world.todo(&after).await.rows, [4]);
    let after = world.round_of(after, &[say(4, "[5]")]).await;
    assert_eq!(after.next, Step::Done);
    let part = world.part(1).await;
    assert!(
        part.lines().nth(1).unwrap().starts_with("r4,[5],"),
        "{part}"
    );
    assert!(world.store.head(&world.run.slice(0).part()).await.is_err());
}
