//! Asking one record: check, answer, spoil, count. The same for jobs and on-demand calls.

use crate::answer::Answers;
use crate::body::{self, Judge};
use crate::faults::{Faults, RecordFault, RecordFaultKind};
use crate::hash::{Random, hash};
use crate::ledger::Ledger;
use crate::question::{Family, Form, Question};
use crate::reply::Reply;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The model behind all operations.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) answers: Answers,
    pub(crate) faults: Faults,
    ledger: Mutex<Ledger>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asker<'a> {
    Job {
        record_id: &'a str,
        /// Its position in the job's input.
        position: u64,
        converse_tools: bool,
    },
    OnDemand,
}

/// What came of an ask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The record's id; of an on-demand ask, when a job had the same prompt.
    pub(crate) record_id: Option<String>,
    pub(crate) result: Result<Answered, Refusal>,
    /// What is wrong with the record's line.
    pub(crate) line: Option<RecordFaultKind>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub(crate) output: Value,
    /// Another answer to the same question, for a line that contradicts the first.
    pub(crate) other: Option<Value>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) message: String,
}

impl Model {
    pub(crate) fn new(answers: Answers, faults: Faults) -> Self {
        Self {
            answers,
            faults,
            ledger: Mutex::default(),
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks `model_id` what `body` says.
    pub(crate) fn ask(
        &self,
        model_id: &str,
        converse: bool,
        body: &Value,
        asker: Asker<'_>,
    ) -> Asked {
        let family = Family::of(model_id, body);
        let form = Form::of(family, converse);
        let tools = match asker {
            Asker::Job { converse_tools, .. } => !converse || converse_tools,
            Asker::OnDemand => true,
        };
        let checked = Judge {
            model_id,
            family,
            converse,
            tools,
        }
        .check(body);
        let question = Question::read(form, body);
        let prompt = hash(question.prompt.as_bytes());
        let (entry, before) = match asker {
            Asker::Job {
                record_id,
                position,
                ..
            } => self.ledger().ask_in_job(record_id, prompt, position),
            Asker::OnDemand => self.ledger().ask_on_demand(prompt),
        };
        let record_id = Some(before.record_id.clone()).filter(|id| !id.is_empty());
        let faults: Vec<&RecordFault> = self
            .faults
            .of_ask(
                record_id.as_deref(),
                before.position,
                before.in_jobs,
                before.on_demand,
                matches!(asker, Asker::OnDemand),
            )
            .collect();
        let line = faults
            .iter()
            .map(|fault| fault.kind)
            .find(|kind| kind.is_about_line());

        let refusal = match checked {
            Err(message) => Some(Refusal {
                code: body::REFUSED,
                message,
            }),
            Ok(()) => faults
                .iter()
                .find(|fault| fault.kind == RecordFaultKind::ErrorLine)
                .map(|fault| Refusal {
                    code: fault.code.unwrap_or(500),
                    message: fault.message.clone().unwrap_or_else(|| {
                        "The system encountered an unexpected error during processing.".to_owned()
                    }),
                }),
        };
        if let Some(refusal) = refusal {
            self.ledger().result(entry, false);
            return Asked {
                record_id,
                result: Err(refusal),
                line,
            };
        }

        let schema = self.answers.schema(&question);
        let content = self
            .answers
            .content(&question, record_id.as_deref(), before.asks());
        let mut reply = Reply::new(&question, content);
        for fault in &faults {
            reply.spoil(fault.kind, &question, schema);
        }
        let mut random = Random::new(prompt ^ before.asks().rotate_left(32));
        let output = reply.write(&question, model_id, random.next());
        let other = (line == Some(RecordFaultKind::ConflictingDuplicate)).then(|| {
            let content = self.answers.made(&question, 1);
            Reply::new(&question, content)
                .write(&question, model_id, random.next())
                .value
        });
        let mut ledger = self.ledger();
        ledger.result(entry, faults.is_empty() && output.complete);
        ledger.counters.input_tokens += question.input_tokens;
        ledger.counters.output_tokens += output.output_tokens;
        Asked {
            record_id,
            result: Ok(Answered {
                output: output.value,
                other,
                input_tokens: question.input_tokens,
                output_tokens: output.output_tokens,
            }),
            line,
        }
    }
}
