//! Values that a shell offers for an argument which takes any text: names of settings, models, tasks and job types.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};
use quarry_contract::request::JobType;
use quarry_contract::settings::NAMES;
use quarry_model::Model;
use quarry_starter::StarterTask;
use std::ffi::OsStr;
use std::sync::LazyLock;

/// Reads any text. Completions offer some.
#[derive(Clone)]
pub(crate) struct OfferedText(fn() -> Vec<&'static str>);

/// Offers the beginnings of `NAME=VALUE`.
pub(crate) const ASSIGNMENTS: OfferedText = OfferedText(|| {
    static WITH_SIGN: LazyLock<Vec<String>> =
        LazyLock::new(|| NAMES.iter().map(|name| format!("{name}=")).collect());
    WITH_SIGN.iter().map(String::as_str).collect()
});

/// Offers the names of settings.
pub(crate) const SETTINGS: OfferedText = OfferedText(|| NAMES.to_vec());

/// Offers the ids of models.
pub(crate) const MODELS: OfferedText = OfferedText(|| {
    Model::all()
        .flat_map(|model| model.ids.iter().copied())
        .collect()
});

/// Offers the tasks of `quarry init`.
pub(crate) const TASKS: OfferedText =
    OfferedText(|| StarterTask::ALL.map(StarterTask::name).to_vec());

/// Offers the job types.
pub(crate) const JOB_TYPES: OfferedText =
    OfferedText(|| JobType::ALL.map(JobType::as_str).to_vec());

impl TypedValueParser for OfferedText {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}
