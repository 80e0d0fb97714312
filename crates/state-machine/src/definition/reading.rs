//! Reads the states of a definition.

use super::choice::ChoiceRule;
use super::document::FieldReader;
use super::fields::{
    check_resource, parse_outcome, parse_path_field, parse_required_path, parse_result_path,
    parse_template, parse_then,
};
use super::map::{parse_item_reader, parse_label};
use super::problem::Problems;
use super::states::{ChoiceState, Graph, MapState, Pass, State, StateBody, Task, Wait};
use crate::context::Vantage;
use crate::limits::{MAX_SECONDS, MAX_STATE_NAME_CHARS};
use crate::template::ComputedField;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Reads `StartAt` and `States` of a machine or of an item processor.
pub(super) fn parse_graph(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Graph> {
    let start_at = fields.required_text("StartAt", problems);
    let path = fields.at("States");
    let Value::Object(states) = fields.required("States", problems)? else {
        problems.add(&path, "must be an object");
        return None;
    };
    let mut read = BTreeMap::new();
    for (name, value) in states {
        let path = format!("{path}.{name}");
        if name.is_empty() || name.chars().count() > MAX_STATE_NAME_CHARS {
            let message = format!("a state's name has 1 to {MAX_STATE_NAME_CHARS} characters");
            problems.add(&path, message);
        }
        if let Some(state) = parse_state(name, value, &path, problems) {
            read.insert(name.clone(), state);
        }
    }
    let complete = read.len() == states.len();
    let graph = Graph {
        start_at: start_at?.to_owned(),
        states: read,
    };
    if complete {
        graph.check(fields.path(), problems);
    }
    Some(graph)
}

fn parse_state(name: &str, value: &Value, path: &str, problems: &mut Problems) -> Option<State> {
    let mut fields = FieldReader::of(value, path, problems)?;
    let kind = fields.required_text("Type", problems)?;
    fields.comment(problems);
    let selections = |fields: &mut FieldReader<'_>, problems: &mut Problems| {
        (
            parse_path_field("InputPath", fields, problems),
            parse_path_field("OutputPath", fields, problems),
        )
    };
    let ((input_path, output_path), body) = match kind {
        "Choice" => {
            let paths = selections(&mut fields, problems);
            (
                paths,
                parse_choice(&mut fields, problems).map(StateBody::Choice),
            )
        }
        "Map" => {
            let paths = selections(&mut fields, problems);
            let map = parse_map(name, &mut fields, problems);
            (paths, map.map(|map| StateBody::Map(Box::new(map))))
        }
        "Pass" => {
            let paths = selections(&mut fields, problems);
            (
                paths,
                parse_pass(&mut fields, problems).map(StateBody::Pass),
            )
        }
        "Succeed" => (selections(&mut fields, problems), Some(StateBody::Succeed)),
        "Task" => {
            let paths = selections(&mut fields, problems);
            let task = parse_task(&mut fields, problems);
            (paths, task.map(|task| StateBody::Task(Box::new(task))))
        }
        "Wait" => {
            let paths = selections(&mut fields, problems);
            (
                paths,
                parse_wait(&mut fields, problems).map(StateBody::Wait),
            )
        }
        other => {
            problems.add(
                &fields.at("Type"),
                format!(
                    "`{other}` states are not supported (supported: Choice, Map, Pass, \
                     Succeed, Task, Wait)"
                ),
            );
            return None;
        }
    };
    fields.refuse_rest(problems);
    Some(State {
        name: name.to_owned(),
        path: path.to_owned(),
        input_path,
        output_path,
        body: body?,
    })
}

fn parse_choice(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<ChoiceState> {
    let default = fields.text("Default", problems).map(str::to_owned);
    let path = fields.at("Choices");
    let rules = fields.required("Choices", problems)?;
    let Some(rules) = rules.as_array().filter(|rules| !rules.is_empty()) else {
        problems.add(&path, "must be a list of at least one rule");
        return None;
    };
    let read: Vec<_> = rules
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| ChoiceRule::parse(rule, &format!("{path}[{index}]"), problems))
        .collect();
    (read.len() == rules.len()).then_some(ChoiceState {
        rules: read,
        default,
    })
}

fn parse_pass(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Pass> {
    let parameters = parse_template("Parameters", Vantage::State, fields, problems);
    let result = fields.take("Result").cloned();
    let result_path = parse_result_path(fields, problems);
    let then = parse_then(fields, problems);
    Some(Pass {
        parameters,
        result,
        result_path,
        then: then?,
    })
}

fn parse_wait(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Wait> {
    let seconds = parse_required_path("SecondsPath", fields, problems);
    let then = parse_then(fields, problems);
    Some(Wait {
        seconds: seconds?,
        then: then?,
    })
}

fn parse_task(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Task> {
    check_resource(fields, "states:::lambda:invoke", problems);
    let path = fields.at("Parameters");
    let call = fields
        .required("Parameters", problems)
        .and_then(|value| FieldReader::of(value, &path, problems))
        .and_then(|parameters| parse_call(parameters, problems));
    let timeout = fields.integer("TimeoutSeconds", 1..=MAX_SECONDS, problems);
    let outcome = parse_outcome(fields, problems);
    let (function, payload) = call?;
    Some(Task {
        function,
        payload,
        timeout: timeout.map(Duration::from_secs),
        outcome: outcome?,
    })
}

/// Reads the `Parameters` of `lambda:invoke`: the function and its payload.
fn parse_call(
    mut fields: FieldReader<'_>,
    problems: &mut Problems,
) -> Option<(String, ComputedField)> {
    let function = fields.required_text("FunctionName", problems);
    if function.is_some_and(str::is_empty) {
        problems.add(&fields.at("FunctionName"), "must not be empty");
    }
    let payload = ComputedField::required("Payload.$", &mut fields, problems);
    fields.refuse_rest(problems);
    Some((function?.to_owned(), payload?))
}

fn parse_map(
    name: &str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<MapState> {
    let path = fields.at("ItemReader");
    let location = fields
        .required("ItemReader", problems)
        .and_then(|value| FieldReader::of(value, &path, problems))
        .and_then(|reader| parse_item_reader(reader, problems));
    let item_selector = parse_template("ItemSelector", Vantage::ItemSelector, fields, problems);
    let path = fields.at("ItemProcessor");
    let processor = fields
        .required("ItemProcessor", problems)
        .and_then(|value| FieldReader::of(value, &path, problems))
        .and_then(|processor| parse_item_processor(processor, problems));
    let max_concurrency = parse_required_path("MaxConcurrencyPath", fields, problems);
    let label = parse_label(name, fields, problems);
    let outcome = parse_outcome(fields, problems);
    let (bucket, key) = location?;
    Some(MapState {
        bucket,
        key,
        item_selector,
        max_concurrency: max_concurrency?,
        label,
        processor: Arc::new(processor?),
        outcome: outcome?,
    })
}

fn parse_item_processor(mut fields: FieldReader<'_>, problems: &mut Problems) -> Option<Graph> {
    fields.comment(problems);
    let path = fields.at("ProcessorConfig");
    let config = fields.required("ProcessorConfig", problems);
    if let Some(mut config) = config.and_then(|value| FieldReader::of(value, &path, problems)) {
        for (name, only) in [("Mode", "DISTRIBUTED"), ("ExecutionType", "STANDARD")] {
            if let Some(value) = config.required_text(name, problems)
                && value != only
            {
                let message = format!("`{value}` is not supported (supported: {only})");
                problems.add(&config.at(name), message);
            }
        }
        config.refuse_rest(problems);
    }
    let graph = parse_graph(&mut fields, problems);
    fields.refuse_rest(problems);
    graph
}
