//! What answers are called on a page about a run.

use quarry_result::summary::Summary;

/// What the page calls the answers that count. Without a schema, no answer is checked, so none is good or valid.
pub(super) struct AnswerWords {
    /// Whether answers are checked.
    pub(super) has_schema: bool,
    /// One of them.
    pub(super) one: &'static str,
    /// Many of them, at the beginning of a title.
    pub(super) many: &'static str,
}

impl AnswerWords {
    pub(super) fn of(summary: &Summary) -> Self {
        if summary.schema_source.is_some() {
            return Self {
                has_schema: true,
                one: "a good answer",
                many: "Good answers",
            };
        }
        Self {
            has_schema: false,
            one: "an answer",
            many: "Answers",
        }
    }
}
