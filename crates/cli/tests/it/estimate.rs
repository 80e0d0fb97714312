//! `quarry estimate`: what a run would cost, held to what the same run then costs.

use crate::command::{Ran, Workplace};
use serde_json::{Value, json};
use std::fmt::Write;

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "kind": {"enum": ["gull", "raptor", "unknown"]},
        "sure": {"type": "number", "minimum": 0, "maximum": 1},
        "why": {"type": "string", "minLength": 1, "maxLength": 300}
    },
    "required": ["kind", "sure", "why"],
    "additionalProperties": false
}"#;
const PROMPTS: &str = r#"{
    "system_prompt": "You classify reports of birds that struck aircraft. Judge only by what the report says.",
    "user_prompt_template": "The report of {Airport}:\n{Report}\nSay which bird it was, and why."
}"#;

/// The text of a row.
type Report = fn(usize) -> String;

fn workplace(report: impl Fn(usize) -> String) -> Workplace {
    let workplace = Workplace::new();
    let mut table = String::from("Airport,Report\n");
    for row in 0..130 {
        writeln!(table, "Springfield {row},\"{}\"", report(row)).expect("a text");
    }
    workplace.file("data.csv", table);
    workplace.file("prompts.json", PROMPTS);
    workplace.file("schema.json", SCHEMA);
    workplace
}

fn reports(row: usize) -> String {
    format!("On approach at {row}00 ft, 140 kt: a flock of gulls hit the left engine; no damage. ")
        .repeat(1 + row % 4)
}

fn value(ran: Ran) -> Value {
    serde_json::from_str(&ran.good().stdout).expect("JSON")
}

fn usd(value: &Value) -> f64 {
    let text = value.as_str().expect("an amount as text");
    text.parse().expect("an amount")
}

/// Returns the range that is estimated for a command line, and what the run then costs.
fn both(workplace: &Workplace, arguments: &str) -> (Value, Value) {
    let estimate = value(workplace.quarry(&format!("estimate {arguments} --json")));
    let run = workplace
        .quarry(&format!("run {arguments} --out out --json"))
        .good()
        .report();
    (estimate, run["summary"].clone())
}

#[test]
fn what_a_run_costs_lies_within_its_estimate() {
    let files = "data.csv --prompts prompts.json --schema schema.json";
    let japanese: Report =
        |row: usize| format!("{row}番の報告。鳥が左のエンジンに当たりましたが、損傷はありません。");
    let german: Report = |row: usize| {
        format!("Bericht {row}: Möwen trafen das linke Triebwerk, ohne Schäden für die Fluggäste.")
    };
    let haiku = "--set BEDROCK_PRIMARY_MODEL_ID=us.anthropic.claude-haiku-4-5-20251001-v1:0";
    let nova = "--set BEDROCK_PRIMARY_MODEL_ID=us.amazon.nova-lite-v1:0";
    let cases: [(&str, Report, String); 6] = [
        ("jobs", reports, format!("{files} {haiku}")),
        (
            "calls",
            reports,
            format!("{files} {haiku} --set BEDROCK_BATCH_MODE=realtime"),
        ),
        ("without a tool", reports, format!("{files} {nova}")),
        (
            "no schema",
            reports,
            format!("data.csv --prompts prompts.json {haiku}"),
        ),
        ("Japanese", japanese, format!("{files} {haiku}")),
        ("German", german, format!("{files} {haiku}")),
    ];
    for (what, report, arguments) in cases {
        let workplace = workplace(report);
        let (estimate, summary) = both(&workplace, &arguments);
        assert_eq!(estimate["records"], 130, "{what}");
        let cost = usd(&summary["cost"]["total"]);
        let range = &estimate["cost"];
        assert!(
            usd(&range["low"]) <= cost && cost <= usd(&range["high"]),
            "{what}: {cost}, {estimate}"
        );
        for (name, spent) in [
            ("input", &summary["tokens"]["input"]),
            ("output", &summary["tokens"]["output"]),
        ] {
            let range = &estimate["tokens"][name];
            let [low, spent, high] = [&range["low"], spent, &range["high"]].map(Value::as_u64);
            assert!(
                low <= spent && spent <= high,
                "{what}: {name} {spent:?}, {range}"
            );
        }
        let jobs = summary["batch_job_info"]["total_jobs"]
            .as_u64()
            .unwrap_or(0);
        assert_eq!(estimate["jobs"], jobs, "{what}");
    }
}

#[test]
fn an_estimate_shows_each_way_and_the_date_of_its_prices() {
    let workplace = workplace(reports);
    let files = "data.csv --prompts prompts.json --schema schema.json";
    let ran = workplace.quarry(&format!(
        "estimate {files} --set BEDROCK_PRIMARY_MODEL_ID=us.amazon.nova-2-lite-v1:0"
    ));
    let text = ran.good().stdout;
    for line in [
        "model         us.amazon.nova-2-lite-v1:0",
        "records       130 records",
        "  in jobs     ",
        "  on demand   ",
        "  flex        ",
        "AWS's own     ",
        "  steps       ",
        "  functions   ",
        "  requests    ",
        "  storage     ",
        "prices        of 2026-",
    ] {
        assert!(
            text.lines().any(|found| found.starts_with(line)),
            "{line}: {text}"
        );
    }
}

#[test]
fn a_model_without_a_known_price_has_records_and_tokens_and_the_nearest_model_is_named() {
    let workplace = workplace(reports);
    let command = "estimate data.csv --prompts prompts.json --schema schema.json --set \
                   BEDROCK_PRIMARY_MODEL_ID=us.anthropic.claude-haiku-4-5-20251001-v1:1";
    let ran = workplace.quarry(command).good();
    for expected in [
        "\nrecords ",
        "\ntokens in ",
        "\ncost          unknown: no price is known for us.anthropic.claude-haiku-4-5-20251001-v1:1; did you mean \
         `us.anthropic.claude-haiku-4-5-20251001-v1:0`?; give it with --price-in",
        "\nAWS's own ",
    ] {
        assert!(ran.stdout.contains(expected), "{expected}: {}", ran.stdout);
    }
    let run = workplace
        .quarry(&command.replacen("estimate", "run", 1))
        .good();
    let note = "(did you mean `us.anthropic.claude-haiku-4-5-20251001-v1:0`?)";
    assert!(run.stdout.contains(note), "{}", run.stdout);
    let json = value(workplace.quarry(&format!("{command} --json")));
    assert!(
        json["tokens"]["input"]["expected"].as_u64() > Some(0),
        "{json}"
    );
    assert_eq!(
        (&json["cost"], &json["prices"]),
        (&Value::Null, &Value::Null)
    );
    for cap in ["--max-cost 5", "--set BEDROCK_MAX_COST=5"] {
        let ran = workplace.quarry(&format!("{command} {cap}"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains("no price is known"), "{}", ran.stderr);
    }
}

/// A price of one's own counts for every way, and is needed for the cost of a model without a known price.
#[test]
fn a_price_can_be_given() {
    let workplace = workplace(reports);
    let unknown = "estimate data.csv --prompts prompts.json --schema schema.json --set BEDROCK_PRIMARY_MODEL_ID=my-own-name";
    let ran = workplace.quarry(&format!("{unknown} --max-cost 1"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let why = "no price is known for my-own-name; give it with --price-in and --price-out";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    let given = value(workplace.quarry(&format!("{unknown} --price-in 1000 --price-out 0 --json")));
    let tokens = given["tokens"]["input"]["expected"]
        .as_u64()
        .expect("a number");
    assert_eq!(
        given["cost"]["expected"],
        json!(format!("{}.{:03}000", tokens / 1_000, tokens % 1_000))
    );
    assert_eq!(workplace.quarry(&format!("{unknown} --price-in 1")).code, 2);
    assert_eq!(
        workplace
            .quarry(&format!("{unknown} --price-in x --price-out 1"))
            .code,
        2
    );
}

#[test]
fn an_estimate_above_the_most_that_is_allowed_has_exit_code_5() {
    let workplace = workplace(reports);
    let files = "estimate data.csv --prompts prompts.json --schema schema.json";
    workplace.quarry(&format!("{files} --max-cost 5")).good();
    let ran = workplace.quarry(&format!("{files} --max-cost 0.0001"));
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("more than --max-cost, 0.0001 USD"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("AWS's own"));
}
