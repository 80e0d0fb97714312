//! Lines are joined to their rows only by record id, and every line is counted under its kind.

use crate::support::{JOB, MANIFEST, World, answer, error, say};
use quarry_contract::job_status::JobStatus;
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_result::ledger::Counts;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A run over `rows` rows without retries.
async fn once(rows: u32) -> World {
    World::new(rows, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await
}

/// Returns the counts of a round over `rows` rows.
async fn counts(rows: u32, lines: &[String]) -> Counts {
    let world = once(rows).await;
    let state = world.answered(world.first(0), lines).await;
    world.merge(&state).await.unwrap();
    world.counted(&state).await.counts
}

#[tokio::test]
async fn answers_are_joined_by_their_ids_in_whatever_order_they_come() {
    let world = once(3).await;
    let lines = [say(2, "two"), say(0, "zero"), say(1, "one")];
    world.round_of(world.first(0), &lines).await;
    let part = world.part(0).await;
    let rows: Vec<&str> = part.lines().map(|line| &line[..7]).collect();
    assert_eq!(rows, ["r0,zero", "r1,one,", "r2,two,"]);
}

#[tokio::test]
async fn good_answers_and_their_tokens_are_counted() {
    let counts = counts(3, &[answer(0), answer(1), answer(2)]).await;
    let expected = Counts {
        asked: 3,
        lines: 3,
        answered: 3,
        good: 3,
        input_tokens: 30,
        output_tokens: 6,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_repeated_line_is_counted_and_changes_nothing() {
    let world = once(1).await;
    let state = world
        .answered(world.first(0), &[answer(0), answer(0)])
        .await;
    assert_eq!(world.merge(&state).await.unwrap().next, Step::Done);
    let counts = world.counted(&state).await.counts;
    assert_eq!(
        (counts.lines, counts.answered, counts.duplicates),
        (2, 1, 1)
    );
    assert_eq!(counts.input_tokens, 10, "paid for once");
    assert!(world.part(0).await.contains(",success,"));
}

/// Nothing shows which of them is right.
#[tokio::test]
async fn two_different_answers_to_one_record_are_not_used_and_the_row_is_sent_again() {
    let world = World::new(2, 100, &[]).await;
    let lines = [say(0, "yes"), answer(1), say(0, "no")];
    let state = world.answered(world.first(0), &lines).await;
    let after = world.merge(&state).await.unwrap();
    assert_eq!(after.next, Step::Split);
    assert_eq!(world.todo(&after).await.rows, [0]);
    let counts = world.counted(&state).await.counts;
    assert_eq!((counts.contradictions, counts.good), (1, 1));
    assert_eq!(counts.answered, 1, "neither of the two is used");
    assert_eq!(counts.input_tokens, 30, "all three were paid for");
}

#[tokio::test]
async fn an_answer_counts_whether_an_error_of_its_record_came_before_it_or_after() {
    let refusal = error(0, 500, "an internal error", true);
    for lines in [[refusal.clone(), answer(0)], [answer(0), refusal]] {
        let counts = counts(1, &lines).await;
        assert_eq!(
            (counts.answered, counts.errors, counts.duplicates),
            (1, 0, 1)
        );
        assert!(counts.refusals.is_empty());
    }
}

#[tokio::test]
async fn lines_that_belong_to_no_row_of_the_round_are_counted_and_shown() {
    let lines = [
        answer(0),
        answer(7),
        say(1, "x").replace("record_1", "train-record_1"),
        "{\"recordId\": \"record_1\"\n".to_owned(),
        "\n  \n".to_owned(),
    ];
    let counts = counts(2, &lines).await;
    assert_eq!(
        (counts.unknown_ids, counts.malformed, counts.missing),
        (2, 1, 1)
    );
    assert_eq!(counts.lines, 4, "a blank line is none");
    for words in ["record_7", "train-record_1", "line 4: "] {
        let shown = counts
            .examples
            .iter()
            .any(|example| example.contains(words));
        assert!(shown, "{:?}", counts.examples);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_the_rows_text_and_not_an_error_of_the_step() {
    let world = once(1).await;
    let line = json!({"recordId": "record_0", "modelOutput": {"odd": true}});
    world.round_of(world.first(0), &[format!("{line}\n")]).await;
    let part = world.part(0).await;
    assert!(part.contains("the answer cannot be read"), "{part}");
}

/// A job's answers are paid for, however the job ended.
#[tokio::test]
async fn the_answers_of_a_job_count_whatever_its_end_was() {
    for status in [
        JobStatus::Completed,
        JobStatus::PartiallyCompleted,
        JobStatus::Failed,
        JobStatus::Stopped,
        JobStatus::Expired,
    ] {
        let world = World::new(3, 100, &[]).await;
        let state = world.answered(world.first(0), &[answer(1)]).await;
        world.job_ended(&state, status, "").await;
        let after = world.merge(&state).await.unwrap();
        assert_eq!(world.todo(&after).await.rows, [0, 2], "{status}");
        let answers = [answer(0), answer(2)];
        assert_eq!(world.round_of(after, &answers).await.next, Step::Done);
        assert_eq!(world.receipt(0).await.files[0].successful, 3, "{status}");
    }
}

#[tokio::test]
async fn only_the_output_of_the_rounds_own_job_is_read_and_all_of_it() {
    let world = once(3).await;
    let state = world.split(world.first(0)).await;
    world.job_ended(&state, JobStatus::Completed, "").await;
    world.output(&state, MANIFEST, &["{}".to_owned()]).await;
    world
        .output(&state, "abcdefghijkl/a.jsonl.out", &[answer(0)])
        .await;
    world
        .output(&state, "abcdefghijkl/b.jsonl.out", &[answer(1)])
        .await;
    world
        .output(&state, "abcdefghijkl/errors.txt", &[answer(2)])
        .await;
    world
        .output(&state, "otherjob/a.jsonl.out", &[answer(2)])
        .await;
    world
        .output(&state, "abcdefghijklm/a.jsonl.out", &[answer(2)])
        .await;
    world
        .output(&state, "on-demand/a.jsonl.out", &[answer(2)])
        .await;
    world.merge(&state).await.unwrap();
    let round = world.counted(&state).await;
    assert_eq!((round.counts.answered, round.counts.missing), (2, 1));
    assert_eq!(
        (round.on_demand, round.job.unwrap().arn),
        (0, JOB.to_owned())
    );
}

#[tokio::test]
async fn answers_given_on_demand_are_read_from_every_object_of_the_round() {
    let settings = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let world = World::new(3, 100, &settings).await;
    let state = world.split(world.first(0)).await;
    assert_eq!(state.next, Step::Invoke);
    for row in 0..3 {
        let name = format!("on-demand/{row:08}-{:016}.jsonl.out", row + 1);
        world.output(&state, &name, &[answer(row)]).await;
    }
    world.merge(&state).await.unwrap();
    let round = world.counted(&state).await;
    assert_eq!((round.on_demand, round.counts.answered), (3, 3));
    assert!(round.job.is_none());
    assert_eq!(world.receipt(0).await.files[0].on_demand, 3);
}

/// With `BEDROCK_BATCH_SIZE=1` there is one for each record.
#[tokio::test(start_paused = true)]
async fn many_answer_objects_are_read_together_and_in_order() {
    let settings = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let world = World::new(64, 100, &settings).await;
    let state = world.split(world.first(0)).await;
    for row in 0..64 {
        let name = format!("on-demand/{row:08}-{:016}.jsonl.out", row + 1);
        world.output(&state, &name, &[answer(row)]).await;
    }
    let slow = StoreFault::Slow(Duration::from_secs(1));
    let slow = FaultyStore::new(world.store.clone()).fail_all(StoreOperation::GetRange, 1.., slow);
    let began = tokio::time::Instant::now();
    world.merge_over(Arc::new(slow), &state).await.unwrap();
    let took = began.elapsed().as_secs();
    assert!(took < 64 / 4, "{took} seconds");
    let round = world.counted(&state).await;
    assert_eq!((round.on_demand, round.counts.answered), (64, 64));
}

/// Two copies of `invoke` may send the same records, and each stores the answers that it got.
#[tokio::test]
async fn the_first_good_answer_of_several_calls_counts_and_no_row_is_sent_again() {
    let world = World::new(4, 100, &[("BEDROCK_BATCH_MODE", "realtime")]).await;
    let state = world.split(world.first(0)).await;
    let object = |range: &str| format!("on-demand/{range}.jsonl.out");
    let (first, second) = ("{\"a\": \"first\"}", "{\"a\": \"second\"}");
    let one = [say(0, first), say(1, "no JSON"), answer(2)];
    let name = object("0000000000000000-0000000000000300");
    world.output(&state, &name, &one).await;
    let other = [say(0, second), say(1, second), answer(2), answer(3)];
    let name = object("0000000000000000-0000000000000400");
    world.output(&state, &name, &other).await;
    let after = world.merge(&state).await.unwrap();
    let counts = world.counted(&state).await.counts;
    assert_eq!(after.next, Step::Done, "{counts:?}");
    let part = world.part(0).await;
    let of = |row: &str| part.lines().find(|line| line.starts_with(row)).unwrap();
    assert!(of("r0").contains("first"), "{part}");
    assert!(of("r1").contains("second"), "{part}");
    assert_eq!((counts.answered, counts.good), (4, 4));
    assert_eq!((counts.contradictions, counts.duplicates), (0, 3));
    assert_eq!(counts.input_tokens, 70, "each call was paid for");
}

#[tokio::test]
async fn given_answers_count_neither_for_a_job_nor_as_on_demand() {
    let world = once(2).await;
    let state = world.split(world.first(0)).await;
    world
        .output(&state, "given/a.jsonl.out", &[answer(0), answer(1)])
        .await;
    world
        .output(&state, "on-demand/a.jsonl.out", &[say(0, "x")])
        .await;
    world.merge(&state).await.unwrap();
    let round = world.counted(&state).await;
    assert_eq!((round.on_demand, round.counts.good), (0, 2));
    assert!(round.job.is_none());
    assert_eq!(world.receipt(0).await.files[0].on_demand, 0);
}

#[tokio::test]
async fn answers_of_the_fallback_model_and_service_tiers_are_counted() {
    let with = |line: String, name: &str, value: Value| {
        let mut line: Value = serde_json::from_str(&line).unwrap();
        line[name] = value;
        format!("{line}\n")
    };
    let lines = [
        with(answer(0), "byFallback", json!(true)),
        with(answer(1), "serviceTier", json!("flex")),
    ];
    let counts = counts(2, &lines).await;
    assert_eq!(counts.by_fallback, 1);
    assert_eq!(counts.service_tiers, [("flex".to_owned(), 1)].into());
}

/// The service has an answer to the record, although none is used.
#[tokio::test]
async fn a_record_whose_answers_contradict_each_other_is_no_difference_to_the_service() {
    let world = once(2).await;
    let lines = [say(0, "yes"), answer(1), say(0, "no")];
    let state = world.answered(world.first(0), &lines).await;
    let manifest = json!({"totalRecordCount": 2, "successRecordCount": 2, "errorRecordCount": 0});
    let at = "abcdefghijkl/manifest.json.out";
    world.output(&state, at, &[manifest.to_string()]).await;
    world.merge(&state).await.unwrap();
    let round = world.counted(&state).await;
    assert_eq!((round.counts.answered, round.counts.contradicted), (1, 1));
    assert!(round.differences.is_empty(), "{:?}", round.differences);
}

#[tokio::test]
async fn the_counts_are_compared_with_those_of_the_service() {
    for (manifest, differences) in [
        (
            json!({"totalRecordCount": 2, "successRecordCount": 1, "errorRecordCount": 1}),
            vec![],
        ),
        (
            json!({"totalRecordCount": 2, "inputTokenCount": 10, "outputTokenCount": 2}),
            vec![],
        ),
        (
            json!({"totalRecordCount": 2, "inputTokenCount": 11, "outputTokenCount": 3}),
            vec![
                "Bedrock counted 11 input tokens, the output has 10",
                "Bedrock counted 3 output tokens, the output has 2",
            ],
        ),
        (
            json!({"totalRecordCount": 2, "successRecordCount": 2, "errorRecordCount": 0}),
            vec![
                "Bedrock counted 2 answers, the output has 1",
                "Bedrock counted 0 errors, the output has 1",
            ],
        ),
    ] {
        let world = once(2).await;
        let lines = [answer(0), error(1, 500, "an internal error", true)];
        let state: SliceState = world.answered(world.first(0), &lines).await;
        let manifest = [manifest.to_string()];
        world.output(&state, MANIFEST, &manifest).await;
        // Fewer lines than it counts do not come, however long they are waited for.
        let waited = SliceState {
            late_looks: 6,
            ..state.clone()
        };
        world.merge(&waited).await.unwrap();
        assert_eq!(world.counted(&state).await.differences, differences);
    }
}
