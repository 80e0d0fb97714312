//! Reads an answer of several parts: calls of the tool, the text behind them, candidates. They count only
//! if none of them contradicts another.

use crate::candidate::{Found, Scan};
use crate::choice::{Refused, choose, shown};
use crate::circumstances::Circumstances;
use crate::judging::judge;
use crate::reading::{Reader, Reading, text_of_json, with_properties};
use quarry_model::AnswerContent;
use quarry_validation::CheckEffort;
use std::borrow::Cow;

impl Reader {
    /// Returns the reading of calls of the tool, unless the text behind them takes them back.
    pub(crate) fn followed(
        &self,
        reading: Reading,
        calls: &AnswerContent<'_>,
        text: &str,
        circumstances: Circumstances<'_>,
    ) -> Reading {
        let (Some(schema), true) = (&self.schema, reading.validation_passed) else {
            return reading;
        };
        let json = match calls {
            AnswerContent::Tool(json) => json,
            AnswerContent::Tools(calls) => match calls.last() {
                Some(json) => json,
                None => return reading,
            },
            _ => return reading,
        };
        let inner = text_of_json(json);
        let object = Found {
            after: Cow::Owned(format!("\n{text}")),
            ..Found::alone(inner.as_deref().unwrap_or(json).trim())
        };
        let effort = CheckEffort::of_an_answer();
        let chosen = with_properties(schema, &effort, |properties| {
            let scan = Scan::of(object);
            choose("", scan, false, properties, |found| {
                judge(schema, found, &effort)
            })
        });
        match chosen {
            Ok(_) => reading,
            Err(Refused { why, repaired }) => {
                let raw = format!("{json}\n{text}");
                self.failed(&raw, why, repaired, circumstances)
            }
        }
    }

    /// Returns the reading of several candidates, which count only if they say the same.
    pub(crate) fn agreed(
        &self,
        readings: Vec<Reading>,
        content: &AnswerContent<'_>,
        circumstances: Circumstances<'_>,
    ) -> Reading {
        let (count, raw) = (readings.len(), content.raw().unwrap_or_default());
        let mut readings = readings.into_iter();
        let Some(first) = readings.next() else {
            return self.unanswered("the model returned no content".to_owned());
        };
        let is_same = |reading: Reading| {
            (reading.parse_status, reading.fields) == (first.parse_status, first.fields.clone())
        };
        if readings.all(is_same) {
            return first;
        }
        let why = format!("the model returned {count} answers that are not the same; none is used");
        match &self.schema {
            Some(_) => self.failed(&raw, why, false, circumstances),
            None => Reading {
                cut_off: circumstances.is_cut_off(),
                context_full: circumstances.is_context_full(),
                interrupted: circumstances.is_interrupted(),
                raw_response: Some(raw),
                ..self.unanswered(why)
            },
        }
    }

    /// Reads several calls of the tool. The last one counts if all valid calls agree with it.
    pub(crate) fn read_calls(
        &self,
        calls: &[Cow<'_, str>],
        circumstances: Circumstances<'_>,
    ) -> Reading {
        let mut valid: Option<(Reading, &str)> = None;
        let mut last = None;
        for call in calls {
            let reading = self.read_call(call, circumstances);
            if let Some((first, json)) = &valid
                && (first.parse_status, &first.fields) != (reading.parse_status, &reading.fields)
            {
                let why = format!(
                    "the model called the tool more than once, and the calls contradict each \
                     other: {}, but {}",
                    shown(json),
                    shown(call)
                );
                return self.failed(&calls.join("\n"), why, false, circumstances);
            }
            if reading.validation_passed {
                valid = Some((reading, call));
            } else {
                last = Some(reading);
            }
        }
        match (valid, last) {
            (Some((reading, _)), _) | (None, Some(reading)) => reading,
            (None, None) => self.unanswered("the model returned no content".to_owned()),
        }
    }
}
