//! Writes decimal numbers as text with all digits of their scale: `1.50`, `-0.001`.

use std::fmt::{self, Write};

/// The longest unscaled value that is written, in bytes. The format has no limit, but no known
/// writer exceeds 32.
pub(crate) const MAX_BYTES: usize = 1024;

/// Writes an unscaled integer with a point before its last `scale` digits.
pub(crate) fn write_integer(out: &mut impl Write, unscaled: i128, scale: usize) -> fmt::Result {
    let digits = unscaled.unsigned_abs().to_string();
    write_scaled(out, unscaled < 0, &digits, scale)
}

/// Like [`write_integer`], for a two's complement integer with the highest byte first.
pub(crate) fn write_bytes(out: &mut impl Write, unscaled: &[u8], scale: usize) -> fmt::Result {
    let negative = unscaled.first().is_some_and(|byte| *byte >= 0x80);
    if unscaled.len() <= 16 {
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[16 - unscaled.len()..].copy_from_slice(unscaled);
        return write_integer(out, i128::from_be_bytes(wide), scale);
    }
    let digits = magnitude_digits(unscaled, negative);
    write_scaled(out, negative, &digits, scale)
}

fn write_scaled(out: &mut impl Write, negative: bool, digits: &str, scale: usize) -> fmt::Result {
    if negative {
        out.write_char('-')?;
    }
    if scale == 0 {
        return out.write_str(digits);
    }
    match digits.len().checked_sub(scale) {
        Some(whole) if whole > 0 => write!(out, "{}.{}", &digits[..whole], &digits[whole..]),
        _ => write!(out, "0.{digits:0>scale$}"),
    }
}

/// Returns the decimal digits of a long two's complement integer without its sign.
fn magnitude_digits(unscaled: &[u8], negative: bool) -> String {
    let mut bytes = unscaled.to_vec();
    if negative {
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            let (value, overflow) = (!*byte).overflowing_add(u8::from(carry));
            *byte = value;
            carry = overflow;
        }
    }
    // Nine digits at a time, the lowest first.
    let mut groups = Vec::new();
    let mut rest: &mut [u8] = &mut bytes;
    loop {
        let leading = rest.iter().take_while(|byte| **byte == 0).count();
        rest = &mut rest[leading..];
        if rest.is_empty() {
            break;
        }
        let mut remainder = 0_u64;
        for byte in rest.iter_mut() {
            let value = remainder << 8 | u64::from(*byte);
            // The remainder is less than the divisor, so the quotient is one byte.
            *byte = (value / 1_000_000_000).to_le_bytes()[0];
            remainder = value % 1_000_000_000;
        }
        groups.push(remainder);
    }
    let Some(highest) = groups.pop() else {
        return "0".to_owned();
    };
    let mut digits = highest.to_string();
    for group in groups.iter().rev() {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{group:09}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(unscaled: &[u8], scale: usize) -> String {
        let mut out = String::new();
        write_bytes(&mut out, unscaled, scale).unwrap();
        out
    }

    #[test]
    fn all_digits_of_the_scale_are_written() {
        for (unscaled, scale, expected) in [
            (150, 2, "1.50"),
            (-1, 3, "-0.001"),
            (0, 2, "0.00"),
            (0, 0, "0"),
            (-123, 0, "-123"),
            (123, 3, "0.123"),
        ] {
            let mut out = String::new();
            write_integer(&mut out, unscaled, scale).unwrap();
            assert_eq!(out, expected);
        }
        assert_eq!(text(&[], 1), "0.0");
        assert_eq!(text(&[0xff], 1), "-0.1");
    }

    #[test]
    fn long_values_have_all_their_digits() {
        // 2^255 - 1 and -2^255.
        let digits =
            "57896044618658097711785492504343953926634992332820282019728792003956564819967";
        let mut most = [0xff; 32];
        most[0] = 0x7f;
        assert_eq!(text(&most, 0), digits);
        let mut least = [0; 32];
        least[0] = 0x80;
        let negative =
            "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
        assert_eq!(text(&least, 0), negative);
        assert_eq!(text(&[0; 40], 0), "0");
    }

    proptest! {
        /// The text of a value does not depend on the number of bytes in which it is stored.
        #[test]
        fn the_text_does_not_depend_on_the_width(value: i128, scale in 0_usize..45, padding in 1_usize..20) {
            let mut out = String::new();
            write_integer(&mut out, value, scale).unwrap();
            let fill = if value < 0 { 0xff } else { 0 };
            let mut wide = vec![fill; padding];
            wide.extend_from_slice(&value.to_be_bytes());
            prop_assert_eq!(text(&wide, scale), out);
        }
    }
}
