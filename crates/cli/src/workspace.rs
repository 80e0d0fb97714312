//! The folder in which a command works: hidden, only for its user, on the disk of the results, and
//! removed afterwards.

mod lock;

use crate::failure::Failure;
use crate::output::say;
use lock::OutputLock;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// How often the removal of the folder is attempted, because other threads that are ending may
/// still write to it.
const REMOVALS: u32 = 20;
const BETWEEN_REMOVALS: Duration = Duration::from_millis(50);

/// The folder. However the command ends, dropping it removes the folder, or names it if that fails.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: Option<TempDir>,
    path: PathBuf,
    keep: bool,
    /// The folders that were created for it, the outermost first. A failed command does not leave
    /// its output folder.
    made: Vec<PathBuf>,
    lock: Option<OutputLock>,
}

impl Workspace {
    /// Creates a folder below the output folder, which no other command writes to meanwhile. With
    /// `keep` it stays.
    pub(crate) fn in_output(out: &Path, keep: bool) -> Result<Self, Failure> {
        let unwritable = |error| {
            Failure::input(format!(
                "{} cannot be written: {error}; choose another folder with --out",
                out.display()
            ))
        };
        let made = missing(out);
        let mut workspace = Self {
            folder: None,
            path: PathBuf::new(),
            keep,
            made,
            lock: None,
        };
        std::fs::create_dir_all(out).map_err(unwritable)?;
        workspace.lock = OutputLock::take(out)?;
        let folder = hidden_folder(out).map_err(unwritable)?;
        folder.path().clone_into(&mut workspace.path);
        workspace.folder = Some(folder);
        Ok(workspace)
    }

    /// Creates a folder for temporary files.
    pub(crate) fn temporary() -> Result<Self, Failure> {
        let parent = std::env::temp_dir();
        let folder = hidden_folder(&parent).map_err(|error| {
            Failure::input(format!(
                "{} cannot be written: {error}; choose another folder with TMPDIR",
                parent.display()
            ))
        })?;
        Ok(Self {
            path: folder.path().to_owned(),
            folder: Some(folder),
            keep: false,
            made: Vec::new(),
            lock: None,
        })
    }

    /// Returns the path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder if it is to be kept; from now on it is not removed.
    pub(crate) fn kept(&mut self) -> Option<PathBuf> {
        if !self.keep {
            return None;
        }
        Some(self.folder.take()?.keep())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Some(folder) = self.kept() {
            say(&format!("the stack's S3 directory is {}", folder.display()));
        }
        if let Some(folder) = self.folder.take() {
            remove(&folder.keep());
        }
        drop(self.lock.take());
        for folder in self.made.iter().rev() {
            // Fails if the folder is not empty.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

fn remove(folder: &Path) {
    for remaining in (0..REMOVALS).rev() {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) if remaining == 0 => say(&format!(
                "{} cannot be removed: {error}; it holds copies of the data and the answers: remove it by hand",
                folder.display()
            )),
            Err(_) => std::thread::sleep(BETWEEN_REMOVALS),
        }
    }
}

/// Returns the missing folders on the way to `path`, the outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_path_buf)
        .collect();
    missing.reverse();
    missing
}

fn hidden_folder(parent: &Path) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".quarry-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir_in(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_commands_do_not_write_to_one_folder_and_the_next_one_may() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("a/out");
        let first = Workspace::in_output(&out, false).unwrap();
        let refused = Workspace::in_output(&out, false).unwrap_err().to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        assert!(refused.contains("--out"), "{refused}");
        assert!(first.path().exists());
        drop(first);
        Workspace::in_output(&out, false).unwrap();
    }

    #[test]
    fn the_lock_file_of_a_killed_command_blocks_no_other_command() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join(".quarry.lock"), "4194304").unwrap();
        let workspace = Workspace::in_output(parent.path(), false).unwrap();
        drop(workspace);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn nothing_is_left_of_it_unless_it_is_to_be_kept() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("a/out");
        drop(Workspace::in_output(&out, false).unwrap());
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
        let kept = Workspace::in_output(&out, true).unwrap();
        let path = kept.path().to_owned();
        drop(kept);
        assert!(path.exists());
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_may_look_into_it() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let workspaces = [
            Workspace::in_output(parent.path(), false).unwrap(),
            Workspace::temporary().unwrap(),
        ];
        for workspace in &workspaces {
            let mode = std::fs::metadata(workspace.path())
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }
}
