//! Reads Thrift's compact form
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>) as far as
//! footers and page headers have to be looked at before the decoder allocates what they claim.

use crate::varint;

/// The deepest nesting of skipped structs. Those of the format are nested six deep.
const MAX_STRUCTS: usize = 32;

pub(crate) const BOOLEAN: [u8; 2] = [1, 2];
pub(crate) const BYTE: u8 = 3;
pub(crate) const SHORT: u8 = 4;
pub(crate) const INTEGER: u8 = 5;
pub(crate) const LONG: u8 = 6;
pub(crate) const DOUBLE: u8 = 7;
pub(crate) const BINARY: u8 = 8;
pub(crate) const LIST: u8 = 9;
pub(crate) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Bytes in the compact form. Every method returns `None` if the bytes are invalid.
pub(crate) struct Thrift<'a> {
    rest: &'a [u8],
}

impl<'a> Thrift<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the number of bytes that are not read yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        varint::unsigned(&mut self.rest)
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        varint::signed(&mut self.rest)
    }

    /// Reads an integer of 32 bits. Of a longer one, the last 32 bits count, as in the decoder.
    pub(crate) fn signed_32(&mut self) -> Option<i32> {
        let low = self.signed()?.cast_unsigned() & u64::from(u32::MAX);
        Some(u32::try_from(low).ok()?.cast_signed())
    }

    /// Reads an integer of 16 bits. Of a longer one, the last 16 bits count, as in the decoder.
    fn signed_16(&mut self) -> Option<i16> {
        let low = self.signed()?.cast_unsigned() & u64::from(u16::MAX);
        Some(u16::try_from(low).ok()?.cast_signed())
    }

    pub(crate) fn binary(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// Returns the number and type of the next field, after the field numbered `before`;
    /// `Some(None)` at the end of the struct.
    #[expect(
        clippy::option_option,
        reason = "the outer one says that the bytes are no fields, the inner one that there are no more"
    )]
    pub(crate) fn field(&mut self, before: i16) -> Option<Option<(i16, u8)>> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 0x0f);
        // Whatever the step is, as the decoder has it.
        if kind == 0 {
            return Some(None);
        }
        let id = if step == 0 {
            self.signed_16()?
        } else {
            before.checked_add(i16::from(step))?
        };
        Some(Some((id, kind)))
    }

    /// Returns the number and type of a list's items.
    pub(crate) fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        Some((count, byte & 0x0f))
    }

    /// Skips the value of a field. Lists and maps of booleans cannot be skipped.
    pub(crate) fn pass(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MAX_STRUCTS {
            return None;
        }
        match kind {
            1 | 2 => {}
            BYTE => drop(self.byte()?),
            SHORT..=LONG => drop(self.varint()?),
            DOUBLE => drop(self.take(8)?),
            BINARY => drop(self.binary()?),
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
            UUID => drop(self.take(16)?),
            _ => return None,
        }
        Some(())
    }

    /// Skips an item of a list or map. There, a boolean takes one byte, but the decoder reads none. What it
    /// would read after that is unknown, and no list that it skips has booleans, so they are refused.
    fn pass_item(&mut self, kind: u8, depth: usize) -> Option<()> {
        (!BOOLEAN.contains(&kind)).then(|| self.pass(kind, depth + 1))?
    }
}
