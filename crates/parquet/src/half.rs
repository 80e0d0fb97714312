//! Floats of 16 bits, which stable Rust does not have yet.

/// Returns a 16-bit float, lowest byte first, as a 32-bit float. Every value can be represented.
pub(crate) fn widened(bytes: &[u8]) -> Option<f32> {
    let bits = u16::from_le_bytes(bytes.try_into().ok()?);
    let magnitude = u32::from(bits & 0x7fff);
    // The 10 bits of the fraction become the highest of 23, and the exponent's bias grows from 15
    // to 127.
    let value = match magnitude {
        0x7c00.. => f32::from_bits(0x7f80_0000 | magnitude << 13),
        0x0400.. => f32::from_bits((magnitude << 13) + (112 << 23)),
        _ => f32::from(bits & 0x03ff) / 16_777_216.0,
    };
    Some(if bits & 0x8000 == 0 { value } else { -value })
}

/// Returns the 32-bit float whose shortest text is also the shortest text of this 16-bit float:
/// 0.1, and not 0.099975586.
pub(crate) fn shortest(bytes: &[u8]) -> Option<f32> {
    let value = widened(bytes)?;
    let bits = u16::from_le_bytes(bytes.try_into().ok()?) & 0x7fff;
    if bits == 0 || !value.is_finite() {
        return Some(value);
    }
    let magnitude = |bits: u16| widened(&bits.to_le_bytes()).map(f64::from);
    let own = f64::from(value.abs());
    // After the greatest float, 65,536 would follow if the exponent continued.
    let above = magnitude(bits + 1).filter(|above| above.is_finite());
    let upper = f64::midpoint(own, above.unwrap_or(65_536.0));
    let lower = f64::midpoint(own, magnitude(bits - 1)?);
    let is_even = bits & 1 == 0;
    // Five digits are enough to distinguish all 16-bit floats.
    let found = (0..5).find_map(|digits| {
        let text = format!("{own:.digits$e}");
        let read: f64 = text.parse().ok()?;
        // Exactly between two floats, the even one is meant.
        let is_same = if is_even {
            (lower..=upper).contains(&read)
        } else {
            lower < read && read < upper
        };
        is_same.then(|| text.parse::<f32>().ok()).flatten()
    });
    found.map(|found| found.copysign(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_are_the_same_number_at_full_width() {
        for (bits, value) in [
            (0x0000_u16, 0.0_f32),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            let found = widened(&bits.to_le_bytes()).unwrap();
            assert_eq!(found.to_bits(), value.to_bits(), "{bits:04x}");
        }
        assert!(widened(&0x7e00_u16.to_le_bytes()).unwrap().is_nan());
    }

    /// Every float is read back from its text, by searching all floats for the nearest one.
    #[test]
    fn the_shortest_text_means_the_same_float() {
        let all: Vec<f64> = (0..0x7c00_u16)
            .map(|bits| widened(&bits.to_le_bytes()).unwrap().into())
            .collect();
        for (bits, value) in (0_u16..).zip(&all) {
            let found = shortest(&bits.to_le_bytes()).unwrap();
            let read: f64 = found.to_string().parse().unwrap();
            let distance = |at: usize| all.get(at).map_or(f64::MAX, |other| (other - read).abs());
            let at = usize::from(bits);
            assert!(distance(at) <= distance(at + 1), "{value} as {read}");
            assert!(
                at == 0 || distance(at) <= distance(at - 1),
                "{value} as {read}"
            );
            let negative = shortest(&(bits | 0x8000).to_le_bytes()).unwrap();
            assert_eq!(negative.to_bits(), (-found).to_bits());
        }
        for (bits, text) in [
            (0x2e66_u16, "0.1"),
            (0x3555, "0.3333"),
            (0x4248, "3.14"),
            (0x4000, "2"),
            (0x7bff, "65500"),
            (0x0001, "0.00000006"),
            (0x7c00, "inf"),
        ] {
            assert_eq!(shortest(&bits.to_le_bytes()).unwrap().to_string(), text);
        }
    }
}
