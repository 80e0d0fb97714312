//! A planned run and the rounds that a test splits.

use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::SliceState;
use quarry_contract::plan::{Asked, Todo};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::RunInput;
use quarry_split::{Deps, handle};
use serde_json::Value;
use std::sync::Arc;

/// Prompts that consist of the cell.
pub(crate) const CELL: &str = r#"{"user_prompt_template": "{row}", "input_placeholders": ["row"]}"#;

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) run: RunFolder,
    pub(crate) slices: u32,
}

impl World {
    /// A planned run.
    pub(crate) async fn planned(input: RunInput) -> Self {
        let planned = input.planned().await.unwrap();
        Self {
            store: input.store,
            run: RunFolder::at(planned.run),
            slices: planned.slices,
        }
    }

    /// A run over a CSV table with these cells in a column `row`.
    pub(crate) async fn of_cells(cells: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut table = "row\n".to_owned();
        for cell in cells {
            table.push_str(cell);
            table.push('\n');
        }
        let mut input = RunInput::new(CELL, &[("rows.csv", table.as_bytes())]).await;
        for (name, value) in settings {
            input = input.set(name, value);
        }
        Self::planned(input).await
    }

    /// A run over rows with the cells `r0`, `r1`, ….
    pub(crate) async fn of_rows(rows: usize, settings: &[(&str, &str)]) -> Self {
        let cells: Vec<String> = (0..rows).map(|row| format!("r{row}")).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        Self::of_cells(&cells, settings).await
    }

    /// The same in an existing store.
    pub(crate) async fn in_store(store: MemoryStore, rows: usize) -> Self {
        let rows: Vec<String> = (0..rows).map(|row| format!("r{row}\n")).collect();
        let table = format!("row\n{}", rows.concat());
        let files = [("rows.csv", table.as_bytes())];
        Self::planned(RunInput::over(&store, CELL, &files).await).await
    }

    /// Returns the state with which the state machine calls `split` for a round.
    pub(crate) fn state(&self, slice: u32, round: u32) -> SliceState {
        SliceState {
            round,
            ..SliceState::first(self.run.location().clone(), slice)
        }
    }

    pub(crate) fn round(&self, state: &SliceState) -> RoundFolder {
        self.run.slice(state.slice).round(state.round)
    }

    /// Lists the rows of a round, as `merge` does for the next round.
    pub(crate) async fn list(&self, state: &SliceState, rows: &[u64]) {
        let todo = Todo {
            version: 1,
            rows: rows.to_vec(),
            forms: None,
            is_taken: false,
            begins: state.clone(),
        };
        let at = self.round(state).todo();
        documents::write(&self.store, &at, &todo).await.unwrap();
    }

    pub(crate) async fn split(&self, state: &SliceState) -> Result<SliceState, StepError> {
        self.split_over(Arc::new(self.store.clone()), state).await
    }

    /// Does the same over another store.
    pub(crate) async fn split_over(
        &self,
        store: Arc<dyn ObjectStore>,
        state: &SliceState,
    ) -> Result<SliceState, StepError> {
        handle(&Deps { store }, state.clone()).await
    }

    pub(crate) async fn asked(&self, state: &SliceState) -> Asked {
        let at = self.round(state).asked();
        documents::read(&self.store, &at).await.unwrap()
    }

    /// Returns the round's records as they were written.
    pub(crate) async fn input(&self, state: &SliceState) -> String {
        let at = self.round(state).input();
        let body = self.store.get(&at, u64::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Returns each record's id and prompt.
    pub(crate) async fn records(&self, state: &SliceState) -> Vec<(String, String)> {
        let text = self.input(state).await;
        let record = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let content = &line["modelInput"]["messages"][0]["content"];
            let prompt = content[0]["text"].as_str().or(content.as_str());
            let id = line["recordId"].as_str().unwrap();
            (id.to_owned(), prompt.unwrap().to_owned())
        };
        text.lines().map(record).collect()
    }
}

/// Returns the expected result of [`World::records`] for these rows of a table with the cells `r0`,
/// `r1`, ….
pub(crate) fn records_of(rows: &[u64]) -> Vec<(String, String)> {
    let record = |row| (format!("record_{row}"), format!("r{row}"));
    rows.iter().map(record).collect()
}
