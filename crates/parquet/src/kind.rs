//! The meaning of a column's values, which determines their text form.

use crate::arrow_note::{NotedColumns, leaves};
use crate::calendar::Zone;
use crate::storage::fixed_length;
use arrow_schema::{DataType, Schema, TimeUnit};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit as ParquetUnit, Type as Physical};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::{SchemaDescriptor, Type};

/// The meaning of a column, nested like its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Leaf(Leaf),
    List(Box<Kind>),
    Struct(Vec<(String, Kind)>),
    Map(Box<Kind>, Box<Kind>),
}

/// The meaning of values that contain no other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// Only null.
    Null,
    /// A value that its Arrow type describes completely: a boolean, a signed integer, a float.
    Plain,
    Unsigned,
    Float16,
    Decimal {
        scale: usize,
    },
    Date,
    Time(TimeUnit),
    Timestamp(TimeUnit, Zone),
    Int96(Zone),
    Duration(TimeUnit),
    Interval,
    Uuid,
    Text,
    /// Bytes without a text form, with a description.
    Binary(&'static str),
}

impl Kind {
    /// Returns the path and the description of the first values without a text form, such as
    /// `.photo` and `binary data`.
    pub(crate) fn without_text(&self) -> Option<(String, &'static str)> {
        match self {
            Self::Leaf(Leaf::Binary(what)) => Some((String::new(), what)),
            Self::Leaf(_) => None,
            Self::List(item) => item
                .without_text()
                .map(|(place, what)| (format!("[]{place}"), what)),
            Self::Struct(members) => members.iter().find_map(|(name, member)| {
                let (place, what) = member.without_text()?;
                Some((format!(".{name}{place}"), what))
            }),
            Self::Map(key, value) => {
                [(".key", key), (".value", value)]
                    .into_iter()
                    .find_map(|(side, kind)| {
                        let (place, what) = kind.without_text()?;
                        Some((format!("{side}{place}"), what))
                    })
            }
        }
    }
}

/// Returns the kinds of the columns of a file, whose bare form decodes as `arrow`.
pub(crate) fn kinds(
    declared: &SchemaDescriptor,
    key_values: Option<&Vec<KeyValue>>,
    arrow: &Schema,
) -> Vec<Kind> {
    let hints = arrow_hints(declared, key_values);
    let int96 = int96_zone(key_values);
    let mut leaves = declared
        .columns()
        .iter()
        .enumerate()
        .map(|(index, column)| leaf(column.self_type(), hints.get(index), int96));
    arrow
        .fields()
        .iter()
        .map(|field| shape(field.data_type(), &mut leaves))
        .collect()
}

fn shape(data_type: &DataType, leaves: &mut impl Iterator<Item = Leaf>) -> Kind {
    match data_type {
        DataType::List(item) => Kind::List(Box::new(shape(item.data_type(), leaves))),
        DataType::Struct(members) => Kind::Struct(
            members
                .iter()
                .map(|member| (member.name().clone(), shape(member.data_type(), leaves)))
                .collect(),
        ),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(sides) if sides.len() == 2 => Kind::Map(
                Box::new(shape(sides[0].data_type(), leaves)),
                Box::new(shape(sides[1].data_type(), leaves)),
            ),
            _ => Kind::Leaf(Leaf::Binary("a map of an unknown form")),
        },
        _ => Kind::Leaf(leaves.next().unwrap_or(Leaf::Null)),
    }
}

/// Returns the type of each leaf in the Arrow schema that a writer left in the file; empty if there
/// is none.
fn arrow_hints(declared: &SchemaDescriptor, key_values: Option<&Vec<KeyValue>>) -> Vec<DataType> {
    let columns = key_values.and_then(|notes| NotedColumns::of(declared, notes));
    let schema = columns.as_ref().and_then(NotedColumns::noted);
    let fields = schema.into_iter().flat_map(Schema::fields);
    let hints: Vec<DataType> = fields.flat_map(|field| leaves(field.data_type())).collect();
    if hints.len() == declared.num_columns() {
        hints
    } else {
        Vec::new()
    }
}

/// `INT96` timestamps of Spark are instants; those of other writers are local times.
fn int96_zone(key_values: Option<&Vec<KeyValue>>) -> Zone {
    let of_spark = key_values
        .into_iter()
        .flatten()
        .any(|pair| pair.key.starts_with("org.apache.spark."));
    if of_spark { Zone::Utc } else { Zone::None }
}

/// Returns the meaning of a column on its own.
pub(crate) fn plain_leaf(column: &Type) -> Leaf {
    leaf(column, None, Zone::None)
}

fn leaf(column: &Type, hint: Option<&DataType>, int96: Zone) -> Leaf {
    let info = column.get_basic_info();
    let logical = info.logical_type_ref();
    if let Some(LogicalType::Unknown) = logical {
        return Leaf::Null;
    }
    let converted = info.converted_type();
    match column.get_physical_type() {
        Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE => Leaf::Plain,
        Physical::INT32 | Physical::INT64 => integer(column, logical, converted, hint),
        Physical::INT96 => Leaf::Int96(int96),
        Physical::BYTE_ARRAY => bytes(column, logical, converted),
        Physical::FIXED_LEN_BYTE_ARRAY => fixed_bytes(column, logical, converted),
    }
}

fn integer(
    column: &Type,
    logical: Option<&LogicalType>,
    converted: ConvertedType,
    hint: Option<&DataType>,
) -> Leaf {
    match (logical, converted) {
        (Some(LogicalType::Integer(integer)), _) if !integer.is_signed => Leaf::Unsigned,
        (Some(LogicalType::Integer(_)), _) => Leaf::Plain,
        (Some(LogicalType::Decimal(decimal)), _) => decimal_of(decimal.scale),
        (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Leaf::Date,
        (Some(LogicalType::Time(time)), _) => Leaf::Time(unit(time.unit)),
        (Some(LogicalType::Timestamp(timestamp)), _) => Leaf::Timestamp(
            unit(timestamp.unit),
            zone(timestamp.is_adjusted_to_u_t_c, hint),
        ),
        (
            None,
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64,
        ) => Leaf::Unsigned,
        (None, ConvertedType::DECIMAL) => decimal_of(column.get_scale()),
        (None, ConvertedType::TIME_MILLIS) => Leaf::Time(TimeUnit::Millisecond),
        (None, ConvertedType::TIME_MICROS) => Leaf::Time(TimeUnit::Microsecond),
        (None, ConvertedType::TIMESTAMP_MILLIS) => {
            Leaf::Timestamp(TimeUnit::Millisecond, zone(true, hint))
        }
        (None, ConvertedType::TIMESTAMP_MICROS) => {
            Leaf::Timestamp(TimeUnit::Microsecond, zone(true, hint))
        }
        // If Parquet has no annotation for a type, Arrow writers note it in their own schema.
        _ => match hint {
            Some(DataType::Duration(unit)) if column.get_physical_type() == Physical::INT64 => {
                Leaf::Duration(*unit)
            }
            Some(DataType::Timestamp(unit, name)) => {
                Leaf::Timestamp(*unit, name.as_deref().map_or(Zone::None, Zone::named))
            }
            _ => Leaf::Plain,
        },
    }
}

fn bytes(column: &Type, logical: Option<&LogicalType>, converted: ConvertedType) -> Leaf {
    match (logical, converted) {
        (Some(LogicalType::String | LogicalType::Json | LogicalType::Enum), _)
        | (None, ConvertedType::UTF8 | ConvertedType::JSON | ConvertedType::ENUM) => Leaf::Text,
        (Some(LogicalType::Decimal(decimal)), _) => decimal_of(decimal.scale),
        (None, ConvertedType::DECIMAL) => decimal_of(column.get_scale()),
        (Some(LogicalType::Bson), _) | (None, ConvertedType::BSON) => Leaf::Binary("BSON"),
        (Some(LogicalType::Geometry { .. } | LogicalType::Geography { .. }), _) => {
            Leaf::Binary("a geometry")
        }
        _ => Leaf::Binary("binary data"),
    }
}

fn fixed_bytes(column: &Type, logical: Option<&LogicalType>, converted: ConvertedType) -> Leaf {
    let length = fixed_length(column);
    match (logical, converted) {
        (Some(LogicalType::Decimal(decimal)), _) => decimal_of(decimal.scale),
        (None, ConvertedType::DECIMAL) => decimal_of(column.get_scale()),
        (Some(LogicalType::Uuid), _) if length == 16 => Leaf::Uuid,
        (Some(LogicalType::Float16), _) if length == 2 => Leaf::Float16,
        (None, ConvertedType::INTERVAL) if length == 12 => Leaf::Interval,
        _ => Leaf::Binary("binary data"),
    }
}

fn decimal_of(scale: i32) -> Leaf {
    Leaf::Decimal {
        scale: usize::try_from(scale).unwrap_or_default(),
    }
}

fn unit(unit: ParquetUnit) -> TimeUnit {
    match unit {
        ParquetUnit::MILLIS => TimeUnit::Millisecond,
        ParquetUnit::MICROS => TimeUnit::Microsecond,
        ParquetUnit::NANOS => TimeUnit::Nanosecond,
    }
}

fn zone(is_instant: bool, hint: Option<&DataType>) -> Zone {
    match hint {
        Some(DataType::Timestamp(_, Some(name))) if is_instant => Zone::named(name),
        _ if is_instant => Zone::Utc,
        _ => Zone::None,
    }
}
