//! Pinning the input files: whatever happens to a file while the run goes on, all steps read the bytes
//! that were planned.
//!
//! A run may last 30 days, and its answers are paid for. Where the bucket keeps versions, the steps read
//! the version that was current at planning. Elsewhere, S3 copies the file into the run's folder before
//! the first job. The name of a copy follows from the content of its file, so a copy that is there
//! already is never made again.

use crate::table_scan::{ScannedFile, TableScan};
use futures::stream::{FuturesUnordered, TryStreamExt};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::InputFile;
use quarry_edge::clock::TimeLeft;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::s3::concat::{
    ConcatError, ConcatOptions, ConcatProgress, ConcatSegment, Concatenated, concatenate,
};
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError, WriteCondition};

/// The number of files whose version is looked up at the same time.
const LOOKS_IN_FLIGHT: usize = 32;

/// The number of files that are copied at the same time. Each takes at most 8 MiB of memory.
const COPIES_IN_FLIGHT: usize = 8;

/// Looks up the version of every file that a listing found.
pub(crate) async fn versions(
    store: &dyn ObjectStore,
    tables: &mut [TableScan],
) -> Result<(), StepError> {
    let mut under_way = FuturesUnordered::new();
    for table in tables {
        for file in &mut table.files {
            if file.input.version.is_some() {
                continue;
            }
            if under_way.len() >= LOOKS_IN_FLIGHT {
                under_way.try_next().await?;
            }
            under_way.push(version(store, &mut file.input));
        }
    }
    while under_way.try_next().await?.is_some() {}
    Ok(())
}

async fn version(store: &dyn ObjectStore, file: &mut InputFile) -> Result<(), StepError> {
    let at = &file.location;
    let info = match store.head(at).await {
        Ok(info) => info,
        // The next call lists the folder again.
        Err(source @ StoreError::NotFound(_)) => {
            let text = format!("{at} was deleted while the data was listed");
            return Err(StepError::new(StepErrorKind::Unavailable, text).with_source(source));
        }
        Err(error) => return Err(error).doing(|| format!("reading {at}")),
    };
    file.size = info.size;
    file.etag = info.etag;
    file.version = info.version;
    Ok(())
}

/// Copies the plain files without a version into the run's folder. Returns `false` when the time is up
/// before the end. Sets `worked` if there was something to copy. Compressed files get a plain copy when
/// they are scanned.
pub(crate) async fn copies(
    store: &dyn ObjectStore,
    run: &RunFolder,
    tables: &mut [TableScan],
    time_left: &dyn TimeLeft,
    worked: &mut bool,
) -> Result<bool, StepError> {
    let places = (0..).zip(&*tables).flat_map(|(table, scan)| {
        let files = (0..).zip(&scan.files);
        let loose = files.filter(|(_, file)| needs_copy(run, file));
        loose.map(move |(file, _)| (table, file))
    });
    let mut todo = places
        .collect::<Vec<(usize, usize)>>()
        .into_iter()
        .peekable();
    let mut under_way = FuturesUnordered::new();
    loop {
        // Every call makes at least one copy.
        while under_way.len() < COPIES_IN_FLIGHT
            && todo.peek().is_some()
            && (!*worked || time_left.enough())
        {
            if let Some((table, file)) = todo.next() {
                *worked = true;
                let scanned = tables[table].files[file].clone();
                let at = run.staged(table, file, &content(&scanned.input));
                under_way.push(async move {
                    let copied = copy(store, &scanned, &at, time_left).await?;
                    Ok::<_, StepError>((table, file, copied))
                });
            }
        }
        match under_way.try_next().await? {
            Some((table, file, Copied::Done(input))) => {
                let scanned = &mut tables[table].files[file];
                scanned.copying = None;
                scanned.input = input;
            }
            Some((table, file, Copied::Unfinished(progress))) => {
                tables[table].files[file].copying = Some(progress);
            }
            None => break,
        }
    }
    drop(under_way);
    let mut files = tables.iter().flat_map(|table| &table.files);
    Ok(!files.any(|file| needs_copy(run, file)))
}

/// Whether a file would be read at a place where it can be overwritten.
fn needs_copy(run: &RunFolder, file: &ScannedFile) -> bool {
    file.plain && file.input.version.is_none() && !run.holds(&file.input.location)
}

/// Returns a text that tells the content of a file from every other content that was under its name.
pub(crate) fn content(file: &InputFile) -> String {
    format!("{} {}", file.etag, file.version.as_deref().unwrap_or(""))
}

/// Returns the copy of a file at `at`, if an earlier call has made it.
pub(crate) async fn copied_before(
    store: &dyn ObjectStore,
    file: &InputFile,
    at: &S3Uri,
) -> Result<Option<InputFile>, StepError> {
    match store.head(at).await {
        Ok(info) => Ok(Some(InputFile {
            name: file.name.clone(),
            location: info.location,
            size: info.size,
            etag: info.etag,
            // Nobody overwrites an object of the run's folder with another content.
            version: None,
            rows: file.rows,
        })),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error).doing(|| format!("reading {at}")),
    }
}

enum Copied {
    Done(InputFile),
    Unfinished(ConcatProgress),
}

/// Makes S3 copy a file.
async fn copy(
    store: &dyn ObjectStore,
    file: &ScannedFile,
    at: &S3Uri,
    time_left: &dyn TimeLeft,
) -> Result<Copied, StepError> {
    let (input, progress) = (&file.input, file.copying.clone());
    if progress.is_none()
        && let Some(copy) = copied_before(store, input, at).await?
    {
        return Ok(Copied::Done(copy));
    }
    let whole = [ConcatSegment::whole(ObjectInfo {
        location: input.location.clone(),
        size: input.size,
        etag: input.etag.clone(),
        version: None,
        checksum: None,
    })];
    let options = ConcatOptions {
        condition: WriteCondition::IfAbsent,
        ..ConcatOptions::default()
    };
    match concatenate(store, at, &whole, progress, time_left, &options).await {
        Ok(Concatenated::Unfinished(progress)) => return Ok(Copied::Unfinished(progress)),
        // Another copy of this call was quicker.
        Ok(Concatenated::Done(_)) | Err(ConcatError::Store(StoreError::Exists(_))) => {}
        Err(ConcatError::Store(source @ StoreError::Changed(_))) => {
            return Err(changed(&input.name, source));
        }
        Err(error) => return Err(error).doing(|| format!("copying {} to {at}", input.location)),
    }
    let copy = copied_before(store, input, at).await?;
    copy.map(Copied::Done).ok_or_else(|| {
        let text = format!("{at} was deleted while the run was planned");
        StepError::new(StepErrorKind::NotFound, text)
    })
}

/// Returns the error of a file that was overwritten before it was pinned. Nothing was paid for yet.
pub(crate) fn changed(name: &str, source: StoreError) -> StepError {
    StepError::new(StepErrorKind::DataChanged, format!("reading {name}")).with_source(source)
}
