//! The bytes of a text table, decompressed, on their way to the decoder of its rows.

use quarry_rows::Unpacker;
use quarry_table::RowDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of a text table that are decoded at once.
const BUFFER: usize = 1 << 18;

/// Bytes of a compressed table that are unpacked at once. They become at most some thousand times as
/// many.
const PACKED_BUFFER: usize = 1 << 14;

/// A text table that is being read.
pub(crate) struct TextFile {
    file: File,
    unpacker: Option<Unpacker>,
    buffer: Vec<u8>,
}

impl TextFile {
    pub(crate) fn open(file: &Path, gzip: bool) -> io::Result<Self> {
        Ok(Self {
            file: File::open(file)?,
            unpacker: gzip.then(Unpacker::new),
            buffer: vec![0; if gzip { PACKED_BUFFER } else { BUFFER }],
        })
    }

    /// Gives the next bytes to the decoder, or tells it that there are none. Returns whether there
    /// were any.
    pub(crate) fn feed(&mut self, decoder: &mut RowDecoder) -> io::Result<bool> {
        let read = self.file.read(&mut self.buffer)?;
        let bytes = &self.buffer[..read];
        if read == 0 {
            if let Some(unpacker) = self.unpacker.take() {
                decoder.push(&unpacker.finish()?);
            }
            decoder.end();
        } else if let Some(unpacker) = &mut self.unpacker {
            unpacker.push(bytes)?;
            decoder.push(unpacker.unpacked());
            unpacker.unpacked().clear();
        } else {
            decoder.push(bytes);
        }
        Ok(read > 0)
    }
}
