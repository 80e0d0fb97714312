//! Writing a merged result into the user's folder.

use super::FetchedResult;
use crate::failure::Failure;
use crate::output::say;
use crate::staging::check_place;
use crate::workspace::Workspace;
use quarry_remote::{RemoteDeployment, RunReader};
use quarry_report::{AskedTexts, RunReport, run_page};
use quarry_result::summary::report_name;
use quarry_runs::grouped;
use std::path::{Path, PathBuf};

/// Copies the result of a retry, merged with those of the runs before it, into a folder. Returns the
/// files: tables, summary and report.
///
/// The files get their names only when all of them are complete.
pub(crate) async fn publish_merged(
    deployment: &RemoteDeployment,
    run: &mut RunReader<'_>,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let workspace = Workspace::in_output(folder, false)?;
    let merged = FetchedResult::of(deployment, run, workspace.path()).await?;
    let summary = &merged.summary;
    let text = serde_json::to_vec_pretty(summary)
        .map_err(|error| Failure::run(format!("the summary cannot be written: {error}")))?;
    let page = run_page(&RunReport {
        summary,
        asked: &AskedTexts::default(),
        table: None,
    });
    let report = report_name(&merged.summary_name);
    say(&format!(
        "merged the results of {}: {} of {} rows failed",
        summary.merged_runs.join(", "),
        grouped(summary.failed_records),
        grouped(summary.total_records)
    ));
    let mut names = merged.table_names();
    for (name, mut content) in [
        (merged.summary_name.clone(), text),
        (report, page.into_bytes()),
    ] {
        if !content.ends_with(b"\n") {
            content.push(b'\n');
        }
        let file = merged.file(&name);
        std::fs::write(&file, content).map_err(|error| unwritable(&file, &error))?;
        names.push(name);
    }
    for name in &names {
        check_place(&folder.join(name))?;
    }
    let mut files = Vec::new();
    for name in names {
        let file = folder.join(&name);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(|error| unwritable(parent, &error))?;
        }
        std::fs::rename(merged.file(&name), &file).map_err(|error| unwritable(&file, &error))?;
        files.push(file);
    }
    Ok(files)
}

fn unwritable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!(
        "{} cannot be written: {error}; choose another folder with --out",
        file.display()
    ))
}
