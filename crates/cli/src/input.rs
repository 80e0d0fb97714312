//! Reading whole files, including standard input, and recognising paths that are not files.

use crate::failure::Failure;
use std::fs::FileType;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The name that stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// The largest file that is read whole, bytes: prompts, schemas, requests, faults and given
/// answers.
const MAX_BYTES: u64 = 256 << 20;

/// Whether standard input has been read.
static WAS_READ: AtomicBool = AtomicBool::new(false);

/// Whether the name stands for standard input.
pub(crate) fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == STANDARD_INPUT
}

/// Refuses standard input as a table. `what` names the argument.
pub(crate) fn refuse_standard_input(file: &Path, what: &str) -> Result<(), Failure> {
    if !is_standard_input(file) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "- cannot be the {what}: a table's format follows from its name; save it as a file, e.g. data.csv"
    )))
}

/// Returns the file's name for people.
pub(crate) fn shown(file: &Path) -> String {
    if is_standard_input(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

/// Returns standard input, which can be taken only once.
pub(crate) fn standard_input() -> Result<std::io::Stdin, Failure> {
    if WAS_READ.swap(true, Ordering::Relaxed) {
        return Err(Failure::usage(
            "standard input can be read once, but two files need it; save one of them",
        ));
    }
    Ok(std::io::stdin())
}

/// Returns a file's bytes. Pipes are read to their end; devices are refused, since they have none.
pub(crate) fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = shown(file);
    let unreadable =
        |error: std::io::Error| Failure::input(format!("{name} cannot be read: {error}"));
    let mut bytes = Vec::new();
    if is_standard_input(file) {
        let mut input = standard_input()?.lock().take(MAX_BYTES + 1);
        input.read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let kind = std::fs::metadata(file).map_err(unreadable)?.file_type();
        if let Some(special) = special(kind).filter(|_| !is_pipe(kind)) {
            return Err(Failure::input(format!(
                "{name} cannot be read: it is {special}, not a file"
            )));
        }
        let mut input = std::fs::File::open(file)
            .map_err(unreadable)?
            .take(MAX_BYTES + 1);
        input.read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::input(format!(
            "{name} is larger than {MAX_BYTES} bytes, the most for a file of this kind"
        )));
    }
    Ok(bytes)
}

/// Returns the kind of a path that is not a regular file.
pub(crate) fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    Some(special_of_unix(kind))
}

#[cfg(unix)]
fn special_of_unix(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special_of_unix(_: FileType) -> &'static str {
    "a device"
}

/// Whether this is a pipe, named or not.
pub(crate) fn is_pipe(kind: FileType) -> bool {
    special(kind) == Some("a pipe")
}
