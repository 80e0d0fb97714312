//! Noticing that the service refuses a round as a whole.
//!
//! When the first records of a round all get the same permanent error and no record gets an answer,
//! the rest would get the same error. `invoke` then leaves the round, and `merge` decides whether
//! another form of the request is tried or the run ends. The breaker reads the stored lines, so a
//! repeated step knows what an earlier one saw.

use quarry_answer::LineBody;
use quarry_contract::plan::REFUSED_RECORDS;
use quarry_result::refusals::Refusals;

/// What the first lines of a round show.
pub(crate) enum Breaker {
    /// So far, the service refused every record with the same words.
    Watching { refusals: Refusals, records: u64 },
    /// The service accepts records of this round, or refuses them for reasons of their own.
    Passed,
}

impl Breaker {
    /// Watches a round from its beginning. `is_taken` says that the service is known to accept
    /// records in the round's form.
    pub(crate) fn new(is_taken: bool) -> Self {
        if is_taken {
            Self::Passed
        } else {
            Self::Watching {
                refusals: Refusals::default(),
                records: 0,
            }
        }
    }

    /// Returns how many more records may be sent before it is known whether the service accepts
    /// any; `None` when it is known.
    pub(crate) fn room(&self) -> Option<u64> {
        match self {
            Self::Watching { records, .. } => Some(REFUSED_RECORDS.saturating_sub(*records)),
            Self::Passed => None,
        }
    }

    /// Whether the service refuses the round as a whole.
    pub(crate) fn is_refused(&self) -> bool {
        self.room() == Some(0)
    }

    /// Takes in the next lines of the round. Transient errors (throttling, an internal error) say
    /// nothing about the form of the records.
    pub(crate) fn look_at(&mut self, lines: &[u8]) {
        let lines = lines.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            let Self::Watching { refusals, records } = self else {
                return;
            };
            let line = quarry_answer::read_line(line);
            // The service begins a reply only if it accepts the record.
            if line.as_ref().is_ok_and(|line| line.lost_replies > 0) {
                *self = Self::Passed;
                return;
            }
            match line.map(|line| line.body) {
                Ok(LineBody::Error(error)) if error.is_final() => {
                    refusals.add(0, &error);
                    *records += 1;
                    if refusals.only().is_none() {
                        *self = Self::Passed;
                    }
                }
                Ok(LineBody::Error(_)) => {}
                _ => *self = Self::Passed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(body: &serde_json::Value) -> Vec<u8> {
        let mut line = json!({"recordId": "r"});
        line.as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        format!("{line}\n").into_bytes()
    }

    fn error(code: u16, words: &str) -> Vec<u8> {
        line(&json!({"error": {"errorCode": code, "errorMessage": words}}))
    }

    #[test]
    fn twenty_times_the_same_final_error_is_a_refused_round() {
        let mut breaker = Breaker::new(false);
        for asked in 0..REFUSED_RECORDS {
            assert_eq!(breaker.room(), Some(REFUSED_RECORDS - asked));
            assert!(!breaker.is_refused());
            breaker.look_at(&error(400, "no"));
            breaker.look_at(&error(503, "busy"));
        }
        assert!(breaker.is_refused());
    }

    #[test]
    fn an_answer_another_error_or_an_accepted_form_ends_the_watch() {
        let answer = line(&json!({"modelOutput": {}}));
        let lost = line(&json!({"error": {"errorCode": 502}, "lostReplies": 1}));
        for second in [answer, lost, error(400, "another")] {
            let mut breaker = Breaker::new(false);
            breaker.look_at(&[error(400, "no"), second].concat());
            for _ in 0..REFUSED_RECORDS {
                breaker.look_at(&error(400, "no"));
            }
            assert_eq!(breaker.room(), None);
            assert!(!breaker.is_refused());
        }
        assert_eq!(Breaker::new(true).room(), None);
    }
}
