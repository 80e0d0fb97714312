//! What the envelope of an answer says about its text.

use quarry_model::{AnswerEnd, ModelAnswer};
use quarry_validation::cut;

/// The longest stop reason that a message shows, in bytes.
const LONGEST_STOP_REASON: usize = 100;

/// How an answer came about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Circumstances<'a> {
    /// The `{` of the answer was given to the model.
    pub(crate) prefilled: bool,
    end: AnswerEnd,
    stop_reason: &'a str,
}

impl<'a> Circumstances<'a> {
    pub(crate) fn of(answer: &'a ModelAnswer<'_>) -> Self {
        Self {
            prefilled: false,
            end: answer.end(),
            stop_reason: answer.stop_reason.as_deref().unwrap_or_default(),
        }
    }

    pub(crate) const fn with_prefill(self, prefilled: bool) -> Self {
        Self { prefilled, ..self }
    }

    /// Whether a limit on tokens stopped the model.
    pub(crate) fn is_cut_off(self) -> bool {
        self.end == AnswerEnd::AtLimit
    }

    /// Whether something other than a limit stopped the model before it was done.
    pub(crate) fn is_interrupted(self) -> bool {
        self.end == AnswerEnd::Interrupted
    }

    /// Whether the answer may lack its end. An unknown stop reason counts: what was added to the
    /// list of the service's reasons so far meant nearly always that the model was not done.
    pub(crate) fn may_lack_end(self) -> bool {
        self.end != AnswerEnd::Complete
    }

    /// Returns a problem of the answer together with what the stop reason says about it.
    pub(crate) fn explained(self, problem: String) -> String {
        let reason = || cut(self.stop_reason.to_owned(), LONGEST_STOP_REASON);
        match self.end {
            AnswerEnd::Complete => problem,
            AnswerEnd::AtLimit if self.is_context_full() => {
                format!("answer was cut off because the context window was full; {problem}")
            }
            AnswerEnd::AtLimit => format!("answer was cut off at the token limit; {problem}"),
            AnswerEnd::Interrupted => {
                format!("answer was cut off (stop reason {}); {problem}", reason())
            }
            AnswerEnd::Unknown => format!(
                "answer may be cut off (unknown stop reason {}); {problem}",
                reason()
            ),
        }
    }

    /// Whether the model's context window was full, which a higher limit on the answer's tokens does
    /// not change.
    pub(crate) fn is_context_full(self) -> bool {
        ["model_context_window_exceeded", "model_length"]
            .iter()
            .any(|reason| self.stop_reason.eq_ignore_ascii_case(reason))
    }
}
