//! A planned run whose slices have their parts and receipts.

use bytes::Bytes;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{FinishInput, FinishOutput, SliceState, Step};
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::clock::{TimeLeft, Unlimited};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_finish::{Deps, handle};
use quarry_planned_run::{Emitted, Moment, RunInput};
use quarry_result::ledger::Counts;
use quarry_result::profile::ProfileTally;
use quarry_result::receipt::{FileOutcomes, Receipt, Round};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const PROMPTS: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;

/// The result columns of a run without a schema.
pub(crate) const COLUMNS: &str = "llm_response,llm_parse_status,llm_validation_passed,llm_status,llm_error,llm_raw_response,llm_validation_error";

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) run: RunFolder,
    pub(crate) plan: Plan,
    pub(crate) metrics: Arc<Emitted>,
}

impl World {
    /// A planned run of which no slice has been merged.
    pub(crate) async fn planned(input: RunInput) -> Self {
        let planned = input.planned().await.unwrap();
        let run = RunFolder::at(planned.run);
        let plan = documents::read(&input.store, &run.plan()).await.unwrap();
        Self {
            store: input.store,
            run,
            plan,
            metrics: Arc::default(),
        }
    }

    /// A run over a CSV table of `rows` rows in slices of `in_slice` rows. The part of each slice
    /// is one line that names the slice.
    pub(crate) async fn new(rows: usize, in_slice: usize) -> Self {
        let world = Self::planned(table(rows, in_slice).await).await;
        for slice in 0..world.plan.slices {
            world.merged(slice, &format!("slice {slice}\n")).await;
        }
        world
    }

    /// Writes what `merge` writes for a slice: this part, and a receipt for it.
    pub(crate) async fn merged(&self, number: u32, part: impl AsRef<[u8]>) {
        let folder = self.run.slice(number);
        let slice: Slice = documents::read(&self.store, &folder.spec()).await.unwrap();
        let body = Bytes::copy_from_slice(part.as_ref());
        let part_bytes = body.len() as u64;
        let part_etag = self
            .store
            .put(&folder.part(), body, WriteCondition::Always)
            .await
            .unwrap();
        let receipt = Receipt {
            version: 1,
            slice: number,
            first_row: slice.first_row,
            rows: slice.rows,
            rows_written: slice.rows,
            part_bytes,
            part_etag,
            unfit: std::collections::BTreeMap::default(),
            files: vec![FileOutcomes {
                file: 0,
                records: slice.rows,
                successful: slice.rows,
                validation_passed: slice.rows,
                ..FileOutcomes::default()
            }],
            rounds: vec![Round {
                job: None,
                on_demand: slice.rows,
                counts: Counts {
                    asked: slice.rows,
                    lines: slice.rows,
                    answered: slice.rows,
                    good: slice.rows,
                    input_tokens: 10 * slice.rows,
                    output_tokens: slice.rows,
                    ..Counts::default()
                },
                differences: Vec::new(),
                answers_counted: 0,
            }],
            unsendable: 0,
            truncations: 0,
            truncated_records: 0,
            truncated_fields: std::collections::BTreeMap::default(),
            form_changes: Vec::new(),
            stopped_by_max_cost: 0,
            profile: Some(ProfileTally::new(&["response".to_owned()])),
        };
        self.write_receipt(&receipt).await;
    }

    /// Changes a slice's receipt.
    pub(crate) async fn change(&self, slice: u32, change: impl FnOnce(&mut Receipt)) {
        let at = self.run.slice(slice).receipt();
        let mut receipt: Receipt = documents::read(&self.store, &at).await.unwrap();
        change(&mut receipt);
        receipt.slice = slice;
        self.write_receipt(&receipt).await;
    }

    async fn write_receipt(&self, receipt: &Receipt) {
        let at = self.run.slice(receipt.slice).receipt();
        documents::write(&self.store, &at, receipt).await.unwrap();
    }

    /// Lets `split` and `merge` make the parts of a run in which the service fails at every record.
    /// The run's settings allow that.
    pub(crate) async fn merged_without_answers(&self) {
        self.allow_no_answers().await;
        let store: Arc<dyn ObjectStore> = Arc::new(self.store.clone());
        for number in 0..self.plan.slices {
            let folder = self.run.slice(number);
            let slice: Slice = documents::read(&*store, &folder.spec()).await.unwrap();
            let error = json!({"errorCode": 500, "errorMessage": "an internal error"});
            let line = |row| json!({"recordId": format!("record_{row}"), "error": error});
            let rows = slice.first_row..slice.first_row + slice.rows;
            let lines: Vec<String> = rows.map(|row| format!("{}\n", line(row))).collect();
            let at = folder.round(0).on_demand_output();
            let at = at.join("00000000-0000000000000001.jsonl.out");
            store
                .put(&at, lines.concat().into(), WriteCondition::Always)
                .await
                .unwrap();

            let split = quarry_split::Deps {
                store: Arc::clone(&store),
            };
            let merge = quarry_merge::Deps {
                store: Arc::clone(&store),
                clock: Arc::new(Moment(Duration::ZERO)),
            };
            let first = SliceState::first(self.run.location().clone(), number);
            let state = quarry_split::handle(&split, first).await.unwrap();
            let state = quarry_merge::handle(&merge, state).await.unwrap();
            assert_eq!(state.next, Step::Done);
        }
    }

    /// Lets the run succeed although no record got an answer.
    pub(crate) async fn allow_no_answers(&self) {
        let mut plan = self.plan.clone();
        let settings = &mut plan.settings;
        settings.insert("BEDROCK_NO_ANSWERS".to_owned(), "allow".to_owned());
        documents::write(&self.store, &self.run.plan(), &plan)
            .await
            .unwrap();
    }

    /// Finishes the run in one call.
    pub(crate) async fn finish(&self) -> Result<FinishOutput, StepError> {
        self.turn(0, &Unlimited).await
    }

    /// Calls `finish` once.
    pub(crate) async fn turn(
        &self,
        turn: u32,
        time_left: &dyn TimeLeft,
    ) -> Result<FinishOutput, StepError> {
        let store = Arc::new(self.store.clone());
        self.turn_over(store, turn, time_left).await
    }

    /// Calls `finish` once over another store.
    pub(crate) async fn turn_over(
        &self,
        store: Arc<dyn ObjectStore>,
        turn: u32,
        time_left: &dyn TimeLeft,
    ) -> Result<FinishOutput, StepError> {
        let deps = Deps {
            store,
            metrics: Arc::<Emitted>::clone(&self.metrics),
        };
        let input = FinishInput {
            version: 1,
            run: self.run.location().clone(),
            turn,
        };
        handle(&deps, input, time_left).await
    }

    /// Returns an object below the output folder.
    pub(crate) async fn result(&self, name: &str) -> Bytes {
        let at = self.plan.request.output.join(name);
        self.store.get(&at, u64::MAX).await.unwrap()
    }

    /// Returns an object below the output folder as text.
    pub(crate) async fn text(&self, name: &str) -> String {
        String::from_utf8(self.result(name).await.to_vec()).unwrap()
    }

    /// Returns the summary that a run's output names.
    pub(crate) async fn summary(&self, output: &FinishOutput) -> Value {
        let body = self.store.get(&output.summary, u64::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Returns the keys outside the run's folder and its input: what the run's owner gets.
    pub(crate) fn written(&self) -> Vec<String> {
        let output = &self.plan.request.output;
        let below = |at: &S3Uri| at.key().strip_prefix(output.key()).map(str::to_owned);
        self.store.locations().iter().filter_map(below).collect()
    }
}

/// The input of a run over a CSV table of `rows` rows, in slices of `in_slice` rows.
pub(crate) async fn table(rows: usize, in_slice: usize) -> RunInput {
    let lines: Vec<String> = (0..rows).map(|row| format!("r{row}\n")).collect();
    let table = format!("row\n{}", lines.concat());
    let input = RunInput::new(PROMPTS, &[("rows.csv", table.as_bytes())]).await;
    sliced(input, in_slice)
}

/// The same input with slices of `in_slice` rows.
pub(crate) fn sliced(input: RunInput, in_slice: usize) -> RunInput {
    input
        .set("BEDROCK_MIN_RECORDS_PER_JOB", "1")
        .set("BEDROCK_MAX_RECORDS_PER_JOB", &in_slice.to_string())
        .set("BEDROCK_MAX_RETRIES", "0")
}
