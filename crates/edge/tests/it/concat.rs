//! One object from many: whole and in order, in one call or in several, with nothing left behind.

use crate::stores::Local;
use crate::{SMALL, at, data, run};
use bytes::Bytes;
use proptest::prelude::*;
use quarry_edge::clock::{TimeLeft, Unlimited};
use quarry_edge::error::StepError;
use quarry_edge::s3::concat::plan::CopyLimits;
use quarry_edge::s3::concat::{
    ConcatError, ConcatOptions, ConcatProgress, ConcatSegment, Concatenated, concatenate,
};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, StoreError, WriteCondition};
use std::sync::atomic::{AtomicI64, Ordering};

type Faulty = FaultyStore<MemoryStore>;

const OPTIONS: ConcatOptions<'_> = ConcatOptions {
    limits: CopyLimits {
        min_part: SMALL.min_part,
        max_copy: 100,
        largest_copy: 100,
        max_parts: 10_000,
        gather: 40,
    },
    in_flight: 3,
    condition: WriteCondition::Always,
};

/// Allows this many steps.
struct Steps(AtomicI64);

impl Steps {
    fn new(steps: i64) -> Self {
        Self(AtomicI64::new(steps))
    }
}

impl TimeLeft for Steps {
    fn enough(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

fn faulty() -> Faulty {
    FaultyStore::new(MemoryStore::with_limits(SMALL))
}

/// Puts objects of these sizes. Returns their segments and their joined content.
async fn objects(store: &dyn ObjectStore, sizes: &[usize]) -> (Vec<ConcatSegment>, Vec<u8>) {
    let all = data(sizes.iter().sum());
    let (mut rest, mut segments) = (all.clone(), Vec::new());
    for (number, &size) in sizes.iter().enumerate() {
        let location = at(&format!("part-{number}"));
        store
            .put(&location, rest.split_to(size), WriteCondition::Always)
            .await
            .unwrap();
        segments.push(ConcatSegment::whole(store.head(&location).await.unwrap()));
    }
    (segments, all.to_vec())
}

async fn whole(
    store: &Faulty,
    segments: &[ConcatSegment],
    progress: Option<ConcatProgress>,
) -> Result<Concatenated, ConcatError> {
    concatenate(store, &at("o"), segments, progress, &Unlimited, &OPTIONS).await
}

/// Returns the progress after this many parts.
async fn stopped(store: &Faulty, segments: &[ConcatSegment], parts: i64) -> ConcatProgress {
    let time = Steps::new(parts);
    match concatenate(store, &at("o"), segments, None, &time, &OPTIONS).await {
        Ok(Concatenated::Unfinished(progress)) => progress,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The object is its segments one after the other, for any sizes, and however often the work is
    /// stopped and continued from a stored progress.
    #[test]
    fn segments_follow_each_other(
        sizes in prop::collection::vec((prop_oneof![0..20_usize, 14..40_usize, 100..500_usize], any::<bool>(), 0..10_usize), 0..12),
        steps in 2..6_i64,
        in_flight in 1..4_usize,
    ) {
        let store = faulty();
        let options = ConcatOptions { in_flight, ..OPTIONS };
        let mut expected = Vec::new();
        let written = run(async {
            let mut segments = Vec::new();
            for (number, &(size, inline, skipped)) in sizes.iter().enumerate() {
                let content = data(size + number).slice(number..);
                let from = skipped.min(size);
                expected.extend_from_slice(&content[from..]);
                if inline {
                    segments.push(ConcatSegment::Bytes(content.slice(from..)));
                    continue;
                }
                let location = at(&format!("part-{number}"));
                store.put(&location, content, WriteCondition::Always).await.unwrap();
                let info = store.head(&location).await.unwrap();
                segments.push(ConcatSegment::Object { range: from as u64..info.size, info });
            }
            let mut progress = None;
            loop {
                let time = Steps::new(steps);
                let target = at("o");
                let result =
                    concatenate(&store, &target, &segments, progress, &time, &options).await;
                match result.unwrap() {
                    Concatenated::Done(written) => break written,
                    Concatenated::Unfinished(unfinished) => {
                        let text = serde_json::to_string(&unfinished).unwrap();
                        progress = Some(serde_json::from_str(&text).unwrap());
                    }
                }
            }
        });
        let info = run(store.inner().head(&at("o"))).unwrap();
        prop_assert_eq!((written.bytes, written.etag), (info.size, info.etag));
        prop_assert_eq!(run(store.inner().get(&at("o"), 10_000)).unwrap(), expected);
        prop_assert_eq!(store.inner().open_uploads(), []);
    }
}

/// Sources that are large enough are not read.
#[tokio::test]
async fn large_inputs_are_copied_inside_the_store() {
    let store = faulty();
    let (segments, expected) = objects(&store, &[100, 250, 17]).await;
    whole(&store, &segments, None).await.unwrap();
    assert_eq!(store.inner().get(&at("o"), 1000).await.unwrap(), expected);
    assert_eq!(store.calls(StoreOperation::GetRange), 0);
    assert_eq!(store.calls(StoreOperation::CopyPart), 1 + 3 + 1);
}

/// Work before a stop is not repeated.
#[tokio::test]
async fn work_is_continued_where_it_stopped() {
    let store = faulty();
    let (segments, expected) = objects(&store, &[50; 10]).await;
    let progress = stopped(&store, &segments, 4).await;
    assert_eq!(progress.parts_done(), 4);
    assert_eq!(
        store.inner().locations().len(),
        10,
        "there is no object yet"
    );
    whole(&store, &segments, Some(progress)).await.unwrap();
    assert_eq!(store.inner().get(&at("o"), 1000).await.unwrap(), expected);
    assert_eq!(store.calls(StoreOperation::CopyPart), 10);
    assert_eq!(store.calls(StoreOperation::CreateUpload), 1);
}

/// A progress that no longer fits is dropped: its upload is aborted, and the object is made anew.
#[tokio::test]
async fn stale_progress_is_discarded() {
    let store = faulty();
    let (segments, expected) = objects(&store, &[50; 6]).await;

    // This progress belongs to other segments.
    let other = stopped(&store, &segments[1..], 2).await;
    whole(&store, &segments, Some(other)).await.unwrap();
    assert_eq!(store.inner().get(&at("o"), 1000).await.unwrap(), expected);
    assert_eq!(store.inner().open_uploads(), []);

    // This upload was completed by an invocation whose response was lost.
    let before = stopped(&store, &segments, 2).await;
    whole(&store, &segments, Some(before.clone()))
        .await
        .unwrap();
    whole(&store, &segments, Some(before)).await.unwrap();
    assert_eq!(store.inner().get(&at("o"), 1000).await.unwrap(), expected);
    assert_eq!(store.inner().open_uploads(), []);
}

/// Transient failures of single calls do not show, even lost responses.
#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried() {
    for fault in [
        StoreFault::Throttled,
        StoreFault::Unavailable,
        StoreFault::LostAnswer,
    ] {
        let store = faulty()
            .fail(StoreOperation::CopyPart, 2, fault)
            .fail(StoreOperation::GetRange, 1, fault)
            .fail(StoreOperation::GetRange, 2, StoreFault::Cut(3))
            .fail(StoreOperation::UploadPart, 1, fault)
            .fail(StoreOperation::Head, 4, fault)
            .fail(StoreOperation::CompleteUpload, 1, fault);
        let (segments, expected) = objects(&store, &[100, 5, 50]).await;
        let done = whole(&store, &segments, None).await.unwrap();
        assert!(matches!(done, Concatenated::Done(_)), "{fault:?}");
        assert_eq!(store.inner().get(&at("o"), 1000).await.unwrap(), expected);
        assert_eq!(store.inner().open_uploads(), [], "{fault:?}");
    }
}

/// A changed or missing input and permanent failures are errors that leave nothing.
#[tokio::test(start_paused = true)]
async fn failures_leave_nothing() {
    let store = faulty();
    for small in [true, false] {
        let size = if small { 5 } else { 60 };
        let (segments, _) = objects(&store, &[100, size, 100]).await;
        store
            .put(&at("part-1"), data(size + 1), WriteCondition::Always)
            .await
            .unwrap();
        let error = whole(&store, &segments, None).await.unwrap_err();
        let changed = matches!(&error, ConcatError::Store(StoreError::Changed(name)) if name.contains("part-1"));
        assert!(changed, "{error:?}");
        assert_eq!(StepError::of(error, "joining").name(), "Quarry.Unavailable");

        store.inner().delete(&at("part-1"));
        let progress = stopped(&store, &segments, 1).await;
        let error = whole(&store, &segments, Some(progress)).await.unwrap_err();
        assert!(
            matches!(error, ConcatError::Store(StoreError::NotFound(_))),
            "{error:?}"
        );
        assert_eq!(store.inner().open_uploads(), []);
    }
    for operation in [
        StoreOperation::CopyPart,
        StoreOperation::UploadPart,
        StoreOperation::CompleteUpload,
    ] {
        let store = faulty().fail_all(operation, 1.., StoreFault::Throttled);
        let (segments, _) = objects(&store, &[100, 5, 100]).await;
        let error = whole(&store, &segments, None).await.unwrap_err();
        assert!(
            matches!(error, ConcatError::Store(StoreError::Throttled(..))),
            "{error:?}"
        );
        assert_eq!(store.inner().open_uploads(), [], "{operation:?}");
    }
}

/// More segments than parts have their own error, before any work is done.
#[tokio::test]
async fn too_many_parts_are_named() {
    let store = faulty();
    let (segments, _) = objects(&store, &[900; 4]).await;
    let options = ConcatOptions {
        limits: CopyLimits {
            max_parts: 3,
            max_copy: 10_000,
            largest_copy: 10_000,
            ..OPTIONS.limits
        },
        ..OPTIONS
    };
    let error = concatenate(&store, &at("o"), &segments, None, &Unlimited, &options)
        .await
        .unwrap_err();
    let ConcatError::TooManyParts { needed, limit, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((needed, limit), (4, 3));
    assert_eq!(store.calls(StoreOperation::CreateUpload), 0);
}

/// With the real limits and the real protocol: a header, small and large parts.
#[tokio::test(flavor = "multi_thread")]
async fn parts_are_joined_on_the_local_server() {
    const MIB: usize = 1 << 20;
    let local = Local::start().await;
    let (objects, content) = objects(&local.store, &[6 * MIB, MIB, 3, 11 * MIB, 0, MIB]).await;
    let mut segments = vec![ConcatSegment::Bytes(Bytes::from_static(b"a,b\n"))];
    segments.extend(objects);
    // Callers run it in their own tasks.
    let (store, target) = (local.store.clone(), at("whole"));
    let done = tokio::spawn(async move {
        let options = ConcatOptions::default();
        concatenate(&store, &target, &segments, None, &Unlimited, &options).await
    });
    let Concatenated::Done(written) = done.await.unwrap().unwrap() else {
        panic!("time was not limited")
    };
    let expected = [b"a,b\n".as_slice(), &content].concat();
    assert_eq!(written.bytes, expected.len() as u64);
    let read = local.store.get(&at("whole"), written.bytes).await.unwrap();
    assert!(read == expected);
}
