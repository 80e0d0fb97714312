//! Reading parameters from a file: `samconfig.toml` as `sam deploy` writes it, or the template's
//! parameters as JSON.

use crate::failure::Failure;
use crate::input::read_file;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Table;

/// The content of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The template's parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The stack's Region; JSON files do not have it.
    pub(crate) region: Option<String>,
    /// The stack's name; JSON files do not have it.
    pub(crate) stack: Option<String>,
}

impl Config {
    /// Reads a file; `environment` is the one of `samconfig.toml`.
    pub(crate) fn read(file: &Path, environment: &str) -> Result<Self, Failure> {
        let bytes = read_file(file)?;
        let text = String::from_utf8_lossy(&bytes);
        let parsed = match file.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => of_samconfig(&text, environment),
            Some("json") => of_json(&text),
            _ => Err("it is neither a .toml nor a .json file".to_owned()),
        };
        parsed.map_err(|error| Failure::input(format!("{}: {error}", file.display())))
    }
}

/// The tables of a `samconfig.toml` that `sam deploy` reads. The first one that has a member
/// counts.
const COMMANDS: [&str; 2] = ["deploy", "global"];

fn of_samconfig(text: &str, environment: &str) -> Result<Config, String> {
    let file: Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.to_string())?;
    let commands = file
        .get(environment)
        .and_then(toml::Value::as_table)
        .ok_or_else(|| {
            format!("it has no environment `{environment}`; name one with --config-env")
        })?;
    let member = |name: &str| {
        COMMANDS
            .iter()
            .find_map(|command| commands.get(*command)?.get("parameters")?.get(name))
    };
    let overrides = member("parameter_overrides").ok_or_else(|| {
        format!("[{environment}.deploy.parameters] has no parameter_overrides; `sam deploy --guided` writes them")
    })?;
    let text = |name: &str| {
        let value = member(name).and_then(toml::Value::as_str);
        value.map(str::to_owned)
    };
    Ok(Config {
        parameters: overrides_of(overrides)?,
        region: text("region"),
        stack: text("stack_name"),
    })
}

/// Reads one text with all parameters, a list of texts, or a table.
fn overrides_of(value: &toml::Value) -> Result<BTreeMap<String, String>, String> {
    match value {
        toml::Value::String(text) => pairs(text),
        toml::Value::Array(texts) => {
            let mut parameters = BTreeMap::new();
            for text in texts {
                let text = text
                    .as_str()
                    .ok_or("parameter_overrides is a list with items that are not text")?;
                parameters.extend(pairs(text)?);
            }
            Ok(parameters)
        }
        toml::Value::Table(table) => table
            .iter()
            .map(|(name, value)| match value {
                toml::Value::String(text) => Ok((name.clone(), text.clone())),
                toml::Value::Integer(number) => Ok((name.clone(), number.to_string())),
                toml::Value::Boolean(truth) => Ok((name.clone(), truth.to_string())),
                _ => Err(format!(
                    "parameter_overrides.{name} is neither text nor a number"
                )),
            })
            .collect(),
        _ => Err("parameter_overrides is neither text, a list nor a table".to_owned()),
    }
}

/// Reads `Name=Value Name="a value"`, with `\"` for a quote inside.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once('=')
            .filter(|(name, _)| !name.is_empty() && name.chars().all(char::is_alphanumeric))
            .ok_or_else(|| format!("parameter_overrides has no Name=Value at `{rest}`"))?;
        let (value, after) =
            value(after).ok_or_else(|| format!("the value of {name} has no closing quote"))?;
        parameters.insert(name.to_owned(), value);
        rest = after.trim_start();
    }
    Ok(parameters)
}

/// Returns a value and the text after it; `None` if a quote is not closed.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// Reads `{"Name": "value"}`, the same below `Parameters`, or CloudFormation's `[{"ParameterKey":
/// …, "ParameterValue": …}]`.
fn of_json(text: &str) -> Result<Config, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let parameters = match file.get("Parameters").unwrap_or(&file) {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), flat(name, value)?)))
            .collect(),
        Value::Array(list) => list
            .iter()
            .map(|one| {
                let name = one.get("ParameterKey").and_then(Value::as_str);
                let name = name.ok_or("a member of the list has no ParameterKey")?;
                let value = one.get("ParameterValue").unwrap_or(&Value::Null);
                Ok((name.to_owned(), flat(name, value)?))
            })
            .collect::<Result<_, String>>(),
        _ => Err("it is neither an object of parameters nor a list of them".to_owned()),
    }?;
    Ok(Config {
        parameters,
        region: None,
        stack: None,
    })
}

fn flat(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Array(list) => {
            let parts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            parts
                .map(|parts| parts.join(","))
                .ok_or_else(|| format!("{name} is a list with items that are not text"))
        }
        Value::Object(_) => Err(format!(
            "{name} is an object; parameters are text, numbers or lists of text"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn samconfig_may_write_parameters_in_three_ways() {
        let expected = parameters(&[
            ("BucketName", "acme"),
            ("ModelArns", "arn:a,arn:b"),
            ("WorkDays", "30"),
        ]);
        for overrides in [
            r#""BucketName=\"acme\" ModelArns=\"arn:a,arn:b\" WorkDays=30""#,
            r#"["BucketName=acme", "ModelArns=arn:a,arn:b", "WorkDays=\"30\""]"#,
            r#"{BucketName = "acme", ModelArns = "arn:a,arn:b", WorkDays = 30}"#,
        ] {
            let text = format!(
                "version = 0.1\n[default.deploy.parameters]\nregion = \"eu-central-1\"\nparameter_overrides = {overrides}\n"
            );
            let config = of_samconfig(&text, "default").unwrap();
            assert_eq!(config.parameters, expected, "{overrides}");
            assert_eq!(config.region.as_deref(), Some("eu-central-1"));
        }
    }

    #[test]
    fn a_quote_inside_a_value_is_kept() {
        assert_eq!(
            pairs(r#"A="say \"no\" b" B="#).unwrap(),
            parameters(&[("A", r#"say "no" b"#), ("B", "")])
        );
        assert!(
            pairs(r#"A="open"#)
                .unwrap_err()
                .contains("A has no closing quote")
        );
        assert!(pairs("word").unwrap_err().contains("`word`"));
    }

    #[test]
    fn a_samconfig_without_parameters_says_what_is_missing() {
        let text = include_str!("../../../../infra/samconfig.example.toml");
        let error = of_samconfig(text, "default").unwrap_err();
        assert!(error.contains("no parameter_overrides"), "{error}");
        let error = of_samconfig(text, "prod").unwrap_err();
        assert!(error.contains("`prod`"), "{error}");
    }

    #[test]
    fn json_may_write_parameters_in_three_ways() {
        let expected = parameters(&[
            ("BucketName", "acme"),
            ("ModelArns", "arn:a,arn:b"),
            ("WorkDays", "30"),
        ]);
        for text in [
            r#"{"BucketName": "acme", "ModelArns": ["arn:a", "arn:b"], "WorkDays": 30}"#,
            r#"{"Parameters": {"BucketName": "acme", "ModelArns": "arn:a,arn:b", "WorkDays": "30"}}"#,
            r#"[{"ParameterKey": "BucketName", "ParameterValue": "acme"},
                {"ParameterKey": "ModelArns", "ParameterValue": "arn:a,arn:b"},
                {"ParameterKey": "WorkDays", "ParameterValue": "30"}]"#,
        ] {
            assert_eq!(of_json(text).unwrap().parameters, expected, "{text}");
        }
        assert!(
            of_json(r#"{"A": {}}"#)
                .unwrap_err()
                .contains("A is an object")
        );
        assert!(of_json("3").is_err());
    }
}
