//! The rows of text tables: ranged reads, fed to the decoder of the format.

use crate::error::RowsError;
use crate::piece::SlicePiece;
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::store::ObjectStore;
use quarry_table::{Dialect, Header, Position, RowDecoder};
use std::collections::VecDeque;
use std::sync::Arc;

/// The rows of consecutive pieces, possibly of several files.
pub struct TextRows {
    store: Arc<dyn ObjectStore>,
    dialect: Dialect,
    header: Option<Arc<Header>>,
    projection: Vec<String>,
    pieces: VecDeque<SlicePiece>,
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

/// What [`TextRows::advance`] returns: a decoder with new input.
pub struct TextAdvance<'a> {
    /// The file's number in its table.
    pub file: usize,
    /// The decoder. Take all of its rows before the next call.
    pub decoder: &'a mut RowDecoder,
    /// Whether this is the end of the piece.
    pub last: bool,
}

impl TextRows {
    /// Starts to read the rows of `pieces`. A piece that begins at byte 0 contains the file's
    /// header; others need `header`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        dialect: Dialect,
        header: Option<Arc<Header>>,
        projection: Vec<String>,
        pieces: Vec<SlicePiece>,
        options: ReadOptions,
    ) -> Self {
        Self {
            store,
            dialect,
            header,
            projection,
            pieces: pieces.into(),
            current: None,
            options,
        }
    }

    /// Requests the first bytes, without waiting for them. Needs a tokio runtime.
    pub fn request(&mut self) {
        self.open_next();
        if let Some(open) = &mut self.current {
            open.reader.request();
        }
    }

    /// Opens the next piece if there is none, or if the current one has ended.
    fn open_next(&mut self) {
        if self.current.as_ref().is_some_and(|open| !open.ended) {
            return;
        }
        self.current = self.pieces.pop_front().map(|piece| self.open(piece));
    }

    fn open(&self, piece: SlicePiece) -> Open {
        let mut decoder = match &self.header {
            Some(header) if piece.start > 0 => RowDecoder::resume(
                self.dialect,
                &*piece.name,
                Arc::clone(header),
                Position {
                    byte: piece.start,
                    row: piece.first_row,
                },
            ),
            _ => RowDecoder::start(self.dialect, &*piece.name),
        };
        decoder.project(&self.projection);
        Open {
            file: piece.file,
            name: piece.name,
            reader: ObjectReader::open(
                Arc::clone(&self.store),
                piece.location,
                piece.start..piece.end,
                piece.pin,
                self.options,
            ),
            decoder,
            ended: false,
        }
    }

    /// Feeds the next bytes to the decoder; `None` after the last piece.
    pub async fn advance(&mut self) -> Result<Option<TextAdvance<'_>>, RowsError> {
        self.open_next();
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
        Ok(Some(TextAdvance {
            file: open.file,
            decoder: &mut open.decoder,
            last: open.ended,
        }))
    }
}
