//! Measures the server through the SDK: an object (its MiB are the first argument, default 1024) is
//! uploaded in parts of 8 MiB, read in ranges, and copied part by part, four calls at a time.
//! Prints MB/s and the peak memory of the process, client and server together.

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use quarry_local_s3::LocalS3;
use std::error::Error;
use std::time::Instant;

const MIB: u64 = 1 << 20;
const PART: u64 = 8 * MIB;
const BUCKET: &str = "bucket";
const IN_FLIGHT: usize = 4;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let mib: u64 = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 1024,
    };
    let parts = i32::try_from((mib * MIB).div_ceil(PART))?;
    let bytes = u64::from(parts.unsigned_abs()) * PART;
    let directory = tempfile::tempdir()?;
    let server = LocalS3::start(directory.path())?;
    server.create_bucket(BUCKET)?;
    let client = client(&server);
    println!(
        "{} MB; memory at start {}",
        bytes / 1_000_000,
        peak_memory()
    );

    upload(&client, parts, bytes).await?;
    read_ranges(&client, parts, bytes).await?;
    read_at_once(&client, bytes).await?;
    copy(&client, parts, bytes).await?;
    println!("peak memory {}", peak_memory());
    Ok(())
}

async fn upload(client: &Client, parts: i32, bytes: u64) -> Result<()> {
    let body: Bytes = (0..PART)
        .map(|n| u8::try_from(n * 31 % 251).unwrap_or(0))
        .collect();
    let started = Instant::now();
    let upload = create(client, "o").await?;
    let tags = stream::iter(1..=parts)
        .map(|number| {
            let part = client
                .upload_part()
                .bucket(BUCKET)
                .key("o")
                .upload_id(&upload);
            let part = part.part_number(number).body(body.clone().into());
            async move {
                part.customize()
                    .disable_payload_signing()
                    .send()
                    .await
                    .map(|p| p.e_tag)
            }
        })
        .buffered(IN_FLIGHT)
        .try_collect::<Vec<_>>()
        .await?;
    report("upload of parts", bytes, started);
    complete(client, "o", &upload, tags).await?;
    report("upload, completed", bytes, started);
    Ok(())
}

async fn read_ranges(client: &Client, parts: i32, bytes: u64) -> Result<()> {
    let started = Instant::now();
    let read = stream::iter(0..u64::from(parts.unsigned_abs()))
        .map(|number| {
            let range = format!("bytes={}-{}", number * PART, (number + 1) * PART - 1);
            read(client.get_object().bucket(BUCKET).key("o").range(range))
        })
        .buffered(IN_FLIGHT)
        .try_fold(0, |sum, length| async move { Ok(sum + length) })
        .await?;
    if read != bytes {
        return Err(format!("{read} bytes were read").into());
    }
    report("ranged reads", bytes, started);
    Ok(())
}

async fn read_at_once(client: &Client, bytes: u64) -> Result<()> {
    let started = Instant::now();
    let get = client.get_object().bucket(BUCKET).key("o");
    let mut whole = get.send().await?.body;
    while whole.try_next().await?.is_some() {}
    report("one read", bytes, started);
    Ok(())
}

async fn copy(client: &Client, parts: i32, bytes: u64) -> Result<()> {
    let started = Instant::now();
    let upload = create(client, "copy").await?;
    let tags = stream::iter(1..=parts)
        .map(|number| {
            let from = u64::from(number.unsigned_abs() - 1) * PART;
            let copy = client
                .upload_part_copy()
                .bucket(BUCKET)
                .key("copy")
                .upload_id(&upload);
            let copy = copy
                .part_number(number)
                .copy_source(format!("{BUCKET}/o"))
                .copy_source_range(format!("bytes={from}-{}", from + PART - 1));
            async move {
                let copied = copy.send().await;
                copied.map(|c| c.copy_part_result.and_then(|part| part.e_tag))
            }
        })
        .buffered(IN_FLIGHT)
        .try_collect::<Vec<_>>()
        .await?;
    complete(client, "copy", &upload, tags).await?;
    report("copy, completed", bytes, started);
    Ok(())
}

async fn read(get: GetObjectFluentBuilder) -> Result<u64> {
    Ok(get.send().await?.body.collect().await?.into_bytes().len() as u64)
}

async fn create(client: &Client, key: &str) -> Result<String> {
    let create = client.create_multipart_upload().bucket(BUCKET).key(key);
    create
        .send()
        .await?
        .upload_id
        .ok_or_else(|| "no upload id".into())
}

async fn complete(
    client: &Client,
    key: &str,
    upload: &str,
    tags: Vec<Option<String>>,
) -> Result<()> {
    let parts = (1..).zip(tags).map(|(number, tag)| {
        CompletedPart::builder()
            .part_number(number)
            .set_e_tag(tag)
            .build()
    });
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect()));
    let complete = client.complete_multipart_upload().bucket(BUCKET).key(key);
    let complete = complete.upload_id(upload).multipart_upload(parts.build());
    complete.send().await?;
    Ok(())
}

fn client(server: &LocalS3) -> Client {
    let credentials = server.credentials();
    let (id, secret) = (&credentials.access_key_id, &credentials.secret_access_key);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(server.endpoint())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new(id, secret, None, None, "example"))
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn report(what: &str, bytes: u64, started: Instant) {
    let millis = started.elapsed().as_millis().max(1);
    let rate = u128::from(bytes) / millis / 1000;
    println!("{what}: {rate} MB/s");
}

/// Returns the highest resident size so far, if the system reports it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "unknown".to_owned(), |peak| peak.trim().to_owned())
}
