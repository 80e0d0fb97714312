//! A run over a table in memory, up to a round whose output the test writes.

use bytes::Bytes;
use quarry_contract::job_status::JobStatus;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{JobCounts, JobEnd, Todo};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_merge::{Deps, handle};
use quarry_planned_run::{BY_JOBS, Moment, RunInput, planned};
use quarry_result::receipt::{Receipt, Round};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The job of every round.
pub(crate) const JOB: &str =
    "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl";

/// The output of that job, below the round's.
pub(crate) const RECORDS: &str = "abcdefghijkl/records.jsonl.out";
pub(crate) const MANIFEST: &str = "abcdefghijkl/manifest.json.out";

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) run: RunFolder,
    pub(crate) slices: u32,
    /// The time of the calls.
    pub(crate) now: Duration,
}

/// 2026-01-02T03:04:05Z.
const NOW: Duration = Duration::from_secs(1_767_323_045);

impl World {
    /// A planned run over `rows` rows, in slices of at most `in_slice` rows.
    pub(crate) async fn new(rows: u32, in_slice: u32, settings: &[(&str, &str)]) -> Self {
        Self::in_store(MemoryStore::new(), rows, in_slice, settings).await
    }

    /// The same in an existing store.
    pub(crate) async fn in_store(
        store: MemoryStore,
        rows: u32,
        in_slice: u32,
        settings: &[(&str, &str)],
    ) -> Self {
        let in_slice = in_slice.to_string();
        let mut all = BY_JOBS.to_vec();
        all.push(("BEDROCK_MAX_RECORDS_PER_JOB", &in_slice));
        all.extend(settings);
        let planned = planned(&store, rows, &all).await;
        Self {
            store,
            run: RunFolder::at(planned.run),
            slices: planned.slices,
            now: NOW,
        }
    }

    /// A planned run of another input, whose slices all use jobs.
    pub(crate) async fn of(input: RunInput) -> Self {
        let mut input = input;
        for (name, value) in BY_JOBS {
            let settings = &mut input.payload.request.settings;
            settings.entry(name.to_owned()).or_insert(value.to_owned());
        }
        let planned = input.planned().await.unwrap();
        Self {
            store: input.store,
            run: RunFolder::at(planned.run),
            slices: planned.slices,
            now: NOW,
        }
    }

    /// Returns the first state of a slice.
    pub(crate) fn first(&self, slice: u32) -> SliceState {
        SliceState::first(self.run.location().clone(), slice)
    }

    pub(crate) fn round(&self, state: &SliceState) -> RoundFolder {
        self.run.slice(state.slice).round(state.round)
    }

    /// Writes the round's records.
    pub(crate) async fn split(&self, state: SliceState) -> SliceState {
        let deps = quarry_split::Deps {
            store: Arc::new(self.store.clone()),
        };
        quarry_split::handle(&deps, state).await.unwrap()
    }

    /// Splits the round and stores its output: that of a job, or given output if the round is on
    /// demand.
    pub(crate) async fn answered(&self, state: SliceState, lines: &[String]) -> SliceState {
        let state = self.split(state).await;
        if state.next == Step::Submit {
            self.job_ended(&state, JobStatus::Completed, "").await;
            self.output(&state, RECORDS, lines).await;
            self.output(&state, MANIFEST, &["{}".to_owned()]).await;
        } else {
            let name = "on-demand/00000000-0000000000000001.jsonl.out";
            self.output(&state, name, lines).await;
        }
        state
    }

    /// Writes what `check` writes at the end of the round's job.
    pub(crate) async fn job_ended(&self, state: &SliceState, status: JobStatus, message: &str) {
        let round = self.round(state);
        let end = JobEnd {
            version: 1,
            arn: JOB.to_owned(),
            name: format!("quarry-run-{:06}-{}", round.slice(), round.number()),
            status,
            message: message.to_owned(),
            seconds: 60,
            submitted: None,
            counts: None,
        };
        documents::write(&self.store, &round.job_end(), &end)
            .await
            .unwrap();
    }

    /// Merges, and looks again as often as output that is not complete is waited for.
    pub(crate) async fn merge_waiting(&self, state: SliceState) -> SliceState {
        let mut state = self.merge(&state).await.unwrap();
        while state.next == Step::Late {
            state = self.merge(&state).await.unwrap();
        }
        state
    }

    /// Adds the service's counts to the end of the round's job.
    pub(crate) async fn job_counted(&self, state: &SliceState, answers: u64, errors: u64) {
        let at = self.round(state).job_end();
        let mut end: JobEnd = documents::read(&self.store, &at).await.unwrap();
        end.counts = Some(JobCounts { answers, errors });
        documents::write(&self.store, &at, &end).await.unwrap();
    }

    /// Splits a round and lets its job end with this status and this output.
    pub(crate) async fn ended(
        &self,
        state: SliceState,
        (status, message): (JobStatus, &str),
        lines: &[String],
    ) -> SliceState {
        let state = self.answered(state, lines).await;
        assert_eq!(state.next, Step::Submit, "the round has a job");
        self.job_ended(&state, status, message).await;
        state
    }

    /// Puts an object below the round's output.
    pub(crate) async fn output(&self, state: &SliceState, name: &str, lines: &[String]) {
        let at = self.round(state).output().join(name);
        let body = Bytes::from(lines.concat());
        self.store
            .put(&at, body, WriteCondition::Always)
            .await
            .unwrap();
    }

    /// Splits a round, stores its output and merges it.
    pub(crate) async fn round_of(&self, state: SliceState, lines: &[String]) -> SliceState {
        let state = self.answered(state, lines).await;
        self.merge(&state).await.unwrap()
    }

    pub(crate) async fn merge(&self, state: &SliceState) -> Result<SliceState, StepError> {
        self.merge_over(Arc::new(self.store.clone()), state).await
    }

    /// Calls `merge` over another store.
    pub(crate) async fn merge_over(
        &self,
        store: Arc<dyn ObjectStore>,
        state: &SliceState,
    ) -> Result<SliceState, StepError> {
        let clock = Arc::new(Moment(self.now));
        handle(&Deps { store, clock }, state.clone()).await
    }

    /// Returns the rows of the state's round.
    pub(crate) async fn todo(&self, state: &SliceState) -> Todo {
        documents::read(&self.store, &self.round(state).todo())
            .await
            .unwrap()
    }

    /// Returns the record of the state's round.
    pub(crate) async fn counted(&self, state: &SliceState) -> Round {
        documents::read(&self.store, &self.round(state).counts())
            .await
            .unwrap()
    }

    pub(crate) async fn receipt(&self, slice: u32) -> Receipt {
        documents::read(&self.store, &self.run.slice(slice).receipt())
            .await
            .unwrap()
    }

    /// Returns the slice's part of the result.
    pub(crate) async fn part(&self, slice: u32) -> String {
        let at = self.run.slice(slice).part();
        let body = self.store.get(&at, u64::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

fn line(row: u64, rest: (&str, Value)) -> String {
    let mut line = json!({"recordId": format!("record_{row}"), "modelInput": {}});
    line[rest.0] = rest.1;
    format!("{line}\n")
}

pub(crate) fn answer(row: u64) -> String {
    say(row, "{\"a\": 1}")
}

/// Returns the line of an answer with this text.
pub(crate) fn say(row: u64, text: &str) -> String {
    let content = json!([{"type": "text", "text": text}]);
    line(
        row,
        (
            "modelOutput",
            json!({
                "content": content,
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 10, "output_tokens": 2},
            }),
        ),
    )
}

/// Returns an error line as the service writes it.
pub(crate) fn error(row: u64, code: u16, words: &str, retryable: bool) -> String {
    let error =
        json!({"errorCode": code, "errorMessage": words, "expired": false, "retryable": retryable});
    line(row, ("error", error))
}
