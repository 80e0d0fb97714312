//! Replacing the names of the stack's copies by the names of the user's files.

use super::{DATA, PROMPTS, SCHEMA};
use crate::input::shown;
use quarry_local_stack::{BUCKET, RunError};
use std::path::Path;

/// The staged copies, each with the name by which the user knows the file.
///
/// A function's error and a plan's note reach the command as text, as they do on AWS, so a copy is
/// recognised by its whole S3 URI in that text.
#[derive(Debug, Clone)]
pub(crate) struct LocalNames {
    files: Vec<(String, String)>,
    /// The URI of the data folder's copy, and the folder's name with a separator at its end.
    data: Option<(String, String)>,
}

impl LocalNames {
    pub(super) fn new(data: Option<&Path>, prompts: &Path, schema: Option<&Path>) -> Self {
        let schema = schema.map(|schema| (uri(SCHEMA), shown(schema)));
        let data = data.map(|folder| folder.join("").display().to_string());
        Self {
            files: [(uri(PROMPTS), shown(prompts))]
                .into_iter()
                .chain(schema)
                .collect(),
            data: data.map(|folder| (uri(DATA), folder)),
        }
    }

    /// Returns the error and its cause with the user's names.
    pub(crate) fn in_error(&self, error: RunError) -> RunError {
        RunError {
            cause: self.in_text(&error.cause),
            ..error
        }
    }

    /// Returns the text with the user's names.
    pub(crate) fn in_text(&self, text: &str) -> String {
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(SCHEME) {
            let (before, from) = rest.split_at(at);
            named.push_str(before);
            let (length, name) = self.at_start(from).unwrap_or((SCHEME.len(), SCHEME));
            named.push_str(name);
            rest = &from[length..];
        }
        named.push_str(rest);
        named
    }

    /// Returns the length of the copy's URI at the text's start, and the name of the file.
    fn at_start(&self, text: &str) -> Option<(usize, &str)> {
        self.files
            .iter()
            .chain(&self.data)
            .find(|(copy, _)| text.starts_with(copy))
            .map(|(copy, name)| (copy.len(), name.as_str()))
    }
}

/// The beginning of every URI.
const SCHEME: &str = "s3://";

fn uri(key: &str) -> String {
    format!("{SCHEME}{BUCKET}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_named_as_the_user_named_the_files() {
        let names = LocalNames::new(
            Some(Path::new("strikes")),
            Path::new("-"),
            Some(Path::new("answers/schema.json")),
        );
        assert_eq!(
            names.in_text(
                "s3://quarry-local/data/train/a.csv, line 3: no `x`, which s3://quarry-local/pipeline/prompts.json \
                 names; s3://quarry-local/pipeline/schema.json and s3://elsewhere/data/ do not"
            ),
            "strikes/train/a.csv, line 3: no `x`, which standard input names; answers/schema.json and \
             s3://elsewhere/data/ do not"
        );
    }

    /// A file's own name may look like a copy's, so a replaced name is not replaced again.
    #[test]
    fn a_name_is_put_in_once() {
        let odd = "s3://quarry-local/data/prompts.json";
        let names = LocalNames::new(Some(Path::new("in")), Path::new(odd), None);
        assert_eq!(
            names.in_text("s3://quarry-local/pipeline/prompts.json"),
            odd
        );
    }
}
