//! Integers of a variable number of bytes, as both Thrift's compact form and the encodings of Parquet have them
//! (ULEB128, and zigzag for signed ones).

/// Takes an integer from the beginning of the bytes. Returns `None` if there is none of at most 64 bits.
pub(crate) fn unsigned(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes a signed integer from the beginning of the bytes.
pub(crate) fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = unsigned(bytes)?;
    let half = i64::try_from(number >> 1).ok()?;
    Some(if number & 1 == 0 { half } else { -half - 1 })
}
