//! Writes a part of a result: rows as they were read, followed by result columns.

use crate::batch::Row;
use crate::error::{FileError, encode};
use crate::file::Inner;
use crate::footer;
use crate::footer_room::{FooterRoom, PartGroups};
use crate::kind::{Kind, Leaf};
use crate::layout::TableLayout;
use crate::notes;
use crate::result_array::{Fit, ResultArray};
use crate::result_kind::ResultColumn;
use arrow_array::{ArrayRef, RecordBatch, UInt64Array, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;
use bytes::Bytes;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT, EnabledStatistics, WriterProperties,
};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type, TypePtr};
use quarry_table::ResultCell;
use std::io;
use std::sync::Arc;

/// A row group is closed when its encoder holds this many bytes.
const ROW_GROUP_BYTES: usize = 24 << 20;

/// The most rows of a row group.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// The bytes of the dictionaries of all columns together, about. Each column has a page of them.
const DICTIONARY_BYTES: usize = 16 << 20;

/// The most columns that have dictionaries. An encoder of numbers takes 72 KiB of memory for an empty
/// dictionary, so those of some hundred columns would fill a row group by themselves.
const MAX_DICTIONARIES: usize = 128;

/// Results are encoded when they take this many bytes, or together with their batch.
const RESULT_BYTES: usize = 8 << 20;

/// Writes one part of a result table.
///
/// Original columns keep the values, the types and the declarations of the input; see
/// [`TableLayout`] for the differences between files of one table. Result columns follow, all of
/// them optional. All parts of a table have the same columns, even a part without rows.
///
/// Memory holds at most one row group and the bytes that [`take`](Self::take) has not returned yet. A
/// row group has some 24 MiB, or more where the part may have only a few of them: see
/// [`with_groups`](Self::with_groups).
pub struct PartWriter {
    writer: ArrowWriter<Outbox>,
    declared: SchemaDescPtr,
    notes: Vec<KeyValue>,
    arrow: SchemaRef,
    /// Indices of the input columns that are kept.
    kept: Vec<usize>,
    pending: Option<Pending>,
    results: Vec<ResultArray>,
    unfit: Vec<Unfit>,
    groups: Option<PartGroups>,
    rows: u64,
    taken: u64,
}

/// Rows of one batch that wait to be encoded.
struct Pending {
    file: Arc<Inner>,
    record: Arc<RecordBatch>,
    rows: Vec<u64>,
}

/// The description of a finished part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartMeta {
    /// Its rows.
    pub rows: u64,
    /// Its row groups.
    pub row_groups: usize,
    /// Its length in bytes.
    pub bytes: u64,
    /// Columns with values that do not have the column's type. Such values, or parts of them, are
    /// written as null.
    pub unfit: Vec<Unfit>,
}

/// Values of a result column that do not have its type, such as an integer beyond 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The column.
    pub column: String,
    /// The number of rows with such a value.
    pub rows: u64,
    /// The first such row, counted from 0 in the part.
    pub first_row: u64,
}

/// Encoded bytes that have not been taken yet.
#[derive(Default)]
struct Outbox(Vec<u8>);

impl io::Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartWriter {
    /// Starts a part of a table.
    ///
    /// `replaced` holds the indices of the table's columns that are left out, because a result
    /// column takes their place.
    pub fn new(
        layout: &TableLayout,
        results: &[ResultColumn],
        replaced: &[usize],
    ) -> Result<Self, FileError> {
        let columns: Vec<&str> = layout.columns().collect();
        let kept: Vec<usize> = (0..columns.len())
            .filter(|column| !replaced.contains(column))
            .collect();
        let taken = |result: &&ResultColumn| kept.iter().any(|kept| columns[*kept] == result.name);
        if let Some(result) = results.iter().find(taken) {
            return Err(FileError::ResultColumnTaken(result.name.clone()));
        }

        let (bare, bare_arrow) = layout.bare()?;
        let result_fields: Vec<Field> = results
            .iter()
            .map(|column| Field::new(&column.name, column.kind.data_type(), true))
            .collect();
        let result_types = ArrowSchemaConverter::new()
            .convert(&Schema::new(result_fields.clone()))
            .map_err(encode)?;
        let with_results = |original: &SchemaDescriptor| -> Result<SchemaDescPtr, FileError> {
            let root = original.root_schema();
            let fields: Vec<TypePtr> = kept
                .iter()
                .map(|column| &root.get_fields()[*column])
                .chain(result_types.root_schema().get_fields())
                .cloned()
                .collect();
            let root = Type::group_type_builder(root.name())
                .with_fields(fields)
                .build()
                .map_err(encode)?;
            Ok(Arc::new(SchemaDescriptor::new(Arc::new(root))))
        };
        let declared = with_results(&layout.declared)?;
        let encoded = with_results(&bare)?;
        let arrow = Arc::new(Schema::new(
            kept.iter()
                .map(|column| Arc::clone(&bare_arrow.fields()[*column]))
                .chain(result_fields.into_iter().map(Arc::new))
                .collect::<Vec<_>>(),
        ));
        let left_out: Vec<&str> = replaced
            .iter()
            .filter_map(|column| columns.get(*column).copied())
            .collect();
        let options = ArrowWriterOptions::new()
            .with_properties(properties(layout, &declared, &encoded))
            .with_skip_arrow_metadata(true)
            .with_parquet_schema(SchemaDescriptor::clone(&encoded));
        Ok(Self {
            writer: ArrowWriter::try_new_with_options(
                Outbox::default(),
                Arc::clone(&arrow),
                options,
            )
            .map_err(encode)?,
            notes: notes::adapted(&layout.key_values, &layout.declared, results, &left_out),
            declared,
            arrow,
            kept,
            pending: None,
            results: results
                .iter()
                .map(|column| ResultArray::new(&column.kind))
                .collect(),
            unfit: results
                .iter()
                .map(|column| Unfit {
                    column: column.name.clone(),
                    rows: 0,
                    first_row: 0,
                })
                .collect(),
            groups: None,
            rows: 0,
            taken: 0,
        })
    }

    /// Bounds the row groups of the part, so that the footer of the joined file has room for them. The
    /// row groups are larger then if there are many bytes for each.
    #[must_use]
    pub fn with_groups(mut self, groups: PartGroups) -> Self {
        self.groups = Some(groups);
        self
    }

    /// Appends one row with the values of its result columns, in their order. Missing values are null.
    ///
    /// The row must come from a [`FileReading`](crate::FileReading) with `parts`, of a file of the
    /// table's layout. Rows are written in the order in which they are pushed; rows that are not
    /// pushed are left out.
    pub fn push(&mut self, row: Row<'_>, results: &[ResultCell<'_>]) -> Result<(), FileError> {
        if !row.batch.complete {
            return Err(FileError::RowsIncomplete);
        }
        let same_batch = self
            .pending
            .as_ref()
            .is_some_and(|pending| Arc::ptr_eq(&pending.record, &row.batch.record));
        if !same_batch {
            self.encode_pending()?;
            self.pending = Some(Pending {
                file: Arc::clone(&row.batch.file),
                record: Arc::clone(&row.batch.record),
                rows: Vec::with_capacity(row.batch.len()),
            });
        }
        for (index, column) in self.results.iter_mut().enumerate() {
            let cell = results.get(index).copied().unwrap_or(ResultCell::Null);
            if column.push(cell) == Fit::Lost {
                let unfit = &mut self.unfit[index];
                if unfit.rows == 0 {
                    unfit.first_row = self.rows;
                }
                unfit.rows += 1;
            }
        }
        self.rows += 1;
        if let Some(pending) = &mut self.pending {
            pending.rows.push(row.index as u64);
        }
        let size: usize = self.results.iter().map(ResultArray::size).sum();
        if size >= RESULT_BYTES {
            self.encode_pending()?;
        }
        Ok(())
    }

    /// Takes the bytes that are ready, in order, out of memory. There may be none.
    pub fn take(&mut self) -> Result<Bytes, FileError> {
        self.writer.sync().map_err(encode)?;
        let bytes = std::mem::take(&mut self.writer.inner_mut().0);
        self.taken += bytes.len() as u64;
        Ok(bytes.into())
    }

    /// Returns an upper bound of the bytes that each row group takes in the footer of the joined file.
    pub fn group_footer_bytes(&self) -> u64 {
        footer::group_bytes(&self.declared)
    }

    /// Returns how many row groups the footer of the joined file has room for. Every part with rows has
    /// at least one.
    pub fn footer_room(&self) -> Result<FooterRoom, FileError> {
        let without_groups = footer::write(&self.declared, self.notes.clone(), Vec::new())?;
        Ok(FooterRoom::new(
            without_groups.len() as u64,
            self.group_footer_bytes(),
            self.declared.num_columns() as u64,
        ))
    }

    /// Ends the part. Returns its last bytes.
    pub fn finish(mut self) -> Result<(Bytes, PartMeta), FileError> {
        self.encode_pending()?;
        self.writer.flush().map_err(encode)?;
        let groups = self
            .writer
            .flushed_row_groups()
            .iter()
            .map(|group| footer::moved(group, &self.declared, 0))
            .collect::<Result<Vec<_>, _>>()
            .map_err(encode)?;
        let row_groups = groups.len();
        let footer = footer::write(&self.declared, std::mem::take(&mut self.notes), groups)?;
        let data = self.take()?;
        let bytes = self.taken + footer.len() as u64;
        let last = if data.is_empty() {
            footer
        } else {
            [data, footer].concat().into()
        };
        let meta = PartMeta {
            rows: self.rows,
            row_groups,
            bytes,
            unfit: self
                .unfit
                .into_iter()
                .filter(|unfit| unfit.rows > 0)
                .collect(),
        };
        Ok((last, meta))
    }

    fn encode_pending(&mut self) -> Result<(), FileError> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        if pending.rows.is_empty() {
            return Ok(());
        }
        let mut columns = Vec::with_capacity(self.arrow.fields().len());
        for (field, column) in self.arrow.fields().iter().zip(&self.kept) {
            columns.push(pending.column(*column, field)?);
        }
        for results in &mut self.results {
            columns.push(results.finish().map_err(encode)?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.arrow), columns).map_err(encode)?;
        self.writer.write(&batch).map_err(encode)?;
        let is_full = self.writer.memory_size() >= ROW_GROUP_BYTES
            || self.writer.in_progress_rows() >= ROW_GROUP_ROWS;
        let closed = self.writer.flushed_row_groups().len() as u64;
        if is_full
            && self
                .groups
                .is_none_or(|groups| groups.leave_room(closed, self.rows))
        {
            self.writer.flush().map_err(encode)?;
        }
        self.pending = Some(Pending {
            rows: Vec::new(),
            ..pending
        });
        Ok(())
    }
}

impl Pending {
    /// Returns the values of a column in the rows, in the type of `field`.
    fn column(&self, column: usize, field: &Field) -> Result<ArrayRef, FileError> {
        let found = self.record.columns().get(column).filter(|_| {
            self.file
                .columns
                .get(column)
                .is_some_and(|name| name == field.name())
        });
        let Some(array) = found else {
            return Err(self.other_table(field.name(), field.data_type(), "no such column"));
        };
        if array.data_type() != field.data_type() {
            // The column has no type in this file, but has one in others of the table.
            return match self.file.kinds[column] {
                Kind::Leaf(Leaf::Null) => Ok(new_null_array(field.data_type(), self.rows.len())),
                _ => Err(self.other_table(
                    field.name(),
                    field.data_type(),
                    &array.data_type().to_string(),
                )),
            };
        }
        let first = self.rows.first().copied().unwrap_or_default();
        let in_a_row = self
            .rows
            .iter()
            .zip(first..)
            .all(|(row, expected)| *row == expected);
        if in_a_row {
            let first = usize::try_from(first).map_err(encode)?;
            return Ok(array.slice(first, self.rows.len()));
        }
        take(array, &UInt64Array::from(self.rows.clone()), None).map_err(encode)
    }

    fn other_table(&self, name: &str, expected: &DataType, found: &str) -> FileError {
        FileError::OtherTable {
            first: "the table's layout".to_owned(),
            file: self.file.name.clone(),
            expected: format!("`{name}` as {expected}"),
            found: found.to_owned(),
        }
    }
}

/// Returns how columns are encoded. The least and the greatest value of a column are written only
/// if the bare type orders values like the declared one, which is not so for a decimal stored as
/// bytes, for example. Page indexes and Bloom filters are not written, because they are outside the
/// row groups that are copied into the joined file.
fn properties(
    layout: &TableLayout,
    declared: &SchemaDescriptor,
    encoded: &SchemaDescriptor,
) -> WriterProperties {
    let columns = encoded.num_columns();
    let dictionary = (DICTIONARY_BYTES / columns.max(1)).min(DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT);
    let mut properties = WriterProperties::builder()
        .set_compression(layout.compression())
        .set_dictionary_enabled(columns <= MAX_DICTIONARIES)
        .set_dictionary_page_size_limit(dictionary)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None);
    for (declared, encoded) in declared.columns().iter().zip(encoded.columns()) {
        if declared.sort_order() != encoded.sort_order() {
            properties = properties
                .set_column_statistics_enabled(encoded.path().clone(), EnabledStatistics::None);
        }
    }
    properties.build()
}

impl std::fmt::Debug for PartWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartWriter")
            .field("rows", &self.rows)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
