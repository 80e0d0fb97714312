//! Wrappers that let a test decide what becomes of every call to a service: it fails, its response
//! is lost, it sees an older state, or the function dies before or after its effect. Each kind of
//! service has a module.

mod bedrock;
mod callbacks;
mod clock;
mod step_functions;
mod store;

pub use clock::{ClockFault, FaultyClock};

use crate::s3::faults::StoreOperation;
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutsideOperation {
    /// A call of [`ObjectStore`](crate::store::ObjectStore).
    Store(StoreOperation),
    /// [`BatchJobs::create`](crate::jobs::BatchJobs::create).
    CreateJob,
    /// [`BatchJobs::get`](crate::jobs::BatchJobs::get).
    GetJob,
    /// [`BatchJobs::named`](crate::jobs::BatchJobs::named), [`BatchJobs::find`](crate::jobs::BatchJobs::find)
    /// or [`BatchJobs::live`](crate::jobs::BatchJobs::live).
    ListJobs,
    /// [`BatchJobs::stop`](crate::jobs::BatchJobs::stop).
    StopJob,
    /// [`OnDemand::invoke`](crate::on_demand::OnDemand::invoke).
    Invoke,
    /// [`Executions::start`](crate::executions::Executions::start).
    StartExecution,
    /// [`Executions::stop`](crate::executions::Executions::stop).
    StopExecution,
    /// [`ExecutionRecords::describe`](crate::executions::ExecutionRecords::describe).
    DescribeExecution,
    /// [`ExecutionRecords::page`](crate::executions::ExecutionRecords::page).
    ListExecutions,
    /// [`ExecutionRecords::failed_child`](crate::executions::ExecutionRecords::failed_child).
    FindFailedChild,
    /// [`ExecutionRecords::last_function`](crate::executions::ExecutionRecords::last_function).
    ReadHistory,
    /// [`PipelineCallbacks::succeed`](crate::callbacks::PipelineCallbacks::succeed) and [`PipelineCallbacks::fail`](crate::callbacks::PipelineCallbacks::fail).
    SendCallback,
}

impl OutsideOperation {
    /// Whether the call changes something, or costs something.
    pub fn has_effect(self) -> bool {
        match self {
            Self::Store(operation) => !matches!(
                operation,
                StoreOperation::Head
                    | StoreOperation::Get
                    | StoreOperation::GetRange
                    | StoreOperation::List
            ),
            Self::CreateJob
            | Self::StopJob
            | Self::Invoke
            | Self::StartExecution
            | Self::StopExecution
            | Self::SendCallback => true,
            Self::GetJob
            | Self::ListJobs
            | Self::DescribeExecution
            | Self::ListExecutions
            | Self::FindFailedChild
            | Self::ReadHistory => false,
        }
    }
}

/// A call before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OutsideCall {
    /// What it does.
    pub operation: OutsideOperation,
    /// What it is about: an object's location, the name or ARN of a job or an execution, the body
    /// for a model, or the token of a pipeline's step.
    pub subject: String,
}

/// An error of a call. An operation that has no such error is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedError {
    /// Too many calls.
    Throttled,
    /// The quota of jobs in flight is used up.
    Quota,
    /// There is no response, or an internal error.
    Unavailable,
    /// The role may not do this.
    AccessDenied,
    /// HTTP 409 or 412: something else is there, or is being changed.
    Conflict,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made.
    Made,
    /// It is not made.
    Fails(InjectedError),
    /// It is made, and its response is lost.
    ResponseLost,
    /// A write of an object is made, its response is lost, and the SDK makes it again: a conditional
    /// write then finds its own object. Other calls are made once.
    Repeated,
    /// It does not see what is there: an object does not exist, a list is empty. Other calls are
    /// made.
    Unseen,
    /// The function dies before the call is made.
    DiesBefore,
    /// The function dies after the call's effect, without its response.
    DiesAfter,
    /// The function uses its memory up before the call is made, and is killed.
    MemoryUsedUp,
}

/// How a function died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionDeath {
    /// Its process ended.
    Crash,
    /// Its process was killed because it used its memory up.
    MemoryUsedUp,
}

impl FunctionDeath {
    /// Returns the error's name and the message with which Lambda reports the death.
    pub fn as_lambda_reports(self) -> (&'static str, &'static str) {
        match self {
            Self::Crash => (
                "Runtime.ExitError",
                "RequestId: 00000000-0000-0000-0000-000000000000 Error: Runtime exited with error: exit status 101",
            ),
            Self::MemoryUsedUp => (
                "Runtime.OutOfMemory",
                "RequestId: 00000000-0000-0000-0000-000000000000 Error: Runtime exited with error: signal: killed",
            ),
        }
    }
}

/// Decides what becomes of a call.
pub type DecideFate = Arc<dyn Fn(&OutsideCall) -> Fate + Send + Sync>;

/// The life of one call of a function, which all its wrappers share. After a death, nothing that the
/// function left running has an effect.
#[derive(Debug, Default)]
pub struct FunctionLife {
    over: AtomicBool,
    memory_used_up: AtomicBool,
    told: Notify,
}

impl FunctionLife {
    /// Returns when the function has died, and how.
    pub async fn death(&self) -> FunctionDeath {
        self.told.notified().await;
        if self.memory_used_up.load(Ordering::SeqCst) {
            FunctionDeath::MemoryUsedUp
        } else {
            FunctionDeath::Crash
        }
    }

    async fn die<T>(&self, how: FunctionDeath) -> T {
        let is_memory = how == FunctionDeath::MemoryUsedUp;
        self.memory_used_up.store(is_memory, Ordering::SeqCst);
        self.over.store(true, Ordering::SeqCst);
        self.told.notify_one();
        pending().await
    }
}

/// A service with a decision about every call.
pub struct Fated<T: ?Sized> {
    inner: Arc<T>,
    decide: DecideFate,
    life: Arc<FunctionLife>,
}

impl<T: ?Sized> Fated<T> {
    /// Wraps `inner` for one call of a function.
    pub fn new(inner: Arc<T>, decide: DecideFate, life: Arc<FunctionLife>) -> Self {
        Self {
            inner,
            decide,
            life,
        }
    }

    async fn call<R, E>(
        &self,
        operation: OutsideOperation,
        subject: String,
        call: impl Future<Output = Result<R, E>> + Send,
        error: impl Fn(InjectedError) -> E + Send,
        unseen: impl FnOnce() -> Option<Result<R, E>> + Send,
    ) -> Result<R, E> {
        let fate = self.fate(operation, subject).await;
        self.meet(fate, call, error, unseen).await
    }

    async fn fate(&self, operation: OutsideOperation, subject: String) -> Fate {
        if self.life.over.load(Ordering::SeqCst) {
            return pending().await;
        }
        (self.decide)(&OutsideCall { operation, subject })
    }

    /// Lets a call meet its fate.
    async fn meet<R, E>(
        &self,
        fate: Fate,
        call: impl Future<Output = Result<R, E>> + Send,
        error: impl Fn(InjectedError) -> E + Send,
        unseen: impl FnOnce() -> Option<Result<R, E>> + Send,
    ) -> Result<R, E> {
        match fate {
            // The wrapper of the store repeats what it can.
            Fate::Made | Fate::Repeated => call.await,
            Fate::Fails(kind) => Err(error(kind)),
            Fate::ResponseLost => {
                call.await?;
                Err(error(InjectedError::Unavailable))
            }
            Fate::Unseen => match unseen() {
                Some(result) => result,
                None => call.await,
            },
            Fate::DiesBefore => self.life.die(FunctionDeath::Crash).await,
            Fate::MemoryUsedUp => self.life.die(FunctionDeath::MemoryUsedUp).await,
            Fate::DiesAfter => {
                // The caller is dead, so nobody sees the result.
                let _ = call.await;
                self.life.die(FunctionDeath::Crash).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::memory::MemoryStore;
    use crate::store::WriteCondition::{Always, IfAbsent};
    use crate::store::{ObjectStore, StoreError};
    use bytes::Bytes;
    use quarry_contract::location::S3Uri;
    use std::sync::Mutex;
    use std::time::Duration;
    use tokio::time::timeout;

    fn place() -> S3Uri {
        S3Uri::new("bucket", "key").unwrap()
    }

    /// A store in which the first call has this fate, with what is inside and the function's life.
    fn store(fate: Fate) -> (Fated<dyn ObjectStore>, Arc<MemoryStore>, Arc<FunctionLife>) {
        let inner = Arc::new(MemoryStore::default());
        let life = Arc::new(FunctionLife::default());
        let first = Mutex::new(Some(fate));
        let decide: DecideFate =
            Arc::new(move |_| first.lock().unwrap().take().unwrap_or(Fate::Made));
        let outer = Arc::clone(&inner) as Arc<dyn ObjectStore>;
        (Fated::new(outer, decide, Arc::clone(&life)), inner, life)
    }

    async fn is_there(store: &MemoryStore) -> bool {
        store.head(&place()).await.is_ok()
    }

    #[tokio::test]
    async fn a_lost_response_has_its_effect_and_a_failure_has_none() {
        for (fate, effect) in [
            (Fate::ResponseLost, true),
            (Fate::Fails(InjectedError::Throttled), false),
            (Fate::Fails(InjectedError::AccessDenied), false),
            (Fate::Fails(InjectedError::Conflict), false),
        ] {
            let (store, inner, _life) = store(fate);
            assert!(store.put(&place(), Bytes::new(), Always).await.is_err());
            assert_eq!(is_there(&inner).await, effect, "{fate:?}");
            store.put(&place(), Bytes::new(), Always).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_conditional_write_that_the_sdk_repeats_finds_its_own_object() {
        let (store, inner, _life) = store(Fate::Repeated);
        let put = store.put(&place(), Bytes::new(), IfAbsent).await;
        assert!(matches!(put, Err(StoreError::Exists(_))), "{put:?}");
        assert!(is_there(&inner).await);
    }

    /// A dead function does nothing more, whatever it left running.
    #[tokio::test(start_paused = true)]
    async fn after_a_death_no_call_is_made() {
        let (crash, memory) = (FunctionDeath::Crash, FunctionDeath::MemoryUsedUp);
        for (fate, effect, death) in [
            (Fate::DiesBefore, false, crash),
            (Fate::DiesAfter, true, crash),
            (Fate::MemoryUsedUp, false, memory),
        ] {
            let (store, inner, life) = store(fate);
            let at = place();
            let put = store.put(&at, Bytes::new(), Always);
            tokio::select! {
                biased;
                _ = put => panic!("a dead function got a response"),
                how = life.death() => assert_eq!(how, death),
            }
            assert_eq!(is_there(&inner).await, effect, "{fate:?}");
            let other = S3Uri::new("bucket", "other").unwrap();
            let later = store.put(&other, Bytes::new(), Always);
            assert!(timeout(Duration::from_secs(9), later).await.is_err());
            assert!(inner.head(&other).await.is_err());
        }
    }

    #[tokio::test]
    async fn what_is_not_seen_yet_is_absent() {
        let (store, inner, _life) = store(Fate::Unseen);
        inner.put(&place(), Bytes::new(), Always).await.unwrap();
        let unseen = store.head(&place()).await;
        assert!(matches!(unseen, Err(StoreError::NotFound(_))), "{unseen:?}");
        assert!(store.head(&place()).await.is_ok());
    }
}
