//! What a stop reason says about the end of an answer.

/// How an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnswerEnd {
    /// The model was done, or the output does not say why it stopped.
    #[default]
    Complete,
    /// The model reached its limit on tokens, or its context window was full.
    AtLimit,
    /// Something else stopped the model before it was done.
    Interrupted,
    /// The stop reason is not one of those that are known, so the model may have been stopped.
    Unknown,
}

const COMPLETE: [&str; 14] = [
    "end_turn",
    "stop",
    "stop_sequence",
    "tool_use",
    "tool_calls",
    "tool_call",
    "function_call",
    "complete",
    "completed",
    "finish",
    "finished",
    "stop_criteria_met",
    "eos_token",
    "endoftext",
];

const AT_LIMIT: [&str; 5] = [
    "max_tokens",
    "length",
    "max_output_tokens",
    "model_length",
    "model_context_window_exceeded",
];

const INTERRUPTED: [&str; 5] = [
    "pause_turn",
    "user_cancel",
    "error",
    "error_limit",
    "cancelled",
];

impl AnswerEnd {
    /// Returns what a stop reason means, in upper or lower case.
    pub(super) fn of(stop_reason: Option<&str>) -> Self {
        let Some(stop) = stop_reason.filter(|stop| !stop.trim().is_empty()) else {
            return Self::Complete;
        };
        let is = |reasons: &[&str]| {
            let mut reasons = reasons.iter();
            reasons.any(|reason| stop.eq_ignore_ascii_case(reason))
        };
        if is(&COMPLETE) {
            Self::Complete
        } else if is(&AT_LIMIT) {
            Self::AtLimit
        } else if is(&INTERRUPTED) {
            Self::Interrupted
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_reason_says_whether_the_model_was_done() {
        for (stop, end) in [
            (None, AnswerEnd::Complete),
            (Some(""), AnswerEnd::Complete),
            (Some("end_turn"), AnswerEnd::Complete),
            (Some("FINISH"), AnswerEnd::Complete),
            (Some("COMPLETE"), AnswerEnd::Complete),
            (Some("tool_calls"), AnswerEnd::Complete),
            (Some("MAX_TOKENS"), AnswerEnd::AtLimit),
            (Some("length"), AnswerEnd::AtLimit),
            (Some("model_context_window_exceeded"), AnswerEnd::AtLimit),
            (Some("pause_turn"), AnswerEnd::Interrupted),
            (Some("some_new_reason"), AnswerEnd::Unknown),
        ] {
            assert_eq!(AnswerEnd::of(stop), end, "{stop:?}");
        }
    }
}
