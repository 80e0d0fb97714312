//! Uploading files from this machine into the stack's bucket.

use crate::failure::Failure;
use quarry_contract::location::S3Uri;
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::{ObjectStore, StoreError};
use std::fs::Metadata;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::AsyncReadExt;

/// The properties that show that a file has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Uploads a file of any size. `seen` gets the number of bytes that have been read since the last
/// call. A file that changes meanwhile is refused.
pub(crate) async fn upload(
    store: &Arc<dyn ObjectStore>,
    file: &Path,
    at: S3Uri,
    seen: &dyn Fn(u64),
) -> Result<(), Failure> {
    let mut writer = ObjectWriter::new(Arc::clone(store), at, WriteOptions::default());
    let sent = send(file, &mut writer, seen).await;
    let (writer, ()) = writer.or_give_up(sent).await?;
    let finished = writer.finish().await;
    finished.map_err(|error| unstaged(&file.display().to_string(), &error))?;
    Ok(())
}

/// Sends the bytes of a file to `writer`.
async fn send(file: &Path, writer: &mut ObjectWriter, seen: &dyn Fn(u64)) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::input(format!("{} cannot be read: {error}", file.display()))
    };
    let unwritable = |error| unstaged(&file.display().to_string(), &error);
    let mut source = tokio::fs::File::open(file).await.map_err(unreadable)?;
    let before = State::of(&source.metadata().await.map_err(unreadable)?);
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = source.read(&mut buffer).await.map_err(unreadable)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        seen(read as u64);
        writer.write(&buffer[..read]).await.map_err(unwritable)?;
    }
    let after = State::of(&tokio::fs::metadata(file).await.map_err(unreadable)?);
    if bytes != before.bytes || after != before {
        return Err(Failure::input(format!(
            "{} changed while it was read: it had {} bytes at first, {bytes} were read, and now it has {}; run again \
             when nothing writes to it",
            file.display(),
            before.bytes,
            after.bytes
        )));
    }
    Ok(())
}

/// Returns the failure of a file whose content cannot be written to the store. Only a deployment's bucket denies
/// access.
pub(crate) fn unstaged(name: &str, error: &StoreError) -> Failure {
    let remedy = match error {
        StoreError::AccessDenied(..) => {
            "; this needs s3:PutObject: attach the stack's CommandLinePolicy to your user or role"
        }
        _ => "",
    };
    Failure::run(format!("{name} cannot be staged: {error}{remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_edge::s3::memory::MemoryStore;
    use std::cell::Cell;
    use std::fs;
    use std::time::Duration;

    const MIB: usize = 1 << 20;

    /// Uploads a file of 4 MiB, which `happens` changes once while it is read.
    async fn upload_while(happens: impl Fn(&Path)) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        fs::write(&file, vec![b'x'; 4 * MIB]).unwrap();
        // Longer than the coarsest clock of a file system in use.
        std::thread::sleep(Duration::from_millis(20));
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        let at = S3Uri::new("bucket", "data/a.csv").unwrap();
        let has_happened = Cell::new(false);
        upload(&store, &file, at.clone(), &|_| {
            if !has_happened.replace(true) {
                happens(&file);
            }
        })
        .await?;
        let stored = store.get(&at, u64::MAX).await.unwrap();
        assert_eq!(stored.len(), 4 * MIB);
        Ok(())
    }

    #[tokio::test]
    async fn a_file_that_does_not_change_is_uploaded_completely() {
        upload_while(|_| {}).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_changes_while_it_is_read_is_refused() {
        let cut = |file: &Path| {
            let file = fs::File::options().write(true).open(file).unwrap();
            file.set_len(2 * MIB as u64).unwrap();
        };
        let failure = upload_while(cut).await.unwrap_err().to_string();
        assert!(
            failure.contains("a.csv changed while it was read"),
            "{failure}"
        );
        assert!(failure.contains("now it has 2097152"), "{failure}");
        let rewritten = |file: &Path| fs::write(file, vec![b'y'; 4 * MIB]).unwrap();
        let failure = upload_while(rewritten).await.unwrap_err().to_string();
        assert!(failure.contains("changed while it was read"), "{failure}");
    }
}
