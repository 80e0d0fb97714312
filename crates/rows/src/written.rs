//! Rows of a table on their way into one object: encoded in the table's format, and uploaded.

use crate::gzip::Packer;
use crate::slice::Row;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions, Written};
use quarry_edge::store::ObjectStore;
use quarry_parquet::PartWriter;
use quarry_table::{ResultCell, RowEncoder};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The number of encoded bytes that are passed to the upload at once.
const PIECE_BYTES: usize = 1 << 20;

/// The format of the rows that are written.
pub struct RowsForm(FormKind);

enum FormKind {
    Text {
        encoder: Box<RowEncoder>,
        /// Encoded rows.
        buffer: Vec<u8>,
        gzip: Option<Box<Packer>>,
    },
    Parquet(Box<PartWriter>),
}

impl RowsForm {
    /// Rows of a text table, without its header.
    pub fn text(encoder: RowEncoder) -> Self {
        Self(FormKind::Text {
            encoder: Box::new(encoder),
            buffer: Vec::new(),
            gzip: None,
        })
    }

    /// Rows of a text table, without its header, that are compressed.
    pub fn gzip(encoder: RowEncoder) -> Self {
        Self(FormKind::Text {
            encoder: Box::new(encoder),
            buffer: Vec::new(),
            gzip: Some(Box::new(Packer::new())),
        })
    }

    /// Rows of a text table behind its header.
    pub fn text_with_header(mut encoder: RowEncoder) -> Self {
        let mut buffer = Vec::new();
        encoder.header_line(&mut buffer);
        Self(FormKind::Text {
            encoder: Box::new(encoder),
            buffer,
            gzip: None,
        })
    }

    /// Rows of a Parquet table.
    pub fn parquet(writer: PartWriter) -> Self {
        Self(FormKind::Parquet(Box::new(writer)))
    }
}

/// An object with rows that is being written. Of two copies of a step that write it, the first one's
/// object stays.
pub struct RowsObject {
    writer: ObjectWriter,
    at: S3Uri,
    form: FormKind,
    rows: u64,
}

/// An object with rows that is written.
pub struct WrittenRows {
    /// The object.
    pub written: Written,
    /// Its number of rows.
    pub rows: u64,
    /// Columns with values that do not have the column's type, and the number of rows that hold
    /// such a value.
    pub unfit: BTreeMap<String, u64>,
}

impl RowsObject {
    /// Starts the object.
    pub fn new(store: &Arc<dyn ObjectStore>, at: S3Uri, form: RowsForm) -> Self {
        let options = WriteOptions::default();
        Self {
            writer: ObjectWriter::keeping_first(Arc::clone(store), at.clone(), options),
            at,
            form: form.0,
            rows: 0,
        }
    }

    /// Starts the object so that, of objects with other bytes, it replaces only the one with the `ETag`
    /// `found`; with `None`, it replaces none. If another one is there in the end, finishing it fails
    /// with `Quarry.Unavailable`, and nothing is changed.
    pub fn in_place_of(
        found: Option<String>,
        store: &Arc<dyn ObjectStore>,
        at: S3Uri,
        form: RowsForm,
    ) -> Self {
        let options = WriteOptions::default();
        Self {
            writer: ObjectWriter::in_place_of(found, Arc::clone(store), at.clone(), options),
            ..Self::new(store, at, form)
        }
    }

    /// Tells how many bytes the object will have, if the caller can say, so that a large one is sent sooner.
    #[must_use]
    pub fn expecting(self, bytes: u64) -> Self {
        Self {
            writer: self.writer.expecting(bytes),
            ..self
        }
    }

    /// Appends a row with its result columns.
    ///
    /// # Errors
    ///
    /// The row is not of the object's format, or its values cannot be encoded.
    pub fn row(&mut self, row: &Row<'_>, results: &[ResultCell<'_>]) -> Result<(), StepError> {
        match (&mut self.form, row) {
            (
                FormKind::Text {
                    encoder, buffer, ..
                },
                Row::Text(row),
            ) => {
                encoder.row(buffer, row, results);
            }
            (FormKind::Parquet(writer), Row::Parquet(row)) => {
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
    ///
    /// # Errors
    ///
    /// Those of the upload.
    pub async fn flush_if_full(&mut self) -> Result<(), StepError> {
        match &mut self.form {
            FormKind::Text { buffer, .. } if buffer.len() < PIECE_BYTES => Ok(()),
            _ => self.flush().await,
        }
    }

    async fn flush(&mut self) -> Result<(), StepError> {
        let written = match &mut self.form {
            FormKind::Text { buffer, gzip, .. } => {
                let ready = match gzip {
                    Some(gzip) => {
                        gzip.take_from(buffer).map_err(compressing)?;
                        gzip.packed()
                    }
                    None => buffer,
                };
                let written = self.writer.write(ready).await;
                ready.clear();
                written
            }
            FormKind::Parquet(writer) => {
                let ready = writer.take().map_err(StepError::bad_request)?;
                self.writer.write_bytes(ready).await
            }
        };
        written.doing(|| format!("writing {}", self.at))
    }

    /// Gives the object up, and leaves nothing behind.
    ///
    /// # Errors
    ///
    /// The parts that were uploaded cannot be removed.
    pub async fn abort(self) -> Result<(), StepError> {
        let aborted = self.writer.abort().await;
        aborted.doing(|| format!("writing {}", self.at))
    }

    /// Returns the object with the value of `work`, or aborts it and returns the error. If the abort fails, it is logged.
    pub async fn or_give_up<T>(self, work: Result<T, StepError>) -> Result<(Self, T), StepError> {
        let (writer, value) = self.writer.or_give_up(work).await?;
        Ok((Self { writer, ..self }, value))
    }

    /// Completes the object.
    ///
    /// # Errors
    ///
    /// Those of the upload, and of the last rows of a Parquet table.
    pub async fn finish(mut self) -> Result<WrittenRows, StepError> {
        let flushed = self.flush().await;
        let Self {
            writer,
            at,
            form,
            rows,
        } = self;
        let finished = flushed.and_then(|()| form.finish());
        let (mut writer, (last, unfit)) = writer.or_give_up(finished).await?;
        let doing = format!("writing {at}");
        writer.write_bytes(last).await.doing(|| &doing)?;
        let written = writer.finish().await.doing(|| &doing)?;
        Ok(WrittenRows {
            written,
            rows,
            unfit,
        })
    }
}

impl FormKind {
    /// Returns the last bytes of the object, and the columns with values that do not fit.
    fn finish(self) -> Result<(Bytes, BTreeMap<String, u64>), StepError> {
        match self {
            Self::Text { gzip: None, .. } => Ok((Bytes::new(), BTreeMap::new())),
            Self::Text {
                gzip: Some(gzip),
                buffer,
                ..
            } => {
                let last = gzip.finish(&buffer).map_err(compressing)?;
                Ok((last.into(), BTreeMap::new()))
            }
            Self::Parquet(writer) => {
                let (last, meta) = writer.finish().map_err(StepError::bad_request)?;
                let unfit = meta.unfit.into_iter();
                Ok((
                    last,
                    unfit.map(|unfit| (unfit.column, unfit.rows)).collect(),
                ))
            }
        }
    }
}

fn compressing(source: io::Error) -> StepError {
    StepError::new(StepErrorKind::Unavailable, "compressing rows").with_source(source)
}
