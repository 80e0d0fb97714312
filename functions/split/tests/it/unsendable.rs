//! A record that cannot be sent is named and left out; the others are sent.

use crate::support::World;
use quarry_contract::payload::Step;
use quarry_planned_run::{BY_JOBS, SMALL_MODEL, long_cell};

#[tokio::test]
async fn a_record_that_is_longer_than_the_models_context_is_named_with_the_reason() {
    let world = World::of_cells(&["a", &long_cell(), "b", &long_cell()], &[SMALL_MODEL]).await;
    let state = world.state(0, 0);
    let after = world.split(&state).await.unwrap();
    assert_eq!((after.next, after.records), (Step::Invoke, 2));
    let ids: Vec<String> = world
        .records(&state)
        .await
        .into_iter()
        .map(|r| r.0)
        .collect();
    assert_eq!(ids, ["record_0", "record_2"]);
    let asked = world.asked(&state).await;
    let rows: Vec<u64> = asked.unsendable.iter().map(|one| one.row).collect();
    assert_eq!(rows, [1, 3]);
    assert_eq!(
        (asked.records, asked.bytes),
        (2, world.input(&state).await.len() as u64)
    );
    for one in asked.unsendable {
        assert!(one.reason.contains("20"), "{}", one.reason);
    }
}

#[tokio::test]
async fn a_slice_that_has_no_record_that_can_be_sent_goes_to_merge() {
    let world = World::of_cells(&[&long_cell(), &long_cell()], &[SMALL_MODEL]).await;
    let state = world.state(0, 0);
    let after = world.split(&state).await.unwrap();
    assert_eq!((after.next, after.records), (Step::Merge, 0));
    assert_eq!(world.asked(&state).await.unsendable.len(), 2);
    assert!(
        !world
            .store
            .locations()
            .contains(&world.round(&state).input())
    );
}

#[tokio::test]
async fn records_that_cannot_be_sent_do_not_count_for_a_job() {
    let mut settings = BY_JOBS.to_vec();
    settings.extend([SMALL_MODEL, ("BEDROCK_MIN_RECORDS_PER_JOB", "3")]);
    let world = World::of_cells(&["a", "b", "c", &long_cell()], &settings).await;
    let first = world.split(&world.state(0, 0)).await.unwrap();
    assert_eq!((first.next, first.records), (Step::Submit, 3));
    let state = world.state(0, 1);
    world.list(&state, &[0, 1, 3]).await;
    let after = world.split(&state).await.unwrap();
    assert_eq!((after.next, after.records), (Step::Invoke, 2));
}
