//! One command at a time writes to an output folder.

use crate::failure::Failure;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The lock's file, with the id of the process that holds it.
const NAME: &str = ".quarry.lock";

/// How often a lock file is opened anew that its holder has removed meanwhile.
const TRIES: u32 = 100;

/// The lock. The system takes it back when the process ends, however that is, so a file that was left means nothing.
#[derive(Debug)]
pub(super) struct OutputLock {
    file: File,
    path: PathBuf,
}

impl OutputLock {
    /// Takes the lock of a folder; `None` where the file system has no locks.
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
                // Its last holder has removed it since it was opened.
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
        // While it is held, so that nobody holds a lock on a file that is not there.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

fn held(folder: &Path, file: &mut File) -> Failure {
    let mut id = String::new();
    // What is no number is not repeated.
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
