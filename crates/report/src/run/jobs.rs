//! Rounds and jobs.

use crate::chart::{Bar, bars};
use crate::page::{HtmlPage, Value};
use crate::run::answer_words::AnswerWords;
use crate::timeline::{TimeMark, TimeSpan, timeline};
use jiff::Timestamp;
use quarry_result::digits::grouped;
use quarry_result::summary::{JobSummary, Summary};

/// The most jobs that are shown.
const MOST_JOBS: usize = 100;

/// Adds what each round sent and got.
pub(super) fn add_rounds(page: &mut HtmlPage, summary: &Summary) {
    page.section("Rounds");
    let words = AnswerWords::of(summary);
    let good = summary.rounds.iter().enumerate().map(|(number, round)| {
        Bar::new(format!("round {}", round.round), round.good).at(format!("/rounds/{number}/good"))
    });
    page.figure(&bars(
        &format!("{} by round", words.many),
        &words.many.to_lowercase(),
        &good.collect::<Vec<_>>(),
    ));
    let rounds = summary.rounds.iter().enumerate();
    page.table(
        &format!(
            "Round 0 sends all records, later rounds those that still lack {}",
            words.one
        ),
        &[
            "Round",
            "Jobs",
            "On demand",
            "Sent",
            words.many,
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
    add_chart(page, jobs);
    add_times(page, jobs);
    let lines = jobs.iter().enumerate().map(|(number, job)| {
        let member = |name: &str| member(number, name);
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
            "Tokens in",
            "Tokens out",
        ],
        lines,
    );
}

/// Adds a chart of when the jobs ran; if that is not known, of how long they took.
fn add_chart(page: &mut HtmlPage, jobs: &[JobSummary]) {
    let mut spans: Vec<TimeSpan> = jobs
        .iter()
        .enumerate()
        .filter_map(|(number, job)| {
            Some(TimeSpan {
                label: label(job),
                start: mark(job.submitted.as_ref()?, member(number, "submitted"))?,
                end: mark(job.ended.as_ref()?, member(number, "ended"))?,
                is_bad: is_bad(job),
            })
        })
        .collect();
    if !spans.is_empty() {
        spans.sort_by_key(|span| (span.start.seconds, span.end.seconds));
        page.figure(&timeline("Jobs over time, from submission to end", &spans));
        return;
    }
    let times = jobs.iter().enumerate().map(|(number, job)| Bar {
        is_bad: is_bad(job),
        ..Bar::new(label(job), job.seconds).at(member(number, "seconds"))
    });
    page.figure(&bars(
        "Seconds from submission to end",
        "seconds",
        &times.collect::<Vec<_>>(),
    ));
}

fn add_times(page: &mut HtmlPage, jobs: &[JobSummary]) {
    let lines = jobs.iter().enumerate().map(|(number, job)| {
        let time = |time: &Option<String>, name: &str| match time {
            Some(time) => Value::Figure {
                text: time.clone(),
                member: member(number, name),
            },
            None => Value::number("not known"),
        };
        vec![
            Value::heading(label(job)),
            time(&job.submitted, "submitted"),
            time(&job.ended, "ended"),
            Value::figure(job.seconds, &member(number, "seconds")),
        ]
    });
    page.table(
        "When the jobs ran",
        &["Job for", "Submitted", "Ended", "Seconds"],
        lines,
    );
}

fn mark(text: &str, member: String) -> Option<TimeMark> {
    let time: Timestamp = text.parse().ok()?;
    Some(TimeMark {
        seconds: u64::try_from(time.as_second()).ok()?,
        text: text.to_owned(),
        member,
    })
}

fn label(job: &JobSummary) -> String {
    format!("slice {}, round {}", job.slice, job.round)
}

fn is_bad(job: &JobSummary) -> bool {
    job.status != "Completed"
}

fn member(job: usize, name: &str) -> String {
    format!("/batch_job_info/jobs/{job}/{name}")
}
