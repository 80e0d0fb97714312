//! One line of Bedrock output.
//!
//! Shape: `{"recordId": …, "modelInput": …, "modelOutput": …}`, or `"error": {"errorCode": …,
//! "errorMessage": …, "expired": …, "retryable": …}` in place of `modelOutput`, with the members in
//! any order. `modelInput` is the request echoed back; it is passed over without being parsed into
//! anything. `errorCode` is a number in AWS's documentation and text elsewhere: both are read.
//!
//! Limits: splitting a file into lines and skipping blank ones is the caller's work.

use quarry_model::ModelRefusal;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A line that says what became of one record.
#[derive(Debug)]
pub struct OutputLine<'a> {
    /// The id the record was sent with.
    pub record_id: Cow<'a, str>,
    /// What became of it.
    pub body: LineBody<'a>,
    /// Whether the run's fallback model answered. Bedrock's lines do not say that; those that
    /// Quarry writes for answers given on demand do, as `"byFallback": true`.
    pub by_fallback: bool,
}

/// The part of a line that is not the id.
#[derive(Debug)]
pub enum LineBody<'a> {
    /// The JSON text of `modelOutput`, for `quarry_model::read_output`.
    Output(&'a str),
    /// The model was not reached or refused the record.
    Error(RecordError<'a>),
}

/// Why Bedrock has no answer for a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordError<'a> {
    /// `errorCode` as text, if there is one.
    pub code: Option<Cow<'a, str>>,
    /// `errorMessage`.
    pub message: Cow<'a, str>,
    /// `retryable`, if the line says so: whether the same record may get an answer later.
    pub retryable: Option<bool>,
    /// `expired`: the job's time was over before the record's turn.
    pub expired: bool,
}

impl RecordError<'_> {
    /// Whether the same record would get the same error again, so that asking again is of no use.
    ///
    /// The line's own word counts first. A record whose job expired was never asked, and the denial
    /// of a model's first use may pass, so neither is final. Without a word, the code decides: a
    /// client error is final, but for those that are about time or load (408, 409, 425, 429) and the
    /// model's own failure (424, `ModelErrorException`), which another answer need not repeat.
    pub fn is_final(&self) -> bool {
        if self.expired || self.is_first_use() {
            return false;
        }
        match self.retryable {
            Some(retryable) => !retryable,
            None => self.code.as_deref().is_some_and(is_final_code),
        }
    }

    /// Whether the account's first use of the model is not through: every record's error, which may
    /// pass.
    pub fn is_first_use(&self) -> bool {
        ModelRefusal::of(&self.message) == Some(ModelRefusal::FirstUse)
    }
}

/// An HTTP status, or the name of an exception.
fn is_final_code(code: &str) -> bool {
    match code.parse::<u16>() {
        Ok(status) => matches!(status, 400..=499) && !matches!(status, 408 | 409 | 424 | 425 | 429),
        Err(_) => matches!(
            code,
            "ValidationException" | "AccessDeniedException" | "ResourceNotFoundException"
        ),
    }
}

impl fmt::Display for RecordError<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(formatter, "{code}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

/// A line that cannot be read, as a value: the other lines of the file are not affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedLine {
    /// Offset within the line, in bytes, at which reading stopped.
    pub byte: usize,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for MalformedLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "byte {}: {}", self.byte, self.reason)
    }
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "recordId", default)]
    record_id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "modelOutput", default)]
    model_output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(rename = "byFallback", default)]
    by_fallback: bool,
}

#[derive(Deserialize)]
struct ErrorMembers<'a> {
    #[serde(borrow, rename = "errorCode", default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorMessage", default)]
    message: Option<Cow<'a, str>>,
    // Read leniently: a member of another form must not cost the message.
    #[serde(borrow, default)]
    expired: Option<&'a RawValue>,
    #[serde(borrow, default)]
    retryable: Option<&'a RawValue>,
}

/// Reads one line, without its line break (a trailing carriage return or blank is accepted).
///
/// # Errors
///
/// [`MalformedLine`] when the line is not UTF-8, not a JSON object of this shape, or has no
/// `recordId`.
pub fn read_line(line: &[u8]) -> Result<OutputLine<'_>, MalformedLine> {
    let text = std::str::from_utf8(line).map_err(|error| MalformedLine {
        byte: error.valid_up_to(),
        reason: "line is not UTF-8".to_owned(),
    })?;
    let members: Members<'_> =
        serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
    let record_id = members.record_id.ok_or_else(|| MalformedLine {
        byte: 0,
        reason: "line has no recordId".to_owned(),
    })?;
    let body = match (members.model_output, members.error) {
        (Some(output), _) => LineBody::Output(output.get()),
        (None, Some(error)) => LineBody::Error(record_error(error.get())),
        (None, None) => LineBody::Error(RecordError {
            message: Cow::Borrowed("output line has neither modelOutput nor error"),
            ..RecordError::default()
        }),
    };
    Ok(OutputLine {
        record_id,
        body,
        by_fallback: members.by_fallback,
    })
}

/// Reads an error in any form: one that is not the documented object is kept as its JSON text.
fn record_error(error: &str) -> RecordError<'_> {
    let Ok(members) = serde_json::from_str::<ErrorMembers<'_>>(error) else {
        let message = serde_json::from_str::<Cow<'_, str>>(error).unwrap_or(Cow::Borrowed(error));
        return RecordError {
            message,
            ..RecordError::default()
        };
    };
    let code = members.code.map(|code| {
        serde_json::from_str::<String>(code.get()).map_or(Cow::Borrowed(code.get()), Cow::Owned)
    });
    RecordError {
        code,
        message: members.message.unwrap_or(Cow::Borrowed(error)),
        retryable: members.retryable.and_then(truth),
        expired: members.expired.and_then(truth).unwrap_or(false),
    }
}

fn truth(value: &RawValue) -> Option<bool> {
    serde_json::from_str(value.get()).ok()
}

fn malformed(text: &str, error: &serde_json::Error) -> MalformedLine {
    // serde_json counts lines from 1 and bytes within a line from 1.
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text.as_bytes())
            .nth(line - 2)
            .map_or(0, |newline| newline + 1),
    };
    let full = error.to_string();
    let reason = full
        .rsplit_once(" at line ")
        .map_or(full.as_str(), |(reason, _)| reason);
    MalformedLine {
        byte: line_start + error.column().saturating_sub(1),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(line: &str) -> Result<String, String> {
        match read_line(line.as_bytes()).expect("well formed").body {
            LineBody::Output(output) => Ok(output.to_owned()),
            LineBody::Error(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn members_are_read_in_any_order_and_model_input_is_passed_over() {
        let line = r#" {"modelInput":{"a":[1,{"b":"}"}]},"modelOutput":{"content":[]},"recordId":"r\u00e4 1","more":null}"#;
        let line = format!("{line}\r");
        let read = read_line(line.as_bytes()).expect("well formed");
        assert_eq!(read.record_id, "rä 1");
        assert!(matches!(read.body, LineBody::Output(r#"{"content":[]}"#)));
    }

    #[test]
    fn error_codes_are_numbers_or_text() {
        assert_eq!(
            body_of(r#"{"recordId":"r","error":{"errorCode":400,"errorMessage":"bad \"x\""}}"#),
            Err(r#"400: bad "x""#.to_owned())
        );
        assert_eq!(
            body_of(r#"{"error":{"errorMessage":"slow","errorCode":"Throttled"},"recordId":"r"}"#),
            Err("Throttled: slow".to_owned())
        );
        assert_eq!(
            body_of(r#"{"recordId":"r","error":"broken"}"#),
            Err("broken".to_owned())
        );
        assert_eq!(
            body_of(r#"{"recordId":"r","error":{"code":1}}"#),
            Err(r#"{"code":1}"#.to_owned())
        );
    }

    #[test]
    fn an_answer_wins_over_an_error_and_neither_is_an_error() {
        assert_eq!(
            body_of(r#"{"recordId":"r","error":{"errorCode":1},"modelOutput":{}}"#),
            Ok("{}".to_owned())
        );
        assert!(body_of(r#"{"recordId":"r","modelOutput":null}"#).is_err());
    }

    fn is_final(error: &str) -> bool {
        let line = format!(r#"{{"recordId":"r","error":{error}}}"#);
        match read_line(line.as_bytes()).expect("well formed").body {
            LineBody::Error(error) => error.is_final(),
            LineBody::Output(output) => panic!("{output}"),
        }
    }

    /// The first two are lines of the real service.
    #[test]
    fn an_error_that_the_same_record_would_get_again_is_final() {
        for error in [
            r#"{"errorCode":403,"errorMessage":"You invoked an unsupported model or your request did not allow prompt caching.","expired":false,"retryable":false}"#,
            r#"{"errorCode":400,"errorMessage":"The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one.","expired":false,"retryable":false}"#,
            r#"{"errorCode":400,"errorMessage":"bad"}"#,
            r#"{"errorCode":"400","errorMessage":"bad"}"#,
            r#"{"errorCode":413,"errorMessage":"too large"}"#,
            r#"{"errorCode":"ValidationException","errorMessage":"bad"}"#,
            r#"{"errorCode":500,"errorMessage":"no","retryable":false}"#,
            r#"{"errorMessage":"no","retryable":false,"expired":null}"#,
        ] {
            assert!(is_final(error), "{error}");
        }
    }

    #[test]
    fn an_error_that_may_pass_is_not_final() {
        for error in [
            r#"{"errorCode":429,"errorMessage":"Too many tokens per day"}"#,
            r#"{"errorCode":500,"errorMessage":"internal error"}"#,
            r#"{"errorCode":503,"errorMessage":"busy","retryable":"odd"}"#,
            r#"{"errorCode":408,"errorMessage":"timeout"}"#,
            r#"{"errorCode":424,"errorMessage":"Model produced invalid sequence as part of ToolUse."}"#,
            r#"{"errorCode":"ThrottlingException","errorMessage":"slow"}"#,
            r#"{"errorCode":400,"errorMessage":"bad day","retryable":true}"#,
            r#"{"errorCode":400,"errorMessage":"out of time","retryable":false,"expired":true}"#,
            r#"{"errorCode":403,"errorMessage":"Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:Subscribe)","retryable":false}"#,
            r#"{"errorMessage":"odd"}"#,
            r#""broken""#,
        ] {
            assert!(!is_final(error), "{error}");
        }
    }

    #[test]
    fn malformed_lines_say_where_and_why() {
        let malformed = |line: &[u8]| read_line(line).expect_err("malformed");

        let cut = malformed(br#"{"recordId":"r","modelOutput":{"a":"#);
        assert_eq!(cut.byte, 34, "{cut}");
        assert!(cut.reason.contains("EOF"), "{cut}");

        let not_json = malformed(b"{\"recordId\":\"r\"\n,x}");
        assert_eq!(not_json.byte, 17, "{not_json}");

        let bytes = malformed(b"{\"recordId\":\"\xff\"}");
        assert_eq!(
            (bytes.byte, bytes.reason.as_str()),
            (13, "line is not UTF-8")
        );

        assert_eq!(
            malformed(br#"{"modelOutput":{}}"#).reason,
            "line has no recordId"
        );
        assert!(
            malformed(br#"{"recordId":7,"modelOutput":{}}"#)
                .reason
                .contains("string")
        );
        for line in [&b""[..], b"[]", b"null", b"{}{}"] {
            assert!(!malformed(line).reason.is_empty());
        }
    }
}
