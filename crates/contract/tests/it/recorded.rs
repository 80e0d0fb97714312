//! What the Python program that Quarry replaces made of locations and ARNs.
//!
//! Each case of `tests/recorded` has the recorded result (`expected`). If Quarry does something
//! else, `ours` says what, and `reason` says why.

use quarry_contract::location::S3Uri;
use quarry_contract::settings::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Compares the result of a case: a value, or words of the error.
#[track_caller]
fn assert_case(case: &Value, found: Result<Value, String>) {
    let expected = case.get("ours").unwrap_or(&case["expected"]);
    assert_eq!(case["ours"].is_null(), case["reason"].is_null(), "{case}");
    match (found, expected["refused"].as_str()) {
        (Err(message), Some(words)) => assert!(message.contains(words), "{case}: {message}"),
        (Ok(found), None) => assert_eq!(&found, expected, "{case}"),
        (found, _) => panic!("{case}: {found:?}"),
    }
}

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// The program accepted bucket names of any length, but Quarry only valid ones, so `bucket`
/// replaces the recorded `b`.
#[test]
fn recorded_locations_are_split_at_the_same_places() {
    let cases = cases(include_str!("../recorded/s3_path.json"));
    assert_eq!(cases.len(), 9);
    for case in cases {
        let path = case["path"].as_str().unwrap();
        let found = path.replacen("s3://b", "s3://bucket", 1).parse::<S3Uri>();
        let found = found.map(|uri| {
            let bucket = uri.bucket().replacen("bucket", "b", 1);
            json!([bucket, uri.key()])
        });
        assert_case(&case, found.map_err(|error| error.to_string()));
    }
}

#[test]
fn recorded_profiles_are_used_as_they_are_or_refused() {
    let cases = cases(include_str!("../recorded/arn_fix.json"));
    assert_eq!(cases.len(), 9);
    for case in cases {
        let settings = Settings::read(&BTreeMap::from(
            [
                ("BEDROCK_PRIMARY_MODEL_ID", "anthropic.claude-x"),
                (
                    "BEDROCK_INFERENCE_PROFILE_ARN",
                    case["profile"].as_str().unwrap(),
                ),
                ("BEDROCK_BATCH_ROLE_ARN", case["role"].as_str().unwrap()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ));
        let found = settings.map(|settings| json!(settings.effective_model_id()));
        assert_case(&case, found.map_err(|error| error.to_string()));
    }
}
