//! The arguments that name a command's input, and the `request.json` that can replace them.

use crate::failure::Failure;
use crate::input::{read_file, shown};
use crate::offered::{ASSIGNMENTS, JOB_TYPES};
use clap::Args;
use quarry_contract::request::{MAX_SAMPLE_ROWS, SampleRequest};
use quarry_contract::request_file::RequestFile;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The input of a command.
#[derive(Debug, Clone, Args)]
pub(crate) struct JobArguments {
    /// A folder with a `request.json`, or the data: a file, or a folder of files; for `submit` also
    /// `s3://bucket/key`, an object or a folder.
    pub(crate) data: PathBuf,
    /// The prompts: a file, the folder with `prompts.json`, or - for standard input. Not needed
    /// with a `request.json`.
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts: Option<PathBuf>,
    /// The JSON Schema of an answer: a file, the folder with `validation_schema_*.json`, or -.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// A setting, e.g. `BEDROCK_MAX_TOKENS=512`; may be given several times. `quarry settings` lists
    /// them.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = ASSIGNMENTS, hide_possible_values = true)]
    pub(crate) settings: Vec<String>,
    /// The kind of data set: training, validation, testing or calibration.
    #[arg(long, value_name = "TYPE", value_parser = JOB_TYPES, hide_possible_values = true)]
    pub(crate) job_type: Option<String>,
}

impl JobArguments {
    /// Returns the arguments for a folder with a `request.json`, which has everything else.
    pub(crate) fn of_folder(folder: &Path) -> Self {
        Self {
            data: folder.to_owned(),
            prompts: None,
            schema: None,
            settings: Vec::new(),
            job_type: None,
        }
    }
}

/// How many rows a run asks.
#[derive(Debug, Default, Clone, Copy, Args)]
pub(crate) struct SampleArguments {
    /// Ask only this number of rows of each table, on demand, for a whole small result and what all
    /// rows would cost. The seed of a request.json stays.
    #[arg(long, value_name = "ROWS", value_parser = sample_rows)]
    sample: Option<u64>,
    /// Ask random rows, the same ones each time with the same seed; without it, the first rows. The
    /// number of rows is that of --sample or of a request.json.
    #[arg(long, value_name = "SEED")]
    sample_seed: Option<u32>,
}

impl SampleArguments {
    /// Returns the sample that the arguments ask for. Each of them takes precedence over that of the request.
    pub(super) fn over(
        self,
        request: Option<SampleRequest>,
    ) -> Result<Option<SampleRequest>, Failure> {
        let seed = self
            .sample_seed
            .or_else(|| request.and_then(|sample| sample.seed));
        let rows = self.sample.or_else(|| request.map(|sample| sample.rows));
        match rows {
            Some(rows) => Ok(Some(SampleRequest { rows, seed })),
            None if seed.is_some() => Err(Failure::usage(
                "--sample-seed does not say how many rows are asked; give --sample <ROWS> too, or `\"sample\": {\"rows\": …}` \
                 in request.json",
            )),
            None => Ok(None),
        }
    }
}

/// Reads the value of `--sample`.
fn sample_rows(text: &str) -> Result<u64, String> {
    let number: i64 = text
        .parse()
        .map_err(|error| format!("{error}; allowed: 1 to {MAX_SAMPLE_ROWS}"))?;
    let rows = u64::try_from(number).ok();
    rows.filter(|rows| (1..=MAX_SAMPLE_ROWS).contains(rows))
        .ok_or_else(|| format!("{number} is not in 1..={MAX_SAMPLE_ROWS}"))
}

/// Reads the values of `--set NAME=VALUE`.
pub(crate) fn read_settings(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    texts
        .iter()
        .map(|text| {
            let pair = text.split_once('=');
            let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| Failure::usage(format!("--set takes NAME=VALUE, found `{text}`")))
        })
        .collect()
}

/// Reads a `request.json` of this version.
pub(crate) fn read_request(file: &Path) -> Result<RequestFile, Failure> {
    RequestFile::read(&shown(file), &read_file(file)?)
        .map_err(|error| Failure::input(error.to_string()))
}
