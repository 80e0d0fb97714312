//! What `trigger` needs.

use crate::confinement::Elsewhere;
use crate::places::Prefixes;
use quarry_edge::callbacks::PipelineCallbacks;
use quarry_edge::executions::Executions;
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// What `trigger` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the arrivals, the pipelines' files, and the marks of stopped runs.
    pub store: Arc<dyn ObjectStore>,
    /// Starts and stops executions of the state machine.
    pub executions: Arc<dyn Executions>,
    /// Sends results to the pipelines that wait.
    pub callbacks: Arc<dyn PipelineCallbacks>,
    /// The ARN of the state machine, which tells this deployment's runs from those of others.
    pub deployment: String,
    /// The deployment's prefixes.
    pub places: Prefixes,
    /// What pipelines may use outside of these prefixes.
    pub elsewhere: Elsewhere,
}
