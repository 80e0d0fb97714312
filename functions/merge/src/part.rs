//! A slice's part of the result: rows with their result columns, encoded and uploaded to S3.

use crate::spill::spooling;
use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_asking::Asking;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions, Written};
use quarry_edge::store::ObjectStore;
use quarry_parquet::{PartWriter, ResultColumn};
use quarry_rows::{Row, TableFormat};
use quarry_table::{ResultCell, RowEncoder};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// The number of encoded bytes that are passed to the upload at once.
const PIECE_BYTES: usize = 1 << 20;

/// A part that is being written.
pub(crate) struct Part {
    writer: ObjectWriter,
    at: S3Uri,
    form: Form,
    rows: u64,
}

enum Form {
    Text {
        encoder: RowEncoder,
        /// Encoded rows, compressed if the table is.
        buffer: Vec<u8>,
        gzip: Option<Box<GzEncoder<Vec<u8>>>>,
    },
    Parquet(Box<PartWriter>),
}

/// A part that is written.
pub(crate) struct WrittenPart {
    pub(crate) written: Written,
    pub(crate) rows: u64,
    /// Columns with values that do not have the column's type, and the number of rows that hold
    /// such a value.
    pub(crate) unfit: BTreeMap<String, u64>,
}

impl Part {
    /// Opens the part of a slice.
    pub(crate) async fn open(
        store: &Arc<dyn ObjectStore>,
        run: &RunFolder,
        plan: &Plan,
        asking: &Asking,
        slice: &Slice,
    ) -> Result<Self, StepError> {
        let at = run.slice(slice.slice).part();
        let table = &plan.tables[slice.table];
        let columns = asking.columns();
        let replaced = columns
            .replaced(&table.columns, asking.settings().replace_columns)
            .map_err(StepError::bad_request)?;
        let form = match quarry_rows::format_of(table) {
            TableFormat::Text(dialect) => Form::Text {
                encoder: RowEncoder::new(
                    dialect,
                    &quarry_rows::header_of(table),
                    columns.names(),
                    &replaced,
                ),
                buffer: Vec::new(),
                gzip: table
                    .gzip
                    .then(|| Box::new(GzEncoder::new(Vec::new(), Compression::default()))),
            },
            TableFormat::Parquet => {
                let at = run.layout(slice.table, table.layout.as_deref());
                let layout = quarry_rows::layout(&**store, &at).await?;
                let results = ResultColumn::of_run(columns, plan.schema.as_ref());
                let writer = PartWriter::new(&layout, &results, &replaced)
                    .map_err(StepError::bad_request)?;
                Form::Parquet(Box::new(writer))
            }
        };
        Ok(Self {
            writer: ObjectWriter::keeping_first(
                Arc::clone(store),
                at.clone(),
                WriteOptions::default(),
            ),
            at,
            form,
            rows: 0,
        })
    }

    /// Appends a row with its result columns.
    pub(crate) fn row(
        &mut self,
        row: &Row<'_>,
        results: &[ResultCell<'_>],
    ) -> Result<(), StepError> {
        match (&mut self.form, row) {
            (
                Form::Text {
                    encoder, buffer, ..
                },
                Row::Text(row),
            ) => {
                encoder.row(buffer, row, results);
            }
            (Form::Parquet(writer), Row::Parquet(row)) => {
                writer.push(*row, results).map_err(StepError::bad_request)?;
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

    /// Passes the encoded rows to the upload when there are enough of them.
    pub(crate) async fn flush_if_full(&mut self) -> Result<(), StepError> {
        match &mut self.form {
            Form::Text { buffer, .. } if buffer.len() < PIECE_BYTES => Ok(()),
            _ => self.flush().await,
        }
    }

    async fn flush(&mut self) -> Result<(), StepError> {
        let written = match &mut self.form {
            Form::Text { buffer, gzip, .. } => {
                if let Some(gzip) = gzip {
                    gzip.write_all(buffer).map_err(spooling)?;
                    buffer.clear();
                    std::mem::swap(buffer, gzip.get_mut());
                }
                let written = self.writer.write(buffer).await;
                buffer.clear();
                written
            }
            Form::Parquet(writer) => {
                let ready = writer.take().map_err(StepError::bad_request)?;
                self.writer.write(&ready).await
            }
        };
        written.doing(|| format!("writing {}", self.at))
    }

    /// Completes the part.
    pub(crate) async fn finish(mut self) -> Result<WrittenPart, StepError> {
        self.flush().await?;
        let mut unfit = BTreeMap::new();
        let last = match self.form {
            Form::Text { gzip: None, .. } => bytes::Bytes::new(),
            Form::Text {
                gzip: Some(gzip), ..
            } => gzip.finish().map_err(spooling)?.into(),
            Form::Parquet(writer) => {
                let (last, meta) = writer.finish().map_err(StepError::bad_request)?;
                unfit.extend(
                    meta.unfit
                        .into_iter()
                        .map(|unfit| (unfit.column, unfit.rows)),
                );
                last
            }
        };
        let doing = format!("writing {}", self.at);
        self.writer.write(&last).await.doing(|| &doing)?;
        let written = self.writer.finish().await.doing(|| &doing)?;
        Ok(WrittenPart {
            written,
            rows: self.rows,
            unfit,
        })
    }
}
