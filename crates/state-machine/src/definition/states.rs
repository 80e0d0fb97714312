//! The states of a definition: what they hold, and how they are read.

use super::choice::ChoiceRule;
use super::document::{FieldReader, Problems};
use super::graph::Graph;
use super::policy::{Catcher, Retrier};
use crate::context::Vantage;
use crate::expression::Expression;
use crate::limits::{MAX_LABEL_CHARS, MAX_SECONDS, MAX_STATE_NAME_CHARS};
use crate::path::ResultPath;
use crate::template::PayloadTemplate;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One state of a machine.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    /// Its place in the definition, as `States.Split`.
    pub(crate) path: String,
    pub(crate) input_path: PathSelection,
    pub(crate) output_path: PathSelection,
    pub(crate) body: StateBody,
}

/// `InputPath` and `OutputPath`.
#[derive(Debug)]
pub(crate) enum PathSelection {
    /// The field is absent.
    Everything,
    /// `null`: an empty object.
    Nothing,
    Path(Expression),
}

#[derive(Debug)]
pub(crate) enum StateBody {
    Choice(ChoiceState),
    Fail(Fail),
    Map(Box<MapState>),
    Pass(Pass),
    Succeed,
    Task(Box<Task>),
    Wait(Wait),
}

/// Where a state leads to.
#[derive(Debug)]
pub(crate) enum Then {
    Next(String),
    End,
}

impl Then {
    pub(crate) fn next(&self) -> Option<&str> {
        match self {
            Self::Next(next) => Some(next),
            Self::End => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct ChoiceState {
    pub(crate) rules: Vec<ChoiceRule>,
    pub(crate) default: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Fail {
    pub(crate) error: FailText,
    pub(crate) cause: FailText,
}

/// `Error` and `Cause` of a Fail state, or their `…Path` forms.
#[derive(Debug)]
pub(crate) enum FailText {
    None,
    Literal(String),
    Computed(Expression),
}

#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) parameters: Option<PayloadTemplate>,
    pub(crate) result: Option<Value>,
    pub(crate) result_path: ResultPath,
    pub(crate) then: Then,
}

#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) duration: WaitDuration,
    pub(crate) then: Then,
}

#[derive(Debug)]
pub(crate) enum WaitDuration {
    Seconds(u64),
    SecondsPath(Expression),
}

/// A call of a function.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) function: String,
    pub(crate) payload: PayloadTemplate,
    pub(crate) timeout: Option<Duration>,
    pub(crate) outcome: OutcomePolicy,
}

/// A Map Run: one child execution per item.
#[derive(Debug)]
pub(crate) struct MapState {
    pub(crate) bucket: PayloadTemplate,
    pub(crate) key: PayloadTemplate,
    pub(crate) item_selector: Option<PayloadTemplate>,
    pub(crate) max_concurrency: MaxConcurrency,
    pub(crate) label: String,
    pub(crate) processor: Arc<Graph>,
    pub(crate) outcome: OutcomePolicy,
}

#[derive(Debug)]
pub(crate) enum MaxConcurrency {
    /// Zero means as many as the service allows.
    Number(u64),
    Path(Expression),
}

/// What Task and Map states do with their result or error.
#[derive(Debug)]
pub(crate) struct OutcomePolicy {
    pub(crate) result_selector: Option<PayloadTemplate>,
    pub(crate) result_path: ResultPath,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
    pub(crate) then: Then,
}

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
            parse_selection("InputPath", fields, problems),
            parse_selection("OutputPath", fields, problems),
        )
    };
    let everything = || (PathSelection::Everything, PathSelection::Everything);
    let ((input_path, output_path), body) = match kind {
        "Choice" => {
            let paths = selections(&mut fields, problems);
            (
                paths,
                parse_choice(&mut fields, problems).map(StateBody::Choice),
            )
        }
        "Fail" => (
            everything(),
            Some(StateBody::Fail(parse_fail(&mut fields, problems))),
        ),
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
                    "`{other}` states are not supported (supported: Choice, Fail, Map, Pass, \
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

fn parse_fail(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Fail {
    let error = parse_fail_text("Error", "ErrorPath", fields, problems);
    let cause = parse_fail_text("Cause", "CausePath", fields, problems);
    Fail { error, cause }
}

fn parse_fail_text(
    literal: &'static str,
    computed: &'static str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> FailText {
    match (
        fields.text(literal, problems),
        fields.text(computed, problems),
    ) {
        (None, None) => FailText::None,
        (Some(text), None) => FailText::Literal(text.to_owned()),
        (None, Some(text)) => match Expression::parse(text, Vantage::State) {
            Ok(expression) => FailText::Computed(expression),
            Err(problem) => {
                problems.add(&fields.at(computed), problem);
                FailText::None
            }
        },
        (Some(_), Some(_)) => {
            problems.add(
                &fields.at(computed),
                format!("`{literal}` is given as well"),
            );
            FailText::None
        }
    }
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
    let both = fields.has("Seconds") && fields.has("SecondsPath");
    let seconds = fields.integer("Seconds", 0..=MAX_SECONDS, problems);
    let path = parse_path_field("SecondsPath", fields, problems);
    let then = parse_then(fields, problems);
    if both || !(fields.has("Seconds") || fields.has("SecondsPath")) {
        problems.add(
            fields.path(),
            "exactly one of Seconds and SecondsPath is needed",
        );
    }
    let duration = seconds
        .map(WaitDuration::Seconds)
        .or_else(|| path.map(WaitDuration::SecondsPath));
    Some(Wait {
        duration: duration?,
        then: then?,
    })
}

fn parse_task(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Task> {
    let resource = fields.required_text("Resource", problems);
    if let Some(resource) = resource
        && !is_arn(resource, "states:::lambda:invoke")
    {
        problems.add(
            &fields.at("Resource"),
            format!(
                "`{resource}` is not supported (supported: arn:<partition>:states:::lambda:invoke)"
            ),
        );
    }
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

/// Reads the `Parameters` of `lambda:invoke`: which function, and what it is given.
fn parse_call(
    mut fields: FieldReader<'_>,
    problems: &mut Problems,
) -> Option<(String, PayloadTemplate)> {
    let function = fields.required_text("FunctionName", problems);
    if function.is_some_and(str::is_empty) {
        problems.add(&fields.at("FunctionName"), "must not be empty");
    }
    let literal = fields.take("Payload");
    let computed = fields.take("Payload.$");
    let payload = match (literal, computed) {
        (Some(value), None) => Some(PayloadTemplate::parse(
            value,
            &fields.at("Payload"),
            Vantage::State,
            problems,
        )),
        (None, Some(value)) => PayloadTemplate::parse_computed(
            "Payload.$",
            value,
            &fields.at("Payload.$"),
            Vantage::State,
            problems,
        ),
        _ => {
            problems.add(
                fields.path(),
                "exactly one of Payload and Payload.$ is needed",
            );
            None
        }
    };
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
    let number = fields.integer("MaxConcurrency", 0..=u64::from(u32::MAX), problems);
    let path = parse_path_field("MaxConcurrencyPath", fields, problems);
    let max_concurrency = match (number, path) {
        (Some(_), Some(_)) => {
            let path = fields.at("MaxConcurrencyPath");
            problems.add(&path, "`MaxConcurrency` is given as well");
            None
        }
        (_, Some(path)) => Some(MaxConcurrency::Path(path)),
        (number, None) => Some(MaxConcurrency::Number(number.unwrap_or(0))),
    };
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

/// Reads an `ItemReader`: the bucket and the key of a JSON object that holds a list.
fn parse_item_reader(
    mut fields: FieldReader<'_>,
    problems: &mut Problems,
) -> Option<(PayloadTemplate, PayloadTemplate)> {
    if let Some(resource) = fields.required_text("Resource", problems)
        && !is_arn(resource, "states:::s3:getObject")
    {
        problems.add(
            &fields.at("Resource"),
            format!(
                "`{resource}` is not supported (supported: arn:<partition>:states:::s3:getObject)"
            ),
        );
    }
    let path = fields.at("ReaderConfig");
    let config = fields.required("ReaderConfig", problems);
    if let Some(mut config) = config.and_then(|value| FieldReader::of(value, &path, problems)) {
        if let Some(kind) = config.required_text("InputType", problems)
            && kind != "JSON"
        {
            let message = format!("`{kind}` is not supported (supported: JSON)");
            problems.add(&config.at("InputType"), message);
        }
        config.refuse_rest(problems);
    }
    let path = fields.at("Parameters");
    let parameters = fields.required("Parameters", problems);
    let location = parameters
        .and_then(|value| FieldReader::of(value, &path, problems))
        .and_then(|mut parameters| {
            let bucket = parse_text("Bucket", "Bucket.$", &mut parameters, problems);
            let key = parse_text("Key", "Key.$", &mut parameters, problems);
            parameters.refuse_rest(problems);
            Some((bucket?, key?))
        });
    fields.refuse_rest(problems);
    location
}

/// Reads a field that holds text, or that is computed when its name ends in `.$`.
fn parse_text(
    literal: &'static str,
    computed: &'static str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<PayloadTemplate> {
    let text = fields.text(literal, problems);
    let value = fields.take(computed);
    match (text, value) {
        (Some(text), None) => Some(PayloadTemplate::Literal(Value::from(text))),
        (None, Some(value)) => PayloadTemplate::parse_computed(
            computed,
            value,
            &fields.at(computed),
            Vantage::State,
            problems,
        ),
        (None, None) if fields.has(literal) => None,
        _ => {
            let message = format!("exactly one of {literal} and {computed} is needed");
            problems.add(fields.path(), message);
            None
        }
    }
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

/// Reads the `Label`, which becomes part of the children's names. Without one, the service makes
/// one from the state's name.
fn parse_label(name: &str, fields: &mut FieldReader<'_>, problems: &mut Problems) -> String {
    let allowed =
        |c: char| !(c.is_whitespace() || c.is_control() || r#"?*<>{}[]:;,\|^~$#%&`"/"#.contains(c));
    let Some(label) = fields.text("Label", problems) else {
        let made = name.chars().filter(|c| allowed(*c));
        return made.take(MAX_LABEL_CHARS).collect();
    };
    let length = label.chars().count();
    if length == 0 || length > MAX_LABEL_CHARS || !label.chars().all(allowed) {
        let message = format!(
            "must have 1 to {MAX_LABEL_CHARS} characters, without spaces, brackets, wildcards \
             and special characters"
        );
        problems.add(&fields.at("Label"), message);
    }
    label.to_owned()
}

fn parse_outcome(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<OutcomePolicy> {
    let result_selector = parse_template("ResultSelector", Vantage::State, fields, problems);
    let result_path = parse_result_path(fields, problems);
    let retry = Retrier::parse_list(fields, problems);
    let catch = Catcher::parse_list(fields, problems);
    let then = parse_then(fields, problems);
    Some(OutcomePolicy {
        result_selector,
        result_path,
        retry,
        catch,
        then: then?,
    })
}

fn parse_then(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Then> {
    let next = fields.text("Next", problems);
    let end = fields.take("End");
    match (next, end) {
        (Some(next), None) => Some(Then::Next(next.to_owned())),
        (None, Some(Value::Bool(true))) => Some(Then::End),
        (None, None) if fields.has("Next") => None,
        _ => {
            problems.add(
                fields.path(),
                "exactly one of `Next` and `\"End\": true` is needed",
            );
            None
        }
    }
}

fn parse_template(
    name: &'static str,
    vantage: Vantage,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<PayloadTemplate> {
    let value = fields.take(name)?;
    Some(PayloadTemplate::parse(
        value,
        &fields.at(name),
        vantage,
        problems,
    ))
}

fn parse_selection(
    name: &'static str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> PathSelection {
    if fields.is_null(name) {
        fields.take(name);
        return PathSelection::Nothing;
    }
    match parse_path_field(name, fields, problems) {
        Some(path) => PathSelection::Path(path),
        None => PathSelection::Everything,
    }
}

fn parse_path_field(
    name: &'static str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<Expression> {
    let text = fields.text(name, problems)?;
    match Expression::parse(text, Vantage::State) {
        Ok(path) => Some(path),
        Err(problem) => {
            problems.add(&fields.at(name), problem);
            None
        }
    }
}

/// Reads the `ResultPath` of a state or catcher: the whole output if it is absent.
pub(super) fn parse_result_path(
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> ResultPath {
    if fields.is_null("ResultPath") {
        fields.take("ResultPath");
        return ResultPath::Discard;
    }
    let parsed = fields
        .text("ResultPath", problems)
        .map_or(Ok(ResultPath::Replace), ResultPath::parse);
    parsed.unwrap_or_else(|problem| {
        problems.add(&fields.at("ResultPath"), problem);
        ResultPath::Replace
    })
}

/// Whether `text` is `arn:<partition>:` followed by `rest`, in a partition of AWS.
fn is_arn(text: &str, rest: &str) -> bool {
    text.strip_prefix("arn:")
        .and_then(|text| text.split_once(':'))
        .is_some_and(|(partition, found)| {
            found == rest
                && partition.strip_prefix("aws").is_some_and(|suffix| {
                    suffix.is_empty()
                        || suffix.starts_with('-')
                            && suffix.len() > 1
                            && suffix.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                })
        })
}
