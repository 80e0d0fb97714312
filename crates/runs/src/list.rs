//! A list of runs.

use crate::words::{long, rfc3339, state, time};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_cost::Usd;
use quarry_result::digits::grouped;
use serde_json::{Value, json};
use std::time::Duration;

/// A run in a list. Times are since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLine {
    /// Its name.
    pub name: String,
    /// Its execution's status.
    pub status: ExecutionStatus,
    /// When it began.
    pub started: Duration,
    /// When it ended, if it did.
    pub ended: Option<Duration>,
    /// Rows of all tables, if they are known.
    pub rows: Option<u64>,
    /// Rows for which no model answered, if the run succeeded.
    pub failed: Option<u64>,
    /// What its tokens have cost so far, if that is known.
    pub cost: Option<Usd>,
    /// The run whose failed rows it asks again, if it is a retry.
    pub retries: Option<String>,
}

impl RunLine {
    /// Returns the line for programs.
    pub fn json(&self) -> Value {
        json!({
            "run": self.name,
            "state": state(self.status),
            "execution": self.status,
            "started": rfc3339(self.started),
            "ended": self.ended.map(rfc3339),
            "rows": self.rows,
            "failed": self.failed,
            "cost": self.cost,
            "retries": self.retries,
        })
    }

    fn cells(&self, now: Duration) -> [String; 6] {
        let figure = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), grouped);
        let retries = self.retries.as_ref();
        let retries = retries.map_or_else(String::new, |run| format!(", retry of {run}"));
        let lasted = self.ended.unwrap_or(now).saturating_sub(self.started);
        [
            self.name.clone(),
            state(self.status).to_owned(),
            figure(self.rows),
            figure(self.failed),
            self.cost.map_or_else(|| "n/a".to_owned(), Usd::shown),
            format!("{} UTC, {}{retries}", time(self.started), long(lasted)),
        ]
    }
}

/// Returns the lines of a table of runs, the first of which names the columns.
pub fn table(runs: &[RunLine], now: Duration) -> Vec<String> {
    let head = ["NAME", "STATE", "ROWS", "FAILED", "COST", "BEGAN, TOOK"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head)
        .chain(runs.iter().map(|run| run.cells(now)))
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    rows.iter()
        .map(|[name, state, rows, failed, cost, since]| {
            let [w0, w1, w2, w3, w4] = widths;
            format!(
                "{name:w0$}   {state:w1$}   {rows:>w2$}   {failed:>w3$}   {cost:>w4$}   {since}"
            )
        })
        .collect()
}
