//! Copying results out of the stack's bucket: all of them, or none.

use crate::failure::Failure;
use quarry_contract::file_format::FileFormat;
use quarry_contract::location::S3Uri;
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

/// Copies the objects below `prefix` into `folder`. Returns the files, in key order.
pub(crate) async fn publish(
    store: &Arc<dyn ObjectStore>,
    prefix: &S3Uri,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let objects = store.list(prefix).await.map_err(|error| unread(&error))?;
    let named = objects.into_iter().map(|object| {
        let name = object.location.key()[prefix.key().len()..].to_owned();
        (object, name)
    });
    publish_files(store, named.collect(), folder).await
}

/// Copies objects into `folder`, each under a name. Returns the files, in the same order.
///
/// Each file is first written under another name in its folder. The files get their names only when
/// all of them are complete and each can have its name, so a full disk, a folder of that name or a signal
/// leaves the previous files. The tables come first, so that there is no summary without its tables.
pub(crate) async fn publish_files(
    store: &Arc<dyn ObjectStore>,
    objects: Vec<(ObjectInfo, String)>,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for (object, name) in objects {
        let file = folder.join(name);
        written.push((copy(store, &object, &file).await?, file));
    }
    for (_, file) in &written {
        check_place(file)?;
    }
    let files = written.iter().map(|(_, file)| file.clone()).collect();
    let (tables, others): (Vec<_>, Vec<_>) =
        written.into_iter().partition(|(_, file)| is_table(file));
    for (temporary, file) in tables.into_iter().chain(others) {
        temporary
            .persist(&file)
            .map_err(|error| unwritable(&file, &error.error))?;
    }
    Ok(files)
}

fn is_table(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    FileFormat::from_file_name(&name).is_some()
}

/// Refuses a place that a file cannot take: that of a folder, below a file, or in a folder that cannot be
/// written.
pub(crate) fn check_place(file: &Path) -> Result<(), Failure> {
    let in_the_way = |what: &Path, is: &str| {
        Failure::input(format!(
            "{} cannot be written: {} is {is}; rename it, or choose another folder with --out",
            file.display(),
            what.display()
        ))
    };
    if std::fs::symlink_metadata(file).is_ok_and(|found| found.is_dir()) {
        return Err(in_the_way(file, "a folder"));
    }
    // The first folder on the way up that is there.
    let mut folders = file.ancestors().skip(1);
    let folder = folders.find_map(|folder| Some((folder, std::fs::metadata(folder).ok()?)));
    match folder {
        Some((folder, found)) if !found.is_dir() => Err(in_the_way(folder, "not a folder")),
        Some((folder, _)) if file.parent() == Some(folder) => match temporary_in(folder) {
            Ok(_) => Ok(()),
            Err(error) => Err(unwritable(file, &error)),
        },
        _ => Ok(()),
    }
}

fn unread(error: &StoreError) -> Failure {
    Failure::run(format!("the results cannot be read: {error}"))
}

fn unwritable(file: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{} cannot be written: {error}", file.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Failure::run(format!(
                "{message}; free space, or choose another folder with --out"
            ))
        }
        _ => Failure::input(format!("{message}; choose another folder with --out")),
    }
}

/// Copies the object into a temporary file in the target's folder.
async fn copy(
    store: &Arc<dyn ObjectStore>,
    object: &ObjectInfo,
    file: &Path,
) -> Result<NamedTempFile, Failure> {
    let unwritable = |error: std::io::Error| unwritable(file, &error);
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let temporary = temporary_in(folder).map_err(unwritable)?;
    let mut target = tokio::fs::File::from_std(temporary.reopen().map_err(unwritable)?);
    let mut reader = ObjectReader::open(
        Arc::clone(store),
        object.location.clone(),
        0..object.size,
        object.etag.as_str(),
        ReadOptions::default(),
    );
    while let Some(bytes) = reader.next().await.map_err(|error| unread(&error))? {
        target.write_all(&bytes).await.map_err(unwritable)?;
    }
    target.flush().await.map_err(unwritable)?;
    // Some file systems report a lack of space only here.
    target.sync_all().await.map_err(unwritable)?;
    Ok(temporary)
}

/// Creates a file with the permissions of any other new file.
pub(crate) fn temporary_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".quarry-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_edge::s3::memory::MemoryStore;
    use quarry_edge::store::WriteCondition;

    async fn stored(files: &[(&str, &str)]) -> (Arc<dyn ObjectStore>, S3Uri) {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        let prefix = S3Uri::new("bucket", "results/").unwrap();
        for (name, text) in files {
            let body = text.as_bytes().to_vec().into();
            store
                .put(&prefix.join(name), body, WriteCondition::Always)
                .await
                .unwrap();
        }
        (store, prefix)
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn results_replace_older_ones() {
        let (store, prefix) = stored(&[("a.csv", "new"), ("train/b.csv", "new")]).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), "old").unwrap();
        let written = publish(&store, &prefix, folder.path()).await.unwrap();
        assert_eq!(
            written,
            [
                folder.path().join("a.csv"),
                folder.path().join("train/b.csv")
            ]
        );
        for file in &written {
            assert_eq!(std::fs::read(file).unwrap(), b"new");
        }
        assert_eq!(files(folder.path()), ["a.csv", "train"]);
    }

    /// A folder has the name of the table, which is the last in the order of the keys.
    #[tokio::test]
    async fn when_a_folder_has_the_name_of_a_result_no_file_appears() {
        let (store, prefix) = stored(&[("a.json", "new"), ("b.csv", "new")]).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b.csv")).unwrap();
        let failure = publish(&store, &prefix, folder.path()).await.unwrap_err();
        let failure = failure.to_string();
        assert!(
            failure.contains("b.csv is a folder; rename it"),
            "{failure}"
        );
        assert_eq!(files(folder.path()), ["b.csv"]);
    }

    /// The second result cannot be written, because there is a file where its folder should be.
    #[tokio::test]
    async fn when_one_result_cannot_be_written_the_old_ones_stay() {
        let (store, prefix) = stored(&[("a.csv", "new"), ("train/b.csv", "new")]).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), "old").unwrap();
        std::fs::write(folder.path().join("train"), "in the way").unwrap();
        let failure = publish(&store, &prefix, folder.path()).await.unwrap_err();
        assert!(failure.to_string().contains("train/b.csv"), "{failure}");
        assert_eq!(std::fs::read(folder.path().join("a.csv")).unwrap(), b"old");
        assert_eq!(files(folder.path()), ["a.csv", "train"]);
    }
}
