//! What a target is.

/// A parser, with what it promises for any input.
#[derive(Debug, Clone, Copy)]
pub struct FuzzTarget {
    /// The name of the file in `fuzz/fuzz_targets` and of the folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Panics if the parser breaks a promise for this input.
    pub check: fn(&[u8]),
    /// Pieces of text that mean something to the parser, for changing inputs.
    pub words: &'static [&'static str],
}
