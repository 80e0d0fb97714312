//! The two results of a comparison.

use serde::Serialize;

/// One thing of each of the two results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sides<T> {
    /// Of the first result.
    pub a: T,
    /// Of the second result.
    pub b: T,
}

impl<T> Sides<T> {
    /// Returns both, borrowed.
    pub fn each(&self) -> Sides<&T> {
        Sides {
            a: &self.a,
            b: &self.b,
        }
    }

    /// Applies `f` to both.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Sides<U> {
        Sides {
            a: f(self.a),
            b: f(self.b),
        }
    }
}
