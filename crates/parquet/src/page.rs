//! What a page is, before it is read and unpacked.
//!
//! A footer tells only how large the pages of a column chunk are together. A cell of 500 MB among
//! short ones is stored in some KB, and the decoder would take what the page's header claims.

use crate::thrift::Thrift;

/// The largest page that is unpacked, in bytes: as long as a row may be. A page is in memory as a
/// whole.
pub(crate) const MAX_PAGE_BYTES: u64 = quarry_table::MAX_ROW_BYTES as u64;

/// The longest header of a page, in bytes. Only headers with statistics have more than some dozens.
pub(crate) const MAX_HEADER_BYTES: u64 = 16 << 20;

/// The type of a page that is a dictionary, as a header has it.
const DICTIONARY: i64 = 2;

/// What the header of a page says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSize {
    /// Its size, packed or unpacked, whichever is greater.
    pub(crate) bytes: u64,
    /// Whether the values of the other pages of its column are in it.
    pub(crate) is_dictionary: bool,
}

impl PageSize {
    /// Reads the header that begins the bytes. `None` if the header is not there as a whole.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift::new(bytes);
        let (mut field, mut size, mut is_dictionary) = (0, None, false);
        while let Some((id, kind)) = thrift.field(field)? {
            field = id;
            match (id, kind) {
                (1, 4..=6) => is_dictionary = thrift.signed()? == DICTIONARY,
                // The unpacked and the packed size. A negative one is refused by the decoder.
                (2 | 3, 4..=6) => {
                    let found = u64::try_from(thrift.signed()?).unwrap_or_default();
                    size = size.max(Some(found));
                }
                _ => thrift.pass(kind, 0)?,
            }
        }
        let bytes = size?;
        Some(Self {
            bytes,
            is_dictionary,
        })
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
    }
}
