//! What `settle` needs.

use crate::redrive::RedriveTime;
use quarry_contract::location::S3Uri;
use quarry_edge::callbacks::PipelineCallbacks;
use quarry_edge::clock::Clock;
use quarry_edge::executions::ExecutionRecords;
use quarry_edge::jobs::BatchJobs;
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `settle` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the run's documents.
    pub store: Arc<dyn ObjectStore>,
    /// Lists and stops batch jobs.
    pub jobs: Arc<dyn BatchJobs>,
    /// Returns what Step Functions knows of the run's execution.
    pub executions: Arc<dyn ExecutionRecords>,
    /// Sends results to the pipelines that wait.
    pub callbacks: Arc<dyn PipelineCallbacks>,
    /// Tells how long ago a run ended.
    pub clock: Arc<dyn Clock>,
    /// The deployment's work prefix, used when the request has none.
    pub work: Option<S3Uri>,
    /// The ARN of the deployment's state machine.
    pub machine: String,
    /// How long a failed run keeps its jobs.
    pub redrive: RedriveTime,
}
