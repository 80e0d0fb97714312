//! Promise: a function that uses its memory up is called again. If that happens each time, the run fails
//! with a message that names the function and the remedy, and can be redriven.

use crate::deaths;
use crate::fated::Fates;
use crate::settling::{self, Ended, settle};
use quarry_contract::callback::Callback;
use quarry_edge::callbacks::memory::{MemoryCallbacks, StepAnswer};
use quarry_edge::executions::Cause;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::fates::Fate;
use quarry_settle::Deps;
use quarry_state_machine::Status;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const FUNCTIONS: [&str; 7] = [
    "plan", "split", "submit", "check", "invoke", "merge", "finish",
];
const TOKEN: &str = "26vcYbeWsZ";
/// A step is called once, and eight times more.
const CALLS: u64 = 9;

/// Fates in which a function uses its memory up, the first `times` that it is called.
fn used_up(function: &'static str, times: &Arc<AtomicU64>) -> Fates {
    let times = Arc::clone(times);
    Fates::new(move |call| {
        let dies = call.function == function
            && times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if dies { Fate::MemoryUsedUp } else { Fate::Made }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_memory_is_used_up_some_times_is_called_again() {
    let (_, expected) = deaths::undisturbed().await;
    for function in FUNCTIONS {
        let times = Arc::new(AtomicU64::new(CALLS - 1));
        let case = deaths::case(&used_up(function, &times)).await;
        let ended = case.run().await;
        ended.unwrap_or_else(|error| panic!("{function}: {error}"));
        assert_eq!(times.load(Ordering::SeqCst), 0, "{function}");
        assert_eq!(deaths::left(&case).await, expected, "{function}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_memory_is_always_used_up_fails_the_run_with_its_name_and_the_remedy() {
    let (_, expected) = deaths::undisturbed().await;
    for function in FUNCTIONS {
        let times = Arc::new(AtomicU64::new(u64::MAX));
        let mut case = deaths::case(&used_up(function, &times)).await;
        case.request.callback = Some(Callback {
            token: TOKEN.parse().unwrap(),
            pipeline_execution_arn:
                "arn:aws:sagemaker:us-east-1:123456789012:pipeline/a/execution/b".to_owned(),
        });
        let input = serde_json::to_value(&case.request).unwrap();
        let outcome = case
            .stack
            .execution("run", input.clone())
            .unwrap()
            .run()
            .await;
        let Status::Failed { error, .. } = &outcome.status else {
            panic!("{function}: {outcome:?}")
        };
        let (executions, callbacks) = (MemoryExecutions::default(), MemoryCallbacks::default());
        if let Some(child) = &outcome.first_child_failure {
            assert_eq!(child.error, "Runtime.OutOfMemory", "{function}");
            executions.set_failed_child(Cause {
                error: child.error.clone(),
                cause: child.cause.clone(),
            });
        } else {
            assert_eq!(error, "Runtime.OutOfMemory", "{function}");
        }
        // What `GetExecutionHistory` says.
        executions.set_last_function(&format!("quarry-{function}"));
        let deps = settling::deps(&case.stack, &executions, &callbacks);
        let deps = Deps {
            redrive: quarry_settle::RedriveTime::default(),
            ..deps
        };
        let ended = Ended {
            name: "run",
            input: &input,
            outcome: &outcome,
            at: case.stack.clock().now(),
        };
        settle(&deps, ended).await.unwrap();
        let answers = callbacks.answers();
        let Some(StepAnswer::Failed(reason)) = answers.get(TOKEN) else {
            panic!("{function}: {answers:?}")
        };
        for words in [
            &format!("quarry-{function} used up its memory"),
            "MemorySize in the template",
            "BEDROCK_MAX_RECORDS_PER_JOB",
        ] {
            assert!(reason.as_str().contains(words), "{}", reason.as_str());
        }
        // The jobs go on meanwhile, and then the memory is enough.
        times.store(0, Ordering::SeqCst);
        let outcome = case.stack.redrive("run").unwrap().run().await;
        assert!(
            matches!(outcome.status, Status::Succeeded(_)),
            "{function}: {outcome:?}"
        );
        assert_eq!(deaths::left(&case).await, expected, "{function}");
    }
}
