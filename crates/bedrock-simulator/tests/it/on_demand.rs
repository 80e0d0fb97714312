//! On-demand calls through the adapter.

use crate::support::{NOVA, SONNET, World, input, prompt, schema, tool_body};
use bytes::Bytes;
use quarry_bedrock_simulator::{AnswerSource, parse_given};
use quarry_edge::on_demand::{InvokeError, OnDemand, Question};
use serde_json::{Value, json};

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
async fn invoke_answers_what_a_job_would() {
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
async fn converse_answers_in_its_form_and_calls_tools() {
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

/// What goes out is what the record says, not what the SDK's types make of it: here the service
/// sees a key that the types do not have.
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
            // The words that a job would write into the record's error line.
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
async fn an_unknown_model_is_every_records_problem() {
    let world = World::new(|config| config.limits.models = Some(vec![SONNET.into()])).await;
    let body = Bytes::from(tool_body("ask").to_string());
    let profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.nobody";
    let missing = world
        .on_demand
        .invoke(Question::of(profile, false, body))
        .await;
    assert!(
        matches!(missing, Err(InvokeError::NotFound(_))),
        "{missing:?}"
    );
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

/// What comes back is the service's answer, members and spellings included that the SDK's types do
/// not have: it goes into a line as a job would write it.
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

/// An answer that is no `Converse` response is no answer.
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
        matches!(answer, Err(InvokeError::Unavailable(_))),
        "{answer:?}"
    );
}
