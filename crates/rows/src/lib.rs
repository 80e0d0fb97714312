//! Rows of stored tables: ranged reads of S3 objects, fed to the decoder of their format.
//!
//! Memory is bounded by the reader's parts in flight and one row, for files of any size.

use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Segment, Table};
use quarry_edge::error::StepError;
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::store::{ObjectStore, StoreError};
use quarry_table::{Format, Header, Newline, Position, RowDecoder, TableError};
use std::collections::VecDeque;
use std::sync::Arc;

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The object cannot be read.
    #[error("reading {name}")]
    Store {
        /// The file's name.
        name: String,
        /// The store's error.
        source: StoreError,
    },
    /// The file is not a table of its format.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The plan names a format that this version does not read.
    #[error("`{0}` is not a table format of this version")]
    Format(String),
}

impl From<RowsError> for StepError {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Store { name, source } => source.into_step(&format!("reading {name}")),
            other => Self::bad_request(other),
        }
    }
}

/// A range of one file.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The file's number in its table.
    pub file: usize,
    /// Its name in errors.
    pub name: String,
    /// Where its plain bytes are.
    pub location: S3Uri,
    /// Its `ETag`.
    pub etag: String,
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// The first row's number in the file.
    pub first_row: u64,
}

/// Rows of consecutive pieces, possibly of several files.
pub struct Rows {
    store: Arc<dyn ObjectStore>,
    format: Format,
    header: Option<Arc<Header>>,
    projection: Vec<String>,
    pieces: VecDeque<Piece>,
    current: Option<Open>,
    options: ReadOptions,
}

struct Open {
    file: usize,
    name: String,
    reader: ObjectReader,
    decoder: RowDecoder,
    ended: bool,
}

/// What [`Rows::advance`] gives: a decoder with new input.
pub struct Advance<'a> {
    /// The file's number in its table.
    pub file: usize,
    /// Take all of its rows before the next call.
    pub decoder: &'a mut RowDecoder,
    /// Whether the piece has no more input after this.
    pub last: bool,
}

impl Rows {
    /// Rows of `pieces`. A piece that begins at byte 0 has the file's header in it; others need
    /// `header`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        format: Format,
        header: Option<Arc<Header>>,
        projection: Vec<String>,
        pieces: Vec<Piece>,
        options: ReadOptions,
    ) -> Self {
        Self {
            store,
            format,
            header,
            projection,
            pieces: pieces.into(),
            current: None,
            options,
        }
    }

    /// The rows of a slice.
    pub fn of_slice(
        store: Arc<dyn ObjectStore>,
        table: &Table,
        segments: &[Segment],
        projection: Vec<String>,
    ) -> Result<Self, RowsError> {
        let pieces = segments
            .iter()
            .map(|segment| {
                let file = &table.files[segment.file];
                Piece {
                    file: segment.file,
                    name: file.name.clone(),
                    location: file.location.clone(),
                    etag: file.etag.clone(),
                    start: segment.start,
                    end: segment.end,
                    first_row: segment.first_row,
                }
            })
            .collect();
        let (format, header) = (format_of(table)?, Arc::new(header_of(table)));
        Ok(Self::new(
            store,
            format,
            Some(header),
            projection,
            pieces,
            ReadOptions::default(),
        ))
    }

    /// Brings the next bytes to the decoder; `None` when all pieces are read.
    pub async fn advance(&mut self) -> Result<Option<Advance<'_>>, RowsError> {
        if self.current.as_ref().is_none_or(|open| open.ended) {
            let Some(piece) = self.pieces.pop_front() else {
                return Ok(None);
            };
            let mut decoder = match &self.header {
                Some(header) if piece.start > 0 => RowDecoder::resume(
                    self.format,
                    &*piece.name,
                    Arc::clone(header),
                    Position {
                        byte: piece.start,
                        row: piece.first_row,
                    },
                ),
                _ => RowDecoder::start(self.format, &*piece.name),
            };
            decoder.project(&self.projection);
            self.current = Some(Open {
                file: piece.file,
                name: piece.name,
                reader: ObjectReader::open(
                    Arc::clone(&self.store),
                    piece.location,
                    piece.start..piece.end,
                    piece.etag,
                    self.options,
                ),
                decoder,
                ended: false,
            });
        }
        let Some(open) = &mut self.current else {
            return Ok(None);
        };
        match open.reader.next().await {
            Ok(Some(bytes)) => open.decoder.push(&bytes),
            Ok(None) => {
                open.decoder.end();
                open.ended = true;
            }
            Err(source) => {
                return Err(RowsError::Store {
                    name: open.name.clone(),
                    source,
                });
            }
        }
        Ok(Some(Advance {
            file: open.file,
            decoder: &mut open.decoder,
            last: open.ended,
        }))
    }
}

/// The table's format.
pub fn format_of(table: &Table) -> Result<Format, RowsError> {
    Format::from_file_name(&format!("x.{}", table.format))
        .map(|(format, _)| format)
        .ok_or_else(|| RowsError::Format(table.format.clone()))
}

/// The table's header as the plan keeps it.
pub fn header_of(table: &Table) -> Header {
    Header {
        columns: table.columns.clone(),
        raw: table.header.clone(),
        newline: match table.newline.as_str() {
            "crlf" => Newline::CrLf,
            "cr" => Newline::Cr,
            _ => Newline::Lf,
        },
    }
}

/// How the plan keeps a newline.
pub fn newline_name(newline: Newline) -> &'static str {
    match newline {
        Newline::Lf => "lf",
        Newline::CrLf => "crlf",
        Newline::Cr => "cr",
    }
}
