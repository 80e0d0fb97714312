//! Deciding which fault strikes when.

use super::{CallFault, FaultTier, Faults, JobFault, JobFaultKind, Operation, RecordFault};
use crate::models::base_name;
use std::collections::HashMap;
use std::time::Duration;

impl Faults {
    /// Returns the faults that strike a record with this id and this first position, which was sent
    /// this often before, in jobs and on demand, each with its place in the script.
    pub(crate) fn of_ask(
        &self,
        record_id: Option<&str>,
        position: u64,
        in_jobs: u64,
        on_demand: u64,
        is_on_demand: bool,
    ) -> impl Iterator<Item = (usize, &RecordFault)> {
        self.records.iter().enumerate().filter(move |(_, fault)| {
            let selected = match (&fault.record, fault.first) {
                (Some(record), _) => record_id == Some(record.as_str()),
                (None, Some(first)) => position < first,
                (None, None) => steps(position, fault.every, fault.offset),
            };
            let job_only = !fault.on_demand || fault.kind.is_about_line();
            let call_only = fault.kind.is_about_call();
            let before = match (call_only, fault.on_demand) {
                (true, _) => on_demand,
                (false, true) => in_jobs + on_demand,
                (false, false) => in_jobs,
            };
            let strikes_here = if is_on_demand { !job_only } else { !call_only };
            selected && before < fault.times && strikes_here
        })
    }

    /// Returns the fault that ends the `job`-th job. It holds however often the job is read.
    pub(crate) fn ending(&self, job: u64) -> Option<&JobFault> {
        self.lasting(JobFaultKind::End, job)
    }

    /// Returns the fault of this kind that holds for the `job`-th job at every call.
    pub(crate) fn lasting(&self, kind: JobFaultKind, job: u64) -> Option<&JobFault> {
        self.jobs
            .iter()
            .find(|fault| fault.kind == kind && fault.selects(job))
    }
}

impl JobFault {
    fn selects(&self, job: u64) -> bool {
        match self.job {
            Some(number) => number == job,
            None => steps(job, self.every_job, self.offset),
        }
    }
}

fn steps(number: u64, every: Option<u64>, offset: u64) -> bool {
    let Some(past) = number.checked_sub(offset) else {
        return false;
    };
    every.is_some_and(|every| past.checked_rem(every) == Some(0))
}

/// A call, as far as faults depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StruckCall<'a> {
    pub(crate) operation: Operation,
    pub(crate) model_id: Option<&'a str>,
    pub(crate) tier: FaultTier,
    /// The time of the call.
    pub(crate) now: Duration,
}

impl CallFault {
    fn concerns(&self, call: &StruckCall<'_>) -> bool {
        let model = self.model.as_deref().is_none_or(|beginning| {
            call.model_id
                .is_some_and(|id| base_name(id).starts_with(beginning))
        });
        let tier = self.tier.is_none_or(|tier| tier == call.tier);
        self.operation == call.operation && model && tier
    }
}

/// The calls that one fault concerns.
#[derive(Debug, Default)]
struct Concerned {
    count: u64,
    first: Option<Duration>,
}

/// How often each fault of jobs and calls has struck.
#[derive(Debug, Default)]
pub(crate) struct Strikes {
    jobs: HashMap<(usize, u64), u64>,
    calls: HashMap<usize, Concerned>,
}

impl Strikes {
    /// Returns the fault of this kind that strikes the `job`-th job now, if any, and counts the
    /// strike.
    pub(crate) fn job<'f>(
        &mut self,
        faults: &'f Faults,
        kind: JobFaultKind,
        job: u64,
    ) -> Option<&'f JobFault> {
        faults
            .jobs
            .iter()
            .enumerate()
            .filter(|(_, fault)| fault.kind == kind && fault.selects(job))
            .find_map(|(index, fault)| {
                let struck = self.jobs.entry((index, job)).or_default();
                let strikes = *struck < fault.times;
                *struck += u64::from(strikes);
                strikes.then_some(fault)
            })
    }

    /// Returns the fault that strikes this call, if any. The call counts for every fault that
    /// concerns it.
    pub(crate) fn call<'f>(
        &mut self,
        faults: &'f Faults,
        call: &StruckCall<'_>,
    ) -> Option<&'f CallFault> {
        let mut hit = None;
        for (index, fault) in faults.calls.iter().enumerate() {
            if !fault.concerns(call) {
                continue;
            }
            let concerned = self.calls.entry(index).or_default();
            let number = concerned.count;
            concerned.count += 1;
            let since = call
                .now
                .saturating_sub(*concerned.first.get_or_insert(call.now));
            let strikes = match (fault.first, fault.minutes) {
                (Some(first), _) => number < first,
                (None, Some(minutes)) => since < Duration::from_secs(minutes.saturating_mul(60)),
                (None, None) => steps(number, fault.every, fault.offset),
            };
            if strikes && hit.is_none() {
                hit = Some(fault);
            }
        }
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{CallFaultKind, RecordFaultKind};

    #[test]
    fn a_record_fault_applies_to_the_first_requests_of_its_record() {
        let faults = Faults {
            records: vec![RecordFault::of_every(10, 3, RecordFaultKind::Prose).times(2)],
            ..Faults::default()
        };
        let hit = |position, in_jobs, on_demand, is_on_demand| {
            faults
                .of_ask(None, position, in_jobs, on_demand, is_on_demand)
                .count()
                == 1
        };
        assert!(hit(3, 0, 0, false) && hit(13, 1, 0, true) && hit(23, 0, 1, false));
        assert!(!hit(3, 1, 1, true) && !hit(2, 0, 0, false) && !hit(4, 0, 0, false));
    }

    #[test]
    fn faults_of_jobs_and_of_lines_do_not_apply_on_demand() {
        let fault = |kind| RecordFault {
            every: None,
            first: Some(1),
            ..RecordFault::of_every(1, 0, kind)
        };
        let faults = Faults {
            records: vec![
                RecordFault {
                    on_demand: false,
                    ..fault(RecordFaultKind::Prose)
                },
                fault(RecordFaultKind::Missing),
            ],
            ..Faults::default()
        };
        assert_eq!(faults.of_ask(None, 0, 0, 0, true).count(), 0);
        assert_eq!(faults.of_ask(None, 0, 0, 0, false).count(), 2);
        // The first still strikes in a job after a call on demand, the second does not.
        assert_eq!(faults.of_ask(None, 0, 0, 1, false).count(), 1);
    }

    #[test]
    fn a_reply_breaks_off_on_demand_only() {
        let faults = Faults {
            records: vec![RecordFault::of_every(1, 0, RecordFaultKind::BrokenOff)],
            ..Faults::default()
        };
        let strikes = |in_jobs, on_demand, is_on_demand| {
            faults
                .of_ask(None, 0, in_jobs, on_demand, is_on_demand)
                .count()
                == 1
        };
        assert!(strikes(0, 0, true) && strikes(5, 0, true));
        assert!(!strikes(0, 0, false) && !strikes(0, 1, true));
    }

    #[test]
    fn strikes_are_counted_for_each_job() {
        let faults = Faults {
            jobs: vec![JobFault {
                times: 2,
                ..JobFault::of_job(1, JobFaultKind::ThrottleCreate)
            }],
            ..Faults::default()
        };
        let mut strikes = Strikes::default();
        let mut create = |job| {
            strikes
                .job(&faults, JobFaultKind::ThrottleCreate, job)
                .is_some()
        };
        assert_eq!(
            [create(0), create(1), create(1), create(1)],
            [false, true, true, false]
        );
    }

    /// Calls of another operation, model or tier do not count and are not struck.
    #[test]
    fn a_call_fault_counts_the_calls_that_it_concerns() {
        let throttle = CallFault::of_every(3, Operation::Invoke, CallFaultKind::Throttle);
        let faults = Faults {
            calls: vec![CallFault {
                model: Some("amazon.nova".into()),
                tier: Some(FaultTier::Flex),
                ..throttle
            }],
            ..Faults::default()
        };
        let mut strikes = Strikes::default();
        let mut hit = |operation, model_id, tier| {
            let call = StruckCall {
                operation,
                model_id: Some(model_id),
                tier,
                now: Duration::ZERO,
            };
            strikes.call(&faults, &call).is_some()
        };
        let nova = "us.amazon.nova-2-lite-v1:0";
        let mut calls = Vec::new();
        for _ in 0..4 {
            calls.push(hit(Operation::Invoke, nova, FaultTier::Flex));
            assert!(!hit(Operation::Create, nova, FaultTier::Flex));
            assert!(!hit(Operation::Invoke, nova, FaultTier::Default));
            assert!(!hit(
                Operation::Invoke,
                "qwen.qwen3-32b-v1:0",
                FaultTier::Flex
            ));
        }
        assert_eq!(calls, [true, false, false, true]);
    }

    #[test]
    fn minutes_begin_with_the_first_call() {
        let kind = CallFaultKind::SubscriptionPending;
        let faults = Faults {
            calls: vec![CallFault::of_minutes(10, Operation::Create, kind)],
            ..Faults::default()
        };
        let mut strikes = Strikes::default();
        let mut hit = |minute| {
            let call = StruckCall {
                operation: Operation::Create,
                model_id: None,
                tier: FaultTier::Default,
                now: Duration::from_mins(minute),
            };
            strikes.call(&faults, &call).is_some()
        };
        assert_eq!([hit(100), hit(109), hit(110)], [true, true, false]);
    }
}
