//! What the files of a Parquet table have in common.

use crate::table_scan::TableScan;
use quarry_contract::location::S3Uri;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::ObjectStore;
use quarry_parquet::TableLayout;
use quarry_rows::{SlicePiece, open};
use std::sync::Arc;

/// Reads the footers of all files and returns their layout. Refuses files that do not fit together
/// before a row is read.
pub(crate) async fn layout(
    store: &Arc<dyn ObjectStore>,
    table: &TableScan,
) -> Result<TableLayout, StepError> {
    let mut layout: Option<TableLayout> = None;
    for (number, file) in table.files.iter().enumerate() {
        let file = open(store, &SlicePiece::of(number, &file.input, 0, 0, 0)).await?;
        match &mut layout {
            None => layout = Some(TableLayout::of(&file).map_err(StepError::bad_request)?),
            Some(layout) => layout.add(&file).map_err(StepError::bad_request)?,
        }
    }
    layout.ok_or_else(|| StepError::bad_request("a table needs at least one file"))
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
