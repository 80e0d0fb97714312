//! One folder for each model family under `tests/families/`, and a folder of the same name under
//! `tests/expected/`: the request that is built for the family and the answers that are read from it.
//!
//! `case.json` has the model id, the settings, the system prompt, the schema and corrections of the
//! model's capabilities. `request.json` is the body byte for byte (pretty printed). A `case-*.json`
//! is the same case with other members, and `request-*.json` its body. Each `answer-*.json` is an
//! output of that family and `read-*.json` what is read from it.

use expect_test::expect_file;
use quarry_model::{
    AnswerContent, BodySettings, CapabilityOverrides, KnownModel, PROMPT_SLOT, RequestBuilder,
    read_output,
};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/families");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("tests/families")
        .map(|entry| entry.expect("entry").path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 8, "cases are missing");
    folders
}

fn json_file(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares with a file of the family's folder under `tests/expected`.
fn compare(family: &Path, file: &str, actual: &Value) {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/expected")
        .join(family.file_name().expect("a name"));
    let actual = serde_json::to_string_pretty(actual).expect("serialisable") + "\n";
    expect_file![expected.join(file)].assert_eq(&actual);
}

fn settings(case: &Value) -> BodySettings {
    let defaults = BodySettings::default();
    BodySettings {
        max_tokens: case["max_tokens"].as_u64().unwrap_or(defaults.max_tokens),
        temperature: case["temperature"].as_f64().unwrap_or(defaults.temperature),
        top_p: case["top_p"].as_f64().unwrap_or(defaults.top_p),
        thinking_off: case["thinking"] == "off",
        effort: ["low", "medium", "high", "max"]
            .into_iter()
            .find(|effort| case["effort"] == *effort),
    }
}

#[test]
fn every_family_gets_the_body_it_accepts() {
    for folder in folders() {
        let case = json_file(&folder.join("case.json"));
        compare(&folder, "request.json", &request(&case));
        for (variant, changes) in variants(&folder) {
            let mut changed = case.clone();
            for (name, value) in changes.as_object().expect("members") {
                changed[name] = value.clone();
            }
            let file = format!("request-{variant}.json");
            compare(&folder, &file, &request(&changed));
        }
    }
}

/// Returns the other members of each `case-*.json`, by its name.
fn variants(folder: &Path) -> Vec<(String, Value)> {
    let mut variants: Vec<(String, Value)> = fs::read_dir(folder)
        .expect("folder")
        .filter_map(|entry| {
            let path = entry.expect("entry").path();
            let name = path.file_name()?.to_str()?;
            let variant = name.strip_prefix("case-")?.strip_suffix(".json")?;
            Some((variant.to_owned(), json_file(&path)))
        })
        .collect();
    variants.sort_by(|one, other| one.0.cmp(&other.0));
    variants
}

fn request(case: &Value) -> Value {
    let is_held = case["use_structured_output"].as_bool().unwrap_or(true);
    let schema = Some(&case["schema"]).filter(|schema| is_held && !schema.is_null());
    let overrides = case
        .get("capabilities")
        .map_or_else(CapabilityOverrides::default, |overrides| {
            CapabilityOverrides::parse(&overrides.to_string()).expect("capabilities")
        });
    let model_id = case["model_id"].as_str().expect("model_id");
    let requests = RequestBuilder::new(
        settings(case),
        KnownModel::of(model_id)
            .capabilities()
            .overridden(&overrides),
        case["system"].as_str(),
        schema,
    );
    let form = requests.first_form();
    let body = requests.body(&form);
    let shown: Value = serde_json::from_str(&body.to_string().replace(PROMPT_SLOT, "<prompt>"))
        .expect("the slot is one whole string");
    json!({
        "modelInvocationType": requests.capabilities().invocation.as_str(),
        "enforcement": form.enforcement,
        "modelInput": shown,
    })
}

#[test]
fn every_answer_shape_is_read() {
    for folder in folders() {
        let mut answers = 0;
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").path())
            .collect();
        files.sort();
        for path in files {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .expect("name");
            let Some(stem) = name
                .strip_prefix("answer-")
                .and_then(|name| name.strip_suffix(".json"))
            else {
                continue;
            };
            answers += 1;
            let output = fs::read_to_string(&path).expect("answer");
            let answer =
                read_output(&output).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let (kind, content) = match &answer.content {
                AnswerContent::Tool(json) => ("tool", Some(json)),
                AnswerContent::Tools(_) => ("tools", None),
                AnswerContent::Followed { text, .. } => ("followed", Some(text)),
                AnswerContent::Candidates(_) => ("candidates", None),
                AnswerContent::Text(text) => ("text", Some(text)),
                AnswerContent::Embedding(json) => ("embedding", Some(json)),
                AnswerContent::Empty => ("empty", None),
            };
            compare(
                &folder,
                &format!("read-{stem}.json"),
                &json!({
                    "kind": kind,
                    "content": content,
                    "stop_reason": answer.stop_reason,
                    "usage": answer.usage,
                    "cut_off": answer.cut_off(),
                    "refused": answer.refused(),
                }),
            );
        }
        assert!(answers > 0, "{} has no answer", folder.display());
    }
}
