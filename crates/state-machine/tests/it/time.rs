//! Executions on the clock: long waits, concurrency, retries, time limits.

use crate::world::{Detail, Stage, World, failed, items, machine, map, start, task, with};
use quarry_state_machine::{FunctionError, Status, VirtualClock};
use serde_json::json;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A week of polling every five minutes is over in well under a second, and its history stays
/// below the limit.
#[tokio::test]
async fn a_week_of_waiting_takes_no_time() {
    let turns = 168 * 12;
    let world = World::default().function("check", move |payload| {
        let turn = payload["turn"].as_u64().unwrap_or(0) + 1;
        Ok(json!({"turn": turn, "done": turn > turns, "nap": 300}))
    });
    let check = with(
        task("check"),
        &json!({"OutputPath": "$.Payload", "Next": "Done?"}),
    );
    let mut states = json!({
        "Check": check,
        "Done?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.done", "BooleanEquals": true, "Next": "End"}],
            "Default": "Pause",
        },
        "Pause": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Check"},
        "End": {"Type": "Succeed"},
    });
    states["Check"].as_object_mut().unwrap().remove("End");
    let stage = Stage::new(&machine(&states), world);
    let began = Instant::now();
    let outcome = stage.run(json!({})).await;
    assert_eq!(
        outcome.status,
        Status::Succeeded(json!({"turn": turns + 1, "done": true, "nap": 300}))
    );
    assert_eq!(outcome.virtual_elapsed, Duration::from_hours(168));
    assert_eq!(stage.clock.now(), start() + Duration::from_hours(168));
    assert_eq!(outcome.history_events, 9 * turns + 11);
    let real = began.elapsed();
    assert!(real < Duration::from_secs(10), "took {real:?}");
}

/// While any function works, time stands still for all parties, including waiting children.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_stands_still_while_a_function_works() {
    // Odd items wait ten seconds and then work; even ones work at once.
    let (odd, even) = (json!({"odd": true, "nap": 10}), json!({"odd": false}));
    let clock = VirtualClock::starting_at(start());
    let seen = clock.clone();
    let world = World::default()
        .working_for(Duration::from_millis(15))
        .function("work", move |_| Ok(json!(seen.elapsed().as_secs())))
        .object(
            "bucket/items.json",
            json!([odd, even, odd, even]).to_string(),
        );
    let children = json!({
        "Odd?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.odd", "BooleanEquals": true, "Next": "Pause"}],
            "Default": "Work",
        },
        "Pause": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Work"},
        "Work": with(task("work"), &json!({"OutputPath": "$.Payload"})),
    });
    let definition = machine(&json!({"Each": map(&children)}));
    let stage = Stage::on(clock, &definition, world);
    let outcome = stage.run(items(0)).await;
    assert_eq!(outcome.status, Status::Succeeded(json!([10, 0, 10, 0])));
    assert_eq!(outcome.virtual_elapsed, Duration::from_secs(10));
    let exits = stage.recorder.named("TaskSucceeded");
    assert_eq!(exits.iter().filter(|exit| exit.at == 0.0).count(), 2);
}

/// At most `MaxConcurrency` children run at a time, and a place that becomes free is taken at that
/// very instant.
#[tokio::test]
async fn max_concurrency_is_kept() {
    let world = World::default().object(
        "bucket/items.json",
        json!(vec![json!({"nap": 60}); 7]).to_string(),
    );
    let children = json!({"Nap": {"Type": "Wait", "SecondsPath": "$.nap", "End": true}});
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let outcome = stage.run(items(3)).await;
    assert_eq!(outcome.virtual_elapsed, Duration::from_mins(3));
    let mut open = 0_usize;
    let mut most = 0;
    for event in stage.recorder.seen() {
        match event.name.as_str() {
            "ChildStarted" => open += 1,
            "ChildFinished" => open -= 1,
            _ => {}
        }
        most = most.max(open);
    }
    assert_eq!((open, most), (0, 3));
    let started = stage.recorder.named("ChildStarted");
    let at: Vec<_> = started.iter().map(|event| event.at).collect();
    assert_eq!(at, [0.0, 0.0, 0.0, 60.0, 60.0, 60.0, 120.0]);
}

/// In real time, children run concurrently too: their calls overlap.
#[tokio::test]
async fn children_call_functions_concurrently() {
    let world = World::default()
        .working_for(Duration::from_millis(30))
        .replies("work", vec![Ok(json!(1))])
        .object("bucket/items.json", json!(vec![0; 40]).to_string());
    let children = json!({"Work": task("work")});
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let outcome = stage.run(items(8)).await;
    assert!(matches!(outcome.status, Status::Succeeded(_)));
    assert_eq!(stage.world.most_under_way(), 8);
}

/// `FULL` jitter shortens delays by an amount that depends on the seed, and is the same every time.
#[tokio::test]
async fn jitter_is_deterministic() {
    let retry = json!([{
        "ErrorEquals": ["E"],
        "IntervalSeconds": 10,
        "BackoffRate": 2,
        "MaxAttempts": 4,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }]);
    let definition = machine(&json!({"Call": with(task("f"), &json!({"Retry": retry}))}));
    let mut schedules = Vec::new();
    for seed in [1, 1, 2] {
        let world = World::default().replies("f", vec![Err(FunctionError::new("E", "m"))]);
        let stage = Stage::new(&definition, world);
        let machine = stage.machine.clone().with_jitter_seed(seed);
        let outcome = machine.run("run", json!({})).await.unwrap();
        assert_eq!(failed(&outcome).0, "E");
        let delays: Vec<Duration> = stage
            .recorder
            .named("Retrying")
            .into_iter()
            .filter_map(|event| match event.detail {
                Detail::Delay(delay) => Some(delay),
                _ => None,
            })
            .collect();
        assert_eq!(delays.len(), 4);
        for (delay, longest) in delays.iter().zip([10, 20, 40, 60]) {
            assert!(*delay <= Duration::from_secs(longest), "{delays:?}");
        }
        assert_eq!(outcome.virtual_elapsed, delays.iter().sum());
        schedules.push(delays);
    }
    assert_eq!(schedules[0], schedules[1]);
    assert_ne!(schedules[0], schedules[2]);
}

/// The machine's `TimeoutSeconds` also ends an execution that waits for its children, and stops the
/// children.
#[tokio::test]
async fn a_timeout_stops_the_children() {
    let world = World::default().object(
        "bucket/items.json",
        json!(vec![json!({"nap": 1_000}); 2]).to_string(),
    );
    let children = json!({"Nap": {"Type": "Wait", "SecondsPath": "$.nap", "End": true}});
    let mut definition = machine(&json!({"Each": map(&children)}));
    definition["TimeoutSeconds"] = json!(500);
    let stage = Stage::new(&definition, world);
    let outcome = stage.run(items(0)).await;
    assert_eq!(outcome.status, Status::TimedOut);
    assert_eq!(outcome.virtual_elapsed, Duration::from_secs(500));
    assert_eq!(
        stage.recorder.history("run").join(" "),
        "ExecutionStarted MapStateEntered MapStateStarted MapRunStarted ExecutionTimedOut"
    );
    assert_eq!(
        stage.recorder.history("run-Items-1-1").join(" "),
        "ExecutionStarted WaitStateEntered ExecutionAborted"
    );
}

/// Without `TimeoutSeconds`, an execution ends after one year, the service's limit.
#[tokio::test]
async fn an_execution_lives_one_year_at_most() {
    let definition =
        machine(&json!({"Nap": {"Type": "Wait", "SecondsPath": "$.nap", "End": true}}));
    let stage = Stage::new(&definition, World::default());
    let outcome = stage.run(json!({"nap": 99_999_999})).await;
    assert_eq!(outcome.status, Status::TimedOut);
    assert_eq!(outcome.virtual_elapsed, Duration::from_hours(365 * 24));
}

/// Executions of one machine can share the clock: each sees its own time pass.
#[tokio::test]
async fn executions_side_by_side_share_the_clock() {
    let definition = machine(&json!({
        "Nap": {"Type": "Wait", "SecondsPath": "$.nap", "End": true}
    }));
    let stage = Stage::new(&definition, World::default());
    let long = stage
        .machine
        .execution("long", json!({"nap": 100}))
        .unwrap();
    let short = stage
        .machine
        .execution("short", json!({"nap": 30}))
        .unwrap();
    let starting = stage.clock.hold();
    let (long, short) = (tokio::spawn(long.run()), tokio::spawn(short.run()));
    tokio::task::yield_now().await;
    drop(starting);
    let (long, short) = (long.await.unwrap(), short.await.unwrap());
    assert_eq!(long.virtual_elapsed, Duration::from_secs(100));
    assert_eq!(short.virtual_elapsed, Duration::from_secs(30));
    assert_eq!(stage.clock.elapsed(), Duration::from_secs(100));
}

/// In real time, waits take their time, and a call that takes too long times out.
#[tokio::test]
async fn a_machine_runs_in_real_time_too() {
    let clock = VirtualClock::real_time(start(), NonZeroU32::new(1_000).unwrap());
    let world = World::default()
        .working_for(Duration::from_millis(400))
        .replies("slow", vec![Ok(json!(1))]);
    let call = with(task("slow"), &json!({"TimeoutSeconds": 20}));
    let definition = machine(&json!({
        "Nap": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Call"},
        "Call": call,
    }));
    let stage = Stage::on(clock, &definition, world);
    let began = Instant::now();
    let outcome = stage.run(json!({"nap": 30})).await;
    assert_eq!(failed(&outcome).0, "States.Timeout");
    assert!(outcome.virtual_elapsed >= Duration::from_secs(50));
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert!(stage.world.calls().is_empty(), "the call was not given up");
}

/// Five thousand children with ten states each, two hundred at a time.
#[tokio::test]
async fn thousands_of_children_take_seconds() {
    const CHILDREN: usize = 5_000;
    let list: Vec<usize> = (0..CHILDREN).collect();
    let world = World::default()
        .function("work", |payload| Ok(payload.clone()))
        .object("bucket/items.json", json!(list).to_string());
    let go_on = |state: serde_json::Value, next: &str| {
        let mut state = with(state, &json!({"Next": next}));
        state.as_object_mut().unwrap().remove("End");
        state
    };
    let call = with(task("work"), &json!({"ResultPath": "$.result"}));
    let pause = json!({"Type": "Wait", "SecondsPath": "$.wait"});
    let choice = |next: &str| {
        json!({
            "Type": "Choice",
            "Choices": [{"Variable": "$.busy", "BooleanEquals": true, "Next": next}],
            "Default": "Never",
        })
    };
    let children = json!({
        "Shape": {
            "Type": "Pass",
            "Parameters": {"n.$": "$", "wait": 60, "busy": true, "name.$": "$$.Execution.Name"},
            "Next": "Split",
        },
        "Split": go_on(call.clone(), "Submit"),
        "Submit": go_on(call.clone(), "Wait"),
        "Wait": go_on(pause.clone(), "Check"),
        "Check": go_on(call.clone(), "Done?"),
        "Done?": choice("Wait again"),
        "Wait again": go_on(pause, "Check again"),
        "Check again": go_on(call.clone(), "Done again?"),
        "Done again?": choice("Merge"),
        "Merge": with(call, &json!({"OutputPath": "$.n"})),
        "Never": {"Type": "Succeed"},
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let began = Instant::now();
    let outcome = stage.run(items(200)).await;
    let real = began.elapsed();
    assert_eq!(outcome.status, Status::Succeeded(json!(list)));
    assert_eq!(outcome.children, CHILDREN as u64);
    assert_eq!(outcome.state_transitions, 1 + 10 * CHILDREN as u64);
    assert_eq!(outcome.virtual_elapsed, Duration::from_mins(50));
    println!("{CHILDREN} children in {real:?}");
    assert!(real < Duration::from_secs(30), "took {real:?}");
}

/// The time of each event does not depend on the number of threads: every event of every child has
/// the same instant and the same place in its history.
#[test]
fn threads_do_not_change_the_course_of_events() {
    let children = json!({
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload.$": "$"},
            "Retry": [{"ErrorEquals": ["Odd"], "IntervalSeconds": 3, "MaxAttempts": 2}],
            "ResultPath": null,
            "Next": "Nap",
        },
        "Nap": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Last nap"},
        "Last nap": {"Type": "Wait", "SecondsPath": "$.nap", "End": true},
    });
    let list: Vec<_> = (0..300_u64)
        .map(|n| json!({"n": n, "nap": n * 37 % 11}))
        .collect();
    let definition = machine(&json!({"Each": map(&children)}));
    let course = |runtime: tokio::runtime::Runtime| {
        let attempts = Mutex::new(BTreeMap::new());
        let world = World::default()
            .object("bucket/items.json", json!(list).to_string())
            .lasting("f", Duration::from_secs(2))
            .function("f", move |payload| {
                let n = payload["n"].as_u64().unwrap();
                let mut attempts = attempts.lock().unwrap();
                let attempt = attempts.entry(n).or_insert(0);
                *attempt += 1;
                if *attempt > n % 3 {
                    Ok(json!("fine"))
                } else {
                    Err(FunctionError::new("Odd", "one too many"))
                }
            });
        let stage = Stage::new(&definition, world);
        let outcome = runtime.block_on(stage.run(items(40)));
        let mut seen: Vec<_> = stage
            .recorder
            .seen()
            .into_iter()
            .filter(|event| event.id.is_some())
            .map(|event| (event.execution, event.id, event.at.to_bits(), event.name))
            .collect();
        seen.sort();
        (outcome.virtual_elapsed, outcome.status, seen)
    };
    let single = course(
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap(),
    );
    assert!(single.2.len() > 300 * 10);
    for threads in [2, 8] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .build()
            .unwrap();
        assert_eq!(course(runtime), single, "with {threads} threads");
    }
}
