//! A spool that moves to disk when it grows.

use quarry_edge::error::{StepError, StepErrorKind};
use quarry_result::spool::Spool;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// The number of bytes in memory above which the spool moves to a file.
pub const MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// Keeps outcomes in memory up to a limit, then in a temporary file that is deleted with the spool.
/// So Lambda's `/tmp` (512 MB by default) bounds the size of a slice's answers; a full disk is an
/// error and loses no data.
pub struct SpillSpool {
    limit: usize,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    length: u64,
    /// Whether a read moved the file's cursor. Seeking flushes, so an append seeks only if this is
    /// set.
    moved: bool,
}

impl SpillSpool {
    /// Creates a spool that keeps up to `limit` bytes in memory.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            memory: Vec::new(),
            file: None,
            length: 0,
            moved: false,
        }
    }
}

impl Spool for SpillSpool {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let at = self.length;
        if self.file.is_none() && self.memory.len() + bytes.len() > self.limit {
            let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile()?);
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => {
                if self.moved {
                    file.seek(SeekFrom::Start(at))?;
                    self.moved = false;
                }
                file.write_all(bytes)?;
            }
            None => self.memory.extend_from_slice(bytes),
        }
        self.length += bytes.len() as u64;
        Ok(at)
    }

    fn read(&mut self, at: u64, len: u32, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        if let Some(file) = &mut self.file {
            self.moved = true;
            file.seek(SeekFrom::Start(at))?;
            into.resize(len as usize, 0);
            return file.get_mut().read_exact(into);
        }
        let piece = usize::try_from(at)
            .ok()
            .and_then(|start| self.memory.get(start..start + len as usize))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        into.extend_from_slice(piece);
        Ok(())
    }
}

/// Returns the error of a failing temporary folder.
pub(crate) fn spooling(source: std::io::Error) -> StepError {
    let doing = "keeping answers in the temporary folder; if it is full, give the function more ephemeral storage";
    StepError::new(StepErrorKind::Unavailable, doing).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_back_in_memory_and_on_disk() {
        for limit in [0, 10, 1 << 20] {
            let mut spool = SpillSpool::new(limit);
            let pieces: Vec<Vec<u8>> = (0..200u8).map(|n| vec![n; usize::from(n) + 1]).collect();
            let mut places = Vec::new();
            let mut read = Vec::new();
            for piece in &pieces {
                places.push(spool.append(piece).unwrap());
                // A read between two appends must not move the place of the next append.
                spool.read(places[0], 1, &mut read).unwrap();
            }
            for (piece, at) in pieces.iter().zip(places).rev() {
                spool
                    .read(at, u32::try_from(piece.len()).unwrap(), &mut read)
                    .unwrap();
                assert_eq!(&read, piece);
            }
        }
    }
}
