//! Whether a run's results would become a run's input, or replace it.

use crate::failure::Failure;
use quarry_contract::request::{JobType, SPLITS};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The endings that results can have in their format (`quarry_contract::plan::Table::result_name`).
const ENDINGS: [&str; 7] = [
    "csv", "csv.gz", "tsv", "tsv.gz", "jsonl", "jsonl.gz", "parquet",
];

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

fn result_names(job_type: JobType) -> impl Iterator<Item = String> {
    let of_splits = SPLITS
        .into_iter()
        .map(|split| format!("{split}/{split}_processed_data"));
    of_splits
        .chain([format!("{job_type}_processed_data")])
        .flat_map(|name| ENDINGS.map(|ending| format!("{name}.{ending}")))
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
    use quarry_contract::plan::{Mode, Table};

    /// A result with an ending that is missing in the list would replace an input without a
    /// warning.
    #[test]
    fn every_name_that_a_result_can_have_is_known() {
        for (format, gzip) in [
            ("csv", false),
            ("csv", true),
            ("tsv", false),
            ("tsv", true),
            ("jsonl", false),
            ("jsonl", true),
            ("parquet", false),
        ] {
            for split in [None, Some("train"), Some("val"), Some("test")] {
                let table = Table {
                    split: split.map(str::to_owned),
                    format: format.to_owned(),
                    gzip,
                    files: Vec::new(),
                    columns: Vec::new(),
                    header: String::new(),
                    newline: "lf".to_owned(),
                    quoting: String::new(),
                    rows: 0,
                    mode: Mode::Batch,
                    first_slice: 0,
                    slices: 0,
                };
                let name = table.result_name(JobType::Training);
                assert!(
                    result_names(JobType::Training).any(|known| known == name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_place_that_is_not_there_is_known_by_what_is_there_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(canonical(&folder.path().join("a/b")), real.join("a/b"));
        assert_eq!(canonical(&folder.path().join("./a/")), real.join("a"));
        assert_eq!(canonical(folder.path()), real);
    }
}
