use super::*;
use crate::counts::SpentApart;
use crate::spool::MemorySpool;
use quarry_answer::Schema;
use quarry_cost::{TokensSpent, Way};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the line of an answer to row 0 with this text, 10 tokens read and 2 written. `id` is the
/// model's own id of the answer, which is another for each call.
fn say(id: &str, text: &str) -> Value {
    json!({"recordId": "record_0", "modelOutput": {
        "id": id,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }})
}

fn kind(id: &str, kind: &str) -> Value {
    say(id, &json!({"kind": kind}).to_string())
}

fn with(line: Value, member: &str, value: Value) -> Value {
    let mut line = line;
    line[member] = value;
    line
}

/// Reads outputs of one record. Returns the row's outcome and the counts.
fn read(outputs: &[&[Value]]) -> (Outcome, Counts) {
    let ids = RecordIds::new(None);
    let schema = json!({
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
    });
    let schema = Arc::new(Schema::compile(&schema).unwrap());
    let reader = Reader::new(Some(schema), false);
    let expected = Expected::All(0, 1);
    let mut ledger = Ledger::new(&ids, &expected, &reader);
    let mut spool = MemorySpool::default();
    for output in outputs {
        ledger.begin_output();
        for line in *output {
            ledger
                .line(line.to_string().as_bytes(), &mut spool)
                .unwrap();
        }
    }
    let (places, counts) = ledger.finish();
    let mut line = Vec::new();
    spool.read(places[0].at, places[0].len, &mut line).unwrap();
    (serde_json::from_slice(&line).unwrap(), counts)
}

fn value(outcome: &Outcome) -> Value {
    serde_json::to_value(&outcome.fields).unwrap()[0].clone()
}

/// Two calls of a function that send the same records store answers of each record twice.
#[test]
fn the_first_good_answer_of_a_record_counts() {
    let (one, other, bad) = (kind("1", "a"), kind("2", "b"), say("3", "no JSON"));
    for (outputs, kept, good) in [
        ([&one, &other], json!("a"), true),
        ([&bad, &other], json!("b"), true),
        ([&one, &bad], json!("a"), true),
        ([&bad, &bad], Value::Null, false),
    ] {
        let [first, second] = outputs.map(std::slice::from_ref);
        let (outcome, counts) = read(&[first, second]);
        assert_eq!((outcome.good, value(&outcome)), (good, kept));
        assert_eq!((counts.answered, counts.duplicates), (1, 1));
        assert_eq!(counts.contradictions, 0);
        assert_eq!(
            (counts.good, counts.invalid),
            (u64::from(good), u64::from(!good))
        );
        assert_eq!(counts.input_tokens, 20, "both calls were paid for");
    }
}

#[test]
fn without_a_good_answer_the_last_one_counts() {
    let (bad, other) = (say("1", "no JSON"), say("2", "{\"kind\": 5}"));
    let (outcome, _) = read(&[std::slice::from_ref(&bad), &[other]]);
    assert!(outcome.validation_error.unwrap().contains("/kind"));
    // A shape that cannot be read is none.
    let odd = json!({"recordId": "record_0", "modelOutput": {"odd": true}});
    let (outcome, counts) = read(&[&[bad], &[odd]]);
    assert!(outcome.answered);
    assert_eq!((counts.answered, counts.duplicates), (1, 1));
}

/// The first answer is not one, whatever was counted for it.
#[test]
fn a_contradicted_record_is_not_answered() {
    let mut first = say("1", "The kind is „a\" {\"kind\": \"„a\"\"}");
    first["modelOutput"]["stop_reason"] = json!("max_tokens");
    let first = with(first, "byFallback", json!(true));
    let first = with(first, "serviceTier", json!("flex"));
    let (outcome, counts) = read(&[&[first.clone(), kind("2", "b"), kind("3", "c")]]);
    assert!(!outcome.good && !outcome.answered);
    let expected = Counts {
        asked: 1,
        lines: 3,
        contradictions: 2,
        contradicted: 1,
        input_tokens: 30,
        output_tokens: 6,
        // The answers stay paid for, each at its own price.
        spent_apart: vec![SpentApart {
            by_fallback: true,
            tier: Some(Way::Flex),
            tokens: TokensSpent {
                input: 10,
                output: 2,
            },
        }],
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    // Alone, it counts as each of these.
    let (_, counts) = read(&[&[first]]);
    assert_eq!(
        (counts.answered, counts.by_fallback, counts.cut_off),
        (1, 1, 1)
    );
    assert_eq!(counts.service_tiers, [("flex".to_owned(), 1)].into());
}

/// The id of an answer is another for each call, also when the model says the same.
#[test]
fn two_answers_of_one_output_with_the_same_values_do_not_contradict_each_other() {
    let (outcome, counts) = read(&[&[kind("1", "a"), kind("2", "a"), kind("2", "a")]]);
    assert!(outcome.good);
    assert_eq!((counts.answered, counts.good), (1, 1));
    assert_eq!((counts.duplicates, counts.contradictions), (2, 0));
}

#[test]
fn a_repeated_line_was_paid_for_once_and_the_answers_of_two_calls_twice() {
    let line = kind("1", "a");
    let lines = [line.clone(), line.clone()];
    let (_, counts) = read(&[&lines]);
    assert_eq!((counts.input_tokens, counts.duplicates), (10, 1));
    let (_, counts) = read(&[&lines[..1], &lines[1..]]);
    assert_eq!((counts.input_tokens, counts.duplicates), (20, 1));
}

/// The service charges what it wrote, whether or not a row can use it.
#[test]
fn the_tokens_of_lines_that_no_row_can_use_are_counted() {
    let unknown = with(kind("1", "a"), "recordId", json!("record_9"));
    let odd = json!({"recordId": "record_0", "modelOutput": {
        "odd": true, "usage": {"input_tokens": 10, "output_tokens": 2},
    }});
    let mut guarded = say("2", "I cannot say that.");
    guarded["modelOutput"]["amazon-bedrock-guardrailAction"] = json!("INTERVENED");
    let contradicting = [kind("3", "a"), kind("4", "b"), kind("5", "c")];
    for (lines, answers) in [
        (&[unknown][..], 1),
        (&[odd], 1),
        (&[guarded], 1),
        (&contradicting, 3),
    ] {
        let ids = RecordIds::new(None);
        let reader = Reader::new(None, false);
        let expected = Expected::All(0, 1);
        let mut ledger = Ledger::new(&ids, &expected, &reader);
        let mut spool = MemorySpool::default();
        for line in lines {
            ledger
                .line(line.to_string().as_bytes(), &mut spool)
                .unwrap();
        }
        let (_, counts) = ledger.finish();
        assert_eq!(
            (counts.input_tokens, counts.output_tokens),
            (10 * answers, 2 * answers),
            "{lines:?}"
        );
    }
}

#[test]
fn an_answer_of_another_output_takes_the_place_of_a_contradiction_or_an_error() {
    let error = json!({"recordId": "record_0",
        "error": {"errorCode": 429, "errorMessage": "slow down"}});
    let (outcome, counts) = read(&[&[kind("1", "a"), kind("2", "b")], &[kind("3", "c")]]);
    assert_eq!((outcome.good, value(&outcome)), (true, json!("c")));
    assert_eq!((counts.answered, counts.contradictions), (1, 1));
    assert_eq!(counts.contradicted, 0);
    for outputs in [[&error, &kind("1", "a")], [&kind("1", "a"), &error]] {
        let [first, second] = outputs.map(std::slice::from_ref);
        let (outcome, counts) = read(&[first, second]);
        assert!(outcome.good);
        assert_eq!(
            (counts.answered, counts.errors, counts.duplicates),
            (1, 0, 1)
        );
        assert!(counts.refusals.is_empty());
    }
}

/// The names come from files that a person may give.
#[test]
fn any_number_of_service_tiers_stays_small() {
    let ids = RecordIds::new(None);
    let reader = Reader::new(None, false);
    let expected = Expected::All(0, 1_000);
    let mut ledger = Ledger::new(&ids, &expected, &reader);
    let mut spool = MemorySpool::default();
    for row in 0..1_000 {
        let line = with(kind("1", "a"), "recordId", json!(ids.id(row)));
        let line = with(line, "serviceTier", json!(format!("tier {row}")));
        ledger
            .line(line.to_string().as_bytes(), &mut spool)
            .unwrap();
    }
    let (_, counts) = ledger.finish();
    assert_eq!((counts.answered, counts.service_tiers.len()), (1_000, 256));
}

/// A guardrail's message is counted with its reason, until an answer of the model takes its place.
#[test]
fn what_stands_in_the_place_of_an_answer_is_no_answer_of_the_model() {
    let stopped = json!({"recordId": "record_0", "modelOutput": {
        "content": [{"type": "text", "text": "I cannot say that."}],
        "stop_reason": "refusal",
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }});
    let (outcome, counts) = read(&[std::slice::from_ref(&stopped)]);
    assert_eq!((counts.answered, counts.invalid), (1, 1));
    assert!(!counts.is_answered_by_a_model());
    let reason = outcome.error.unwrap();
    assert_eq!(counts.not_answers, BTreeMap::from([(reason, 1)]));

    let (_, counts) = read(&[&[stopped], &[kind("2", "b")]]);
    assert!(counts.is_answered_by_a_model());
    assert!(counts.not_answers.is_empty());
    let (_, counts) = read(&[&[say("1", "no JSON")]]);
    assert!(counts.is_answered_by_a_model(), "a bad answer is one");
}
