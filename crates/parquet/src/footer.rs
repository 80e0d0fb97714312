//! Reads and writes the footer of a file.

use crate::depth::{MAX_GROUPS, MAX_NAME_BYTES, Nesting};
use crate::error::{DamagedPlace, FileError, encode};
use crate::form_check::MAX_METADATA_BYTES;
use crate::grammar::FILE_METADATA;
use crate::guard::guarded;
use crate::ranges::Ranges;
use crate::storage::bare_schema;
use bytes::Bytes;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataOptions,
    ParquetMetaDataReader, ParquetMetaDataWriter, ParquetStatisticsPolicy, RowGroupMetaData,
};
use parquet::schema::types::{ColumnDescPtr, SchemaDescPtr};
use std::ops::Range;
use std::sync::Arc;

/// The first and the last bytes of a Parquet file.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";

/// The first place in a file where data can be.
const FIRST_DATA: i64 = 4;

/// The last bytes of a file whose footer is encrypted.
const ENCRYPTED_MAGIC: &[u8] = b"PARE";

/// The length of the metadata and the magic bytes.
const TAIL: u64 = 8;

/// The number of bytes that are read at the end of a file before the footer's length is known. They
/// suffice for most files.
const FIRST_READ: u64 = 64 << 10;

/// The longest footer that is read and written: 64 MiB. The whole footer is in memory, as bytes and as
/// the metadata that is decoded from them, which takes several times as much. When a result is written,
/// everything is paid for, so whoever plans it compares it with
/// [`PartWriter::footer_room`](crate::PartWriter::footer_room).
pub const MAX_FOOTER: u64 = 64 << 20;

/// What helps if a footer is too long, or too large in memory.
const SHORTER_FOOTER: &str =
    "write the file with larger row groups, fewer columns or fewer notes, or as several files";

/// The most bytes of a column's data of one row group in a footer, without its name and its levels:
/// the least and the greatest value with up to 64 bytes each, the encodings, and the places and sizes.
const CHUNK_BYTES: u64 = 240;

/// The most bytes of one number in the histogram of a column's levels.
const LEVEL_BYTES: u64 = 6;

/// The most bytes of a row group in a footer, without its columns.
const GROUP_BYTES: u64 = 64;

/// Returns an upper bound of the bytes that a row group of these columns takes in a footer.
pub(crate) fn group_bytes(declared: &SchemaDescPtr) -> u64 {
    let columns = declared.columns().iter().map(|column| {
        let names = column.path().parts().iter();
        let names: u64 = names.map(|name| name.len() as u64 + 3).sum();
        let levels = column.max_def_level() + column.max_rep_level() + 2;
        CHUNK_BYTES + names + LEVEL_BYTES * u64::try_from(levels).unwrap_or_default()
    });
    GROUP_BYTES + columns.sum::<u64>()
}

/// The name of the writer, in the form that readers expect.
const CREATED_BY: &str = concat!("quarry-parquet version ", env!("CARGO_PKG_VERSION"));

/// A footer that was read.
pub(crate) struct Footer {
    /// The schema with its annotations.
    pub(crate) declared: SchemaDescPtr,
    /// The metadata over the bare schema, without statistics, which are useless there.
    pub(crate) bare: ParquetMetaData,
    /// The Thrift bytes.
    pub(crate) encoded: Bytes,
}

/// Reads the footer and nothing else of the file.
pub(crate) fn read(file: &str, ranges: &dyn Ranges) -> Result<Footer, FileError> {
    let encoded = read_encoded(file, ranges)?;
    let damaged = |reason: &dyn std::fmt::Display| FileError::Damaged {
        file: file.to_owned(),
        at: DamagedPlace::default(),
        reason: format!("its footer cannot be read: {reason}"),
    };
    let unsupported =
        |column: Option<String>, what: String, remedy: &'static str| FileError::Unsupported {
            file: file.to_owned(),
            column,
            what,
            remedy,
        };
    let checked = FILE_METADATA.check(&encoded);
    let checked = checked.map_err(|reason| damaged(&reason))?;
    let encoded = checked.readable(encoded);
    match Nesting::of(&encoded) {
        Nesting::Fine => {}
        Nesting::TooDeep(column) => {
            let what = format!("its values are nested more than {MAX_GROUPS} groups deep");
            let remedy = "store what is deep in it as JSON text";
            return Err(unsupported(Some(column), what, remedy));
        }
        Nesting::ClaimsTooMany(members) => {
            let reason =
                format_args!("a group of its schema claims {members} members, which are not there");
            return Err(damaged(&reason));
        }
        Nesting::LongNames(bytes) => {
            let what = format!(
                "the names of its columns, each with those of the groups around it, have {bytes} bytes, more than \
                 {MAX_NAME_BYTES}"
            );
            return Err(unsupported(None, what, "shorten the names"));
        }
        Nesting::Contradicting => {
            return Err(damaged(
                &"the groups of its schema do not have the members that they claim",
            ));
        }
    }
    if !checked.can_be_decoded() {
        let bytes = checked.decoded_bytes;
        let what = format!(
            "its footer takes {bytes} bytes when it is decoded, more than {MAX_METADATA_BYTES}"
        );
        return Err(unsupported(None, what, SHORTER_FOOTER));
    }
    let (declared, bare) = guarded(|| decode(&encoded).map_err(|error| error.to_string()))
        .map_err(|error| damaged(&error))?;
    let data_end = ranges.len() - TAIL - encoded.len() as u64;
    check(&bare, data_end).map_err(|reason| damaged(&reason))?;
    Ok(Footer {
        declared,
        bare,
        encoded,
    })
}

fn decode(encoded: &Bytes) -> ParquetResult<(SchemaDescPtr, ParquetMetaData)> {
    let declared = ParquetMetaDataReader::decode_schema(encoded)?;
    let bare = bare_schema(&declared)?;
    let options = ParquetMetaDataOptions::new()
        .with_schema(bare)
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let bare = ParquetMetaDataReader::decode_metadata_with_options(encoded, Some(&options))?;
    Ok((declared, without_untrue_dictionaries(bare)?))
}

/// Leaves out places of dictionaries in the first bytes of a file, where no data is. Some writers give the
/// place 0 to the dictionary of a column chunk that has none.
fn without_untrue_dictionaries(metadata: ParquetMetaData) -> ParquetResult<ParquetMetaData> {
    let is_untrue = |column: &ColumnChunkMetaData| {
        let dictionary = column.dictionary_page_offset();
        dictionary.is_some_and(|at| at < FIRST_DATA)
    };
    let mut groups = metadata.row_groups().iter();
    if !groups.any(|group| group.columns().iter().any(is_untrue)) {
        return Ok(metadata);
    }
    let corrected = |column: &ColumnChunkMetaData| {
        let builder = column.clone().into_builder();
        if is_untrue(column) {
            builder.set_dictionary_page_offset(None).build()
        } else {
            builder.build()
        }
    };
    let mut builder = metadata.into_builder();
    let groups = builder.take_row_groups().into_iter().map(|group| {
        let columns = group.columns().iter().map(corrected);
        let columns = columns.collect::<ParquetResult<Vec<_>>>()?;
        group.into_builder().set_column_metadata(columns).build()
    });
    let groups = groups.collect::<ParquetResult<Vec<_>>>()?;
    Ok(builder.set_row_groups(groups).build())
}

fn read_encoded(file: &str, ranges: &dyn Ranges) -> Result<Bytes, FileError> {
    let not_parquet = |reason: &str| FileError::NotParquet {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    let read = |range: Range<u64>| {
        let length = range.end - range.start;
        let bytes = ranges.read(range).map_err(|source| FileError::Read {
            file: file.to_owned(),
            source,
        })?;
        if bytes.len() as u64 == length {
            Ok(bytes)
        } else {
            Err(not_parquet("it has become shorter since it was opened"))
        }
    };
    let length = ranges.len();
    let least = MAGIC.len() as u64 + TAIL;
    if length < least {
        return Err(not_parquet("it is too short to be Parquet"));
    }
    let tail = read(length - FIRST_READ.min(length)..length)?;
    let (rest, magic) = tail.split_at(tail.len() - MAGIC.len());
    if magic == ENCRYPTED_MAGIC {
        return Err(FileError::Unsupported {
            file: file.to_owned(),
            column: None,
            what: "the file is encrypted".to_owned(),
            remedy: "write it without Parquet encryption and leave encryption to the storage",
        });
    }
    if magic != MAGIC {
        return Err(not_parquet("it does not end as Parquet files do"));
    }
    let announced = rest
        .last_chunk()
        .map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    if announced > length - least {
        return Err(not_parquet("its footer is longer than it can be"));
    }
    if announced > MAX_FOOTER {
        return Err(FileError::Unsupported {
            file: file.to_owned(),
            column: None,
            what: format!("its footer has {announced} bytes, more than {MAX_FOOTER}"),
            remedy: SHORTER_FOOTER,
        });
    }
    let metadata = if announced + TAIL <= tail.len() as u64 {
        let end = tail.len() as u64 - TAIL;
        let bounds = usize::try_from(end - announced)
            .ok()
            .zip(usize::try_from(end).ok());
        bounds.map(|(start, end)| tail.slice(start..end))
    } else {
        Some(read(length - TAIL - announced..length - TAIL)?)
    };
    metadata.ok_or_else(|| not_parquet("its footer is longer than it can be"))
}

/// Checks the numbers of a footer against each other and the file, whose data end at `data_end`, so that
/// decoding can rely on them.
fn check(metadata: &ParquetMetaData, data_end: u64) -> Result<(), String> {
    let mut rows = 0_i64;
    check_places(metadata, data_end)?;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return Err(format!("row group {number} has a negative number of rows"));
        }
        rows = rows
            .checked_add(group.num_rows())
            .ok_or("there are more rows than can be counted")?;
        for column in group.columns() {
            let path = || column.column_path().string();
            if column.num_values() < 0 || column.uncompressed_size() < 0 {
                return Err(format!(
                    "row group {number} has a negative number of values of column {:?}",
                    path()
                ));
            }
            if column.file_path().is_some_and(|path| !path.is_empty()) {
                return Err(format!("data of column {:?} is in another file", path()));
            }
        }
    }
    if rows == metadata.file_metadata().num_rows() {
        Ok(())
    } else {
        Err(format!(
            "its row groups have {rows} rows, the file has {}",
            metadata.file_metadata().num_rows()
        ))
    }
}

/// Checks that the data of columns are inside the file, and not in each other.
fn check_places(metadata: &ParquetMetaData, data_end: u64) -> Result<(), String> {
    let mut places = Vec::new();
    for (number, group) in metadata.row_groups().iter().enumerate() {
        for column in group.columns() {
            match chunk_range(column) {
                Some(range) if range.end <= data_end => {
                    places.push((range.start, range.end, number, column));
                }
                _ => {
                    return Err(format!(
                        "row group {number} has data of column {:?} where the file has none",
                        column.column_path().string()
                    ));
                }
            }
        }
    }
    places.retain(|(start, end, ..)| start < end);
    places.sort_unstable_by_key(|(start, ..)| *start);
    let overlap = places.windows(2).find(|two| two[1].0 < two[0].1);
    let Some([(.., first, before), (.., second, column)]) = overlap else {
        return Ok(());
    };
    Err(format!(
        "the data of column {:?} of row group {first} and of column {:?} of row group {second} overlap",
        before.column_path().string(),
        column.column_path().string()
    ))
}

/// Returns the range of a column chunk's bytes.
pub(crate) fn chunk_range(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(first_page(column)).ok()?;
    let length = u64::try_from(column.compressed_size()).ok()?;
    Some(start..start.checked_add(length)?)
}

fn first_page(column: &ColumnChunkMetaData) -> i64 {
    column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset())
}

/// Returns a row group whose data was moved by `shift` bytes, described by `declared`. Everything
/// outside its data, such as page indexes and Bloom filters, is left out.
pub(crate) fn moved(
    group: &RowGroupMetaData,
    declared: &SchemaDescPtr,
    shift: i64,
) -> ParquetResult<RowGroupMetaData> {
    let columns = group
        .columns()
        .iter()
        .zip(declared.columns())
        .map(|(column, descriptor)| moved_column(column, descriptor, shift))
        .collect::<ParquetResult<Vec<_>>>()?;
    let builder = RowGroupMetaData::builder(Arc::clone(declared))
        .set_num_rows(group.num_rows())
        .set_total_byte_size(group.total_byte_size());
    let builder = match columns.first() {
        Some(first) => builder.set_file_offset(first_page(first)),
        None => builder,
    };
    builder.set_column_metadata(columns).build()
}

fn moved_column(
    column: &ColumnChunkMetaData,
    descriptor: &ColumnDescPtr,
    shift: i64,
) -> ParquetResult<ColumnChunkMetaData> {
    let mut builder = ColumnChunkMetaData::builder(Arc::clone(descriptor))
        .set_encodings_mask(*column.encodings_mask())
        .set_compression_codec(column.compression_codec())
        .set_num_values(column.num_values())
        .set_total_compressed_size(column.compressed_size())
        .set_total_uncompressed_size(column.uncompressed_size())
        .set_data_page_offset(column.data_page_offset() + shift)
        .set_dictionary_page_offset(column.dictionary_page_offset().map(|at| at + shift))
        .set_unencoded_byte_array_data_bytes(column.unencoded_byte_array_data_bytes())
        .set_repetition_level_histogram(column.repetition_level_histogram().cloned())
        .set_definition_level_histogram(column.definition_level_histogram().cloned());
    if let Some(statistics) = column.statistics() {
        builder = builder.set_statistics(statistics.clone());
    }
    if let Some(stats) = column.page_encoding_stats() {
        builder = builder.set_page_encoding_stats(stats.clone());
    } else if let Some(mask) = column.page_encoding_stats_mask() {
        builder = builder.set_page_encoding_stats_mask(*mask);
    }
    builder.build()
}

/// Writes the end of a file: metadata, its length, magic bytes.
pub(crate) fn write(
    declared: &SchemaDescPtr,
    key_values: Vec<KeyValue>,
    groups: Vec<RowGroupMetaData>,
) -> Result<Bytes, FileError> {
    let rows = groups.iter().map(RowGroupMetaData::num_rows).sum();
    let file = FileMetaData::new(
        1,
        rows,
        Some(CREATED_BY.to_owned()),
        (!key_values.is_empty()).then_some(key_values),
        Arc::clone(declared),
        None,
    );
    let metadata = ParquetMetaData::new(file, groups);
    let mut out = Vec::new();
    ParquetMetaDataWriter::new(&mut out, &metadata)
        .finish()
        .map_err(encode)?;
    if out.len() as u64 > MAX_FOOTER {
        return Err(encode(format_args!(
            "the footer has {} bytes, more than {MAX_FOOTER}; make larger slices, write the table with fewer notes (its \
             metadata), or split it",
            out.len()
        )));
    }
    Ok(out.into())
}
