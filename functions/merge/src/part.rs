//! A slice's part of the result: rows with their result columns, encoded and uploaded to S3.

use crate::round::SliceRound;
use quarry_contract::file_format::FileFormat;
use quarry_edge::error::StepError;
use quarry_parquet::{PartWriter, ResultColumn};
use quarry_rows::{RowsForm, RowsObject, TableFormat};
use quarry_table::RowEncoder;

/// Opens the part of the round's slice, in place of the one that this copy of the call has found.
pub(crate) async fn open(round: &SliceRound) -> Result<RowsObject, StepError> {
    let (store, plan, asking) = (&round.store, &round.plan, &round.asking);
    let (slice, table) = (&round.slice, round.table());
    let columns = asking.columns();
    let replaced = columns
        .replaced(&table.columns, asking.settings().replace_columns)
        .map_err(StepError::bad_request)?;
    let form = match quarry_rows::format_of(table) {
        TableFormat::Text(dialect) => {
            let header = quarry_rows::header_of(table);
            let encoder = RowEncoder::new(dialect, &header, columns.names(), &replaced);
            if table.gzip {
                RowsForm::gzip(encoder)
            } else {
                RowsForm::text(encoder)
            }
        }
        TableFormat::Parquet => {
            let at = round.run.layout(slice.table, table.layout.as_deref());
            let layout = quarry_rows::layout(&**store, &at).await?;
            let results = ResultColumn::of_run(columns, plan.schema.as_ref());
            let writer =
                PartWriter::new(&layout, &results, &replaced).map_err(StepError::bad_request)?;
            // Planning has accepted the footer of the result with this share of its row groups.
            let room = writer.footer_room().map_err(StepError::bad_request)?;
            let groups = room.of_part(table.slices.into(), slice.rows, table.rows);
            RowsForm::parquet(writer.with_groups(groups))
        }
    };
    let (at, found) = (round.slice_folder.part(), round.found.part.clone());
    let part = RowsObject::in_place_of(found, store, at, form);
    Ok(match table.format {
        FileFormat::Parquet => part,
        _ if table.gzip => part,
        // The rows get columns, so the part is hardly smaller than they are.
        _ => part.expecting(slice.segments.iter().map(|one| one.end - one.start).sum()),
    })
}
