//! The bytes of a text table, decompressed, on their way to the decoder of its rows.

use quarry_rows::Unpacker;
use quarry_table::RowDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of a text table that are decoded at once.
const BUFFER: usize = 1 << 18;

/// Bytes of a compressed table that are unpacked at once. They become at most some thousand times as
/// many.
const PACKED_BUFFER: usize = 1 << 14;

/// A text table that is being read.
pub(crate) struct TextFile {
    path: PathBuf,
    file: File,
    unpacker: Option<Unpacker>,
    buffer: Vec<u8>,
}

impl TextFile {
    /// Opens a file. Errors name it.
    pub(crate) fn open(file: &Path, gzip: bool) -> io::Result<Self> {
        Ok(Self {
            path: file.to_owned(),
            file: open_file(file)?,
            unpacker: gzip.then(Unpacker::new),
            buffer: vec![0; if gzip { PACKED_BUFFER } else { BUFFER }],
        })
    }

    /// Gives the next bytes to the decoder, or tells it that there are none. Returns whether there
    /// were any.
    pub(crate) fn feed(&mut self, decoder: &mut RowDecoder) -> io::Result<bool> {
        let path = &self.path;
        let read = self.file.read(&mut self.buffer);
        let read = read.map_err(|error| unreadable(path, &error))?;
        let broken = |error: io::Error| {
            let text = format!(
                "{} is not a whole gzip file: {error}; copy it again, or take .gz from its name if it is not compressed",
                path.display()
            );
            io::Error::new(error.kind(), text)
        };
        let bytes = &self.buffer[..read];
        if read == 0 {
            if let Some(unpacker) = self.unpacker.take() {
                decoder.push(&unpacker.finish().map_err(broken)?);
            }
            decoder.end();
        } else if let Some(unpacker) = &mut self.unpacker {
            unpacker.push(bytes).map_err(broken)?;
            decoder.push(unpacker.unpacked());
            unpacker.unpacked().clear();
        } else {
            decoder.push(bytes);
        }
        Ok(read > 0)
    }
}

/// Opens a file. The error names it.
pub(super) fn open_file(file: &Path) -> io::Result<File> {
    File::open(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &io::Error) -> io::Error {
    let text = format!("{} cannot be read: {error}", file.display());
    io::Error::new(error.kind(), text)
}
