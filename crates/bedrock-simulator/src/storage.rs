//! Inputs and outputs in S3: lines of objects of any size, and uploads, in bounded memory.
//!
//! Errors are texts, since they become a job's message.

use crate::rules::Location;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use std::error::Error as StdError;

/// The size of one read and of one part of an upload, bytes.
const PIECE: u64 = 8 << 20;

/// An input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) size: u64,
    etag: Option<String>,
}

impl File {
    pub(crate) fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    pub(crate) fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

fn problem<E, R>(doing: &str, error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug,
{
    let service = error.as_service_error();
    match service.and_then(|error| error.code().or_else(|| error.message())) {
        Some(code) => format!("{doing}: {code}"),
        None => format!("{doing}: {}", DisplayErrorContext(error)),
    }
}

/// Returns the input files of a job: the object itself if the location names a `.jsonl` object,
/// otherwise all `.jsonl` objects below it, in name order.
pub(crate) async fn inputs(s3: &Client, at: &Location) -> Result<Vec<File>, String> {
    let uri = format!("s3://{}/{}", at.bucket, at.key);
    if is_input(&at.key) {
        let head = s3
            .head_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await
            .map_err(|error| problem(&format!("Could not access the input {uri}"), &error))?;
        return Ok(vec![File {
            bucket: at.bucket.clone(),
            key: at.key.clone(),
            size: size(head.content_length()),
            etag: head.e_tag,
        }]);
    }
    let prefix = if at.key.is_empty() {
        String::new()
    } else {
        format!("{}/", at.key)
    };
    let mut pages = s3
        .list_objects_v2()
        .bucket(&at.bucket)
        .prefix(prefix)
        .into_paginator()
        .send();
    let mut files = Vec::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| problem(&format!("Could not list the input {uri}"), &error))?;
        for object in page.contents.unwrap_or_default() {
            let key = object.key.unwrap_or_default();
            if is_input(&key) {
                files.push(File {
                    bucket: at.bucket.clone(),
                    key,
                    size: size(object.size),
                    etag: object.e_tag,
                });
            }
        }
    }
    files.sort_by(|a, b| a.key.cmp(&b.key));
    if files.is_empty() {
        return Err(format!("No .jsonl file was found at the input {uri}."));
    }
    Ok(files)
}

/// Only lower case counts, as in the service.
fn is_input(key: &str) -> bool {
    key.as_bytes().ends_with(b".jsonl")
}

fn size(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or_default()
}

/// Reads the lines of a file, one after the other.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    s3: &'a Client,
    file: &'a File,
    /// The number of bytes read.
    offset: u64,
    buffer: BytesMut,
    /// The length of the buffer's start that is known to hold no line end.
    searched: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(s3: &'a Client, file: &'a File) -> Self {
        Self {
            s3,
            file,
            offset: 0,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// Returns the next line without its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let mut line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                line.truncate(line.len() - 1);
                return Ok(Some(line.freeze()));
            }
            self.searched = self.buffer.len();
            if self.offset >= self.file.size {
                self.searched = 0;
                let rest = self.buffer.split();
                return Ok((!rest.is_empty()).then(|| rest.freeze()));
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), String> {
        let last = (self.offset + PIECE).min(self.file.size) - 1;
        let doing = || format!("Could not read the input {}", self.file.uri());
        let object = self
            .s3
            .get_object()
            .bucket(&self.file.bucket)
            .key(&self.file.key)
            .range(format!("bytes={}-{last}", self.offset))
            .set_if_match(self.file.etag.clone())
            .send()
            .await
            .map_err(|error| problem(&doing(), &error))?;
        let body = object.body.collect().await;
        let bytes = body.map_err(|error| format!("{}: {error}", doing()))?;
        self.offset = last + 1;
        self.buffer.extend_from_slice(&bytes.into_bytes());
        Ok(())
    }
}

/// An object that is being written: in one call if it is small, otherwise in parts.
#[derive(Debug)]
pub(crate) struct Upload<'a> {
    s3: &'a Client,
    bucket: &'a str,
    key: String,
    buffer: Vec<u8>,
    id: Option<String>,
    parts: Vec<CompletedPart>,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(s3: &'a Client, bucket: &'a str, key: String) -> Self {
        Self {
            s3,
            bucket,
            key,
            buffer: Vec::new(),
            id: None,
            parts: Vec::new(),
        }
    }

    fn doing(&self) -> String {
        format!(
            "Could not write the output s3://{}/{}",
            self.bucket, self.key
        )
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() as u64 >= PIECE {
            self.part().await?;
        }
        Ok(())
    }

    async fn part(&mut self) -> Result<(), String> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.begin().await?,
        };
        let number = i32::try_from(self.parts.len() + 1).map_err(|_| self.doing())?;
        let part = self
            .s3
            .upload_part()
            .bucket(self.bucket)
            .key(&self.key)
            .upload_id(id)
            .part_number(number)
            .body(std::mem::take(&mut self.buffer).into())
            // The server checks the part by its checksum.
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| problem(&self.doing(), &error))?;
        self.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .build(),
        );
        Ok(())
    }

    async fn begin(&mut self) -> Result<String, String> {
        let created = self
            .s3
            .create_multipart_upload()
            .bucket(self.bucket)
            .key(&self.key)
            .send()
            .await
            .map_err(|error| problem(&self.doing(), &error))?;
        let id = created.upload_id.unwrap_or_default();
        self.id = Some(id.clone());
        Ok(id)
    }

    /// Creates the object.
    pub(crate) async fn finish(mut self) -> Result<(), String> {
        if self.id.is_none() {
            let body = std::mem::take(&mut self.buffer).into();
            return self
                .s3
                .put_object()
                .bucket(self.bucket)
                .key(&self.key)
                .body(body)
                .customize()
                .disable_payload_signing()
                .send()
                .await
                .map(drop)
                .map_err(|error| problem(&self.doing(), &error));
        }
        if !self.buffer.is_empty() {
            self.part().await?;
        }
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(std::mem::take(&mut self.parts)))
            .build();
        self.s3
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(&self.key)
            .set_upload_id(self.id.clone())
            .multipart_upload(parts)
            .send()
            .await
            .map(drop)
            .map_err(|error| problem(&self.doing(), &error))
    }

    /// Gives up the upload and removes its parts.
    pub(crate) async fn abort(self) {
        if let Some(id) = self.id {
            // The job fails with the reason for giving up, not with this error.
            let _ = self
                .s3
                .abort_multipart_upload()
                .bucket(self.bucket)
                .key(&self.key)
                .upload_id(id)
                .send()
                .await;
        }
    }
}
