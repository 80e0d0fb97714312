//! Sending one record to a model, which gives one output line.

use crate::deps::Deps;
use crate::fallback_watch::FallbackWatch;
use crate::line::{self, LineError};
use crate::pacing::Pacing;
use bytes::Bytes;
use quarry_asking::{Asking, Fallback};
use quarry_edge::clock::Pause;
use quarry_edge::error::{Source, StepError, StepErrorKind};
use quarry_edge::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use quarry_model::Denial;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The number of attempts at one record within one call of the function while the service is busy.
const ATTEMPTS: u32 = 6;
/// The most calls about a record, within one call of the function, whose reply is lost. The service
/// may charge each of them.
const MOST_LOST_REPLIES: u32 = 2;
/// The wait before the second attempt; it doubles with every attempt.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Sends records to the run's model, and to the fallback model those that the run's model refuses.
pub(crate) struct Asker<'a> {
    pub(crate) models: &'a dyn OnDemand,
    pub(crate) pause: &'a dyn Pause,
    /// The number of calls made, whatever their outcome.
    pub(crate) calls: &'a AtomicU64,
    pub(crate) model_id: String,
    /// The setting that names the model.
    pub(crate) setting: &'static str,
    pub(crate) converse: bool,
    /// The service tier that calls request.
    pub(crate) tier: Option<&'static str>,
    /// Whether the fallback model has the tier of the settings.
    pub(crate) fallback_has_tier: bool,
    pub(crate) fallback: Option<&'a Fallback>,
    /// The fallback model's replies so far.
    pub(crate) fallback_watch: FallbackWatch,
    /// Whether other rows of the slice have been paid for as a job. If so, a model or fallback
    /// model that cannot be called on demand costs only these rows their answers, and the run still
    /// gives its result.
    pub(crate) rows_were_paid: bool,
}

/// The outcome of a record.
pub(crate) enum Answered {
    /// An output line: an answer, or the service's reason for refusing this record.
    Line(Vec<u8>),
    /// No answer, because the replies were lost on the way. The service worked on the record and may
    /// charge it, so the line is stored, and a further call counts as another attempt.
    Lost(Vec<u8>),
    /// No answer, for a reason that does not lie in the record. The line states it.
    No { line: Vec<u8>, why: StepError },
}

impl Answered {
    /// Whether every record would get this error, so that no further record is sent.
    pub(crate) fn is_every_records(&self) -> bool {
        match self {
            Self::Line(_) | Self::Lost(_) => false,
            Self::No { why, .. } => !matches!(
                why.kind(),
                StepErrorKind::Throttled | StepErrorKind::Unavailable
            ),
        }
    }

    /// Whether the service throttles the calls.
    pub(crate) fn is_throttled(&self) -> bool {
        match self {
            Self::Line(_) | Self::Lost(_) => false,
            Self::No { why, .. } => why.kind() == StepErrorKind::Throttled,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputRecord<'a> {
    #[serde(borrow)]
    record_id: Cow<'a, str>,
    #[serde(borrow)]
    model_input: &'a RawValue,
}

/// A failed call: to the fallback model too, if the run's model had refused the record before.
struct Unanswered<'a> {
    model_id: &'a str,
    error: InvokeError,
    refused_before: Option<(u16, String)>,
}

impl Unanswered<'_> {
    /// Whether the service worked on the record, and its reply did not arrive whole.
    fn is_lost(&self) -> bool {
        matches!(
            self.error,
            InvokeError::BrokenOff(_) | InvokeError::TimedOut(_)
        )
    }

    /// Whether the same call may have another outcome at once.
    fn may_pass(&self) -> bool {
        matches!(
            self.error,
            InvokeError::Throttled(_) | InvokeError::Unavailable(_) | InvokeError::BrokenOff(_)
        )
    }
}

impl<'a> Asker<'a> {
    /// Creates an asker that leaves the tier to the service.
    pub(crate) fn new(
        deps: &'a Deps,
        asking: &'a Asking,
        calls: &'a AtomicU64,
        rows_were_paid: bool,
    ) -> Result<Self, StepError> {
        let settings = asking.settings();
        Ok(Self {
            models: &*deps.models,
            pause: &*deps.pause,
            calls,
            model_id: settings.effective_model_id(),
            setting: settings.model_setting(),
            converse: quarry_asking::converse(settings).map_err(StepError::bad_request)?,
            tier: None,
            fallback_has_tier: asking.fallback_has_tier(),
            fallback: asking.fallback(),
            fallback_watch: FallbackWatch::default(),
            rows_were_paid,
        })
    }
}

impl Asker<'_> {
    pub(crate) async fn ask(&self, record: &Bytes, pacing: &Pacing) -> Answered {
        let record: InputRecord<'_> = match serde_json::from_slice(record) {
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
        let mut attempts = 1;
        let mut lost = 0;
        let unanswered = loop {
            pacing.turn(self.pause).await;
            let unanswered = match self.once(&body).await {
                Ok((reply, by_fallback)) => {
                    let line = line::answer(&record.record_id, &reply, by_fallback, lost);
                    return Answered::Line(line);
                }
                Err(unanswered) => unanswered,
            };
            lost += u32::from(unanswered.is_lost());
            if attempts == ATTEMPTS || lost == MOST_LOST_REPLIES || !unanswered.may_pass() {
                break unanswered;
            }
            self.pause.pause(wait).await;
            wait *= 2;
            attempts += 1;
        };
        self.without_answer(&record.record_id, unanswered, lost)
    }

    /// Whether the service answers at all, tested with a call that depends on no record.
    pub(crate) async fn is_service_up(&self, body: Vec<u8>) -> bool {
        let asked = self.call(&self.model_id, self.converse, self.tier, body.into());
        matches!(asked.await, Ok(_) | Err(InvokeError::Rejected { .. }))
    }

    /// Returns the outcome of a record after its last call, and after calls whose replies were `lost`.
    fn without_answer(&self, id: &str, unanswered: Unanswered<'_>, lost: u32) -> Answered {
        let Unanswered {
            model_id,
            error,
            refused_before,
        } = unanswered;
        let doing = format!("asking {model_id} about {id}");
        let line = |code, message: &str, retryable| {
            line::refusal(id, LineError::new(code, message, retryable), lost)
        };
        // With a fallback model, the message holds the words of both models, and the code is the
        // first model's.
        let refused = |code, message: String, retryable| match &refused_before {
            Some((code, first)) => {
                let second = format!("the fallback model {model_id}: {message}");
                let error = LineError {
                    fallback_message: Some(&second),
                    ..LineError::new(*code, first, retryable)
                };
                Answered::Line(line::refusal(id, error, lost))
            }
            None => Answered::Line(line(code, &message, retryable)),
        };
        let no = |code, source: Source, kind| {
            let line = line(code, &source.to_string(), None);
            // Without a line, the record would be sent again as if nothing had been paid for it.
            if lost > 0 {
                return Answered::Lost(line);
            }
            let why = StepError::new(kind, doing.clone()).with_source(source);
            Answered::No { line, why }
        };
        match error {
            InvokeError::Rejected { code, message } => refused(code, message, None),
            error @ InvokeError::TimedOut(_) => Answered::Line(line(504, &error.to_string(), None)),
            InvokeError::BrokenOff(source) => {
                let message = format!("the reply broke off or cannot be read: {source}");
                Answered::Lost(line(502, &message, None))
            }
            InvokeError::Denied { denial, source } => {
                let setting = if refused_before.is_some() {
                    "BEDROCK_FALLBACK_MODEL_ID"
                } else {
                    self.setting
                };
                if denial != Denial::FirstUse && self.rows_were_paid {
                    let remedy = denial.remedy(setting, model_id);
                    return refused(400, format!("{source}; {remedy}"), Some(false));
                }
                let line = line(403, &source.to_string(), Some(true));
                if lost > 0 {
                    return Answered::Lost(line);
                }
                Answered::No {
                    line,
                    why: StepError::denied(denial, &doing, setting, model_id, source),
                }
            }
            InvokeError::NotFound(source) if self.rows_were_paid => {
                refused(404, source.to_string(), Some(false))
            }
            InvokeError::Throttled(source) => no(429, source, StepErrorKind::Throttled),
            InvokeError::Unavailable(source) => no(503, source, StepErrorKind::Unavailable),
            InvokeError::AccessDenied(source) => no(403, source, StepErrorKind::AccessDenied),
            InvokeError::NotFound(source) => no(404, source, StepErrorKind::NotFound),
        }
    }

    /// Makes one call, and one to the fallback model if the run's model refuses the record.
    async fn once(&self, body: &Bytes) -> Result<(ModelReply, bool), Unanswered<'_>> {
        let first = self
            .call(&self.model_id, self.converse, self.tier, body.clone())
            .await;
        let unanswered = |model_id, error, refused_before| Unanswered {
            model_id,
            error,
            refused_before,
        };
        let (code, message) = match first {
            Ok(reply) => return Ok((reply, false)),
            Err(InvokeError::Rejected { code, message }) => (code, message),
            Err(other) => return Err(unanswered(&self.model_id, other, None)),
        };
        let fallback = self
            .fallback
            .and_then(|fallback| Some((fallback, fallback.model_input(body)?)));
        let Some((fallback, body)) = fallback else {
            let rejected = InvokeError::Rejected { code, message };
            return Err(unanswered(&self.model_id, rejected, None));
        };
        let id = fallback.model_id();
        // The fallback model gets only records that the run's model refused, so other words may be
        // about the records.
        if let Some((fallback_code, words)) = self.fallback_watch.refusal()
            && fallback.form_after(&words).is_some()
        {
            let rejected = InvokeError::Rejected {
                code: fallback_code,
                message: words,
            };
            return Err(unanswered(id, rejected, Some((code, message))));
        }
        let converse = fallback.is_asked_by_converse();
        let tier = self.tier.filter(|_| self.fallback_has_tier);
        match self.call(id, converse, tier, body.into()).await {
            Ok(reply) => {
                self.fallback_watch.answered();
                Ok((reply, true))
            }
            Err(error) => {
                if let InvokeError::Rejected { code, message } = &error {
                    self.fallback_watch.refused(*code, message);
                }
                Err(unanswered(id, error, Some((code, message))))
            }
        }
    }

    async fn call(
        &self,
        model_id: &str,
        converse: bool,
        tier: Option<&str>,
        body: Bytes,
    ) -> Result<ModelReply, InvokeError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let question = Question {
            model_id,
            converse,
            body,
            tier,
        };
        let mut reply = self.models.invoke(question).await?;
        // Not every model's reply names the requested tier.
        reply.tier = reply.tier.or_else(|| tier.map(str::to_owned));
        Ok(reply)
    }
}
