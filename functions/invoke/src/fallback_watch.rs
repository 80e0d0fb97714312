//! Noticing that the service refuses the fallback model as a whole.
//!
//! The fallback model gets the records that the run's model refused. Suppose that the first of them
//! all get the same refusal and no record gets an answer, and that the refusal names a part of the
//! request for which there is an alternative. Then the other records would be refused too: they are
//! not sent, and their lines carry the same words. `merge` then sends them to the fallback model in
//! the alternative form.

use quarry_contract::plan::REFUSED_RECORDS;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the fallback model's first replies show.
#[derive(Debug)]
pub(crate) struct FallbackWatch(Mutex<Replies>);

#[derive(Debug)]
enum Replies {
    /// So far, the model refused every record with the same code and words.
    Refusals {
        refusal: (u16, String),
        records: u64,
    },
    /// No reply yet.
    None,
    /// The service accepts such records, or refuses them for reasons of their own.
    Passed,
}

impl Default for FallbackWatch {
    fn default() -> Self {
        Self(Mutex::new(Replies::None))
    }
}

impl FallbackWatch {
    /// Records an answer.
    pub(crate) fn answered(&self) {
        *self.replies() = Replies::Passed;
    }

    /// Records a refusal.
    pub(crate) fn refused(&self, code: u16, words: &str) {
        let mut replies = self.replies();
        match &mut *replies {
            Replies::None => {
                *replies = Replies::Refusals {
                    refusal: (code, words.to_owned()),
                    records: 1,
                };
            }
            Replies::Refusals { refusal, records } if refusal.0 == code && refusal.1 == words => {
                *records += 1;
            }
            Replies::Refusals { .. } => *replies = Replies::Passed,
            Replies::Passed => {}
        }
    }

    /// Returns the code and words with which the model refuses every record, once that is known.
    pub(crate) fn refusal(&self) -> Option<(u16, String)> {
        match &*self.replies() {
            Replies::Refusals { refusal, records } if *records >= REFUSED_RECORDS => {
                Some(refusal.clone())
            }
            _ => None,
        }
    }

    /// A panic elsewhere cannot leave the replies half written.
    fn replies(&self) -> MutexGuard<'_, Replies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_times_the_same_refusal_is_that_of_every_record() {
        let watch = FallbackWatch::default();
        for _ in 0..REFUSED_RECORDS {
            assert_eq!(watch.refusal(), None);
            watch.refused(400, "no");
        }
        assert_eq!(watch.refusal(), Some((400, "no".to_owned())));
    }

    #[test]
    fn an_answer_or_another_refusal_ends_the_watch() {
        let of_answer = FallbackWatch::default();
        of_answer.answered();
        let of_another = FallbackWatch::default();
        of_another.refused(400, "another");
        for watch in [of_answer, of_another] {
            for _ in 0..=REFUSED_RECORDS {
                watch.refused(400, "no");
            }
            assert_eq!(watch.refusal(), None);
        }
    }
}
