//! How large a page is, before it is read and unpacked.
//!
//! A footer tells only how large the pages of a column chunk are together. A cell of 500 MB among
//! short ones is stored in some KB, and the decoder would take what the page's header claims.

use crate::thrift::Thrift;

/// The largest page that is unpacked, in bytes: as long as a row may be. A page is in memory as a
/// whole.
pub(crate) const MAX_PAGE_BYTES: u64 = quarry_table::MAX_ROW_BYTES as u64;

/// The longest header of a page, in bytes. Only headers with statistics have more than some dozens.
pub(crate) const MAX_HEADER_BYTES: u64 = 16 << 20;

/// Returns the size of the page whose header begins the bytes, packed or unpacked, whichever is
/// greater. `None` if the header is not there as a whole.
pub(crate) fn size(bytes: &[u8]) -> Option<u64> {
    let mut thrift = Thrift::new(bytes);
    let (mut field, mut size) = (0, None);
    while let Some((id, kind)) = thrift.field(field)? {
        field = id;
        match (id, kind) {
            // The unpacked and the packed size. A negative one is refused by the decoder.
            (2 | 3, 4..=6) => {
                let found = u64::try_from(thrift.signed()?).unwrap_or_default();
                size = size.max(Some(found));
            }
            _ => thrift.pass(kind, 0)?,
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::size;

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
        // A header without sizes, and a negative one.
        assert_eq!(size(b"\x15\x00\x00"), None);
        assert_eq!(size(b"\x25\x01\x00"), Some(0));
    }
}
