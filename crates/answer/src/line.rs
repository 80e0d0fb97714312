//! Reads one line of Bedrock output.
//!
//! Shape: `{"recordId": …, "modelInput": …, "modelOutput": …}`, or `"error": {"errorCode": …,
//! "errorMessage": …}` instead of `modelOutput`, with the members in any order. `modelInput` is the
//! echoed request, which is skipped. `errorCode` is a number in AWS's documentation and text
//! elsewhere; both are read. The service's lines also say whether the same record may be sent again
//! (`retryable`), and whether its job's time ended before its turn (`expired`).
//!
//! A line with an answer, in the form that the service and Quarry write, is read in one walk that passes
//! over `modelInput` without parsing it. Every other line is read with serde, which says what is wrong
//! with it. Both read the same from a line.
//!
//! Limits: the caller splits a file into lines and skips blank ones.

use quarry_model::{Denial, Object, PlainMembers, plain_text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A line about one record.
#[derive(Debug)]
pub struct OutputLine<'a> {
    /// The id that the record was sent with.
    pub record_id: Cow<'a, str>,
    /// What became of it.
    pub body: LineBody<'a>,
    /// Whether the run's fallback model answered. Bedrock's lines do not say so. The lines that
    /// Quarry writes for answers on demand do, as `"byFallback": true`.
    pub by_fallback: bool,
    /// The service tier of an answer given on demand. Bedrock's own lines do not have it.
    pub service_tier: Option<Cow<'a, str>>,
    /// How many replies about the record broke off or did not come in time, so that the service may
    /// charge calls without an answer. Bedrock's own lines do not have it.
    pub lost_replies: u64,
}

/// The part of a line after the id.
#[derive(Debug)]
pub enum LineBody<'a> {
    /// The JSON text of `modelOutput`, for `quarry_model::read_output`.
    Output(&'a str),
    /// The model was not reached, or refused the record.
    Error(RecordError<'a>),
}

/// Why Bedrock has no answer for a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordError<'a> {
    /// `errorCode` as text, if there is one.
    pub code: Option<Cow<'a, str>>,
    /// `errorMessage`.
    pub message: Cow<'a, str>,
    /// The fallback model's message, if it was asked after the run's model had refused the record.
    /// Bedrock's own lines do not have it.
    pub fallback_message: Option<Cow<'a, str>>,
    /// `retryable`, if the line has it.
    pub retryable: Option<bool>,
    /// `expired`: the job's time ended before the record's turn.
    pub expired: bool,
}

impl RecordError<'_> {
    /// Whether the same record would get the same error again, so that another attempt is useless.
    ///
    /// A record that expired with its job was never sent, and the denial of a model's first use
    /// ends when the account's access is set up, so neither is final. Otherwise the service's own
    /// `retryable: false` decides, except for the codes of throttling and of the service's own
    /// failures. Without it, these client errors are final: 400 (the request is not valid), 413
    /// (too large) and 422. A 403 or 404 may end when access is granted or a model appears, and 424
    /// is a failure of the model in one attempt.
    pub fn is_final(&self) -> bool {
        if self.expired || self.is_first_use() {
            return false;
        }
        let code = self
            .code
            .as_deref()
            .and_then(|code| code.parse::<u16>().ok());
        match (code, self.retryable) {
            (Some(408 | 409 | 424 | 425 | 429 | 500..), _) | (_, Some(true)) => false,
            (_, Some(false)) | (Some(400 | 413 | 422), None) => true,
            (Some(_), None) => false,
            (None, None) => self.code.as_deref() == Some("ValidationException"),
        }
    }

    /// Whether the account's first use of the model is still pending. Every record then gets this
    /// error, for a time.
    pub fn is_first_use(&self) -> bool {
        Denial::of(&self.message) == Some(Denial::FirstUse)
    }
}

impl fmt::Display for RecordError<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = &self.code {
            write!(formatter, "{code}: ")?;
        }
        formatter.write_str(&self.message)?;
        if let Some(second) = &self.fallback_message {
            write!(formatter, "; {second}")?;
        }
        Ok(())
    }
}

/// A line that cannot be read. It is a value because the other lines of the file are not affected.
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
    #[serde(borrow, rename = "serviceTier", default)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(rename = "lostReplies", default)]
    lost_replies: u32,
}

#[derive(Deserialize)]
struct ErrorMembers<'a> {
    #[serde(borrow, rename = "errorCode", default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorMessage", default)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "fallbackMessage", default)]
    fallback_message: Option<Cow<'a, str>>,
    // Raw text, so that a value of another type does not lose the message.
    #[serde(borrow, default)]
    retryable: Option<&'a RawValue>,
    #[serde(borrow, default)]
    expired: Option<&'a RawValue>,
}

/// Editors and shells put it before a file's first line, so it can precede any line of files that
/// were concatenated.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads one line, without its line break. A byte order mark before it, and a carriage return or
/// blank after it, are accepted.
///
/// # Errors
///
/// [`MalformedLine`] if the line is not UTF-8, is not a JSON object of this shape, or has no
/// `recordId`.
pub fn read_line(line: &[u8]) -> Result<OutputLine<'_>, MalformedLine> {
    let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK) else {
        return read_json_line(line);
    };
    read_json_line(rest).map_err(|malformed| MalformedLine {
        byte: BYTE_ORDER_MARK.len() + malformed.byte,
        ..malformed
    })
}

fn read_json_line(line: &[u8]) -> Result<OutputLine<'_>, MalformedLine> {
    let text = simdutf8::compat::from_utf8(line).map_err(|error| MalformedLine {
        byte: error.valid_up_to(),
        reason: "line is not UTF-8".to_owned(),
    })?;
    match read_plain_line(text) {
        Some(line) => Ok(line),
        None => read_any_line(text),
    }
}

/// Reads a line with an answer whose members are all in their usual form, and none of them twice. `None` for any
/// other line, which may be well formed too.
fn read_plain_line(text: &str) -> Option<OutputLine<'_>> {
    let mut members = PlainMembers::of(text.trim_matches([' ', '\t', '\n', '\r']))?;
    let (mut record_id, mut output, mut service_tier) = (None, None, None);
    let (mut by_fallback, mut lost_replies) = (None, None);
    while let Some((name, value)) = members.next_member().ok()? {
        let is_first = match name {
            "recordId" => record_id.replace(plain_text(value)?).is_none(),
            "modelOutput" if value != "null" => output.replace(value).is_none(),
            "serviceTier" => service_tier.replace(plain_text(value)?).is_none(),
            "byFallback" => by_fallback.replace(value.parse().ok()?).is_none(),
            "lostReplies" => lost_replies.replace(value.parse::<u32>().ok()?).is_none(),
            "modelOutput" | "error" => false,
            _ => true,
        };
        if !is_first {
            return None;
        }
    }
    Some(OutputLine {
        record_id: Cow::Borrowed(record_id?),
        body: LineBody::Output(output?),
        by_fallback: by_fallback.unwrap_or_default(),
        service_tier: service_tier.map(Cow::Borrowed),
        lost_replies: lost_replies.unwrap_or_default().into(),
    })
}

fn read_any_line(text: &str) -> Result<OutputLine<'_>, MalformedLine> {
    let Object(members): Object<Members<'_>> =
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
        service_tier: members.service_tier,
        lost_replies: members.lost_replies.into(),
    })
}

/// Reads an error in any form. An error that is not the documented object is kept as its JSON text.
fn record_error(error: &str) -> RecordError<'_> {
    let Ok(Object(members)) = serde_json::from_str::<Object<ErrorMembers<'_>>>(error) else {
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
        fallback_message: members.fallback_message,
        retryable: members.retryable.and_then(boolean),
        expired: members.expired.and_then(boolean).unwrap_or(false),
    }
}

fn boolean(value: &RawValue) -> Option<bool> {
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
    use proptest::prelude::*;

    /// A value of a member of a line, in its usual form or another.
    fn value() -> impl Strategy<Value = String> {
        let text =
            r#"([a-c{}\[\],: é]|\\["\\/bnt]|\\u00e4){0,6}"#.prop_map(|text| format!("\"{text}\""));
        let usual = prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "7",
            "-1",
            "1.5",
            "4294967296",
            "{}",
            "[]",
            "[400,\"a\"]",
            r#"{"content":[{"type":"text","text":"a } b"}],"usage":{"input_tokens":3}}"#,
            r#"{"errorCode":400,"errorMessage":"no"}"#,
        ]);
        let nested = prop::collection::vec(text.clone(), 0..3).prop_map(|texts| {
            format!(
                r#"{{"messages":[{{"role":"user","content":[{}]}}]}}"#,
                texts.join(" , ")
            )
        });
        prop_oneof![text, usual.prop_map(str::to_owned), nested]
    }

    fn line() -> impl Strategy<Value = String> {
        let names = vec![
            "recordId",
            "modelInput",
            "modelOutput",
            "error",
            "byFallback",
            "serviceTier",
            "lostReplies",
            "more",
            "record\\u0049d",
        ];
        let member = (prop::sample::select(names), value())
            .prop_map(|(name, value)| format!("\"{name}\": {value}"));
        let odd = prop::collection::vec(member, 0..6)
            .prop_map(|members| format!("{{{}}} ", members.join(",")));
        let usual = (value(), "[a-c_]{1,5}", value(), any::<bool>()).prop_map(|(input, id, output, by_fallback)| {
            format!(r#"{{"modelInput":{input},"recordId":"{id}","modelOutput":{output},"byFallback":{by_fallback}}}"#)
        });
        prop_oneof![odd, usual]
    }

    fn seen(line: &Result<OutputLine<'_>, MalformedLine>) -> String {
        format!("{line:?}")
    }

    proptest! {
        /// The quick way and the careful way read the same, also from lines that are cut or changed.
        #[test]
        fn a_plain_line_is_what_serde_reads(
            line in line(),
            at in any::<prop::sample::Index>(),
            put in "[a-c0-9\"\\\\{}\\[\\],:\t ]{0,2}",
            left_out in 0..3_usize,
            is_changed in any::<bool>(),
        ) {
            let mut text: Vec<char> = line.chars().collect();
            if is_changed {
                let at = at.index(text.len());
                text.splice(at..(at + left_out).min(text.len()), put.chars());
            }
            let line: String = text.into_iter().collect();
            if let Some(plain) = read_plain_line(&line) {
                prop_assert_eq!(seen(&Ok(plain)), seen(&read_any_line(&line)), "{}", line);
            }
        }
    }

    #[test]
    fn the_lines_that_the_service_and_quarry_write_are_plain() {
        for line in [
            r#"{"modelInput":{"messages":[{"content":"a \"b\"\n"}]},"modelOutput":{"content":[]},"recordId":"r"}"#,
            "{\"recordId\":\"r\",\"modelOutput\":{\"content\":[]},\"byFallback\":true,\"serviceTier\":\"flex\",\"lostReplies\":2}\r",
        ] {
            let plain = read_plain_line(line).expect("plain");
            assert_eq!(seen(&Ok(plain)), seen(&read_any_line(line)), "{line}");
        }
        for line in [
            r#"{"recordId":"r","modelOutput":{},"modelOutput":{}}"#,
            r#"{"recordId":"r","modelOutput":null}"#,
            r#"{"recordId":"r","error":{"errorCode":400}}"#,
            r#"{"recordId":"r\u0041","modelOutput":{}}"#,
            r#"{"modelOutput":{}}"#,
        ] {
            assert!(read_plain_line(line).is_none(), "{line}");
        }
    }

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
    fn an_error_that_a_retry_would_get_again_is_final() {
        let error = |members: &str| {
            let line = format!(r#"{{"recordId":"r","error":{{{members}}}}}"#);
            match read_line(line.as_bytes()).expect("well formed").body {
                LineBody::Error(error) => error.is_final(),
                LineBody::Output(_) => panic!("{members}"),
            }
        };
        for members in [
            r#""errorCode":400,"errorMessage":"no","expired":false,"retryable":false"#,
            r#""errorCode":403,"errorMessage":"no","retryable":false"#,
            r#""errorCode":400,"errorMessage":"no""#,
            r#""errorCode":"ValidationException","errorMessage":"no""#,
            r#""errorMessage":"no","retryable":false"#,
        ] {
            assert!(error(members), "{members}");
        }
        for members in [
            r#""errorCode":429,"errorMessage":"slow","retryable":false"#,
            r#""errorCode":500,"errorMessage":"oh""#,
            r#""errorCode":503,"errorMessage":"oh","retryable":false"#,
            r#""errorCode":424,"errorMessage":"the model failed""#,
            r#""errorCode":403,"errorMessage":"access denied""#,
            r#""errorCode":400,"errorMessage":"expired","expired":true,"retryable":true"#,
            r#""errorCode":400,"errorMessage":"out of time","expired":true,"retryable":false"#,
            r#""errorCode":403,"errorMessage":"Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:Subscribe)","retryable":false"#,
            r#""errorCode":503,"errorMessage":"odd","retryable":"no","expired":7"#,
            r#""errorMessage":"nobody knows""#,
        ] {
            assert!(!error(members), "{members}");
        }
    }

    #[test]
    fn a_byte_order_mark_before_a_line_is_passed_over() {
        let line = "\u{feff}{\"recordId\":\"r\",\"modelOutput\":{}}";
        assert_eq!(
            read_line(line.as_bytes()).expect("well formed").record_id,
            "r"
        );
        let malformed = read_line("\u{feff}{\"recordId\":x".as_bytes()).expect_err("malformed");
        assert_eq!(malformed.byte, 15, "{malformed}");
    }

    #[test]
    fn an_answer_wins_over_an_error_and_neither_is_an_error() {
        assert_eq!(
            body_of(r#"{"recordId":"r","error":{"errorCode":1},"modelOutput":{}}"#),
            Ok("{}".to_owned())
        );
        assert!(body_of(r#"{"recordId":"r","modelOutput":null}"#).is_err());
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

    #[test]
    fn a_list_is_neither_a_line_nor_an_error_by_the_position_of_its_items() {
        let list = br#"["record_0", {"content": []}, null, false, null]"#;
        let malformed = read_line(list).expect_err("malformed");
        assert!(malformed.reason.contains("a JSON object"), "{malformed}");
        assert_eq!(
            body_of(r#"{"recordId":"r","error":[400,"slow down"]}"#),
            Err(r#"[400,"slow down"]"#.to_owned())
        );
    }
}
