//! A planned run whose rounds become jobs.

use quarry_contract::job_names::JobNames;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::SliceState;
use quarry_contract::plan::{Asked, Plan};
use quarry_edge::documents;
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

    /// Returns the names of the run's jobs.
    pub(crate) async fn names(&self) -> JobNames {
        JobNames::new(&self.run, &self.plan().await.identity())
    }

    pub(crate) async fn plan(&self) -> Plan {
        documents::read(&self.store, &self.run.plan())
            .await
            .unwrap()
    }

    /// Writes the plan again, changed.
    pub(crate) async fn change_plan(&self, change: impl FnOnce(&mut Plan)) {
        let mut plan = self.plan().await;
        change(&mut plan);
        documents::write(&self.store, &self.run.plan(), &plan)
            .await
            .unwrap();
    }

    /// Writes that the round has records with this `ETag`.
    pub(crate) async fn asked(&self, state: &SliceState, etag: &str) {
        let asked = Asked {
            version: 1,
            records: 1,
            etag: etag.to_owned(),
            ..Asked::default()
        };
        documents::write(&self.store, &self.round(state).asked(), &asked)
            .await
            .unwrap();
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
