//! An object with rows of a sample, in the form of their table.

use crate::table_scan::{ScannedFile, TableScan};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::InputFile;
use quarry_edge::error::StepError;
use quarry_edge::store::ObjectStore;
use quarry_parquet::PartWriter;
use quarry_rows::{RowsForm, RowsObject, TableFormat, WrittenRows};
use quarry_table::RowEncoder;
use std::sync::Arc;

/// Opens an object for rows of a table.
pub(super) async fn open(
    store: &Arc<dyn ObjectStore>,
    run: &RunFolder,
    number: usize,
    table: &TableScan,
    at: S3Uri,
) -> Result<RowsObject, StepError> {
    let form = match table.format {
        TableFormat::Text(dialect) => {
            let header = table.header.clone().unwrap_or_default();
            RowsForm::text_with_header(RowEncoder::new(dialect, &header, &[], &[]))
        }
        TableFormat::Parquet => {
            let layout = run.layout(number, table.layout.as_deref());
            let layout = quarry_rows::layout(&**store, &layout).await?;
            let writer = PartWriter::new(&layout, &[], &[]).map_err(StepError::bad_request)?;
            RowsForm::parquet(writer)
        }
    };
    Ok(RowsObject::new(store, at, form))
}

/// Returns the object as a file of the sample, which stands for these files.
pub(super) fn as_file(object: WrittenRows, at: S3Uri, of: &[ScannedFile]) -> InputFile {
    InputFile {
        name: match of {
            [file] => file.input.name.clone(),
            files => format!("a sample of {} files", files.len()),
        },
        location: at,
        size: object.written.bytes,
        etag: object.written.etag,
        // Nobody overwrites an object of the run's folder with another content.
        version: None,
        rows: object.rows,
    }
}
