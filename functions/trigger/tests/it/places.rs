//! What runs write never starts a run.

use crate::{World, at, event};
use quarry_trigger::{Arrived, Prefixes};

#[tokio::test]
async fn an_object_below_the_results_or_work_prefix_can_never_start_a_run() {
    let world = World::new();
    for key in [
        "results/strikes/strikes-0/validation_processed_data.csv",
        "results/strikes/request.json",
        "results/inbox/strikes/a.csv",
        "runs/strikes-0/staged/0/000000.csv",
        "runs/inbox/strikes/request.json",
        "pipelines/strikes/request.json",
        "inbox/../results/strikes/a.csv/request.jsonl/x",
        "other/strikes/a.csv",
    ] {
        world.put(key, "report\nbird\n").await;
        let mut event = event("s3-result");
        event["detail"]["object"]["key"] = key.into();
        let arrived = world.arrived(event).await;
        assert!(matches!(arrived, Arrived::Ignored(_)), "{key}: {arrived:?}");
    }
    assert!(world.executions.executions().is_empty());
}

#[test]
fn a_deployment_whose_prefixes_overlap_does_not_start() {
    let error = Prefixes::new(at(""), at("pipelines"), at("results"), at("runs")).unwrap_err();
    assert!(error.to_string().contains("overlap"), "{error}");
    let error = Prefixes::new(at("inbox"), at("pipelines"), at("inbox/done"), at("runs"));
    assert!(error.unwrap_err().to_string().contains("QUARRY_RESULTS"));
}
