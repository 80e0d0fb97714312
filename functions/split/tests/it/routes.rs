//! The route of a round: by a job, on demand, or straight to `merge`.

use crate::support::World;
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_planned_run::BY_JOBS;

fn by_jobs_from(least: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut settings = BY_JOBS.to_vec();
    settings.push(("BEDROCK_MIN_RECORDS_PER_JOB", least));
    settings
}

#[tokio::test]
async fn a_round_of_a_batch_slice_becomes_a_job_if_it_has_the_minimum_of_records() {
    let world = World::of_rows(6, &by_jobs_from("4")).await;
    let first = world.split(&world.state(0, 0)).await.unwrap();
    assert_eq!(first.next, Step::Submit);
    for (round, rows, next) in [
        (1, vec![0, 2, 3, 5], Step::Submit),
        (2, vec![0, 2, 5], Step::Invoke),
    ] {
        let state = world.state(0, round);
        world.list(&state, &rows).await;
        assert_eq!(world.split(&state).await.unwrap().next, next, "{rows:?}");
    }
}

#[tokio::test]
async fn an_on_demand_slice_never_becomes_a_job() {
    let mut settings = by_jobs_from("1");
    settings.push(("BEDROCK_BATCH_MODE", "realtime"));
    let world = World::of_rows(6, &settings).await;
    let after = world.split(&world.state(0, 0)).await.unwrap();
    assert_eq!(after.next, Step::Invoke);
}

#[tokio::test]
async fn a_round_without_records_goes_to_merge() {
    let world = World::of_rows(3, &by_jobs_from("1")).await;
    let state = world.state(0, 1);
    world.list(&state, &[]).await;
    let after = world.split(&state).await.unwrap();
    assert_eq!((after.next, after.records), (Step::Merge, 0));
    let input = world.round(&state).input();
    assert!(!world.store.locations().contains(&input), "no empty object");
    assert!(world.store.open_uploads().is_empty());
}

#[tokio::test]
async fn nothing_of_the_previous_round_stays_in_the_state() {
    let world = World::of_rows(3, &by_jobs_from("1")).await;
    let state = SliceState {
        stopped_rounds: 2,
        records: 99,
        job: Some(JobPointer {
            arn: "arn".to_owned(),
            name: "name".to_owned(),
            waited: 60,
        }),
        wait_seconds: Some(60),
        ..world.state(0, 3)
    };
    world.list(&state, &[1]).await;
    let expected = SliceState {
        next: Step::Submit,
        records: 1,
        job: None,
        wait_seconds: None,
        ..state.clone()
    };
    assert_eq!(world.split(&state).await.unwrap(), expected);
}
