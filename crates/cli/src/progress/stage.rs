//! What a run is doing as a whole.

/// What a run is doing as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ShownStage {
    #[default]
    Copying,
    Planning,
    Asking,
    Finished,
}
