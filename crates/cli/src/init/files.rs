//! The files that `quarry init` writes.

use crate::failure::Failure;
use crate::staging::temporary_in;
use quarry_contract::request::JobType;
use quarry_starter::Starter;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The names of prompts, schema and request.
const NAMES: [&str; 3] = ["prompts.json", "schema.json", "request.json"];

/// The files of a job, in one folder.
pub(super) struct JobFiles<'a> {
    folder: &'a Path,
}

impl<'a> JobFiles<'a> {
    /// Creates the folder. Without `force`, a file that exists is refused.
    pub(super) fn in_folder(folder: &'a Path, force: bool) -> Result<Self, Failure> {
        let files = Self { folder };
        fs::create_dir_all(folder).map_err(|error| {
            let shown = folder.display();
            Failure::input(if folder.is_dir() || !folder.exists() {
                format!("{shown} cannot be created: {error}; choose another folder with --out")
            } else {
                format!("{shown} is not a folder; name a folder with --out")
            })
        })?;
        let there = files.paths().into_iter().find(|path| path.exists());
        match there {
            Some(path) if !force => Err(Failure::input(format!(
                "{} exists already; choose another folder with --out, or replace it with --force",
                path.display()
            ))),
            _ => Ok(files),
        }
    }

    pub(super) fn folder(&self) -> &'a Path {
        self.folder
    }

    pub(super) fn paths(&self) -> [PathBuf; 3] {
        NAMES.map(|name| self.folder.join(name))
    }

    /// Writes all files. `table` is the data of the request.
    pub(super) fn write(
        &self,
        table: &Path,
        job_type: JobType,
        starter: &Starter,
    ) -> Result<(), Failure> {
        let request = json!({
            "version": 1,
            "data": self.data(table)?,
            "prompts": NAMES[0],
            "schema": NAMES[1],
            "job_type": job_type.as_str(),
            "settings": {"BEDROCK_MAX_TOKENS": "512"},
        });
        let contents = [&starter.prompts, &starter.schema, &request];
        for (path, content) in self.paths().into_iter().zip(contents) {
            write_whole(&path, content).map_err(|error| {
                Failure::run(format!("{} cannot be written: {error}", path.display()))
            })?;
        }
        Ok(())
    }

    /// Returns the table's place for the request: relative if the folder contains the table, so
    /// that the folder can be moved.
    fn data(&self, table: &Path) -> Result<String, Failure> {
        let absolute = |path: &Path| {
            path.canonicalize().map_err(|error| {
                Failure::input(format!("{} cannot be read: {error}", path.display()))
            })
        };
        let (folder, table) = (absolute(self.folder)?, absolute(table)?);
        let place = match table.strip_prefix(&folder) {
            Ok(inside) if inside.as_os_str().is_empty() => Path::new("."),
            Ok(inside) => inside,
            Err(_) => &table,
        };
        let text = place.to_str().ok_or_else(|| {
            Failure::input(format!(
                "{} has a name that is not UTF-8; rename it",
                place.display()
            ))
        })?;
        Ok(text.to_owned())
    }
}

/// Writes beside the place and renames, so that no half of a file is left.
fn write_whole(path: &Path, content: &Value) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = temporary_in(folder)?;
    serde_json::to_writer_pretty(&mut file, content)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}
