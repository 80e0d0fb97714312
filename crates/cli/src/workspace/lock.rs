//! Locking an output folder, so that one command at a time writes to it.

use crate::failure::Failure;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The lock's file, with the id of the process that holds it.
const NAME: &str = ".quarry.lock";

/// How often a lock file is opened again after its holder has removed it meanwhile.
const TRIES: u32 = 100;

/// The lock. The system releases it when the process ends in any way, so a file that was left has
/// no meaning.
#[derive(Debug)]
pub(super) struct OutputLock {
    file: File,
    path: PathBuf,
}

impl OutputLock {
    /// Takes the lock of a folder; `None` if the file system has no locks.
    pub(super) fn take(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(NAME);
        let unusable = |error: std::io::Error| {
            Failure::input(format!(
                "{} cannot be used: {error}; choose another folder with --out",
                path.display()
            ))
        };
        for _ in 0..TRIES {
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(unusable)?;
            match file.try_lock() {
                Ok(()) if is_in_place(&file, &path) => {
                    let id = std::process::id().to_string();
                    file.set_len(0)
                        .and_then(|()| file.rewind())
                        .and_then(|()| file.write_all(id.as_bytes()))
                        .map_err(unusable)?;
                    return Ok(Some(Self { file, path }));
                }
                // The last holder removed the file after it was opened.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(folder, &mut file)),
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(None);
                }
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        Err(unusable(std::io::Error::other(
            "it is replaced all the time",
        )))
    }
}

impl Drop for OutputLock {
    fn drop(&mut self) {
        // The file is removed while the lock is held, so that no process can hold a lock on a
        // removed file.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

fn held(folder: &Path, file: &mut File) -> Failure {
    let mut id = String::new();
    // Text that is not a number is not shown.
    let _ = file.take(20).read_to_string(&mut id);
    let holder = match id.trim().parse::<u32>() {
        Ok(id) => format!("another quarry (process {id})"),
        Err(_) => "another quarry".to_owned(),
    };
    Failure::input(format!(
        "{holder} writes to {}; wait until it has ended, or choose another folder with --out",
        folder.display()
    ))
}

#[cfg(unix)]
fn is_in_place(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(held), Ok(found)) = (file.metadata(), std::fs::metadata(path)) else {
        return false;
    };
    (held.dev(), held.ino()) == (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn is_in_place(_: &File, _: &Path) -> bool {
    true
}
