//! Whether a run's results would become a run's input, or replace it.

use super::results;
use crate::failure::Failure;
use quarry_contract::file_format::FileFormat;
use quarry_contract::plan::ResultName;
use quarry_contract::request::{JobType, SPLITS};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Refuses an output folder inside the data folder, and one in which a result would replace an
/// input. Paths are compared after all links are resolved.
pub(super) fn check(
    out: &Path,
    data: &Path,
    inputs: &[PathBuf],
    job_type: JobType,
) -> Result<(), Failure> {
    let folder = canonical(out);
    if data.is_dir() && folder.starts_with(canonical(data)) {
        return Err(Failure::input(format!(
            "the output folder {} is inside the data folder {}: a later run would read its own results; choose \
             another folder with --out",
            out.display(),
            data.display()
        )));
    }
    let results: Vec<PathBuf> = result_names(job_type)
        .map(|name| canonical(&folder.join(name)))
        .collect();
    for input in inputs {
        if results.contains(&canonical(input)) {
            return Err(Failure::input(format!(
                "the result would replace the input {}; choose another folder with --out",
                input.display()
            )));
        }
    }
    Ok(())
}

/// Refuses tables of a data folder of which some, but not all, are named as results of runs: a run
/// over a single file may have put its result beside the file, and its rows would be read twice.
/// `names` are relative to the folder.
pub(super) fn check_tables(data: &Path, names: &[&str]) -> Result<(), Failure> {
    let results: HashSet<String> = JobType::ALL.into_iter().flat_map(result_names).collect();
    let (results, others): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| results.contains(**name));
    let (Some(result), Some(other)) = (results.first(), others.first()) else {
        return Ok(());
    };
    Err(Failure::input(format!(
        "{} is named as the result of a run and is beside {other}, so its rows would be read as data; move it to another \
         folder, or give {} alone",
        data.join(result).display(),
        data.join(other).display()
    )))
}

/// Refuses an output folder in which something is in the place of a result: a folder of its name, or a file
/// where its folder would be. `tables` are the names of the input's tables, which decide the names of the
/// results.
pub(super) fn check_places(
    out: &Path,
    tables: &[&str],
    job_type: JobType,
    is_sample: bool,
) -> Result<(), Failure> {
    if !out.is_dir() {
        // Creating it says whether that is possible.
        return Ok(());
    }
    let formats: HashSet<(&str, bool)> = tables
        .iter()
        .filter_map(|name| FileFormat::from_file_name(name))
        .map(|(format, gzip)| (format.extension(), gzip))
        .collect();
    let is_there = |split: Option<&str>| match split {
        None => true,
        Some(split) => {
            let in_it = |name: &&str| {
                name.strip_prefix(split)
                    .is_some_and(|rest| rest.starts_with('/'))
            };
            job_type == JobType::Training && tables.iter().any(in_it)
        }
    };
    for name in names_of_results(job_type) {
        // Only a table whose files are all compressed has a compressed result.
        let may_be = formats.contains(&(name.format.extension(), name.gzip));
        if !may_be || name.is_sample != is_sample || !is_there(name.split) {
            continue;
        }
        results::check_place(&out.join(name.to_string()))?;
    }
    Ok(())
}

/// Returns every name that a result can have.
fn result_names(job_type: JobType) -> impl Iterator<Item = String> {
    names_of_results(job_type).map(|name| name.to_string())
}

fn names_of_results(job_type: JobType) -> impl Iterator<Item = ResultName<'static>> {
    let splits = SPLITS.into_iter().map(Some).chain([None]);
    splits.flat_map(move |split| {
        FileFormat::ALL.into_iter().flat_map(move |format| {
            [(false, false), (false, true), (true, false), (true, true)]
                .into_iter()
                .filter(move |(gzip, _)| !gzip || format.may_be_gzip())
                .map(move |(gzip, is_sample)| ResultName {
                    split,
                    job_type,
                    is_sample,
                    format,
                    gzip,
                })
        })
    })
}

/// Resolves all links of a path that need not exist: its existing part is resolved.
fn canonical(path: &Path) -> PathBuf {
    let mut missing: Vec<&OsStr> = Vec::new();
    let mut known = path;
    loop {
        let place = if known.as_os_str().is_empty() {
            Path::new(".")
        } else {
            known
        };
        if let Ok(found) = place.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(found, |path, name| path.join(name));
        }
        let (Some(parent), Some(Component::Normal(name))) =
            (known.parent(), known.components().next_back())
        else {
            return path.to_owned();
        };
        missing.push(name);
        known = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_path_is_resolved_as_far_as_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(canonical(&folder.path().join("a/b")), real.join("a/b"));
        assert_eq!(canonical(&folder.path().join("./a/")), real.join("a"));
        assert_eq!(canonical(folder.path()), real);
    }
}
