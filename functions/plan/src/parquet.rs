//! What the files of a Parquet table have in common.

use crate::table_scan::TableScan;
use futures::stream::{FuturesOrdered, TryStreamExt};
use quarry_contract::location::S3Uri;
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents::MAX_DOCUMENT_BYTES;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::ObjectStore;
use quarry_parquet::TableLayout;
use quarry_rows::{SlicePiece, open};
use std::sync::Arc;

/// The number of footers that are read at the same time. A footer is held in memory as a whole.
const FOOTERS_IN_FLIGHT: usize = 4;

/// Reads the footers of all files, stores their layout at `at` for the steps that write the result, and
/// returns it. Refuses files that do not fit together before a row is read. Returns `None` when the time
/// is up before the last footer; the next call continues from the stored layout.
pub(crate) async fn layout(
    store: &Arc<dyn ObjectStore>,
    table: &mut TableScan,
    at: &S3Uri,
    time_left: &dyn TimeLeft,
) -> Result<Option<TableLayout>, StepError> {
    let mut layout = match table.footers_read {
        0 => None,
        _ => Some(stored(&**store, at).await?),
    };
    let mut files = (0..).zip(&table.files).skip(table.footers_read);
    let mut opened = FuturesOrdered::new();
    let mut read = table.footers_read;
    loop {
        while opened.len() < FOOTERS_IN_FLIGHT
            && let Some((number, file)) = files.next()
        {
            let piece = SlicePiece::of(number, &file.input, 0, 0, 0);
            opened.push_back(async move { open(store, &piece).await });
        }
        let Some(file) = opened.try_next().await? else {
            break;
        };
        match &mut layout {
            None => layout = Some(TableLayout::of(&file).map_err(StepError::bad_request)?),
            Some(layout) => layout.add(&file).map_err(StepError::bad_request)?,
        }
        read += 1;
        if read < table.files.len() && !time_left.enough() {
            break;
        }
    }
    drop(opened);
    let layout = layout.ok_or_else(|| StepError::bad_request("a table needs at least one file"))?;
    self::store(&**store, &layout, at).await?;
    table.footers_read = read;
    Ok((read == table.files.len()).then_some(layout))
}

/// Stores a layout for the steps that write the result.
pub(crate) async fn store(
    store: &dyn ObjectStore,
    layout: &TableLayout,
    at: &S3Uri,
) -> Result<(), StepError> {
    let bytes = layout.to_bytes().map_err(StepError::bad_request)?;
    store
        .put(at, bytes, false)
        .await
        .map(drop)
        .doing(|| format!("writing {at}"))
}

async fn stored(store: &dyn ObjectStore, at: &S3Uri) -> Result<TableLayout, StepError> {
    let bytes = store
        .get(at, MAX_DOCUMENT_BYTES)
        .await
        .doing(|| format!("reading {at}"))?;
    TableLayout::from_bytes(&bytes).map_err(StepError::bad_request)
}
