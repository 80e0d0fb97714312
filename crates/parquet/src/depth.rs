//! Finds how deeply the columns of a footer are nested, before the footer is decoded.
//!
//! The decoder builds schemas by recursion and overflows the stack of its thread at more than a
//! hundred thousand nested groups, which fit into a file of a megabyte. Therefore the list of
//! schema elements is walked first. Only the parts of the footer that lead there are read.

use crate::thrift::{LIST, STRUCT, Thrift};

/// The deepest nesting of groups, counted as in Parquet: a list counts twice. Schemas are walked by
/// recursion, and the encoder uses some kilobytes of stack for each level.
pub(crate) const MAX_GROUPS: usize = 63;

/// How deeply the columns of a footer are nested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Nesting {
    /// No column is nested too deeply.
    Fine,
    /// This column is, the first one.
    TooDeep(String),
    /// The bytes are no metadata, or only the decoder can read them.
    Unknown,
}

impl Nesting {
    /// Walks encoded metadata.
    pub(crate) fn of(encoded: &[u8]) -> Self {
        match first_too_deep(encoded) {
            None => Self::Unknown,
            Some(None) => Self::Fine,
            Some(Some(column)) => Self::TooDeep(column),
        }
    }
}

/// Returns the name of the first column that is nested too deeply; `None` if the bytes cannot be
/// walked.
#[expect(
    clippy::option_option,
    reason = "the outer one says that the bytes are no metadata, the inner one that no column is too deep"
)]
fn first_too_deep(encoded: &[u8]) -> Option<Option<String>> {
    let mut thrift = Thrift::new(encoded);
    let mut field = 0;
    while let Some((id, kind)) = thrift.field(field)? {
        field = id;
        if id == 2 && kind == LIST {
            return schema(&mut thrift);
        }
        thrift.pass(kind, 0)?;
    }
    None
}

/// Walks the schema's elements, in which parents precede their members.
#[expect(clippy::option_option, reason = "as in `first_too_deep`")]
fn schema(thrift: &mut Thrift<'_>) -> Option<Option<String>> {
    let (count, kind) = thrift.list()?;
    if kind != STRUCT {
        return None;
    }
    // For each group around the next element, the number of its members that are still to come.
    let mut open: Vec<u64> = Vec::new();
    let mut column = String::new();
    for _ in 0..count {
        let (name, members) = element(thrift)?;
        if let Some(left) = open.last_mut() {
            *left = left.checked_sub(1)?;
        }
        if open.len() == 1 {
            column = name;
        }
        if members > 0 {
            // The root is a group too.
            if open.len() > MAX_GROUPS {
                return Some(Some(column));
            }
            open.push(members);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Some(None)
}

/// Returns the name and the number of members of a schema element.
fn element(thrift: &mut Thrift<'_>) -> Option<(String, u64)> {
    let (mut name, mut members) = (String::new(), 0);
    let mut field = 0;
    while let Some((id, kind)) = thrift.field(field)? {
        field = id;
        match (id, kind) {
            (4, 8) => name = String::from_utf8_lossy(thrift.binary()?).into_owned(),
            (5, 4..=6) => members = u64::try_from(thrift.signed()?).unwrap_or_default(),
            _ => thrift.pass(kind, 0)?,
        }
    }
    Some((name, members))
}
