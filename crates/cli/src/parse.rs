//! `quarry parse`: shows what Quarry reads from answers, line by line.

use crate::failure::Failure;
use crate::input::{read_file, standard_input};
use crate::output::{Lines, OutputReader};
use clap::Args;
use quarry_answer::{LineBody, ParseStatus, Reader, Reading, Schema, read_line};
use quarry_contract::schema_file::without_top_reference;
use quarry_result::columns::ResultColumns;
use serde::ser::{Error, SerializeMap};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `quarry parse`.
#[derive(Debug, Args)]
pub(crate) struct ParseArguments {
    /// The JSON Schema of an answer.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// The requests ended with an assistant `{`, which the answers continue.
    #[arg(long)]
    prefilled: bool,
}

#[derive(Deserialize)]
struct TextLine<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// Reads standard input and writes standard output: one line for each line, including blank ones,
/// so that another program can join the two by position.
pub(crate) fn parse(arguments: &ParseArguments) -> Result<(), Failure> {
    let input = standard_input()?;
    let schema = match &arguments.schema {
        Some(file) => Some(read_schema(file)?),
        None => None,
    };
    let names: Vec<String> = schema.as_ref().map_or_else(
        || vec![quarry_answer::RESPONSE_FIELD.to_owned()],
        |schema| {
            schema
                .properties()
                .iter()
                .map(|property| property.name.clone())
                .collect()
        },
    );
    if let Some(file) = &arguments.schema {
        // A run adds columns to those of the schema.
        ResultColumns::new(Some(&names), "")
            .map_err(|error| Failure::input(format!("{}: {error}", file.display())))?;
    }
    let reader = Reader::new(schema, arguments.prefilled);
    let mut input = input.lock();
    let mut output = Lines::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::input(format!("standard input cannot be read: {error}")))?;
        if read == 0 {
            break;
        }
        let reading = read_answer(&reader, &line);
        if output.write_json(&parsed(&names, &reading))? == OutputReader::Gone {
            return Ok(());
        }
    }
    output.finish()?;
    Ok(())
}

fn read_schema(file: &std::path::Path) -> Result<Arc<Schema>, Failure> {
    let value: Value = serde_json::from_slice(&read_file(file)?).map_err(|error| {
        Failure::input(format!("{} is not valid JSON: {error}", file.display()))
    })?;
    Schema::compile(&without_top_reference(value))
        .map(Arc::new)
        .map_err(|error| Failure::input(format!("{}: {error}", file.display())))
}

fn read_answer(reader: &Reader, line: &[u8]) -> Reading {
    match serde_json::from_slice(line) {
        Ok(TextLine { text }) => return reader.read_text(&text),
        Err(error) if is_meant_as_text(line) => {
            let why = format!("not an answer line: its member text cannot be read: {error}");
            return reader.unanswered(why);
        }
        Err(_) => {}
    }
    match read_line(line) {
        Ok(line) => match line.body {
            LineBody::Output(output) => match quarry_model::read_output(output) {
                Ok(answer) => reader.read(&answer),
                Err(unreadable) => Reading {
                    raw_response: Some(output.to_owned()),
                    ..reader.unanswered(format!("the answer cannot be read: {unreadable}"))
                },
            },
            LineBody::Error(error) => reader.unanswered(error.to_string()),
        },
        Err(malformed) => reader.unanswered(format!("not an answer line: {malformed}")),
    }
}

/// Whether a line has a member `text` and is no line of Bedrock's output.
fn is_meant_as_text(line: &[u8]) -> bool {
    let members = serde_json::from_slice::<Map<String, Value>>(line).unwrap_or_default();
    members.contains_key("text") && !members.contains_key("recordId")
}

/// One line of the output. Fields are written as JSON text, so that numbers of any size are not
/// changed.
#[derive(Serialize)]
struct ParsedLine<'a> {
    status: &'a str,
    parse_status: &'a str,
    validation_passed: bool,
    repaired: bool,
    fields: ParsedFields<'a>,
    raw_response: Option<&'a str>,
    validation_error: Option<&'a str>,
    error: Option<&'a str>,
}

struct ParsedFields<'a> {
    names: &'a [String],
    reading: &'a Reading,
}

impl Serialize for ParsedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for (name, value) in self.names.iter().zip(&self.reading.fields) {
            let mut text = String::new();
            value.write_json(&mut text);
            map.serialize_entry(
                name,
                &RawValue::from_string(text).map_err(S::Error::custom)?,
            )?;
        }
        map.end()
    }
}

fn parsed<'a>(names: &'a [String], reading: &'a Reading) -> ParsedLine<'a> {
    ParsedLine {
        status: if reading.parse_status == ParseStatus::Error {
            "error"
        } else {
            "success"
        },
        parse_status: reading.parse_status.as_str(),
        validation_passed: reading.validation_passed,
        repaired: reading.repaired,
        fields: ParsedFields { names, reading },
        raw_response: reading.raw_response.as_deref(),
        validation_error: reading.validation_error.as_deref(),
        error: reading.error.as_deref(),
    }
}
