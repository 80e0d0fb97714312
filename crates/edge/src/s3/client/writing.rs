//! Writing an object under a condition.

use super::failure::{Precondition, store_error};
use crate::s3::retry;
use crate::store::{StoreError, WriteCondition};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use quarry_contract::location::S3Uri;

/// How often a conditional put is sent in total if it races another write (409).
const CONFLICT_ATTEMPTS: u32 = 5;

impl WriteCondition<'_> {
    /// The value of `If-None-Match`.
    fn none_match(self) -> Option<String> {
        matches!(self, Self::IfAbsent).then(|| "*".to_owned())
    }

    /// The value of `If-Match`.
    fn if_match(self) -> Option<String> {
        match self {
            Self::IfUnchanged(etag) => Some(etag.to_owned()),
            Self::Always | Self::IfAbsent => None,
        }
    }

    /// What a status of 412 means.
    fn failure(self) -> Precondition {
        match self {
            Self::IfUnchanged(_) => Precondition::Match,
            Self::Always | Self::IfAbsent => Precondition::Absent,
        }
    }

    /// Whether this error says that the object which must be there is not.
    fn misses(self, error: &impl ProvideErrorMetadata) -> bool {
        matches!(self, Self::IfUnchanged(_))
            && matches!(error.code(), Some("NoSuchKey" | "NotFound"))
    }
}

/// Puts a small object. `request` begins a request for each attempt. Returns the object's `ETag`.
pub(super) async fn put_under(
    request: impl Fn() -> PutObjectFluentBuilder,
    at: &S3Uri,
    body: Bytes,
    condition: WriteCondition<'_>,
) -> Result<Option<String>, StoreError> {
    let mut attempt = 1;
    loop {
        let sent = request()
            .bucket(at.bucket())
            .key(at.key())
            .body(ByteStream::from(body.clone()))
            .set_if_none_match(condition.none_match())
            .set_if_match(condition.if_match())
            .send()
            .await;
        match sent {
            Ok(output) => return Ok(output.e_tag),
            // Another write was under way; the next attempt shows whether it won.
            Err(error)
                if error.code() == Some("ConditionalRequestConflict")
                    && attempt < CONFLICT_ATTEMPTS =>
            {
                retry::pause(attempt).await;
                attempt += 1;
            }
            Err(error) if condition.misses(&error) => {
                return Err(StoreError::Changed(at.to_string()));
            }
            Err(error) => return Err(store_error(error, at, condition.failure())),
        }
    }
}

/// Makes the object of an upload with a request that has nothing yet. Returns the object's `ETag`.
///
/// An upload that races another write (409) is over, unlike a put, so the error is
/// [`StoreError::Changed`]: the caller begins again.
pub(super) async fn complete_under(
    request: CompleteMultipartUploadFluentBuilder,
    at: &S3Uri,
    upload: &str,
    parts: &[(i32, String)],
    condition: WriteCondition<'_>,
) -> Result<Option<String>, StoreError> {
    let parts = parts
        .iter()
        .map(|(number, etag)| {
            CompletedPart::builder()
                .part_number(*number)
                .e_tag(etag)
                .build()
        })
        .collect();
    let sent = request
        .bucket(at.bucket())
        .key(at.key())
        .upload_id(upload)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .set_parts(Some(parts))
                .build(),
        )
        .set_if_none_match(condition.none_match())
        .set_if_match(condition.if_match())
        .send()
        .await;
    match sent {
        Ok(output) => Ok(output.e_tag),
        Err(error)
            if error.code() == Some("ConditionalRequestConflict") || condition.misses(&error) =>
        {
            Err(StoreError::Changed(at.to_string()))
        }
        Err(error) => Err(store_error(error, at, condition.failure())),
    }
}
