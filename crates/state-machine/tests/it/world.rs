//! The surroundings of state machines: scripted functions, objects in memory, and an observer that
//! keeps all events.

use async_trait::async_trait;
use quarry_state_machine::{
    Definition, Event, EventKind, ExecutionOutcome, FunctionError, Host, Machine, Observer, Status,
    VirtualClock,
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2026-11-22T08:30:00Z
pub(crate) fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_mins(29_922_270)
}

pub(crate) type Reply = Result<Value, FunctionError>;

/// Returns the reply to one call, given its payload.
type Function = Box<dyn Fn(&Value) -> Reply + Send + Sync>;

/// Functions and objects, with a record of the calls.
#[derive(Default)]
pub(crate) struct World {
    functions: BTreeMap<String, Function>,
    durations: BTreeMap<String, Duration>,
    objects: BTreeMap<String, Vec<u8>>,
    calls: Mutex<Vec<(String, Value)>>,
    /// The real time that each call takes.
    pub(crate) work: Option<Duration>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl World {
    /// Adds a function that computes its reply from its payload.
    pub(crate) fn function(
        mut self,
        name: &str,
        function: impl Fn(&Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.functions.insert(name.to_owned(), Box::new(function));
        self
    }

    /// Adds a function with given replies, one after the other; the last one is repeated.
    pub(crate) fn replies(self, name: &str, replies: Vec<Reply>) -> Self {
        let left = Mutex::new(VecDeque::from(replies));
        self.function(name, move |_| {
            let mut left = left.lock().unwrap();
            if left.len() > 1 {
                left.pop_front().unwrap()
            } else {
                left.front().unwrap().clone()
            }
        })
    }

    pub(crate) fn lasting(mut self, name: &str, duration: Duration) -> Self {
        self.durations.insert(name.to_owned(), duration);
        self
    }

    /// Adds an object; `place` is its bucket and key, separated by a slash.
    pub(crate) fn object(mut self, place: &str, content: impl Into<Vec<u8>>) -> Self {
        self.objects.insert(place.to_owned(), content.into());
        self
    }

    pub(crate) fn working_for(mut self, real: Duration) -> Self {
        self.work = Some(real);
        self
    }

    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the largest number of calls that were under way at the same time.
    pub(crate) fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Host for World {
    async fn invoke(&self, function: &str, payload: Value) -> Reply {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        if let Some(work) = self.work {
            tokio::time::sleep(work).await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let answer = self.functions.get(function).map(|answer| answer(&payload));
        self.calls
            .lock()
            .unwrap()
            .push((function.to_owned(), payload));
        answer.unwrap_or_else(|| {
            Err(FunctionError::new(
                "Lambda.ResourceNotFoundException",
                format!("Function not found: {function}"),
            ))
        })
    }

    async fn get_object(&self, bucket: &str, key: &str) -> Result<Vec<u8>, FunctionError> {
        let object = self.objects.get(&format!("{bucket}/{key}"));
        object
            .cloned()
            .ok_or_else(|| FunctionError::new("NoSuchKey", "The specified key does not exist."))
    }

    fn duration(&self, function: &str, _: &Value) -> Duration {
        self.durations.get(function).copied().unwrap_or_default()
    }
}

/// An event as the observer received it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The seconds on the clock since it started.
    pub(crate) at: f64,
    pub(crate) execution: String,
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) state: Option<String>,
    pub(crate) detail: Detail,
}

/// The details of an event that the tests examine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Detail {
    None,
    Input(Value),
    Delay(Duration),
    Status(Status),
}

/// Keeps every event.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Seen>>);

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// Returns the names of the recorded events of one execution.
    pub(crate) fn history(&self, execution: &str) -> Vec<String> {
        let seen = self.seen().into_iter();
        seen.filter(|event| event.execution == execution && event.id.is_some())
            .map(|event| event.name)
            .collect()
    }

    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(|event| event.name == name).collect()
    }
}

impl Observer for Recorder {
    fn event(&self, event: &Event<'_>) {
        let (state, detail) = match event.kind {
            EventKind::ExecutionStarted { input } => (None, Detail::Input(input.clone())),
            EventKind::StateEntered { state, input, .. }
            | EventKind::ChildStarted { state, input, .. } => {
                (Some(state), Detail::Input(input.clone()))
            }
            EventKind::StateExited { state, .. } => (Some(state), Detail::None),
            EventKind::ChildFinished { state, status, .. } => {
                (Some(state), Detail::Status(status.clone()))
            }
            EventKind::Waiting { state, duration } => (Some(state), Detail::Delay(duration)),
            EventKind::Retrying { state, delay, .. } => (Some(state), Detail::Delay(delay)),
            _ => (None, Detail::None),
        };
        let seen = Seen {
            at: event
                .at
                .duration_since(start())
                .unwrap_or_default()
                .as_secs_f64(),
            execution: event.execution.to_owned(),
            id: event.id,
            name: event.kind.name(),
            state: state.map(str::to_owned),
            detail,
        };
        self.0.lock().unwrap().push(seen);
    }
}

/// A machine with its surroundings, clock and observer.
pub(crate) struct Stage {
    pub(crate) machine: Machine,
    pub(crate) world: Arc<World>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) clock: VirtualClock,
}

impl Stage {
    pub(crate) fn new(definition: &Value, world: World) -> Self {
        Self::on(VirtualClock::starting_at(start()), definition, world)
    }

    pub(crate) fn on(clock: VirtualClock, definition: &Value, world: World) -> Self {
        let definition = load(definition);
        let world = Arc::new(world);
        let recorder = Arc::new(Recorder::default());
        let machine = Machine::new(definition, world.clone(), clock.clone(), recorder.clone());
        Self {
            machine,
            world,
            recorder,
            clock,
        }
    }

    pub(crate) async fn run(&self, input: Value) -> ExecutionOutcome {
        self.machine.run("run", input).await.unwrap()
    }
}

pub(crate) fn load(definition: &Value) -> Definition {
    match Definition::load(&definition.to_string(), &BTreeMap::new()) {
        Ok(definition) => definition,
        Err(error) => panic!("{error}"),
    }
}

/// Returns a definition with these states, beginning with the first of them.
pub(crate) fn machine(states: &Value) -> Value {
    let first = states.as_object().unwrap().keys().next().unwrap();
    serde_json::json!({"StartAt": first, "States": states})
}

/// Returns a Task state that calls `function` with its whole input and ends the execution.
pub(crate) fn task(function: &str) -> Value {
    serde_json::json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "End": true,
    })
}

/// Returns a Map state over `bucket/items.json` whose children have these states; it ends the
/// execution. [`items`] returns its input.
pub(crate) fn map(states: &Value) -> Value {
    let mut processor = machine(states);
    processor["ProcessorConfig"] =
        serde_json::json!({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"});
    serde_json::json!({
        "Type": "Map",
        "Label": "Items",
        "MaxConcurrencyPath": "$.limit",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
        },
        "ItemProcessor": processor,
        "End": true,
    })
}

/// Returns the input of a [`map`], which runs at most `limit` children at a time; 0 means no limit.
pub(crate) fn items(limit: u64) -> Value {
    serde_json::json!({"bucket": "bucket", "key": "items.json", "limit": limit})
}

/// Returns `base` with the fields of `more`, which take precedence.
pub(crate) fn with(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

pub(crate) fn failed(outcome: &ExecutionOutcome) -> (&str, &str) {
    match &outcome.status {
        Status::Failed { error, cause } => (error, cause),
        other => panic!("not failed: {other:?}"),
    }
}
