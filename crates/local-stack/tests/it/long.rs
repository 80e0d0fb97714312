//! Promise: a run stays far below Step Functions' limits, however long and large it is.

use crate::support::{Case, csv};
use quarry_bedrock_simulator::Schedule;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_168_hours_takes_fewer_than_1500_history_events() {
    let case = Case::new(
        &csv(200),
        &[("BEDROCK_BATCH_TIMEOUT_HOURS", "168")],
        |config| {
            config.schedule = Schedule {
                processing_seconds: 167 * 3600,
                ..Schedule::default()
            };
        },
    )
    .await;
    let finished = case.run().await.unwrap();
    assert!(finished.outcome.virtual_elapsed.as_secs() > 167 * 3600);
    let events = finished.outcome.max_child_history_events;
    assert!(events < 1_500, "{events}");
    assert!(finished.outcome.history_events < 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_slices_pass_through_the_state_machine() {
    let settings = [
        ("BEDROCK_MAX_RECORDS_PER_JOB", "1"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "100"),
    ];
    let case = Case::new(&csv(5_000), &settings, |_| {}).await;
    let finished = case.run().await.unwrap();
    assert_eq!(finished.outcome.children, 5_000);
    assert_eq!(finished.output.rows, 5_000);
    // The interpreter refuses any payload above 256 KiB, as the service does.
    assert!(finished.outcome.history_events < 100);
}
