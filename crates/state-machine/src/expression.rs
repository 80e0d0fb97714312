//! What stands to the right of a field whose name ends in `.$`: a path into the input, a path
//! into the context object, or a call of an intrinsic function.
//!
//! Intrinsic functions: `States.Format`, `States.StringToJson`, `States.JsonToString`, also
//! nested. All others are refused when the definition is loaded.

use crate::context::{ContextObject, ContextPath, Place};
use crate::path::{JsonPath, kind_of};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// What an expression is evaluated against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'v> {
    pub(crate) input: &'v Value,
    pub(crate) context: ContextObject<'v>,
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Input(JsonPath),
    Context(ContextPath),
    Call(Box<Call>),
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EvaluationError {
    /// The path leads nowhere.
    NotFound { path: String },
    /// An intrinsic function cannot work on its arguments.
    Intrinsic(String),
}

impl Expression {
    /// Reads an expression. The error says what is wrong with it.
    pub(crate) fn parse(text: &str, place: Place) -> Result<Self, String> {
        if text.starts_with("States.") {
            let mut parser = Parser {
                text,
                rest: text,
                place,
            };
            let call = parser.call()?;
            parser.skip_spaces();
            if !parser.rest.is_empty() {
                return parser.refuse("nothing may follow the closing parenthesis");
            }
            return Ok(Self::Call(Box::new(call)));
        }
        Self::parse_path(text, place)
    }

    /// Reads a path, without intrinsic functions.
    pub(crate) fn parse_path(text: &str, place: Place) -> Result<Self, String> {
        if text.starts_with("$$") {
            ContextPath::parse(text, place).map(Self::Context)
        } else {
            JsonPath::parse(text).map(Self::Input)
        }
    }

    pub(crate) fn evaluate<'v>(
        &self,
        scope: &Scope<'v>,
    ) -> Result<Cow<'v, Value>, EvaluationError> {
        let found = match self {
            Self::Input(path) => path.resolve(scope.input).map(Cow::Borrowed),
            Self::Context(path) => path.resolve(&scope.context),
            Self::Call(call) => return call.evaluate(scope).map(Cow::Owned),
        };
        found.ok_or_else(|| EvaluationError::NotFound {
            path: self.to_string(),
        })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(path) => path.fmt(formatter),
            Self::Context(path) => path.fmt(formatter),
            Self::Call(call) => formatter.write_str(call.name()),
        }
    }
}

/// A call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    Format {
        template: Vec<Piece>,
        arguments: Vec<Argument>,
    },
    JsonToString(Argument),
    StringToJson(Argument),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    Literal(Value),
    Expression(Expression),
}

/// A part of the template of `States.Format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    /// `{}`: takes the next argument.
    Hole,
}

impl Call {
    fn name(&self) -> &'static str {
        match self {
            Self::Format { .. } => "States.Format",
            Self::JsonToString(_) => "States.JsonToString",
            Self::StringToJson(_) => "States.StringToJson",
        }
    }

    fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        let failed = |why: String| EvaluationError::Intrinsic(format!("{}: {why}", self.name()));
        match self {
            Self::Format {
                template,
                arguments,
            } => {
                let mut output = String::new();
                let mut arguments = arguments.iter();
                for piece in template {
                    match (piece, arguments.as_slice().first()) {
                        (Piece::Text(text), _) => output.push_str(text),
                        (Piece::Hole, None) => {}
                        (Piece::Hole, Some(argument)) => {
                            arguments.next();
                            let value = argument.evaluate(scope)?;
                            match value.as_ref() {
                                Value::String(text) => output.push_str(text),
                                // The service prints these in a notation of its own that nothing
                                // can read back.
                                nested @ (Value::Array(_) | Value::Object(_)) => {
                                    return Err(failed(format!(
                                        "{} cannot be formatted; use States.JsonToString",
                                        kind_of(nested)
                                    )));
                                }
                                scalar => output.push_str(&scalar.to_string()),
                            }
                        }
                    }
                }
                Ok(Value::String(output))
            }
            Self::JsonToString(argument) => {
                Ok(Value::String(argument.evaluate(scope)?.to_string()))
            }
            Self::StringToJson(argument) => {
                let value = argument.evaluate(scope)?;
                let text = value
                    .as_str()
                    .ok_or_else(|| failed(format!("{} is not a string", kind_of(&value))))?;
                serde_json::from_str(text).map_err(|error| failed(error.to_string()))
            }
        }
    }
}

impl Argument {
    fn evaluate<'v>(&'v self, scope: &Scope<'v>) -> Result<Cow<'v, Value>, EvaluationError> {
        match self {
            Self::Literal(value) => Ok(Cow::Borrowed(value)),
            Self::Expression(expression) => expression.evaluate(scope),
        }
    }
}

/// Reads `States.Name(argument, …)`. Arguments are text in single quotes (with `\'` and `\\`),
/// numbers, `true`, `false`, `null`, paths and further calls.
struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    place: Place,
}

/// An argument before it is known what the function wants: text is still in its escaped form.
enum RawArgument<'t> {
    Text(&'t str),
    Other(Argument),
}

impl<'t> Parser<'t> {
    fn refuse<T>(&self, why: &str) -> Result<T, String> {
        let column = self.text.len() - self.rest.len() + 1;
        Err(format!("`{}`, byte {column}: {why}", self.text))
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn call(&mut self) -> Result<Call, String> {
        let Some((name, _)) = self.rest.split_once('(') else {
            return self.refuse("`(` expected after the name of an intrinsic function");
        };
        let known = matches!(
            name,
            "States.Format" | "States.JsonToString" | "States.StringToJson"
        );
        if !known {
            return self.refuse(&format!(
                "`{name}` is not a supported intrinsic function (States.Format, \
                 States.JsonToString, States.StringToJson)"
            ));
        }
        self.rest = &self.rest[name.len() + 1..];
        let mut arguments = Vec::new();
        self.skip_spaces();
        while !self.rest.starts_with(')') {
            if !arguments.is_empty() {
                let Some(after) = self.rest.strip_prefix(',') else {
                    return self.refuse("`,` or `)` expected");
                };
                self.rest = after;
                self.skip_spaces();
            }
            arguments.push(self.argument()?);
            self.skip_spaces();
        }
        self.rest = &self.rest[1..];
        let mut arguments = arguments.into_iter();
        match (name, arguments.next(), arguments.len()) {
            ("States.Format", Some(RawArgument::Text(template)), _) => {
                let template = self.format_template(template)?;
                let arguments = arguments
                    .map(|raw| self.cooked(raw))
                    .collect::<Result<Vec<_>, _>>()?;
                let holes = template.iter().filter(|piece| **piece == Piece::Hole);
                let holes = holes.count();
                if holes != arguments.len() {
                    return self.refuse(&format!(
                        "the template has {holes} `{{}}` and there are {} arguments for them",
                        arguments.len()
                    ));
                }
                Ok(Call::Format {
                    template,
                    arguments,
                })
            }
            ("States.Format", _, _) => {
                self.refuse("the first argument of States.Format must be text in single quotes")
            }
            (name, Some(argument), 0) => {
                let argument = self.cooked(argument)?;
                Ok(if name == "States.JsonToString" {
                    Call::JsonToString(argument)
                } else {
                    Call::StringToJson(argument)
                })
            }
            (name, _, _) => self.refuse(&format!("{name} takes one argument")),
        }
    }

    fn argument(&mut self) -> Result<RawArgument<'t>, String> {
        if let Some(after) = self.rest.strip_prefix('\'') {
            let mut escaped = false;
            for (at, character) in after.char_indices() {
                match character {
                    '\'' if !escaped => {
                        self.rest = &after[at + 1..];
                        return Ok(RawArgument::Text(&after[..at]));
                    }
                    _ => escaped = character == '\\' && !escaped,
                }
            }
            return self.refuse("the closing `'` is missing");
        }
        if self.rest.starts_with("States.") {
            let call = Box::new(self.call()?);
            return Ok(RawArgument::Other(Argument::Expression(Expression::Call(
                call,
            ))));
        }
        let end = self.rest.find([',', ')']).unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(end);
        let word = word.trim_end();
        let argument = if word.starts_with('$') {
            Argument::Expression(Expression::parse_path(word, self.place)?)
        } else {
            match serde_json::from_str(word) {
                Ok(literal @ (Value::Null | Value::Bool(_) | Value::Number(_))) => {
                    Argument::Literal(literal)
                }
                _ => {
                    return self.refuse(
                        "an argument must be text in single quotes, a number, true, false, null, \
                         a path or an intrinsic function",
                    );
                }
            }
        };
        self.rest = after;
        Ok(RawArgument::Other(argument))
    }

    fn cooked(&self, raw: RawArgument<'_>) -> Result<Argument, String> {
        match raw {
            RawArgument::Other(argument) => Ok(argument),
            RawArgument::Text(text) => {
                let mut cooked = String::with_capacity(text.len());
                let mut characters = text.chars();
                while let Some(character) = characters.next() {
                    cooked.push(match character {
                        '\\' => match characters.next() {
                            Some(escaped @ ('\'' | '\\' | '{' | '}')) => escaped,
                            _ => return self.refuse("only ', \\, { and } may follow a backslash"),
                        },
                        plain => plain,
                    });
                }
                Ok(Argument::Literal(Value::String(cooked)))
            }
        }
    }

    fn format_template(&self, text: &str) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut run = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some(escaped @ ('\'' | '\\' | '{' | '}')) => run.push(escaped),
                    _ => return self.refuse("only ', \\, { and } may follow a backslash"),
                },
                '{' => {
                    if characters.next() != Some('}') {
                        return self.refuse("`{` must be followed by `}` or escaped as `\\{`");
                    }
                    if !run.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut run)));
                    }
                    pieces.push(Piece::Hole);
                }
                '}' => return self.refuse("`}` without `{`; escape it as `\\}`"),
                plain => run.push(plain),
            }
        }
        if !run.is_empty() {
            pieces.push(Piece::Text(run));
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ExecutionContext;
    use proptest::prelude::*;
    use serde_json::json;
    use std::time::UNIX_EPOCH;

    fn evaluate(expression: &str, input: &Value) -> Result<Value, EvaluationError> {
        let execution = ExecutionContext {
            name: "run-1".into(),
            id: "id".into(),
            start_time: String::new(),
            input: Value::Null,
            machine_name: String::new(),
            machine_id: String::new(),
        };
        let scope = Scope {
            input,
            context: ContextObject {
                execution: &execution,
                state: "S",
                entered: UNIX_EPOCH,
                retry_count: 0,
                item: None,
            },
        };
        let expression = Expression::parse(expression, Place::State).unwrap();
        expression.evaluate(&scope).map(Cow::into_owned)
    }

    /// Intrinsic functions give what the language's specification says.
    #[test]
    fn intrinsic_functions_work_on_literals_paths_and_calls() {
        let input = json!({"a": "x", "n": 1.5, "json": "{\"k\":[1]}", "o": {"z": 1, "a": null}});
        for (expression, expected) in [
            (
                "States.Format('{}/{}', $.a, $$.Execution.Name)",
                json!("x/run-1"),
            ),
            (
                "States.Format('{} {} {} {}', 1, true, null, $.n)",
                json!("1 true null 1.5"),
            ),
            (
                r"States.Format('it\'s \{{}\} \\', 'a')",
                json!(r"it's {a} \"),
            ),
            ("States.Format('no holes')", json!("no holes")),
            ("States.Format('')", json!("")),
            ("States.StringToJson($.json)", json!({"k": [1]})),
            ("States.JsonToString($.o)", json!(r#"{"z":1,"a":null}"#)),
            (
                "States.Format( '{}' , States.JsonToString( States.StringToJson($.json) ) )",
                json!(r#"{"k":[1]}"#),
            ),
        ] {
            assert_eq!(
                evaluate(expression, &input).as_ref(),
                Ok(&expected),
                "{expression}"
            );
        }
    }

    /// Arguments of the wrong type are an error of the function, missing ones of the path.
    #[test]
    fn intrinsic_functions_fail_on_unfit_arguments() {
        let input = json!({"o": {}, "n": 1, "text": "{"});
        for expression in [
            "States.Format('{}', $.o)",
            "States.StringToJson($.n)",
            "States.StringToJson($.text)",
        ] {
            let error = evaluate(expression, &input).unwrap_err();
            assert!(
                matches!(error, EvaluationError::Intrinsic(_)),
                "{expression}: {error:?}"
            );
        }
        assert_eq!(
            evaluate("States.Format('{}', $.x)", &input),
            Err(EvaluationError::NotFound { path: "$.x".into() })
        );
    }

    /// Anything that is not in the subset is refused.
    #[test]
    fn other_functions_and_forms_are_refused() {
        for expression in [
            "States.MathAdd(1, 2)",
            "States.UUID()",
            "States.Format",
            "States.Format(",
            "States.Format()",
            "States.Format($.template, 1)",
            "States.Format('{}')",
            "States.Format('{}', 1, 2)",
            "States.Format('{x}', 1)",
            "States.Format('}', 1)",
            "States.Format('a', )",
            "States.Format('{} {}', 1 2)",
            "States.Format('a') and more",
            r"States.Format('\n')",
            "States.JsonToString()",
            "States.JsonToString($.a, $.b)",
            "States.StringToJson([1])",
            "plain text",
            "",
        ] {
            assert!(
                Expression::parse(expression, Place::State).is_err(),
                "{expression} was accepted"
            );
        }
    }

    proptest! {
        /// No text makes the parser panic.
        #[test]
        fn any_text_is_an_expression_or_an_error(text in "(States\\.(Format|JsonToString)\\()?['\\\\{}$.,() a0é]{0,16}") {
            let _ = Expression::parse(&text, Place::State);
        }
    }
}
