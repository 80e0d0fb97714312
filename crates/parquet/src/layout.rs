//! What the files of one table have in common: the columns of its result that precede those of the
//! answers.

use crate::arrow_note::NotedColumns;
use crate::error::{FileError, encode};
use crate::file::ParquetFile;
use crate::footer::{self, MAGIC};
use crate::geo_note;
use crate::kind::{Leaf, plain_leaf};
use crate::noted_types::{Meaning, meanings};
use crate::ranges::Ranges;
use crate::storage::{
    arrow_schema, bare_schema, fixed_length, with_repetition, with_required_keys,
};
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema};
use parquet::basic::{
    Compression, ConvertedType, GzipLevel, LogicalType, Repetition, Type as Physical, ZstdLevel,
};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type, TypePtr};
use serde_json::Value;
use std::sync::Arc;

/// The key of the codec in a stored layout.
const CODEC_KEY: &str = "quarry.codec";

/// The key of the first file's name in a stored layout.
const FIRST_KEY: &str = "quarry.first";

/// The columns of a table, the codec and the notes that writers left in its files.
///
/// All parts of a result have the layout of their table, so that they can be joined. Planning
/// builds a layout from the table's files and stores it.
#[derive(Debug, Clone)]
pub struct TableLayout {
    first: String,
    pub(crate) declared: SchemaDescPtr,
    pub(crate) key_values: Vec<KeyValue>,
    codec: Codec,
}

/// The codecs that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Uncompressed,
    Snappy,
    Gzip,
    Lz4,
    Zstd,
}

impl Codec {
    const ALL: [(Self, &str); 5] = [
        (Self::Uncompressed, "uncompressed"),
        (Self::Snappy, "snappy"),
        (Self::Gzip, "gzip"),
        (Self::Lz4, "lz4"),
        (Self::Zstd, "zstd"),
    ];

    fn of(compression: Option<Compression>) -> Self {
        match compression {
            Some(Compression::UNCOMPRESSED) => Self::Uncompressed,
            Some(Compression::GZIP(_)) => Self::Gzip,
            Some(Compression::LZ4 | Compression::LZ4_RAW) => Self::Lz4,
            Some(Compression::ZSTD(_)) => Self::Zstd,
            _ => Self::Snappy,
        }
    }

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(codec, _)| *codec == self)
            .map_or("snappy", |(_, name)| name)
    }
}

impl TableLayout {
    /// Returns the layout of a table of one file.
    pub fn of(file: &ParquetFile) -> Result<Self, FileError> {
        let inner = &file.inner;
        Ok(Self {
            first: inner.name.clone(),
            declared: with_required_keys(&inner.declared).map_err(encode)?,
            key_values: inner.key_values().cloned().unwrap_or_default(),
            codec: Codec::of(inner.compression()),
        })
    }

    /// Adds the next file of the table.
    ///
    /// It must have the same columns, of the same types and in the same order, with two exceptions.
    /// A column that is required in one file and optional in another is optional. A column that has
    /// only nulls and no type in one file gets its type from the others. Types that only the notes of
    /// writers have must be the same too, as far as they say what the values are.
    pub fn add(&mut self, file: &ParquetFile) -> Result<(), FileError> {
        let other = with_required_keys(&file.inner.declared).map_err(encode)?;
        let mine = self.declared.root_schema().get_fields();
        let theirs = other.root_schema().get_fields();
        let mismatch = |expected, found| self.mismatch(file, expected, found);
        let mut fields = Vec::with_capacity(mine.len());
        for index in 0..mine.len().max(theirs.len()) {
            let (Some(first), Some(second)) = (mine.get(index), theirs.get(index)) else {
                let columns = |count: usize| format!("{count} columns");
                return Err(mismatch(columns(mine.len()), columns(theirs.len())));
            };
            let common = common(first, second).map_err(encode)?;
            fields.push(common.ok_or_else(|| mismatch(describe(first), describe(second)))?);
        }
        let changed = fields
            .iter()
            .zip(mine)
            .any(|(field, before)| !Arc::ptr_eq(field, before));
        self.add_notes(file, &other)?;
        if changed {
            let root = Type::group_type_builder(self.declared.root_schema().name())
                .with_fields(fields)
                .build()
                .map_err(encode)?;
            self.declared = Arc::new(SchemaDescriptor::new(Arc::new(root)));
        }
        Ok(())
    }

    /// Compares what only the notes say of the columns, which are those of the next file, `other`. Columns that
    /// had no type so far get that of the next file.
    fn add_notes(&mut self, file: &ParquetFile, other: &SchemaDescriptor) -> Result<(), FileError> {
        let notes = file.inner.key_values().map_or(&[][..], Vec::as_slice);
        let [mine, theirs] = [&self.key_values, notes].map(|notes| spark_calendars(other, notes));
        if mine != theirs {
            return Err(self.mismatch(file, mine.to_owned(), theirs.to_owned()));
        }
        let [mine, theirs] = [&self.key_values, notes].map(geo_note::without_bounds);
        if mine != theirs {
            let shown = |geo: Option<Value>| match geo {
                Some(geo) => format!("the note \"geo\" {geo}"),
                None => "no note \"geo\"".to_owned(),
            };
            return Err(self.mismatch(file, shown(mine), shown(theirs)));
        }
        if let Some(geo) = mine {
            geo_note::replace(&mut self.key_values, &geo);
        }
        let mine = NotedColumns::of(&self.declared, &self.key_values);
        let Some((mine, theirs)) = mine.zip(NotedColumns::of(other, notes)) else {
            return Ok(());
        };
        let pairs = self.declared.root_schema().get_fields().iter();
        let pairs = pairs.zip(other.root_schema().get_fields());
        let mut adopted = Vec::new();
        for (index, (first, second)) in pairs.enumerate() {
            if is_untyped(second) {
                continue;
            }
            if is_untyped(first) {
                adopted.push(index);
                continue;
            }
            let [mine, theirs] = [&mine, &theirs].map(|columns| meanings(columns, index));
            if mine != theirs {
                return Err(self.mismatch(
                    file,
                    describe_noted(first, &mine),
                    describe_noted(second, &theirs),
                ));
            }
        }
        if adopted.is_empty() {
            return Ok(());
        }
        let mut fields = mine.schema().fields().to_vec();
        for index in adopted {
            fields[index] = Arc::clone(theirs.field(index));
        }
        let schema = Schema::new_with_metadata(fields, mine.schema().metadata().clone());
        self.key_values
            .retain(|note| note.key != ARROW_SCHEMA_META_KEY);
        let note = encode_arrow_schema(&schema);
        self.key_values
            .push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), note));
        Ok(())
    }

    fn mismatch(&self, file: &ParquetFile, expected: String, found: String) -> FileError {
        FileError::OtherTable {
            first: self.first.clone(),
            file: file.name().to_owned(),
            expected,
            found,
        }
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.declared
            .root_schema()
            .get_fields()
            .iter()
            .map(|field| field.name())
    }

    /// Returns the layout's stored form: a Parquet file with these columns and no rows.
    pub fn to_bytes(&self) -> Result<Bytes, FileError> {
        let mut key_values = self.key_values.clone();
        key_values.extend([
            KeyValue::new(CODEC_KEY.to_owned(), self.codec.name().to_owned()),
            KeyValue::new(FIRST_KEY.to_owned(), self.first.clone()),
        ]);
        let footer = footer::write(&self.declared, key_values, Vec::new())?;
        Ok([MAGIC.as_slice(), &footer].concat().into())
    }

    /// Reads a stored layout.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, FileError> {
        let footer = footer::read("the table's layout", bytes as &dyn Ranges)?;
        let mut key_values = footer
            .bare
            .file_metadata()
            .key_value_metadata()
            .cloned()
            .unwrap_or_default();
        let mut take = |key: &str| {
            let at = key_values.iter().position(|pair| pair.key == key)?;
            key_values.remove(at).value
        };
        let codec = take(CODEC_KEY);
        let first = take(FIRST_KEY).unwrap_or_default();
        let codec = Codec::ALL
            .iter()
            .find(|(_, name)| Some(*name) == codec.as_deref())
            .map_or(Codec::Snappy, |(codec, _)| *codec);
        Ok(Self {
            first,
            declared: footer.declared,
            key_values,
            codec,
        })
    }

    /// Returns the codec of the result: that of the first file, or snappy if that codec cannot be
    /// written or the file has no data.
    pub(crate) fn compression(&self) -> Compression {
        match self.codec {
            Codec::Uncompressed => Compression::UNCOMPRESSED,
            Codec::Snappy => Compression::SNAPPY,
            Codec::Gzip => Compression::GZIP(GzipLevel::default()),
            // The format recommends this form instead of the older LZ4.
            Codec::Lz4 => Compression::LZ4_RAW,
            Codec::Zstd => Compression::ZSTD(ZstdLevel::default()),
        }
    }

    /// Returns the bare schema, and the schema in which it is decoded and encoded.
    pub(crate) fn bare(&self) -> Result<(SchemaDescPtr, SchemaRef), FileError> {
        let bare = bare_schema(&self.declared).map_err(encode)?;
        let arrow: Schema = arrow_schema(&bare).map_err(encode)?;
        Ok((bare, Arc::new(arrow)))
    }
}

/// Returns in which calendar Spark has stored the dates and timestamps of a file, in words. Before its version 3, and
/// later if a note says so, it is the Julian one, in which old dates have other numbers
/// (<https://spark.apache.org/docs/latest/sql-data-sources-parquet.html>, `datetimeRebaseMode`).
fn spark_calendars(declared: &SchemaDescriptor, notes: &[KeyValue]) -> &'static str {
    let note = |key: &str| {
        let key = format!("org.apache.spark.{key}");
        notes.iter().find(|note| note.key == key)
    };
    let version = note("version").and_then(|note| note.value.as_deref());
    let is_old = version
        .is_some_and(|version| version.starts_with(['1', '2']) && version[1..].starts_with('.'));
    let has = |is_one: fn(&Leaf) -> bool| {
        let columns = declared.columns().iter();
        columns
            .map(|column| plain_leaf(column.self_type()))
            .any(|leaf| is_one(&leaf))
    };
    let dates = has(|leaf| matches!(leaf, Leaf::Date | Leaf::Timestamp(..)));
    let int96 = has(|leaf| matches!(leaf, Leaf::Int96(_)));
    if dates && (is_old || note("legacyDateTime").is_some()) {
        "dates of Spark in the Julian calendar"
    } else if int96 && (is_old || note("legacyINT96").is_some()) {
        "INT96 timestamps of Spark in the Julian calendar"
    } else {
        "dates in the calendar of today"
    }
}

/// Returns a column's declaration and what only its note says, on one line.
fn describe_noted(field: &Type, meanings: &[Meaning]) -> String {
    let meanings: Vec<&str> = meanings
        .iter()
        .map(|meaning| meaning.text.as_str())
        .collect();
    format!("{} ({})", describe(field), meanings.join(", "))
}

/// Returns the common type of a column in two files; `None` if there is none.
fn common(
    first: &TypePtr,
    second: &TypePtr,
) -> Result<Option<TypePtr>, parquet::errors::ParquetError> {
    if first.name() != second.name() {
        return Ok(None);
    }
    let (untyped_first, untyped_second) = (is_untyped(first), is_untyped(second));
    let found = if untyped_first && !untyped_second {
        second
    } else if untyped_second || same(first, second) {
        first
    } else {
        return Ok(None);
    };
    let repetitions = [first, second].map(|field| field.get_basic_info().repetition());
    let repetition = found.get_basic_info().repetition();
    if repetition == Repetition::REPEATED {
        // A repeated column cannot hold nulls.
        return Ok((repetitions[0] == repetitions[1]).then(|| Arc::clone(found)));
    }
    if repetition == Repetition::REQUIRED
        && (repetitions.contains(&Repetition::OPTIONAL) || untyped_first || untyped_second)
    {
        return Ok(Some(Arc::new(with_repetition(
            found,
            Repetition::OPTIONAL,
        )?)));
    }
    Ok(Some(Arc::clone(found)))
}

fn is_untyped(field: &Type) -> bool {
    matches!(
        field.get_basic_info().logical_type_ref(),
        Some(LogicalType::Unknown)
    )
}

/// Whether two types store their values in the same way and with the same meaning.
fn same(first: &Type, second: &Type) -> bool {
    match (first.is_primitive(), second.is_primitive()) {
        (true, true) => {
            let physical = first.get_physical_type();
            physical == second.get_physical_type()
                && (physical != Physical::FIXED_LEN_BYTE_ARRAY
                    || fixed_length(first) == fixed_length(second))
                && meaning(first) == meaning(second)
                && geometry(first) == geometry(second)
        }
        (false, false) => {
            let (mine, theirs) = (first.get_fields(), second.get_fields());
            first.get_basic_info().converted_type() == second.get_basic_info().converted_type()
                && mine.len() == theirs.len()
                && mine.iter().zip(theirs).all(|(mine, theirs)| {
                    mine.name() == theirs.name()
                        && mine.get_basic_info().repetition()
                            == theirs.get_basic_info().repetition()
                        && same(mine, theirs)
                })
        }
        _ => false,
    }
}

/// Returns the annotation of a geometry, which names its system of coordinates.
fn geometry(field: &Type) -> Option<&LogicalType> {
    let logical = field.get_basic_info().logical_type_ref();
    logical.filter(|logical| {
        matches!(
            logical,
            LogicalType::Geometry { .. } | LogicalType::Geography { .. }
        )
    })
}

/// Returns the meaning of values, and how many bits of an integer or digits of a decimal are used.
fn meaning(field: &Type) -> (Leaf, i32) {
    let info = field.get_basic_info();
    let leaf = plain_leaf(field);
    if let Leaf::Decimal { .. } = leaf {
        return (leaf, field.get_precision());
    }
    let bits = match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Integer(integer)), _) => i32::from(integer.bit_width),
        (_, ConvertedType::INT_8 | ConvertedType::UINT_8) => 8,
        (_, ConvertedType::INT_16 | ConvertedType::UINT_16) => 16,
        _ => match field.get_physical_type() {
            Physical::INT32 => 32,
            Physical::INT64 => 64,
            _ => 0,
        },
    };
    (leaf, bits)
}

/// Returns a column's declaration on one line.
fn describe(field: &Type) -> String {
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, field);
    let text = String::from_utf8_lossy(&text);
    let line: Vec<&str> = text.split_whitespace().collect();
    format!("`{}`", line.join(" ").trim_end_matches(';'))
}
