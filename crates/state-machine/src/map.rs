//! Map Runs: one child execution for every item of a list in an object.
//!
//! A child is an execution of its own: it has a name, a history and a context object, and runs as
//! a task of its own. The first child that fails fails the Map Run, and the others are stopped.

use crate::clock::{Hold, VirtualClock};
use crate::context::ExecutionContext;
use crate::definition::{Graph, MapState};
use crate::execution::Run;
use crate::failure::{ErrorCause, StateFailure, names};
use crate::hash::Fnv;
use crate::history::History;
use crate::limits::{MAX_EXECUTION_NAME_CHARS, MAX_OPEN_CHILDREN, fits_payload};
use crate::observer::EventKind;
use crate::outcome::{ChildFailure, Status, Tally};
use crate::template::ComputedField;
use crate::timestamp::iso_8601;
use crate::visit::{Visit, computed, fill, path_failure, too_large};
use crate::whereabouts::{Whereabouts, WhereaboutsMapRun};
use futures::future::BoxFuture;
use serde_json::Value;
use std::hash::Hasher;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The output of a child's task. It holds the clock until its parent has taken over.
struct FinishedChild {
    index: usize,
    result: Result<Value, StateFailure>,
    hold: Hold,
}

impl Run {
    /// Makes one attempt of a Map state. The result is the list of the children's outputs.
    pub(crate) async fn map(
        &mut self,
        visit: Visit<'_>,
        map: &MapState,
        input: &Value,
    ) -> Result<Value, StateFailure> {
        let state = visit.state.name.as_str();
        let effective = self.effective_input(visit, input)?.into_owned();
        let limit = self.max_concurrency(visit, map, &effective)?;
        let mut children = JoinSet::new();
        let result = match self.map_run(visit, map, &effective).await? {
            Ok(run) => {
                self.run_children(visit, map, &effective, run, limit, &mut children)
                    .await
            }
            Err(failure) => Err(failure),
        };
        children.shutdown().await;
        let result = result.and_then(|results| {
            if fits_payload(&results) {
                Ok(results)
            } else {
                Err(StateFailure::error(
                    names::DATA_LIMIT_EXCEEDED,
                    too_large(state),
                ))
            }
        });
        match &result {
            Ok(_) => {
                self.history.record(EventKind::MapRunSucceeded { state })?;
                self.history
                    .record(EventKind::MapStateSucceeded { state })?;
            }
            Err(StateFailure::Error(ErrorCause { error, cause })) => {
                self.history.record(EventKind::MapRunFailed {
                    state,
                    error,
                    cause,
                })?;
            }
            Err(StateFailure::Terminal(_)) => {}
        }
        result
    }

    /// Begins a Map Run, or continues the one that a redriven execution was in. The outer error ends
    /// the execution; the inner one is the Map Run's own.
    async fn map_run(
        &mut self,
        visit: Visit<'_>,
        map: &MapState,
        input: &Value,
    ) -> Result<Result<WhereaboutsMapRun, StateFailure>, StateFailure> {
        let state = visit.state.name.as_str();
        // A retry in the same state begins a Map Run of its own.
        let resumes = std::mem::take(&mut self.resumes);
        if let Some(run) = self.whereabouts.map_run().filter(|_| resumes) {
            self.history.record(EventKind::MapRunRedriven { state })?;
            return Ok(Ok(run));
        }
        self.history.record(EventKind::MapStateStarted { state })?;
        let bucket = self.location(visit, &map.bucket, input)?;
        let key = self.location(visit, &map.key, input)?;
        self.history.record(EventKind::MapRunStarted { state })?;
        let items = self.read_items(&bucket, &key).await;
        Ok(items.map(|items| self.whereabouts.begin_map_run(items)))
    }

    fn max_concurrency(
        &self,
        visit: Visit<'_>,
        map: &MapState,
        input: &Value,
    ) -> Result<usize, StateFailure> {
        let path = &map.max_concurrency;
        let value = path
            .evaluate(&self.scope(input))
            .map_err(|error| path_failure(visit, error))?;
        let number = value.as_u64().ok_or_else(|| {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            visit.runtime_error(&format!(
                "The MaxConcurrencyPath field refers to value \"{shown}\" which is not a \
                 valid integer: {path}"
            ))
        })?;
        Ok(match usize::try_from(number) {
            Ok(number @ 1..MAX_OPEN_CHILDREN) => number,
            _ => MAX_OPEN_CHILDREN,
        })
    }

    /// Returns a bucket or a key.
    fn location(
        &self,
        visit: Visit<'_>,
        field: &ComputedField,
        input: &Value,
    ) -> Result<String, StateFailure> {
        match computed(visit, field, &self.scope(input))? {
            Value::String(text) => Ok(text),
            other => Err(visit.runtime_error(&format!(
                "The parameters of the ItemReader must be text, not {other}"
            ))),
        }
    }

    async fn read_items(&self, bucket: &str, key: &str) -> Result<Vec<Value>, StateFailure> {
        let failed = |cause: String| StateFailure::error(names::ITEM_READER_FAILED, cause);
        let object = self.shared.host.get_object(bucket, key).await;
        let object = object
            .map_err(|error| failed(format!("s3://{bucket}/{key} could not be read: {error}")))?;
        match serde_json::from_slice(&object) {
            Ok(Value::Array(items)) => Ok(items),
            Ok(_) => Err(failed(
                "Attempting to map over non-iterable node.".to_owned(),
            )),
            Err(error) => Err(failed(format!("s3://{bucket}/{key} is not JSON: {error}"))),
        }
    }

    /// Runs a child for every item whose child has not succeeded yet, at most `limit` at a time, until
    /// all have succeeded or one has failed. Children that are still running then stay in `children`.
    async fn run_children(
        &mut self,
        visit: Visit<'_>,
        map: &MapState,
        input: &Value,
        run: WhereaboutsMapRun,
        limit: usize,
        children: &mut JoinSet<FinishedChild>,
    ) -> Result<Value, StateFailure> {
        let mut results = vec![Value::Null; run.items.len()];
        let mut items = run.items.iter().enumerate();
        loop {
            while children.len() < limit
                && let Some((index, item)) = items.next()
            {
                if let Some(output) = run.child(index).and_then(|child| child.output()) {
                    results[index] = output;
                    continue;
                }
                let input = self.child_input(visit, map, input, index, item)?;
                children.spawn(self.child(visit, map, run.number, index, input));
            }
            if children.is_empty() {
                return Ok(Value::Array(results));
            }
            let joined = self.hold.release_while(children.join_next()).await;
            let FinishedChild {
                index,
                result,
                hold,
            } = match joined {
                Some(Ok(finished)) => finished,
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic())
                }
                Some(Err(error)) => {
                    return Err(visit.runtime_error(&format!("A child was lost: {error}")));
                }
                None => return Ok(Value::Array(results)),
            };
            // This execution holds the clock again.
            drop(hold);
            match result {
                Ok(output) => {
                    if let Some(slot) = results.get_mut(index) {
                        *slot = output;
                    }
                }
                Err(_) => {
                    return Err(StateFailure::error(
                        names::EXCEED_TOLERATED_FAILURE_THRESHOLD,
                        "The specified tolerated failure threshold was exceeded",
                    ));
                }
            }
        }
    }

    fn child_input(
        &self,
        visit: Visit<'_>,
        map: &MapState,
        input: &Value,
        index: usize,
        item: &Value,
    ) -> Result<Value, StateFailure> {
        let too_large = || {
            let cause = format!(
                "The item at index {index} exceeds the maximum number of bytes service limit."
            );
            StateFailure::error(names::DATA_LIMIT_EXCEEDED, cause)
        };
        if !fits_payload(item) {
            return Err(too_large());
        }
        let Some(selector) = &map.item_selector else {
            return Ok(item.clone());
        };
        let mut scope = self.scope(input);
        scope.context.item = Some(item);
        let selected = fill(visit, selector, &scope)?;
        if fits_payload(&selected) {
            Ok(selected)
        } else {
            Err(too_large())
        }
    }

    /// Creates a child execution, ready to run. It holds the clock from now on. It is boxed because
    /// a child may have children of its own.
    fn child(
        &self,
        visit: Visit<'_>,
        map: &MapState,
        map_run: u64,
        index: usize,
        input: Value,
    ) -> BoxFuture<'static, FinishedChild> {
        let shared = Arc::clone(&self.shared);
        let name = child_name(&self.context.name, &map.label, map_run, index);
        let whereabouts = self.whereabouts.begin_child(index);
        let resumes = whereabouts.end().is_some();
        if resumes {
            whereabouts.redrive();
        }
        let context = ExecutionContext {
            start_time: whereabouts.start_time(iso_8601(shared.clock.now())),
            name: name.clone(),
        };
        let history = Arc::new(History::new(
            name.clone(),
            shared.clock.clone(),
            Arc::clone(&shared.observer),
            whereabouts.events(),
        ));
        let record = ChildRecord {
            parent: Arc::clone(&self.history),
            history: Arc::clone(&history),
            whereabouts: Arc::clone(&whereabouts),
            clock: shared.clock.clone(),
            tally: Arc::clone(&self.tally),
            state: visit.state.name.clone(),
            name,
            index,
            status: Status::Aborted {
                error: String::new(),
                cause: "The Map Run or an execution above it ended".to_owned(),
            },
        };
        let run = Self {
            hold: shared.clock.hold(),
            shared,
            tally: Arc::clone(&self.tally),
            context,
            history,
            whereabouts,
            resumes,
            alive: mpsc::Sender::clone(&self.alive),
        };
        self.tally.child_started();
        self.history.show(EventKind::ChildStarted {
            state: &record.state,
            child: &record.name,
            index,
            input: &input,
        });
        Box::pin(run_child(run, record, Arc::clone(&map.processor), input))
    }
}

async fn run_child(
    mut run: Run,
    mut record: ChildRecord,
    graph: Arc<Graph>,
    input: Value,
) -> FinishedChild {
    let result = run.complete(&graph, input).await;
    record.close(&result);
    FinishedChild {
        index: record.index,
        result,
        hold: run.hold,
    }
}

/// Makes sure that a child's end is counted and shown, even when its task is stopped.
struct ChildRecord {
    parent: Arc<History>,
    history: Arc<History>,
    whereabouts: Arc<Whereabouts>,
    clock: VirtualClock,
    tally: Arc<Tally>,
    state: String,
    name: String,
    index: usize,
    /// The status to report: aborted, unless the child ends by itself.
    status: Status,
}

impl ChildRecord {
    fn close(&mut self, result: &Result<Value, StateFailure>) {
        self.status = match result {
            Ok(output) => Status::Succeeded(output.clone()),
            Err(failure) => {
                let error = failure.error_cause().clone();
                self.tally.child_failed(|| ChildFailure {
                    child: self.name.clone(),
                    index: self.index,
                    error: error.error.clone(),
                    cause: error.cause.clone(),
                });
                Status::from(error)
            }
        };
    }
}

impl Drop for ChildRecord {
    fn drop(&mut self) {
        if let Status::Aborted { error, cause } = &self.status {
            self.history
                .finish(EventKind::ExecutionAborted { error, cause });
        }
        self.tally.child_finished(self.history.len());
        self.whereabouts
            .close(&self.status, self.clock.now(), self.history.len());
        self.parent.show(EventKind::ChildFinished {
            state: &self.state,
            child: &self.name,
            index: self.index,
            status: &self.status,
        });
    }
}

/// Returns a name for a child: its parent's name, the Map state's label, the number of the Map Run
/// within the parent, and the position of the item. If that is longer than the service allows, the
/// parent's name is cut and made distinct by a hash.
fn child_name(parent: &str, label: &str, map_run: u64, index: usize) -> String {
    let own = format!("{label}-{map_run}-{index}");
    let room = MAX_EXECUTION_NAME_CHARS.saturating_sub(own.chars().count() + 1);
    if parent.chars().count() <= room {
        return format!("{parent}-{own}");
    }
    let mut hasher = Fnv::default();
    hasher.write(parent.as_bytes());
    let hash = hasher.finish() >> 32;
    let head: String = parent.chars().take(room.saturating_sub(9)).collect();
    format!("{head}-{hash:08x}-{own}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Children of different executions have different names, and none is longer than allowed.
    #[test]
    fn child_names_are_distinct_and_short() {
        assert_eq!(child_name("run", "Slices", 1, 7), "run-Slices-1-7");
        let long = "x".repeat(80);
        let label = "l".repeat(40);
        let name = child_name(&long, &label, 12, 34_567);
        assert_eq!(name.chars().count(), 80);
        let other = format!("{}y", &long[1..]);
        assert_ne!(name, child_name(&other, &label, 12, 34_567));
    }
}
