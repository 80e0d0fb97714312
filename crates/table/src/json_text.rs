//! Writes text into JSON.
//!
//! Only `"`, `\` and the control characters below U+0020 are escaped, as JSON demands. Everything
//! else, including characters beyond ASCII, is copied as UTF-8, so that text keeps its size.

/// Appends `text` as the inside of a JSON string, without the quotes.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(offset) = find_special(&bytes[start..]) {
        let at = start + offset;
        out.extend_from_slice(&bytes[start..at]);
        write_escape(out, bytes[at]);
        start = at + 1;
    }
    out.extend_from_slice(&bytes[start..]);
}

/// Appends `text` as a JSON string with its quotes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape_into(out, text);
    out.push(b'"');
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches a block of bytes is looked at in vector registers"
)]
const fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Returns the first byte that must be escaped. Whole blocks are tested first, without branches, so
/// that the compiler can use vector instructions.
fn find_special(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let mut blocks = bytes.chunks_exact(BLOCK);
    let mut offset = 0;
    for block in &mut blocks {
        if block
            .iter()
            .fold(false, |any, &byte| any | is_special(byte))
        {
            break;
        }
        offset += BLOCK;
    }
    bytes[offset..]
        .iter()
        .position(|&byte| is_special(byte))
        .map(|at| offset + at)
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::write_string;
    use proptest::prelude::*;

    proptest! {
        /// The bytes are those that a JSON serializer writes.
        #[test]
        fn equals_the_json_serializer(text in "(?s:[a-z\"\\\\\u{0}-\u{1f}é😀]|.){0,100}") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }
    }

    #[test]
    fn every_control_character_is_escaped_and_reads_back() {
        let all: String = (0..=0x7f_u8).map(char::from).collect();
        let mut out = Vec::new();
        write_string(&mut out, &all);
        assert!(out.iter().all(|&byte| byte >= 0x20));
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
    }
}
