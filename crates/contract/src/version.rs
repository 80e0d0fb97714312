//! The version of payloads and documents.

/// The version of every payload and stored document.
pub const VERSION: u32 = 1;

/// A payload or a file that another version of Quarry wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} has version {version}; this is version {VERSION} of Quarry")]
pub struct OtherVersion {
    /// The payload or the file, for people.
    pub what: String,
    /// Its version.
    pub version: u32,
}

/// Checks that something has this version. `what` names it in the error.
pub fn check_version(what: impl Into<String>, version: u32) -> Result<(), OtherVersion> {
    if version == VERSION {
        return Ok(());
    }
    Err(OtherVersion {
        what: what.into(),
        version,
    })
}
