//! Names of runs: choosing one by its beginning, and naming a new one.

use crate::words::time;
use quarry_contract::execution_name::MAX_EXECUTION_NAME;
use quarry_contract::settings::nearest;
use std::time::Duration;

/// The fewest characters of a name's beginning that choose a run.
const LEAST_BEGINNING: usize = 4;

/// The part of a new name that is taken from the data's name, in characters.
const READABLE: usize = 40;

/// The run that a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunChoice {
    /// The run of this name.
    One(String),
    /// Several runs have names that begin so.
    Several(Vec<String>),
    /// No run; the nearest name, if there is one.
    None(Option<String>),
}

/// Returns the run that a text means: a whole name, or the beginning of a single one. `names` are
/// those of the newest runs.
pub fn choose(text: &str, names: &[String]) -> RunChoice {
    if names.iter().any(|name| name == text) {
        return RunChoice::One(text.to_owned());
    }
    let mut found: Vec<String> = names
        .iter()
        .filter(|name| text.len() >= LEAST_BEGINNING && name.starts_with(text))
        .cloned()
        .collect();
    match found.len() {
        0 => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            RunChoice::None(nearest(text, &names).map(str::to_owned))
        }
        1 => RunChoice::One(found.remove(0)),
        _ => RunChoice::Several(found),
    }
}

/// Why a text cannot be the name of a new run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError(String);

impl std::fmt::Display for NameError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "`{}` cannot be the name of a run: use 1 to {MAX_EXECUTION_NAME} letters, digits and `-`",
            self.0
        )
    }
}

impl std::error::Error for NameError {}

/// Checks the name that a user gives a new run. Folders of job files and names of jobs accept it.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = (1..=MAX_EXECUTION_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits {
        Ok(())
    } else {
        Err(NameError(name.to_owned()))
    }
}

/// Returns a name for a new run: of its data, of the time, and of a random number, so that two runs
/// that begin at the same time have different names.
pub fn new_name(data: &str, now: Duration, random: u16) -> String {
    let mut readable = String::new();
    for c in data.chars() {
        if readable.len() == READABLE {
            break;
        }
        if c.is_ascii_alphanumeric() {
            readable.push(c);
        } else if !readable.is_empty() && !readable.ends_with('-') {
            readable.push('-');
        }
    }
    let readable = match readable.trim_end_matches('-') {
        "" => "run",
        readable => readable,
    };
    let at: String = time(now)
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == ' ')
        .map(|c| if c == ' ' { '-' } else { c })
        .collect();
    format!("{readable}-{at}-{random:04x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_run_is_chosen_by_its_name_or_by_the_beginning_of_a_single_name() {
        let names = names(&["strikes-2", "strikes-1", "strikes", "letters-7"]);
        assert_eq!(choose("strikes", &names), RunChoice::One("strikes".into()));
        assert_eq!(choose("lett", &names), RunChoice::One("letters-7".into()));
        assert_eq!(
            choose("strikes-", &names),
            RunChoice::Several(vec!["strikes-2".into(), "strikes-1".into()])
        );
        assert_eq!(choose("let", &names), RunChoice::None(None));
        assert_eq!(
            choose("letters-8", &names),
            RunChoice::None(Some("letters-7".into()))
        );
    }

    #[test]
    fn a_new_name_is_a_valid_name() {
        let now = Duration::from_secs(1_795_881_481);
        assert_eq!(
            new_name("wildlife-strikes", now, 0x3f9c),
            "wildlife-strikes-20261128-155801-3f9c"
        );
        assert_eq!(new_name("東京", now, 7), "run-20261128-155801-0007");
        let long = new_name(&"ä b".repeat(100), now, u16::MAX);
        check_name(&long).unwrap();
        assert_eq!(long, new_name(&"ä b".repeat(100), now, u16::MAX));
        for name in ["", "a b", "a_b", "ä", &"x".repeat(81)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
