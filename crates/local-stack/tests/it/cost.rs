//! Promise: the cost in the summary is what the service bills, to the last part of a cent. The simulator
//! has prices of its own and adds up by itself.

use crate::support::{Case, csv};
use bytes::Bytes;
use quarry_bedrock_simulator::BilledWay;
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::Plan;
use quarry_cost::{Usd, Way};
use quarry_edge::documents;
use quarry_result::summary::{CostSummary, Summary};
use serde_json::{Value, json};

const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
/// It has no batch price in the lists.
const SONNET_4: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
/// The profile of a user, which does not say what model is behind it, so no list has its price.
const OWN_PROFILE: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl";
const NOVA: &str = "us.amazon.nova-lite-v1:0";

fn usd(parts: Option<u128>) -> Usd {
    Usd::of_parts(parts.unwrap())
}

/// Runs the case. Every sum of the summary's cost must be its total, and the total the bill.
async fn cost(case: &Case, what: &str) -> (Summary, CostSummary) {
    let finished = case.run().await.unwrap();
    let summary: Summary = serde_json::from_value(finished.summary).unwrap();
    let cost = summary.cost.clone().expect(what);
    let bill = case.stack.simulator().bill();
    assert_eq!(cost.total, usd(bill.total()), "{what}: {bill:?}");
    assert_eq!(cost.total, cost.input + cost.output, "{what}");
    let tables: Usd = cost.by_table.iter().map(|one| one.total).sum();
    let models: Usd = cost.by_model.iter().map(|one| one.total).sum();
    let rounds: Usd = cost.by_round.iter().map(|one| one.total).sum();
    let ways: Usd = cost.by_way.iter().map(|one| one.total).sum();
    assert_eq!([tables, models, rounds, ways], [cost.total; 4], "{what}");
    let tokens: u64 = cost.by_way.iter().map(|way| way.output_tokens).sum();
    assert_eq!(tokens, summary.tokens.output, "{what}");
    let lines = cost.by_way.iter().zip([
        BilledWay::Batch,
        BilledWay::OnDemand,
        BilledWay::Flex,
        BilledWay::Priority,
    ]);
    if cost.by_way.len() == 4 {
        for (way, billed) in lines {
            assert_eq!(way.total, usd(bill.total_of(billed)), "{what}");
        }
    }
    (summary, cost)
}

async fn case(rows: usize, settings: &[(&str, &str)], faults: Value) -> Case {
    Case::new(&csv(rows), settings, |config| {
        config.faults = serde_json::from_value(faults).unwrap();
    })
    .await
}

/// Two jobs, a round whose rest is sent on demand, and faults of answers that are paid for all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_of_jobs_calls_and_rounds_is_the_bill() {
    for model in [HAIKU, SONNET_4] {
        let settings = [
            ("BEDROCK_PRIMARY_MODEL_ID", model),
            ("BEDROCK_MAX_RECORDS_PER_JOB", "120"),
        ];
        let faults = json!({"records": [
            {"every": 9, "offset": 1, "kind": "schema_violation", "times": 2},
            {"every": 11, "offset": 2, "kind": "max_tokens"},
            {"every": 40, "offset": 3, "kind": "duplicate"},
            {"every": 40, "offset": 4, "kind": "conflicting_duplicate"},
            {"every": 40, "offset": 5, "kind": "error_line", "code": 500},
            {"every": 40, "offset": 6, "kind": "refusal"},
        ]});
        let case = case(220, &settings, faults).await;
        let (summary, cost) = cost(&case, model).await;
        assert_eq!(cost.by_round.len(), 3, "{model}");
        let ways: Vec<&str> = cost.by_way.iter().map(|way| way.way.as_str()).collect();
        assert_eq!(ways, ["job", "on_demand"]);
        let assumed = cost.prices.iter().filter(|price| price.assumed.is_some());
        assert_eq!(assumed.count(), usize::from(model == SONNET_4), "{model}");
        let on_demand = cost.on_demand_would_be.unwrap();
        let jobs = cost.by_way[0].total;
        assert_eq!(on_demand, cost.total + jobs, "{model}: jobs cost half");
        assert_eq!(cost.per_row, cost.total.shared_by(220));
        let valid = summary.validation_passed_records;
        assert_eq!(cost.per_valid_answer, cost.total.shared_by(valid));
    }
}

/// Each model's tokens have that model's price.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_of_a_fallback_model_is_its_own() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", HAIKU),
        ("BEDROCK_FALLBACK_MODEL_ID", NOVA),
        ("BEDROCK_BATCH_MODE", "realtime"),
    ];
    let faults = json!({"records": [
        {"every": 2, "kind": "error_line", "code": 400, "message": "not this one"}
    ]});
    let case = case(6, &settings, faults).await;
    let (_, cost) = cost(&case, "fallback").await;
    let models: Vec<&str> = cost.by_model.iter().map(|one| one.model.as_str()).collect();
    assert_eq!(models, [HAIKU, NOVA]);
    assert!(cost.by_model[1].total > Usd::default());
}

/// A tier has its own price, and what is sent after the tier was left has the usual one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_of_each_service_tier_is_its_own() {
    for (tier, ways) in [
        ("flex", &["flex"][..]),
        ("priority", &["priority"]),
        ("default", &["on_demand"]),
    ] {
        let settings = [
            ("BEDROCK_PRIMARY_MODEL_ID", NOVA_2),
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_SERVICE_TIER", tier),
        ];
        let case = case(4, &settings, json!({})).await;
        let (_, cost) = cost(&case, tier).await;
        let used: Vec<&str> = cost.by_way.iter().map(|way| way.way.as_str()).collect();
        assert_eq!(used, ways);
    }
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", NOVA_2),
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_SERVICE_TIER", "flex"),
        ("BEDROCK_FLEX_WAIT_MINUTES", "30"),
    ];
    let faults = json!({"calls": [
        {"operation": "invoke", "kind": "throttle", "tier": "flex", "minutes": 600}
    ]});
    let case = case(4, &settings, faults).await;
    let (_, cost) = cost(&case, "flex that throttles").await;
    assert_eq!(cost.by_way[0].way.as_str(), "on_demand");
}

/// Training splits are tables with a cost of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_of_each_table_is_its_own() {
    let files = [
        ("train/a.csv", Bytes::from(csv(5))),
        ("val/a.csv", Bytes::from(csv(2))),
        ("test/a.csv", Bytes::from(csv(0))),
    ];
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", HAIKU),
        ("BEDROCK_BATCH_MODE", "realtime"),
    ];
    let mut case = Case::of_files(&files, "Judge {id}: {text}", &settings, |_| {}).await;
    case.request.job_type = quarry_contract::request::JobType::Training;
    let (summary, cost) = cost(&case, "training").await;
    assert_eq!(cost.by_table.len(), summary.tables.len());
    let [train, val, test] = &cost.by_table[..] else {
        panic!("{cost:?}");
    };
    assert_eq!(train.split.as_deref(), Some("train"));
    assert!(train.total > val.total && val.total > test.total);
    assert_eq!(test.total, Usd::default());
}

/// Answers that were lost on their way are billed, and Quarry cannot know their tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_is_that_of_the_answers_that_came_back() {
    let settings = [("BEDROCK_PRIMARY_MODEL_ID", HAIKU)];
    let faults = json!({"records": [{"every": 10, "kind": "missing"}]});
    let case = case(110, &settings, faults).await;
    let finished = case.run().await.unwrap();
    let cost: CostSummary = serde_json::from_value(finished.summary["cost"].clone()).unwrap();
    assert!(cost.total < usd(case.stack.simulator().bill().total()));
}

/// A model without a known price: a note says so, and there is no cost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_without_a_known_price_says_so_and_has_no_cost() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", "my-own-name"),
        ("BEDROCK_BATCH_MODE", "realtime"),
    ];
    let case = case(2, &settings, json!({})).await;
    let summary = case.run().await.unwrap().summary;
    assert!(summary["cost"].is_null(), "{summary}");
    let note = "no price is known for my-own-name, so the summary has no cost; BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT \
                set one";
    let notes = summary["notes"].as_array().unwrap();
    assert!(notes.iter().any(|text| text == note), "{notes:?}");
}

async fn with_own_price(mode: &str, cap: Option<Usd>) -> Case {
    let cap = cap.map(|cap| cap.to_string());
    let mut settings = vec![
        ("BEDROCK_PRIMARY_MODEL_ID", OWN_PROFILE),
        ("BEDROCK_BATCH_MODE", mode),
        ("BEDROCK_PRICE_IN", "3"),
        ("BEDROCK_PRICE_OUT", "15"),
    ];
    settings.extend(cap.as_deref().map(|cap| ("BEDROCK_MAX_COST", cap)));
    case(110, &settings, json!({})).await
}

/// From the plan's estimate over the cap to the summary. Nobody read this price anywhere, so it has no day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_of_the_settings_is_that_of_the_estimate_the_cap_and_the_summary() {
    for (mode, way, in_parts, out_parts) in [
        ("realtime", Way::OnDemand, 3_000_000, 15_000_000),
        ("batch", Way::Job, 1_500_000, 7_500_000),
    ] {
        let cost_of = |input: u64, output: u64| {
            Usd::of_parts(u128::from(input) * in_parts + u128::from(output) * out_parts)
        };
        let free = with_own_price(mode, None).await;
        let finished = free.run().await.unwrap();
        let at = RunFolder::at(finished.output.run.clone()).plan();
        let plan: Plan = documents::read(&**free.stack.store(), &at).await.unwrap();
        let estimate = plan.estimate.unwrap();
        let rates = plan.rates.unwrap().primary;
        let expected = estimate.cost(&rates, Way::OnDemand).unwrap().expected;
        let tokens = estimate.tokens();
        assert_eq!(
            expected,
            cost_of(tokens.input.expected, tokens.output.expected),
            "{mode}"
        );

        let summary: Summary = serde_json::from_value(finished.summary).unwrap();
        let cost = summary.cost.unwrap();
        assert_eq!(
            cost.total,
            cost_of(summary.tokens.input, summary.tokens.output),
            "{mode}"
        );
        let [price] = &cost.prices[..] else {
            panic!("{mode}: {:?}", cost.prices);
        };
        assert_eq!((price.way, &price.checked), (way, &None), "{mode}");
        assert_eq!(price.source, "BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT");
        assert_eq!(price.input, Usd::of_parts(in_parts * 1_000_000), "{mode}");

        let millionth = 1_000_000;
        let above = Usd::of_parts((expected.parts() / millionth + 1) * millionth);
        let below = Usd::of_parts((expected.parts() / millionth - 1) * millionth);
        with_own_price(mode, Some(above)).await.run().await.unwrap();
        let refused = with_own_price(mode, Some(below)).await.run().await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.error, "Quarry.BadRequest", "{mode}");
        assert!(refused.cause.contains("BEDROCK_MAX_COST"), "{refused}");
    }
}
