//! `request.json`: a request as people write it, beside their data or among a pipeline's prompts.
//! Every member is optional, and locations may be relative to the folder of the file.

use crate::byte_order_mark::without_mark;
use crate::json_document::read_document;
use crate::location::{LocationError, S3Uri};
use crate::request::{JobType, SampleRequest};
use crate::{OtherVersion, VERSION, check_version, members};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request with locations that may be relative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFile {
    /// [`crate::VERSION`], which is also the default.
    #[serde(default = "this_version")]
    pub version: u32,
    /// The data set: a folder, or one file; by default the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `prompts.json`, or its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<String>,
    /// A JSON Schema file, or a folder with `validation_schema_*.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The folder of the result tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The folder of the summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The folder of job files and intermediate results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<String>,
    /// Determines the folder layout and the file names; validation by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_type: Option<JobType>,
    /// Asks only some rows of each table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleRequest>,
    /// `BEDROCK_*` settings.
    #[serde(
        default,
        deserialize_with = "crate::written_settings::deserialize",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub settings: BTreeMap<String, String>,
    /// Names of the settings that requests in the inbox may change, `*` for all. Allowed only in a
    /// pipeline's own `request.json`. If missing, trigger's safe list applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_settings: Option<Vec<String>>,
}

/// Why a `request.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RequestFileError {
    /// It has no content.
    #[error(
        "{0} is empty: write a JSON object into it, such as {{\"data\": \"table.csv\"}}, or {{}} for the defaults"
    )]
    Empty(String),
    /// It is not JSON.
    #[error("{file}: {source}; correct the JSON at this place")]
    NotJson {
        /// The file, for people.
        file: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// It is not the JSON of a request.
    #[error("{file}: {why}; correct it as docs/inputs-and-prompts.md describes request.json")]
    NotARequest {
        /// The file, for people.
        file: String,
        /// What is wrong, with the place of the member.
        why: String,
    },
    /// It is for another version.
    #[error(transparent)]
    Version(#[from] OtherVersion),
}

impl RequestFile {
    /// Reads the content of a file of this version. `file` names it in errors.
    pub fn read(file: &str, content: &[u8]) -> Result<Self, RequestFileError> {
        if without_mark(content).trim_ascii().is_empty() {
            return Err(RequestFileError::Empty(file.to_owned()));
        }
        let document = read_document(content).map_err(|source| RequestFileError::NotJson {
            file: file.to_owned(),
            source,
        })?;
        let request: Self = members::from_value(document).map_err(|error| {
            let reason = in_plain_words(&error.reason.to_string());
            RequestFileError::NotARequest {
                file: file.to_owned(),
                why: match error.path.as_str() {
                    "" => reason,
                    path => format!("`{path}`: {reason}"),
                },
            }
        })?;
        check_version(file, request.version)?;
        Ok(request)
    }
}

/// Says a wrong kind of value in the words of JSON instead of those of Rust.
fn in_plain_words(reason: &str) -> String {
    const FOUND: [(&str, &str); 8] = [
        ("invalid type: string ", "found the text "),
        ("invalid type: integer ", "found the number "),
        ("invalid type: floating point ", "found the number "),
        ("invalid type: boolean ", "found "),
        ("invalid type: null", "found null"),
        ("invalid type: map", "found an object"),
        ("invalid type: sequence", "found a list"),
        ("invalid value: integer ", "found the number "),
    ];
    let Some((found, expected)) = reason.rsplit_once(", expected ") else {
        return reason.to_owned();
    };
    let Some((words, rest)) = FOUND
        .iter()
        .find_map(|(words, plain)| Some((plain, found.strip_prefix(words)?)))
    else {
        return reason.to_owned();
    };
    let expected = match expected {
        "u32" => "a whole number from 0 to 4294967295, without quotes",
        "u64" => "a whole number of 0 or more, without quotes",
        "a string" => "a text in quotes",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{words}{rest}, expected {expected}")
}

fn this_version() -> u32 {
    VERSION
}

impl Default for RequestFile {
    fn default() -> Self {
        Self {
            version: VERSION,
            data: None,
            prompts: None,
            schema: None,
            output: None,
            summary: None,
            work: None,
            job_type: None,
            sample: None,
            settings: BTreeMap::new(),
            request_settings: None,
        }
    }
}

/// The default job type.
pub const DEFAULT_JOB_TYPE: JobType = JobType::Validation;

/// Returns the location that a file in `folder` names: an `s3://` location as it is, any other text
/// below the folder.
pub fn resolve(folder: &S3Uri, text: &str) -> Result<S3Uri, LocationError> {
    if text.contains("://") {
        return text.parse();
    }
    let joined = folder.join(text.trim_start_matches("./"));
    S3Uri::new(joined.bucket(), joined.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_locations_start_at_the_files_folder() {
        let folder: S3Uri = "s3://bucket/inbox/strikes".parse().unwrap();
        for (text, location) in [
            ("data/", "s3://bucket/inbox/strikes/data/"),
            ("./a.csv", "s3://bucket/inbox/strikes/a.csv"),
            ("s3://other/p.json", "s3://other/p.json"),
            ("", "s3://bucket/inbox/strikes/"),
        ] {
            assert_eq!(resolve(&folder, text).unwrap().to_string(), location);
        }
        assert!(resolve(&folder, "http://x/y").is_err());
        assert!(resolve(&folder, &"k".repeat(1024)).is_err());
    }

    #[test]
    fn a_file_may_begin_with_a_mark_and_has_this_version() {
        let read = |text: &str| RequestFile::read("a/request.json", text.as_bytes());
        assert_eq!(read("\u{FEFF}{}").unwrap(), RequestFile::default());
        assert_eq!(
            read(r#"{"version": 2}"#).unwrap_err().to_string(),
            "a/request.json has version 2; this is version 1 of Quarry"
        );
        let error = read("{").unwrap_err().to_string();
        assert!(error.starts_with("a/request.json: EOF"), "{error}");
        assert!(error.ends_with("correct the JSON at this place"), "{error}");
    }

    #[test]
    fn a_value_of_a_wrong_kind_is_named_with_its_place_in_the_words_of_json() {
        for (text, words) in [
            ("", "a/request.json is empty: write a JSON object into it"),
            ("\u{FEFF} \n", "a/request.json is empty"),
            (
                r#"{"sample": {"rows": "4"}}"#,
                "a/request.json: `sample.rows`: found the text \"4\", expected a whole number of 0 or more, without quotes; \
                 correct it as docs/inputs-and-prompts.md describes request.json",
            ),
            (
                r#"{"sample": {"rows": 4, "seed": -1}}"#,
                "`sample.seed`: found the number `-1`, expected a whole number from 0 to 4294967295",
            ),
            (
                r#"{"data": 7}"#,
                "`data`: found the number `7`, expected a text in quotes",
            ),
            (
                r#"{"sample": "four"}"#,
                "`sample`: found the text \"four\", expected an object",
            ),
            ("[]", "a/request.json: found a list, expected an object"),
            (
                r#"{"settings": []}"#,
                "`settings`: found a list, expected an object",
            ),
            (r#"{"dat": 3}"#, "unknown field `dat`"),
        ] {
            let error = RequestFile::read("a/request.json", text.as_bytes());
            let error = error.unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_setting_that_is_given_twice_and_a_list_are_refused() {
        for (text, part) in [
            (
                r#"{"settings": {"BEDROCK_MAX_TOKENS": "1", "BEDROCK_MAX_TOKENS": "2"}}"#,
                "the key `BEDROCK_MAX_TOKENS` is given twice",
            ),
            (
                r#"{"data": "a", "data": "b"}"#,
                "the key `data` is given twice",
            ),
            (
                r#"[1, "d.csv"]"#,
                "a/request.json: found a list, expected an object",
            ),
        ] {
            let error = RequestFile::read("a/request.json", text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn settings_may_be_numbers_and_flags_and_nothing_else() {
        let read = |text: &str| RequestFile::read("a/request.json", text.as_bytes());
        let file = read(
            r#"{"settings": {"BEDROCK_MAX_TOKENS": 512, "BEDROCK_TEMPERATURE": 0.5,
                "BEDROCK_SKIP_ERROR_RECORDS": true, "BEDROCK_BATCH_MODE": "batch"}}"#,
        );
        let settings = file.unwrap().settings;
        let values: Vec<&str> = settings.values().map(String::as_str).collect();
        assert_eq!(values, ["batch", "512", "true", "0.5"]);
        for value in ["[512]", "null", "{}"] {
            let text = format!(r#"{{"settings": {{"BEDROCK_MAX_TOKENS": {value}}}}}"#);
            let error = read(&text).unwrap_err().to_string();
            let words = "a/request.json: `settings`: the setting `BEDROCK_MAX_TOKENS` must be a text, a number";
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn everything_may_be_left_out_and_nothing_misspelt() {
        assert_eq!(
            serde_json::from_str::<RequestFile>("{}").unwrap(),
            RequestFile::default()
        );
        let error = serde_json::from_str::<RequestFile>(r#"{"promts": "p.json"}"#).unwrap_err();
        assert!(error.to_string().contains("promts"), "{error}");
    }
}
