//! A reply that broke off is paid for. Its record is sent at most twice in a round, and its line says
//! how many replies were lost.

use crate::support::{
    Reply, Scripted, all_ids, ids, invoke, kept_lines, planned, planned_with, throttled,
    unavailable,
};
use quarry_contract::payload::Step;
use quarry_edge::on_demand::InvokeError;
use quarry_edge::s3::memory::MemoryStore;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const WORDS: &str = "connection closed before message completed";

fn broken_off() -> Reply {
    Err(InvokeError::BrokenOff(WORDS.into()))
}

fn lost(line: &Value) -> u64 {
    line["lostReplies"].as_u64().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_reply_always_breaks_off_is_sent_twice_and_gets_an_error() {
    for rows in [1, 30] {
        let store = MemoryStore::new();
        let state = planned(&store, rows).await;
        let model = Scripted::new(|_, row| if row == "r0" { broken_off() } else { Ok(()) });
        for _ in 0..2 {
            let after = invoke(&store, &model, &state).await.unwrap();
            assert_eq!(after.next, Step::Merge);
            assert_eq!(model.calls_about("r0"), 2, "of {rows}");
        }
        let lines = kept_lines(&store).await;
        assert_eq!(ids(&lines), all_ids(rows));
        assert_eq!(lines[0]["error"]["errorCode"], 502);
        let text = lines[0]["error"]["errorMessage"].as_str().unwrap();
        assert!(
            text.starts_with("the reply broke off") && text.ends_with(WORDS),
            "{text}"
        );
        assert_eq!(lost(&lines[0]), 2);
        assert!(lines[1..].iter().all(|line| lost(line) == 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_after_a_lost_reply_says_that_one_was_lost() {
    let store = MemoryStore::new();
    let state = planned(&store, 3).await;
    let calls = AtomicU32::new(0);
    let model = Scripted::new(move |_, row| match row {
        "r1" if calls.fetch_add(1, Ordering::Relaxed) == 0 => broken_off(),
        _ => Ok(()),
    });
    invoke(&store, &model, &state).await.unwrap();
    let lines = kept_lines(&store).await;
    assert_eq!(ids(&lines), all_ids(3));
    assert!(lines[1]["modelOutput"].is_object(), "{}", lines[1]);
    assert_eq!(lines.iter().map(lost).collect::<Vec<_>>(), [0, 1, 0]);
}

/// Without a line, the record would be sent again as if nothing had been paid for it.
#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_after_a_lost_reply_does_not_hide_it() {
    let errors: [fn() -> Reply; 3] = [
        || throttled("later"),
        || unavailable("later"),
        || Err(InvokeError::AccessDenied("later".into())),
    ];
    for error in errors {
        let store = MemoryStore::new();
        let state = planned(&store, 3).await;
        let calls = AtomicU32::new(0);
        let model = Scripted::new(move |_, row| match row {
            "r1" if calls.fetch_add(1, Ordering::Relaxed) == 0 => broken_off(),
            "r1" => error(),
            _ => Ok(()),
        });
        let after = invoke(&store, &model, &state).await.unwrap();
        assert_eq!(after.next, Step::Merge);
        let lines = kept_lines(&store).await;
        assert_eq!(ids(&lines), all_ids(3));
        assert_eq!(lost(&lines[1]), 1, "{}", lines[1]);
        assert_eq!(lines[1]["error"]["errorMessage"], "later");
    }
}

/// The network between the function and the service is broken. The step is repeated until it works,
/// and no record is paid for more than twice.
#[tokio::test(start_paused = true)]
async fn while_all_replies_break_off_the_step_fails_and_each_record_is_paid_for_twice_at_most() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 40, &[("BEDROCK_BATCH_SIZE", "10")]).await;
    let model = Scripted::new(|_, _| broken_off());
    for group in 1..=3 {
        let failed = invoke(&store, &model, &state).await.unwrap_err();
        assert_eq!(failed.name(), "Quarry.Unavailable");
        let text = failed.full_message();
        assert!(text.contains("replies about 10 records"), "{text}");
        assert_eq!(kept_lines(&store).await.len(), group * 10);
    }
    let model = Scripted::new(|_, _| Ok(()));
    let after = invoke(&store, &model, &state).await.unwrap();
    assert_eq!((after.next, model.calls()), (Step::Merge, 10));
    let lines = kept_lines(&store).await;
    assert_eq!(ids(&lines), all_ids(40));
    assert_eq!(lines.iter().map(lost).sum::<u64>(), 60);
}

/// In an outage, records without a lost reply stay without a line.
#[tokio::test(start_paused = true)]
async fn an_outage_in_which_one_reply_broke_off_keeps_only_the_line_of_that_record() {
    let store = MemoryStore::new();
    let state = planned(&store, 5).await;
    let calls = AtomicU32::new(0);
    let model = Scripted::new(move |_, row| match row {
        "r2" if calls.fetch_add(1, Ordering::Relaxed) == 0 => broken_off(),
        _ => unavailable("ServiceUnavailableException: later"),
    });
    let failed = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Unavailable");
    assert!(failed.full_message().contains("later"), "{failed}");
    assert_eq!(ids(&kept_lines(&store).await), ["record_2"]);
    let model = Scripted::new(|_, _| Ok(()));
    invoke(&store, &model, &state).await.unwrap();
    assert_eq!((model.calls(), model.calls_about("r2")), (4, 0));
}

/// The model worked for ten minutes, or its reply came at a snail's pace.
#[tokio::test(start_paused = true)]
async fn a_reply_that_did_not_come_in_time_is_lost_too() {
    let store = MemoryStore::new();
    let state = planned(&store, 2).await;
    let time = Duration::from_mins(10);
    let model = Scripted::new(move |_, row| match row {
        "r0" => Err(InvokeError::TimedOut(time)),
        _ => Ok(()),
    });
    invoke(&store, &model, &state).await.unwrap();
    assert_eq!(model.calls_about("r0"), 1, "it would take as long again");
    let lines = kept_lines(&store).await;
    assert_eq!(lines[0]["error"]["errorCode"], 504);
    assert_eq!(lines.iter().map(lost).collect::<Vec<_>>(), [1, 0]);
}
