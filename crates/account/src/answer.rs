//! Turns the response of a service into a fact.

use quarry_edge::failure::{Failure, Kind};
use quarry_preflight::{Fact, Why};

/// Returns a fact: known, absent, or unreadable.
pub(crate) fn fact<T>(answer: Result<T, Failure>) -> Fact<T> {
    match answer {
        Ok(thing) => Fact::Known(thing),
        Err(failure) if failure.kind == Kind::NotFound => Fact::Absent,
        Err(failure) => unreadable(&failure),
    }
}

/// Returns the fact that something could not be read, and why.
pub(crate) fn unreadable<T>(failure: &Failure) -> Fact<T> {
    Fact::Unreadable(Why {
        denied: failure.kind == Kind::AccessDenied,
        message: failure.to_string(),
    })
}
