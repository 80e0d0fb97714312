//! `quarry settings`: lists the settings, with default, range and meaning.

use crate::failure::Failure;
use crate::offered::SETTINGS;
use crate::output::{write, write_json};
use clap::Args;
use quarry_contract::settings::{ABOUT, AboutSetting, nearest_setting};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Arguments of `quarry settings`.
#[derive(Debug, Args)]
pub(crate) struct SettingsArguments {
    /// Part of a setting's name, in upper or lower case; by default all settings.
    #[arg(value_parser = SETTINGS, hide_possible_values = true)]
    pattern: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints settings.
pub(crate) fn settings(arguments: &SettingsArguments) -> Result<(), Failure> {
    let found = matching(arguments.pattern.as_deref().unwrap_or_default())?;
    if arguments.json {
        let all: Vec<Value> = found.iter().map(|about| as_json(about)).collect();
        return write_json(&all).map(drop);
    }
    let texts: Vec<String> = found.into_iter().map(in_words).collect();
    write(texts.join("\n").as_bytes()).map(drop)
}

fn matching(pattern: &str) -> Result<Vec<&'static AboutSetting>, Failure> {
    let wanted = pattern.to_uppercase();
    let found: Vec<&AboutSetting> = ABOUT
        .iter()
        .filter(|about| about.name.contains(&wanted))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let near =
        nearest_setting(pattern).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    Err(Failure::input(format!(
        "no setting has `{pattern}` in its name{near}"
    )))
}

fn as_json(about: &AboutSetting) -> Value {
    json!({
        "name": about.name,
        "default": about.default,
        "allowed": about.allowed,
        "effect": about.effect,
    })
}

fn in_words(about: &AboutSetting) -> String {
    let mut text = format!("{}\n", about.name);
    let _ = writeln!(text, "  {}", about.effect);
    let _ = writeln!(text, "  default: {}", about.default.unwrap_or("none"));
    let _ = writeln!(text, "  allowed: {}", about.allowed);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_100_columns() {
        for about in &ABOUT {
            for line in in_words(about).lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}
