//! A state machine and its executions, as a user of the crate sees them.

use crate::clock::VirtualClock;
use crate::context::ExecutionContext;
use crate::definition::Definition;
use crate::execution::{Run, Shared};
use crate::failure::ErrorCause;
use crate::history::History;
use crate::host::Host;
use crate::limits::{
    MAX_EXECUTION_NAME_CHARS, MAX_EXECUTION_TIME, MAX_HISTORY_EVENTS, MAX_PAYLOAD_BYTES,
    REDRIVABLE, fits_payload,
};
use crate::observer::{EventKind, Observer};
use crate::outcome::{ExecutionOutcome, Status, Tally};
use crate::timestamp::iso_8601;
use crate::whereabouts::Whereabouts;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// A state machine with its host, clock and observer. Clones are the same machine.
#[derive(Clone)]
pub struct Machine {
    shared: Arc<Shared>,
    executions: Arc<Mutex<BTreeMap<String, KnownExecution>>>,
}

/// What is kept of an execution for as long as its machine lives.
struct KnownExecution {
    input: Value,
    whereabouts: Arc<Whereabouts>,
}

/// Why an execution was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The machine has, or had, an execution with this name.
    #[error("an execution named `{0}` exists already")]
    ExecutionAlreadyExists(String),
    /// The service does not accept the name.
    #[error(
        "`{0}` is not a name for an execution: 1 to {MAX_EXECUTION_NAME_CHARS} characters, without \
         spaces, brackets, wildcards and special characters"
    )]
    InvalidName(String),
    /// The input is larger than the service accepts.
    #[error("the input of the execution is larger than {MAX_PAYLOAD_BYTES} bytes")]
    InputTooLarge,
}

/// Why an execution was not redriven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedriveError {
    /// The machine has no execution with this name.
    #[error("there is no execution named `{0}`")]
    ExecutionDoesNotExist(String),
    /// The execution cannot be redriven.
    #[error("the execution `{name}` cannot be redriven: {why}")]
    ExecutionNotRedrivable {
        /// The execution's name.
        name: String,
        /// The reason.
        why: &'static str,
    },
}

impl Machine {
    /// Creates a machine that executes `definition`. `()` is an observer that sees nothing.
    pub fn new(
        definition: Definition,
        host: Arc<dyn Host>,
        clock: VirtualClock,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                definition,
                host,
                clock,
                observer,
                jitter_seed: 0,
            }),
            executions: Arc::default(),
        }
    }

    /// Selects another sequence of delays for retries with `"JitterStrategy": "FULL"`. Must be
    /// called before any execution is created.
    #[must_use]
    pub fn with_jitter_seed(mut self, seed: u64) -> Self {
        Arc::make_mut(&mut self.shared).jitter_seed = seed;
        self
    }

    /// Returns the clock that executions use.
    pub fn clock(&self) -> &VirtualClock {
        &self.shared.clock
    }

    /// Creates an execution, which begins when it is [run](Execution::run). From now on, its name
    /// is taken for as long as the machine lives.
    pub fn execution(&self, name: &str, input: Value) -> Result<Execution, StartError> {
        if !is_execution_name(name) {
            return Err(StartError::InvalidName(name.to_owned()));
        }
        if !fits_payload(&input) {
            return Err(StartError::InputTooLarge);
        }
        let mut executions = self.executions();
        if executions.contains_key(name) {
            return Err(StartError::ExecutionAlreadyExists(name.to_owned()));
        }
        let known = KnownExecution {
            input,
            whereabouts: Arc::default(),
        };
        let execution = self.begin(name, &known);
        executions.insert(name.to_owned(), known);
        Ok(execution)
    }

    /// Opens an execution again that failed, was stopped or timed out. When it is
    /// [run](Execution::run), it continues in the state where it ended, with that state's input;
    /// attempts and timeouts count anew. In a Map Run, children that succeeded keep their outputs,
    /// those that began continue where they ended, and the others begin. Name, start and history
    /// stay those of the execution.
    ///
    /// Source: AWS Step Functions Developer Guide, "Restarting state machine executions with redrive".
    pub fn redrive(&self, name: &str) -> Result<Execution, RedriveError> {
        let executions = self.executions();
        let known = executions
            .get(name)
            .ok_or_else(|| RedriveError::ExecutionDoesNotExist(name.to_owned()))?;
        let refused = |why| {
            Err(RedriveError::ExecutionNotRedrivable {
                name: name.to_owned(),
                why,
            })
        };
        let Some(end) = known.whereabouts.end() else {
            return refused("it has not ended");
        };
        if end.succeeded {
            return refused("it has succeeded");
        }
        let now = self.shared.clock.now();
        if now.duration_since(end.at).unwrap_or_default() > REDRIVABLE {
            return refused("it ended more than 14 days ago");
        }
        if known.whereabouts.events() + 1 >= MAX_HISTORY_EVENTS {
            return refused("its history is full");
        }
        known.whereabouts.redrive();
        Ok(self.begin(name, known))
    }

    fn executions(&self) -> MutexGuard<'_, BTreeMap<String, KnownExecution>> {
        self.executions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, name: &str, known: &KnownExecution) -> Execution {
        Execution {
            shared: Arc::clone(&self.shared),
            name: name.to_owned(),
            input: known.input.clone(),
            whereabouts: Arc::clone(&known.whereabouts),
            stop: Arc::new(watch::channel(None).0),
        }
    }

    /// Creates an execution and runs it to its end.
    pub async fn run(&self, name: &str, input: Value) -> Result<ExecutionOutcome, StartError> {
        Ok(self.execution(name, input)?.run().await)
    }
}

/// Applies the rule of the service's `StartExecution` for names.
fn is_execution_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=MAX_EXECUTION_NAME_CHARS).contains(&length)
        && !name.contains(|c: char| {
            c.is_whitespace() || c.is_control() || r##"<>{}[]?*"#%\^|~`$&,;:/"##.contains(c)
        })
}

/// An execution that has not begun, or that has been redriven and has not continued.
pub struct Execution {
    shared: Arc<Shared>,
    name: String,
    input: Value,
    whereabouts: Arc<Whereabouts>,
    stop: Arc<watch::Sender<Option<ErrorCause>>>,
}

/// Stops an execution from outside. Clones stop the same execution.
#[derive(Debug, Clone)]
pub struct StopHandle {
    stop: Arc<watch::Sender<Option<ErrorCause>>>,
}

impl StopHandle {
    /// Ends the execution and its children as aborted, with this error and cause, either of which
    /// may be empty. Calls of functions that are under way are dropped. This has no effect on an
    /// execution that has ended or has been stopped.
    pub fn stop(&self, error: impl Into<String>, cause: impl Into<String>) {
        self.stop.send_if_modified(|request| {
            let first = request.is_none();
            if first {
                *request = Some(ErrorCause {
                    error: error.into(),
                    cause: cause.into(),
                });
            }
            first
        });
    }
}

/// What happened first: the work ended, the time was over, or the execution was stopped.
enum End {
    Done(Status),
    TimedOut,
    Stopped(ErrorCause),
}

impl Execution {
    /// Returns a handle that can stop the execution, even before it runs.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle {
            stop: Arc::clone(&self.stop),
        }
    }

    /// Runs the execution to its end. Needs a tokio runtime, for the tasks of child executions.
    /// Dropping the future stops everything without a trace.
    pub async fn run(self) -> ExecutionOutcome {
        let Self {
            shared,
            name,
            input,
            whereabouts,
            stop,
        } = self;
        let clock = shared.clock.clone();
        let redrives = whereabouts.redrives();
        let started = clock.elapsed();
        let tally = Arc::new(Tally::default());
        let history = Arc::new(History::new(
            name.clone(),
            clock.clone(),
            Arc::clone(&shared.observer),
            whereabouts.events(),
        ));
        let (alive, mut gone) = mpsc::channel(1);
        let definition = shared.definition.clone();
        let mut run = Run {
            hold: clock.hold(),
            context: ExecutionContext {
                name,
                start_time: whereabouts.start_time(iso_8601(clock.now())),
            },
            shared,
            tally: Arc::clone(&tally),
            history: Arc::clone(&history),
            whereabouts: Arc::clone(&whereabouts),
            resumes: redrives > 0,
            alive,
        };
        let mut stopped = stop.subscribe();
        let limit = definition.timeout().unwrap_or(MAX_EXECUTION_TIME);
        let mut work = Box::pin(async move {
            let result = run.complete(definition.graph(), input).await;
            (result, run.hold)
        });
        // Declared after the work, so that it is dropped first if this future is dropped: the clock
        // must not jump to a deadline that no longer matters.
        let mut deadline = Box::pin(clock.sleep(limit));
        let mut hold = None;
        let end = tokio::select! {
            biased;
            request = stopped.wait_for(Option::is_some) => {
                End::Stopped(request.ok().and_then(|request| request.clone()).unwrap_or_default())
            }
            (result, kept) = &mut work => {
                let status = match result {
                    Ok(output) => Status::Succeeded(output),
                    Err(failure) => failure.into_error_cause().into(),
                };
                hold = Some(kept);
                End::Done(status)
            }
            () = &mut deadline => End::TimedOut,
        };
        // From here to the outcome, time stands still, without a gap after the work's own hold.
        let _hold = hold.unwrap_or_else(|| clock.hold());
        drop(work);
        drop(deadline);
        let status = match end {
            End::Done(status) => status,
            End::TimedOut => {
                history.finish(EventKind::ExecutionTimedOut);
                Status::TimedOut
            }
            End::Stopped(ErrorCause { error, cause }) => {
                history.finish(EventKind::ExecutionAborted {
                    error: &error,
                    cause: &cause,
                });
                Status::Aborted { error, cause }
            }
        };
        // Tasks of stopped children may still run for a moment. The channel carries no messages; it
        // ends when the last task has dropped its sender.
        let elapsed = clock.elapsed().saturating_sub(started);
        gone.recv().await;
        whereabouts.close(&status, clock.now(), history.len());
        tally.outcome(status, redrives, history.len(), elapsed)
    }
}
