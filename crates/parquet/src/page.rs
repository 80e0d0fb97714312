//! What a page is, before it is read and unpacked.
//!
//! A footer tells only how large the pages of a column chunk are together. A cell of 500 MB among
//! short ones is stored in some KB, and the decoder would take what the page's header claims.

use crate::grammar::PAGE_HEADER;
use crate::thrift::{STRUCT, Thrift};

/// The largest page that is unpacked, in bytes: as long as a row may be. A page is in memory as a
/// whole.
pub(crate) const MAX_PAGE_BYTES: u64 = quarry_table::MAX_ROW_BYTES as u64;

/// The longest header of a page, in bytes. Only headers with statistics have more than some dozens.
pub(crate) const MAX_HEADER_BYTES: u64 = 16 << 20;

/// The type of a page that is a dictionary, as a header has it.
const DICTIONARY: i32 = 2;

/// The numbers of the parts of a header that describe the values.
const DATA_PAGE: i16 = 5;
const DICTIONARY_PAGE: i16 = 7;
const DATA_PAGE_V2: i16 = 8;

/// `DELTA_LENGTH_BYTE_ARRAY` and `DELTA_BYTE_ARRAY`.
const TEXT_LENGTHS: [i32; 2] = [6, 7];

/// What the header of a page says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSize {
    /// Its size, packed or unpacked, whichever is greater.
    pub(crate) bytes: u64,
    /// Whether the values of the other pages of its column are in it.
    pub(crate) is_dictionary: bool,
    /// The number of its values, nulls included.
    pub(crate) values: u64,
    /// Whether its values are texts that begin with the lengths of all of them.
    pub(crate) has_text_lengths: bool,
}

impl PageSize {
    /// Reads the header that begins the bytes. `None` if the header is not there as a whole, or
    /// is none.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        PAGE_HEADER.check(bytes).ok()?;
        let mut thrift = Thrift::new(bytes);
        let (mut field, mut size, mut is_dictionary) = (0, None, false);
        let (mut values, mut has_text_lengths) = (0, false);
        while let Some((id, kind)) = thrift.field(field)? {
            field = id;
            match (id, kind) {
                (1, 4..=6) => is_dictionary = thrift.signed_32()? == DICTIONARY,
                // The unpacked and the packed size. A negative one is refused by the decoder.
                (2 | 3, 4..=6) => {
                    let found = u64::try_from(thrift.signed_32()?).unwrap_or_default();
                    size = size.max(Some(found));
                }
                (DATA_PAGE | DICTIONARY_PAGE | DATA_PAGE_V2, STRUCT) => {
                    let contents = Contents::read(&mut thrift, id)?;
                    values = contents.values.max(values);
                    has_text_lengths |= TEXT_LENGTHS.contains(&contents.encoding);
                }
                _ => thrift.pass(kind, 0)?,
            }
        }
        let bytes = size?;
        Some(Self {
            bytes,
            is_dictionary,
            values,
            has_text_lengths,
        })
    }
}

/// What a header says of the values of its page.
struct Contents {
    values: u64,
    encoding: i32,
}

impl Contents {
    /// Reads the part of a header with this number.
    fn read(thrift: &mut Thrift<'_>, part: i16) -> Option<Self> {
        let encoding_field = if part == DATA_PAGE_V2 { 4 } else { 2 };
        let (mut field, mut values, mut encoding) = (0, 0, 0);
        while let Some((id, kind)) = thrift.field(field)? {
            field = id;
            match (id, kind) {
                // A negative number is refused by the decoder.
                (1, 4..=6) => values = u64::try_from(thrift.signed_32()?).unwrap_or_default(),
                (id, 4..=6) if id == encoding_field => encoding = thrift.signed_32()?,
                _ => thrift.pass(kind, 1)?,
            }
        }
        Some(Self { values, encoding })
    }
}

#[cfg(test)]
mod tests {
    use super::PageSize;

    fn size(bytes: &[u8]) -> Option<u64> {
        PageSize::of(bytes).map(|page| page.bytes)
    }

    #[test]
    fn the_greater_size_counts_however_the_header_is_written() {
        // Type 0, sizes 300 and 7, a header of a data page.
        let plain = b"\x15\x00\x15\xd8\x04\x15\x0e\x2c\x15\x04\x00\x00rest";
        assert_eq!(size(plain), Some(300));
        for end in 0..12 {
            assert_eq!(size(&plain[..end]), None, "{end}");
        }
        // The sizes with their field numbers in full, in another order, and one of them twice.
        let odd = b"\x05\x06\x0e\x05\x04\xd8\x04\x05\x04\x02\x00";
        assert_eq!(size(odd), Some(300));
        assert!(!PageSize::of(plain).unwrap().is_dictionary);
        assert!(PageSize::of(b"\x15\x04\x15\x02\x00").unwrap().is_dictionary);
        // A header without sizes, and a negative one.
        assert_eq!(size(b"\x15\x00\x00"), None);
        assert_eq!(size(b"\x25\x01\x00"), Some(0));
        // The decoder takes the last 32 bits.
        assert_eq!(
            size(b"\x25\xd9\xd9\xd9\xd9\xd9\xd9\x00\x00"),
            Some(845_466_003)
        );
    }

    /// The decoder would pass over two billion booleans for each such list.
    #[test]
    fn a_header_with_fields_of_other_types_than_the_format_has_is_not_read() {
        let plain = b"\x15\x00\x15\xd8\x04\x15\x0e\x2c\x15\x04\x00\x00";
        assert_eq!(size(plain), Some(300));
        // An unknown field with a list of texts, of booleans, and a checksum that is a list.
        let with = |field: &[u8]| size(&[&plain[..7], field, b"\x00"].concat());
        assert_eq!(with(b"\x99\x18\x01a"), Some(300));
        assert_eq!(with(b"\x99\xf1\xff\xff\xff\xff\x07"), None);
        assert_eq!(with(b"\x19\x18\x01a"), None);
    }
}
