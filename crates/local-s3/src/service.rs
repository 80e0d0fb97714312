//! The S3 operations, between the protocol and the files. All other operations return
//! `NotImplemented`.

mod body;
mod checksums;
mod listing;

use crate::error::StorageError;
use crate::observer::{Direction, Observer, Watched};
use crate::receive::{blocking, receive};
use crate::storage::{PutCondition, Storage};
use body::{body, length};
use checksums::{SentChecksums, announced_trailers};
use listing::Listing;
use s3s::auth::Credentials;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyPartResult, CopySource, CreateBucketInput,
    CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
    DeleteObjectOutput, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output,
    MultipartUpload, PutObjectInput, PutObjectOutput, Range as HttpRange, Timestamp,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use std::ops::Range;
use std::sync::Arc;

pub(crate) struct DirectoryService {
    storage: Arc<Storage>,
    observer: Observer,
}

impl DirectoryService {
    pub(crate) fn new(storage: Arc<Storage>, observer: Observer) -> Self {
        Self { storage, observer }
    }

    fn watched(
        &self,
        user: Option<Credentials>,
        (bucket, key): (&str, &str),
        direction: Direction,
    ) -> Watched {
        Watched {
            observer: Arc::clone(&self.observer),
            user: user.map(|user| user.access_key).unwrap_or_default(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            direction,
        }
    }

    async fn run<T, F>(&self, work: F) -> S3Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Storage) -> Result<T, StorageError> + Send + 'static,
    {
        let storage = Arc::clone(&self.storage);
        let done = blocking(move || {
            let done = work(&storage);
            if let Err(StorageError::Io(error)) = &done {
                storage.note_lack_of_space(error);
            }
            done
        });
        Ok(done.await?)
    }
}

#[async_trait::async_trait]
impl S3 for DirectoryService {
    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = req.input.bucket;
        self.run(move |storage| storage.create_bucket(&bucket))
            .await?;
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket = req.input.bucket;
        self.run(move |storage| storage.bucket(&bucket)).await?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn list_buckets(
        &self,
        _: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self.run(Storage::buckets).await?;
        let buckets = buckets.into_iter().map(|(name, modified)| Bucket {
            name: Some(name),
            creation_date: Some(Timestamp::from(modified)),
            ..Bucket::default()
        });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            ..ListBucketsOutput::default()
        }))
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let info = self
            .run(move |storage| {
                let version = input.version_id.as_deref();
                storage.object_at(&input.bucket, &input.key, version)
            })
            .await?
            .1;
        check_match(input.if_match.as_ref(), &info.tag)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(info.size)?),
            last_modified: Some(Timestamp::from(info.modified)),
            e_tag: Some(ETag::Strong(info.tag)),
            version_id: info.version,
            ..HeadObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (input, user) = (req.input, req.credentials);
        if input.part_number.is_some() || input.if_none_match.is_some() {
            return Err(s3_error!(NotImplemented, "GetObject with this condition"));
        }
        let watched = self.watched(user, (&input.bucket, &input.key), Direction::Read);
        let (file, info) = self
            .run(move |storage| {
                let version = input.version_id.as_deref();
                storage.object_at(&input.bucket, &input.key, version)
            })
            .await?;
        check_match(input.if_match.as_ref(), &info.tag)?;
        let range = match &input.range {
            Some(range) => range.check(info.size)?,
            None => 0..info.size,
        };
        let content_range = input
            .range
            .is_some()
            .then(|| format!("bytes {}-{}/{}", range.start, range.end - 1, info.size));
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(length(range.end - range.start)?),
            content_range,
            body: Some(body(file, range, watched)),
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(Timestamp::from(info.modified)),
            e_tag: Some(ETag::Strong(info.tag)),
            version_id: info.version,
            ..GetObjectOutput::default()
        }))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let announced = announced_trailers(&req);
        let (input, trailers, user) = (req.input, req.trailing_headers, req.credentials);
        let condition = condition(input.if_match, input.if_none_match)?;
        let given = SentChecksums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        };
        let bucket = input.bucket.clone();
        self.run(move |storage| storage.bucket(&bucket)).await?;
        let hasher = given.hasher(&announced);
        let watched = self.watched(user, (&input.bucket, &input.key), Direction::Written);
        let received = receive(&self.storage, input.body, hasher, watched).await?;
        let checksum = given.check(received.checksum, trailers.as_ref())?;
        let tag = self
            .run(move |storage| {
                let (incoming, tag) = (received.incoming, received.tag);
                storage.put(&input.bucket, &input.key, &incoming, &tag, &condition)?;
                Ok(tag)
            })
            .await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(tag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            ..PutObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        self.run(move |storage| storage.delete(&input.bucket, &input.key))
            .await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let listing = Listing::asked(req.input)?;
        let (listing, found) = self
            .run(move |storage| {
                let found = listing.find(storage)?;
                Ok((listing, found))
            })
            .await?;
        Ok(S3Response::new(listing.answer(found)?))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let CreateMultipartUploadInput { bucket, key, .. } = req.input;
        let (for_bucket, for_key) = (bucket.clone(), key.clone());
        let id = self
            .run(move |storage| storage.create_upload(&for_bucket, &for_key))
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let announced = announced_trailers(&req);
        let (input, trailers, user) = (req.input, req.trailing_headers, req.credentials);
        let given = SentChecksums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        };
        let hasher = given.hasher(&announced);
        let watched = self.watched(user, (&input.bucket, &input.key), Direction::Written);
        let received = receive(&self.storage, input.body, hasher, watched).await?;
        let checksum = given.check(received.checksum, trailers.as_ref())?;
        let tag = self
            .run(move |storage| {
                let tag = received.tag;
                storage.put_part(
                    &input.bucket,
                    &input.key,
                    &input.upload_id,
                    input.part_number,
                    &received.incoming,
                    &tag,
                )?;
                Ok(tag)
            })
            .await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(tag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            ..UploadPartOutput::default()
        }))
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = req.input;
        let CopySource::Bucket {
            bucket: from_bucket,
            key: from_key,
            version_id,
        } = input.copy_source
        else {
            return Err(s3_error!(
                NotImplemented,
                "copying from this kind of source"
            ));
        };
        let range = input.copy_source_range.as_deref().map(copy_range);
        let range = range.transpose()?;
        let condition = condition(input.copy_source_if_match, None)?;
        let tag = self
            .run(move |storage| {
                let version = version_id.as_deref();
                // Checks for the upload before gigabytes are copied.
                storage.upload(&input.bucket, &input.key, &input.upload_id)?;
                let (incoming, tag) =
                    storage.copy(&from_bucket, &from_key, version, range, &condition)?;
                storage.put_part(
                    &input.bucket,
                    &input.key,
                    &input.upload_id,
                    input.part_number,
                    &incoming,
                    &tag,
                )?;
                Ok(tag)
            })
            .await?;
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(CopyPartResult {
                e_tag: Some(ETag::Strong(tag)),
                ..CopyPartResult::default()
            }),
            ..UploadPartCopyOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let condition = condition(input.if_match, input.if_none_match)?;
        let mut parts = Vec::new();
        for part in input
            .multipart_upload
            .and_then(|m| m.parts)
            .unwrap_or_default()
        {
            let (Some(number), Some(etag)) = (part.part_number, part.e_tag) else {
                return Err(s3_error!(MalformedXML, "a part without number or ETag"));
            };
            parts.push((number, etag.into_value()));
        }
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let tag = self
            .run(move |storage| {
                storage.complete(&bucket, &key, &input.upload_id, &parts, &condition)
            })
            .await?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(tag)),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = req.input;
        self.run(move |storage| storage.abort(&input.bucket, &input.key, &input.upload_id))
            .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let bucket = req.input.bucket.clone();
        let uploads = self
            .run(move |storage| storage.open_uploads(&bucket))
            .await?;
        let prefix = req.input.prefix.unwrap_or_default();
        let uploads = uploads
            .into_iter()
            .filter(|upload| upload.key.starts_with(&prefix))
            .map(|upload| MultipartUpload {
                key: Some(upload.key),
                upload_id: Some(upload.id),
                ..MultipartUpload::default()
            });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(req.input.bucket),
            is_truncated: Some(false),
            uploads: Some(uploads.collect()),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

fn condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<PutCondition> {
    Ok(match (if_match, if_none_match) {
        (None, None) => PutCondition::None,
        (None, Some(ETagCondition::Any)) => PutCondition::Absent,
        (Some(ETagCondition::Any), None) => PutCondition::Present,
        (Some(ETagCondition::ETag(tag)), None) => PutCondition::Tag(tag.into_value()),
        _ => return Err(s3_error!(NotImplemented, "this kind of condition")),
    })
}

fn check_match(condition: Option<&ETagCondition>, tag: &str) -> S3Result<()> {
    match condition {
        Some(ETagCondition::ETag(wanted)) if wanted.value() != tag => {
            Err(s3_error!(PreconditionFailed))
        }
        _ => Ok(()),
    }
}

/// Reads `bytes=first-last`, the only form that `x-amz-copy-source-range` allows.
fn copy_range(text: &str) -> S3Result<Range<u64>> {
    match HttpRange::parse(text) {
        Ok(HttpRange::Int {
            first,
            last: Some(last),
        }) => Ok(first..last + 1),
        _ => Err(s3_error!(
            InvalidArgument,
            "`{text}` is not a range that can be copied"
        )),
    }
}
