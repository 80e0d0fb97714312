//! A repeated call plans the same run, whatever became of the call before.

use crate::support::{WHOLE, plan_in, rows, run, slice_in};
use quarry_edge::clock::Unlimited;
use quarry_edge::fates::{DecideFate, Fate, Fated, OutsideOperation};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{RunInput, contents};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A run with every kind of object that `plan` writes.
async fn input() -> RunInput {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    RunInput::new(WHOLE, &[("table.parquet", table)])
        .await
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "2")
}

#[tokio::test]
async fn planning_again_writes_the_same_objects() {
    let input = input().await;
    let first = input.planned().await.unwrap();
    assert!(first.slices > 1);
    let written = contents(&input.store).await;
    assert_eq!(input.planned().await.unwrap(), first);
    assert_eq!(contents(&input.store).await, written);
}

/// The slices have begun with the first plan. The second copy would find another file.
#[tokio::test]
async fn a_second_copy_leaves_the_plan_of_the_first() {
    let input = rows(3).await;
    let first = input.planned().await.unwrap();
    let written = contents(&input.store).await;
    input.put("in/more.csv", "row\nr3\n").await;
    assert_eq!(input.planned().await.unwrap(), first);
    let mut now = contents(&input.store).await;
    now.remove("s3://bucket/in/more.csv");
    assert_eq!(now, written);
}

/// Both copies see no plan before they write. The second one would plan with other settings.
#[tokio::test]
async fn of_two_copies_that_publish_at_once_the_first_plan_stays() {
    let mut input = rows(3).await;
    let first = input.planned().await.unwrap();
    let written = contents(&input.store).await;
    let changed = ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "2");
    input
        .deployment
        .insert(changed.0.to_owned(), changed.1.to_owned());
    let second = input.call(overtaken(&input), 0, &Unlimited).await;
    assert_eq!(second.unwrap(), first);
    assert_eq!(contents(&input.store).await, written);
}

/// Returns the store of a copy that sees neither the plan nor the scan of the first copy before it has
/// scanned itself.
fn overtaken(input: &RunInput) -> Arc<dyn ObjectStore> {
    let (plan, scan) = (run().plan().to_string(), run().scan().to_string());
    let (plan_looks, scan_looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let decide: DecideFate = Arc::new(move |call| {
        let is_get = call.operation == OutsideOperation::Store(StoreOperation::Get);
        let is_early = is_get
            && (call.subject == plan && plan_looks.fetch_add(1, Ordering::Relaxed) < 2
                || call.subject == scan && scan_looks.fetch_add(1, Ordering::Relaxed) < 1);
        if is_early { Fate::Unseen } else { Fate::Made }
    });
    let store: Arc<dyn ObjectStore> = Arc::new(input.store.clone());
    Arc::new(Fated::new(store, decide, Arc::default()))
}

/// The second copy would begin with another file, and all its slices would have other rows.
#[tokio::test]
async fn of_two_copies_that_see_other_files_the_slices_are_those_of_the_plan() {
    let table = include_bytes!("../../../../crates/parquet/tests/fixtures/pandas.parquet");
    let (mut text, parquet) = (rows(5).await, input().await);
    text = text
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", "2");
    for (input, name, more) in [
        (text, "in/a.csv", &b"row\nlonger than the others\nr\n"[..]),
        (parquet, "in/a.parquet", table),
    ] {
        let first = input.planned().await.unwrap();
        let written = contents(&input.store).await;
        input.put(name, more).await;
        let second = input.call(overtaken(&input), 0, &Unlimited).await;
        assert_eq!(second.unwrap(), first, "{name}");
        let now = contents(&input.store).await;
        for (at, body) in &written {
            assert!(now[at] == *body, "{at} is not that of the plan");
        }
    }
}

/// Whatever the first copy has written, the second one sees another file and makes the run whole.
#[tokio::test(start_paused = true)]
async fn a_copy_that_died_while_it_published_leaves_its_files_to_the_next() {
    for nth in 1.. {
        let input = rows(5)
            .await
            .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
            .set("BEDROCK_MAX_RECORDS_PER_JOB", "2");
        let faulty = FaultyStore::new(input.store.clone());
        let faulty = faulty.fail_all(StoreOperation::Put, nth.., StoreFault::Unavailable);
        let died = input.call(Arc::new(faulty), 0, &Unlimited).await.is_err();
        let claimed = input.store.locations().contains(&run().scan());
        input.put("in/a.csv", "row\nlonger than the others\n").await;
        let planned = input.planned().await.unwrap();
        let plan = plan_in(&input.store).await;
        assert_eq!(plan.tables[0].files.len(), 1 + usize::from(!claimed));
        let mut next = 0;
        for number in 0..planned.slices {
            let slice = slice_in(&input.store, number).await;
            assert_eq!(slice.first_row, next, "write {nth}");
            next += slice.rows;
        }
        assert_eq!(next, plan.tables[0].rows, "write {nth}");
        if !died {
            assert!(nth > 5);
            break;
        }
    }
}

/// The plan is written last: if it exists, everything that it names exists.
#[tokio::test(start_paused = true)]
async fn a_call_that_dies_at_any_write_leaves_no_plan_and_is_made_good_by_the_next() {
    let whole = input().await;
    let slices = whole.planned().await.unwrap().slices;
    let whole = contents(&whole.store).await;
    let mut deaths = 0;
    for nth in 1.. {
        let input = input().await;
        let faulty = FaultyStore::new(input.store.clone());
        let faulty = faulty.fail_all(StoreOperation::Put, nth.., StoreFault::Unavailable);
        let Err(died) = input.call(Arc::new(faulty), 0, &Unlimited).await else {
            break;
        };
        deaths += 1;
        assert_eq!(died.name(), "Quarry.Unavailable");
        assert!(
            !input.store.locations().contains(&run().plan()),
            "write {nth}"
        );
        input.planned().await.unwrap();
        assert_eq!(contents(&input.store).await, whole, "write {nth}");
    }
    assert_eq!(
        deaths,
        slices + 6,
        "the owner, the copy of the file, the layout, the scan, the slices, the manifest, the plan"
    );
}

#[tokio::test]
async fn the_check_that_the_result_can_be_written_leaves_nothing_behind() {
    let input = rows(1).await;
    input.planned().await.unwrap();
    assert!(input.store.open_uploads().is_empty());
    let written = input.store.locations();
    assert!(
        written.iter().all(|at| !at.key().starts_with("out/")),
        "{written:?}"
    );
}
