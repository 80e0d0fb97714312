//! Wrappers that let a test decide what becomes of every call to S3 and Bedrock: it fails, its
//! response is lost, it sees an older state, or the function dies before or after its effect.

use crate::jobs::{BatchJobs, Job, JobsError, LiveJob, NewJob};
use crate::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use crate::s3::faults::StoreOperation;
use crate::store::{ObjectInfo, ObjectPage, ObjectStore, Pin, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use std::future::{Future, pending};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutsideOperation {
    /// A call of [`ObjectStore`].
    Store(StoreOperation),
    /// [`BatchJobs::create`].
    CreateJob,
    /// [`BatchJobs::get`].
    GetJob,
    /// [`BatchJobs::named`], [`BatchJobs::find`] or [`BatchJobs::live`].
    ListJobs,
    /// [`BatchJobs::stop`].
    StopJob,
    /// [`OnDemand::invoke`].
    Invoke,
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
            Self::CreateJob | Self::StopJob | Self::Invoke => true,
            Self::GetJob | Self::ListJobs => false,
        }
    }
}

/// A call before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OutsideCall {
    /// What it does.
    pub operation: OutsideOperation,
    /// What it is about: an object's location, a job's name or ARN, or the body for a model.
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
    /// It does not see what is there: an object does not exist, a list is empty. Other calls are
    /// made.
    Unseen,
    /// The function dies before the call is made.
    DiesBefore,
    /// The function dies after the call's effect, without its response.
    DiesAfter,
}

/// Decides what becomes of a call.
pub type DecideFate = Arc<dyn Fn(&OutsideCall) -> Fate + Send + Sync>;

/// The life of one call of a function, which all its wrappers share. After a death, nothing that the
/// function left running has an effect.
#[derive(Debug, Default)]
pub struct FunctionLife {
    over: AtomicBool,
    told: Notify,
}

impl FunctionLife {
    /// Returns when the function has died.
    pub async fn death(&self) {
        self.told.notified().await;
    }

    async fn die<T>(&self) -> T {
        self.over.store(true, Ordering::SeqCst);
        self.told.notify_one();
        pending().await
    }
}

/// A store, Bedrock's jobs or its models, with a decision about every call.
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
        if self.life.over.load(Ordering::SeqCst) {
            return pending().await;
        }
        match (self.decide)(&OutsideCall { operation, subject }) {
            Fate::Made => call.await,
            Fate::Fails(kind) => Err(error(kind)),
            Fate::ResponseLost => {
                call.await?;
                Err(error(InjectedError::Unavailable))
            }
            Fate::Unseen => match unseen() {
                Some(result) => result,
                None => call.await,
            },
            Fate::DiesBefore => self.life.die().await,
            Fate::DiesAfter => {
                // The caller is dead, so nobody sees the result.
                let _ = call.await;
                self.life.die().await
            }
        }
    }
}

fn store_error(at: &S3Uri, operation: StoreOperation, error: InjectedError) -> StoreError {
    let name = at.to_string();
    match error {
        InjectedError::Throttled => StoreError::Throttled(name, "injected".into()),
        InjectedError::AccessDenied => StoreError::AccessDenied(name, "injected".into()),
        InjectedError::Conflict if operation == StoreOperation::GetRange => {
            StoreError::Changed(name)
        }
        InjectedError::Conflict | InjectedError::Unavailable | InjectedError::Quota => {
            StoreError::Unavailable(name, "injected".into())
        }
    }
}

impl Fated<dyn ObjectStore> {
    async fn store<R>(
        &self,
        operation: StoreOperation,
        at: &S3Uri,
        call: impl Future<Output = Result<R, StoreError>> + Send,
    ) -> Result<R, StoreError> {
        self.seeing(operation, at, call, || None).await
    }

    async fn seeing<R>(
        &self,
        operation: StoreOperation,
        at: &S3Uri,
        call: impl Future<Output = Result<R, StoreError>> + Send,
        unseen: impl FnOnce() -> Option<Result<R, StoreError>> + Send,
    ) -> Result<R, StoreError> {
        self.call(
            OutsideOperation::Store(operation),
            at.to_string(),
            call,
            |error| store_error(at, operation, error),
            unseen,
        )
        .await
    }
}

fn absent<R>(at: &S3Uri) -> Result<R, StoreError> {
    Err(StoreError::NotFound(at.to_string()))
}

#[async_trait]
impl ObjectStore for Fated<dyn ObjectStore> {
    async fn head(&self, at: &S3Uri) -> Result<ObjectInfo, StoreError> {
        let call = self.inner.head(at);
        self.seeing(StoreOperation::Head, at, call, || Some(absent(at)))
            .await
    }

    async fn get(&self, at: &S3Uri, limit: u64) -> Result<Bytes, StoreError> {
        let call = self.inner.get(at, limit);
        self.seeing(StoreOperation::Get, at, call, || Some(absent(at)))
            .await
    }

    async fn get_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<Bytes, StoreError> {
        let call = self.inner.get_range(at, range, pin);
        self.seeing(StoreOperation::GetRange, at, call, || Some(absent(at)))
            .await
    }

    async fn put(
        &self,
        at: &S3Uri,
        body: Bytes,
        only_if_absent: bool,
    ) -> Result<String, StoreError> {
        let call = self.inner.put(at, body, only_if_absent);
        self.store(StoreOperation::Put, at, call).await
    }

    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectInfo>, StoreError> {
        let call = self.inner.list(prefix);
        self.seeing(StoreOperation::List, prefix, call, || Some(Ok(Vec::new())))
            .await
    }

    async fn page(&self, prefix: &S3Uri, token: Option<&str>) -> Result<ObjectPage, StoreError> {
        let call = self.inner.page(prefix, token);
        let nothing = ObjectPage {
            objects: Vec::new(),
            next: None,
        };
        self.seeing(StoreOperation::List, prefix, call, || Some(Ok(nothing)))
            .await
    }

    async fn create_upload(&self, at: &S3Uri) -> Result<String, StoreError> {
        let call = self.inner.create_upload(at);
        self.store(StoreOperation::CreateUpload, at, call).await
    }

    async fn upload_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, StoreError> {
        let call = self.inner.upload_part(at, upload, number, body);
        self.store(StoreOperation::UploadPart, at, call).await
    }

    async fn copy_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        from: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<String, StoreError> {
        let call = self.inner.copy_part(at, upload, number, from, range, pin);
        self.store(StoreOperation::CopyPart, at, call).await
    }

    async fn complete_upload(
        &self,
        at: &S3Uri,
        upload: &str,
        parts: &[(i32, String)],
        only_if_absent: bool,
    ) -> Result<String, StoreError> {
        let call = self
            .inner
            .complete_upload(at, upload, parts, only_if_absent);
        self.store(StoreOperation::CompleteUpload, at, call).await
    }

    async fn abort_upload(&self, at: &S3Uri, upload: &str) -> Result<(), StoreError> {
        let call = self.inner.abort_upload(at, upload);
        self.store(StoreOperation::AbortUpload, at, call).await
    }
}

fn jobs_error(error: InjectedError) -> JobsError {
    let source = "injected".into();
    match error {
        InjectedError::Throttled => JobsError::Throttled(source),
        InjectedError::Quota => JobsError::Quota(source),
        InjectedError::Unavailable => JobsError::Unavailable(source),
        InjectedError::AccessDenied => JobsError::AccessDenied(source),
        InjectedError::Conflict => JobsError::Conflict(source),
    }
}

#[async_trait]
impl BatchJobs for Fated<dyn BatchJobs> {
    async fn create(&self, job: &NewJob) -> Result<String, JobsError> {
        let (operation, call) = (OutsideOperation::CreateJob, self.inner.create(job));
        self.call(operation, job.name.clone(), call, jobs_error, || None)
            .await
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        let (operation, call) = (OutsideOperation::GetJob, self.inner.get(arn));
        self.call(operation, arn.to_owned(), call, jobs_error, || None)
            .await
    }

    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError> {
        let (operation, call) = (OutsideOperation::ListJobs, self.inner.named(prefix));
        let unseen = || Some(Ok(Vec::new()));
        self.call(operation, prefix.to_owned(), call, jobs_error, unseen)
            .await
    }

    async fn find(&self, job: &NewJob) -> Result<Option<String>, JobsError> {
        let (operation, call) = (OutsideOperation::ListJobs, self.inner.find(job));
        let unseen = || Some(Ok(None));
        self.call(operation, job.name.clone(), call, jobs_error, unseen)
            .await
    }

    async fn live(&self, prefix: &str) -> Result<Vec<LiveJob>, JobsError> {
        let (operation, call) = (OutsideOperation::ListJobs, self.inner.live(prefix));
        let unseen = || Some(Ok(Vec::new()));
        self.call(operation, prefix.to_owned(), call, jobs_error, unseen)
            .await
    }

    async fn stop(&self, arn: &str) -> Result<(), JobsError> {
        let (operation, call) = (OutsideOperation::StopJob, self.inner.stop(arn));
        self.call(operation, arn.to_owned(), call, jobs_error, || None)
            .await
    }
}

fn invoke_error(error: InjectedError) -> InvokeError {
    let source = "injected".into();
    match error {
        InjectedError::Throttled => InvokeError::Throttled(source),
        InjectedError::AccessDenied => InvokeError::AccessDenied(source),
        InjectedError::Quota | InjectedError::Unavailable | InjectedError::Conflict => {
            InvokeError::Unavailable(source)
        }
    }
}

#[async_trait]
impl OnDemand for Fated<dyn OnDemand> {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let subject = String::from_utf8_lossy(&question.body).into_owned();
        let (operation, call) = (OutsideOperation::Invoke, self.inner.invoke(question));
        self.call(operation, subject, call, invoke_error, || None)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::memory::MemoryStore;
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
            assert!(store.put(&place(), Bytes::new(), false).await.is_err());
            assert_eq!(is_there(&inner).await, effect, "{fate:?}");
            store.put(&place(), Bytes::new(), false).await.unwrap();
        }
    }

    /// A dead function does nothing more, whatever it left running.
    #[tokio::test(start_paused = true)]
    async fn after_a_death_no_call_is_made() {
        for (fate, effect) in [(Fate::DiesBefore, false), (Fate::DiesAfter, true)] {
            let (store, inner, life) = store(fate);
            let at = place();
            let put = store.put(&at, Bytes::new(), false);
            tokio::select! {
                biased;
                _ = put => panic!("a dead function got a response"),
                () = life.death() => {}
            }
            assert_eq!(is_there(&inner).await, effect, "{fate:?}");
            let other = S3Uri::new("bucket", "other").unwrap();
            let later = store.put(&other, Bytes::new(), false);
            assert!(timeout(Duration::from_secs(9), later).await.is_err());
            assert!(inner.head(&other).await.is_err());
        }
    }

    #[tokio::test]
    async fn what_is_not_seen_yet_is_absent() {
        let (store, inner, _life) = store(Fate::Unseen);
        inner.put(&place(), Bytes::new(), false).await.unwrap();
        let unseen = store.head(&place()).await;
        assert!(matches!(unseen, Err(StoreError::NotFound(_))), "{unseen:?}");
        assert!(store.head(&place()).await.is_ok());
    }
}
