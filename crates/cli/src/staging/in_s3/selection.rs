//! Which objects below a place are its tables, as planning selects them.

use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, SPLITS};
use quarry_edge::store::ObjectInfo;
use quarry_rows::TableFormat;
use std::collections::BTreeMap;

/// The most left-out objects of one kind whose names are kept: planning names no more.
const MOST_LEFT_OUT: usize = 11;

/// The objects that are tables.
pub(super) struct DataSelection {
    pub(super) files: Vec<SelectedFile>,
    /// The names of other objects, relative to the place.
    pub(super) left_out: Vec<String>,
}

/// An object that is a table or a part of one.
#[derive(Debug, Clone)]
pub(super) struct SelectedFile {
    pub(super) object: ObjectInfo,
    /// The name relative to the place of the data.
    pub(super) name: String,
    /// The training split that the object belongs to.
    pub(super) split: Option<&'static str>,
    pub(super) format: TableFormat,
    pub(super) gzip: bool,
}

impl DataSelection {
    /// Selects a single object.
    pub(super) fn of_object(object: &ObjectInfo) -> Self {
        let name = object.location.file_name().to_owned();
        let file = SelectedFile::of(object.clone(), name, None);
        Self {
            files: file.into_iter().collect(),
            left_out: Vec::new(),
        }
    }

    /// Selects the tables of a folder: those in its training splits if the job is a training and has
    /// some, or else those directly in it.
    pub(super) fn of_folder(folder: &S3Uri, objects: Vec<ObjectInfo>, job_type: JobType) -> Self {
        let (mut direct, mut split_files) = (Vec::new(), Vec::new());
        let mut others = Vec::new();
        for object in objects {
            let name = object.location.key()[folder.key().len()..].to_owned();
            let (split, file_name) = in_split(&name);
            if name.is_empty() {
                continue;
            }
            let is_hidden = file_name.starts_with('.');
            let is_nested = file_name.contains('/');
            let file = (!is_hidden && !is_nested)
                .then(|| SelectedFile::of(object, name.clone(), split))
                .flatten();
            match file {
                Some(file) if split.is_some() => split_files.push(file),
                Some(file) => direct.push(file),
                None => others.push(name),
            }
        }
        let takes_splits = job_type == JobType::Training && !split_files.is_empty();
        let (files, unused) = if takes_splits {
            (split_files, direct)
        } else {
            (direct, split_files)
        };
        others.extend(unused.into_iter().map(|file| file.name));
        Self {
            files,
            left_out: few_of_each_kind(others),
        }
    }

    /// Returns the stored size of all tables.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.object.size).sum()
    }
}

impl SelectedFile {
    fn of(object: ObjectInfo, name: String, split: Option<&'static str>) -> Option<Self> {
        let (format, gzip) = TableFormat::from_file_name(&name)?;
        Some(Self {
            object,
            name,
            split,
            format,
            gzip,
        })
    }
}

/// Returns the training split of a name below the data, and the name below its folder.
fn in_split(name: &str) -> (Option<&'static str>, &str) {
    let below = |split: &'static str| {
        let rest = name.strip_prefix(split)?.strip_prefix('/')?;
        Some((Some(split), rest))
    };
    SPLITS.into_iter().find_map(below).unwrap_or((None, name))
}

/// Keeps the first names of each kind: in a split or not, hidden or not, in a deeper folder or not.
fn few_of_each_kind(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    let mut kept: Vec<String> = Vec::new();
    let mut counts = BTreeMap::<(Option<&'static str>, bool, bool), usize>::new();
    for name in names {
        let (split, below) = in_split(&name);
        let kind = (split, below.starts_with('.'), below.contains('/'));
        let count = counts.entry(kind).or_default();
        *count += 1;
        if *count <= MOST_LEFT_OUT {
            kept.push(name);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(job_type: JobType, names: &[&str]) -> (Vec<String>, Vec<String>) {
        let folder: S3Uri = "s3://bucket/in/".parse().unwrap();
        let objects = names.iter().map(|name| ObjectInfo {
            location: S3Uri::new("bucket", format!("in/{name}")).unwrap(),
            size: 1,
            etag: "\"e\"".to_owned(),
            version: None,
            checksum: None,
        });
        let selection = DataSelection::of_folder(&folder, objects.collect(), job_type);
        let files = selection.files.into_iter().map(|file| file.name);
        (files.collect(), selection.left_out)
    }

    #[test]
    fn tables_directly_in_the_folder_are_selected_and_others_are_left_out_by_name() {
        let names = [
            "",
            ".a.csv",
            "a.csv",
            "b.csv.gz",
            "deep/c.csv",
            "notes.txt",
            "train/d.csv",
        ];
        let (files, left_out) = selected(JobType::Validation, &names);
        assert_eq!(files, ["a.csv", "b.csv.gz"]);
        assert_eq!(
            left_out,
            [".a.csv", "deep/c.csv", "notes.txt", "train/d.csv"]
        );
    }

    #[test]
    fn a_training_takes_its_splits_if_it_has_some() {
        let names = ["a.csv", "train/a.csv", "train/deep/b.csv", "val/"];
        let (files, left_out) = selected(JobType::Training, &names);
        assert_eq!(files, ["train/a.csv"]);
        assert_eq!(left_out, ["a.csv", "train/deep/b.csv", "val/"]);
        assert_eq!(selected(JobType::Training, &["a.csv"]).0, ["a.csv"]);
    }

    #[test]
    fn a_folder_of_many_other_objects_keeps_some_names() {
        let names: Vec<String> = (0..1_000)
            .map(|number| format!("{number:04}.txt"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(selected(JobType::Testing, &names).1.len(), MOST_LEFT_OUT);
    }
}
