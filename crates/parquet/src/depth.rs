//! Finds how deeply the columns of a footer are nested, and how long their names are with those of the groups
//! around them, before the footer is decoded.
//!
//! The decoder builds schemas by recursion and overflows the stack of its thread at more than a
//! hundred thousand nested groups, which fit into a file of a megabyte. It copies the names of all groups around a
//! column for each column. Therefore the list of schema elements is walked first. Only the parts of the footer that
//! lead there are read.

use crate::thrift::{LIST, STRUCT, Thrift};

/// The deepest nesting of groups, counted as in Parquet: a list counts twice. Schemas and rows are walked by
/// recursion, and in a program without optimisation, the encoder uses up to 40 kB of stack for each level.
/// The threads that write a result have 2 MiB.
pub(crate) const MAX_GROUPS: usize = 40;

/// The most bytes that the names of all columns have, each with those of the groups around it.
pub(crate) const MAX_NAME_BYTES: u64 = 16 << 20;

/// How deeply the columns of a footer are nested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Nesting {
    /// No column is nested too deeply.
    Fine,
    /// This column is, the first one.
    TooDeep(String),
    /// A group claims more members than there are. The decoder would allocate memory for all of them.
    ClaimsTooMany(u64),
    /// The groups have other numbers of members than they claim.
    Contradicting,
    /// The names of the columns have so many bytes, each with those of the groups around it. The decoder copies them
    /// for each column.
    LongNames(u64),
}

impl Nesting {
    /// Walks encoded metadata whose fields have the types of the format.
    pub(crate) fn of(encoded: &[u8]) -> Self {
        of_metadata(encoded).unwrap_or(Self::Contradicting)
    }
}

/// Returns `None` if the bytes cannot be walked.
fn of_metadata(encoded: &[u8]) -> Option<Nesting> {
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
fn schema(thrift: &mut Thrift<'_>) -> Option<Nesting> {
    let (count, kind) = thrift.list()?;
    if kind != STRUCT {
        return None;
    }
    // For each group around the next element, the number of its members that are still to come, and the bytes of
    // its name and of those around it.
    let mut open: Vec<(u64, u64)> = Vec::new();
    let mut names = 0;
    let mut column = String::new();
    for element_number in 1..=count {
        let (name, members) = element(thrift)?;
        if members > count - element_number {
            return Some(Nesting::ClaimsTooMany(members));
        }
        // The name of the root is not shown.
        let mut path = 0;
        if let Some((left, around)) = open.last_mut() {
            *left = left.checked_sub(1)?;
            path = *around + name.len() as u64;
        }
        if open.len() == 1 {
            column = name;
        }
        if members > 0 {
            // The root is a group too.
            if open.len() > MAX_GROUPS {
                return Some(Nesting::TooDeep(column));
            }
            open.push((members, path));
        } else {
            names += path;
        }
        while open.last().is_some_and(|(left, _)| *left == 0) {
            open.pop();
        }
    }
    Some(if names > MAX_NAME_BYTES {
        Nesting::LongNames(names)
    } else {
        Nesting::Fine
    })
}

/// Returns the name and the number of members of a schema element.
fn element(thrift: &mut Thrift<'_>) -> Option<(String, u64)> {
    let (mut name, mut members) = (String::new(), 0);
    let mut field = 0;
    while let Some((id, kind)) = thrift.field(field)? {
        field = id;
        match (id, kind) {
            (4, 8) => name = String::from_utf8_lossy(thrift.binary()?).into_owned(),
            (5, 4..=6) => members = u64::try_from(thrift.signed_32()?).unwrap_or_default(),
            _ => thrift.pass(kind, 0)?,
        }
    }
    Some((name, members))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder takes the last 32 bits of the number, which are positive here although all of it is not.
    #[test]
    fn a_number_of_members_that_is_longer_than_32_bits_is_read_as_the_decoder_reads_it() {
        let claims = b"\x15\x02\x19\x2c\x48\x01\x00\x15\xd9\xd9\xd9\xd9\xd9\xd9\x00\x00";
        assert_eq!(Nesting::of(claims), Nesting::ClaimsTooMany(845_466_003));
    }
}
