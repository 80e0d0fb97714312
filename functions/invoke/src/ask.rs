//! One record, one call, one output line.

use bytes::Bytes;
use quarry_asking::Fallback;
use quarry_edge::clock::Pause;
use quarry_edge::error::StepError;
use quarry_edge::on_demand::{InvokeError, OnDemand};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tries of one record within one call of the function when the service is busy.
const TRIES: u32 = 6;
/// The wait before the second try; it doubles from try to try.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Spaces calls so that no more than `rate` begin per second.
#[derive(Debug)]
pub struct Pacing {
    gap: Duration,
    begun: AtomicU64,
}

impl Pacing {
    /// `rate` calls per second.
    pub fn new(rate: f64) -> Self {
        Self {
            gap: Duration::from_secs_f64(1.0 / rate.clamp(0.001, 1_000_000.0)),
            begun: AtomicU64::new(0),
        }
    }

    /// Waits for this call's turn: each call begins at least one gap after the one before.
    async fn turn(&self, pause: &dyn Pause) {
        let now = u64::try_from(pause.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let gap = u64::try_from(self.gap.as_nanos()).unwrap_or(u64::MAX);
        let turn = self
            .begun
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                Some(next.max(now) + gap)
            })
            .map_or(now, |next| next.max(now));
        if turn > now {
            pause.pause(Duration::from_nanos(turn - now)).await;
        }
    }
}

/// Asks one model, and another when the first does not take a record.
pub(crate) struct Asker<'a> {
    pub(crate) models: &'a dyn OnDemand,
    pub(crate) pause: &'a dyn Pause,
    /// Calls made, whatever came of them.
    pub(crate) calls: &'a AtomicU64,
    pub(crate) model_id: String,
    pub(crate) converse: bool,
    pub(crate) fallback: Option<&'a Fallback>,
}

/// What became of a record.
pub(crate) enum Answered {
    /// An output line: an answer, or the service's reason against this record.
    Line(Vec<u8>),
    /// No answer, for a reason that is not the record's; the line says so, and the record is
    /// asked again in the next round.
    No { line: Vec<u8>, why: StepError },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    record_id: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    model_input: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputLine<'a> {
    record_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Refusal<'a>>,
    /// Not a member of Bedrock's own lines: it tells how the answer is to be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_fallback: bool,
}

/// What a model returned.
struct Output {
    json: Bytes,
    by_fallback: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refusal<'a> {
    error_code: u16,
    error_message: &'a str,
}

impl Asker<'_> {
    pub(crate) async fn ask(&self, line: Bytes, pacing: &Pacing) -> Answered {
        let record: Record<'_> = match serde_json::from_slice(&line) {
            Ok(record) => record,
            Err(error) => {
                return Answered::No {
                    line: Vec::new(),
                    why: StepError::bad_request(error),
                };
            }
        };
        let body = Bytes::copy_from_slice(record.model_input.get().as_bytes());
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        let (failure, model_id) = loop {
            pacing.turn(self.pause).await;
            match self.once(&body).await {
                Ok(output) => return answer(&record.record_id, &output),
                Err((InvokeError::Throttled(_) | InvokeError::Unavailable(_), _))
                    if tries < TRIES =>
                {
                    self.pause.pause(wait).await;
                    wait *= 2;
                    tries += 1;
                }
                Err(failure) => break failure,
            }
        };
        let doing = format!("asking {model_id} about {}", record.record_id);
        let (code, message, why) = match failure {
            InvokeError::Rejected { code, message } => {
                return Answered::Line(refusal(&record.record_id, code, &message));
            }
            error @ InvokeError::TimedOut(_) => {
                return Answered::Line(refusal(&record.record_id, 504, &error.to_string()));
            }
            InvokeError::Throttled(source) => {
                let source = Some(source);
                (429, "throttled", StepError::Throttled { doing, source })
            }
            InvokeError::Unavailable(source) => {
                let source = Some(source);
                (
                    503,
                    "the model did not answer",
                    StepError::Unavailable { doing, source },
                )
            }
            InvokeError::AccessDenied(source) => {
                let source = Some(source);
                (
                    403,
                    "access denied",
                    StepError::AccessDenied { doing, source },
                )
            }
            InvokeError::NotFound(source) => {
                let source = Some(source);
                (404, "no such model", StepError::NotFound { doing, source })
            }
        };
        Answered::No {
            line: refusal(&record.record_id, code, message),
            why,
        }
    }

    /// One call, and one of the fallback model if the first model does not take the record. A
    /// failure comes with the model that was asked.
    async fn once(&self, body: &Bytes) -> Result<Output, (InvokeError, &str)> {
        let first = self.call(&self.model_id, self.converse, body.clone()).await;
        let (code, message) = match first {
            Ok(json) => {
                return Ok(Output {
                    json,
                    by_fallback: false,
                });
            }
            Err(InvokeError::Rejected { code, message }) => (code, message),
            Err(other) => return Err((other, &self.model_id)),
        };
        let fallback = self
            .fallback
            .and_then(|fallback| Some((fallback, fallback.model_input(body)?)));
        let Some((fallback, body)) = fallback else {
            return Err((InvokeError::Rejected { code, message }, &self.model_id));
        };
        let id = fallback.model_id();
        let second = self
            .call(id, fallback.is_asked_by_converse(), body.into())
            .await;
        match second {
            Ok(json) => Ok(Output {
                json,
                by_fallback: true,
            }),
            Err(InvokeError::Rejected {
                code,
                message: second,
            }) => {
                let message = format!("{message}; the fallback model {id}: {second}");
                Err((InvokeError::Rejected { code, message }, id))
            }
            Err(other) => Err((other, id)),
        }
    }

    async fn call(&self, model: &str, converse: bool, body: Bytes) -> Result<Bytes, InvokeError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.models.invoke(model, converse, body).await
    }
}

fn answer(id: &str, output: &Output) -> Answered {
    match serde_json::from_slice::<&RawValue>(&output.json) {
        Ok(json) => Answered::Line(line(&OutputLine {
            record_id: id,
            model_output: Some(json),
            error: None,
            by_fallback: output.by_fallback,
        })),
        Err(error) => Answered::Line(refusal(
            id,
            502,
            &format!("the answer is not JSON: {error}"),
        )),
    }
}

fn refusal(id: &str, code: u16, message: &str) -> Vec<u8> {
    line(&OutputLine {
        record_id: id,
        model_output: None,
        error: Some(Refusal {
            error_code: code,
            error_message: message,
        }),
        by_fallback: false,
    })
}

fn line(output: &OutputLine<'_>) -> Vec<u8> {
    let mut line = serde_json::to_vec(output).unwrap_or_default();
    // An answer may be pretty-printed; a line must stay one line.
    line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    line.push(b'\n');
    line
}
