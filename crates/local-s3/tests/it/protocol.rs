//! Checksums, signatures, listings and cut bodies follow the protocol.

use crate::{BUCKET, MIB, Server, code, get, put};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;
use quarry_local_s3::{Direction, LocalS3, Observer, RequestCount, Traffic};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// A body that is sent in pieces, so that its checksum follows as a trailer. It may break off.
struct Pieces {
    left: usize,
    breaks: bool,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        if self.breaks && self.left == 0 {
            return Poll::Ready(Some(Err(std::io::Error::other("broken"))));
        }
        let piece = Bytes::from(vec![b'x'; MIB]);
        Poll::Ready(Some(Ok(http_body::Frame::data(piece))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact((self.left * MIB) as u64)
    }
}

fn pieces(count: usize, breaks: bool) -> ByteStream {
    let body = Pieces {
        left: count,
        breaks,
    };
    ByteStream::new(SdkBody::from_body_1_x(body))
}

/// Checksums in trailers are read and checked, whatever the algorithm.
#[tokio::test]
async fn checksums_follow_streamed_bodies() {
    let server = Server::start();
    let client = server.client();
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("o")
            .body(pieces(3, false));
        let done = put
            .checksum_algorithm(algorithm.clone())
            .send()
            .await
            .unwrap();
        let echoed = [
            done.checksum_crc32(),
            done.checksum_crc32_c(),
            done.checksum_crc64_nvme(),
            done.checksum_sha1(),
            done.checksum_sha256(),
        ];
        assert_eq!(
            echoed.iter().flatten().count(),
            1,
            "{algorithm}: {echoed:?}"
        );
        assert_eq!(get(&client, "o").await, vec![b'x'; 3 * MIB]);
    }
}

/// A body that does not match its checksum is refused, and the previous object stays.
#[tokio::test]
async fn a_wrong_checksum_is_refused() {
    let server = Server::start();
    let client = server.client();
    put(&client, "o", b"before").await;
    let wrong = client
        .put_object()
        .bucket(BUCKET)
        .key("o")
        .body(b"after".to_vec().into());
    assert_eq!(
        code(wrong.checksum_crc32("AAAAAA==").send().await),
        "BadDigest"
    );
    assert_eq!(get(&client, "o").await, b"before");
    assert_eq!(server.incoming(), 0);
}

/// A body that breaks off leaves nothing.
#[tokio::test]
async fn a_broken_body_leaves_nothing() {
    let server = Server::start();
    let client = server.client();
    let broken = client
        .put_object()
        .bucket(BUCKET)
        .key("o")
        .body(pieces(5, true));
    broken.send().await.unwrap_err();
    let got = client.get_object().bucket(BUCKET).key("o").send().await;
    assert_eq!(code(got), "NoSuchKey");
    for _ in 0..100 {
        if server.incoming() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} files are left", server.incoming());
}

/// Requests must be signed with the server's secret.
#[tokio::test]
async fn a_wrong_signature_is_refused() {
    let server = Server::start();
    let client = server.client_with_secret("wrong");
    let got = client.get_object().bucket(BUCKET).key("o").send().await;
    assert_eq!(code(got), "SignatureDoesNotMatch");
}

/// The server says so when it does not implement an operation.
#[tokio::test]
async fn unknown_operations_say_so() {
    let server = Server::start();
    let tags = server.client().get_object_tagging().bucket(BUCKET).key("o");
    assert_eq!(code(tags.send().await), "NotImplemented");
}

/// Listings with a delimiter, and their pages, are as in S3.
#[tokio::test]
async fn listings_have_folders_and_pages() {
    let server = Server::start();
    let client = server.client();
    for key in ["a/1", "a/2", "b", "c/x/1", "c/y"] {
        put(&client, key, b"x").await;
    }
    let mut pages = client
        .list_objects_v2()
        .bucket(BUCKET)
        .delimiter("/")
        .max_keys(1)
        .into_paginator()
        .send();
    let mut seen = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.key_count(), Some(1));
        seen.extend(page.contents().iter().map(|o| o.key().unwrap().to_owned()));
        let prefixes = page.common_prefixes().iter();
        seen.extend(prefixes.map(|p| p.prefix().unwrap().to_owned()));
    }
    assert_eq!(seen, ["a/", "b", "c/"]);
    let after = client.list_objects_v2().bucket(BUCKET).start_after("a/2");
    let after = after.send().await.unwrap();
    assert_eq!(after.contents()[0].key(), Some("b"));
    assert_eq!(after.key_count(), Some(3));
    let buckets = server.client().list_buckets().send().await.unwrap();
    assert_eq!(buckets.buckets().len(), 1);
}

/// Suffix ranges, open ranges, and ranges that are not valid.
#[tokio::test]
async fn ranges_are_exact() {
    let server = Server::start();
    let client = server.client();
    put(&client, "o", b"0123456789").await;
    for (range, expected) in [
        ("bytes=2-4", "234"),
        ("bytes=7-", "789"),
        ("bytes=-3", "789"),
        ("bytes=5-100", "56789"),
    ] {
        let got = client.get_object().bucket(BUCKET).key("o").range(range);
        let got = got.send().await.unwrap();
        assert!(got.content_range().is_some());
        let body = got.body.collect().await.unwrap().into_bytes();
        assert_eq!(body, expected, "{range}");
    }
    let outside = client
        .get_object()
        .bucket(BUCKET)
        .key("o")
        .range("bytes=10-20");
    assert_eq!(code(outside.send().await), "InvalidRange");
}

/// Every user of a machine reaches its loopback address.
#[tokio::test]
async fn each_server_has_its_own_keys_and_accepts_no_others() {
    let (server, other) = (Server::start(), Server::start());
    assert_ne!(server.s3.credentials(), other.s3.credentials());
    let client = server.client_with_secret(&other.s3.credentials().secret_access_key);
    let refused = client.list_buckets().send().await;
    assert_eq!(code(refused), "SignatureDoesNotMatch");
    let shown = format!("{:?}", server.s3);
    assert!(!shown.contains(&server.s3.credentials().secret_access_key));
}

#[tokio::test]
async fn an_observer_sees_how_many_bytes_of_an_object_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let seen: Arc<Mutex<Vec<(String, Direction, u64)>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let observer: Observer = Arc::new(move |traffic: Traffic<'_>| {
        assert_eq!(traffic.bucket, BUCKET);
        let key = traffic.key.to_owned();
        sink.lock()
            .unwrap()
            .push((key, traffic.direction, traffic.bytes));
    });
    let s3 = LocalS3::start_observed(directory.path(), observer).unwrap();
    s3.create_bucket(BUCKET).unwrap();
    let server = Server { s3, directory };
    let client = server.client();
    put(&client, "a", &vec![b'x'; 3 * MIB]).await;
    let got = client.get_object().bucket(BUCKET).key("a");
    let got = got.range("bytes=0-99").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec().len(), 100);
    let sum = |wanted| {
        let seen = seen.lock().unwrap();
        assert!(seen.iter().all(|(key, ..)| key == "a"), "{seen:?}");
        let of_one = seen.iter().filter(|(_, direction, _)| *direction == wanted);
        of_one.map(|(_, _, bytes)| bytes).sum::<u64>()
    };
    assert_eq!(sum(Direction::Written), 3 * MIB as u64);
    assert_eq!(sum(Direction::Read), 100);
}

/// Each user's requests are counted apart, in the classes of S3's prices. Refused signatures do not count.
#[tokio::test]
async fn requests_are_counted_by_user_and_class() {
    let server = Server::start();
    let user = server.s3.add_user().unwrap();
    assert_ne!(&user, server.s3.credentials());
    let client = server.client_with_keys(&user.access_key_id, &user.secret_access_key);
    put(&client, "a", b"text").await;
    let upload = client.create_multipart_upload().bucket(BUCKET).key("b");
    let upload = upload.send().await.unwrap().upload_id.unwrap();
    let part = client.upload_part().bucket(BUCKET).key("b");
    let part = part.upload_id(&upload).part_number(1);
    part.body(b"part".to_vec().into()).send().await.unwrap();
    let abort = client.abort_multipart_upload().bucket(BUCKET).key("b");
    abort.upload_id(&upload).send().await.unwrap();
    let list = client.list_objects_v2().bucket(BUCKET);
    list.send().await.unwrap();
    assert_eq!(get(&client, "a").await, b"text");
    let head = client.head_object().bucket(BUCKET).key("no such object");
    head.send().await.unwrap_err();
    let delete = client.delete_object().bucket(BUCKET).key("a");
    delete.send().await.unwrap();
    let wrong = server.client_with_keys(&user.access_key_id, "wrong");
    wrong.list_buckets().send().await.unwrap_err();
    let counted = RequestCount {
        writes: 4,
        reads: 2,
        deletes: 2,
    };
    assert_eq!(server.s3.requests(&user), counted);
    let first = server.s3.requests(server.s3.credentials());
    assert_eq!(first, RequestCount::default());
}
