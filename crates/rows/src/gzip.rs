//! Packing and unpacking gzip files.

use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use std::io::{self, Write};

/// The bytes that are packed at once.
const PACKED_AT_ONCE: usize = 1 << 20;

/// Packs a gzip file.
///
/// The same content makes the same file, wherever a caller cuts it: what the encoder makes depends on how much it is
/// given at once, so it is always given the same.
pub(crate) struct Packer {
    encoder: GzEncoder<Vec<u8>>,
}

impl Packer {
    pub(crate) fn new() -> Self {
        Self {
            encoder: GzEncoder::new(Vec::new(), Compression::default()),
        }
    }

    /// Packs the beginning of `content`. What is left there comes before the next bytes of the file.
    pub(crate) fn take_from(&mut self, content: &mut Vec<u8>) -> io::Result<()> {
        let pieces = content.chunks_exact(PACKED_AT_ONCE);
        let left = pieces.remainder().len();
        for piece in pieces {
            self.encoder.write_all(piece)?;
        }
        content.drain(..content.len() - left);
        Ok(())
    }

    /// Returns what was packed since it was taken out last.
    pub(crate) fn packed(&mut self) -> &mut Vec<u8> {
        self.encoder.get_mut()
    }

    /// Ends the file with what [`take_from`](Self::take_from) has left. Returns what was packed and not taken out.
    pub(crate) fn finish(mut self, left: &[u8]) -> io::Result<Vec<u8>> {
        self.encoder.write_all(left)?;
        self.encoder.finish()
    }
}

/// Unpacks a gzip file of one or more members, as gzip tools do: zeros after the last member, with
/// which some storage fills blocks, do not count.
pub struct Unpacker {
    member: GzDecoder<Vec<u8>>,
    /// Whether a member has ended and zeros followed.
    is_padded: bool,
}

impl Unpacker {
    /// Begins at the first byte of a file.
    pub fn new() -> Self {
        Self {
            member: GzDecoder::new(Vec::new()),
            is_padded: false,
        }
    }

    /// Unpacks the next bytes of the file.
    pub fn push(&mut self, mut packed: &[u8]) -> io::Result<()> {
        while !packed.is_empty() && !self.is_padded {
            match self.member.write(packed)? {
                0 => self.end_member(packed)?,
                taken => packed = &packed[taken..],
            }
        }
        if packed.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "bytes follow the zeros at its end",
        ))
    }

    /// Returns what was unpacked since it was taken out last.
    pub fn unpacked(&mut self) -> &mut Vec<u8> {
        self.member.get_mut()
    }

    /// Ends the file. Returns what was unpacked and not taken out.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        if !self.is_padded {
            self.member.try_finish()?;
        }
        Ok(std::mem::take(self.member.get_mut()))
    }

    /// Begins another member with the first of these bytes, unless it is a zero.
    fn end_member(&mut self, rest: &[u8]) -> io::Result<()> {
        self.member.try_finish()?;
        if rest.first() == Some(&0) {
            self.is_padded = true;
        } else {
            let unpacked = std::mem::take(self.member.get_mut());
            self.member = GzDecoder::new(unpacked);
        }
        Ok(())
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker")
            .field("is_padded", &self.is_padded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    /// Unpacks a file in pieces of this many bytes.
    fn unpacked(file: &[u8], length: usize) -> io::Result<String> {
        let mut unpacker = Unpacker::new();
        let mut out = Vec::new();
        for piece in file.chunks(length) {
            unpacker.push(piece)?;
            out.append(unpacker.unpacked());
        }
        out.extend(unpacker.finish()?);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_same_content_is_packed_into_the_same_file_wherever_it_is_cut() {
        let lines =
            (0..400_000_u64).map(|number| format!("{},{number}\n", number * number % 9_973));
        let content: String = lines.collect();
        let file = |length: usize| {
            let (mut packer, mut rows, mut file) = (Packer::new(), Vec::new(), Vec::new());
            for piece in content.as_bytes().chunks(length) {
                rows.extend_from_slice(piece);
                packer.take_from(&mut rows).unwrap();
                file.append(packer.packed());
            }
            file.extend(packer.finish(&rows).unwrap());
            file
        };
        let whole = file(content.len());
        assert_eq!(unpacked(&whole, whole.len()).unwrap(), content);
        for length in [7_001, 1 << 18, (1 << 20) + 12_345, 3 << 20] {
            assert!(file(length) == whole, "{length}");
        }
    }

    #[test]
    fn members_follow_each_other_and_zeros_at_the_end_do_not_count() {
        let one = packed("one\n");
        let two = [one.clone(), packed("two\n")].concat();
        for length in [1, 7, 100_000] {
            assert_eq!(unpacked(&one, length).unwrap(), "one\n");
            assert_eq!(unpacked(&two, length).unwrap(), "one\ntwo\n");
            for zeros in [1, 512, 100_000] {
                let padded = [two.clone(), vec![0; zeros]].concat();
                assert_eq!(unpacked(&padded, length).unwrap(), "one\ntwo\n");
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_or_goes_on_as_something_else_is_refused() {
        let one = packed("one\n");
        for length in [1, 7, 100_000] {
            for cut in 1..one.len() {
                assert!(unpacked(&one[..cut], length).is_err(), "{cut}");
            }
            assert!(unpacked(&[&one[..], b"rest"].concat(), length).is_err());
            assert!(unpacked(&[&one[..], b"\0\0rest"].concat(), length).is_err());
            let behind_zeros = [&one[..], b"\0", &one].concat();
            assert!(unpacked(&behind_zeros, length).is_err());
        }
        assert!(unpacked(b"\0\0\0\0\0\0\0\0\0\0\0\0", 5).is_err());
    }
}
