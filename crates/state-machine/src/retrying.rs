//! The attempts of Task and Map states: an error is retried as `Retry` says, and the result becomes
//! the state's output. An error that is not retried ends the execution.

use crate::definition::{OutcomePolicy, Retrier};
use crate::execution::Run;
use crate::failure::{ErrorCause, StateFailure};
use crate::hash::Fnv;
use crate::observer::EventKind;
use crate::visit::{StateWork, Step, Visit, result_path_failure};
use serde_json::Value;
use std::hash::Hasher;
use std::time::Duration;

impl Run {
    /// Does the work of a Task or Map state until it succeeds, or until no retrier has an attempt
    /// left for its error.
    pub(crate) async fn work_with_policy<'g>(
        &mut self,
        visit: Visit<'g>,
        work: StateWork<'g>,
        policy: &'g OutcomePolicy,
        input: &Value,
    ) -> Result<Step<'g>, StateFailure> {
        let mut number = 0;
        let state = visit.state.name.as_str();
        let mut used = vec![0; policy.retry.len()];
        let ErrorCause { error, cause } = loop {
            let result = match work {
                StateWork::Task(task) => self.call(visit, task, input).await,
                StateWork::Map(map) => self.map(visit, map, input).await,
            };
            let output = result.and_then(|result| self.placed(visit, policy, input, result));
            let error = match output {
                Ok(output) => return Ok((output, policy.then.next())),
                Err(StateFailure::Error(error)) => error,
                Err(terminal @ StateFailure::Terminal(_)) => return Err(terminal),
            };
            let retrier = policy
                .retry
                .iter()
                .zip(&mut used)
                .find(|(retrier, _)| retrier.errors.matches(&error.error))
                .filter(|(retrier, used)| **used < retrier.max_attempts);
            let Some((retrier, used)) = retrier else {
                break error;
            };
            let delay = self.retry_delay(visit, retrier, *used, number);
            *used += 1;
            number += 1;
            self.history.show(EventKind::Retrying {
                state,
                error: &error.error,
                retry: number,
                delay,
            });
            self.hold.sleep(delay).await;
            self.tally.transition();
        };
        if matches!(work, StateWork::Map(_)) {
            self.history.record(EventKind::MapStateFailed { state })?;
        }
        Err(StateFailure::error(error, cause))
    }

    fn retry_delay(&self, visit: Visit<'_>, retrier: &Retrier, used: u64, number: u64) -> Duration {
        if !retrier.full_jitter {
            return retrier.delay(used, 1.0);
        }
        // Any value would be right; this one is the same in every run with the same seed.
        let mut hasher = Fnv::default();
        hasher.write(&self.shared.jitter_seed.to_le_bytes());
        hasher.write(self.context.name.as_bytes());
        hasher.write(visit.state.name.as_bytes());
        hasher.write(&number.to_le_bytes());
        let spread = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        retrier.delay(used, f64::from(spread) / f64::from(u32::MAX))
    }

    /// Returns the output of a Task or Map state, made of its result and its input.
    fn placed(
        &self,
        visit: Visit<'_>,
        policy: &OutcomePolicy,
        input: &Value,
        result: Value,
    ) -> Result<Value, StateFailure> {
        let result = match &policy.result_selector {
            Some(template) => self.filled(visit, template, &result)?,
            None => result,
        };
        let output = policy
            .result_path
            .place(input, result)
            .map_err(|message| result_path_failure(visit, &message))?;
        self.selected_output(visit, output)
    }
}
