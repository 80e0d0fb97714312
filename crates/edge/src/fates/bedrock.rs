//! Bedrock's jobs and models.

use super::{Fated, InjectedError, OutsideOperation};
use crate::jobs::{BatchJobs, Job, JobsError, LiveJob, NewJob};
use crate::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use async_trait::async_trait;

fn jobs_error(error: InjectedError) -> JobsError {
    let source = "injected".into();
    match error {
        InjectedError::Throttled => JobsError::Throttled(source),
        InjectedError::Quota => JobsError::Quota(source),
        InjectedError::Unavailable => JobsError::Unavailable(source),
        InjectedError::AccessDenied => JobsError::AccessDenied(source),
        InjectedError::Conflict => JobsError::Conflict(source),
    }
}

#[async_trait]
impl BatchJobs for Fated<dyn BatchJobs> {
    async fn create(&self, job: &NewJob) -> Result<String, JobsError> {
        let (operation, call) = (OutsideOperation::CreateJob, self.inner.create(job));
        self.call(operation, job.name.clone(), call, jobs_error, || None)
            .await
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        let (operation, call) = (OutsideOperation::GetJob, self.inner.get(arn));
        self.call(operation, arn.to_owned(), call, jobs_error, || None)
            .await
    }

    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError> {
        let (operation, call) = (OutsideOperation::ListJobs, self.inner.named(prefix));
        let unseen = || Some(Ok(Vec::new()));
        self.call(operation, prefix.to_owned(), call, jobs_error, unseen)
            .await
    }

    async fn find(&self, job: &NewJob) -> Result<Option<String>, JobsError> {
        let (operation, call) = (OutsideOperation::ListJobs, self.inner.find(job));
        let unseen = || Some(Ok(None));
        self.call(operation, job.name.clone(), call, jobs_error, unseen)
            .await
    }

    async fn live(&self, prefix: &str) -> Result<Vec<LiveJob>, JobsError> {
        let (operation, call) = (OutsideOperation::ListJobs, self.inner.live(prefix));
        let unseen = || Some(Ok(Vec::new()));
        self.call(operation, prefix.to_owned(), call, jobs_error, unseen)
            .await
    }

    async fn stop(&self, arn: &str) -> Result<(), JobsError> {
        let (operation, call) = (OutsideOperation::StopJob, self.inner.stop(arn));
        self.call(operation, arn.to_owned(), call, jobs_error, || None)
            .await
    }
}

fn invoke_error(error: InjectedError) -> InvokeError {
    let source = "injected".into();
    match error {
        InjectedError::Throttled => InvokeError::Throttled(source),
        InjectedError::AccessDenied => InvokeError::AccessDenied(source),
        InjectedError::Quota | InjectedError::Unavailable | InjectedError::Conflict => {
            InvokeError::Unavailable(source)
        }
    }
}

#[async_trait]
impl OnDemand for Fated<dyn OnDemand> {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let subject = String::from_utf8_lossy(&question.body).into_owned();
        let (operation, call) = (OutsideOperation::Invoke, self.inner.invoke(question));
        self.call(operation, subject, call, invoke_error, || None)
            .await
    }
}
