//! On-demand calls through the adapter.

use crate::support::{NOVA, SONNET, World, input, new_job, prompt, schema, tool_body};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::ServiceTierType;
use bytes::Bytes;
use quarry_bedrock_simulator::{
    AnswerSource, CallFault, CallFaultKind, FaultDate, FaultTier, Faults, Operation, RecordFault,
    RecordFaultKind, parse_given,
};
use quarry_edge::error::StepError;
use quarry_edge::jobs::BatchJobs;
use quarry_edge::on_demand::{InvokeError, OnDemand, Question};
use serde_json::{Value, json};
use std::time::Duration;

async fn ask(world: &World, converse: bool, body: &Value) -> Result<Value, InvokeError> {
    let body = Bytes::from(body.to_string());
    let model = if converse { NOVA } else { SONNET };
    let answer = world
        .on_demand
        .invoke(Question::of(model, converse, body))
        .await?;
    Ok(serde_json::from_slice(&answer.json).unwrap())
}

#[tokio::test]
async fn invoke_returns_the_answer_that_a_job_would_write() {
    let world = World::new(|_| {}).await;
    let (_, lines) = world.run("job", input(1, tool_body)).await;
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let answer = ask(&world, false, &tool_body(&prompt(0))).await.unwrap();
    let input = &answer["content"][0]["input"];
    assert!(jsonschema::is_valid(&schema(), input));
    assert_eq!(*input, line["modelOutput"]["content"][0]["input"]);
    assert_eq!(world.simulator.asks("record_0")[0].asks(), 2);
}

#[tokio::test]
async fn converse_returns_its_own_form_and_calls_tools() {
    let world = World::new(|_| {}).await;
    let mut body = json!({
        "messages": [{"role": "user", "content": [{"text": "ask"}]}],
        "system": [{"text": "be brief"}],
        "inferenceConfig": {"maxTokens": 500, "temperature": 0.7, "topP": 0.999},
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": schema()}}}],
            "toolChoice": {"tool": {"name": "t"}}
        },
        "additionalModelRequestFields": {"top_k": 5}
    });
    let answer = ask(&world, true, &body).await.unwrap();
    let call = &answer["output"]["message"]["content"][0]["toolUse"];
    assert_eq!(call["name"], "t");
    assert!(jsonschema::is_valid(&schema(), &call["input"]));
    assert_eq!(answer["stopReason"], "tool_use");
    assert!(answer["usage"]["totalTokens"].as_u64().unwrap() > 2);

    body.as_object_mut().unwrap().shift_remove("toolConfig");
    let answer = ask(&world, true, &body).await.unwrap();
    assert!(answer["output"]["message"]["content"][0]["text"].is_string());
}

/// The adapter sends the record's own body and not the SDK's version of it: the service receives a
/// key that the SDK's types do not have.
#[tokio::test]
async fn a_converse_body_goes_out_as_it_is_written() {
    let world = World::new(|_| {}).await;
    let body = json!({
        "messages": [{"role": "user", "content": [{"text": "ask"}]}],
        "modelId": NOVA
    });
    match ask(&world, true, &body).await {
        Err(InvokeError::Rejected { code, message }) => {
            assert_eq!(code, 400);
            assert!(message.contains("[modelId]"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_that_the_model_refuses_is_the_records_problem() {
    let world = World::new(|_| {}).await;
    let mut body = tool_body("ask");
    body["max_tokens"] = json!(0);
    match ask(&world, false, &body).await {
        Err(InvokeError::Rejected { code, message }) => {
            assert_eq!(code, 400);
            // A job writes these words into the record's error line.
            assert_eq!(
                message,
                "max_tokens: Input should be greater than or equal to 1"
            );
        }
        other => panic!("{other:?}"),
    }
    let no_json = Bytes::from_static(b"{");
    let refused = world
        .on_demand
        .invoke(Question::of(SONNET, false, no_json))
        .await;
    assert!(matches!(
        refused,
        Err(InvokeError::Rejected { code: 400, .. })
    ));
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_every_records_problem() {
    let world = World::new(|_| {}).await;
    let body = Bytes::from(tool_body("ask").to_string());
    let profile = "arn:aws:bedrock:us-east-1:123456789012:inference profile/us.nobody";
    let missing = world
        .on_demand
        .invoke(Question::of(profile, false, body))
        .await;
    assert!(
        matches!(missing, Err(InvokeError::NotFound(_))),
        "{missing:?}"
    );
}

/// Returns the code and words of a refused `InvokeModel` call.
async fn refused(world: &World, model: &str, body: &Value) -> (String, String) {
    let error = world
        .runtime
        .invoke_model()
        .model_id(model)
        .body(Blob::new(body.to_string()))
        .send()
        .await
        .unwrap_err();
    let code = error.code().unwrap_or_default().to_owned();
    (code, error.message().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_model_that_needs_a_profile_says_so() {
    let world = World::new(|_| {}).await;
    let model = "anthropic.claude-haiku-4-5-20251001-v1:0";
    let (code, message) = refused(&world, model, &tool_body("ask")).await;
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        "Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput \
         isn\u{2019}t supported. Retry your request with the ID or ARN of an inference profile that \
         contains this model."
    );
    let body = Bytes::from(tool_body("ask").to_string());
    let profile = format!("global.{model}");
    world
        .on_demand
        .invoke(Question::of(&profile, false, body))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_the_newest_models_refuse_is_refused_in_their_words() {
    let world = World::new(|_| {}).await;
    let model = "us.anthropic.claude-opus-5-5";
    let (_, message) = refused(&world, model, &tool_body("ask")).await;
    assert_eq!(
        message,
        "tool_choice: type \"tool\" and \"any\" are not supported for this model."
    );
    let mut body = tool_body("ask");
    body.as_object_mut().unwrap().shift_remove("tool_choice");
    body.as_object_mut().unwrap().shift_remove("tools");
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
    let (_, message) = refused(&world, model, &body).await;
    assert_eq!(
        message,
        "output_config.format: Extra inputs are not permitted"
    );
    let mut long = tool_body(&"word ".repeat(200_000));
    long["max_tokens"] = json!(64_000);
    let (_, message) = refused(&world, SONNET, &long).await;
    // With the tools, and around them.
    let tokens = message
        .strip_prefix("prompt is too long: ")
        .and_then(|rest| rest.strip_suffix(" tokens > 200000 maximum"))
        .and_then(|tokens| tokens.parse::<u64>().ok());
    assert!(
        tokens.is_some_and(|tokens| (200_000..201_000).contains(&tokens)),
        "{message}"
    );
}

/// An account or Region may differ from the list.
#[tokio::test]
async fn what_models_accept_can_be_changed() {
    let world = World::new(|config| {
        config.faults = Faults::from_json(
            br#"{"models": [{"model": "anthropic.claude-sonnet-4-5", "refuses": ["tool_choice"]}]}"#,
        )
        .unwrap();
    })
    .await;
    let (_, message) = refused(&world, SONNET, &tool_body("ask")).await;
    assert!(message.starts_with("tool_choice:"), "{message}");
}

#[tokio::test]
async fn an_ended_model_has_reached_the_end_of_its_life() {
    let world = World::new(|config| config.faults.today = FaultDate::read("2026-11-28")).await;
    let model = "us.anthropic.claude-sonnet-4-20250514-v1:0";
    let (code, message) = refused(&world, model, &tool_body("ask")).await;
    assert_eq!(code, "ResourceNotFoundException");
    assert!(message.contains("reached the end of its life"), "{message}");
}

/// The first use of a model in an account.
#[tokio::test]
async fn denials_pass_after_their_minutes_or_calls() {
    let world = World::new(|config| {
        config.faults.calls = vec![
            CallFault::of_minutes(10, Operation::Invoke, CallFaultKind::SubscriptionPending),
            CallFault::of_first(2, Operation::Create, CallFaultKind::UseCaseFormMissing),
        ];
    })
    .await;
    for _ in 0..2 {
        let (code, message) = refused(&world, SONNET, &tool_body("ask")).await;
        assert_eq!(code, "AccessDeniedException");
        assert!(message.contains("aws-marketplace:Subscribe"), "{message}");
        world.wait(Duration::from_mins(5));
        let created = world.jobs.create(&new_job("first")).await.unwrap_err();
        let text = StepError::of(created, "creating the job").full_message();
        assert!(
            text.contains("use case details have not been submitted"),
            "{text}"
        );
    }
    ask(&world, false, &tool_body("ask")).await.unwrap();
    world.jobs.create(&new_job("first")).await.unwrap();
}

#[tokio::test]
async fn a_region_without_the_model_and_a_legacy_model_are_refused_in_the_services_words() {
    for (kind, code, words) in [
        (
            CallFaultKind::NotInRegion,
            "ValidationException",
            "The provided model identifier is invalid.",
        ),
        (
            CallFaultKind::Legacy,
            "ResourceNotFoundException",
            "Access denied. This Model is marked by provider as Legacy",
        ),
    ] {
        let world = World::new(|config| {
            config.faults.calls = vec![CallFault {
                model: Some("anthropic.".into()),
                ..CallFault::of_every(1, Operation::Invoke, kind)
            }];
        })
        .await;
        let (refused_with, message) = refused(&world, SONNET, &tool_body("ask")).await;
        assert_eq!(refused_with, code);
        assert!(message.starts_with(words), "{message}");
        let other = json!({"messages": [{"role": "user", "content": [{"text": "ask"}]}]});
        ask(&world, true, &other).await.unwrap();
    }
}

const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";

fn nova_body() -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": "ask"}]}]})
}

/// A header of `InvokeModel` names the tier that answered.
#[tokio::test]
async fn tiers_are_named_in_a_header_and_refused_for_models_without() {
    let world = World::new(|_| {}).await;
    let call = |model: &str, tier: &str, body: &Value| {
        world
            .runtime
            .invoke_model()
            .model_id(model)
            .service_tier(ServiceTierType::from(tier))
            .body(Blob::new(body.to_string()))
            .send()
    };
    let answer = call(NOVA_2, "flex", &nova_body()).await.unwrap();
    assert_eq!(answer.service_tier, Some(ServiceTierType::Flex));
    for (model, tier, body, words) in [
        (
            SONNET,
            "flex",
            tool_body("ask"),
            "service tier flex is not supported",
        ),
        (NOVA_2, "reserved", nova_body(), "Reservation not found."),
        (
            NOVA_2,
            "cheapest",
            nova_body(),
            "service tier provided is invalid",
        ),
    ] {
        let error = call(model, tier, &body).await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationException"));
        let message = error.message().unwrap_or_default();
        assert!(message.contains(words), "{message}");
    }
    let plain = world
        .runtime
        .invoke_model()
        .model_id(NOVA_2)
        .body(Blob::new(nova_body().to_string()))
        .send()
        .await
        .unwrap();
    assert_eq!(plain.service_tier, None);
}

#[tokio::test]
async fn converse_names_the_tier_in_its_bodies() {
    let world = World::new(|_| {}).await;
    let mut body = nova_body();
    body["serviceTier"] = json!({"type": "priority"});
    let answer = world
        .on_demand
        .invoke(Question::of(NOVA_2, true, Bytes::from(body.to_string())))
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer.json).unwrap();
    assert_eq!(answer["serviceTier"]["type"], "priority");
    let refused = world
        .on_demand
        .invoke(Question::of(SONNET, true, Bytes::from(body.to_string())))
        .await;
    assert!(
        matches!(&refused, Err(InvokeError::Rejected { message, .. }) if message.contains("tier")),
        "{refused:?}"
    );
}

/// When one tier throttles, the others do not.
#[tokio::test]
async fn one_tier_is_throttled_for_some_time() {
    let world = World::new(|config| {
        config.faults.calls = vec![CallFault {
            tier: Some(FaultTier::Flex),
            message: Some("flex is busy".into()),
            ..CallFault::of_minutes(30, Operation::Invoke, CallFaultKind::Throttle)
        }];
    })
    .await;
    let call = |tier: ServiceTierType| {
        world
            .runtime
            .invoke_model()
            .model_id(NOVA_2)
            .service_tier(tier)
            .body(Blob::new(nova_body().to_string()))
            .send()
    };
    let throttled = call(ServiceTierType::Flex).await.unwrap_err();
    assert_eq!(throttled.code(), Some("ThrottlingException"));
    assert_eq!(throttled.message(), Some("flex is busy"));
    call(ServiceTierType::Default).await.unwrap();
    world.wait(Duration::from_mins(30));
    call(ServiceTierType::Flex).await.unwrap();
}

/// Prompts that no job had before are records too.
#[tokio::test]
async fn unknown_prompts_are_counted_by_their_text() {
    let world = World::new(|_| {}).await;
    for text in ["a", "b", "a"] {
        ask(&world, false, &tool_body(text)).await.unwrap();
    }
    let asks = world.simulator.asks_of_prompt("a");
    assert_eq!(asks.len(), 1);
    assert_eq!((asks[0].on_demand, asks[0].good), (2, 2));
    assert_eq!(world.simulator.records().len(), 2);
}

/// The adapter returns the service's own answer, including members and spellings that the SDK's
/// types do not have, so a line gets it as a job would write it.
#[tokio::test]
async fn a_converse_answer_comes_back_as_it_is_written() {
    let output = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
            {"text": "1.50"}
        ]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5, "novelty": 1},
        "metrics": {"latencyMs": 1},
        "later": {"number": 1.0e2, "nested": [null, {"a": "ü"}]}
    });
    let given = json!({"modelOutput": output}).to_string();
    let world = World::new(|config| {
        config.answers = AnswerSource::Given {
            answers: parse_given(given.as_bytes()).unwrap(),
            schema: None,
        };
    })
    .await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "ask"}]}]});
    let body = Bytes::from(body.to_string());
    let answer = world
        .on_demand
        .invoke(Question::of(NOVA, true, body))
        .await
        .unwrap();
    assert_eq!(answer.json, output.to_string());
}

/// An answer that is not a `Converse` response is an error.
#[tokio::test]
async fn a_converse_answer_of_another_shape_is_an_error() {
    let world = World::new(|config| {
        config.answers = AnswerSource::Given {
            answers: parse_given(b"{\"modelOutput\": [1]}").unwrap(),
            schema: None,
        };
    })
    .await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "ask"}]}]});
    let answer = ask(&world, true, &body).await;
    assert!(
        matches!(answer, Err(InvokeError::BrokenOff(_))),
        "{answer:?}"
    );
}

/// The service charges a call whose reply breaks off. So it is one call, also where the SDK would
/// repeat a call of a connection that breaks.
#[tokio::test]
async fn a_reply_that_breaks_off_is_told_from_a_missing_one_and_not_asked_for_again() {
    let world = World::with_attempts(3, |config| {
        config.faults.records = vec![RecordFault::of_every(1, 0, RecordFaultKind::BrokenOff)];
    })
    .await;
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "ask"}]}]});
    for (is_converse, body) in [(false, tool_body("question")), (true, converse)] {
        let before = world.simulator.counters();
        let answer = ask(&world, is_converse, &body).await;
        let Err(InvokeError::BrokenOff(source)) = answer else {
            panic!("{answer:?}");
        };
        assert!(source.to_string().contains("response error"), "{source}");
        let after = world.simulator.counters();
        assert_eq!(after.on_demand_calls - before.on_demand_calls, 1);
        assert_eq!(after.on_demand_answers - before.on_demand_answers, 1);
        // The fault holds once.
        ask(&world, is_converse, &body).await.unwrap();
    }
}

/// An error of the service is no reply, so the SDK may repeat the call.
#[tokio::test]
async fn a_call_without_a_reply_is_repeated() {
    let world = World::with_attempts(2, |config| {
        let fault = CallFault::of_first(1, Operation::Invoke, CallFaultKind::Unavailable);
        config.faults.calls = vec![fault];
    })
    .await;
    ask(&world, false, &tool_body("question")).await.unwrap();
    assert_eq!(world.simulator.counters().on_demand_calls, 2);
}
