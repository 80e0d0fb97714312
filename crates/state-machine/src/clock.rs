//! The clock of an execution: virtual time that jumps over waiting, or real time that may run
//! faster.
//!
//! Virtual time is a small scheduler. Every party that works owns a [`Hold`]; while at least one
//! hold is in force, time stands still. A party that waits releases its hold for that long. When no
//! hold is in force, the clock jumps to the earliest wake-up and holds itself until the woken party
//! has taken over. One lock guards both the number of holds and the list of wake-ups. So there is
//! no moment in which "nobody works" and "somebody is about to work" both look true.
//!
//! The clock does not know what the parties wait for. It depends on neither state machines nor
//! functions, so a simulated service can use the same clock.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

/// A clock that all participants of a run share. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    inner: Arc<ClockParts>,
}

#[derive(Debug)]
struct ClockParts {
    start: SystemTime,
    pace: Pace,
}

#[derive(Debug)]
enum Pace {
    /// Time stands still while any party works, and jumps when all parties wait.
    Jumping(Mutex<ClockSchedule>),
    /// Time passes by itself, at `speed` seconds in each real second.
    Running { origin: Instant, speed: NonZeroU32 },
}

/// Invariant whenever the lock is free: `holds > 0` or `wake_ups` is empty.
#[derive(Debug, Default)]
struct ClockSchedule {
    now: Duration,
    holds: usize,
    next_number: u64,
    wake_ups: BTreeMap<WakeUp, Option<Waker>>,
}

/// The time of a wake-up, and its order among wake-ups of the same time.
type WakeUp = (Duration, u64);

impl ClockSchedule {
    fn release(&mut self) -> Vec<Waker> {
        self.holds = self.holds.saturating_sub(1);
        self.jump()
    }

    /// Jumps to the earliest wake-up if no hold is in force. Every party that is due at that
    /// instant is woken, and for each of them the clock is held once until the party drops its
    /// [`Sleep`]. The caller must call the wakers after it has released the lock.
    fn jump(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        if self.holds > 0 {
            return woken;
        }
        let Some((&(due, _), _)) = self.wake_ups.first_key_value() else {
            return woken;
        };
        self.now = self.now.max(due);
        while let Some(entry) = self.wake_ups.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            self.holds += 1;
            woken.extend(entry.remove());
        }
        woken
    }
}

impl VirtualClock {
    /// Creates a clock that shows `start` and moves only by jumping over waiting.
    pub fn starting_at(start: SystemTime) -> Self {
        Self::with_pace(start, Pace::Jumping(Mutex::default()))
    }

    /// Creates a clock that shows `start` and then runs by itself, at `speed` seconds in each real
    /// second. Sleeping on it needs a tokio runtime with its timer enabled.
    pub fn real_time(start: SystemTime, speed: NonZeroU32) -> Self {
        Self::with_pace(
            start,
            Pace::Running {
                origin: Instant::now(),
                speed,
            },
        )
    }

    fn with_pace(start: SystemTime, pace: Pace) -> Self {
        Self {
            inner: Arc::new(ClockParts { start, pace }),
        }
    }

    /// Returns the instant that the clock shows.
    pub fn now(&self) -> SystemTime {
        let start = self.inner.start;
        start.checked_add(self.elapsed()).unwrap_or(start)
    }

    /// Returns how far the clock has moved since it was created.
    pub fn elapsed(&self) -> Duration {
        match &self.inner.pace {
            Pace::Jumping(schedule) => lock(schedule).now,
            Pace::Running { origin, speed } => origin.elapsed().saturating_mul(speed.get()),
        }
    }

    /// Stops time for as long as the returned guard lives. Take one for work whose duration must
    /// not show on the clock, or while you start several executions that should begin at the same
    /// instant. In real time it has no effect.
    pub fn hold(&self) -> Hold {
        if let Pace::Jumping(schedule) = &self.inner.pace {
            lock(schedule).holds += 1;
        }
        Hold {
            clock: self.clone(),
        }
    }

    /// Returns a future that is ready after `duration` has passed on this clock. It does not make
    /// time pass: if the caller owns a [`Hold`], use [`Hold::sleep`]. Once the future is ready,
    /// time stands still until it is dropped, so that the caller can act at that very instant.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let timer = match &self.inner.pace {
            Pace::Running { speed, .. } => {
                Timer::Real(Box::pin(tokio::time::sleep(duration / speed.get())))
            }
            Pace::Jumping(schedule) => {
                let mut schedule = lock(schedule);
                let number = schedule.next_number;
                schedule.next_number += 1;
                let wake_up = (schedule.now.saturating_add(duration), number);
                let woken = if duration.is_zero() {
                    schedule.holds += 1;
                    Vec::new()
                } else {
                    schedule.wake_ups.insert(wake_up, None);
                    schedule.jump()
                };
                drop(schedule);
                wake(woken);
                Timer::Virtual(wake_up)
            }
        };
        Sleep {
            clock: self.clone(),
            timer,
        }
    }
}

fn lock(schedule: &Mutex<ClockSchedule>) -> MutexGuard<'_, ClockSchedule> {
    // No statement that changes the schedule can panic, so a panic elsewhere while the lock was
    // held leaves the schedule consistent.
    schedule.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

/// A share in stopping virtual time; see [`VirtualClock::hold`].
#[derive(Debug)]
pub struct Hold {
    clock: VirtualClock,
}

impl Hold {
    /// Lets time pass until `duration` has gone by, then holds the clock again.
    pub async fn sleep(&mut self, duration: Duration) {
        let sleep = self.clock.sleep(duration);
        self.release_while(sleep).await;
    }

    /// Lets time pass while waiting for something that another party causes, then holds the clock
    /// again. The other party must hold the clock until `future` has given its output, most simply
    /// by sending its own [`Hold`] as part of it; otherwise the clock may jump in between.
    pub async fn release_while<F: Future>(&mut self, future: F) -> F::Output {
        // Declared before the guard and so dropped after it: if the wait is abandoned, the clock is
        // held again before a wake-up inside `future` releases it.
        let mut future = std::pin::pin!(future);
        let released = Released::new(&self.clock);
        let output = future.as_mut().await;
        drop(released);
        output
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        give_back(&self.clock);
    }
}

fn give_back(clock: &VirtualClock) {
    if let Pace::Jumping(schedule) = &clock.inner.pace {
        let mut schedule = lock(schedule);
        let woken = schedule.release();
        drop(schedule);
        wake(woken);
    }
}

/// The time in which a [`Hold`] is not in force.
struct Released {
    clock: VirtualClock,
}

impl Released {
    fn new(clock: &VirtualClock) -> Self {
        give_back(clock);
        Self {
            clock: clock.clone(),
        }
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        if let Pace::Jumping(schedule) = &self.clock.inner.pace {
            lock(schedule).holds += 1;
        }
    }
}

/// A wake-up on a [`VirtualClock`]; see [`VirtualClock::sleep`].
#[derive(Debug)]
pub struct Sleep {
    clock: VirtualClock,
    timer: Timer,
}

#[derive(Debug)]
enum Timer {
    /// Pending as long as the schedule lists it; afterwards it counts as a hold.
    Virtual(WakeUp),
    Real(Pin<Box<tokio::time::Sleep>>),
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        match (&mut this.timer, &this.clock.inner.pace) {
            (Timer::Real(timer), _) => timer.as_mut().poll(context),
            (Timer::Virtual(wake_up), Pace::Jumping(schedule)) => {
                match lock(schedule).wake_ups.get_mut(wake_up) {
                    Some(waker) => {
                        *waker = Some(context.waker().clone());
                        Poll::Pending
                    }
                    None => Poll::Ready(()),
                }
            }
            (Timer::Virtual(_), Pace::Running { .. }) => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Timer::Virtual(wake_up), Pace::Jumping(schedule)) =
            (&self.timer, &self.clock.inner.pace)
        {
            let mut schedule = lock(schedule);
            let woken = if schedule.wake_ups.remove(wake_up).is_some() {
                Vec::new()
            } else {
                schedule.release()
            };
            drop(schedule);
            wake(woken);
        }
    }
}
