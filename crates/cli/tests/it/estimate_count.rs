//! `quarry estimate --count`: tokens that Bedrock counts.

use crate::command::{Ran, Workplace};
use crate::fake_aws::quarry_without_credentials;
use crate::simulate_bedrock::simulator;
use serde_json::Value;
use std::fmt::Write;

const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

fn workplace(rows: usize) -> Workplace {
    let workplace = Workplace::new();
    let mut table = String::from("text\n");
    for row in 0..rows {
        let letter = format!("Letter {row}: the bill of {row}00 USD is wrong. ");
        writeln!(table, "\"{}\"", letter.repeat(1 + row % 7)).expect("a text");
    }
    workplace.file("data.csv", table);
    workplace
}

/// Runs `quarry estimate` with the simulator in the place of Bedrock.
fn estimate(workplace: &Workplace, endpoint: &str, more: &str) -> Ran {
    let line = format!("estimate data.csv --prompts prompts.json --schema schema.json {more}");
    let mut command = quarry_without_credentials(&workplace.path("."), endpoint);
    let command = command
        .args(line.split_whitespace())
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    Ran::of(&command.output().expect("the command runs"))
}

fn input(estimate: &Value) -> [u64; 3] {
    let range = &estimate["tokens"]["input"];
    ["low", "expected", "high"].map(|name| range[name].as_u64().expect("a number"))
}

/// The local stack's run reports the tokens of every record, by the same rule.
#[test]
fn counts_of_some_records_are_near_what_all_records_take() {
    let workplace = workplace(400);
    let (_process, address) = simulator();
    let endpoint = format!("http://{address}");
    let ran = estimate(&workplace, &endpoint, "--count --json").good();
    let counted = ran.report();
    assert_eq!(counted["records_counted"], 30);
    assert_eq!(counted["counted_by_bedrock"], true);
    let ran = workplace
        .quarry("run data.csv --prompts prompts.json --schema schema.json --out out --json");
    let taken = ran.good().report()["summary"]["tokens"]["input"].as_u64();
    let taken = taken.expect("a number");
    let [low, expected, high] = input(&counted);
    assert!((low..=high).contains(&taken), "{taken}: {counted}");
    assert!(expected.abs_diff(taken) < taken / 20, "{taken}: {counted}");
    let uncounted = estimate(&workplace, &endpoint, "--json").good().report();
    let [wide_low, _, wide_high] = input(&uncounted);
    assert!(high - low < wide_high - wide_low, "{counted}, {uncounted}");
    let text = estimate(&workplace, &endpoint, "--count").good().stdout;
    assert!(
        text.contains(", counted by Bedrock for 30 records\n"),
        "{text}"
    );
}

#[test]
fn records_that_are_all_counted_have_no_range() {
    let workplace = workplace(5);
    let (_process, address) = simulator();
    let counted = estimate(&workplace, &format!("http://{address}"), "--count --json");
    let [low, expected, high] = input(&counted.good().report());
    assert_eq!((low, high), (expected, expected));
}

#[test]
fn a_model_that_is_not_counted_is_named_with_the_remedy() {
    let workplace = workplace(5);
    let (_process, address) = simulator();
    let endpoint = format!("http://{address}");
    let profile = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3";
    for (model, expected) in [
        (
            "us.amazon.nova-2-lite-v1:0",
            "Bedrock does not count tokens for amazon.nova-2-lite-v1:0: ",
        ),
        (profile, "does not say which model it is"),
    ] {
        let more =
            format!("--count --price-in 1 --price-out 1 --set BEDROCK_PRIMARY_MODEL_ID={model}");
        let ran = estimate(&workplace, &endpoint, &more);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
        assert!(ran.stderr.contains("without --count"), "{}", ran.stderr);
    }
}

#[test]
fn without_credentials_or_a_region_the_remedy_is_said() {
    let workplace = workplace(5);
    let line = format!(
        "estimate data.csv --prompts prompts.json --count --set BEDROCK_PRIMARY_MODEL_ID={HAIKU}"
    );
    let command = || {
        let mut command = quarry_without_credentials(&workplace.path("."), "http://127.0.0.1:9");
        command.args(line.split_whitespace());
        command
    };
    let ran = Ran::of(&command().output().expect("the command runs"));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("no AWS credentials found")
            && ran
                .stderr
                .contains("without --count, the estimate needs none"),
        "{}",
        ran.stderr
    );
    let mut without_region = command();
    without_region
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION");
    let ran = Ran::of(&without_region.output().expect("the command runs"));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("give --region, or set AWS_REGION"),
        "{}",
        ran.stderr
    );
}
