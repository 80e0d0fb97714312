//! An object with rows of a sample, in the form of their table.

use crate::table_scan::{ScannedFile, TableScan};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::InputFile;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::ObjectStore;
use quarry_parquet::PartWriter;
use quarry_rows::{Row, TableFormat};
use quarry_table::RowEncoder;
use std::sync::Arc;

/// An object with rows of a sample that is being written.
pub(super) struct SampleObject {
    writer: ObjectWriter,
    at: S3Uri,
    form: SampleForm,
    rows: u64,
}

enum SampleForm {
    Text {
        encoder: RowEncoder,
        buffer: Vec<u8>,
    },
    Parquet(Box<PartWriter>),
}

impl SampleObject {
    pub(super) async fn open(
        store: &Arc<dyn ObjectStore>,
        run: &RunFolder,
        number: usize,
        table: &TableScan,
        at: S3Uri,
    ) -> Result<Self, StepError> {
        let form = match table.format {
            TableFormat::Text(dialect) => {
                let header = table.header.clone().unwrap_or_default();
                let mut encoder = RowEncoder::new(dialect, &header, &[], &[]);
                let mut buffer = Vec::new();
                encoder.header_line(&mut buffer);
                SampleForm::Text { encoder, buffer }
            }
            TableFormat::Parquet => {
                let at = run.layout(number, table.layout.as_deref());
                let layout = quarry_rows::layout(&**store, &at).await?;
                let writer = PartWriter::new(&layout, &[], &[]).map_err(StepError::bad_request)?;
                SampleForm::Parquet(Box::new(writer))
            }
        };
        let options = WriteOptions::default();
        Ok(Self {
            writer: ObjectWriter::keeping_first(Arc::clone(store), at.clone(), options),
            at,
            form,
            rows: 0,
        })
    }

    /// Appends a row as it was.
    pub(super) fn row(&mut self, row: &Row<'_>) -> Result<(), StepError> {
        match (&mut self.form, row) {
            (SampleForm::Text { encoder, buffer }, Row::Text(row)) => encoder.row(buffer, row, &[]),
            (SampleForm::Parquet(writer), Row::Parquet(row)) => {
                writer.push(*row, &[]).map_err(StepError::bad_request)?;
            }
            _ => {
                return Err(StepError::inconsistent(format!(
                    "a row for {} is not of the table's format",
                    self.at
                )));
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Passes the encoded rows to the upload.
    pub(super) async fn flush(&mut self) -> Result<(), StepError> {
        let written = match &mut self.form {
            SampleForm::Text { buffer, .. } => {
                let written = self.writer.write(buffer).await;
                buffer.clear();
                written
            }
            SampleForm::Parquet(writer) => {
                let ready = writer.take().map_err(StepError::bad_request)?;
                self.writer.write_bytes(ready).await
            }
        };
        written.doing(|| format!("writing {}", self.at))
    }

    /// Gives the object up.
    pub(super) async fn abort(self) -> Result<(), StepError> {
        let aborted = self.writer.abort().await;
        aborted.doing(|| format!("writing {}", self.at))
    }

    /// Completes the object, which stands for these files.
    pub(super) async fn finish(mut self, of: &[ScannedFile]) -> Result<InputFile, StepError> {
        self.flush().await?;
        let doing = format!("writing {}", self.at);
        if let SampleForm::Parquet(writer) = self.form {
            let (last, _) = writer.finish().map_err(StepError::bad_request)?;
            self.writer.write_bytes(last).await.doing(|| &doing)?;
        }
        let written = self.writer.finish().await.doing(|| &doing)?;
        Ok(InputFile {
            name: match of {
                [file] => file.input.name.clone(),
                files => format!("a sample of {} files", files.len()),
            },
            location: self.at,
            size: written.bytes,
            etag: written.etag,
            // Nobody overwrites an object of the run's folder with another content.
            version: None,
            rows: self.rows,
        })
    }
}
