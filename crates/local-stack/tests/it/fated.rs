//! A stack whose functions' calls to S3 and Bedrock meet a fate that the test decides.

use quarry_edge::clock::Clock;
use quarry_edge::fates::{
    ClockFault, DecideFate, Fate, Fated, FaultyClock, FunctionLife, OutsideCall,
};
use quarry_local_stack::{Reach, Surround, Surrounded};
use quarry_state_machine::{Execution, StopHandle};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// One call of one function: of those with the same function and subject, the `nth`, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct NthCall {
    pub(crate) function: String,
    pub(crate) call: OutsideCall,
    pub(crate) nth: usize,
}

impl std::fmt::Display for NthCall {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            function,
            call,
            nth,
        } = self;
        let subject: String = call.subject.chars().take(120).collect();
        write!(out, "{function}: {:?} {subject} #{nth}", call.operation)
    }
}

type Decide = dyn Fn(&NthCall) -> Fate + Send + Sync;
type DecideClock = dyn Fn(&str) -> Option<ClockFault> + Send + Sync;

/// Decides about all calls of a stack, and counts them.
#[derive(Clone)]
pub(crate) struct Fates {
    calls: Arc<Mutex<HashMap<(String, OutsideCall), usize>>>,
    effects: Arc<Mutex<Vec<NthCall>>>,
    total: Arc<AtomicU64>,
    decide: Arc<Decide>,
    clock: Arc<DecideClock>,
    clocks: Arc<Mutex<HashMap<String, Arc<dyn Clock>>>>,
    stop: Arc<Mutex<Option<StopHandle>>>,
}

impl Fates {
    pub(crate) fn new(decide: impl Fn(&NthCall) -> Fate + Send + Sync + 'static) -> Self {
        Self {
            calls: Arc::default(),
            effects: Arc::default(),
            total: Arc::default(),
            decide: Arc::new(decide),
            clock: Arc::new(|_| None),
            clocks: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// Puts a fault into the clocks of functions, by the function's name.
    pub(crate) fn with_clocks(
        self,
        fault: impl Fn(&str) -> Option<ClockFault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock: Arc::new(fault),
            ..self
        }
    }

    /// Returns the clock of a function. All its calls have the same one.
    pub(crate) fn clock(&self, function: &str, right: &Arc<dyn Clock>) -> Arc<dyn Clock> {
        let Some(fault) = (self.clock)(function) else {
            return Arc::clone(right);
        };
        let mut clocks = self.clocks.lock().unwrap();
        let clock = clocks
            .entry(function.to_owned())
            .or_insert_with(|| Arc::new(FaultyClock::new(Arc::clone(right), fault)));
        Arc::clone(clock)
    }

    /// From now on, a death of a function stops this execution.
    pub(crate) fn stop_at_death(&self, execution: &Execution) {
        *self.stop.lock().unwrap() = Some(execution.stop_handle());
    }

    /// From now on, a death of a function stops nothing.
    pub(crate) fn stop_no_more(&self) {
        *self.stop.lock().unwrap() = None;
    }

    /// Returns the calls with an effect, in their order.
    pub(crate) fn effects(&self) -> Vec<NthCall> {
        self.effects.lock().unwrap().clone()
    }

    /// Returns the number of all calls.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn fate(&self, function: &str, call: &OutsideCall) -> Fate {
        self.total.fetch_add(1, Ordering::Relaxed);
        let nth = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls
                .entry((function.to_owned(), call.clone()))
                .or_default();
            *count += 1;
            *count - 1
        };
        let call = NthCall {
            function: function.to_owned(),
            call: call.clone(),
            nth,
        };
        if call.call.operation.has_effect() {
            self.effects.lock().unwrap().push(call.clone());
        }
        (self.decide)(&call)
    }

    /// Returns what decides about one call of a function, and the life of that call.
    pub(crate) fn around(&self, function: &str) -> (DecideFate, Arc<FunctionLife>) {
        let (fates, function) = (self.clone(), function.to_owned());
        let decide: DecideFate = Arc::new(move |call| fates.fate(&function, call));
        (decide, Arc::default())
    }

    /// Returns the wrapper for [`StackConfig`](quarry_local_stack::StackConfig).
    pub(crate) fn surround(&self) -> Surround {
        let fates = self.clone();
        Arc::new(move |function, reach| {
            let (decide, life) = fates.around(function);
            let stop = Arc::clone(&fates.stop);
            Surrounded {
                reach: Reach {
                    store: Arc::new(Fated::new(
                        reach.store,
                        Arc::clone(&decide),
                        Arc::clone(&life),
                    )),
                    jobs: Arc::new(Fated::new(
                        reach.jobs,
                        Arc::clone(&decide),
                        Arc::clone(&life),
                    )),
                    models: Arc::new(Fated::new(reach.models, decide, Arc::clone(&life))),
                    clock: fates.clock(function, &reach.clock),
                },
                death: Box::pin(async move {
                    let death = life.death().await;
                    let stop = stop.lock().unwrap().take();
                    if let Some(stop) = stop {
                        stop.stop("Operator", "stopped by the test");
                        std::future::pending::<()>().await;
                    }
                    death.as_lambda_reports()
                }),
            }
        })
    }
}
