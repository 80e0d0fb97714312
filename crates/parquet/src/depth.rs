//! Finds how deeply the columns of a footer are nested, before the footer is decoded.
//!
//! The decoder builds schemas by recursion and overflows the stack of its thread at more than a
//! hundred thousand nested groups, which fit into a file of a megabyte. Therefore the list of
//! schema elements is walked first, in Thrift's compact form
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>). Only the
//! parts of that form that lead there are read.

/// The deepest nesting of groups, counted as in Parquet: a list counts twice. Schemas are walked by
/// recursion, and the encoder uses some kilobytes of stack for each level.
pub(crate) const MAX_GROUPS: usize = 63;

/// The deepest nesting of skipped structs of the footer. Those of the format are nested six deep.
const MAX_STRUCTS: usize = 32;

const BOOLEAN: [u8; 2] = [1, 2];
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Returns the name of the first column that is nested too deeply, in encoded metadata. `None` also
/// for bytes that are not metadata, about which the decoder can say more.
pub(crate) fn too_deep(encoded: &[u8]) -> Option<String> {
    let mut thrift = Thrift { rest: encoded };
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
fn schema(thrift: &mut Thrift<'_>) -> Option<String> {
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
                return Some(column);
            }
            open.push(members);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    None
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

/// Bytes in the compact form. Every method returns `None` if the bytes are invalid.
struct Thrift<'a> {
    rest: &'a [u8],
}

impl<'a> Thrift<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        let half = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 0 { half } else { -half - 1 })
    }

    fn binary(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// Returns the number and type of the next field, after the field numbered `before`;
    /// `Some(None)` at the end of the struct.
    #[expect(
        clippy::option_option,
        reason = "the outer one says that the bytes are no fields, the inner one that there are no more"
    )]
    fn field(&mut self, before: i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let (step, kind) = (byte >> 4, byte & 0x0f);
        let id = if step == 0 {
            self.signed()?
        } else {
            before.checked_add(i64::from(step))?
        };
        Some(Some((id, kind)))
    }

    /// Returns the number and type of a list's items.
    fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        Some((count, byte & 0x0f))
    }

    /// Skips the value of a field.
    fn pass(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MAX_STRUCTS {
            return None;
        }
        match kind {
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=6 => drop(self.varint()?),
            7 => drop(self.take(8)?),
            8 => drop(self.binary()?),
            LIST | 10 => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    self.pass_item(kind, depth)?;
                }
            }
            11 => {
                let count = self.varint()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                for _ in 0..count {
                    self.pass_item(kinds >> 4, depth)?;
                    self.pass_item(kinds & 0x0f, depth)?;
                }
            }
            STRUCT => {
                let mut field = 0;
                while let Some((id, kind)) = self.field(field)? {
                    field = id;
                    self.pass(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Skips an item of a list or map, in which a boolean takes one byte.
    fn pass_item(&mut self, kind: u8, depth: usize) -> Option<()> {
        if BOOLEAN.contains(&kind) {
            self.byte().map(drop)
        } else {
            self.pass(kind, depth + 1)
        }
    }
}
