//! What the command line says about runs, for one case of each kind.

mod world;

use expect_test::expect_file;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::job_status::JobStatus;
use quarry_cost::Usd;
use quarry_result::summary::{ProjectionSummary, SampleSummary, SampledTable};
use quarry_runs::{
    RunFailure, RunLine, RunStatus, before_redrive, before_stop, end_in_words, table,
};
use std::fmt::Write as _;
use std::time::Duration;
use world::{BEGAN, NOW, Slice, World, output};

/// A run over a sample that has succeeded.
fn sampled() -> World {
    let mut world = World::planned(&[Slice::Done]);
    world.end(ExecutionStatus::Succeeded);
    world.facts.output = Some(output());
    world.facts.sample = Some(SampleSummary {
        rows: 50,
        of: 10_000,
        seed: Some(7),
        tables: vec![SampledTable {
            split: None,
            rows: 50,
            of: 10_000,
        }],
        projection: Some(ProjectionSummary {
            records: 9_998,
            input_tokens: 6_946_237,
            output_tokens: 494_404,
            in_jobs: "5.18".parse().ok(),
            on_demand: "10.36".parse().ok(),
        }),
    });
    world
}

/// Every state of a run, as text and for programs.
#[test]
fn each_state_of_a_run_is_told_in_a_few_lines() {
    let cases = [
        ("being planned", World::new(ExecutionStatus::Running)),
        (
            "some slices are in jobs",
            World::planned(&[
                Slice::Done,
                Slice::Done,
                Slice::InJob(41),
                Slice::InJob(0),
                Slice::Waiting,
            ]),
        ),
        (
            "on demand, in a second round",
            World::planned(&[Slice::OnDemand, Slice::Between, Slice::Done]),
        ),
        (
            "all slices are done",
            World::planned(&[Slice::Done, Slice::Done]),
        ),
        ("redriven", {
            let mut world = World::planned(&[Slice::InJob(5)]);
            world.facts.redrives = 1;
            world
        }),
        ("succeeded", {
            let mut world = World::planned(&[Slice::Done]);
            world.end(ExecutionStatus::Succeeded);
            world.facts.output = Some(output());
            world
        }),
        ("a sample succeeded", sampled()),
        ("failed, and a job has not ended", {
            let mut world = World::planned(&[Slice::Done, Slice::InJob(7)]);
            world.end(ExecutionStatus::Failed);
            world.facts.failure = Some(RunFailure::new(
                "Quarry.Refused",
                r#"{"errorType": "Quarry.Refused", "errorMessage": "refused: the model is not enabled"}"#,
            ));
            world
        }),
        ("stopped before it was planned", {
            let mut world = World::new(ExecutionStatus::Aborted);
            world.end(ExecutionStatus::Aborted);
            world.facts.failure = Some(RunFailure::new(
                "Quarry.Stopped",
                "stopped with quarry stop",
            ));
            world
        }),
        ("more jobs than are named", {
            World::planned(&[Slice::InJob(1); 12])
        }),
    ];
    let mut text = String::new();
    for (name, world) in cases {
        let status = RunStatus::of(&world.facts, NOW);
        let lines = status.lines(&world.facts, NOW).join("\n");
        let json = serde_json::to_string(&status).unwrap();
        let line = status.line();
        let stop = before_stop(&status).join("\n");
        let redrive = before_redrive(&status).join("\n");
        writeln!(text, "--- {name}\n{line}\n{lines}\n{json}\n").unwrap();
        if world.facts.status.has_ended() {
            writeln!(text, "{}\n{redrive}\n", end_in_words(&status)).unwrap();
        } else {
            writeln!(text, "{stop}\n").unwrap();
        }
    }
    expect_file!["../expected/status.txt"].assert_eq(&text);
}

#[test]
fn a_list_of_runs_is_a_table() {
    let line = |name: &str, status: ExecutionStatus, rows, failed| RunLine {
        name: name.to_owned(),
        status,
        started: BEGAN,
        ended: status.has_ended().then_some(NOW),
        rows,
        failed,
        cost: rows.map(|rows: u64| Usd::of_parts(u128::from(rows) * 500_000_000)),
        retries: failed.map(|_| "letters-0d2c".to_owned()),
    };
    let runs = [
        line(
            "strikes-20261128-155801-3f9c",
            ExecutionStatus::Running,
            Some(10_000),
            None,
        ),
        line(
            "strikes",
            ExecutionStatus::Succeeded,
            Some(1_234_567),
            Some(12),
        ),
        line("letters", ExecutionStatus::Aborted, None, None),
    ];
    let mut text = table(&runs, NOW).join("\n");
    for run in runs {
        write!(text, "\n{}", run.json()).unwrap();
    }
    text.push('\n');
    expect_file!["../expected/runs.txt"].assert_eq(&text);
}

#[test]
fn a_retry_names_the_run_that_it_retries() {
    let mut world = World::planned(&[Slice::Done]);
    world.facts.retries = Some("letters-0d2c".to_owned());
    let status = RunStatus::of(&world.facts, NOW);
    let lines = status.lines(&world.facts, NOW);
    assert_eq!(lines[1], "retry of  letters-0d2c");
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["retries"], "letters-0d2c");
}

/// What jobs have worked on counts once: in the job while it is live, and in the counts afterwards.
#[test]
fn a_row_is_counted_once() {
    let mut world = World::planned(&[Slice::Done, Slice::InJob(50)]);
    let status = RunStatus::of(&world.facts, NOW);
    assert_eq!((status.rows.answered, status.rows.in_progress), (100, 50));
    assert_eq!(status.percent(), Some(75));
    world.facts.jobs[0].status = JobStatus::Completed;
    let status = RunStatus::of(&world.facts, NOW);
    assert_eq!((status.rows.answered, status.rows.in_progress), (100, 0));
    assert!(status.jobs.is_empty());
}

/// Two slices are done, with 17,000 tokens read and 2,500 written on demand in each.
#[test]
fn a_run_that_works_shows_what_it_has_cost_so_far() {
    let mut world = World::planned(&[Slice::Done, Slice::Done, Slice::InJob(50)]);
    let rates = r#"{"primary": {"model": "m", "on_demand": {"input": "1", "output": "10"}, "source": "", "checked": ""}}"#;
    world.facts.plan.as_mut().unwrap().rates = serde_json::from_str(rates).unwrap();
    let status = RunStatus::of(&world.facts, NOW);
    assert_eq!(status.cost, "0.084".parse().ok());
    let lines = status.lines(&world.facts, NOW);
    let cost = "cost      0.084 USD for these tokens";
    assert!(lines.iter().any(|line| line == cost), "{lines:?}");
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["cost"], "0.084000");
}

#[test]
fn a_time_of_the_future_is_no_error() {
    let world = World::planned(&[Slice::Waiting]);
    let status = RunStatus::of(&world.facts, Duration::ZERO);
    assert_eq!(status.seconds, 0);
}
