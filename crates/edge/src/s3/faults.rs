//! A wrapper that makes an object store fail on request, for tests.

use crate::store::{ObjectInfo, ObjectPage, ObjectStore, Pin, StoreError, WriteCondition};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use std::collections::HashMap;
use std::ops::{Range, RangeFrom, RangeInclusive};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The bytes that a body arrives in.
const PIECE: usize = 7;

/// The calls of [`ObjectStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreOperation {
    /// [`ObjectStore::head`].
    Head,
    /// [`ObjectStore::get`].
    Get,
    /// [`ObjectStore::get_range`] and [`ObjectStore::read_range`].
    GetRange,
    /// [`ObjectStore::put`].
    Put,
    /// [`ObjectStore::list`], and each [`ObjectStore::page`].
    List,
    /// [`ObjectStore::create_upload`].
    CreateUpload,
    /// [`ObjectStore::upload_part`].
    UploadPart,
    /// [`ObjectStore::copy_part`].
    CopyPart,
    /// [`ObjectStore::complete_upload`].
    CompleteUpload,
    /// [`ObjectStore::abort_upload`].
    AbortUpload,
}

/// The effect of a fault on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// The call is not made: too many calls.
    Throttled,
    /// The call is not made: no response.
    Unavailable,
    /// The call is not made: not allowed.
    AccessDenied,
    /// The call is not made: the object has changed.
    Changed,
    /// The call is not made: refused for a reason that no retry can correct.
    Refused,
    /// The call is made, and its response is lost.
    LostAnswer,
    /// The call is made, and only this many bytes of its response arrive. Calls that return no
    /// bytes lose their response.
    Cut(usize),
    /// The call is made after this time.
    Slow(Duration),
}

/// Fails selected calls and passes on all others.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    faults: Vec<(StoreOperation, RangeInclusive<u64>, StoreFault)>,
    calls: HashMap<StoreOperation, u64>,
}

impl<S> FaultyStore<S> {
    /// Creates a wrapper without faults.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            script: Mutex::default(),
        }
    }

    /// Returns the wrapped store.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Fails the `nth` call (from 1) of an operation.
    #[must_use]
    pub fn fail(self, operation: StoreOperation, nth: u64, fault: StoreFault) -> Self {
        self.script().faults.push((operation, nth..=nth, fault));
        self
    }

    /// Fails the calls of an operation in a range of numbers, e.g. `1..` for all.
    #[must_use]
    pub fn fail_all(
        self,
        operation: StoreOperation,
        calls: RangeFrom<u64>,
        fault: StoreFault,
    ) -> Self {
        let calls = calls.start..=u64::MAX;
        self.script().faults.push((operation, calls, fault));
        self
    }

    /// Returns how often an operation was called, including failed calls.
    pub fn calls(&self, operation: StoreOperation) -> u64 {
        self.script().calls.get(&operation).copied().unwrap_or(0)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_fault(&self, operation: StoreOperation) -> Option<StoreFault> {
        let mut script = self.script();
        let calls = script.calls.entry(operation).or_default();
        *calls += 1;
        let call = *calls;
        let mut faults = script.faults.iter();
        faults
            .find(|(of, calls, _)| *of == operation && calls.contains(&call))
            .map(|(_, _, fault)| *fault)
    }

    async fn call<T>(
        &self,
        operation: StoreOperation,
        at: &S3Uri,
        call: impl Future<Output = Result<T, StoreError>> + Send,
        cut: impl FnOnce(T, usize) -> Option<T> + Send,
    ) -> Result<T, StoreError> {
        let name = at.to_string();
        match self.next_fault(operation) {
            None => call.await,
            Some(StoreFault::Throttled) => Err(StoreError::Throttled(name, "injected".into())),
            Some(StoreFault::Unavailable) => Err(StoreError::Unavailable(name, "injected".into())),
            Some(StoreFault::AccessDenied) => {
                Err(StoreError::AccessDenied(name, "injected".into()))
            }
            Some(StoreFault::Changed) => Err(StoreError::Changed(name)),
            Some(StoreFault::Refused) => Err(StoreError::Refused(name, "injected".into())),
            Some(StoreFault::LostAnswer) => {
                call.await?;
                Err(StoreError::Unavailable(
                    name,
                    "the response was lost".into(),
                ))
            }
            Some(StoreFault::Cut(length)) => cut(call.await?, length)
                .ok_or_else(|| StoreError::Unavailable(name, "the response was cut".into())),
            Some(StoreFault::Slow(time)) => {
                tokio::time::sleep(time).await;
                call.await
            }
        }
    }
}

fn cut_all<T>(_: T, _: usize) -> Option<T> {
    None
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for FaultyStore<S> {
    async fn head(&self, at: &S3Uri) -> Result<ObjectInfo, StoreError> {
        self.call(StoreOperation::Head, at, self.inner.head(at), cut_all)
            .await
    }

    async fn get(&self, at: &S3Uri, limit: u64) -> Result<Bytes, StoreError> {
        let call = self.inner.get(at, limit);
        let cut = |bytes: Bytes, length| Some(bytes.slice(..bytes.len().min(length)));
        self.call(StoreOperation::Get, at, call, cut).await
    }

    async fn get_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<Bytes, StoreError> {
        let call = self.inner.get_range(at, range, pin);
        let cut = |bytes: Bytes, length| Some(bytes.slice(..bytes.len().min(length)));
        self.call(StoreOperation::GetRange, at, call, cut).await
    }

    /// Gives the bytes in several pieces. A response that is cut gives the first of them before it fails.
    async fn read_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
        take: &mut (dyn FnMut(Bytes) + Send),
    ) -> Result<(), StoreError> {
        let whole = async { Ok((self.inner.get_range(at, range, pin).await?, true)) };
        let cut = |(bytes, _): (Bytes, bool), length| {
            Some((bytes.slice(..bytes.len().min(length)), false))
        };
        let (mut bytes, is_whole) = self.call(StoreOperation::GetRange, at, whole, cut).await?;
        while !bytes.is_empty() {
            take(bytes.split_to(bytes.len().min(PIECE)));
            tokio::task::yield_now().await;
        }
        if is_whole {
            return Ok(());
        }
        let why = "the response was cut".into();
        Err(StoreError::Unavailable(at.to_string(), why))
    }

    async fn put(
        &self,
        at: &S3Uri,
        body: Bytes,
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let call = self.inner.put(at, body, condition);
        self.call(StoreOperation::Put, at, call, cut_all).await
    }

    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectInfo>, StoreError> {
        self.call(
            StoreOperation::List,
            prefix,
            self.inner.list(prefix),
            cut_all,
        )
        .await
    }

    async fn page(&self, prefix: &S3Uri, token: Option<&str>) -> Result<ObjectPage, StoreError> {
        let call = self.inner.page(prefix, token);
        self.call(StoreOperation::List, prefix, call, cut_all).await
    }

    async fn create_upload(&self, at: &S3Uri) -> Result<String, StoreError> {
        let call = self.inner.create_upload(at);
        self.call(StoreOperation::CreateUpload, at, call, cut_all)
            .await
    }

    async fn upload_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, StoreError> {
        let call = self.inner.upload_part(at, upload, number, body);
        self.call(StoreOperation::UploadPart, at, call, cut_all)
            .await
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
        self.call(StoreOperation::CopyPart, at, call, cut_all).await
    }

    async fn complete_upload(
        &self,
        at: &S3Uri,
        upload: &str,
        parts: &[(i32, String)],
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let call = self.inner.complete_upload(at, upload, parts, condition);
        self.call(StoreOperation::CompleteUpload, at, call, cut_all)
            .await
    }

    async fn abort_upload(&self, at: &S3Uri, upload: &str) -> Result<(), StoreError> {
        let call = self.inner.abort_upload(at, upload);
        self.call(StoreOperation::AbortUpload, at, call, cut_all)
            .await
    }
}
