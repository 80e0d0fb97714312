//! The clock alone: it jumps when all parties wait, and never while one works.

use crate::world::start;
use futures::FutureExt;
use futures::future::join_all;
use quarry_state_machine::VirtualClock;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_hours(1);

fn clock() -> VirtualClock {
    VirtualClock::starting_at(start())
}

/// When no party works, a sleep passes at once, and time has moved by exactly its length.
#[tokio::test]
async fn an_idle_clock_jumps() {
    let clock = clock();
    clock.sleep(HOUR).await;
    assert_eq!(clock.now(), start() + HOUR);
    clock.sleep(Duration::ZERO).await;
    assert_eq!(clock.elapsed(), HOUR);
}

/// A hold stops time for as long as it lives.
#[tokio::test]
async fn a_held_clock_stands_still() {
    let clock = clock();
    let hold = clock.hold();
    let mut sleep = Box::pin(clock.sleep(HOUR));
    for _ in 0..10 {
        tokio::task::yield_now().await;
        assert!(sleep.as_mut().now_or_never().is_none());
    }
    assert_eq!(clock.elapsed(), Duration::ZERO);
    drop(hold);
    sleep.await;
    assert_eq!(clock.elapsed(), HOUR);
}

/// A woken party works before anything else can move the clock, on however many threads the other
/// parties run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_party_wakes_at_the_requested_instant() {
    let clock = clock();
    let starting = clock.hold();
    let parties: Vec<_> = (0..200_u64)
        .map(|party| {
            let clock = clock.clone();
            let mut hold = clock.hold();
            tokio::spawn(async move {
                let mut expected = Duration::ZERO;
                for turn in 0..100 {
                    let pause = Duration::from_secs(1 + (party * 7 + turn * 13) % 50);
                    hold.sleep(pause).await;
                    expected += pause;
                    assert_eq!(clock.elapsed(), expected, "party {party}, turn {turn}");
                    tokio::task::yield_now().await;
                    assert_eq!(clock.elapsed(), expected, "party {party}, turn {turn}");
                }
            })
        })
        .collect();
    drop(starting);
    for party in join_all(parties).await {
        party.unwrap();
    }
}

/// An abandoned sleep neither moves the clock nor stops it.
#[tokio::test]
async fn a_dropped_sleep_is_forgotten() {
    let clock = clock();
    let hold = clock.hold();
    drop(clock.sleep(HOUR));
    let given_up = clock.sleep(2 * HOUR);
    drop(hold);
    // The clock jumps to the only wake-up left and stands there until its owner is gone.
    assert_eq!(clock.elapsed(), 2 * HOUR);
    drop(given_up);
    clock.sleep(HOUR).await;
    assert_eq!(clock.elapsed(), 3 * HOUR);
}

/// If a release of the clock is abandoned, the clock is held again.
#[tokio::test]
async fn a_hold_is_in_force_again_after_an_abandoned_wait() {
    let clock = clock();
    let others = clock.hold();
    let mut hold = clock.hold();
    {
        let mut wait = Box::pin(hold.sleep(HOUR));
        assert!(wait.as_mut().now_or_never().is_none());
    }
    drop(others);
    let mut sleep = Box::pin(clock.sleep(HOUR));
    assert!(sleep.as_mut().now_or_never().is_none());
    assert_eq!(clock.elapsed(), Duration::ZERO);
    drop(hold);
    sleep.await;
}

/// A party that waits for another one does not stop the clock, and takes over without a gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_handed_over_without_a_gap() {
    let clock = clock();
    let mut hold = clock.hold();
    for turn in 1..=200_u32 {
        let mut theirs = clock.hold();
        let bystander = clock.clone();
        let passed = Arc::new(AtomicBool::new(false));
        let bystander_passed = Arc::clone(&passed);
        let watcher = tokio::spawn(async move {
            bystander.sleep(Duration::from_secs(2)).await;
            bystander_passed.store(true, Ordering::SeqCst);
        });
        let worker = tokio::spawn(async move {
            theirs.sleep(Duration::from_secs(1)).await;
            theirs
        });
        let theirs = hold.release_while(worker).await.unwrap();
        drop(theirs);
        assert!(
            !passed.load(Ordering::SeqCst),
            "time went on in turn {turn}"
        );
        hold.release_while(watcher).await.unwrap();
    }
}

/// In real time, `speed` seconds of the clock pass in one real second, and holds change nothing.
#[tokio::test]
async fn a_real_clock_runs_at_its_speed() {
    let clock = VirtualClock::real_time(start(), NonZeroU32::new(3_600).unwrap());
    let mut hold = clock.hold();
    let began = Instant::now();
    hold.sleep(Duration::from_mins(3)).await;
    let real = began.elapsed();
    assert!(real >= Duration::from_millis(50), "{real:?}");
    assert!(real < Duration::from_secs(5), "{real:?}");
    assert!(clock.elapsed() >= Duration::from_mins(3));
    assert!(clock.now() >= start() + Duration::from_mins(3));
}
