//! The object stores and the streams on top of them follow the rules of S3.

mod callbacks;
mod clocked_service;
mod clocks;
mod concat;
mod executions;
mod jobs;
mod metrics;
mod network;
mod payloads;
mod stores;
mod streams;
mod telemetry;

use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_edge::s3::memory::{MemoryStore, MultipartLimits};
use std::time::Duration;

/// Returns a location in the only bucket of the tests.
fn at(key: &str) -> S3Uri {
    S3Uri::new("bucket", key).unwrap()
}

/// Limits that need no megabytes.
const SMALL: MultipartLimits = MultipartLimits {
    min_part: 16,
    ..MultipartLimits::S3
};

/// Returns bytes without a short period, so that a shift or a swap shows.
fn data(length: usize) -> Bytes {
    let numbers = (0_u32..).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_be_bytes());
    numbers.take(length).collect()
}

/// Waits until no upload is open, but not forever.
async fn no_upload_is_left(store: &MemoryStore) {
    for _ in 0..200 {
        if store.open_uploads().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} are left", store.open_uploads());
}

/// Runs a future on a runtime whose clock jumps over every wait.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
