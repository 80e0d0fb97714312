//! Promise: a run does not cost more than `BEDROCK_MAX_COST`, by the service's own bill, except as far as its
//! first rounds cost more than they were expected to. The estimate is held to the same bill.

use crate::support::{Case, csv};
use bytes::Bytes;
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::Plan;
use quarry_cost::estimate::RunEstimate;
use quarry_cost::{Usd, Way};
use quarry_edge::documents;
use quarry_result::summary::Summary;
use serde_json::{Value, json};
use std::iter;

const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/// A run, what it was expected to cost, and what it was charged.
struct Charged {
    summary: Summary,
    result: String,
    expected: Usd,
    /// The same if the length of the answers is known, as it is after a run over a sample.
    with_known_answers: Usd,
    first_rounds: Usd,
    bill: Usd,
}

async fn charged(case: &Case) -> Charged {
    let finished = case.run().await.unwrap();
    let at = RunFolder::at(finished.output.run.clone()).plan();
    let plan: Plan = documents::read(&**case.stack.store(), &at).await.unwrap();
    let summary: Summary = serde_json::from_value(finished.summary).unwrap();
    let rates = plan.rates.unwrap().primary;
    let estimate = plan.estimate.unwrap();
    let mut with_known_answers = estimate;
    let records = estimate.all().records;
    with_known_answers.answer.expected = summary.tokens.output / records;
    let cost = |estimate: &RunEstimate| estimate.cost(&rates, Way::OnDemand).unwrap().expected;
    Charged {
        result: case.result().await,
        expected: cost(&estimate),
        with_known_answers: cost(&with_known_answers),
        first_rounds: summary.cost.as_ref().unwrap().by_round[0].total,
        bill: Usd::of_parts(case.stack.simulator().bill().total().unwrap()),
        summary,
    }
}

async fn case(cap: Option<Usd>, faults: &Value) -> Case {
    let mut settings = vec![
        ("BEDROCK_PRIMARY_MODEL_ID", HAIKU),
        ("BEDROCK_MAX_RECORDS_PER_JOB", "120"),
        ("BEDROCK_MAX_RETRIES", "9"),
    ];
    let cap = cap.map(|cap| cap.to_string());
    settings.extend(cap.as_deref().map(|cap| ("BEDROCK_MAX_COST", cap)));
    Case::new(&csv(220), &settings, |config| {
        config.faults = serde_json::from_value(faults.clone()).unwrap();
    })
    .await
}

/// Every second row gets bad answers again and again; some jobs end early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_a_cap_is_not_charged_more() {
    let always_bad = json!([{"every": 2, "kind": "schema_violation", "times": 20}]);
    let ends = json!([{"job": 0, "kind": "end", "status": "Stopped", "answered": 0.5}]);
    for faults in [
        json!({"records": always_bad}),
        json!({"records": always_bad, "jobs": ends}),
    ] {
        let free = charged(&case(None, &faults).await).await;
        assert_eq!(free.summary.rows.stopped_by_max_cost, 0);
        for percent in [100, 150, 220] {
            let cap = Usd::of_parts(free.expected.parts() * percent / 100);
            let run = charged(&case(Some(cap), &faults).await).await;
            let more = run
                .first_rounds
                .parts()
                .saturating_sub(run.expected.parts());
            assert!(
                run.bill.parts() <= cap.parts() + more,
                "{percent} %: {} of {}",
                run.bill,
                cap
            );
            assert!(run.bill < free.bill, "{percent} %: the cap has no effect");
            let stopped = run.summary.rows.stopped_by_max_cost;
            assert!(stopped > 0, "{percent} %");
            let why = "not sent again because of BEDROCK_MAX_COST";
            assert_eq!(run.result.matches(why).count() as u64, stopped);
            assert_eq!(run.summary.rows.out, 220);
            let noted =
                |note: &String| note.contains(&format!("{stopped} rows without a good answer"));
            assert!(
                run.summary.notes.iter().any(noted),
                "{:?}",
                run.summary.notes
            );
        }
    }
}

/// The length of the answers is known, so only the rules for texts and for what is around them are left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_expected_cost_is_the_bill_within_five_per_cent_if_the_length_of_answers_is_known() {
    let text = "On approach at 1200 ft, 140 kt: a flock of gulls hit the left engine; no damage was found. ";
    for (mode, calls) in [("batch", 0), ("realtime", 130)] {
        for length in 1..4 {
            let rows = (0..130).map(|row| format!("{row},\"{}\"\n", text.repeat(length + row % 3)));
            let table: String = iter::once("id,text\n".to_owned()).chain(rows).collect();
            let files = [("data.csv", Bytes::from(table))];
            let settings = [
                ("BEDROCK_PRIMARY_MODEL_ID", HAIKU),
                ("BEDROCK_BATCH_MODE", mode),
            ];
            let case = Case::of_files(&files, "Judge {id}: {text}", &settings, |_| {}).await;
            let only = json!({
                "type": "object",
                "properties": {
                    "species": {"const": "gull"},
                    "severity": {"const": "none"},
                    "engine": {"const": "left engine"},
                },
                "required": ["species", "severity", "engine"],
                "additionalProperties": false,
            });
            case.put("pipeline/schema.json", &only.to_string()).await;
            let run = charged(&case).await;
            assert_eq!(run.summary.on_demand_records, calls);
            let off = run.with_known_answers.parts().abs_diff(run.bill.parts());
            assert!(
                off * 20 <= run.bill.parts(),
                "{mode}, {length}: expected {}, billed {}",
                run.with_known_answers,
                run.bill
            );
        }
    }
}
