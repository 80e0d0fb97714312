//! `quarry init`: first prompts, a first schema and a first request for a table.

mod files;

use crate::failure::Failure;
use crate::input::refuse_standard_input;
use crate::local_table::LocalTable;
use crate::offered::TASKS;
use crate::output;
use crate::shell_word::in_shell;
use crate::staging::{self, FirstTable};
use clap::Args;
use files::JobFiles;
use quarry_contract::request::JobType;
use quarry_rows::{ACCEPTED, TableFormat};
use quarry_starter::{Sample, Starter, StarterTask, left_out_in_words, propose, propose_of_chosen};
use quarry_table::quote;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The number of rows that a proposal is made from.
const ROWS: u64 = 200;

/// The most columns that an error names.
const MOST_NAMED: usize = 20;

/// Arguments of `quarry init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The table: a file, or a folder of files of which the first one is looked at.
    #[arg(value_name = "TABLE")]
    table: PathBuf,
    /// What the model shall do with a row: classify, extract or summarise.
    #[arg(long, value_name = "TASK", default_value = "classify", value_parser = TASKS, hide_possible_values = true)]
    task: String,
    /// Show these columns in the prompt, separated by commas, and no others.
    #[arg(long, value_name = "A,B")]
    columns: Option<String>,
    /// The folder for the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Replace files that exist.
    #[arg(long)]
    force: bool,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// Writes the files and prints what they were made from and what to do next.
pub(crate) fn init(arguments: &InitArguments) -> Result<(), Failure> {
    let task: StarterTask = arguments.task.parse().map_err(Failure::usage)?;
    refuse_standard_input(&arguments.table, "table")?;
    let FirstTable { file, job_type } = staging::first_table(&arguments.table)?;
    let sample = read_sample(&file, arguments.columns.as_deref())?;
    let starter = proposed(&sample, task, arguments.columns.as_deref())?;
    // A table that is refused leaves no empty folder.
    let files = JobFiles::in_folder(&arguments.out, arguments.force)?;
    files.write(&arguments.table, job_type, &starter)?;
    if arguments.json {
        output::write_json(&json!({
            "table": file.display().to_string(),
            "rows_looked_at": sample.rows(),
            "job_type": job_type.as_str(),
            "columns": starter.shown,
            "left_out": starter.left_out.iter().map(|left| json!({
                "column": left.column, "reason": left.why.in_words(),
            })).collect::<Vec<_>>(),
            "files": files.paths().map(|path| path.display().to_string()),
        }))?;
    } else {
        let words = in_words(&file, job_type, &sample, &starter, &files);
        output::write(words.as_bytes())?;
    }
    Ok(())
}

/// Makes the proposal. `columns` are the names that a user has chosen.
fn proposed(sample: &Sample, task: StarterTask, columns: Option<&str>) -> Result<Starter, Failure> {
    let Some(columns) = columns else {
        return Ok(propose(sample, task));
    };
    let starter = propose_of_chosen(sample, task);
    if starter.shown.is_empty() {
        return Err(Failure::input(format!(
            "no name in --columns {columns} can be written in braces, as a prompt shows a column; rename the columns, or \
             leave --columns out to show the whole row"
        )));
    }
    Ok(starter)
}

/// Reads the first rows. `columns` are the names that a user has chosen, separated by commas.
fn read_sample(file: &Path, columns: Option<&str>) -> Result<Sample, Failure> {
    let shown = file.display();
    let unreadable = |error: Box<dyn std::error::Error>| Failure::input(error.to_string());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (format, gzip) = TableFormat::from_file_name(&name).ok_or_else(|| {
        Failure::input(format!(
            "{shown} is not a table; a table is named {ACCEPTED}"
        ))
    })?;
    let table = LocalTable { file, format, gzip };
    let mut names = table.columns(ROWS).map_err(unreadable)?;
    check_has_names(&names, file, format)?;
    if let Some(columns) = columns {
        names = chosen(columns, &names, file)?;
    }
    let mut sample = Sample::new(names.clone());
    table
        .each_row(&names, |number, row| {
            let cells = (0..names.len()).map(|index| row.cell(index).text().unwrap_or_default());
            sample.add(cells.map(str::to_owned).collect());
            number < ROWS
        })
        .map_err(unreadable)?;
    Ok(sample)
}

/// Refuses a table whose columns have no names, because a prompt cannot tell them apart.
fn check_has_names(names: &[String], file: &Path, format: TableFormat) -> Result<(), Failure> {
    if names.iter().any(|name| !name.trim().is_empty()) {
        return Ok(());
    }
    let shown = file.display();
    let message = if !names.is_empty() {
        format!(
            "{shown} has no column with a name; write the names of the columns into its first row"
        )
    } else if format.is_json_lines() {
        format!("{shown} has no row to look at; give a table with a row")
    } else if format == TableFormat::Parquet {
        format!("{shown} has no column whose values have a text for a prompt; add one")
    } else {
        format!("{shown} is empty: it needs a header row with the column names")
    };
    Err(Failure::input(message))
}

/// Returns the columns of a list that is separated by commas, each of them once.
fn chosen(list: &str, names: &[String], file: &Path) -> Result<Vec<String>, Failure> {
    let mut chosen: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        if name.is_empty() {
            return Err(Failure::usage(format!(
                "--columns {list:?} has an empty name; name the columns that the prompt shows, or leave --columns out"
            )));
        }
        if !names.iter().any(|known| known == name) {
            let known = names.iter().filter(|name| !name.trim().is_empty());
            let known: Vec<&String> = known.collect();
            return Err(Failure::input(format!(
                "{} has no column `{name}` that a prompt can show; it has {}",
                file.display(),
                quote::first_of(known, MOST_NAMED)
            )));
        }
        if !chosen.iter().any(|known| known == name) {
            chosen.push(name.to_owned());
        }
    }
    Ok(chosen)
}

fn in_words(
    file: &Path,
    job_type: JobType,
    sample: &Sample,
    starter: &Starter,
    files: &JobFiles,
) -> String {
    let shown = if starter.shown.is_empty() {
        "the whole row".to_owned()
    } else {
        starter.shown.join(", ")
    };
    let rows = format!("the first {} of {}", sample.rows(), file.display());
    let wrote = files.paths().map(|path| path.display().to_string());
    let mut lines = vec![("rows", rows)];
    if job_type == JobType::Training {
        let why = "training, because the tables are in train/, val/ or test/";
        lines.push(("job type", why.to_owned()));
    }
    lines.push(("prompt shows", shown));
    if !starter.left_out.is_empty() {
        lines.push(("left out", left_out_in_words(&starter.left_out)));
    }
    if let Some((column, values)) = &starter.categories {
        let example = format!(
            "{column} has only these values, as an `enum` may: {}",
            values.join(", ")
        );
        lines.push(("example", example));
    }
    lines.push(("wrote", wrote.join(", ")));
    lines.push((
        "next",
        format!(
            "edit the files, then: quarry preview {} --limit 1 --pretty",
            in_shell(&files.folder().display().to_string())
        ),
    ));
    let lines = lines
        .iter()
        .map(|(label, words)| format!("{label:<12} {words}\n"));
    output::printable_lines(&lines.collect::<String>())
}
