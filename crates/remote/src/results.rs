//! The files of a run's result.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError};
use crate::facts::RunReader;
use crate::list::output;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::FinishOutput;
use quarry_contract::plan::Plan;
use quarry_edge::store::{ObjectInfo, StoreError};
use quarry_result::summary::report_name;
use quarry_runs::{RunStatus, end_in_words};

/// A file of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// The object.
    pub object: ObjectInfo,
    /// Its name in the folder of the results; a training split has a folder of its own.
    pub name: String,
}

impl RemoteDeployment {
    /// Returns what a run that has succeeded returned.
    pub async fn finished(&self, run: &mut RunReader<'_>) -> Result<FinishOutput, RemoteError> {
        let shown = self.find(run.name()).await?;
        let status = shown.listed.status;
        if let Some(output) = output(shown.output.as_deref()) {
            return Ok(output);
        }
        if !status.has_ended() {
            let run = run.name().to_owned();
            return Err(RemoteError::NotYet { run });
        }
        let ended = shown.listed.ended.unwrap_or_default();
        let status = RunStatus::of(&run.facts().await?, ended);
        let end = end_in_words(&status);
        Err(RemoteError::NoResults { end })
    }

    /// Returns the tables, the summary and the report of a run that has succeeded, and the run's plan. Other
    /// objects in the same folder are not the run's.
    pub async fn results(
        &self,
        run: &mut RunReader<'_>,
    ) -> Result<(Plan, Vec<ResultFile>), RemoteError> {
        let output = self.finished(run).await?;
        let shown = &run.run;
        let Some(plan) = self.plan(&self.folder(shown)).await? else {
            return Err(RemoteError::Expired {
                run: run.name().to_owned(),
                output: output.output,
            });
        };
        let mut files = Vec::new();
        for (at, name) in places(&plan, &output) {
            let object = self.store.head(&at).await.calling("s3:GetObject")?;
            files.push(ResultFile { object, name });
        }
        // Earlier versions wrote no report. Where a user may not list, a missing object is a denied one.
        let name = report_name(output.summary.file_name());
        match self.store.head(&output.summary.beside(&name)).await {
            Ok(object) => files.push(ResultFile { object, name }),
            Err(StoreError::NotFound(_) | StoreError::AccessDenied(..)) => {}
            Err(error) => return Err(error).calling("s3:GetObject"),
        }
        Ok((plan, files))
    }
}

/// Returns where the results are, with their names in the folder of the results.
fn places(plan: &Plan, output: &FinishOutput) -> Vec<(S3Uri, String)> {
    let tables = plan.tables.iter().map(|table| {
        let name = plan.result_name(table);
        (output.output.join(&name), name)
    });
    let summary = output.summary.clone();
    let name = summary.file_name().to_owned();
    tables.chain([(summary, name)]).collect()
}
