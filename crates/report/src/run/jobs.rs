//! Rounds and jobs.

use crate::chart::{Bar, bars};
use crate::page::{HtmlPage, Value};
use quarry_result::digits::grouped;
use quarry_result::summary::{JobSummary, Summary};

/// The most jobs that are shown.
const MOST_JOBS: usize = 100;

/// Adds what each round sent and got.
pub(super) fn add_rounds(page: &mut HtmlPage, summary: &Summary) {
    page.section("Rounds");
    let good = summary
        .rounds
        .iter()
        .map(|round| Bar::new(format!("round {}", round.round), round.good));
    page.figure(&bars(
        "Good answers by round",
        "good answers",
        &good.collect::<Vec<_>>(),
    ));
    let rounds = summary.rounds.iter().enumerate();
    page.table(
        "Round 0 sends all records, later rounds those that still lack a good answer",
        &[
            "Round",
            "Jobs",
            "On demand",
            "Sent",
            "Good answers",
            "Tokens in",
            "Tokens out",
        ],
        rounds.map(|(number, round)| {
            let member = |name: &str| format!("/rounds/{number}/{name}");
            vec![
                Value::heading(round.round.to_string()),
                Value::figure(round.jobs, &member("jobs")),
                Value::figure(round.on_demand_records, &member("on_demand_records")),
                Value::figure(round.asked, &member("asked")),
                Value::figure(round.good, &member("good")),
                Value::figure(round.input_tokens, &member("input_tokens")),
                Value::figure(round.output_tokens, &member("output_tokens")),
            ]
        }),
    );
}

/// Adds the first jobs: how long they took, and what they brought.
pub(super) fn add_jobs(page: &mut HtmlPage, summary: &Summary) {
    let Some(info) = &summary.batch_job_info else {
        return;
    };
    let jobs = &info.jobs[..info.jobs.len().min(MOST_JOBS)];
    if jobs.is_empty() {
        return;
    }
    page.section("Jobs");
    let label = |job: &JobSummary| format!("slice {}, round {}", job.slice, job.round);
    let times = jobs.iter().map(|job| Bar {
        label: label(job),
        count: job.seconds,
        is_bad: job.status != "Completed",
    });
    page.figure(&bars(
        "Seconds from submission to end",
        "seconds",
        &times.collect::<Vec<_>>(),
    ));
    let lines = jobs.iter().enumerate().map(|(number, job)| {
        let member = |name: &str| format!("/batch_job_info/jobs/{number}/{name}");
        let status = if job.message.is_empty() {
            job.status.clone()
        } else {
            format!("{}: {}", job.status, job.message)
        };
        vec![
            Value::heading(&job.name),
            Value::text(label(job)),
            Value::text(status),
            Value::figure(job.records, &member("records")),
            Value::figure(job.answers, &member("answers")),
            Value::figure(job.seconds, &member("seconds")),
            Value::figure(job.input_tokens, &member("input_tokens")),
            Value::figure(job.output_tokens, &member("output_tokens")),
        ]
    });
    page.table(
        &format!("{} of {} jobs", jobs.len(), grouped(info.total_jobs)),
        &[
            "Job",
            "For",
            "Status",
            "Records",
            "Answers",
            "Seconds",
            "Tokens in",
            "Tokens out",
        ],
        lines,
    );
}
