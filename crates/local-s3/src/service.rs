//! The S3 operations, between the protocol and the files. What is not here answers
//! `NotImplemented`.

mod listing;

use crate::error::StorageError;
use crate::observer::{Direction, Observer, Watched};
use crate::receive::{blocking, receive};
use crate::storage::{PutCondition, Storage};
use bytes::{Bytes, BytesMut};
use listing::{Listed, Page};
use s3s::checksum::ChecksumHasher;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, Checksum, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyPartResult, CopySource,
    CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition, EncodingType, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectsV2Input, ListObjectsV2Output, MultipartUpload, Object, PutObjectInput,
    PutObjectOutput, Range as HttpRange, StreamingBlob, Timestamp, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

/// Bytes read from a file at once.
const BLOCK: u64 = 1 << 20;
/// Most keys of one page.
const MAX_KEYS: i32 = 1000;

pub(crate) struct DirectoryService {
    storage: Arc<Storage>,
    observer: Observer,
}

impl DirectoryService {
    pub(crate) fn new(storage: Arc<Storage>, observer: Observer) -> Self {
        Self { storage, observer }
    }

    fn watched(&self, bucket: &str, key: &str, direction: Direction) -> Watched {
        Watched {
            observer: Arc::clone(&self.observer),
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
            .run(move |storage| storage.info(&input.bucket, &input.key))
            .await?;
        check_match(input.if_match.as_ref(), &info.tag)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(info.size)?),
            last_modified: Some(Timestamp::from(info.modified)),
            e_tag: Some(ETag::Strong(info.tag)),
            ..HeadObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        if input.part_number.is_some() || input.if_none_match.is_some() {
            return Err(s3_error!(NotImplemented, "GetObject with this condition"));
        }
        let watched = self.watched(&input.bucket, &input.key, Direction::Read);
        let (file, info) = self
            .run(move |storage| storage.object(&input.bucket, &input.key))
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
            ..GetObjectOutput::default()
        }))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let announced = announced_trailers(&req);
        let (input, trailers) = (req.input, req.trailing_headers);
        let condition = condition(input.if_match, input.if_none_match)?;
        let given = Given {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        };
        let bucket = input.bucket.clone();
        self.run(move |storage| storage.bucket(&bucket)).await?;
        let hasher = given.hasher(&announced);
        let watched = self.watched(&input.bucket, &input.key, Direction::Written);
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
        let input = req.input;
        let max_keys = input.max_keys.unwrap_or(MAX_KEYS).clamp(0, MAX_KEYS);
        let url = match input.encoding_type.as_ref().map(EncodingType::as_str) {
            None => false,
            Some(EncodingType::URL) => true,
            Some(_) => return Err(s3_error!(InvalidArgument, "unknown encoding type")),
        };
        let after = match &input.continuation_token {
            Some(token) => Some(
                listing::decode_token(token)
                    .ok_or_else(|| s3_error!(InvalidArgument, "unknown continuation token"))?,
            ),
            None => input.start_after.clone(),
        };
        let (bucket, delimiter) = (input.bucket.clone(), input.delimiter.clone());
        let prefix = input.prefix.clone().unwrap_or_default();
        let (page, objects) = self
            .run(move |storage| {
                let entries = storage.list(&bucket, &prefix)?;
                let limit = usize::try_from(max_keys).unwrap_or_default();
                let page = Page::of(
                    entries,
                    &prefix,
                    delimiter.as_deref(),
                    after.as_deref(),
                    limit,
                );
                let mut objects = Vec::new();
                for listed in &page.listed {
                    if let Listed::Object(entry) = listed {
                        match storage.info(&bucket, &entry.key) {
                            Ok(info) => objects.push((entry.key.clone(), info)),
                            // Deleted meanwhile.
                            Err(StorageError::NoObject(_)) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Ok((page, objects))
            })
            .await?;
        let name = |text: &str| {
            if url {
                listing::encode(text)
            } else {
                text.to_owned()
            }
        };
        let mut contents = Vec::with_capacity(objects.len());
        for (key, info) in objects {
            contents.push(Object {
                key: Some(name(&key)),
                size: Some(length(info.size)?),
                last_modified: Some(Timestamp::from(info.modified)),
                e_tag: Some(ETag::Strong(info.tag)),
                ..Object::default()
            });
        }
        let common_prefixes: Vec<_> = page
            .listed
            .iter()
            .filter_map(|listed| match listed {
                Listed::Prefix(prefix) => Some(CommonPrefix {
                    prefix: Some(name(prefix)),
                }),
                Listed::Object(_) => None,
            })
            .collect();
        let count = contents.len() + common_prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix.as_deref().map(name),
            delimiter: input.delimiter.as_deref().map(name),
            start_after: input.start_after.as_deref().map(name),
            encoding_type: input.encoding_type,
            max_keys: Some(max_keys),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(page.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: page.next.as_deref().map(listing::encode_token),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            ..ListObjectsV2Output::default()
        }))
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
        let (input, trailers) = (req.input, req.trailing_headers);
        let given = Given {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        };
        let hasher = given.hasher(&announced);
        let watched = self.watched(&input.bucket, &input.key, Direction::Written);
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
            version_id: None,
        } = input.copy_source
        else {
            return Err(s3_error!(NotImplemented, "copying from such a source"));
        };
        let range = input.copy_source_range.as_deref().map(copy_range);
        let range = range.transpose()?;
        let condition = condition(input.copy_source_if_match, None)?;
        let tag = self
            .run(move |storage| {
                // A missing upload is found before gigabytes are copied.
                storage.upload(&input.bucket, &input.key, &input.upload_id)?;
                let (incoming, tag) = storage.copy(&from_bucket, &from_key, range, &condition)?;
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

/// The checksums a client sends with a body, in headers or, after the body, in trailers.
#[derive(Default)]
struct Given {
    crc32: Option<String>,
    crc32c: Option<String>,
    crc64nvme: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
}

impl Given {
    /// Computes what was given or is announced as a trailer.
    fn hasher(&self, trailers: &str) -> ChecksumHasher {
        let announced = |name| trailers.split(',').any(|trailer| trailer.trim() == name);
        let mut hasher = ChecksumHasher::default();
        if self.crc32.is_some() || announced("x-amz-checksum-crc32") {
            hasher.crc32 = Some(s3s::crypto::Crc32::default());
        }
        if self.crc32c.is_some() || announced("x-amz-checksum-crc32c") {
            hasher.crc32c = Some(s3s::crypto::Crc32c::default());
        }
        if self.crc64nvme.is_some() || announced("x-amz-checksum-crc64nvme") {
            hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::default());
        }
        if self.sha1.is_some() || announced("x-amz-checksum-sha1") {
            hasher.sha1 = Some(s3s::crypto::Sha1::default());
        }
        if self.sha256.is_some() || announced("x-amz-checksum-sha256") {
            hasher.sha256 = Some(s3s::crypto::Sha256::default());
        }
        hasher
    }

    /// Holds what was given against what was computed.
    fn check(
        mut self,
        computed: Checksum,
        trailers: Option<&TrailingHeaders>,
    ) -> Result<Checksum, StorageError> {
        if let Some(trailers) = trailers.and_then(TrailingHeaders::take) {
            let trailer = |name: &str| {
                let value = trailers.get(name)?.to_str().ok()?;
                Some(value.to_owned())
            };
            self.crc32 = trailer("x-amz-checksum-crc32").or(self.crc32);
            self.crc32c = trailer("x-amz-checksum-crc32c").or(self.crc32c);
            self.crc64nvme = trailer("x-amz-checksum-crc64nvme").or(self.crc64nvme);
            self.sha1 = trailer("x-amz-checksum-sha1").or(self.sha1);
            self.sha256 = trailer("x-amz-checksum-sha256").or(self.sha256);
        }
        for (name, given, computed) in [
            ("CRC32", &self.crc32, &computed.checksum_crc32),
            ("CRC32C", &self.crc32c, &computed.checksum_crc32c),
            ("CRC64NVME", &self.crc64nvme, &computed.checksum_crc64nvme),
            ("SHA1", &self.sha1, &computed.checksum_sha1),
            ("SHA256", &self.sha256, &computed.checksum_sha256),
        ] {
            if given != computed {
                return Err(StorageError::Digest(name));
            }
        }
        Ok(computed)
    }
}

/// The names in `x-amz-trailer`, separated by commas.
fn announced_trailers<T>(req: &S3Request<T>) -> String {
    let values = req.headers.get_all("x-amz-trailer").iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
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
        _ => return Err(s3_error!(NotImplemented, "such a condition")),
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

/// `bytes=first-last`, the only form that `x-amz-copy-source-range` may have.
fn copy_range(text: &str) -> S3Result<Range<u64>> {
    match HttpRange::parse(text) {
        Ok(HttpRange::Int {
            first,
            last: Some(last),
        }) => Ok(first..last + 1),
        _ => Err(s3_error!(InvalidArgument, "`{text}` is no range to copy")),
    }
}

fn length(size: u64) -> S3Result<i64> {
    i64::try_from(size).map_err(s3s::S3Error::internal_error)
}

/// The bytes of `range` as a stream of blocks, each read on a blocking thread.
fn body(file: File, range: Range<u64>, watched: Watched) -> StreamingBlob {
    let blocks = futures::stream::try_unfold((file, range), move |(file, range)| {
        let watched = watched.clone();
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || read_block(file, range));
            let (block, rest) = read.await.map_err(io::Error::other)??;
            watched.count(block.len());
            Ok::<_, io::Error>(Some((block, rest)))
        }
    });
    StreamingBlob::wrap(blocks)
}

fn read_block(mut file: File, range: Range<u64>) -> io::Result<(Bytes, (File, Range<u64>))> {
    let length = BLOCK.min(range.end - range.start);
    let mut block = BytesMut::zeroed(usize::try_from(length).map_err(io::Error::other)?);
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut block)?;
    let rest = range.start + length..range.end;
    Ok((block.freeze(), (file, rest)))
}
