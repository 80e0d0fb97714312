//! No further round is sent that would pass the slice's share of `BEDROCK_MAX_COST`. Every answer of
//! these tests has 10 tokens read and 2 written, and a job of their model costs 0.55 and 2.75 USD for
//! a million.

use crate::support::{MANIFEST, World, answer, error, say};
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::Plan;
use quarry_cost::{Usd, Way};
use quarry_edge::documents;
use quarry_planned_run::RunInput;

const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;
const SCHEMA: &str = r#"{"properties": {"a": {"type": "integer"}}, "required": ["a"]}"#;

/// An answer in a job: 10 × 0.55 + 2 × 2.75 millionths.
const ONE: u128 = 11_000_000;

/// A run of three rows, whose cap may be changed afterwards. Its estimate is as exact as it can be:
/// three answers.
async fn capped(answers: u128, settings: &[(&str, &str)]) -> World {
    let input = RunInput::new(WHOLE, &[("t.csv", b"x\n1\n2\n3\n")]).await;
    let mut input = input.schema(SCHEMA).await.set("BEDROCK_MAX_TOKENS", "20");
    for (name, value) in settings {
        input = input.set(name, value);
    }
    let world = World::of(input).await;
    let mut plan: Plan = documents::read(&world.store, &world.run.plan())
        .await
        .unwrap();
    let cap = Usd::of_parts(answers * ONE).to_string();
    plan.settings.insert("BEDROCK_MAX_COST".to_owned(), cap);
    let estimate = plan.estimate.as_mut().unwrap();
    estimate.input.expected = 30;
    estimate.answer.expected = 2;
    documents::write(&world.store, &world.run.plan(), &plan)
        .await
        .unwrap();
    world
}

fn bad(row: u64) -> String {
    say(row, "{\"a\": \"five\"}")
}

/// Row 0 never gets a good answer.
async fn rounds(world: &World) -> usize {
    let mut state = world.first(0);
    let mut rounds = 0;
    while state.next != Step::Done {
        let rest = [answer(1), answer(2)];
        let rest = if rounds == 0 { &rest[..] } else { &[] };
        let lines = [&[bad(0)], rest].concat();
        state = world.round_of(state, &lines).await;
        rounds += 1;
    }
    rounds
}

#[tokio::test]
async fn a_slice_sends_further_rounds_as_far_as_its_share_of_the_cap_allows() {
    for (answers, expected) in [(3, 1), (4, 2), (5, 3), (100, 4)] {
        let world = capped(answers, &[]).await;
        assert_eq!(rounds(&world).await, expected, "{answers}");
        let stopped = u64::from(expected < 4);
        assert_eq!(world.receipt(0).await.stopped_by_max_cost, stopped);
    }
}

#[tokio::test]
async fn a_row_that_is_not_sent_again_says_why_and_keeps_its_answer_and_its_last_error() {
    let world = capped(3, &[]).await;
    let throttled = error(1, 429, "Too many requests", true);
    let state = world
        .round_of(world.first(0), &[bad(0), throttled, answer(2)])
        .await;
    assert_eq!(state.next, Step::Done);
    assert_eq!(world.receipt(0).await.stopped_by_max_cost, 2);
    let part = world.part(0).await;
    let rows: Vec<&str> = part.lines().collect();
    let why = "not sent again because of BEDROCK_MAX_COST: the slice has spent 0.000022 USD of its share, 0.000033 USD, and \
               another round would cost about 0.000022 USD more";
    assert!(
        rows.iter()
            .any(|row| row.starts_with("1,") && row.contains("five") && row.contains(why)),
        "{part}"
    );
    let with_error = |row: &&&str| row.starts_with("2,");
    let second = rows.iter().find(with_error).unwrap();
    assert!(
        second.contains("Too many requests") && second.contains(&format!("; {why}")),
        "{part}"
    );
    let third = rows.iter().find(|row| row.starts_with("3,")).unwrap();
    assert!(!third.contains("BEDROCK_MAX_COST"), "{part}");
}

/// The rest of a job is too small for another job, and a call costs twice as much.
#[tokio::test]
async fn the_next_round_is_reckoned_at_the_price_of_its_way() {
    for (answers, next) in [(4, Step::Done), (5, Step::Split)] {
        let world = capped(answers, &[("BEDROCK_MIN_RECORDS_PER_JOB", "2")]).await;
        let lines = [bad(0), answer(1), answer(2)];
        let state = world.round_of(world.first(0), &lines).await;
        assert_eq!(state.next, next, "{answers}");
    }
}

/// The service does not work, and has charged nothing.
#[tokio::test]
async fn a_round_without_an_answer_costs_nothing() {
    let world = capped(3, &[]).await;
    let ended = (JobStatus::Failed, "internal error");
    let state = world.ended(world.first(0), ended, &[]).await;
    let state = world.merge(&state).await.unwrap();
    assert_eq!(state.next, Step::Rest);
    let lines = [bad(0), answer(1), answer(2)];
    let state = world.round_of(state, &lines).await;
    assert_eq!((state.next, state.round), (Step::Done, 1));
    assert_eq!(world.receipt(0).await.stopped_by_max_cost, 1);
}

/// The service has counted three answers, at the end of the job or in its manifest, of which one came.
#[tokio::test]
async fn answers_that_were_paid_for_and_never_came_are_reckoned_as_expected() {
    let ways = [(4, Step::Done), (5, Step::Split)];
    for ((answers, next), in_manifest) in
        ways.into_iter().flat_map(|way| [(way, false), (way, true)])
    {
        let world = capped(answers, &[]).await;
        let ended = (JobStatus::Stopped, "");
        let state = world.ended(world.first(0), ended, &[answer(1)]).await;
        if in_manifest {
            let manifest = r#"{"totalRecordCount":3,"successRecordCount":3,"errorRecordCount":0}"#;
            world.output(&state, MANIFEST, &[manifest.to_owned()]).await;
        } else {
            world.job_counted(&state, 3, 0).await;
        }
        let late = SliceState {
            late_looks: 99,
            ..state
        };
        assert_eq!(world.merge(&late).await.unwrap().next, next, "{answers}");
    }
}

/// Two slices of the same size have half of the cap each.
#[tokio::test]
async fn what_one_slice_leaves_is_not_spent_by_another() {
    let world = World::new(4, 2, &[("BEDROCK_MAX_COST", "1000000")]).await;
    let mut plan: Plan = documents::read(&world.store, &world.run.plan())
        .await
        .unwrap();
    let estimate = plan.estimate.unwrap();
    let rates = plan.rates.clone().unwrap();
    let cost = estimate.cost(&rates.primary, Way::OnDemand).unwrap();
    let cap = cost.expected.times(2).to_string();
    plan.settings.insert("BEDROCK_MAX_COST".to_owned(), cap);
    documents::write(&world.store, &world.run.plan(), &plan)
        .await
        .unwrap();
    let bytes = [0, 1].map(|slice| world.first(slice));
    for state in bytes {
        let (slice, rows) = (state.slice, [2 * state.slice, 2 * state.slice + 1]);
        let dear = (cost.expected.parts() * 6 / 5 / 2_750_000 / 2).to_string();
        let lines = rows.map(|row| {
            let line = answer(u64::from(row))
                .replace("\"output_tokens\":2", &format!("\"output_tokens\":{dear}"));
            if row % 2 == 0 { line } else { String::new() }
        });
        let after = world.round_of(state, &lines).await;
        assert_eq!(after.next, Step::Done, "slice {slice}");
        assert_eq!(world.receipt(slice).await.stopped_by_max_cost, 1);
    }
}
