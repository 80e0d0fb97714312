//! The stage of the whole run, for the bar.

/// The stage of the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ShownStage {
    #[default]
    Copying,
    Planning,
    Asking,
    Finished,
}
