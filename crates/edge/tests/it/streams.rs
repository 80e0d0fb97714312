//! Readers return what writers wrote, whatever the sizes and faults, and leave nothing behind.

use crate::{SMALL, at, data, no_upload_is_left, run};
use bytes::Bytes;
use proptest::prelude::*;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::lines::Lines;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions, Written};
use quarry_edge::store::{ObjectStore, StoreError, WriteCondition};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Faulty = FaultyStore<MemoryStore>;

fn faulty() -> Faulty {
    FaultyStore::new(MemoryStore::with_limits(SMALL))
}

const WRITE: WriteOptions = WriteOptions {
    first_bytes: 16,
    part_bytes: 16,
    in_flight: 3,
};

const READ: ReadOptions = ReadOptions {
    first_bytes: 10,
    part_bytes: 10,
    in_flight: 3,
    piece_bytes: usize::MAX,
};

fn writer(store: &Arc<Faulty>, options: WriteOptions) -> ObjectWriter {
    ObjectWriter::new(Arc::clone(store) as Arc<dyn ObjectStore>, at("o"), options)
}

async fn reader(store: &Arc<Faulty>, range: Range<u64>, options: ReadOptions) -> ObjectReader {
    let etag = store.inner().head(&at("o")).await.unwrap().etag;
    let store = Arc::clone(store) as Arc<dyn ObjectStore>;
    ObjectReader::open(store, at("o"), range, etag, options)
}

async fn write(store: &Arc<Faulty>, content: &[u8]) -> Result<Written, StoreError> {
    let mut writer = writer(store, WRITE);
    writer.write(content).await?;
    writer.finish().await
}

async fn read_all(mut reader: ObjectReader) -> Result<Vec<u8>, StoreError> {
    let mut all = Vec::new();
    while let Some(piece) = reader.next().await? {
        assert!(!piece.is_empty());
        all.extend_from_slice(&piece);
    }
    assert!(reader.next().await?.is_none(), "the end is the end");
    Ok(all)
}

/// Returns a store with an object of 100 bytes.
async fn with_object(store: Faulty) -> Arc<Faulty> {
    let body = data(100);
    store
        .inner()
        .put(&at("o"), body, WriteCondition::Always)
        .await
        .unwrap();
    Arc::new(store)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Data written in pieces of any size makes the object, including sizes around the bounds of
    /// parts; data that fits into one part is a single put.
    #[test]
    fn what_is_written_is_the_object(
        length in prop_oneof![0..100_usize, (0..6_usize, 0..3_usize).prop_map(|(n, d)| (n * 16 + d).saturating_sub(1))],
        cuts in prop::collection::vec((1..50_usize, any::<bool>()), 1..8),
        part_bytes in 16..20_usize,
        in_flight in 1..4_usize,
        expected in prop::option::of(0..100_u64),
        sends_rest in any::<bool>(),
    ) {
        let content = data(length);
        let store = Arc::new(faulty());
        let written = run(async {
            let mut writer = writer(&store, WriteOptions { first_bytes: 16, part_bytes, in_flight });
            if let Some(bytes) = expected {
                writer = writer.expecting(bytes);
            }
            let (mut rest, mut cuts) = (content.clone(), cuts.iter().cycle());
            while !rest.is_empty() {
                let &(cut, as_bytes) = cuts.next().unwrap();
                let now = rest.split_to(cut.min(rest.len()));
                if as_bytes {
                    writer.write_bytes(now).await.unwrap();
                } else {
                    writer.write(&now).await.unwrap();
                }
            }
            assert_eq!(writer.bytes(), length as u64);
            if sends_rest {
                writer.send_rest().await.unwrap();
            }
            writer.finish().await.unwrap()
        });
        let (info, stored) = run(async {
            (store.inner().head(&at("o")).await.unwrap(), store.inner().get(&at("o"), 1000).await.unwrap())
        });
        prop_assert_eq!(stored, content);
        prop_assert_eq!(written, Written { bytes: info.size, etag: info.etag });
        prop_assert_eq!(store.inner().open_uploads(), []);
        let first_bytes = if expected.is_some_and(|bytes| bytes > part_bytes as u64) { 16 } else { part_bytes };
        let parts = if length <= first_bytes { 0 } else { 1 + (length - first_bytes).div_ceil(part_bytes) };
        prop_assert_eq!(store.calls(StoreOperation::UploadPart), parts as u64);
    }

    /// The lines of an object are those of its text, wherever the parts are cut, and each position is the end
    /// of its line. An error in between loses nothing.
    #[test]
    fn lines_are_those_of_the_object_whatever_the_parts(
        text in "[ab\n]{0,60}",
        first_bytes in 1..20_u64,
        part_bytes in 1..20_u64,
        piece_bytes in 1..20_usize,
        fails_at in prop::option::of(1..6_u64),
    ) {
        let (lines, positions) = run(async {
            let store = fails_at.into_iter().fold(faulty(), |store, nth| {
                store.fail(StoreOperation::GetRange, nth, StoreFault::Changed)
            });
            store.inner().put(&at("o"), text.clone().into(), WriteCondition::Always).await.unwrap();
            let info = store.inner().head(&at("o")).await.unwrap();
            let options = ReadOptions { first_bytes, part_bytes, in_flight: 2, piece_bytes };
            let mut lines = Lines::open_with(Arc::new(store), at("o"), 0..info.size, info.etag, options);
            let (mut all, mut positions) = (Vec::new(), Vec::new());
            loop {
                match lines.next().await {
                    Ok(Some(line)) => {
                        all.push(String::from_utf8(line.to_vec()).unwrap());
                        positions.push(lines.position());
                    }
                    Ok(None) => break (all, positions),
                    Err(_) => {}
                }
            }
        });
        let expected: Vec<&str> = text.split_terminator('\n').collect();
        prop_assert_eq!(lines, expected);
        let mut end = 0;
        let ends = text.split_inclusive('\n').map(|line| { end += line.len() as u64; end });
        prop_assert_eq!(positions, ends.collect::<Vec<u64>>());
    }

    /// Any range arrives in order and whole, whatever the parts and however slow single GETs are.
    #[test]
    fn what_is_read_is_the_range(
        bounds in (0..=100_u64, 0..=100_u64),
        first_bytes in 0..40_u64,
        part_bytes in 0..40_u64,
        in_flight in 0..5_usize,
        piece_bytes in 0..40_usize,
        slow in prop::collection::vec((1..12_u64, 1..500_u64), 0..6),
    ) {
        let range = bounds.0.min(bounds.1)..bounds.0.max(bounds.1);
        let read = run(async {
            let store = slow.iter().fold(faulty(), |store, &(nth, millis)| {
                store.fail(StoreOperation::GetRange, nth, StoreFault::Slow(Duration::from_millis(millis)))
            });
            let store = with_object(store).await;
            let options = ReadOptions { first_bytes, part_bytes, in_flight, piece_bytes };
            read_all(reader(&store, range.clone(), options).await).await.unwrap()
        });
        let bounds = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        prop_assert_eq!(read, &data(100)[bounds]);
    }
}

/// A range of one part is one GET, and no call is made before the caller needs it.
#[tokio::test]
async fn a_small_range_is_one_get() {
    let store = with_object(faulty()).await;
    let mut reader = reader(&store, 20..30, READ).await;
    assert_eq!(store.calls(StoreOperation::GetRange), 0);
    assert_eq!(reader.next().await.unwrap().unwrap(), data(100)[20..30]);
    assert_eq!(reader.next().await.unwrap(), None);
    assert_eq!(store.calls(StoreOperation::GetRange), 1);
}

/// A caller can begin to work before a whole part has come.
#[tokio::test]
async fn the_first_pieces_are_small_and_double_up_to_a_part() {
    let options = ReadOptions {
        first_bytes: 3,
        part_bytes: 20,
        in_flight: 2,
        piece_bytes: usize::MAX,
    };
    let store = with_object(faulty()).await;
    let mut reader = reader(&store, 0..100, options).await;
    let mut lengths = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        lengths.push(piece.len());
    }
    assert_eq!(lengths, [3, 6, 12, 20, 20, 20, 19]);
}

/// The network does not rest while a caller works on a body: on one thread, the tasks that use it run before
/// each piece.
#[tokio::test]
async fn other_tasks_run_between_the_pieces_of_a_body() {
    let options = ReadOptions {
        first_bytes: 100,
        part_bytes: 100,
        in_flight: 1,
        piece_bytes: 30,
    };
    let store = with_object(faulty()).await;
    let mut reader = reader(&store, 0..100, options).await;
    let mut seen = vec![reader.next().await.unwrap().unwrap().len()];
    let turns = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    // When the whole body has come, only the reader gives them a turn.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let mut before = turns.load(Ordering::Relaxed);
    while let Some(piece) = reader.next().await.unwrap() {
        seen.push(piece.len());
        let now = turns.load(Ordering::Relaxed);
        assert!(now > before, "before piece {}", seen.len());
        before = now;
    }
    assert_eq!(seen, [30, 30, 30, 10]);
    assert_eq!(store.calls(StoreOperation::GetRange), 1);
    other.abort();
}

/// However slow the caller is, the read-ahead stays within the options.
#[tokio::test(start_paused = true)]
async fn reading_ahead_is_bounded() {
    let store = with_object(faulty()).await;
    let mut reader = reader(&store, 0..100, READ).await;
    for taken in 1..=7 {
        reader.next().await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(store.calls(StoreOperation::GetRange), taken + 3);
    }
}

/// A cut body is continued where it was cut; calls that fail for a transient reason are retried.
#[tokio::test(start_paused = true)]
async fn a_cut_body_is_continued() {
    let store = faulty()
        .fail(StoreOperation::GetRange, 1, StoreFault::Cut(4))
        .fail(StoreOperation::GetRange, 2, StoreFault::Cut(0))
        .fail(StoreOperation::GetRange, 3, StoreFault::Unavailable)
        .fail(StoreOperation::GetRange, 5, StoreFault::Throttled);
    let store = with_object(store).await;
    let read = read_all(reader(&store, 0..100, READ).await).await.unwrap();
    assert_eq!(read, data(100));
    assert_eq!(store.calls(StoreOperation::GetRange), 10 + 4);
}

/// Whole pieces reach the caller while the rest of their body is still under way, or never comes.
#[tokio::test(start_paused = true)]
async fn the_pieces_of_a_body_are_returned_before_it_ends() {
    let options = ReadOptions {
        first_bytes: 100,
        part_bytes: 100,
        in_flight: 1,
        piece_bytes: 30,
    };
    let cut = StoreFault::Cut(70);
    let unavailable = StoreFault::Unavailable;
    let store = faulty()
        .fail(StoreOperation::GetRange, 1, cut)
        .fail(StoreOperation::GetRange, 2, unavailable)
        .fail(StoreOperation::GetRange, 3, unavailable);
    let store = with_object(store).await;
    let mut reader = reader(&store, 0..100, options).await;
    assert_eq!(reader.next().await.unwrap().unwrap(), data(100)[..30]);
    assert_eq!(reader.next().await.unwrap().unwrap(), data(100)[30..60]);
    // The next piece begins in the body that was cut, and is not whole.
    let error = reader.next().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(..)), "{error:?}");
    assert_eq!(read_all(reader).await.unwrap(), data(100)[60..]);
}

/// The pieces are the same ones, however the network cuts a body and wherever it breaks off.
#[tokio::test(start_paused = true)]
async fn pieces_are_cut_at_the_same_places() {
    let options = ReadOptions {
        first_bytes: 60,
        part_bytes: 60,
        in_flight: 2,
        piece_bytes: 25,
    };
    for cut in [0, 1, 10, 25, 26, 49, 59, 60] {
        let cut = StoreFault::Cut(cut);
        let store = with_object(faulty().fail(StoreOperation::GetRange, 1, cut)).await;
        let mut reader = reader(&store, 0..100, options).await;
        let mut lengths = Vec::new();
        while let Some(piece) = reader.next().await.unwrap() {
            lengths.push(piece.len());
        }
        assert_eq!(lengths, [25, 25, 10, 25, 15], "{cut:?}");
    }
}

/// After the last attempt the caller gets the error, and can request the same piece again.
#[tokio::test(start_paused = true)]
async fn a_reader_can_be_read_again_after_an_error() {
    let options = ReadOptions {
        in_flight: 1,
        ..READ
    };
    let store = (2..=4).fold(faulty(), |store, nth| {
        store.fail(StoreOperation::GetRange, nth, StoreFault::Unavailable)
    });
    let store = with_object(store).await;
    let mut reader = reader(&store, 0..30, options).await;
    assert_eq!(reader.next().await.unwrap().unwrap(), data(100)[..10]);
    let error = reader.next().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(..)), "{error:?}");
    assert_eq!(reader.next().await.unwrap().unwrap(), data(100)[10..20]);
    assert_eq!(reader.next().await.unwrap().unwrap(), data(100)[20..30]);
}

/// A replaced object is never mixed with the previous one.
#[tokio::test(start_paused = true)]
async fn a_changed_object_is_an_error() {
    let store = with_object(faulty()).await;
    let mut reader = reader(&store, 0..100, READ).await;
    reader.next().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    store
        .inner()
        .put(&at("o"), "new".into(), WriteCondition::Always)
        .await
        .unwrap();
    let mut error = None;
    for _ in 0..10 {
        match reader.next().await {
            Ok(piece) => assert_ne!(piece, None, "ended as if whole"),
            Err(changed) => {
                error = Some(changed);
                break;
            }
        }
    }
    assert!(matches!(error, Some(StoreError::Changed(_))), "{error:?}");
}

/// A dropped reader ends its GETs.
#[tokio::test(start_paused = true)]
async fn a_dropped_reader_ends_its_tasks() {
    let hour = StoreFault::Slow(Duration::from_hours(1));
    let store = with_object(faulty().fail_all(StoreOperation::GetRange, 1.., hour)).await;
    let mut reader = reader(&store, 0..100, READ).await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), reader.next()).await;
    assert!(waiting.is_err());
    assert_eq!(Arc::strong_count(&store), 1 + 1 + 3);
    drop(reader);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(Arc::strong_count(&store), 1);
}

/// If its parts are not accepted, a writer makes its caller wait.
#[tokio::test(start_paused = true)]
async fn writing_ahead_is_bounded() {
    let hour = StoreFault::Slow(Duration::from_hours(1));
    let store = Arc::new(faulty().fail_all(StoreOperation::UploadPart, 1.., hour));
    let mut writer = writer(&store, WRITE);
    let content = data(16 * 10);
    let writing = tokio::time::timeout(Duration::from_secs(1), writer.write(&content)).await;
    assert!(writing.is_err());
    assert_eq!(store.calls(StoreOperation::UploadPart), 3);
    assert_eq!(writer.bytes(), 16 * 4);
}

/// Parts, puts and the completion are retried when they fail for a transient reason, even if only
/// the response was lost.
#[tokio::test(start_paused = true)]
async fn transient_failures_are_not_visible() {
    let content = data(100);
    for fault in [
        StoreFault::Unavailable,
        StoreFault::Throttled,
        StoreFault::LostAnswer,
    ] {
        let store = Arc::new(
            faulty()
                .fail(StoreOperation::UploadPart, 2, fault)
                .fail(StoreOperation::UploadPart, 3, fault)
                .fail(StoreOperation::CompleteUpload, 1, fault)
                .fail(StoreOperation::Put, 1, fault),
        );
        let written = write(&store, &content).await.unwrap();
        let info = store.inner().head(&at("o")).await.unwrap();
        assert_eq!((written.bytes, written.etag), (100, info.etag), "{fault:?}");
        assert_eq!(store.inner().get(&at("o"), 100).await.unwrap(), content);
        write(&store, &content[..10]).await.unwrap();
        assert_eq!(
            store.inner().get(&at("o"), 100).await.unwrap(),
            content[..10]
        );
        assert_eq!(store.inner().open_uploads(), [], "{fault:?}");
    }
}

/// If a part or the completion fails permanently, the caller gets the error, the previous object
/// stays, and no upload is left when the call returns.
#[tokio::test(start_paused = true)]
async fn lasting_failures_leave_nothing() {
    for (operation, fault) in [
        (StoreOperation::UploadPart, StoreFault::AccessDenied),
        (StoreOperation::UploadPart, StoreFault::Throttled),
        (StoreOperation::CompleteUpload, StoreFault::AccessDenied),
        (StoreOperation::CompleteUpload, StoreFault::Unavailable),
        (StoreOperation::CreateUpload, StoreFault::Unavailable),
    ] {
        let store = with_object(faulty().fail_all(operation, 1.., fault)).await;
        let error = write(&store, &data(90)).await.unwrap_err();
        let as_expected = match fault {
            StoreFault::AccessDenied => matches!(error, StoreError::AccessDenied(..)),
            StoreFault::Throttled => matches!(error, StoreError::Throttled(..)),
            _ => matches!(error, StoreError::Unavailable(..)),
        };
        assert!(as_expected, "{operation:?} {fault:?}: {error:?}");
        assert_eq!(store.inner().open_uploads(), [], "{operation:?} {fault:?}");
        assert_eq!(store.inner().get(&at("o"), 100).await.unwrap(), data(100));
    }
}

/// A dropped or aborted writer leaves neither object nor upload, including parts under way and the
/// creation of the upload.
#[tokio::test(start_paused = true)]
async fn a_writer_given_up_leaves_nothing() {
    let slow = StoreFault::Slow(Duration::from_secs(1));
    for operation in [
        StoreOperation::Head,
        StoreOperation::UploadPart,
        StoreOperation::CreateUpload,
    ] {
        for abort in [true, false] {
            let store = Arc::new(faulty().fail_all(operation, 1.., slow));
            let mut writer = writer(&store, WRITE);
            let content = data(16 * 10);
            let time = Duration::from_millis(100);
            let _ = tokio::time::timeout(time, writer.write(&content)).await;
            assert_eq!(store.calls(StoreOperation::CreateUpload), 1);
            if abort {
                writer.abort().await.unwrap();
                assert_eq!(store.inner().open_uploads(), [], "{operation:?}");
            } else {
                drop(writer);
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            no_upload_is_left(store.inner()).await;
            assert_eq!(store.inner().locations(), []);
            assert_eq!(
                Arc::strong_count(&store),
                1,
                "{operation:?}: a task is left"
            );
        }
    }
}

/// Small content is a single put, and large content an upload. Neither replaces what it has not found, an object of
/// the same bytes stays, and a lost response is no reason to doubt the own object.
#[tokio::test(start_paused = true)]
async fn a_writer_in_place_of_an_object_replaces_only_that_object() {
    let memory = || MemoryStore::with_limits(SMALL).with_new_etags();
    let finish = async |store: &Arc<Faulty>, found: Option<&str>, content: &[u8]| {
        let dynamic = Arc::clone(store) as Arc<dyn ObjectStore>;
        let found = found.map(str::to_owned);
        let mut writer = ObjectWriter::in_place_of(found, dynamic, at("o"), WRITE);
        writer.write(content).await.unwrap();
        writer.finish().await
    };
    for length in [10, 50] {
        let (first, second, third) = (data(length), data(length + 1), data(length + 2));
        let store = Arc::new(FaultyStore::new(memory()));
        let written = finish(&store, None, &first).await.unwrap();
        let again = finish(&store, None, &first).await.unwrap();
        assert_eq!(again, written, "the same bytes stay");

        let late = finish(&store, None, &second).await;
        assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
        let replaced = finish(&store, Some(&written.etag), &second).await.unwrap();
        let late = finish(&store, Some(&written.etag), &third).await;
        assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
        let there = store.inner().head(&at("o")).await.unwrap();
        assert_eq!((there.size, there.etag), (replaced.bytes, replaced.etag));
        no_upload_is_left(store.inner()).await;

        for operation in [StoreOperation::Put, StoreOperation::CompleteUpload] {
            let lost = StoreFault::LostAnswer;
            let store = FaultyStore::new(store.inner().clone());
            let store = Arc::new(store.fail(operation, 2, lost));
            let found = store.inner().head(&at("o")).await.unwrap().etag;
            let content = if operation == StoreOperation::Put {
                &first
            } else {
                &third
            };
            let written = finish(&store, Some(&found), content).await.unwrap();
            let there = store.inner().head(&at("o")).await.unwrap();
            assert_eq!((there.size, there.etag), (written.bytes, written.etag));
            no_upload_is_left(store.inner()).await;
        }
    }
}

/// Parts grow, so that an object may have fifteen times the bytes of 10,000 equal parts; beyond
/// that, the error names the limit.
#[tokio::test]
async fn parts_grow_up_to_the_limit_of_s3() {
    let limits = quarry_edge::s3::memory::MultipartLimits {
        min_part: 1,
        ..SMALL
    };
    let options = WriteOptions {
        first_bytes: 1,
        part_bytes: 1,
        in_flight: 3,
    };
    let most = 2_500 * (1 + 2 + 4 + 8);
    let store = Arc::new(FaultyStore::new(MemoryStore::with_limits(limits)));
    let mut fits = writer(&store, options);
    fits.write(&data(most)).await.unwrap();
    assert_eq!(fits.finish().await.unwrap().bytes, most as u64);
    assert_eq!(
        store.inner().get(&at("o"), most as u64).await.unwrap(),
        data(most)
    );

    let mut too_long = writer(&store, options);
    too_long.write(&data(most)).await.unwrap();
    let error = match too_long.write(b"more").await {
        Ok(()) => too_long.finish().await.unwrap_err(),
        Err(error) => error,
    };
    let StoreError::Refused(_, why) = error else {
        panic!("{error:?}")
    };
    assert!(why.to_string().contains("10000 parts"), "{why}");
    no_upload_is_left(store.inner()).await;
}

/// The upload of an object that is expected to be large is created while its first part is still being filled, and that
/// part is small.
#[tokio::test(start_paused = true)]
async fn an_object_that_is_expected_to_be_large_is_begun_at_once() {
    let options = WriteOptions {
        part_bytes: 40,
        ..WRITE
    };
    let store = Arc::new(faulty());
    let mut writer = writer(&store, options).expecting(100);
    writer.write(&data(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(store.calls(StoreOperation::CreateUpload), 1);
    assert_eq!(store.calls(StoreOperation::UploadPart), 0);
    writer.write(&data(100)[1..18]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(store.calls(StoreOperation::UploadPart), 1);
    writer.write(&data(100)[18..]).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(store.inner().get(&at("o"), 100).await.unwrap(), data(100));
    assert_eq!(store.calls(StoreOperation::CreateUpload), 1);
}

/// An object that stays small against what was expected is one put, and its upload is aborted when the call returns,
/// even if it was not created yet.
#[tokio::test(start_paused = true)]
async fn an_object_that_is_smaller_than_expected_leaves_no_upload() {
    let slow = StoreFault::Slow(Duration::from_secs(1));
    for fault in [None, Some(slow), Some(StoreFault::AccessDenied)] {
        let store = fault.into_iter().fold(faulty(), |store, fault| {
            store.fail_all(StoreOperation::CreateUpload, 1.., fault)
        });
        let store = Arc::new(store);
        let mut writer = writer(&store, WRITE).expecting(100);
        writer.write(&data(10)).await.unwrap();
        let written = writer.finish().await.unwrap();
        assert_eq!(written.bytes, 10, "{fault:?}");
        assert_eq!(store.inner().get(&at("o"), 100).await.unwrap(), data(10));
        assert_eq!(store.inner().open_uploads(), [], "{fault:?}");
        assert_eq!(store.calls(StoreOperation::Put), 1, "{fault:?}");
    }
}

/// A part that is not the last one must have a size that S3 accepts.
#[tokio::test]
async fn nothing_is_written_behind_the_last_part() {
    let store = Arc::new(faulty());
    let mut writer = writer(&store, WRITE);
    writer.write(&data(20)).await.unwrap();
    writer.send_rest().await.unwrap();
    assert_eq!(store.calls(StoreOperation::CreateUpload), 1);
    let error = writer.write(&data(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(..)), "{error:?}");
    writer.finish().await.unwrap();
    assert_eq!(store.inner().get(&at("o"), 100).await.unwrap(), data(20));
}

/// Large buffers are passed on without a copy, so the object must still be whole when they are cut.
#[tokio::test]
async fn shared_bytes_are_not_disturbed() {
    let store = Arc::new(faulty());
    let mut writer = writer(&store, WRITE);
    let content = data(100);
    let shared: Bytes = content.slice(3..);
    writer.write(&content[..3]).await.unwrap();
    writer.write_bytes(shared.clone()).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(shared, content[3..]);
    assert_eq!(store.inner().get(&at("o"), 100).await.unwrap(), content);
}
