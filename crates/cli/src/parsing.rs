//! Reading the command line, and the tips when it cannot be read.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error, Parser};
use std::ffi::OsString;

/// The width of help that is not for a terminal, and the most for one.
pub(crate) const HELP_WIDTH: usize = 100;

/// The least width of a terminal that help is wrapped for. Shells without a terminal may set the variable to 0.
const LEAST_WIDTH: usize = 20;

/// The variable in which a shell says how wide the terminal is.
const WIDTH_VARIABLE: &str = "COLUMNS";

/// Options that some commands lack, with the way to the same end that all of them have.
const ELSEWHERE: [(&str, &str); 3] = [
    (
        "--max-cost",
        "`--set BEDROCK_MAX_COST=USD` refuses a run that is expected to cost more",
    ),
    (
        "--sample",
        "`\"sample\": {\"rows\": 50}` in a request.json asks only some rows",
    ),
    (
        "--sample-seed",
        "`\"sample\": {\"rows\": 50, \"seed\": 7}` in a request.json asks random rows",
    ),
];

/// Reads a command line.
pub(crate) fn parse<P: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<P, Error> {
    let mut command = command::<P>();
    let arguments = of_help(arguments.into_iter().collect());
    let matches = command.try_get_matches_from_mut(arguments);
    let mut matches = matches.map_err(with_tips)?;
    P::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Returns the command as it is parsed and as shells complete it.
fn command<P: Parser>() -> Command {
    let command = P::command().mut_subcommands(|command| command.mut_args(with_negative_numbers));
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a shell: shells say in the environment how wide the terminal is"
    )]
    let width = std::env::var(WIDTH_VARIABLE);
    if width.is_ok_and(|text| text.parse::<usize>().is_ok_and(|width| width < LEAST_WIDTH)) {
        return command.term_width(HELP_WIDTH);
    }
    command
}

/// Takes `-1` for a value of the option before it, so that the error says what the option takes.
fn with_negative_numbers(argument: Arg) -> Arg {
    if argument.get_long().is_some() && argument.get_action().takes_values() {
        argument.allow_negative_numbers(true)
    } else {
        argument
    }
}

/// Leaves `--help` out after `help`, which shows the same.
fn of_help(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.retain(|argument| argument != "--help" && argument != "-h");
    }
    arguments
}

/// Replaces the tip to pass an unknown option as a value, which no command takes.
fn with_tips(mut error: Error) -> Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let elsewhere = ELSEWHERE.iter().find(|(name, _)| name == option);
    let mut tips: Vec<StyledStr> = elsewhere
        .map(|(_, tip)| StyledStr::from((*tip).to_owned()))
        .into_iter()
        .collect();
    if let Some(ContextValue::StyledStrs(given)) = error.remove(ContextKind::Suggested) {
        let is_of_use = |tip: &StyledStr| !tip.to_string().contains("as a value, use");
        tips.extend(given.into_iter().filter(is_of_use));
    }
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}
