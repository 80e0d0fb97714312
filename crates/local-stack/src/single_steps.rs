//! Calling the functions one by one, for uses other than a whole run: writing the records of a
//! plan, or making a result from existing answers.

use crate::{LocalStack, RunError};
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{FinishInput, FinishOutput, PlanInput, PlanOutput, SliceState};
use quarry_contract::plan::{Asked, Plan, Slice};
use quarry_contract::request::Request;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::s3::lines::Lines;
use serde_json::Value;
use std::sync::Arc;

/// A planned run on a stack, whose further steps are called one by one.
pub struct SingleSteps<'a> {
    stack: &'a LocalStack,
    run: RunFolder,
    plan: Plan,
    slices: Vec<Slice>,
}

impl LocalStack {
    /// Plans a request under an execution name. `started` is in RFC 3339.
    pub async fn plan(
        &self,
        execution: &str,
        started: String,
        request: Request,
    ) -> Result<SingleSteps<'_>, RunError> {
        let mut input = PlanInput {
            version: VERSION,
            execution: execution.to_owned(),
            execution_arn: None,
            started,
            turn: 0,
            request,
        };
        let planned: PlanOutput = loop {
            let output: PlanOutput = self.call("plan", &input).await?;
            if output.done {
                break output;
            }
            input.turn = output.turn;
        };
        let run = RunFolder::at(planned.run);
        let store = &**self.store();
        let plan = documents::read(store, &run.plan()).await.map_err(failed)?;
        let mut slices = Vec::new();
        for slice in 0..planned.slices {
            let spec = run.slice(slice).spec();
            slices.push(documents::read(store, &spec).await.map_err(failed)?);
        }
        Ok(SingleSteps {
            stack: self,
            run,
            plan,
            slices,
        })
    }
}

impl SingleSteps<'_> {
    /// Returns the run's plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the run's slices, in order.
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// Adds notes to the stored plan; they appear in the summary.
    pub async fn add_notes(&mut self, notes: Vec<String>) -> Result<(), RunError> {
        self.plan.notes.extend(notes);
        documents::write(&**self.stack.store(), &self.run.plan(), &self.plan)
            .await
            .map_err(failed)
    }

    /// Splits a slice's first round.
    pub async fn split(&self, slice: u32) -> Result<SliceState, RunError> {
        let first = SliceState::first(self.run.location().clone(), slice);
        self.stack.call("split", &first).await
    }

    /// Returns the lines of a round that was split; `None` if the round has no records.
    pub async fn records(&self, state: &SliceState) -> Result<Option<Lines>, RunError> {
        if state.records == 0 {
            return Ok(None);
        }
        let round = self.run.slice(state.slice).round(state.round);
        let asked: Asked = documents::read(&**self.stack.store(), &round.asked())
            .await
            .map_err(failed)?;
        Ok(Some(Lines::open(
            Arc::clone(self.stack.store()),
            round.input(),
            0..asked.bytes,
            asked.etag,
        )))
    }

    /// Returns where to put existing answers to a round that was split, so that [`Self::merge`]
    /// finds them. Objects with different numbers hold the answers of different calls, the first
    /// calls first.
    pub fn given_answers(&self, state: &SliceState, number: usize) -> S3Uri {
        let round = self.run.slice(state.slice).round(state.round);
        let name = format!("{number:06}.jsonl.out");
        round.given_output().join(&name)
    }

    /// Joins the answers of a round to its rows.
    pub async fn merge(&self, state: &SliceState) -> Result<SliceState, RunError> {
        self.stack.call("merge", state).await
    }

    /// Joins the merged slices. Returns the summary.
    pub async fn finish(&self) -> Result<Value, RunError> {
        let mut input = FinishInput {
            version: VERSION,
            run: self.run.location().clone(),
            turn: 0,
        };
        let output: FinishOutput = loop {
            let output: FinishOutput = self.stack.call("finish", &input).await?;
            if output.done {
                break output;
            }
            input.turn = output.turn;
        };
        documents::read_plain(&**self.stack.store(), &output.summary)
            .await
            .map_err(failed)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "`map_err` passes the error by value"
)]
fn failed(error: StepError) -> RunError {
    RunError {
        error: error.name().to_owned(),
        cause: error.full_message(),
    }
}
