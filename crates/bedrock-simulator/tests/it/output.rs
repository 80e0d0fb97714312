//! The output of a job.

use crate::support::{
    NOVA, World, id_of, input, new_job, of_record, prefill_body, prompt, schema, tool_body,
};
use quarry_bedrock_simulator::{AnswerSource, parse_given};
use quarry_edge::jobs::{BatchJobs, JobStatus, NewJob};
use serde_json::{Value, json};

fn parsed(lines: &[String]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn answers_of_a_forced_tool_keep_the_schema() {
    let world = World::new(|_| {}).await;
    let (_, lines) = world.run("tool", input(60, tool_body)).await;
    let schema = schema();
    for line in parsed(&lines) {
        let output = &line["modelOutput"];
        let input = &output["content"][0]["input"];
        assert!(jsonschema::is_valid(&schema, input), "{input}");
        assert_eq!(output["stop_reason"], "tool_use");
        assert!(output["usage"]["output_tokens"].as_u64().unwrap() > 0);
    }
}

#[tokio::test]
async fn a_beginning_given_in_the_request_is_continued() {
    let world = World::new(|config| {
        config.answers = AnswerSource::FromSchema {
            schema: Some(schema()),
        };
    })
    .await;
    let (_, lines) = world.run("prefill", input(10, prefill_body)).await;
    for line in parsed(&lines) {
        let text = line["modelOutput"]["content"][0]["text"].as_str().unwrap();
        assert!(!text.starts_with('{'));
        let value: Value = serde_json::from_str(&format!("{{{text}")).unwrap();
        assert!(jsonschema::is_valid(&schema(), &value), "{value}");
    }
}

/// The output echoes the caller's text, however odd its spelling; records without an id get one.
#[tokio::test]
async fn the_input_is_echoed_byte_for_byte() {
    let world = World::new(|_| {}).await;
    let body = r#"{ "anthropic_version":"bedrock-2023-05-31", "max_tokens" : 1000,"messages":[{"role":"user","content":"caf\u00e9 \/ ü 1.50"}], "temperature":1.0e0 }"#;
    let text = format!(
        "{{\"recordId\": \"r\\u00e4-1\", \"modelInput\": {body}}}\n{{\"modelInput\":{body}}}"
    );
    let (_, lines) = world.run("echo", text).await;
    assert_eq!(lines.len(), 2);
    let echoed = format!("\"modelInput\":{body}");
    assert!(lines.iter().all(|line| line.contains(&echoed)), "{lines:?}");
    let mut ids: Vec<String> = parsed(&lines)
        .iter()
        .map(|line| line["recordId"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_by_key(String::len);
    assert_eq!(ids[0], "rä-1");
    assert_eq!(ids[1].len(), 11);
}

#[tokio::test]
async fn lines_and_keys_are_shuffled_the_same_way_every_time() {
    let run = || async {
        let world = World::new(|_| {}).await;
        world.run("order", input(200, tool_body)).await.1
    };
    let lines = run().await;
    let ids: Vec<String> = parsed(&lines)
        .iter()
        .map(|line| line["recordId"].to_string())
        .collect();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_ne!(ids, sorted);
    sorted.dedup();
    assert_eq!(sorted.len(), 200);
    for first in ["{\"recordId\"", "{\"modelInput\"", "{\"modelOutput\""] {
        assert!(lines.iter().any(|line| line.starts_with(first)), "{first}");
    }
    assert_eq!(run().await, lines);
}

#[tokio::test]
async fn a_body_that_the_model_refuses_is_an_error_line() {
    let world = World::new(|_| {}).await;
    let text = input(3, |prompt| {
        let mut body = tool_body(prompt);
        if prompt.contains("report 1") {
            body["modelId"] = json!("x");
        }
        body
    });
    let (job, lines) = world.run("refused", text).await;
    assert_eq!(job.status, JobStatus::Completed);
    let refused = &of_record(&lines, 1)[0];
    assert_eq!(refused["error"]["errorCode"], 400);
    assert_eq!(
        refused["error"]["errorMessage"],
        "The model returned the following errors: modelId: Extra inputs are not permitted"
    );
    assert_eq!(refused["error"]["retryable"], false);
    assert!(refused.get("modelOutput").is_none());
    assert_eq!(refused["modelInput"]["modelId"], "x");
    let manifest = world.manifest(&job.arn).await;
    assert_eq!(manifest["errorRecordCount"], 1);
    assert_eq!(manifest["successRecordCount"], 2);
}

fn converse_body(prompt: &str) -> Value {
    json!({
        "messages": [{"role": "user", "content": [{"text": prompt}]}],
        "system": [{"text": "You classify reports."}],
        "inferenceConfig": {"maxTokens": 500, "temperature": 0.5}
    })
}

#[tokio::test]
async fn converse_jobs_write_the_form_of_converse() {
    let world = World::new(|_| {}).await;
    let text = input(4, |prompt| {
        let mut body = converse_body(prompt);
        if prompt.contains("report 2") {
            body["toolConfig"] = json!({"tools": [
                {"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}
            ]});
        }
        body
    });
    world.put("in/converse.jsonl", text).await;
    let job = NewJob {
        model_id: NOVA.into(),
        converse: true,
        ..new_job("converse")
    };
    let arn = world.jobs.create(&job).await.unwrap();
    world.end(&arn).await;
    let lines = world.lines("converse", &arn).await;
    let good = &of_record(&lines, 0)[0]["modelOutput"];
    let block = good["output"]["message"]["content"][0].as_object().unwrap();
    assert!(block["text"].is_string());
    // All members of the union are there, and all but one are null.
    assert_eq!(block.len(), 12);
    assert_eq!(block.values().filter(|member| member.is_null()).count(), 11);
    assert!(good["usage"]["cacheDetails"].is_null());
    assert_eq!(good["stopReason"], "end_turn");
    assert!(good["usage"]["inputTokens"].as_u64().unwrap() > 5);
    // Only InvokeModel bodies may have tools.
    assert_eq!(of_record(&lines, 2)[0]["error"]["errorCode"], 400);
    let shown = world
        .client
        .get_model_invocation_job()
        .job_identifier(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(shown.model_invocation_type.unwrap().as_str(), "Converse");
}

/// Nova's own bodies have the form of `Converse`, and may have tools in jobs.
#[tokio::test]
async fn nova_jobs_call_tools() {
    let world = World::new(|_| {}).await;
    let text = input(2, |prompt| {
        let mut body = converse_body(prompt);
        body["toolConfig"] = json!({
            "tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": schema()}}}],
            "toolChoice": {"tool": {"name": "t"}}
        });
        body
    });
    world.put("in/nova.jsonl", text).await;
    let job = NewJob {
        model_id: NOVA.into(),
        ..new_job("nova")
    };
    let arn = world.jobs.create(&job).await.unwrap();
    world.end(&arn).await;
    let lines = world.lines("nova", &arn).await;
    let content = &of_record(&lines, 1)[0]["modelOutput"]["output"]["message"]["content"];
    let blocks = content.as_array().unwrap();
    let call = &blocks.last().unwrap()["toolUse"];
    assert!(jsonschema::is_valid(&schema(), &call["input"]), "{call}");
    let id = call["toolUseId"].as_str().unwrap();
    assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
}

#[tokio::test]
async fn embeddings_are_vectors() {
    let world = World::new(|_| {}).await;
    let text = input(2, |prompt| json!({"inputText": prompt, "dimensions": 256}));
    world.put("in/vectors.jsonl", text).await;
    let job = NewJob {
        model_id: "amazon.titan-embed-text-v2:0".into(),
        ..new_job("vectors")
    };
    let arn = world.jobs.create(&job).await.unwrap();
    world.end(&arn).await;
    let lines = world.lines("vectors", &arn).await;
    let output = &of_record(&lines, 1)[0]["modelOutput"];
    assert_eq!(output["embedding"].as_array().unwrap().len(), 256);
}

#[tokio::test]
async fn given_answers_go_round_by_round_and_the_rest_comes_from_the_schema() {
    let given = parse_given(
        b"{\"recordId\":\"record_1\",\"text\":\"{\\\"round\\\":1}\"}\n\
          {\"recordId\":\"record_1\",\"text\":\"{\\\"round\\\":2}\"}\n\
          {\"recordId\":\"record_2\",\"modelOutput\":{\"content\":[],\"stop_reason\":\"refusal\"}}\n\
          {\"match\":\"report 3\",\"text\":\"I cannot say.\"}\n",
    )
    .unwrap();
    let world = World::new(|config| {
        config.answers = AnswerSource::Given {
            answers: given,
            schema: None,
        };
    })
    .await;
    let (_, first) = world.run("first", input(4, tool_body)).await;
    let (_, second) = world.run("second", input(4, tool_body)).await;
    let output = |lines: &[String], number| of_record(lines, number)[0]["modelOutput"].clone();
    assert_eq!(
        output(&first, 1)["content"][0]["input"],
        json!({"round": 1})
    );
    assert_eq!(
        output(&second, 1)["content"][0]["input"],
        json!({"round": 2})
    );
    assert_eq!(output(&first, 2)["stop_reason"], "refusal");
    assert_eq!(output(&first, 3)["content"][0]["text"], "I cannot say.");
    let made = &output(&first, 0)["content"][0]["input"];
    assert!(jsonschema::is_valid(&schema(), made));
}

/// The same question has the same answer in every job.
#[tokio::test]
async fn answers_depend_on_the_question_only() {
    let world = World::new(|_| {}).await;
    let (_, first) = world.run("one", input(5, tool_body)).await;
    let (_, second) = world.run("two", input(5, tool_body)).await;
    let input_of = |lines: &[String], number| {
        of_record(lines, number)[0]["modelOutput"]["content"][0]["input"].clone()
    };
    for number in 0..5 {
        assert_eq!(input_of(&first, number), input_of(&second, number));
    }
    assert_ne!(input_of(&first, 0), input_of(&first, 1));
    let asks = world.simulator.asks_of_prompt(&prompt(3));
    assert_eq!(asks.len(), 1);
    assert_eq!((asks[0].in_jobs, asks[0].good), (2, 2));
}

#[tokio::test]
async fn jobs_have_folders_of_their_own() {
    let world = World::new(|_| {}).await;
    let (first, _) = world.run("one", input(1, tool_body)).await;
    let (second, _) = world.run("two", input(1, tool_body)).await;
    assert_ne!(id_of(&first.arn), id_of(&second.arn));
    assert_eq!(world.keys("out/").await.len(), 4);
}
