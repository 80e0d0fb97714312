//! An open file, described by its footer.

use crate::claims::{ChunkClaims, PageClaims, TEXT_LENGTHS};
use crate::error::{DamagedPlace, FileError};
use crate::footer::{self, chunk_range};
use crate::guard::guarded;
use crate::held::{Crowd, HeldChunk, HeldPages, LargeRows, MAX_DECODED_BYTES, MAX_HELD_BYTES};
use crate::kind::{Kind, kinds};
use crate::page::MAX_PAGE_BYTES;
use crate::ranges::Ranges;
use crate::storage::{arrow_schema, newer_annotation};
use crate::window::{LargePage, Windows};
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::basic::{Compression, Type as Physical};
use parquet::file::metadata::{ColumnChunkMetaData, KeyValue, ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};
use quarry_table::MAX_ROW_BYTES;
use std::sync::Arc;

/// The most columns, including those inside structs and lists: as many as keys of JSON Lines. Every
/// column takes its own buffers when rows are read and written.
const MAX_COLUMNS: usize = quarry_table::MAX_COLUMNS;

/// A Parquet file whose footer has been read.
///
/// Cheap to clone. Rows are read with [`read`](Self::read).
#[derive(Clone)]
pub struct ParquetFile {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) ranges: Arc<dyn Ranges>,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: u64,
    pub(crate) declared: SchemaDescPtr,
    pub(crate) metadata: Arc<ParquetMetaData>,
    /// The bare schema in its decoded form.
    pub(crate) arrow: SchemaRef,
    pub(crate) kinds: Vec<Kind>,
}

impl ParquetFile {
    /// Opens a file by reading its footer. Errors use the name.
    pub fn open(name: impl Into<String>, ranges: Arc<dyn Ranges>) -> Result<Self, FileError> {
        let name = name.into();
        let footer = footer::read(&name, &*ranges)?;
        let declared = footer.declared;
        let bare = footer.bare;
        check_width(&name, &declared)?;
        check_annotations(&name, &declared)?;
        check_rows(&name, &bare)?;
        let damaged = |reason: String| FileError::Damaged {
            file: name.clone(),
            at: DamagedPlace::default(),
            reason,
        };
        let schema = bare.file_metadata().schema_descr();
        let arrow = guarded(|| arrow_schema(schema).map_err(|error| error.to_string()))
            .map_err(|reason| damaged(format!("its schema is invalid: {reason}")))?;
        let columns: Vec<String> = declared
            .root_schema()
            .get_fields()
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        check_names(&name, &columns)?;
        if arrow.fields().len() != columns.len() {
            let gone = columns
                .iter()
                .find(|column| arrow.field_with_name(column).is_err())
                .cloned();
            return Err(FileError::Unsupported {
                file: name,
                column: gone,
                what: "a struct without members".to_owned(),
                remedy: "leave it out of the file",
            });
        }
        check_widths(&name, &declared)?;
        let key_values = bare.file_metadata().key_value_metadata();
        let kinds = kinds(&declared, key_values, &arrow);
        let rows = u64::try_from(bare.file_metadata().num_rows()).unwrap_or_default();
        Ok(Self {
            inner: Arc::new(Inner {
                name,
                ranges,
                columns,
                rows,
                declared,
                arrow: Arc::new(arrow),
                kinds,
                metadata: Arc::new(bare),
            }),
        })
    }

    /// The name with which the file was opened.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.inner.columns
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.inner.rows
    }

    /// The number of rows of each row group. Reading is cheapest from the start of a row group.
    pub fn row_groups(&self) -> impl Iterator<Item = u64> + '_ {
        self.inner
            .metadata
            .row_groups()
            .iter()
            .map(|group| u64::try_from(group.num_rows()).unwrap_or_default())
    }
}

impl std::fmt::Debug for ParquetFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetFile")
            .field("name", &self.inner.name)
            .field("rows", &self.inner.rows)
            .field("columns", &self.inner.columns)
            .finish_non_exhaustive()
    }
}

fn check_names(file: &str, columns: &[String]) -> Result<(), FileError> {
    let mut first_of = std::collections::HashMap::new();
    for (index, name) in columns.iter().enumerate() {
        if let Some(first) = first_of.insert(name, index) {
            return Err(FileError::DuplicateColumn {
                file: file.to_owned(),
                name: name.clone(),
                first: first + 1,
                second: index + 1,
            });
        }
    }
    Ok(())
}

/// Refuses schemas with too many columns.
fn check_width(file: &str, declared: &SchemaDescriptor) -> Result<(), FileError> {
    if declared.num_columns() <= MAX_COLUMNS {
        return Ok(());
    }
    Err(FileError::Unsupported {
        file: file.to_owned(),
        column: None,
        what: format!(
            "there are {} columns, those inside of others counted, more than {MAX_COLUMNS}",
            declared.num_columns()
        ),
        remedy: "leave out those that are not needed",
    })
}

/// Refuses columns whose annotation could not be written into the result.
fn check_annotations(file: &str, declared: &SchemaDescriptor) -> Result<(), FileError> {
    let Some((column, number)) = newer_annotation(declared) else {
        return Ok(());
    };
    Err(FileError::Unsupported {
        file: file.to_owned(),
        column: Some(column),
        what: format!("it has the logical type {number}, which is newer than this program"),
        remedy: "write the column with another type, or leave it out of the file",
    })
}

/// Refuses row groups whose rows are on average longer than a row of a text table may be. A cell of
/// 500 MB can be stored in 15 KB, but a row is in memory as a whole.
fn check_rows(file: &str, metadata: &ParquetMetaData) -> Result<(), FileError> {
    let limit = i64::try_from(MAX_ROW_BYTES).unwrap_or(i64::MAX);
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let bytes = |column: &ColumnChunkMetaData| column.uncompressed_size();
        let all = group
            .columns()
            .iter()
            .fold(0_i64, |sum, column| sum.saturating_add(bytes(column)));
        if group.num_rows() == 0 || all / group.num_rows() <= limit {
            continue;
        }
        let largest = group.columns().iter().max_by_key(|column| bytes(column));
        return Err(FileError::Unsupported {
            file: file.to_owned(),
            column: largest.map(|column| column.column_path().string()),
            what: format!(
                "most of row group {number} is in it, whose rows have {} bytes on average, more than the {MAX_ROW_BYTES} of \
                 a row",
                all / group.num_rows()
            ),
            remedy: "shorten its values, or store them beside the table",
        });
    }
    Ok(())
}

/// Refuses arrays of zero bytes, because the encoder cannot count them.
fn check_widths(file: &str, declared: &SchemaDescriptor) -> Result<(), FileError> {
    let empty = declared.columns().iter().find(|column| {
        column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY && column.type_length() <= 0
    });
    match empty {
        None => Ok(()),
        Some(column) => Err(FileError::Unsupported {
            file: file.to_owned(),
            column: Some(column.path().string()),
            what: "values of zero bytes".to_owned(),
            remedy: "leave it out of the file",
        }),
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Inner {
    pub(crate) fn group(&self, number: usize) -> &RowGroupMetaData {
        self.metadata.row_group(number)
    }

    pub(crate) fn key_values(&self) -> Option<&Vec<KeyValue>> {
        self.metadata.file_metadata().key_value_metadata()
    }

    /// Returns the codec of the file's data; `None` if there is no data.
    pub(crate) fn compression(&self) -> Option<Compression> {
        let group = self.metadata.row_groups().first()?;
        Some(group.columns().first()?.compression())
    }

    /// Refuses column chunks that cannot be decompressed.
    pub(crate) fn check_codecs(
        &self,
        group: usize,
        mask: &ProjectionMask,
    ) -> Result<(), FileError> {
        for (leaf, column) in self.group(group).columns().iter().enumerate() {
            let codec = match column.compression() {
                Compression::BROTLI(_) => "Brotli",
                Compression::LZO => "LZO",
                _ => continue,
            };
            if mask.leaf_included(leaf) {
                return Err(FileError::Unsupported {
                    file: self.name.clone(),
                    column: Some(column.column_path().string()),
                    what: format!("it is compressed with {codec}"),
                    remedy: "write the file with zstd, snappy, lz4 or gzip compression",
                });
            }
        }
        Ok(())
    }

    /// Returns windows over the bytes of a row group's wanted columns. `metadata` is that of
    /// [`with_page_places`](Self::with_page_places).
    /// `skips` says whether rows are skipped at the beginning of the row group.
    pub(crate) fn windows(
        &self,
        group: usize,
        skips: bool,
        mask: &ProjectionMask,
        metadata: &ParquetMetaData,
    ) -> Arc<Windows> {
        let rows = u64::try_from(self.group(group).num_rows()).unwrap_or_default();
        let mut claims = Vec::new();
        let (mut chunks, mut whole_pages, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for (leaf, column) in self.group(group).columns().iter().enumerate() {
            let Some(chunk) = chunk_range(column).filter(|_| mask.leaf_included(leaf)) else {
                continue;
            };
            let index = metadata.page_index();
            if let Some(pages) = index.and_then(|index| index.page_locations(group, leaf)) {
                // A dictionary precedes the pages that have places.
                whole_pages.push(chunk.start);
                whole_pages.extend(
                    pages
                        .iter()
                        .filter_map(|page| u64::try_from(page.offset).ok()),
                );
            }
            let is_repeated = column.column_descr().max_rep_level() > 0;
            held.push(HeldChunk::new(chunk.clone(), is_repeated));
            claims.push(ChunkClaims {
                leaf,
                range: chunk.clone(),
                rows: (!is_repeated).then_some(rows),
                values: is_repeated.then(|| u64::try_from(column.num_values()).unwrap_or_default()),
                counted: None,
                is_text: column.column_type() == Physical::BYTE_ARRAY,
                has_text_lengths: column.encodings().any(|one| TEXT_LENGTHS.contains(&one)),
                skips,
                places: None,
                seen: None,
            });
            chunks.push(chunk);
        }
        let unread = self.read_places(group, &mut claims).err();
        let held = HeldPages::new(held, skips);
        let claims = PageClaims::new(claims);
        let ranges = Arc::clone(&self.ranges);
        let windows = Windows::new(ranges, chunks, whole_pages, held, claims);
        if let Some(error) = unread {
            windows.fail(error);
        }
        windows
    }

    /// Returns the error about a page that is too large.
    pub(crate) fn too_large(&self, page: LargePage) -> FileError {
        let found = self.chunk_at(page.at);
        let of_group = found.map_or_else(String::new, |(number, _)| {
            format!("row group {number} has ")
        });
        FileError::Unsupported {
            file: self.name.clone(),
            column: found.map(|(_, column)| column.column_path().string()),
            what: format!(
                "{of_group}a page of {} bytes, more than the {MAX_PAGE_BYTES} that are unpacked at a time",
                page.bytes
            ),
            remedy: "shorten its values, store them beside the table, or write the file with smaller pages",
        }
    }

    /// Returns the error about a page whose texts are too long together.
    pub(crate) fn too_long_texts(&self, group: usize, column: String, bytes: u64) -> FileError {
        FileError::Unsupported {
            file: self.name.clone(),
            column: Some(column),
            what: format!(
                "row group {group} has a page whose texts have {bytes} bytes when they are decoded, more than the \
                 {MAX_PAGE_BYTES} of a page"
            ),
            remedy: "write the file with smaller pages, or without the encoding DELTA_BYTE_ARRAY",
        }
    }

    /// Returns the error about pages that are too many to be in memory at the same time.
    pub(crate) fn too_many(&self, crowd: Crowd) -> FileError {
        let found = self.chunk_at(crowd.at);
        let of_group =
            found.map_or_else(String::new, |(number, _)| format!("of row group {number} "));
        FileError::Unsupported {
            file: self.name.clone(),
            column: found.map(|(_, column)| column.column_path().string()),
            what: format!(
                "the pages {of_group}that must be in memory at the same time have {} bytes, {} of them in it, more than \
                 the {MAX_HELD_BYTES} that are held",
                crowd.bytes, crowd.of_chunk
            ),
            remedy: "write the file with smaller pages or row groups, or with fewer columns",
        }
    }

    /// Returns the error about a row that takes too much memory. `row` is counted from 0.
    pub(crate) fn too_large_row(&self, group: usize, row: u64, large: LargeRows) -> FileError {
        let column = self.group(group).column(large.leaf);
        FileError::Unsupported {
            file: self.name.clone(),
            column: Some(column.column_path().string()),
            what: format!(
                "most of row {}, in row group {group}, is in it. The row takes {} bytes when its values are decoded, more \
                 than the {MAX_DECODED_BYTES} of a row",
                row + 1,
                large.bytes
            ),
            remedy: "shorten its values or lists, or store them beside the table",
        }
    }

    /// Returns the column chunk at `offset`, and the number of its row group.
    fn chunk_at(&self, offset: u64) -> Option<(usize, &ColumnChunkMetaData)> {
        let groups = self.metadata.row_groups().iter().enumerate();
        let mut chunks = groups
            .flat_map(|(number, group)| group.columns().iter().map(move |column| (number, column)));
        chunks.find(|(_, column)| chunk_range(column).is_some_and(|chunk| chunk.contains(&offset)))
    }
}
