//! Processing one record: check, answer, fault, count. Jobs and on-demand calls share it.

use crate::answer::Answers;
use crate::bill::BilledWay;
use crate::body::{self, Judge};
use crate::faults::{FaultTier, Faults, RecordFault, RecordFaultKind};
use crate::given::GivenAnswer;
use crate::hash::Random;
use crate::known::KnownJsons;
use crate::ledger::{JobLedger, RecordAsks};
use crate::models::{Models, ThinkingRule};
use crate::question::{Family, Question, QuestionForm};
use crate::reply::{AskedForm, Reply};
use serde::Serialize;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was scripted for records and had no effect on any of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UnusedScript {
    /// Given answers for a record or for a text, in the order of their lines.
    pub answers: Vec<GivenAnswer>,
    /// Faults of records, in the order of the script.
    pub faults: Vec<RecordFault>,
}

/// The models that all operations use.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) answers: Answers,
    pub(crate) faults: Faults,
    /// Whether each fault of records has struck one.
    struck: Vec<AtomicBool>,
    pub(crate) models: Models,
    known: KnownJsons,
    ledger: Mutex<JobLedger>,
}

/// The sender of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RecordAsker<'a> {
    Job {
        record_id: &'a str,
        /// Its position in the job's input.
        position: u64,
    },
    OnDemand {
        /// The tier that the call requests.
        tier: Option<FaultTier>,
    },
}

/// The outcome of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AskedRecord {
    /// The record's id; for an on-demand call, only if a job had the same prompt.
    pub(crate) record_id: Option<String>,
    pub(crate) result: Result<AnsweredRecord, Refusal>,
    /// The fault of the record's line.
    pub(crate) line: Option<RecordFaultKind>,
    /// Whether the connection breaks in the middle of the reply.
    pub(crate) is_broken_off: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AnsweredRecord {
    pub(crate) output: Value,
    /// Another answer to the same question, for a line that contradicts the first one.
    pub(crate) other: Option<OtherAnswer>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OtherAnswer {
    pub(crate) output: Value,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) message: String,
    /// Whether a retry of the same record can have another result.
    pub(crate) retryable: bool,
    /// Whether the record ran out of time.
    pub(crate) expired: bool,
}

impl Refusal {
    /// Returns the refusal of a body that the model does not accept.
    fn of_body(message: String) -> Self {
        Self {
            code: body::REFUSED,
            message,
            retryable: false,
            expired: false,
        }
    }

    fn of_fault(fault: &RecordFault) -> Self {
        let code = fault.code.unwrap_or(500);
        Self {
            code,
            message: fault
                .message
                .clone()
                .unwrap_or_else(|| usual_words(code).to_owned()),
            retryable: fault.retryable.unwrap_or(code == 429 || code >= 500),
            expired: fault.expired,
        }
    }
}

/// Returns the usual message of a code.
fn usual_words(code: u16) -> &'static str {
    match code {
        403 => "You invoked an unsupported model or your request did not allow prompt caching.",
        424 => {
            "Model produced invalid sequence as part of ToolUse. Please refer to the model tool use \
             troubleshooting guide."
        }
        429 => "Too many tokens per day, please wait before trying again.",
        400..=499 => "The model returned the following errors: the request is not valid.",
        _ => {
            "The system encountered an unexpected error during processing. Try your request again."
        }
    }
}

impl Model {
    pub(crate) fn new(answers: Answers, faults: Faults) -> Self {
        Self {
            answers,
            models: Models::new(faults.models.clone()),
            struck: faults
                .records
                .iter()
                .map(|_| AtomicBool::default())
                .collect(),
            faults,
            known: KnownJsons::default(),
            ledger: Mutex::default(),
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, JobLedger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `body` to `model_id`.
    pub(crate) fn ask(
        &self,
        model_id: &str,
        converse: bool,
        body: &Value,
        asker: RecordAsker<'_>,
    ) -> AskedRecord {
        let family = Family::of(model_id, body);
        let question = Question::read(QuestionForm::of(family, converse), body, &self.known);
        let judge = Judge {
            model_id,
            facts: self.models.of(model_id),
            family,
            converse,
            in_job: matches!(asker, RecordAsker::Job { .. }),
        };
        let prompt = question.prompt_hash;
        let (entry, before) = match asker {
            RecordAsker::Job {
                record_id,
                position,
            } => self.ledger().ask_in_job(record_id, prompt, position),
            RecordAsker::OnDemand { .. } => self.ledger().ask_on_demand(prompt),
        };
        let record_id = Some(before.record_id.clone()).filter(|id| !id.is_empty());
        let faults = self.faults_of(record_id.as_deref(), &before, judge.in_job);
        let line = line_fault(&faults);
        let is_broken_off = faults.iter().any(|fault| fault.kind.is_about_call());
        if let Some(refusal) = self.refusal(&judge, body, &question, &faults) {
            self.ledger().refused(entry);
            return AskedRecord {
                record_id,
                result: Err(refusal),
                line,
                is_broken_off: false,
            };
        }
        let (answered, complete) = self.answer(&judge, &question, asker, &before, &faults);
        let mut ledger = self.ledger();
        ledger.answered(entry, faults.is_empty() && complete);
        ledger.counters.input_tokens += answered.input_tokens;
        ledger.counters.output_tokens += answered.output_tokens;
        let way = match asker {
            RecordAsker::Job { .. } => BilledWay::Batch,
            RecordAsker::OnDemand { tier } => BilledWay::of_call(tier),
        };
        let (input, output) = (answered.input_tokens, answered.output_tokens);
        ledger.billing.add(model_id, way, input, output);
        if let Some(other) = &answered.other {
            let (input, output) = (other.input_tokens, other.output_tokens);
            ledger.counters.input_tokens += input;
            ledger.counters.output_tokens += output;
            ledger.billing.add(model_id, way, input, output);
        }
        AskedRecord {
            record_id,
            result: Ok(answered),
            line,
            is_broken_off,
        }
    }

    fn faults_of(
        &self,
        record_id: Option<&str>,
        before: &RecordAsks,
        in_job: bool,
    ) -> Vec<&RecordFault> {
        let faults = self.faults.of_ask(
            record_id,
            before.position,
            before.in_jobs,
            before.on_demand,
            !in_job,
        );
        faults
            .map(|(place, fault)| {
                self.struck[place].store(true, Ordering::Relaxed);
                fault
            })
            .collect()
    }

    /// Returns what the user scripted for records and what had no effect on any so far.
    pub(crate) fn unused_script(&self) -> UnusedScript {
        let faults = self.faults.records.iter().zip(&self.struck);
        UnusedScript {
            answers: self.answers.unused(),
            faults: faults
                .filter(|(_, struck)| !struck.load(Ordering::Relaxed))
                .map(|(fault, _)| fault.clone())
                .collect(),
        }
    }

    /// Returns the error that takes the place of an answer, if there is one.
    fn refusal(
        &self,
        judge: &Judge<'_>,
        body: &Value,
        question: &Question,
        faults: &[&RecordFault],
    ) -> Option<Refusal> {
        let checked = judge
            .check(body, &self.known)
            .and_then(|()| judge.check_length(question));
        if let Err(message) = checked {
            return Some(Refusal::of_body(message));
        }
        let fault = faults
            .iter()
            .find(|fault| fault.kind == RecordFaultKind::ErrorLine)?;
        Some(Refusal::of_fault(fault))
    }

    /// Returns the answer, and whether the model finished it by itself.
    fn answer(
        &self,
        judge: &Judge<'_>,
        question: &Question,
        asker: RecordAsker<'_>,
        before: &RecordAsks,
        faults: &[&RecordFault],
    ) -> (AnsweredRecord, bool) {
        let record_id = Some(before.record_id.as_str()).filter(|id| !id.is_empty());
        let content = self
            .answers
            .content(question, record_id, before.asks(), &self.known);
        let thinks = judge.facts.reasons
            || judge.family == Family::Anthropic
                && question
                    .thinks
                    .unwrap_or(judge.facts.thinking != ThinkingRule::Asked);
        let mut reply = Reply::new(question, content, thinks);
        if !faults.is_empty() {
            let schema = self.answers.schema(question, &self.known);
            let schema = schema.as_ref().map(|schema| schema.value());
            for fault in faults {
                reply.spoil(fault.kind, question, schema);
            }
        }
        let mut random = Random::new(question.prompt_hash ^ before.asks().rotate_left(32));
        let mut asking = AskedForm {
            model_id: judge.model_id,
            facts: judge.facts,
            converse: judge.converse,
            in_job: judge.in_job,
            tier: match asker {
                RecordAsker::Job { .. } => None,
                RecordAsker::OnDemand { tier } => tier,
            },
            seed: random.next(),
        };
        let output = reply.write(question, &asking);
        // The line has one fault, so another answer is made, and charged, only if it is written.
        let contradicts = line_fault(faults) == Some(RecordFaultKind::ConflictingDuplicate);
        let other = contradicts.then(|| {
            asking.seed = random.next();
            let content = self.answers.made(question, 1, &self.known);
            let other = Reply::new(question, content, thinks).write(question, &asking);
            // A guardrail that stops the first answer for nothing does not stop this one.
            OtherAnswer {
                output: other.value,
                input_tokens: question.input_tokens,
                output_tokens: other.output_tokens,
            }
        });
        let (input_tokens, output_tokens) = if output.is_charged {
            (question.input_tokens, output.output_tokens)
        } else {
            (0, 0)
        };
        let answered = AnsweredRecord {
            output: output.value,
            other,
            input_tokens,
            output_tokens,
        };
        (answered, output.complete)
    }
}

/// Returns what is wrong with the line of a record that has these faults: the first of those that concern lines.
fn line_fault(faults: &[&RecordFault]) -> Option<RecordFaultKind> {
    let mut kinds = faults.iter().map(|fault| fault.kind);
    kinds.find(|kind| kind.is_about_line())
}
