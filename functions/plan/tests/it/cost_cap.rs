//! A run that is expected to cost more than `BEDROCK_MAX_COST` is refused, with what it would cost.

use crate::support::{plan_in, refusal, rows, run};
use quarry_contract::plan::Plan;
use quarry_cost::Usd;
use quarry_cost::estimate::Estimated;
use quarry_planned_run::{RunInput, TimeFor};
use std::sync::Arc;

/// A run of 40 rows on demand.
async fn forty() -> RunInput {
    let input = rows(40).await.set("BEDROCK_BATCH_MODE", "realtime");
    input.set("BEDROCK_MAX_TOKENS", "500")
}

fn cost(plan: &Plan) -> Estimated<Usd> {
    let (rates, estimate) = (plan.rates.as_ref().unwrap(), plan.estimate.unwrap());
    let way = quarry_cost::Way::OnDemand;
    estimate.cost(&rates.primary, way).unwrap()
}

#[tokio::test]
async fn a_run_above_the_cap_on_its_cost_is_refused_with_the_cost_and_the_remedies() {
    let cost = cost(&forty().await.plan().await.unwrap());
    let below = Usd::of_parts(cost.expected.parts() - 1_000_000);
    let input = forty().await.set("BEDROCK_MAX_COST", &below.to_string());
    let text = refusal(&input).await;
    assert!(
        text.starts_with(&format!(
            "the run is expected to cost {} ({} to {}), more than BEDROCK_MAX_COST, {}; send fewer rows",
            cost.expected.shown_beside(below),
            cost.low.shown(),
            cost.high.shown(),
            below.as_given()
        )),
        "{text}"
    );
    assert_ne!(cost.expected.shown_beside(below), below.as_given());
    for remedy in [
        "BEDROCK_MAX_TOKENS",
        "raise BEDROCK_MAX_COST where it is set: in --set, in the request, or in the deployment",
        "sample",
    ] {
        assert!(text.contains(remedy), "{text}");
    }
    let mut stored = input.store.locations();
    stored.retain(|at| at.key().starts_with("work/"));
    assert_eq!(stored, [run().owner()], "nothing for a later step");
}

#[tokio::test]
async fn a_run_that_may_cost_more_than_the_cap_is_planned_with_a_note() {
    let cost = cost(&forty().await.plan().await.unwrap());
    let with_cap = |cap: Usd| async move {
        let input = forty().await.set("BEDROCK_MAX_COST", &cap.to_string());
        input.plan().await.unwrap().notes
    };
    let noted = with_cap(cost.expected).await;
    let note = "the run may cost more than BEDROCK_MAX_COST";
    assert!(noted.iter().any(|one| one.starts_with(note)), "{noted:?}");
    assert!(with_cap(cost.high).await.is_empty());
}

#[tokio::test]
async fn a_cap_without_a_price_is_refused_before_a_row_is_read() {
    let unknown = ("BEDROCK_PRIMARY_MODEL_ID", "my-own-name");
    let fallback = ("BEDROCK_FALLBACK_MODEL_ID", "my-other-name");
    for (setting, model) in [unknown, fallback] {
        let input = forty().await.set(setting, model);
        input.planned().await.expect("without a cap it is planned");
        let input = forty().await.set(setting, model);
        let text = refusal(&input.set("BEDROCK_MAX_COST", "1000")).await;
        assert!(
            text.contains(&format!("no price is known for {model}"))
                && text.contains("BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT")
                && text.contains("quarry models")
                && text.contains("in place of an application inference profile, its model"),
            "{text}"
        );
    }
}

const PROFILE: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl";

/// The forty rows to an application inference profile, whose price is set and is that of the usual model.
async fn forty_to_a_profile() -> RunInput {
    let input = forty().await.set("BEDROCK_PRIMARY_MODEL_ID", PROFILE);
    let input = input.set("BEDROCK_PRICE_IN", "1.1");
    input.set("BEDROCK_PRICE_OUT", "5.5")
}

#[tokio::test]
async fn the_price_that_is_set_for_a_profile_is_what_its_cap_holds_by() {
    let input = forty_to_a_profile().await;
    let plan = input.set("BEDROCK_MAX_COST", "5").plan().await.unwrap();
    let rates = &plan.rates.as_ref().unwrap().primary;
    assert_eq!(rates.model, PROFILE);
    assert_eq!(rates.source, "BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT");
    assert_eq!(rates.on_demand.unwrap().input, "1.1".parse().unwrap());
    let job = rates.of(quarry_cost::Way::Job).unwrap();
    assert_eq!(job.rate.output, "2.75".parse().unwrap(), "half in a job");
    assert!(
        !plan.notes.iter().any(|one| one.contains("price")),
        "{:?}",
        plan.notes
    );
    let input = forty_to_a_profile().await;
    let text = refusal(&input.set("BEDROCK_MAX_COST", "0.000002")).await;
    assert!(text.contains("more than BEDROCK_MAX_COST"), "{text}");
}

#[tokio::test]
async fn a_price_that_is_set_for_a_model_with_a_known_price_has_no_effect_and_is_noted() {
    let known = forty().await.plan().await.unwrap();
    let input = forty().await.set("BEDROCK_PRICE_IN", "1000");
    let plan = input.set("BEDROCK_PRICE_OUT", "0").plan().await.unwrap();
    assert_eq!(plan.rates, known.rates);
    let note = "BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT have no effect";
    assert!(
        plan.notes.iter().any(|one| one.starts_with(note)),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn the_cap_of_the_deployment_holds_for_every_run() {
    let mut input = forty().await;
    let cap = ("BEDROCK_MAX_COST".to_owned(), "0.00001".to_owned());
    input.deployment.extend([cap]);
    let text = refusal(&input).await;
    assert!(
        text.contains("more than BEDROCK_MAX_COST, 0.00001 USD"),
        "{text}"
    );
    let text = refusal(&input.set("BEDROCK_MAX_COST", "5")).await;
    assert!(text.contains("as the deployment says"), "{text}");
}

/// A table of three files, of which each call scans one.
#[tokio::test]
async fn a_scan_of_several_calls_estimates_what_one_call_does() {
    let file = |first: usize| {
        let lines: Vec<String> = (first..first + 1_500)
            .map(|row| format!("r{row}\n"))
            .collect();
        format!("row\n{}", lines.concat())
    };
    let files = [0, 1_500, 3_000].map(file);
    let named: Vec<(&str, &[u8])> = ["a.csv", "b.csv", "c.csv"]
        .into_iter()
        .zip(files.iter().map(String::as_bytes))
        .collect();
    let prompt = crate::support::CELL;
    let at_once = RunInput::new(prompt, &named).await.plan().await.unwrap();
    let input = RunInput::new(prompt, &named).await;
    let store = Arc::new(input.store.clone());
    let mut turns = 0;
    while !input
        .call(store.clone(), turns, &TimeFor::pieces(0))
        .await
        .unwrap()
        .done
    {
        turns += 1;
    }
    assert!(turns > 0, "one call did all");
    let estimate = plan_in(&input.store).await.estimate.unwrap();
    assert_eq!(Some(estimate), at_once.estimate);
    assert!(estimate.counted < estimate.all().records);
}
