//! Every version of a function can read what another version wrote. `tests/expected/` has a
//! document for each payload between states.

mod documents;
mod recorded;

use expect_test::expect_file;
use quarry_contract::callback::Callback;
use quarry_contract::payload::{
    FinishInput, FinishOutput, JobPointer, ManifestItem, ObjectPointer, PlanInput, PlanOutput,
    SliceState, Step,
};
use quarry_contract::request::{JobType, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;

fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let expected = expect_file![format!("../expected/{name}.json")];
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    expected.assert_eq(&text);
    let read: T = serde_json::from_str(&expected.data()).unwrap();
    assert_eq!(&read, value, "{name}");
}

fn request() -> Request {
    Request {
        version: 1,
        data: "s3://bucket/inbox/strikes/".parse().unwrap(),
        data_content: None,
        prompts: "s3://bucket/pipelines/strikes/prompts.json"
            .parse()
            .unwrap(),
        schema: Some("s3://bucket/pipelines/strikes/schema.json".parse().unwrap()),
        output: "s3://bucket/results/strikes/".parse().unwrap(),
        summary: None,
        work: Some("s3://bucket/work/".parse().unwrap()),
        job_type: JobType::Validation,
        sample: None,
        settings: BTreeMap::from([("BEDROCK_MAX_TOKENS".to_owned(), "1024".to_owned())]),
        callback: Some(Callback {
            token: "26vcYbeWsZ".parse().unwrap(),
            pipeline_execution_arn:
                "arn:aws:sagemaker:us-east-2:123456789012:pipeline/strikes/execution/7pinimwddh3a"
                    .to_owned(),
        }),
    }
}

fn slice(next: Step, job: bool, wait_seconds: Option<u64>) -> SliceState {
    SliceState {
        version: 1,
        run: "s3://bucket/work/run-1".parse().unwrap(),
        slice: 17,
        round: 1,
        stopped_rounds: 0,
        outage_rounds: 0,
        rests: 0,
        resting_since: None,
        late_looks: 0,
        next,
        records: 1426,
        job: job.then(|| JobPointer {
            arn: "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"
                .to_owned(),
            name: "quarry-run-1-0123456789-000017-1".to_owned(),
            waited: 480,
        }),
        wait_seconds,
    }
}

#[test]
fn every_payload_is_written_and_read_as_its_golden_document() {
    golden(
        "plan-input",
        &PlanInput {
            version: 1,
            execution: "run-1".to_owned(),
            execution_arn: Some(
                "arn:aws:states:us-east-1:123456789012:execution:quarry:run-1".to_owned(),
            ),
            started: "2026-01-02T03:04:05.678Z".to_owned(),
            turn: 0,
            request: request(),
        },
    );
    golden(
        "plan-output",
        &PlanOutput {
            version: 1,
            done: true,
            turn: 1,
            run: "s3://bucket/work/run-1".parse().unwrap(),
            manifest: ObjectPointer {
                bucket: "bucket".to_owned(),
                key: "work/run-1/manifest.json".to_owned(),
            },
            slices: 5000,
            max_concurrency: 20,
            empty: false,
        },
    );
    golden(
        "manifest",
        &vec![ManifestItem { slice: 0 }, ManifestItem { slice: 1 }],
    );
    golden("split-output", &slice(Step::Submit, false, None));
    golden("submit-output", &slice(Step::Wait, true, Some(60)));
    golden("check-output", &slice(Step::Merge, true, None));
    golden("invoke-output", &slice(Step::Invoke, false, None));
    golden("merge-output", &slice(Step::Done, false, None));
    let resting = SliceState {
        outage_rounds: 2,
        rests: 2,
        resting_since: Some(1_767_323_045),
        ..slice(Step::Rest, false, Some(1_800))
    };
    golden("merge-output-rest", &resting);
    let late = SliceState {
        late_looks: 1,
        ..slice(Step::Late, true, Some(60))
    };
    golden("merge-output-late", &late);
    golden(
        "finish-input",
        &FinishInput {
            version: 1,
            run: "s3://bucket/work/run-1".parse().unwrap(),
            turn: 0,
        },
    );
    golden(
        "finish-output",
        &FinishOutput {
            version: 1,
            done: true,
            turn: 1,
            run: "s3://bucket/work/run-1".parse().unwrap(),
            output: "s3://bucket/results/strikes/".parse().unwrap(),
            summary:
                "s3://bucket/results/strikes/processing_summary_validation_20260102_030405.json"
                    .parse()
                    .unwrap(),
            rows: 10_000,
            failed: 3,
            cost: "6.33".parse().ok(),
        },
    );
}

#[test]
fn an_unknown_member_is_refused() {
    let mut value = serde_json::to_value(request()).unwrap();
    value["outptu"] = "s3://bucket/x".into();
    let error = serde_json::from_value::<Request>(value).unwrap_err();
    assert!(error.to_string().contains("outptu"), "{error}");
}
