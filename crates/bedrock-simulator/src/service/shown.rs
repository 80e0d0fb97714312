//! A job as `GetModelInvocationJob` and the summaries of a list show it.
//!
//! The two differ: a list has no message, token or expiration time, as recorded lists of finished
//! and failed jobs show.

use super::{Service, StoredJob};
use crate::api::timestamp;
use crate::job::{Ending, Stage};
use crate::models::is_profile;
use crate::status::Status;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long after its end a job is last modified.
const AFTER_END: Duration = Duration::from_millis(451);

impl Service {
    /// Returns all members, for `GetModelInvocationJob`.
    pub(super) fn describe(&self, job: &StoredJob) -> Map<String, Value> {
        let mut shown = self.summarise(job);
        let request = &job.request;
        for name in ["clientRequestToken", "vpcConfig"] {
            if let Some(value) = request.body.get(name).filter(|value| !value.is_null()) {
                shown.insert(name.to_owned(), value.clone());
            }
        }
        let invocation_type = if request.converse {
            "Converse"
        } else {
            "InvokeModel"
        };
        let expiration = timestamp(job.submitted + request.timeout);
        shown.insert("modelInvocationType".to_owned(), json!(invocation_type));
        shown.insert("jobExpirationTime".to_owned(), json!(expiration));
        if let Some((ending, _)) = &job.state().ended
            && let Some(message) = &ending.message
        {
            shown.insert("message".to_owned(), json!(message));
        }
        let names = [
            "totalRecordCount",
            "processedRecordCount",
            "successRecordCount",
            "errorRecordCount",
        ];
        for (name, count) in names.into_iter().zip(self.counts(job)) {
            shown.insert(name.to_owned(), json!(count));
        }
        shown
    }

    /// Returns the members that a list shows.
    pub(super) fn summarise(&self, job: &StoredJob) -> Map<String, Value> {
        let standing = self.stage(job);
        let request = &job.request;
        let mut shown = Map::new();
        let mut show = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        show("jobArn", json!(job.arn));
        show("jobName", json!(request.name));
        show("modelId", json!(self.model_arn(&request.model_id)));
        show(
            "roleArn",
            request.body.get("roleArn").cloned().unwrap_or_default(),
        );
        for (outer, inner) in [
            ("inputDataConfig", "s3InputDataConfig"),
            ("outputDataConfig", "s3OutputDataConfig"),
        ] {
            let mut config = request.body.get(outer).cloned().unwrap_or_default();
            if let Some(Value::Object(s3)) = config.get_mut(inner) {
                s3.entry("s3BucketOwner")
                    .or_insert_with(|| json!(self.account));
            }
            show(outer, config);
        }
        let hours = request.timeout.as_secs() / 3_600;
        show("timeoutDurationInHours", json!(hours));
        show("submitTime", json!(timestamp(job.submitted)));
        let state = job.state();
        let status = match (&state.ended, standing) {
            (Some((ending, _)), _) => {
                show("endTime", json!(timestamp(self.end_time(job, ending))));
                show("lastModifiedTime", json!(timestamp(ending.at)));
                ending.status
            }
            (None, Stage::Running(status, _)) => {
                show("lastModifiedTime", json!(timestamp((self.now)())));
                status
            }
            // The clock advanced after the job did.
            (None, Stage::ToValidate) => Status::Validating,
            (None, Stage::AtEnd(_)) => Status::InProgress,
        };
        show("status", json!(status.as_str()));
        shown
    }

    /// Returns the end time that is shown. An expired job shows the time of its validation, a day
    /// or more before it expired; only the time of its last change tells when that was.
    fn end_time(&self, job: &StoredJob, ending: &Ending) -> Duration {
        let end = ending.at.saturating_sub(AFTER_END).max(job.submitted);
        if ending.status == Status::Expired {
            end.min(job.submitted + self.schedule.validated())
        } else {
            end
        }
    }

    /// Returns the records in total, processed, answered, and with errors.
    fn counts(&self, job: &StoredJob) -> [u64; 4] {
        let standing = self.stage(job);
        let state = job.state();
        let total = state.input.as_ref().map_or(0, |input| input.records);
        match (&state.ended, standing) {
            (Some((_, totals)), _) => [total, totals.processed, totals.success, totals.error],
            (None, Stage::Running(_, share)) => {
                let done = part(total, share);
                [total, done, done, 0]
            }
            (None, Stage::ToValidate) => [0; 4],
            (None, Stage::AtEnd(_)) => [total, total, total, 0],
        }
    }

    fn model_arn(&self, model_id: &str) -> String {
        let (region, account) = (&self.region, &self.account);
        if model_id.starts_with("arn:") {
            model_id.to_owned()
        } else if is_profile(model_id) {
            format!("arn:aws:bedrock:{region}:{account}:inference-profile/{model_id}")
        } else {
            format!("arn:aws:bedrock:{region}::foundation-model/{model_id}")
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a progress figure between 0 and `total`"
)]
fn part(total: u64, share: f64) -> u64 {
    ((total as f64) * share.clamp(0.0, 1.0)) as u64
}
