//! A job's statuses over time, as a function of its times, its faults and the clock.

use crate::config::Schedule;
use crate::faults::JobFault;
use crate::status::Status;
use std::time::Duration;

/// How long after its deadline a job expires (recorded: 25 to 40 s).
const EXPIRY_DELAY: Duration = Duration::from_secs(30);

/// Everything that decides a job's status over time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) submitted: Duration,
    pub(crate) timeout: Duration,
    /// When a stop was requested.
    pub(crate) stop: Option<Duration>,
    /// The number of its records, once it is validated.
    pub(crate) records: Option<u64>,
    /// The fault that ends it.
    pub(crate) fault: Option<&'a JobFault>,
}

/// How a job ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    pub(crate) at: Duration,
    pub(crate) status: Status,
    /// The share of its records that was processed.
    pub(crate) share: f64,
    pub(crate) message: Option<String>,
}

impl Ending {
    /// Whether the job began, and so has a folder for its output.
    pub(crate) fn has_output(&self) -> bool {
        self.share > 0.0 || matches!(self.status, Status::Completed | Status::PartiallyCompleted)
    }
}

/// The stage of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// Under way, with the share of its records that is done.
    Running(Status, f64),
    /// Its input must be validated before anything more is known.
    ToValidate,
    /// At its end; its work is not done yet.
    AtEnd(Ending),
}

impl Course<'_> {
    /// Returns the stage of the job at `now`.
    pub(crate) fn stage(&self, now: Duration) -> Stage {
        let schedule = self.schedule;
        let started = self.submitted + schedule.started();
        let deadline = self.submitted + self.timeout;
        let ending = |at, status, share| Ending {
            at,
            status,
            share,
            message: None,
        };
        if let Some(stop) = self.stop.filter(|stop| *stop < started) {
            let end = ending(stop + schedule.stopping(), Status::Stopped, 0.0);
            return until(now, end, Status::Stopping, 0.0);
        }
        if now < self.submitted + schedule.submitted() {
            return Stage::Running(Status::Submitted, 0.0);
        }
        if now < self.submitted + schedule.validated() {
            return Stage::Running(Status::Validating, 0.0);
        }
        let Some(records) = self.records else {
            return Stage::ToValidate;
        };
        if deadline <= started {
            let mut end = ending(deadline + EXPIRY_DELAY, Status::Expired, 0.0);
            end.message = Some("The job expired before it could be started.".to_owned());
            return until(now, end, Status::Scheduled, 0.0);
        }
        if now < started {
            return Stage::Running(Status::Scheduled, 0.0);
        }
        let processing = schedule.processing(records);
        let finish = started + processing;
        let share = |at: Duration| {
            if processing.is_zero() {
                1.0
            } else {
                (at.saturating_sub(started).as_secs_f64() / processing.as_secs_f64()).min(1.0)
            }
        };
        if let Some(stop) = self.stop.filter(|stop| *stop < finish.min(deadline)) {
            let done = share(stop);
            let end = ending(stop + schedule.stopping(), Status::Stopped, done);
            return until(now, end, Status::Stopping, done);
        }
        let end = match self.fault {
            Some(fault) => Ending {
                at: finish.min(deadline),
                status: fault.status.unwrap_or(Status::Failed),
                share: fault.answered.unwrap_or(1.0),
                message: fault.message.clone(),
            },
            None if deadline < finish => Ending {
                message: Some("The job timed out before all records were processed.".to_owned()),
                ..ending(deadline, Status::PartiallyCompleted, share(deadline))
            },
            None => ending(finish, Status::Completed, 1.0),
        };
        until(now, end, Status::InProgress, share(now))
    }
}

fn until(now: Duration, end: Ending, status: Status, share: f64) -> Stage {
    if now < end.at {
        Stage::Running(status, share)
    } else {
        Stage::AtEnd(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::JobFault;

    const START: Duration = Duration::from_hours(1_000);

    fn at(minutes: u64) -> Duration {
        START + Duration::from_mins(minutes)
    }

    fn course(schedule: &Schedule) -> Course<'_> {
        Course {
            schedule,
            submitted: START,
            timeout: Duration::from_hours(24),
            stop: None,
            records: None,
            fault: None,
        }
    }

    fn status(course: &Course<'_>, minutes: u64) -> Status {
        match course.stage(at(minutes)) {
            Stage::Running(status, _) => status,
            Stage::ToValidate => panic!("not validated at {minutes}"),
            Stage::AtEnd(end) => end.status,
        }
    }

    #[test]
    fn a_job_goes_through_the_statuses_in_order() {
        let schedule = Schedule::default();
        let mut course = course(&schedule);
        assert_eq!(status(&course, 0), Status::Submitted);
        assert_eq!(status(&course, 1), Status::Validating);
        assert_eq!(course.stage(at(4)), Stage::ToValidate);
        course.records = Some(3_000);
        assert_eq!(status(&course, 4), Status::Scheduled);
        assert_eq!(status(&course, 14), Status::InProgress);
        assert_eq!(status(&course, 34), Status::InProgress);
        assert_eq!(status(&course, 35), Status::Completed);
    }

    #[test]
    fn a_stop_keeps_what_was_done_until_then() {
        let schedule = Schedule {
            record_milliseconds: 0,
            ..Schedule::default()
        };
        let mut course = course(&schedule);
        course.stop = Some(at(2));
        assert_eq!(status(&course, 2), Status::Stopping);
        let Stage::AtEnd(end) = course.stage(at(3)) else {
            panic!("not ended")
        };
        assert_eq!((end.status, end.has_output()), (Status::Stopped, false));

        course.records = Some(100);
        course.stop = Some(at(19));
        let Stage::AtEnd(end) = course.stage(at(20)) else {
            panic!("not ended")
        };
        assert_eq!(end.status, Status::Stopped);
        assert!((end.share - 0.25).abs() < 1e-9, "{end:?}");
    }

    #[test]
    fn the_timeout_expires_or_cuts_a_job() {
        let late = Schedule {
            scheduled_seconds: 25 * 3_600,
            ..Schedule::default()
        };
        let mut waiting = course(&late);
        waiting.records = Some(100);
        assert_eq!(status(&waiting, 24 * 60 - 1), Status::Scheduled);
        assert_eq!(status(&waiting, 24 * 60), Status::Scheduled);
        assert_eq!(status(&waiting, 24 * 60 + 1), Status::Expired);

        let slow = Schedule {
            processing_seconds: 100 * 3_600,
            record_milliseconds: 0,
            ..Schedule::default()
        };
        let mut working = course(&slow);
        working.records = Some(100);
        let Stage::AtEnd(end) = working.stage(at(24 * 60)) else {
            panic!("not ended")
        };
        assert_eq!(end.status, Status::PartiallyCompleted);
        assert!(end.share > 0.2 && end.share < 0.25, "{end:?}");
    }

    #[test]
    fn a_fault_decides_the_end() {
        let schedule = Schedule::default();
        let fault = JobFault::end(0, Status::Failed, 0.5);
        let mut course = course(&schedule);
        course.records = Some(0);
        course.fault = Some(&fault);
        let Stage::AtEnd(end) = course.stage(at(34)) else {
            panic!("not ended")
        };
        assert_eq!((end.status, end.has_output()), (Status::Failed, true));
    }
}
