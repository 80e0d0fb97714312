//! Compares bytes with the structs of the format before they are decoded.
//!
//! The decoder reads a field that it knows as the type that it expects, whatever type the bytes name, and
//! passes over a list of booleans without reading a byte for each. So it may take made-up bytes for lists of
//! billions of items. It reads bytes that are accepted here as they are walked here, so their size bounds the
//! time that decoding takes, and the memory is known before it.

use crate::grammar::{FieldForm, StructForm, ValueForm};
use crate::thrift::{BINARY, BOOLEAN, BYTE, DOUBLE, INTEGER, LIST, LONG, SHORT, STRUCT, Thrift};
use bytes::Bytes;
use std::ops::Range;

/// The most memory for what a footer is decoded to, in bytes: 256 MiB. It suffices for the column chunks of the
/// longest footer that is written.
pub(crate) const MAX_METADATA_BYTES: u64 = 256 << 20;

/// The memory for a list without its items, in bytes.
const LIST_BYTES: u64 = 24;

/// What a struct of the format has, beside the right types.
#[derive(Debug, Default)]
pub(crate) struct CheckedForm {
    /// The memory that it takes when it is decoded, in bytes, without texts.
    pub(crate) decoded_bytes: u64,
    /// Where the bytes name another type for the items of an empty list, and the byte that names the right
    /// one. Not all of them are here if it cannot be decoded.
    empty_lists: Vec<(usize, u8)>,
    /// Where notes are that are no text. Not all of them are here if it cannot be decoded.
    unreadable_notes: Vec<Range<usize>>,
}

impl CheckedForm {
    /// Whether it takes no more memory than a footer may.
    pub(crate) fn can_be_decoded(&self) -> bool {
        self.decoded_bytes <= MAX_METADATA_BYTES
    }

    /// Returns the bytes that were checked, as the decoder reads them: with the right types in empty lists, and
    /// with zeros for notes that are no text. fastparquet writes no type for an empty list, which the decoder
    /// takes for a wrong one.
    pub(crate) fn readable(&self, checked: Bytes) -> Bytes {
        if self.empty_lists.is_empty() && self.unreadable_notes.is_empty() {
            return checked;
        }
        let mut readable = Vec::from(checked);
        for (at, byte) in &self.empty_lists {
            readable[*at] = *byte;
        }
        for note in &self.unreadable_notes {
            readable[note.clone()].fill(0);
        }
        readable.into()
    }
}

impl StructForm {
    /// Checks that the bytes begin with such a struct. The error says what is wrong, and at which
    /// byte, counted from 0.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<CheckedForm, String> {
        let mut walk = FormWalk {
            bytes,
            thrift: Thrift::new(bytes),
            found: CheckedForm::default(),
        };
        walk.pass_struct(self)?;
        Ok(walk.found)
    }
}

struct FormWalk<'a> {
    bytes: &'a [u8],
    thrift: Thrift<'a>,
    found: CheckedForm,
}

impl FormWalk<'_> {
    fn at(&self) -> usize {
        self.bytes.len() - self.thrift.left()
    }

    fn pass_struct(&mut self, form: &StructForm) -> Result<(), String> {
        let mut before = 0;
        // A bit for each known field.
        let mut seen = 0_u32;
        loop {
            let at = self.at();
            let field = self.thrift.field(before);
            let field = field.ok_or_else(|| format!("byte {at}: {} does not end", form.name))?;
            let Some((id, kind)) = field else {
                break;
            };
            before = id;
            let known = form.fields.iter().position(|field| field.id == id);
            let Some(index) = known else {
                let passed = self.thrift.pass(kind, 0);
                passed.ok_or_else(|| {
                    format!(
                        "byte {at}: field {id} of {} cannot be passed over",
                        form.name
                    )
                })?;
                continue;
            };
            seen |= 1 << index;
            let field = &form.fields[index];
            self.pass(&field.value, kind, || {
                format!("{} of {} (field {id})", field.name, form.name)
            })?;
        }
        let is_missing =
            |(index, field): &(usize, &FieldForm)| field.is_required && seen & 1 << index == 0;
        match form.fields.iter().enumerate().find(is_missing) {
            Some((_, field)) => Err(format!(
                "byte {}: {} has no {} (field {})",
                self.at(),
                form.name,
                field.name,
                field.id
            )),
            None => Ok(()),
        }
    }

    /// Passes over a value of this form, which the bytes say is of this kind.
    fn pass(
        &mut self,
        form: &ValueForm,
        kind: u8,
        name: impl Fn() -> String + Copy,
    ) -> Result<(), String> {
        let at = self.at();
        if !form.is_of(kind) {
            return Err(format!("byte {at}: {} is no {}", name(), form.noun()));
        }
        match form {
            ValueForm::Struct(form) => return self.pass_struct(form),
            ValueForm::List(item, item_bytes) => return self.pass_list(item, *item_bytes, name),
            ValueForm::Note => return self.pass_note(name),
            _ => {}
        }
        let passed = self.thrift.pass(kind, 0);
        passed.ok_or_else(|| cut_off(at, name))
    }

    fn pass_note(&mut self, name: impl Fn() -> String + Copy) -> Result<(), String> {
        let at = self.at();
        let note = self.thrift.binary();
        let note = note.ok_or_else(|| cut_off(at, name))?;
        if std::str::from_utf8(note).is_err() && self.found.can_be_decoded() {
            let end = self.at();
            self.found.unreadable_notes.push(end - note.len()..end);
        }
        Ok(())
    }

    fn pass_list(
        &mut self,
        item: &ValueForm,
        item_bytes: u64,
        name: impl Fn() -> String + Copy,
    ) -> Result<(), String> {
        let at = self.at();
        let list = self.thrift.list();
        let (count, kind) = list.ok_or_else(|| cut_off(at, name))?;
        if count > self.thrift.left() as u64 {
            return Err(format!(
                "byte {at}: {} claims {count} items, and {} bytes are left",
                name(),
                self.thrift.left()
            ));
        }
        self.found.decoded_bytes += LIST_BYTES + count * item_bytes;
        if count == 0 && kind != item.kind() && self.found.can_be_decoded() {
            // The upper half of the byte says how the number of items is written.
            let number = self.bytes[at] & 0xf0;
            self.found.empty_lists.push((at, number | item.kind()));
        }
        for _ in 0..count {
            self.pass(item, kind, name)?;
        }
        Ok(())
    }
}

/// Returns the error about a value that ends after the bytes do.
fn cut_off(at: usize, name: impl Fn() -> String) -> String {
    format!("byte {at}: {} is not there as a whole", name())
}

impl ValueForm {
    /// Thrift's number for the type of items in a list.
    fn kind(&self) -> u8 {
        match self {
            Self::Boolean => BOOLEAN[1],
            Self::Byte => BYTE,
            Self::Integer => INTEGER,
            Self::Long => LONG,
            Self::Double => DOUBLE,
            Self::Bytes | Self::Note => BINARY,
            Self::Struct(_) => STRUCT,
            Self::List(..) => LIST,
        }
    }

    /// Whether Thrift's number for a type is this type.
    fn is_of(&self, kind: u8) -> bool {
        match self {
            Self::Boolean => BOOLEAN.contains(&kind),
            Self::Integer | Self::Long => (SHORT..=LONG).contains(&kind),
            other => kind == other.kind(),
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Byte => "byte",
            Self::Integer | Self::Long => "integer",
            Self::Double => "double",
            Self::Bytes | Self::Note => "text or bytes",
            Self::Struct(_) => "struct",
            Self::List(..) => "list of the right type",
        }
    }
}
