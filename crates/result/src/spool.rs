//! Keeps outcomes until their rows are written: appended once, read back by position.

use std::io;

/// Bytes that are appended and read back. The caller chooses whether they are in a file or in
/// memory.
pub trait Spool: Send {
    /// Appends `bytes` and returns where they begin.
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64>;

    /// Replaces `into` by the `len` bytes that begin at `at`.
    fn read(&mut self, at: u64, len: u32, into: &mut Vec<u8>) -> io::Result<()>;
}

/// A spool in memory.
#[derive(Debug, Default)]
pub struct MemorySpool(Vec<u8>);

impl Spool for MemorySpool {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let at = self.0.len() as u64;
        self.0.extend_from_slice(bytes);
        Ok(at)
    }

    fn read(&mut self, at: u64, len: u32, into: &mut Vec<u8>) -> io::Result<()> {
        let piece = usize::try_from(at)
            .ok()
            .and_then(|start| self.0.get(start..start.checked_add(len as usize)?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        into.clear();
        into.extend_from_slice(piece);
        Ok(())
    }
}
