//! `ListModelInvocationJobs`.

use super::{Service, StoredJob, answer};
use crate::api::{ApiError, Failure, read_timestamp};
use crate::faults::{JobFaultKind, Operation};
use crate::rules::is_job_name;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The query of `ListModelInvocationJobs`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListQuery {
    submit_time_after: Option<String>,
    submit_time_before: Option<String>,
    status_equals: Option<String>,
    name_contains: Option<String>,
    max_results: Option<String>,
    next_token: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
}

impl Service {
    pub(crate) async fn list(self: &Arc<Self>, query: &ListQuery) -> Result<Value, Failure> {
        const DEFAULT_PAGE: usize = 100;
        let cut = self.begin(Operation::List, None)?;
        if let Some(name) = &query.name_contains
            && !is_job_name(name)
        {
            return Err(ApiError::constraint(
                name,
                "nameContains",
                "Member must satisfy the pattern of a job name",
            )
            .into());
        }
        one_of(query.sort_by.as_deref(), "sortBy", &["CreationTime"])?;
        one_of(
            query.sort_order.as_deref(),
            "sortOrder",
            &["Ascending", "Descending"],
        )?;
        one_of(query.status_equals.as_deref(), "statusEquals", &STATUSES)?;
        let page = match &query.max_results {
            None => DEFAULT_PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| (1..=1_000).contains(count))
                .ok_or_else(|| {
                    ApiError::constraint(text, "maxResults", "Member must be between 1 and 1000")
                })?,
        };
        let first: usize = match &query.next_token {
            None => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| ApiError::validation("The nextToken is not valid."))?,
        };
        let after = bound(query.submit_time_after.as_deref(), "submitTimeAfter")?;
        let before = bound(query.submit_time_before.as_deref(), "submitTimeBefore")?;
        self.advance_all(|_| true).await;
        self.write_due().await;
        let mut found: Vec<Map<String, Value>> = self
            .jobs()
            .iter()
            .filter(|job| self.is_listed(job))
            .filter(|job| after.is_none_or(|after| job.submitted >= after))
            .filter(|job| before.is_none_or(|before| job.submitted <= before))
            .filter(|job| {
                let name = query.name_contains.as_deref();
                name.is_none_or(|name| job.request.name.contains(name))
            })
            .map(|job| self.summarise(job))
            .filter(|job| {
                let status = query.status_equals.as_deref();
                status.is_none() || job.get("status").and_then(Value::as_str) == status
            })
            .collect();
        if query.sort_order.as_deref() != Some("Ascending") {
            found.reverse();
        }
        let more = found.len() > first.saturating_add(page);
        let summaries: Vec<_> = found.into_iter().skip(first).take(page).collect();
        let mut list = json!({"invocationJobSummaries": summaries});
        if more {
            list["nextToken"] = json!(format!("page-{}", first + page));
        }
        answer(list, cut)
    }
}

impl Service {
    fn is_listed(&self, job: &StoredJob) -> bool {
        let fault = self
            .model
            .faults
            .lasting(JobFaultKind::LateList, job.number);
        let minutes = fault.and_then(|fault| fault.minutes).unwrap_or_default();
        let shown = job.submitted + Duration::from_secs(minutes.saturating_mul(60));
        (self.now)() >= shown
    }
}

const STATUSES: [&str; 10] = [
    "Submitted",
    "Validating",
    "Scheduled",
    "InProgress",
    "Completed",
    "PartiallyCompleted",
    "Failed",
    "Stopping",
    "Stopped",
    "Expired",
];

fn one_of(value: Option<&str>, member: &str, names: &[&str]) -> Result<(), ApiError> {
    match value {
        Some(value) if !names.contains(&value) => Err(ApiError::constraint(
            value,
            member,
            &format!("Member must satisfy enum value set: [{}]", names.join(", ")),
        )),
        _ => Ok(()),
    }
}

fn bound(text: Option<&str>, member: &str) -> Result<Option<Duration>, ApiError> {
    match text {
        None => Ok(None),
        Some(text) => match read_timestamp(text) {
            Some(time) => Ok(Some(time)),
            None => Err(ApiError::constraint(text, member, "Member must be a time")),
        },
    }
}
