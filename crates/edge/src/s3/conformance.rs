//! The contract of every [`ObjectStore`], as functions that tests of implementations call.
//!
//! Each check works below its own location, in an existing bucket, and panics with what is wrong.
//! [`all`] runs every check.

use crate::s3::memory::MultipartLimits;
use crate::store::WriteCondition::{Always, IfAbsent, IfUnchanged};
use crate::store::{ObjectInfo, ObjectStore, Pin, StoreError};
use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt};
use quarry_contract::location::S3Uri;
use std::fmt::Debug;

/// More keys than one page of a listing holds.
const KEYS: usize = 1_050;

/// Runs every check below `base`, whose folder must be empty. `limits` are those that the
/// implementation enforces.
///
/// # Panics
/// When a check fails.
pub async fn all(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    objects(store, &base.join("objects")).await;
    ranges(store, &base.join("ranges")).await;
    conditional_puts(store, &base.join("conditional")).await;
    odd_keys(store, &base.join("odd")).await;
    listing(store, &base.join("listing")).await;
    multipart(store, &base.join("multipart"), limits).await;
    multipart_refusals(store, &base.join("refusals"), limits).await;
    part_copies(store, &base.join("copies"), limits).await;
    conditional_uploads(store, &base.join("conditional-uploads"), limits).await;
    replacements(store, &base.join("replacements"), limits).await;
}

/// Runs the checks of a bucket that keeps versions, below `base`, whose folder must be empty.
///
/// # Panics
/// When a check fails.
pub async fn all_with_versions(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    versions(store, &base.join("versions")).await;
    version_copies(store, &base.join("version-copies"), limits).await;
}

/// A version is read for as long as it is there, whatever was written to its key since.
async fn versions(store: &dyn ObjectStore, base: &S3Uri) {
    let at = base.join("a.txt");
    let mut pins = Vec::new();
    // The second write has the bytes of the first.
    for text in ["one", "one", "three"] {
        ok(store.put(&at, text.into(), Always).await);
        let info = ok(store.head(&at).await);
        assert!(info.version.is_some(), "{info:?}");
        pins.push((Pin::from(&info), text));
    }
    let upload = ok(store.create_upload(&at).await);
    let part = ok(store.upload_part(&at, &upload, 1, "parts".into()).await);
    ok(store
        .complete_upload(&at, &upload, &[(1, part)], Always)
        .await);
    pins.push((Pin::from(&ok(store.head(&at).await)), "parts"));
    for (pin, text) in &pins {
        let length = text.len() as u64;
        assert_eq!(ok(store.get_range(&at, 0..length, pin).await), *text);
    }
    let mistaken = Pin {
        etag: pins[0].0.etag.clone(),
        version: pins[2].0.version.clone(),
    };
    let changed = store.get_range(&at, 0..1, &mistaken).await;
    assert!(
        matches!(changed, Err(StoreError::Changed(_))),
        "{changed:?}"
    );
    let unversioned = Pin::from(&*pins[0].0.etag);
    let changed = store.get_range(&at, 0..1, &unversioned).await;
    assert!(
        matches!(changed, Err(StoreError::Changed(_))),
        "{changed:?}"
    );
    assert_eq!(ok(store.get(&at, 5).await), "parts");
}

/// A version becomes a part of an object, after its key was overwritten.
async fn version_copies(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    let from = base.join("from.bin");
    let data = pattern(size(limits.min_part) * 2, 1);
    ok(store.put(&from, data.clone(), Always).await);
    let pin = Pin::from(&ok(store.head(&from).await));
    ok(store.put(&from, "overwritten".into(), Always).await);
    let at = base.join("target.bin");
    let upload = ok(store.create_upload(&at).await);
    let range = 0..limits.min_part;
    let part = ok(store.copy_part(&at, &upload, 1, &from, range, &pin).await);
    ok(store
        .complete_upload(&at, &upload, &[(1, part)], Always)
        .await);
    let copied = ok(store.get(&at, limits.min_part).await);
    assert_eq!(copied, data[..size(limits.min_part)]);
}

/// Of two uploads that must be the first, one makes the object, and the other stays open.
async fn conditional_uploads(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    let at = base.join("first.bin");
    let mut uploads = Vec::new();
    for seed in 1..=2 {
        let upload = ok(store.create_upload(&at).await);
        let body = pattern(size(limits.min_part), seed);
        let part = ok(store.upload_part(&at, &upload, 1, body).await);
        uploads.push((upload, [(1, part)]));
    }
    let [(first, one), (second, two)] = &uploads[..] else {
        panic!("two uploads");
    };
    ok(store.complete_upload(&at, first, one, IfAbsent).await);
    let late = store.complete_upload(&at, second, two, IfAbsent).await;
    assert!(matches!(late, Err(StoreError::Exists(_))), "{late:?}");
    let there = ok(store.get(&at, limits.min_part).await);
    assert_eq!(there, pattern(size(limits.min_part), 1));
    ok(store.complete_upload(&at, second, two, Always).await);
    let there = ok(store.get(&at, limits.min_part).await);
    assert_eq!(there, pattern(size(limits.min_part), 2));
}

/// An object is replaced only by who knows its `ETag`, and a lost object by nobody.
async fn replacements(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    let at = base.join("replaced");
    let unknown = IfUnchanged("\"00\"");
    let absent = store.put(&at, "a".into(), unknown).await;
    assert!(matches!(absent, Err(StoreError::Changed(_))), "{absent:?}");
    let first = ok(store.put(&at, "first".into(), Always).await);
    let second = ok(store.put(&at, "second".into(), IfUnchanged(&first)).await);
    let late = store.put(&at, "late".into(), IfUnchanged(&first)).await;
    assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
    assert_eq!(ok(store.get(&at, 100).await), "second");

    let upload = ok(store.create_upload(&at).await);
    let body = pattern(size(limits.min_part), 1);
    let parts = [(
        1,
        ok(store.upload_part(&at, &upload, 1, body.clone()).await),
    )];
    let late = store
        .complete_upload(&at, &upload, &parts, IfUnchanged(&first))
        .await;
    assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
    assert_eq!(ok(store.get(&at, 100).await), "second");
    ok(store
        .complete_upload(&at, &upload, &parts, IfUnchanged(&second))
        .await);
    assert_eq!(ok(store.get(&at, limits.min_part).await), body);
}

/// Whole objects are read as they were put; an error names a missing object.
async fn objects(store: &dyn ObjectStore, base: &S3Uri) {
    let at = base.join("a.txt");
    for result in [
        store.head(&at).await.map(|_| ()),
        store.get(&at, 10).await.map(|_| ()),
    ] {
        assert!(matches!(result, Err(StoreError::NotFound(_))), "{result:?}");
    }
    let etag = ok(store.put(&at, "hello".into(), Always).await);
    assert!(
        etag.starts_with('"') && etag.ends_with('"'),
        "{etag} has no quotes"
    );
    let info = ok(store.head(&at).await);
    assert_eq!((&info.location, info.size, &info.etag), (&at, 5, &etag));
    assert_eq!(ok(store.get(&at, 5).await), "hello");
    match store.get(&at, 4).await {
        Err(StoreError::TooLarge(_, 5, 4)) => {}
        other => panic!("5 bytes with a limit of 4 gave {other:?}"),
    }

    let second = ok(store.put(&at, "other".into(), Always).await);
    assert_ne!(second, etag, "other content, same ETag");
    assert_eq!(ok(store.get(&at, 5).await), "other");

    let empty = base.join("empty");
    ok(store.put(&empty, Bytes::new(), Always).await);
    assert_eq!(ok(store.head(&empty).await).size, 0);
    assert_eq!(ok(store.get(&empty, 0).await), "");
}

/// Ranges are exact, and are read only from the expected object.
async fn ranges(store: &dyn ObjectStore, base: &S3Uri) {
    let at = base.join("a.bin");
    let data = pattern(100_000, 1);
    let missing = store.get_range(&at, 0..1, &"\"0\"".into()).await;
    assert!(
        matches!(missing, Err(StoreError::NotFound(_))),
        "{missing:?}"
    );
    let pin = Pin::from(ok(store.put(&at, data.clone(), Always).await));
    for range in [0..1, 0..100_000, 99_999..100_000, 7..70_007, 5..5] {
        let bounds = size(range.start)..size(range.end);
        let read = ok(store.get_range(&at, range.clone(), &pin).await);
        assert_eq!(read, data.slice(bounds.clone()), "{range:?}");
        let mut read = Vec::new();
        let mut take = |bytes: Bytes| read.extend_from_slice(&bytes);
        ok(store.read_range(&at, range.clone(), &pin, &mut take).await);
        assert_eq!(read, data.slice(bounds), "{range:?}");
    }
    ok(store.put(&at, pattern(100_000, 2), Always).await);
    let changed = store.get_range(&at, 0..10, &pin).await;
    assert!(
        matches!(changed, Err(StoreError::Changed(_))),
        "{changed:?}"
    );
    let mut given = 0;
    let mut take = |bytes: Bytes| given += bytes.len();
    let changed = store.read_range(&at, 0..10, &pin, &mut take).await;
    assert!(
        matches!(changed, Err(StoreError::Changed(_))),
        "{changed:?}"
    );
    assert_eq!(given, 0, "bytes of another content");
}

/// Of several puts that must be the first, one succeeds, and its content stays.
async fn conditional_puts(store: &dyn ObjectStore, base: &S3Uri) {
    for round in 0..5 {
        let at = &base.join(&format!("claim-{round}"));
        let puts = (0..8).map(|writer| async move {
            let body = Bytes::from(format!("writer {writer}"));
            (writer, store.put(at, body, IfAbsent).await)
        });
        let results: Vec<_> = stream::iter(puts).buffer_unordered(8).collect().await;
        let mut winners = Vec::new();
        for (writer, result) in results {
            match result {
                Ok(_) => winners.push(writer),
                Err(StoreError::Exists(_)) => {}
                Err(error) => panic!("a put that lost gave {error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "winners of round {round}");
        let content = ok(store.get(at, 100).await);
        assert_eq!(content, format!("writer {}", winners[0]));
    }
}

/// Keys can be any text, in puts, listings and copy sources.
async fn odd_keys(store: &dyn ObjectStore, base: &S3Uri) {
    let long = "l".repeat(900 - base.key().len());
    let keys = [
        "a b+c%20&d=e;f@g,h$i!j'k(l)m*n",
        "quote\"back\\slash`tick^{curly}|~",
        "question?mark#hash<angle>[square]",
        "ä/ö ü/日本語/🦀.jsonl",
        "double//slash",
        "./dot/../dots",
        "folder/",
        "new\nline and tab\t",
        &long,
    ];
    for (number, key) in keys.iter().enumerate() {
        let at = &location(base, key);
        ok(store
            .put(at, format!("content {number}").into(), Always)
            .await);
    }
    let listed = ok(store.list(&location(base, "")).await);
    let mut expected: Vec<_> = keys.iter().map(|key| location(base, key)).collect();
    expected.sort();
    let listed: Vec<_> = listed.into_iter().map(|info| info.location).collect();
    assert_eq!(listed, expected);
    for (number, key) in keys.iter().enumerate() {
        let content = ok(store.get(&location(base, key), 100).await);
        assert_eq!(content, format!("content {number}"), "{key}");
    }
}

/// A listing is complete and in key order, and takes the prefix as text.
async fn listing(store: &dyn ObjectStore, base: &S3Uri) {
    assert_eq!(ok(store.list(base).await).len(), 0, "not empty");
    let mut expected: Vec<_> = (0..KEYS)
        .map(|number| base.join(&format!("page/{}/{number}", number % 7)))
        .collect();
    stream::iter(&expected)
        .map(|at| async move { ok(store.put(at, at.key().to_owned().into(), Always).await) })
        .buffer_unordered(16)
        .collect::<Vec<_>>()
        .await;
    expected.sort();
    let listed = ok(store.list(&base.join("page/")).await);
    let locations: Vec<_> = listed.iter().map(|info| info.location.clone()).collect();
    assert_eq!(locations, expected);
    let first = ok(store.page(&base.join("page/"), None).await);
    assert!(first.objects.len() < KEYS);
    let rest = ok(store.page(&base.join("page/"), first.next.as_deref()).await);
    assert_eq!([first.objects, rest.objects].concat(), listed);
    assert_eq!(rest.next, None);
    for info in [&listed[0], &listed[KEYS - 1]] {
        let known = ObjectInfo {
            // A listing tells neither.
            version: None,
            checksum: None,
            ..ok(store.head(&info.location).await)
        };
        assert_eq!(&known, info);
    }

    for key in ["p.txt", "p/x", "p0", "q"] {
        ok(store.put(&base.join(key), "x".into(), Always).await);
    }
    let listed = ok(store.list(&base.join("p")).await);
    let names: Vec<_> = listed
        .iter()
        .map(|info| info.location.file_name())
        .collect();
    assert_eq!(names[..3], ["p.txt", "x", "p0"]);
    assert_eq!(names.len(), KEYS + 3, "`p` is a prefix, not a folder");
}

/// Completing an upload makes its object from the named parts, in their order.
async fn multipart(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    let at = base.join("whole.bin");
    let part_size = size(limits.min_part);
    let parts = [
        pattern(part_size, 1),
        pattern(part_size + 1, 2),
        pattern(10, 3),
    ];
    // Numbers may have gaps, and parts may come in any order.
    let numbers = [1, 3, limits.max_parts];
    let upload = ok(store.create_upload(&at).await);
    let mut tags = Vec::new();
    for index in [2, 0, 1] {
        let number = numbers[index];
        if index == 0 {
            // Of two parts with the same number, the later one counts.
            ok(store
                .upload_part(&at, &upload, number, pattern(part_size, 9))
                .await);
        }
        let etag = store
            .upload_part(&at, &upload, number, parts[index].clone())
            .await;
        tags.push((number, ok(etag)));
    }
    // A part that is not named is left out.
    ok(store.upload_part(&at, &upload, 2, pattern(10, 4)).await);
    let before = store.head(&at).await;
    assert!(matches!(before, Err(StoreError::NotFound(_))), "{before:?}");
    tags.sort_unstable();
    let etag = ok(store.complete_upload(&at, &upload, &tags, Always).await);
    assert!(etag.ends_with("-3\""), "{etag} does not tell 3 parts");
    let whole = parts.concat();
    let info = ok(store.head(&at).await);
    assert_eq!((info.size, &info.etag), (whole.len() as u64, &etag));
    assert_eq!(ok(store.get(&at, info.size).await), whole);
    let across = limits.min_part - 2..limits.min_part + 2;
    let read = ok(store.get_range(&at, across, &etag.as_str().into()).await);
    assert_eq!(read, whole[part_size - 2..part_size + 2]);

    // A completed upload is over, although S3 may repeat its response.
    match store.complete_upload(&at, &upload, &tags, Always).await {
        Ok(same) => assert_eq!(same, etag),
        Err(StoreError::NotFound(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
    let late = store.upload_part(&at, &upload, 1, "x".into()).await;
    assert!(matches!(late, Err(StoreError::NotFound(_))), "{late:?}");
}

/// Uploads that break a rule are refused, stay open until they are aborted, and leave nothing.
async fn multipart_refusals(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    let at = base.join("never.bin");
    let upload = ok(store.create_upload(&at).await);
    let small = pattern(size(limits.min_part) - 1, 1);
    let mut tags = Vec::new();
    for number in 1..=2 {
        let part = store.upload_part(&at, &upload, number, small.clone()).await;
        tags.push((number, ok(part)));
    }
    let swapped = [tags[1].clone(), tags[0].clone()];
    let unknown = [(1, tags[0].1.clone()), (3, tags[1].1.clone())];
    let mistaken = [(1, "\"00000000000000000000000000000000\"".to_owned())];
    let refused: [(&str, &[(i32, String)]); 5] = [
        ("a small first part", &tags),
        ("parts out of order", &swapped),
        ("a part never sent", &unknown),
        ("a part with another ETag", &mistaken),
        ("no parts", &[]),
    ];
    for (what, parts) in refused {
        let result = store.complete_upload(&at, &upload, parts, Always).await;
        assert!(
            matches!(result, Err(StoreError::Refused(..))),
            "{what}: {result:?}"
        );
    }
    for number in [0, limits.max_parts + 1] {
        let result = store.upload_part(&at, &upload, number, "x".into()).await;
        assert!(
            matches!(result, Err(StoreError::Refused(..))),
            "part {number}: {result:?}"
        );
    }
    ok(store.abort_upload(&at, &upload).await);
    ok(store.abort_upload(&at, &upload).await);
    let late = store.upload_part(&at, &upload, 1, "x".into()).await;
    assert!(matches!(late, Err(StoreError::NotFound(_))), "{late:?}");
    let object = store.head(&at).await;
    assert!(matches!(object, Err(StoreError::NotFound(_))), "{object:?}");
}

/// Ranges of other objects become parts, but only ranges of the expected object.
async fn part_copies(store: &dyn ObjectStore, base: &S3Uri, limits: MultipartLimits) {
    let from = location(base, "source ä+%?.bin");
    let min = limits.min_part;
    let data = pattern(size(min) * 2 + 100, 1);
    let pin = Pin::from(ok(store.put(&from, data.clone(), Always).await));
    let small = base.join("small.bin");
    let half = min / 2;
    let small_pin = Pin::from(ok(store.put(&small, pattern(size(half), 2), Always).await));

    let at = base.join("target.bin");
    let upload = ok(store.create_upload(&at).await);
    let changed = store
        .copy_part(&at, &upload, 1, &from, 0..min, &small_pin)
        .await;
    assert!(
        matches!(changed, Err(StoreError::Changed(_))),
        "{changed:?}"
    );
    let missing = store
        .copy_part(&at, &upload, 1, &base.join("none"), 0..min, &pin)
        .await;
    assert!(
        matches!(missing, Err(StoreError::NotFound(_))),
        "{missing:?}"
    );
    let range_of_small = store
        .copy_part(&at, &upload, 1, &small, 0..half, &small_pin)
        .await;
    assert!(
        matches!(range_of_small, Err(StoreError::Refused(..))),
        "{range_of_small:?}"
    );

    let empty = store.copy_part(&at, &upload, 1, &from, 7..7, &pin).await;
    assert!(matches!(empty, Err(StoreError::Refused(..))), "{empty:?}");

    let first = ok(store
        .copy_part(&at, &upload, 1, &from, 50..50 + min, &pin)
        .await);
    let second = ok(store
        .copy_part(&at, &upload, 2, &from, min..min * 2 + 100, &pin)
        .await);
    let third = ok(store.upload_part(&at, &upload, 3, "end".into()).await);
    let parts = [(1, first), (2, second), (3, third)];
    ok(store.complete_upload(&at, &upload, &parts, Always).await);
    let min = size(min);
    let expected = [&data[50..50 + min], &data[min..], b"end"].concat();
    assert_eq!(ok(store.get(&at, expected.len() as u64).await), expected);
}

#[track_caller]
fn ok<T: Debug>(result: Result<T, StoreError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error:?}"),
    }
}

/// Returns a key that [`S3Uri::join`] would tidy.
fn location(base: &S3Uri, key: &str) -> S3Uri {
    match S3Uri::new(base.bucket(), format!("{}/{key}", base.key())) {
        Ok(location) => location,
        Err(error) => panic!("{error}"),
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Returns bytes without a short period, different for each `seed`.
fn pattern(length: usize, seed: u32) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut data = BytesMut::with_capacity(length + 4);
    while data.len() < length {
        // xorshift32 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        data.extend_from_slice(&state.to_le_bytes());
    }
    data.truncate(length);
    data.freeze()
}
