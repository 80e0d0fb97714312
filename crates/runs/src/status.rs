//! The status of one run.

use crate::facts::{RunFacts, RunFailure, cost_of};
use crate::slices::SliceStages;
use crate::words::{counted, long, rfc3339, state, time};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::job_status::JobStatus;
use quarry_contract::listed_job::ListedJob;
use quarry_contract::location::S3Uri;
use quarry_cost::Usd;
use quarry_result::digits::grouped;
use quarry_result::summary::SampleSummary;
use serde::Serialize;
use std::time::Duration;

/// The most jobs that the text names.
const MOST_JOBS_NAMED: usize = 10;

/// The status of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStatus {
    /// Its name.
    pub run: String,
    /// Its state in one word.
    pub state: &'static str,
    /// The service's name of the state.
    pub execution: ExecutionStatus,
    /// The state machine's name for why it ended, if it failed or was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<RunFailure>,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Seconds since it began, or from its begin to its end.
    pub seconds: u64,
    /// How often it was redriven.
    pub redrives: u32,
    /// The run whose failed rows it asks again, if it is a retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<String>,
    /// The model that is asked, if the run is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its rows.
    pub rows: RowFigures,
    /// Its slices, if it is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slices: Option<SliceStages>,
    /// Its jobs that have not ended.
    pub jobs: Vec<JobAtWork>,
    /// Tokens of the rounds whose answers are read.
    pub tokens: TokenFigures,
    /// What the tokens cost: those of the whole run if it has succeeded, or else those of the rounds whose
    /// answers are read. `None` if a price is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    /// Which rows a run over a sample has, and what all rows would take, once it has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleSummary>,
    /// What a live run waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The folder of the result tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<S3Uri>,
    /// The summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<S3Uri>,
}

/// Numbers of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RowFigures {
    /// Rows of all tables; `None` until the run is planned.
    pub total: Option<u64>,
    /// Rows that jobs and calls have worked on and whose answers are not read yet.
    pub in_progress: u64,
    /// Rows with a good answer, in rounds whose answers are read.
    pub answered: u64,
    /// Rows for which no model answered; `None` until the run has succeeded.
    pub failed: Option<u64>,
}

/// Numbers of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenFigures {
    /// Tokens that the models read.
    pub input: u64,
    /// Tokens that the models wrote.
    pub output: u64,
}

/// A job that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobAtWork {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its status, in the service's words.
    pub status: JobStatus,
    /// Its records, if the service has counted them.
    pub records: Option<u64>,
    /// Its records that the model has worked on.
    pub processed: Option<u64>,
    /// Its records with an error.
    pub errors: Option<u64>,
    /// When it runs out of time, RFC 3339.
    pub ends_by: Option<String>,
}

impl From<&ListedJob> for JobAtWork {
    fn from(job: &ListedJob) -> Self {
        Self {
            name: job.name.clone(),
            arn: job.arn.clone(),
            status: job.status,
            records: job.records,
            processed: job.processed,
            errors: job.errors,
            ends_by: job.expires.map(rfc3339),
        }
    }
}

impl RunStatus {
    /// Returns the status that follows from the facts at a time.
    pub fn of(facts: &RunFacts, now: Duration) -> Self {
        let slices = facts
            .plan
            .as_ref()
            .map(|plan| SliceStages::of(&facts.folder, &facts.objects, plan.slices));
        let jobs: Vec<JobAtWork> = facts
            .jobs
            .iter()
            .filter(|job| !job.status.is_terminal())
            .map(JobAtWork::from)
            .collect();
        let counts = || facts.counted.iter().map(|round| &round.counts);
        let output = facts.output.as_ref();
        let rows = RowFigures {
            total: output
                .map(|output| output.rows)
                .or(facts.plan.as_ref().map(|plan| plan.rows)),
            in_progress: jobs.iter().filter_map(|job| job.processed).sum(),
            answered: counts().map(|counts| counts.good).sum(),
            failed: output.map(|output| output.failed),
        };
        let waits_for =
            (!facts.status.has_ended()).then(|| waits_for(facts, slices.as_ref(), &jobs));
        Self {
            run: facts.name.clone(),
            state: state(facts.status),
            execution: facts.status,
            failure: facts.failure.clone(),
            started: rfc3339(facts.started),
            ended: facts.ended.map(rfc3339),
            seconds: lasted(facts, now).as_secs(),
            redrives: facts.redrives,
            retries: facts.retries.clone(),
            model: facts.plan.as_ref().map(|plan| plan.model.clone()),
            rows,
            slices,
            jobs,
            tokens: TokenFigures {
                input: counts().map(|counts| counts.input_tokens).sum(),
                output: counts().map(|counts| counts.output_tokens).sum(),
            },
            cost: match output {
                Some(output) => output.cost,
                None => facts.cost(),
            },
            sample: facts.sample.clone(),
            waits_for,
            output: output.map(|output| output.output.clone()),
            summary: output.map(|output| output.summary.clone()),
        }
    }

    /// Returns how much of the rows is answered, in whole per cent; `None` if the rows are not known.
    pub fn percent(&self) -> Option<u64> {
        let total = self.rows.total.filter(|total| *total > 0)?;
        let done = (self.rows.answered + self.rows.in_progress).min(total);
        Some(done * 100 / total)
    }

    /// Returns the status as one line.
    pub fn line(&self) -> String {
        let mut parts = vec![self.state.to_owned()];
        if let Some(total) = self.rows.total.filter(|_| self.rows.failed.is_none()) {
            parts.push(format!(
                "{} of {} answered, {} more worked on",
                grouped(self.rows.answered),
                counted(total, "row"),
                grouped(self.rows.in_progress)
            ));
        }
        if let Some(slices) = &self.slices {
            parts.push(format!(
                "{} of {} done",
                slices.done,
                counted(slices.total, "slice")
            ));
        }
        if let Some(what) = &self.waits_for {
            parts.push(format!("waits {what}"));
        }
        parts.join("; ")
    }

    /// Returns the status as text, in several lines.
    pub fn lines(&self, facts: &RunFacts, now: Duration) -> Vec<String> {
        let mut lines = vec![self.head(facts, now)];
        if let Some(failure) = &self.failure {
            lines.push(format!("error     {}: {}", failure.error, failure.message));
        }
        if let Some(run) = &self.retries {
            lines.push(format!("retry of  {run}"));
        }
        if let Some(model) = &self.model {
            lines.push(format!("model     {model}"));
        }
        lines.push(format!("rows      {}", self.rows_in_words()));
        if let Some(slices) = &self.slices {
            lines.push(format!("slices    {}", slices.in_words()));
        }
        for (at, job) in facts.live_jobs().take(MOST_JOBS_NAMED).enumerate() {
            let head = if at == 0 { "jobs" } else { "" };
            lines.push(format!("{head:10}{}", job_in_words(job)));
        }
        if self.jobs.len() > MOST_JOBS_NAMED {
            let more = (self.jobs.len() - MOST_JOBS_NAMED) as u64;
            lines.push(format!("          and {}", counted(more, "further job")));
        }
        if let Some(what) = &self.waits_for {
            lines.push(format!("waits     {what}"));
        }
        let TokenFigures { input, output } = self.tokens;
        if input + output > 0 {
            lines.push(format!(
                "tokens    {} in, {} out, of the answers that are read",
                grouped(input),
                grouped(output)
            ));
        }
        if let Some(cost) = self.cost.filter(|_| input + output > 0) {
            lines.push(format!("cost      {} for these tokens", cost.shown()));
        }
        if let Some(sample) = &self.sample {
            lines.push(format!("sample    {}", sample.in_words()));
            let projection = sample.projection.as_ref();
            lines.extend(projection.map(|all| format!("all rows  {}", all.in_words())));
        }
        if let Some(output) = &self.output {
            lines.push(format!("results   {output}"));
        }
        lines
    }

    fn head(&self, facts: &RunFacts, now: Duration) -> String {
        let took = long(lasted(facts, now));
        let times = match self.redrives {
            0 => String::new(),
            count => format!(", redriven {}", counted(u64::from(count), "time")),
        };
        if let Some(ended) = facts.ended {
            return format!(
                "{}   {} at {} UTC after {took}{times}",
                self.run,
                self.state,
                time(ended)
            );
        }
        let percent = self
            .percent()
            .map_or(String::new(), |done| format!("   {done} %"));
        format!(
            "{}   {} since {} UTC ({took}){times}{percent}",
            self.run,
            self.state,
            time(facts.started)
        )
    }

    fn rows_in_words(&self) -> String {
        let Some(total) = self.rows.total else {
            return match self.ended {
                Some(_) => "not known: there is no plan of the run",
                None => "not counted yet: the run is being planned",
            }
            .to_owned();
        };
        match self.rows.failed {
            Some(failed) => format!("{}, {} failed", grouped(total), grouped(failed)),
            None => format!(
                "{}: {} with a good answer, {} more worked on in jobs",
                grouped(total),
                grouped(self.rows.answered),
                grouped(self.rows.in_progress)
            ),
        }
    }
}

impl RunFacts {
    /// Returns what the answers that are read have cost.
    fn cost(&self) -> Option<Usd> {
        let rates = self.plan.as_ref()?.rates.as_ref();
        cost_of(&self.counted, rates)
    }

    /// Returns the jobs that have not ended.
    pub(crate) fn live_jobs(&self) -> impl Iterator<Item = &ListedJob> {
        self.jobs.iter().filter(|job| !job.status.is_terminal())
    }
}

/// Returns the end of a run in one line.
pub fn end_in_words(status: &RunStatus) -> String {
    let took = long(Duration::from_secs(status.seconds));
    match &status.failure {
        Some(failure) => format!(
            "the run {} {} after {took}: {}: {}",
            status.run, status.state, failure.error, failure.message
        ),
        None => format!("the run {} {} after {took}", status.run, status.state),
    }
}

fn lasted(facts: &RunFacts, now: Duration) -> Duration {
    facts.ended.unwrap_or(now).saturating_sub(facts.started)
}

fn waits_for(facts: &RunFacts, slices: Option<&SliceStages>, jobs: &[JobAtWork]) -> String {
    let Some(slices) = slices else {
        return "for the plan".to_owned();
    };
    if slices.total == slices.done {
        return "for the results to be put together".to_owned();
    }
    match (jobs.len() as u64, slices.on_demand) {
        (0, 0) => "for its functions".to_owned(),
        (0, _) => format!(
            "for on-demand calls of {}",
            counted(facts.records_asked, "record")
        ),
        (live, 0) => format!("for {}", counted(live, "job")),
        (live, _) => format!("for {} and for on-demand calls", counted(live, "job")),
    }
}

fn job_in_words(job: &ListedJob) -> String {
    let figures = match (job.processed, job.records) {
        (Some(processed), Some(records)) => format!(
            "{} of {}, {}",
            grouped(processed),
            counted(records, "record"),
            counted(job.errors.unwrap_or_default(), "error")
        ),
        _ => "no counts yet".to_owned(),
    };
    let until = job
        .expires
        .map_or(String::new(), |at| format!("   ends by {} UTC", time(at)));
    format!("{}   {}   {figures}{until}", job.name, job.status)
}
