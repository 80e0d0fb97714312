//! What people start runs with: `request.json` files and inputs of executions.

use crate::event::call;
use crate::target::FuzzTarget;
use quarry_contract::members;
use quarry_contract::payload::{FinishInput, PlanInput, SliceState};
use quarry_contract::request_file::RequestFile;
use quarry_contract::settings::Settings;
use quarry_edge::telemetry::About;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Debug;

pub(crate) const REQUEST_FILE: FuzzTarget = FuzzTarget {
    name: "request_file",
    check: check_request_file,
    words: &[
        "\"version\": 1",
        "\"data\": ",
        "\"prompts\": ",
        "\"settings\": ",
        "\"job_type\": \"training\"",
        "\"request_settings\": [\"*\"]",
        "\"BEDROCK_MAX_TOKENS\": ",
        "\"s3://b/k\"",
        "\"../\"",
        "null",
        "{}",
        "[]",
        "\u{feff}",
    ],
};

pub(crate) const EXECUTION_INPUT: FuzzTarget = FuzzTarget {
    name: "execution_input",
    check: check_execution_input,
    words: &[
        "\"version\": ",
        "\"request\": ",
        "\"settings\": ",
        "\"turn\": ",
        "\"slice\": ",
        "\"s3://b/k/\"",
        "\"s3://\"",
        "null",
        "{}",
        "[]",
        "18446744073709551616",
        "-1",
        "1e3",
    ],
};

/// A file is read, and written as what it was read as, or refused by its name.
fn check_request_file(input: &[u8]) {
    let request = match RequestFile::read("inbox/request.json", input) {
        Ok(request) => request,
        Err(error) => {
            assert!(error.to_string().contains("inbox/request.json"), "{error}");
            return;
        }
    };
    let written = serde_json::to_vec(&request).unwrap_or_default();
    match RequestFile::read("written", &written) {
        Ok(again) => assert_eq!(again, request),
        Err(error) => panic!("a request that was written is refused: {error}"),
    }
    check_settings(&request.settings);
}

/// An input is read by the function that it is for, and written as what it was read as, or refused
/// as a bad request.
fn check_execution_input(input: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    check_payload::<SliceState>(&payload);
    check_payload::<FinishInput>(&payload);
    if let Some(plan) = check_payload::<PlanInput>(&payload) {
        check_settings(&plan.request.settings);
    }
}

fn check_payload<I>(payload: &Value) -> Option<I>
where
    I: About + DeserializeOwned + Serialize + PartialEq + Debug,
{
    let read = call(payload.clone(), |input: I| async { Ok(input) }).ok()?;
    let written = serde_json::to_value(&read).unwrap_or_default();
    match members::from_value::<I>(written) {
        Ok(again) => assert_eq!(again, read),
        Err(error) => panic!("a payload that was written is refused: {error}"),
    }
    Some(read)
}

/// Settings are read, or one of them is refused by its name.
fn check_settings(settings: &BTreeMap<String, String>) {
    if let Err(error) = Settings::read(settings) {
        assert!(error.to_string().contains(error.name()), "{error}");
        assert!(
            error.name().starts_with("BEDROCK_") || settings.contains_key(error.name()),
            "{error}"
        );
    }
}
