//! The result of a run of a deployment, copied to this machine; of a retry, merged with the results of
//! the runs before it.

use super::TableAt;
use super::merging::merge;
use super::picking::pick;
use super::tally::MergedTally;
use crate::failure::Failure;
use crate::input::read_file;
use crate::staging::publish_files;
use quarry_asking::Asking;
use quarry_contract::plan::{Plan, Table};
use quarry_remote::{RemoteDeployment, RunReader};
use quarry_result::columns::ResultColumns;
use quarry_result::retried::MergedRows;
use quarry_result::summary::Summary;
use std::path::{Path, PathBuf};

/// The most retries of retries.
const MOST_RETRIES: usize = 100;

/// The name of a table of failed rows, without its ending.
const FAILED_ROWS: &str = "failed-rows";

/// A result in a folder of this machine.
pub(crate) struct FetchedResult {
    /// The run; of a merged result the newest one.
    pub(crate) run: String,
    /// The plan, of a merged result that of the first run: its tables are those of the result.
    pub(crate) plan: Plan,
    pub(crate) columns: ResultColumns,
    pub(crate) summary: Summary,
    /// The name of the summary's file.
    pub(crate) summary_name: String,
    folder: PathBuf,
}

impl FetchedResult {
    /// Copies the result of a run into a folder below `work`. The result of a retry is merged with that of
    /// the run that it retries, which may be a retry, too.
    pub(crate) async fn of(
        deployment: &RemoteDeployment,
        run: &mut RunReader<'_>,
        work: &Path,
    ) -> Result<Self, Failure> {
        let mut retries: Vec<RunReader<'_>> = Vec::new();
        let mut before = run.retried_run();
        while let Some(name) = before {
            if retries.len() == MOST_RETRIES {
                return Err(Failure::input(format!(
                    "{} is a retry of a retry of more than {MOST_RETRIES} runs; `quarry results` with --own copies its \
                     own rows",
                    run.name()
                )));
            }
            let reader = RunReader::named(deployment, &name).await?;
            before = reader.retried_run();
            retries.push(reader);
        }
        let Some(mut first) = retries.pop() else {
            return Self::download(deployment, run, work).await;
        };
        let mut merged = Self::download(deployment, &mut first, work).await?;
        for retry in retries.iter_mut().rev() {
            let newer = Self::download(deployment, retry, work).await?;
            merged = merged.merged_below(newer, work).await?;
        }
        let newer = Self::download(deployment, run, work).await?;
        merged.merged_below(newer, work).await
    }

    /// Merges the result with that of its retry, in a folder below `work`. Other work, such as the end by a
    /// signal, goes on meanwhile.
    async fn merged_below(self, retry: Self, work: &Path) -> Result<Self, Failure> {
        let into = work.join(format!("merged-{}", retry.run));
        let merging = tokio::task::spawn_blocking(move || self.merged_with(&retry, into));
        merging
            .await
            .map_err(|error| Failure::run(format!("the results were not merged: {error}")))?
    }

    /// Copies the result of one run.
    async fn download(
        deployment: &RemoteDeployment,
        run: &mut RunReader<'_>,
        work: &Path,
    ) -> Result<Self, Failure> {
        let (plan, files) = deployment.results(run).await?;
        let summary_name = files.get(plan.tables.len()).map(|file| file.name.clone());
        let summary_name = summary_name.unwrap_or_default();
        let folder = work.join(run.name());
        let files = files.into_iter().map(|file| (file.object, file.name));
        publish_files(deployment.store(), files.collect(), &folder).await?;
        let bytes = read_file(&folder.join(&summary_name))?;
        let summary = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::run(format!(
                "the summary of {} cannot be read: {error}; a later run may have replaced it",
                run.name()
            ))
        })?;
        let asking = Asking::of_plan(&plan).map_err(|error| Failure::run(error.to_string()))?;
        Ok(Self {
            run: run.name().to_owned(),
            columns: asking.columns().clone(),
            plan,
            summary,
            summary_name,
            folder,
        })
    }

    /// Returns the names of the tables, below the folder of the result.
    pub(crate) fn table_names(&self) -> Vec<String> {
        let tables = self.plan.tables.iter();
        tables.map(|table| self.plan.result_name(table)).collect()
    }

    /// Returns where a file of the result is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the rows that failed into a folder, one table for each table that has some. Returns the data
    /// for a run over them: the file if there is only one table, or else the folder.
    pub(crate) fn pick_failed(&self, into: &Path) -> Result<PathBuf, Failure> {
        self.check_is_whole()?;
        let mut picked = 0;
        let mut only = None;
        for (table, name) in self.plan.tables.iter().zip(self.table_names()) {
            let mut folder = into.to_owned();
            folder.extend(&table.split);
            std::fs::create_dir_all(&folder).map_err(|error| {
                Failure::run(format!("{} cannot be written: {error}", folder.display()))
            })?;
            let file = folder.join(format!("{FAILED_ROWS}.{}", table.format.extension()));
            let rows = pick(self.at(table, &self.file(&name)), &file)?;
            if rows == 0 {
                // A split without rows is no table of the retry.
                let _ = std::fs::remove_file(&file);
                let _ = std::fs::remove_dir(&folder);
            } else if table.split.is_none() {
                only = Some(file);
            }
            picked += rows;
        }
        if picked == 0 || picked != self.summary.failed_records {
            return Err(Failure::run(format!(
                "{picked} rows of the result of {} failed, and its summary says {}; a later run replaced one of the two",
                self.run, self.summary.failed_records
            )));
        }
        Ok(only.unwrap_or_else(|| into.to_owned()))
    }

    /// Refuses a result that does not have all of its rows, with all of their own columns.
    fn check_is_whole(&self) -> Result<(), Failure> {
        let left_out = self.summary.rows.left_out_as_errors;
        if left_out > 0 {
            return Err(Failure::input(format!(
                "the result of {} leaves out the rows that failed ({left_out}, by BEDROCK_SKIP_ERROR_RECORDS), so that \
                 they cannot be taken from it; submit the table again without that setting",
                self.run
            )));
        }
        for table in &self.plan.tables {
            let replaced = self.columns.replaced(&table.columns, true);
            let replaced = replaced.map_err(|error| Failure::run(error.to_string()))?;
            if let Some(column) = replaced.first() {
                return Err(Failure::input(format!(
                    "the result of {} replaced the input's column `{}` (BEDROCK_REPLACE_COLUMNS), so that the rows cannot \
                     be taken from it; submit the table again",
                    self.run, table.columns[*column]
                )));
            }
        }
        Ok(())
    }

    /// Refuses a retry whose result would not fit into this one.
    pub(crate) fn check_fits(&self, retry: &Plan, columns: &ResultColumns) -> Result<(), Failure> {
        if self.columns != *columns {
            return Err(Failure::input(format!(
                "the retry would have other result columns ({}) than {} has ({}), so that the two could not be merged; \
                 leave out the --set that changes them",
                columns.names().join(", "),
                self.run,
                self.columns.names().join(", ")
            )));
        }
        if self.plan.schema != retry.schema {
            return Err(Failure::input(format!(
                "the retry would have another schema than {}, so that the answers in the merged result would not be \
                 comparable; leave out the --set that changes it, or submit the table again",
                self.run
            )));
        }
        Ok(())
    }

    fn at<'a>(&'a self, table: &'a Table, file: &'a Path) -> TableAt<'a> {
        TableAt {
            file,
            run: &self.run,
            table,
            columns: &self.columns,
        }
    }

    /// Writes the tables of the merged result into a folder.
    fn merged_with(&self, retry: &Self, folder: PathBuf) -> Result<Self, Failure> {
        self.check_is_whole()?;
        self.check_fits(&retry.plan, &retry.columns)?;
        let refusals = retry.summary.refusals.iter();
        let wanted = refusals.filter_map(|refusal| refusal.example_row);
        let mut tally = MergedTally::new(&self.plan, wanted);
        for (table, name) in self.plan.tables.iter().zip(self.table_names()) {
            let into = folder.join(&name);
            if let Some(folder) = into.parent() {
                std::fs::create_dir_all(folder).map_err(|error| {
                    Failure::run(format!("{} cannot be written: {error}", folder.display()))
                })?;
            }
            let tables = retry.plan.tables.iter().zip(retry.table_names());
            let newer = tables
                .filter(|(newer, _)| newer.split == table.split && newer.rows > 0)
                .map(|(newer, name)| (newer, retry.file(&name)))
                .next();
            let newer = newer.as_ref().map(|(newer, file)| retry.at(newer, file));
            merge(self.at(table, &self.file(&name)), newer, &into, &mut tally)?;
        }
        let rows = MergedRows {
            files: &tally.files(),
            numbers: &tally.numbers,
        };
        Ok(Self {
            run: retry.run.clone(),
            plan: self.plan.clone(),
            columns: self.columns.clone(),
            summary: self.summary.merged_with(&retry.summary, &rows),
            summary_name: retry.summary_name.clone(),
            folder,
        })
    }
}
