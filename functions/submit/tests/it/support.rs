//! A planned run whose rounds become jobs.

use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::SliceState;
use quarry_edge::error::StepError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{BY_JOBS, Emitted, MemoryJobs, planned};
use quarry_submit::{Deps, handle};
use std::sync::Arc;

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) jobs: MemoryJobs,
    pub(crate) metrics: Arc<Emitted>,
    pub(crate) run: RunFolder,
}

impl World {
    /// A planned run over one row; `settings` override those for jobs.
    pub(crate) async fn new(settings: &[(&str, &str)]) -> Self {
        let store = MemoryStore::new();
        let planned = planned(&store, 1, &[&BY_JOBS[..], settings].concat()).await;
        Self {
            store,
            jobs: MemoryJobs::default(),
            metrics: Arc::default(),
            run: RunFolder::at(planned.run),
        }
    }

    /// Returns the state with which the state machine calls `submit` for a round.
    pub(crate) fn state(&self, slice: u32, round: u32) -> SliceState {
        SliceState {
            round,
            records: 1,
            ..SliceState::first(self.run.location().clone(), slice)
        }
    }

    pub(crate) fn round(&self, state: &SliceState) -> RoundFolder {
        self.run.slice(state.slice).round(state.round)
    }

    pub(crate) async fn submit(&self, state: &SliceState) -> Result<SliceState, StepError> {
        self.submit_over(Arc::new(self.store.clone()), state).await
    }

    /// Does the same over another store.
    pub(crate) async fn submit_over(
        &self,
        store: Arc<dyn ObjectStore>,
        state: &SliceState,
    ) -> Result<SliceState, StepError> {
        let deps = Deps {
            store,
            jobs: Arc::new(self.jobs.clone()),
            metrics: Arc::<Emitted>::clone(&self.metrics),
        };
        handle(&deps, state.clone()).await
    }
}
