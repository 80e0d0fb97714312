//! The SDK's store on an unreliable connection.

use crate::stores::{Local, config};
use crate::{at, data};
use aws_config::retry::RetryConfig;
use quarry_edge::error::StepError;
use quarry_edge::s3::client::S3Store;
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::{ObjectStore, StoreError, WriteCondition};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const MIB: usize = 1 << 20;

/// A proxy in front of a server. It cuts the first `cuts` connections after `after` bytes of the
/// response, and passes later ones on once there is a permit for each.
struct Proxy {
    endpoint: String,
    connections: Arc<AtomicU64>,
    permits: Arc<Semaphore>,
}

impl Proxy {
    async fn start(server: SocketAddr, cuts: u64, after: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            connections: Arc::default(),
            permits: Arc::new(Semaphore::new(0)),
        };
        let (connections, permits) = (proxy.connections.clone(), proxy.permits.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let number = connections.fetch_add(1, Ordering::Relaxed);
                if number < cuts {
                    tokio::spawn(pass(client, server, after));
                } else {
                    permits.acquire().await.unwrap().forget();
                    tokio::spawn(pass(client, server, usize::MAX));
                }
            }
        });
        proxy
    }
}

async fn pass(client: TcpStream, server: SocketAddr, mut limit: usize) {
    let server = TcpStream::connect(server).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let upwards = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read) = from_server.read(&mut buffer).await {
        let passed = read.min(limit);
        if passed == 0 || to_client.write_all(&buffer[..passed]).await.is_err() {
            break;
        }
        limit -= passed;
    }
    upwards.abort();
}

fn address(local: &Local) -> SocketAddr {
    let endpoint = local.server.endpoint();
    endpoint.trim_start_matches("http://").parse().unwrap()
}

/// The SDK retries requests but not bodies, so bodies are continued by range.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_on_the_way_is_continued() {
    let local = Local::start().await;
    let content = data(6 * MIB);
    let object = at("o");
    let etag = local
        .store
        .put(&object, content.clone(), WriteCondition::Always)
        .await
        .unwrap();
    let proxy = Proxy::start(address(&local), 3, 2 * MIB).await;
    proxy.permits.add_permits(10);
    let config = config(&local.server, proxy.endpoint.clone()).await;
    let store = S3Store::new(&config, true);

    let read = store.get(&at("o"), content.len() as u64).await.unwrap();
    assert!(read == content);
    // 2 MiB minus the headers, three times, and then the rest.
    assert_eq!(proxy.connections.load(Ordering::Relaxed), 4);
    let range = 100..content.len() as u64;
    let read = store
        .get_range(&at("o"), range, &etag.into())
        .await
        .unwrap();
    assert!(read == content[100..]);
}

/// If the object was replaced between the cut and the continuation, the two are not mixed.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_not_continued_with_another_object() {
    let local = Local::start().await;
    let object = at("o");
    let etag = local
        .store
        .put(&object, data(6 * MIB), WriteCondition::Always)
        .await
        .unwrap();
    let proxy = Proxy::start(address(&local), 1, 2 * MIB).await;
    let config = config(&local.server, proxy.endpoint.clone()).await;
    let store = S3Store::new(&config, true);
    let reading = tokio::spawn(async move {
        store
            .get_range(&at("o"), 0..6 * MIB as u64, &etag.into())
            .await
    });
    // The continuation has reached the proxy and waits there.
    while proxy.connections.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let other = vec![b'x'; 6 * MIB];
    let put = local
        .store
        .put(&object, other.into(), WriteCondition::Always)
        .await;
    put.unwrap();
    proxy.permits.add_permits(10);
    let read = reading.await.unwrap();
    assert!(matches!(read, Err(StoreError::Changed(_))), "{read:?}");
}

/// A server that does not exist is unavailable, so that a later attempt is made.
#[tokio::test]
async fn a_missing_server_is_unavailable() {
    let local = Local::start().await;
    local.server.stop();
    let mut config = local.config.to_builder();
    config.set_retry_config(Some(RetryConfig::disabled()));
    let store = S3Store::new(&config.build(), true);
    let error = store.head(&at("o")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(..)), "{error:?}");
    assert_eq!(StepError::of(error, "looking").name(), "Quarry.Unavailable");
}

/// An error that the service names keeps its name; a missing bucket is not found.
#[tokio::test]
async fn refusals_keep_their_reason() {
    let local = Local::start().await;
    let nowhere = quarry_contract::location::S3Uri::new("no-such-bucket", "o").unwrap();
    for error in [
        local.store.head(&nowhere).await.unwrap_err(),
        local.store.get(&nowhere, 1).await.unwrap_err(),
        local
            .store
            .put(&nowhere, "x".into(), WriteCondition::Always)
            .await
            .unwrap_err(),
        local.store.list(&nowhere).await.unwrap_err(),
        local.store.create_upload(&nowhere).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
    }
    let upload = local.store.create_upload(&at("o")).await.unwrap();
    let parts = [(1, "\"0\"".to_owned())];
    let refused = local
        .store
        .complete_upload(&at("o"), &upload, &parts, WriteCondition::Always)
        .await;
    let step = StepError::of(refused.unwrap_err(), "completing s3://bucket/o");
    let text = step.full_message();
    assert!(
        text.contains("InvalidPart") && text.contains("HTTP 400"),
        "{text}"
    );

    let mut wrong = local.config.to_builder();
    let id = local.server.credentials().access_key_id.clone();
    wrong.set_credentials_provider(Some(
        aws_credential_types::provider::SharedCredentialsProvider::new(
            quarry_edge::sdk::Credentials::new(id, "wrong", None, None, "test"),
        ),
    ));
    let store = S3Store::new(&wrong.build(), true);
    for error in [
        store.get(&at("o"), 1).await.unwrap_err(),
        store.head(&at("o")).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::AccessDenied(..)), "{error:?}");
    }
}

/// Starts a server that responds to every request with this status and code. Returns its endpoint, and the number of
/// requests.
async fn refusing(status: u16, code: &'static str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 64 << 10];
            let _ = client.read(&mut bytes).await;
            counted.fetch_add(1, Ordering::Relaxed);
            let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
            let reply = format!(
                "HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = client.write_all(reply.as_bytes()).await;
        }
    });
    (endpoint, requests)
}

/// A put that races another write is sent again. An upload is over then, so the caller begins again. An object that
/// is gone is not the one that is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_races_another_one_is_told_from_one_that_is_late() {
    let local = Local::start().await;
    let parts = [(1, "\"e\"".to_owned())];
    let condition = WriteCondition::IfUnchanged("\"e\"");
    for (status, code, puts) in [
        (409, "ConditionalRequestConflict", 5),
        (412, "PreconditionFailed", 1),
        (404, "NoSuchKey", 1),
    ] {
        let (endpoint, requests) = refusing(status, code).await;
        let store = S3Store::new(&config(&local.server, endpoint).await, true);
        let put = store
            .put(&at("o"), "x".into(), condition)
            .await
            .unwrap_err();
        assert_eq!(requests.swap(0, Ordering::Relaxed), puts, "{code}");
        let completed = store
            .complete_upload(&at("o"), "u", &parts, condition)
            .await;
        let completed = completed.unwrap_err();
        assert_eq!(requests.load(Ordering::Relaxed), 1, "{code}");
        assert!(
            matches!(completed, StoreError::Changed(_)),
            "{code}: {completed:?}"
        );
        match status {
            409 => assert!(matches!(put, StoreError::Unavailable(..)), "{put:?}"),
            _ => assert!(matches!(put, StoreError::Changed(_)), "{code}: {put:?}"),
        }
        // Whoever meets any of them begins again.
        assert_eq!(StepError::of(put, "writing").name(), "Quarry.Unavailable");
    }
}

/// Real parts over the real protocol; a dropped writer leaves no upload at the server.
#[tokio::test(flavor = "multi_thread")]
async fn streams_work_over_the_protocol() {
    let local = Local::start().await;
    let store: Arc<dyn ObjectStore> = Arc::new(local.store.clone());
    let content = data(21 * MIB);
    let options = WriteOptions {
        first_bytes: 5 * MIB,
        part_bytes: 5 * MIB,
        in_flight: 2,
    };
    let mut writer = ObjectWriter::new(Arc::clone(&store), at("o"), options);
    for piece in content.chunks(777_777) {
        writer.write(piece).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    assert!(written.etag.ends_with("-5\""), "{written:?}");
    let range = 1_000..written.bytes - 1;
    let reading = ReadOptions {
        first_bytes: MIB as u64,
        part_bytes: 3 * MIB as u64,
        in_flight: 3,
        piece_bytes: MIB,
    };
    let etag = written.etag.as_str();
    let mut reader = ObjectReader::open(Arc::clone(&store), at("o"), range, etag, reading);
    let mut read = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        read.extend_from_slice(&piece);
    }
    assert!(read == content[1_000..content.len() - 1]);

    let mut dropped = ObjectWriter::new(store, at("dropped"), options);
    dropped.write(&content).await.unwrap();
    drop(dropped);
    let config = aws_sdk_s3::config::Builder::from(&local.config)
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    for _ in 0..100 {
        let open = client
            .list_multipart_uploads()
            .bucket("bucket")
            .send()
            .await;
        if open.unwrap().uploads().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the upload is left");
}
