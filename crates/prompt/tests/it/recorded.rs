//! Prompts of the Python program that Quarry replaces, as it wrote them.
//!
//! Each folder of `tests/recorded` has a table, prompts, settings and the batch input that the
//! program wrote (`records.jsonl`). If its output has a fault that Quarry does not copy,
//! `case.json` says why under `divergence`, and `tests/expected` has the right output: the records
//! (`<case>.jsonl`) or the error (`<case>.error`).

use crate::table::for_each_row;
use expect_test::expect_file;
use quarry_prompt::{
    FieldLimit, MissingColumns, Prompts, RecordEncoder, RenderError, RenderOptions, Truncation,
};
use quarry_table::Format;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

#[test]
fn every_recorded_case_gives_the_same_records() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 16);
    for case in cases {
        check(&case);
    }
}

fn check(folder: &Path) {
    let case = read_json(&folder.join("case.json"));
    let name = case["name"].as_str().unwrap();
    let divergent = !case["divergence"].is_null();
    let rendered = render(folder, &case);

    let expected = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/expected")
        .join(folder.file_name().unwrap());
    let (records, counts) = match rendered {
        Ok(rendered) => rendered,
        Err(error) => {
            assert!(divergent, "{name}: nothing says why it differs");
            expect_file![expected.with_extension("error")].assert_eq(&format!("{error}\n"));
            return;
        }
    };
    let theirs = lines(&fs::read(folder.join("records.jsonl")).unwrap());
    if divergent {
        expect_file![expected.with_extension("jsonl")].assert_eq(str::from_utf8(&records).unwrap());
        // Only the prompt differs.
        let records = lines(&records);
        let without_prompts = |records: &[Value]| -> Vec<Value> {
            let mut records = records.to_vec();
            for record in &mut records {
                record["modelInput"]["messages"][0]["content"].take();
            }
            records
        };
        assert_eq!(
            without_prompts(&records),
            without_prompts(&theirs),
            "{name}"
        );
    } else {
        assert!(
            !expected.with_extension("jsonl").exists(),
            "{name}: records of our own go with a divergence, and only with one"
        );
        assert_eq!(lines(&records), theirs, "{name}");
        let stats = &case["expected"]["truncation_stats"];
        assert_eq!(json!(counts.total), stats["total_truncations"], "{name}");
        assert_eq!(json!(counts.records), stats["truncated_records"], "{name}");
        assert_eq!(json!(counts.fields), stats["truncated_fields"], "{name}");
    }
}

fn render(folder: &Path, case: &Value) -> Result<(Vec<u8>, Truncation), RenderError> {
    let settings = read_json(&folder.join("env.json"));
    let setting = |name: &str, default: &str| settings[name].as_str().unwrap_or(default).to_owned();
    let prompts = Prompts::parse(&fs::read(folder.join("prompts.json")).unwrap()).unwrap();
    let template = prompts.template(&setting(
        "BEDROCK_ROUTED_RULES_COLUMN",
        "selected_rule_names",
    ));
    let limit = setting("BEDROCK_MAX_INPUT_FIELD_LENGTH", "400000")
        .parse()
        .unwrap();
    let options = RenderOptions {
        missing: MissingColumns::Mark,
        field_limit: Some(FieldLimit::new(limit)?),
    };

    let mut body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": setting("BEDROCK_MAX_TOKENS", "32768").parse::<u64>().unwrap(),
        "temperature": setting("BEDROCK_TEMPERATURE", "1.0").parse::<f64>().unwrap(),
        "top_p": setting("BEDROCK_TOP_P", "0.999").parse::<f64>().unwrap(),
        "messages": [{"role": "user", "content": "THE PROMPT"}],
    });
    if case["expected"]["mode"] == "tool" {
        let schema = prompts
            .output_schema()
            .cloned()
            .or_else(|| prompts.rules().output_schema());
        body["tools"] = json!([{
            "name": "structured_response",
            "description": "Return the structured analysis response",
            "input_schema": schema.unwrap(),
        }]);
        body["tool_choice"] = json!({"type": "tool", "name": "structured_response"});
    } else {
        body["messages"]
            .as_array_mut()
            .unwrap()
            .push(json!({"role": "assistant", "content": "{"}));
    }
    if let Some(system) = prompts.system() {
        body["system"] = json!(system);
    }

    let format = match case["format"].as_str().unwrap() {
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        other => panic!("{other}"),
    };
    let table = fs::read(folder.join(format!("data.{}", format.extension()))).unwrap();
    let mut encoder = RecordEncoder::new(&body, "THE PROMPT", template.clone(), options)?;
    let mut counts = Truncation::default();
    let mut out = Vec::new();
    for_each_row(format, &table, template.columns(), |row| {
        let id = format!("record_{}", row.number());
        encoder.encode(&mut out, &id, row, Some(&mut counts));
    });
    Ok((out, counts))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn lines(text: &[u8]) -> Vec<Value> {
    let lines = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}
