//! `CountTokens`.

use crate::support::{NOVA, SONNET, World};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseTokensRequest, CountTokensInput,
    InvokeModelTokensRequest, Message,
};
use quarry_edge::bedrock::BedrockTokenCounter;
use quarry_edge::failure::chain;
use quarry_edge::on_demand::{OnDemand, Question};
use quarry_edge::token_counter::TokenCounter;
use serde_json::{Value, json};

const HAIKU: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";

fn body() -> bytes::Bytes {
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "system": "You classify reports.",
        "messages": [{"role": "user", "content": "Two gulls hit engine 1 at 1,200 ft."}],
    });
    body.to_string().into()
}

/// The count is that of the answer's bill, and no model is asked for it.
#[tokio::test]
async fn a_body_is_counted_as_it_is_charged_and_counting_is_free() {
    let world = World::new(|_| {}).await;
    let input = InvokeModelTokensRequest::builder().body(Blob::new(body()));
    let input = CountTokensInput::InvokeModel(input.build().expect("a request"));
    let counted = world.runtime.count_tokens().model_id(HAIKU).input(input);
    let counted = counted.send().await.expect("a count").input_tokens;
    assert_eq!(world.simulator.counters().on_demand_calls, 0);
    assert!(world.simulator.bill().lines.is_empty());
    let asked = Question::of(SONNET, false, body());
    let reply = world.on_demand.invoke(asked).await.expect("an answer");
    let reply: Value = serde_json::from_slice(&reply.json).expect("JSON");
    assert_eq!(reply["usage"]["input_tokens"], json!(counted));
}

/// The product's own client counts the same as the SDK's.
#[tokio::test]
async fn both_forms_of_a_question_are_counted() {
    let world = World::new(|_| {}).await;
    let message = Message::builder().role(ConversationRole::User);
    let message = message.content(ContentBlock::Text("Two gulls hit engine 1.".to_owned()));
    let converse = ConverseTokensRequest::builder().messages(message.build().expect("a message"));
    let input = CountTokensInput::Converse(converse.build());
    let counted = world.runtime.count_tokens().model_id(HAIKU).input(input);
    let counted = counted.send().await.expect("a count").input_tokens;
    let own_client = BedrockTokenCounter::new(&world.sdk).expect("a client");
    let converse = json!({
        "messages": [{"role": "user", "content": [{"text": "Two gulls hit engine 1."}]}],
        "inferenceConfig": {"maxTokens": 50},
    });
    let question = Question::of(HAIKU, true, converse.to_string().into());
    let own = own_client.count(&question).await.expect("a count");
    assert_eq!(i32::try_from(own), Ok(counted));
    assert!(own > 5);
    let question = Question::of(HAIKU, false, body());
    assert!(own_client.count(&question).await.expect("a count") > own);
}

#[tokio::test]
async fn profiles_and_models_that_are_not_counted_are_refused() {
    let world = World::new(|_| {}).await;
    let own_client = BedrockTokenCounter::new(&world.sdk).expect("a client");
    let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3";
    for model in [SONNET, NOVA, "anthropic.claude-opus-4-8", profile] {
        let question = Question::of(model, false, body());
        let error = own_client.count(&question).await.expect_err("a refusal");
        let expected = "The provided model doesn't support counting tokens.";
        let text = chain(&error);
        assert!(text.contains(expected), "{model}: {text}");
    }
    let input = InvokeModelTokensRequest::builder().body(Blob::new("no JSON"));
    let input = CountTokensInput::InvokeModel(input.build().expect("a request"));
    let counted = world.runtime.count_tokens().model_id(HAIKU).input(input);
    let refused = counted.send().await.expect_err("a refusal");
    assert_eq!(refused.code(), Some("ValidationException"));
}
