//! What the files of a Parquet table have in common.

use crate::deps::Deps;
use crate::limits;
use crate::table_scan::TableScan;
use futures::stream::{FuturesOrdered, TryStreamExt};
use quarry_asking::Asking;
use quarry_contract::digest::hex_digest;
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::Table;
use quarry_edge::clock::TimeLeft;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_parquet::{PartWriter, PlannedPart, ResultColumn, TableLayout};
use quarry_rows::{SlicePiece, TableFormat, open};
use serde_json::Value;
use std::sync::Arc;

/// The number of footers that are read at the same time. A footer is held in memory as a whole.
const FOOTERS_IN_FLIGHT: usize = 4;

/// Where the layouts of a table are stored, which is the `number`th of the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayoutPlace<'a> {
    pub(crate) run: &'a RunFolder,
    pub(crate) number: usize,
}

/// Reads the footers of all files, stores their layout for the steps that write the result, and
/// returns it. Refuses files that do not fit together before a row is read. Returns `None` when the time
/// is up before the last footer; the next call continues from the stored layout.
pub(crate) async fn layout(
    store: &Arc<dyn ObjectStore>,
    table: &mut TableScan,
    place: LayoutPlace<'_>,
    time_left: &dyn TimeLeft,
) -> Result<Option<TableLayout>, StepError> {
    let mut layout = None;
    if table.footers_read > 0 {
        let at = place.run.layout(place.number, table.layout.as_deref());
        layout = Some(quarry_rows::layout(&**store, &at).await?);
    }
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
    table.layout = Some(self::store(&**store, &layout, place).await?);
    table.footers_read = read;
    Ok((read == table.files.len()).then_some(layout))
}

/// Refuses a table, which is the `number`th of the run, if the footer of its result has no room for the
/// row groups of these parts.
pub(crate) async fn check_footer(
    deps: &Deps,
    run: &RunFolder,
    asking: &Asking,
    schema: Option<&Value>,
    number: usize,
    table: &Table,
    parts: &[PlannedPart],
) -> Result<(), StepError> {
    if quarry_rows::format_of(table) != TableFormat::Parquet || table.slices == 0 {
        return Ok(());
    }
    let replaced = asking
        .columns()
        .replaced(&table.columns, asking.settings().replace_columns)
        .map_err(StepError::bad_request)?;
    let at = run.layout(number, table.layout.as_deref());
    let layout = quarry_rows::layout(&*deps.store, &at).await?;
    let results = ResultColumn::of_run(asking.columns(), schema);
    let part = PartWriter::new(&layout, &results, &replaced).map_err(StepError::bad_request)?;
    let name = table.split.as_deref().unwrap_or("the data set");
    let room = part.footer_room().map_err(StepError::bad_request)?;
    limits::check_footer(name, room, parts)
}

/// Stores a layout for the steps that write the result, and returns the digest of it in its name: a
/// copy of planning that sees other files leaves the layout of this one as it is.
pub(crate) async fn store(
    store: &dyn ObjectStore,
    layout: &TableLayout,
    place: LayoutPlace<'_>,
) -> Result<String, StepError> {
    let bytes = layout.to_bytes().map_err(StepError::bad_request)?;
    let mut digest = hex_digest(&bytes);
    digest.truncate(16);
    let at = place.run.layout(place.number, Some(&digest));
    store
        .put(&at, bytes, WriteCondition::Always)
        .await
        .doing(|| format!("writing {at}"))?;
    Ok(digest)
}
