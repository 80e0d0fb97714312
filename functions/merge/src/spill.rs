//! A spool that moves to disk when it grows.

use quarry_edge::error::{StepError, StepErrorKind};
use quarry_result::spool::Spool;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// The number of bytes in memory above which the spool moves to a file.
pub const MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// The number of bytes that are read from the file at once if outcomes are read in their order, which is the usual one.
const WINDOW_BYTES: usize = 256 * 1024;

/// Keeps outcomes in memory up to a limit, then in a temporary file that is deleted with the spool.
/// So Lambda's `/tmp` (512 MB by default) bounds the size of a slice's answers; a full disk is an
/// error and loses no data.
pub struct SpillSpool {
    limit: usize,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    length: u64,
    /// Whether a read moved the file's cursor.
    moved: bool,
    window: Window,
    /// Where the outcome that was read last ends.
    read_to: u64,
}

/// A piece of the file, from byte `at` on.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Returns `len` bytes from `at` on, if the window has them.
    fn get(&self, at: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(at.checked_sub(self.at)?).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }
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
            window: Window::default(),
            read_to: 0,
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
        let length = len as usize;
        let Some(file) = &mut self.file else {
            let piece = usize::try_from(at)
                .ok()
                .and_then(|start| self.memory.get(start..start + length))
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            into.extend_from_slice(piece);
            return Ok(());
        };
        let is_next = at == self.read_to;
        self.read_to = at + u64::from(len);
        if let Some(piece) = self.window.get(at, length) {
            into.extend_from_slice(piece);
            return Ok(());
        }
        self.moved = true;
        file.seek(SeekFrom::Start(at))?;
        let rest = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        if !is_next || length > WINDOW_BYTES.min(rest) {
            into.resize(length, 0);
            return file.get_mut().read_exact(into);
        }
        let mut bytes = std::mem::take(&mut self.window.bytes);
        bytes.resize(WINDOW_BYTES.min(rest), 0);
        file.get_mut().read_exact(&mut bytes)?;
        into.extend_from_slice(&bytes[..length]);
        self.window = Window { at, bytes };
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
            let kept: Vec<_> = pieces.iter().zip(places).collect();
            let is_read_back = |spool: &mut SpillSpool, (piece, at): &(&Vec<u8>, u64)| {
                let length = u32::try_from(piece.len()).unwrap();
                let mut read = Vec::new();
                spool.read(*at, length, &mut read).unwrap();
                read == **piece
            };
            assert!(kept.iter().all(|one| is_read_back(&mut spool, one)));
            assert!(kept.iter().rev().all(|one| is_read_back(&mut spool, one)));
            assert!(kept.iter().all(|one| is_read_back(&mut spool, one)));
            let end = spool.append(b"").unwrap();
            assert!(spool.read(end, 1, &mut read).is_err());
        }
    }

    /// Lines of a few hundred bytes, one after the other and then some of them in another order.
    #[test]
    fn outcomes_beyond_a_window_are_read_back_in_any_order() {
        let mut spool = SpillSpool::new(0);
        let line = |n: u64| n.to_string().repeat(60);
        let places: Vec<(u64, u64)> = (0..3_000)
            .map(|n| (n, spool.append(line(n).as_bytes()).unwrap()))
            .collect();
        assert!(spool.length > 2 * WINDOW_BYTES as u64);
        let apart = places.iter().step_by(7).rev();
        for (n, at) in places.iter().chain(apart).chain(&places) {
            let mut read = Vec::new();
            let length = u32::try_from(line(*n).len()).unwrap();
            spool.read(*at, length, &mut read).unwrap();
            assert_eq!(read, line(*n).as_bytes());
        }
    }
}
