//! Objects in S3 through the AWS SDK.
//!
//! Integrity: the SDK sends a CRC32 with every body, and S3 checks it. The bodies of parts are not
//! signed (as in all AWS tools over TLS): the CRC32 in the signed headers covers them, and hashing
//! gigabytes with SHA-256 would cost more than all other work of a function. Multipart uploads are
//! created without an algorithm, so that `ETag`s alone suffice to complete them; an upload that was
//! created *with* one needs every part's checksum.

mod encoding;
mod failure;
mod writing;

use crate::error::Source;
use crate::s3::retry;
use crate::sdk::Credentials;
use crate::service_time::machine_time;
use crate::store::{ObjectInfo, ObjectPage, ObjectStore, Pin, StoreError, WriteCondition};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, EncodingType};
use bytes::{Bytes, BytesMut};
use encoding::{copy_source, decode_key, http_range};
use failure::{Precondition, status_of, store_error};
use quarry_contract::location::S3Uri;
use std::ops::Range;
use writing::{complete_under, put_under};

/// How often a cut body is continued without receiving any new byte.
const RESUMES: u32 = 3;

/// [`ObjectStore`] on S3. Cheap to clone.
///
/// If the response to a conditional put is lost, the SDK sends it again and then finds its own
/// object. So a caller that uses such a put as a claim must compare the content when it gets
/// [`StoreError::Exists`].
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
}

impl S3Store {
    /// Creates a store with the given configuration. `force_path_style` puts the bucket into the
    /// path and not into the host name, as servers other than AWS's need it.
    pub fn new(config: &SdkConfig, force_path_style: bool) -> Self {
        let config = Builder::from(config)
            .time_source(machine_time())
            .force_path_style(force_path_style)
            .build();
        Self::from_client(Client::from_conf(config))
    }

    /// Returns a store with the same connections whose requests are signed with other credentials.
    #[must_use]
    pub fn signed_by(&self, credentials: Credentials) -> Self {
        let config = Client::config(&self.client).to_builder();
        let config = config.credentials_provider(credentials).build();
        Self::from_client(Client::from_conf(config))
    }

    /// Returns the client behind the store.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Creates a store on an existing client.
    pub fn from_client(client: Client) -> Self {
        Self { client }
    }

    /// Makes one GET, of `range` if it is given, otherwise of the whole object.
    async fn start_get(
        &self,
        at: &S3Uri,
        range: Option<&Range<u64>>,
        pin: Option<&Pin>,
    ) -> Result<aws_sdk_s3::operation::get_object::GetObjectOutput, StoreError> {
        let output = self
            .client
            .get_object()
            .bucket(at.bucket())
            .key(at.key())
            .set_range(range.map(http_range))
            .set_if_match(pin.map(|pin| pin.etag.to_string()))
            .set_version_id(pin.and_then(|pin| pin.version.as_deref().map(str::to_owned)))
            .send()
            .await
            .map_err(|error| match status_of(&error) {
                // The range was inside the object that the caller knows.
                Some(416) => StoreError::Changed(at.to_string()),
                _ => store_error(error, at, Precondition::Match),
            })?;
        if let Some(range) = range {
            let (wanted, size) = (range.end - range.start, size_of(output.content_length, at)?);
            if size != wanted {
                let text = format!("got {size} bytes for a range of {wanted}");
                return Err(StoreError::Refused(at.to_string(), text.into()));
            }
        }
        Ok(output)
    }

    /// Gives the bytes of `range` to `take`, all of them even if bodies are cut. `body` is that of the first GET.
    async fn read_to_end(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
        mut body: ByteStream,
        take: &mut (dyn FnMut(Bytes) + Send),
    ) -> Result<(), StoreError> {
        let mut rest = range.clone();
        let mut without_progress = 0;
        loop {
            let before = rest.start;
            let cut: Source = match pass_on(body, &mut rest, take).await {
                _ if rest.is_empty() => return Ok(()),
                Ok(()) => {
                    let (got, wanted) = (rest.start - range.start, range.end - range.start);
                    format!("the body ended after {got} of {wanted} bytes").into()
                }
                Err(error) => error,
            };
            without_progress = if rest.start > before {
                0
            } else {
                without_progress + 1
            };
            if without_progress > RESUMES {
                return Err(StoreError::Unavailable(at.to_string(), cut));
            }
            retry::pause(without_progress.max(1)).await;
            body = self.start_get(at, Some(&rest), Some(pin)).await?.body;
        }
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn head(&self, at: &S3Uri) -> Result<ObjectInfo, StoreError> {
        let head = self
            .client
            .head_object()
            .bucket(at.bucket())
            .key(at.key())
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .map_err(|error| store_error(error, at, Precondition::Match))?;
        let checksums = [
            ("CRC64NVME", head.checksum_crc64_nvme),
            ("CRC32", head.checksum_crc32),
            ("CRC32C", head.checksum_crc32_c),
            ("SHA256", head.checksum_sha256),
            ("SHA1", head.checksum_sha1),
        ];
        let mut stored = checksums
            .into_iter()
            .filter_map(|(name, sum)| Some(format!("{name} {}", sum?)));
        Ok(ObjectInfo {
            checksum: stored.next(),
            location: at.clone(),
            size: size_of(head.content_length, at)?,
            etag: etag_of(head.e_tag, at)?,
            version: lasting(head.version_id),
        })
    }

    async fn get(&self, at: &S3Uri, limit: u64) -> Result<Bytes, StoreError> {
        let output = self.start_get(at, None, None).await?;
        let size = size_of(output.content_length, at)?;
        if size > limit {
            return Err(StoreError::TooLarge(at.to_string(), size, limit));
        }
        let pin = Pin::from(etag_of(output.e_tag, at)?);
        let mut data = Collected::of(size, at)?;
        self.read_to_end(at, 0..size, &pin, output.body, &mut |chunk| {
            data.push(&chunk);
        })
        .await?;
        Ok(data.bytes.freeze())
    }

    async fn get_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<Bytes, StoreError> {
        let mut data = Collected::of(range.end.saturating_sub(range.start), at)?;
        self.read_range(at, range, pin, &mut |chunk| data.push(&chunk))
            .await?;
        Ok(data.bytes.freeze())
    }

    async fn read_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
        take: &mut (dyn FnMut(Bytes) + Send),
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let output = self.start_get(at, Some(&range), Some(pin)).await?;
        self.read_to_end(at, range, pin, output.body, take).await
    }

    async fn put(
        &self,
        at: &S3Uri,
        body: Bytes,
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let put = put_under(|| self.client.put_object(), at, body, condition);
        etag_of(put.await?, at)
    }

    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectInfo>, StoreError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(prefix.bucket())
            .prefix(prefix.key())
            // Keys may contain characters that XML does not allow.
            .encoding_type(EncodingType::Url)
            .into_paginator()
            .send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| store_error(error, prefix, Precondition::Match))?;
            objects.extend(listed(page, prefix)?);
        }
        // S3 returns this order already, but directory buckets and some other servers do not.
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(objects)
    }

    async fn page(&self, prefix: &S3Uri, token: Option<&str>) -> Result<ObjectPage, StoreError> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(prefix.bucket())
            .prefix(prefix.key())
            .encoding_type(EncodingType::Url)
            .set_continuation_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| store_error(error, prefix, Precondition::Match))?;
        let next = page.next_continuation_token().map(str::to_owned);
        // Such a listing would never end.
        if next.is_some() && next.as_deref() == token {
            let place = prefix.to_string();
            return Err(StoreError::Unavailable(
                place,
                "a page names itself as the next one".into(),
            ));
        }
        Ok(ObjectPage {
            objects: listed(page, prefix)?,
            next,
        })
    }

    async fn create_upload(&self, at: &S3Uri) -> Result<String, StoreError> {
        let output = self
            .client
            .create_multipart_upload()
            .bucket(at.bucket())
            .key(at.key())
            .send()
            .await
            .map_err(|error| store_error(error, at, Precondition::Match))?;
        output.upload_id.ok_or_else(|| incomplete(at, "upload id"))
    }

    async fn upload_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, StoreError> {
        let output = self
            .client
            .upload_part()
            .bucket(at.bucket())
            .key(at.key())
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(body))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| store_error(error, at, Precondition::Match))?;
        etag_of(output.e_tag, at)
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
        if range.is_empty() {
            // The header cannot express an empty range.
            let text = "an empty range cannot be a part";
            return Err(StoreError::Refused(from.to_string(), text.into()));
        }
        let output = self
            .client
            .upload_part_copy()
            .bucket(at.bucket())
            .key(at.key())
            .upload_id(upload)
            .part_number(number)
            .copy_source(copy_source(from, pin.version.as_deref()))
            .copy_source_range(http_range(&range))
            .copy_source_if_match(&*pin.etag)
            .send()
            .await
            .map_err(|error| {
                // Only a failed condition is certainly about the source.
                let about = if status_of(&error) == Some(412) {
                    from
                } else {
                    at
                };
                store_error(error, about, Precondition::Match)
            })?;
        etag_of(output.copy_part_result.and_then(|part| part.e_tag), at)
    }

    async fn complete_upload(
        &self,
        at: &S3Uri,
        upload: &str,
        parts: &[(i32, String)],
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let request = self.client.complete_multipart_upload();
        let completed = complete_under(request, at, upload, parts, condition);
        etag_of(completed.await?, at)
    }

    async fn abort_upload(&self, at: &S3Uri, upload: &str) -> Result<(), StoreError> {
        let aborted = self
            .client
            .abort_multipart_upload()
            .bucket(at.bucket())
            .key(at.key())
            .upload_id(upload)
            .send()
            .await;
        match aborted {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            Err(error) => Err(store_error(error, at, Precondition::Match)),
        }
    }
}

/// Gives the bytes of the body to `take`, and moves the start of `rest` behind them. Bytes beyond its end are left out.
async fn pass_on(
    mut body: ByteStream,
    rest: &mut Range<u64>,
    take: &mut (dyn FnMut(Bytes) + Send),
) -> Result<(), Source> {
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk?;
        let room = usize::try_from(rest.end - rest.start).unwrap_or(usize::MAX);
        chunk.truncate(room);
        rest.start += chunk.len() as u64;
        take(chunk);
    }
    Ok(())
}

/// The bytes of a whole body. They get their room with the first of them, because a GET may be refused.
struct Collected {
    bytes: BytesMut,
    room: usize,
}

impl Collected {
    fn of(bytes: u64, at: &S3Uri) -> Result<Self, StoreError> {
        Ok(Self {
            bytes: BytesMut::new(),
            room: usize_of(bytes, at)?,
        })
    }

    fn push(&mut self, chunk: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.reserve(self.room);
        }
        self.bytes.extend_from_slice(chunk);
    }
}

fn etag_of(etag: Option<String>, at: &S3Uri) -> Result<String, StoreError> {
    etag.ok_or_else(|| incomplete(at, "ETag"))
}

/// Returns a version that no later write changes; `null` is the version of an object that was written
/// without versions, and the next such write replaces it.
fn lasting(version: Option<String>) -> Option<String> {
    version.filter(|version| version != "null")
}

/// Returns the objects of a page.
fn listed(page: ListObjectsV2Output, prefix: &S3Uri) -> Result<Vec<ObjectInfo>, StoreError> {
    let encoded = page.encoding_type() == Some(&EncodingType::Url);
    let objects = page.contents.unwrap_or_default().into_iter();
    objects
        .map(|object| {
            let key = object.key.unwrap_or_default();
            let key = if encoded { decode_key(&key) } else { key };
            let location = S3Uri::new(prefix.bucket(), key)
                .map_err(|error| StoreError::Refused(prefix.to_string(), Box::new(error)))?;
            Ok(ObjectInfo {
                size: size_of(object.size, &location)?,
                etag: etag_of(object.e_tag, &location)?,
                location,
                version: None,
                checksum: None,
            })
        })
        .collect()
}

fn size_of(size: Option<i64>, at: &S3Uri) -> Result<u64, StoreError> {
    size.and_then(|size| u64::try_from(size).ok())
        .ok_or_else(|| incomplete(at, "size"))
}

fn usize_of(size: u64, at: &S3Uri) -> Result<usize, StoreError> {
    usize::try_from(size).map_err(|error| StoreError::Refused(at.to_string(), Box::new(error)))
}

fn incomplete(at: &S3Uri, what: &str) -> StoreError {
    StoreError::Unavailable(at.to_string(), format!("the response has no {what}").into())
}
