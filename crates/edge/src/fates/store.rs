//! S3.

use super::{Fate, Fated, InjectedError, OutsideOperation};
use crate::s3::faults::StoreOperation;
use crate::store::{ObjectInfo, ObjectPage, ObjectStore, Pin, StoreError, WriteCondition};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use std::future::Future;
use std::ops::Range;

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

    /// Makes a call that the SDK may make `again`.
    async fn repeatable<R>(
        &self,
        operation: StoreOperation,
        at: &S3Uri,
        call: impl Future<Output = Result<R, StoreError>> + Send,
        again: impl Future<Output = Result<R, StoreError>> + Send,
    ) -> Result<R, StoreError> {
        let outside = OutsideOperation::Store(operation);
        let fate = self.fate(outside, at.to_string()).await;
        if fate == Fate::Repeated {
            call.await?;
            return again.await;
        }
        let error = |error| store_error(at, operation, error);
        self.meet(fate, call, error, || None).await
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
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let call = self.inner.put(at, body.clone(), condition);
        let again = self.inner.put(at, body, condition);
        self.repeatable(StoreOperation::Put, at, call, again).await
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
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let complete = || self.inner.complete_upload(at, upload, parts, condition);
        self.repeatable(StoreOperation::CompleteUpload, at, complete(), complete())
            .await
    }

    async fn abort_upload(&self, at: &S3Uri, upload: &str) -> Result<(), StoreError> {
        let call = self.inner.abort_upload(at, upload);
        self.store(StoreOperation::AbortUpload, at, call).await
    }
}
