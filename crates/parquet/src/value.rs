//! Decoded values and their text form.
//!
//! As a cell: text as it is, numbers as their digits (decimals with their scale, floats as the
//! shortest text that reads back as the same float of their own width), booleans as `true` and
//! `false`, dates, times and timestamps in ISO 8601, UUIDs hyphenated, lists and structs as compact
//! JSON, maps as JSON objects.
//!
//! Inside JSON the form is the same, with quotes around everything except numbers and booleans. A
//! float that is not finite is `null`.

use crate::calendar::{
    write_date, write_duration, write_int96, write_interval, write_time, write_timestamp,
};
use crate::decimal;
use crate::half;
use crate::kind::{Kind, Leaf};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int32Array, Int64Array, ListArray, MapArray, StringArray,
    StringViewArray,
};
use arrow_schema::DataType;
use quarry_table::json_text::write_string;
use std::fmt::Write as _;

/// The values of a column in a batch of rows.
#[derive(Debug)]
pub(crate) enum Values {
    Leaf(Leaf, LeafValues),
    List(ListArray, Box<Values>),
    Struct(ArrayRef, Vec<StructMember>),
    Map(MapArray, Box<Values>, Box<Values>),
}

#[derive(Debug)]
pub(crate) struct StructMember {
    /// The name as a JSON key, with its colon.
    key: Vec<u8>,
    values: Values,
}

#[derive(Debug)]
pub(crate) enum LeafValues {
    Bool(BooleanArray),
    Int32(Int32Array),
    Int64(Int64Array),
    Float32(Float32Array),
    Float64(Float64Array),
    Bytes(BinaryArray),
    BytesView(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
    Text(StringArray),
    TextView(StringViewArray),
}

/// What is wrong with decoded values.
#[derive(Debug)]
pub(crate) enum ValueFault {
    /// Text that is not UTF-8, with its row if the column holds text directly.
    NotUtf8(Option<usize>),
    /// The values do not match the schema.
    Contradiction(String),
}

impl Values {
    /// Checks that the values of `array` have the text form of `kind`.
    pub(crate) fn new(kind: &Kind, array: &ArrayRef) -> Result<Self, ValueFault> {
        match (kind, array.data_type()) {
            (Kind::List(item), DataType::List(_)) => {
                let list = array.as_list::<i32>();
                let items = nested(Self::new(item, list.values()))?;
                Ok(Self::List(list.clone(), Box::new(items)))
            }
            (Kind::Struct(members), DataType::Struct(_)) => {
                let columns = array.as_struct().columns();
                if columns.len() != members.len() {
                    return Err(contradiction(array));
                }
                let members = members
                    .iter()
                    .zip(columns)
                    .map(|((name, kind), column)| {
                        Ok(StructMember {
                            key: json_key(name),
                            values: nested(Self::new(kind, column))?,
                        })
                    })
                    .collect::<Result<_, _>>()?;
                Ok(Self::Struct(array.clone(), members))
            }
            (Kind::Map(key, value), DataType::Map(..)) => {
                let map = array.as_map();
                let keys = nested(Self::new(key, map.keys()))?;
                let values = nested(Self::new(value, map.values()))?;
                Ok(Self::Map(map.clone(), Box::new(keys), Box::new(values)))
            }
            (Kind::Leaf(leaf), _) => Ok(Self::Leaf(*leaf, LeafValues::new(*leaf, array)?)),
            _ => Err(contradiction(array)),
        }
    }

    pub(crate) fn is_null(&self, index: usize) -> bool {
        match self {
            Self::Leaf(Leaf::Null, _) => true,
            Self::Leaf(_, values) => values.is_null(index),
            Self::List(list, _) => list.is_null(index),
            Self::Struct(array, _) => array.is_null(index),
            Self::Map(map, ..) => map.is_null(index),
        }
    }

    /// Returns the texts of a column that holds text directly.
    pub(crate) fn texts(&self) -> Option<&StringViewArray> {
        match self {
            Self::Leaf(_, LeafValues::TextView(texts)) => Some(texts),
            _ => None,
        }
    }

    /// Appends a value that is not null as a cell.
    pub(crate) fn write_cell(&self, index: usize, out: &mut Vec<u8>) {
        match self {
            Self::Leaf(leaf, values) => values.write(*leaf, index, out),
            _ => self.write_json(index, out),
        }
    }

    /// Appends a value as compact JSON.
    pub(crate) fn write_json(&self, index: usize, out: &mut Vec<u8>) {
        if self.is_null(index) {
            out.extend_from_slice(b"null");
            return;
        }
        match self {
            Self::Leaf(leaf, values) => values.write_json(*leaf, index, out),
            Self::List(list, items) => {
                out.push(b'[');
                for (count, item) in entries(list.value_offsets(), index).enumerate() {
                    if count > 0 {
                        out.push(b',');
                    }
                    items.write_json(item, out);
                }
                out.push(b']');
            }
            Self::Struct(_, members) => {
                out.push(b'{');
                for (count, member) in members.iter().enumerate() {
                    if count > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(&member.key);
                    member.values.write_json(index, out);
                }
                out.push(b'}');
            }
            Self::Map(map, keys, values) => {
                out.push(b'{');
                let mut text = Vec::new();
                for (count, entry) in entries(map.value_offsets(), index).enumerate() {
                    if count > 0 {
                        out.push(b',');
                    }
                    text.clear();
                    if !keys.is_null(entry) {
                        keys.write_cell(entry, &mut text);
                    }
                    write_string(out, std::str::from_utf8(&text).unwrap_or_default());
                    out.push(b':');
                    values.write_json(entry, out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Returns a name as a JSON key, with its colon.
pub(crate) fn json_key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    write_string(&mut key, name);
    key.push(b':');
    key
}

/// Returns the range of a row's entries among those of all rows.
fn entries(offsets: &[i32], index: usize) -> std::ops::Range<usize> {
    let at = |index: usize| usize::try_from(offsets[index]).unwrap_or_default();
    at(index)..at(index + 1)
}

/// Drops the row of an error, because rows of nested values are not rows of the column.
fn nested(values: Result<Values, ValueFault>) -> Result<Values, ValueFault> {
    values.map_err(|fault| match fault {
        ValueFault::NotUtf8(_) => ValueFault::NotUtf8(None),
        ValueFault::Contradiction(reason) => ValueFault::Contradiction(reason),
    })
}

fn contradiction(array: &dyn Array) -> ValueFault {
    ValueFault::Contradiction(format!(
        "values of type {} do not match the schema",
        array.data_type()
    ))
}

impl LeafValues {
    fn new(leaf: Leaf, array: &ArrayRef) -> Result<Self, ValueFault> {
        let values = match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().clone()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().clone()),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>().clone()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().clone()),
            DataType::FixedSizeBinary(_) => Self::Fixed(array.as_fixed_size_binary().clone()),
            DataType::Binary => Self::Bytes(array.as_binary::<i32>().clone()),
            DataType::BinaryView => Self::BytesView(array.as_binary_view().clone()),
            _ => return Err(contradiction(array)),
        };
        match (leaf, values) {
            (Leaf::Text, Self::Bytes(bytes)) => {
                let found = bytes.clone();
                StringArray::try_from_binary(bytes)
                    .map(Self::Text)
                    .map_err(|_| ValueFault::NotUtf8(found.iter().position(not_utf8)))
            }
            (Leaf::Text, Self::BytesView(bytes)) => {
                let found = bytes.clone();
                bytes
                    .to_string_view()
                    .map(Self::TextView)
                    .map_err(|_| ValueFault::NotUtf8(found.iter().position(not_utf8)))
            }
            (Leaf::Decimal { .. }, values) if values.longest() > decimal::MAX_BYTES => {
                Err(ValueFault::Contradiction(format!(
                    "a decimal has more than {} bytes",
                    decimal::MAX_BYTES
                )))
            }
            (_, values) => Ok(values),
        }
    }

    fn longest(&self) -> usize {
        let length = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
        match self {
            Self::Bytes(bytes) => bytes.iter().map(length).max().unwrap_or_default(),
            Self::BytesView(bytes) => bytes.iter().map(length).max().unwrap_or_default(),
            Self::Fixed(bytes) => usize::try_from(bytes.value_length()).unwrap_or_default(),
            _ => 0,
        }
    }

    fn is_null(&self, index: usize) -> bool {
        match self {
            Self::Bool(values) => values.is_null(index),
            Self::Int32(values) => values.is_null(index),
            Self::Int64(values) => values.is_null(index),
            Self::Float32(values) => values.is_null(index),
            Self::Float64(values) => values.is_null(index),
            Self::Bytes(values) => values.is_null(index),
            Self::BytesView(values) => values.is_null(index),
            Self::Fixed(values) => values.is_null(index),
            Self::Text(values) => values.is_null(index),
            Self::TextView(values) => values.is_null(index),
        }
    }

    fn text(&self, index: usize) -> Option<&str> {
        match self {
            Self::Text(values) => Some(values.value(index)),
            Self::TextView(values) => Some(values.value(index)),
            _ => None,
        }
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        match self {
            Self::Bytes(values) => Some(values.value(index)),
            Self::BytesView(values) => Some(values.value(index)),
            Self::Fixed(values) => Some(values.value(index)),
            _ => None,
        }
    }

    fn integer(&self, index: usize) -> Option<i64> {
        match self {
            Self::Int32(values) => Some(values.value(index).into()),
            Self::Int64(values) => Some(values.value(index)),
            _ => None,
        }
    }

    /// Whether the value is a float that is not finite.
    fn not_finite(&self, leaf: Leaf, index: usize) -> bool {
        match self {
            Self::Float32(values) => !values.value(index).is_finite(),
            Self::Float64(values) => !values.value(index).is_finite(),
            Self::Fixed(values) if leaf == Leaf::Float16 => {
                half::widened(values.value(index)).is_some_and(|value| !value.is_finite())
            }
            _ => false,
        }
    }

    fn write_json(&self, leaf: Leaf, index: usize, out: &mut Vec<u8>) {
        if let Some(text) = self.text(index) {
            return write_string(out, text);
        }
        let is_literal = match leaf {
            Leaf::Plain | Leaf::Unsigned | Leaf::Decimal { .. } | Leaf::Float16 => true,
            Leaf::Null
            | Leaf::Date
            | Leaf::Time(_)
            | Leaf::Timestamp(..)
            | Leaf::Int96(_)
            | Leaf::Duration(_)
            | Leaf::Interval
            | Leaf::Uuid
            | Leaf::Text
            | Leaf::Binary(_) => false,
        };
        if is_literal {
            if self.not_finite(leaf, index) {
                out.extend_from_slice(b"null");
            } else {
                self.write(leaf, index, out);
            }
        } else {
            // None of these has a character that JSON would escape.
            out.push(b'"');
            self.write(leaf, index, out);
            out.push(b'"');
        }
    }

    /// Appends a value as a cell.
    fn write(&self, leaf: Leaf, index: usize, out: &mut Vec<u8>) {
        if let Some(text) = self.text(index) {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        // Writing to memory cannot fail.
        let _ = self.write_fallible(leaf, index, &mut Utf8(out));
    }

    fn write_fallible(&self, leaf: Leaf, index: usize, out: &mut Utf8<'_>) -> std::fmt::Result {
        match (self, leaf) {
            (Self::Bool(values), _) => write!(out, "{}", values.value(index)),
            (Self::Float32(values), _) => write_float32(values.value(index), out),
            (Self::Float64(values), _) => write_float64(values.value(index), out),
            (Self::Int32(values), Leaf::Unsigned) => {
                write!(out, "{}", values.value(index).cast_unsigned())
            }
            (Self::Int64(values), Leaf::Unsigned) => {
                write!(out, "{}", values.value(index).cast_unsigned())
            }
            (Self::Int32(_) | Self::Int64(_), _) => {
                write_integer(leaf, self.integer(index).unwrap_or_default(), out)
            }
            _ => write_bytes(leaf, self.bytes(index).unwrap_or_default(), out),
        }
    }
}

fn not_utf8(value: Option<&[u8]>) -> bool {
    value.is_some_and(|bytes| std::str::from_utf8(bytes).is_err())
}

fn write_integer(leaf: Leaf, value: i64, out: &mut Utf8<'_>) -> std::fmt::Result {
    match leaf {
        Leaf::Decimal { scale } => decimal::write_integer(out, value.into(), scale),
        Leaf::Date => write_date(out, value),
        Leaf::Time(unit) => write_time(out, value, unit),
        Leaf::Timestamp(unit, zone) => write_timestamp(out, value, unit, zone),
        Leaf::Duration(unit) => write_duration(out, value, unit),
        _ => write!(out, "{value}"),
    }
}

fn write_bytes(leaf: Leaf, bytes: &[u8], out: &mut Utf8<'_>) -> std::fmt::Result {
    match leaf {
        Leaf::Decimal { scale } => decimal::write_bytes(out, bytes, scale),
        Leaf::Int96(zone) => write_int96(out, fixed(bytes), zone),
        Leaf::Interval => write_interval(out, fixed(bytes)),
        Leaf::Uuid => write_uuid(fixed(bytes), out),
        Leaf::Float16 => write_float32(half::shortest(bytes).unwrap_or_default(), out),
        // Columns with such leaves are refused before their text is requested.
        _ => Ok(()),
    }
}

/// Returns the bytes of a value whose length the schema fixes.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

fn write_float32(value: f32, out: &mut Utf8<'_>) -> std::fmt::Result {
    if value.is_finite() {
        serde_json::to_writer(&mut *out.0, &value).map_err(|_| std::fmt::Error)
    } else {
        out.write_str(not_finite_text(value.is_nan(), value > 0.0))
    }
}

fn write_float64(value: f64, out: &mut Utf8<'_>) -> std::fmt::Result {
    if value.is_finite() {
        serde_json::to_writer(&mut *out.0, &value).map_err(|_| std::fmt::Error)
    } else {
        out.write_str(not_finite_text(value.is_nan(), value > 0.0))
    }
}

fn not_finite_text(is_nan: bool, is_positive: bool) -> &'static str {
    match (is_nan, is_positive) {
        (true, _) => "NaN",
        (false, true) => "Infinity",
        (false, false) => "-Infinity",
    }
}

fn write_uuid(bytes: [u8; 16], out: &mut Utf8<'_>) -> std::fmt::Result {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.write_char('-')?;
        }
        write!(out, "{byte:02x}")?;
    }
    Ok(())
}

/// Text appended to bytes.
struct Utf8<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_the_shortest_text_of_their_width() {
        let text = |array: ArrayRef| {
            let values = Values::new(&Kind::Leaf(Leaf::Plain), &array).unwrap();
            let mut out = Vec::new();
            for index in 0..array.len() {
                values.write_cell(index, &mut out);
                out.push(b' ');
                values.write_json(index, &mut out);
                out.push(b' ');
            }
            String::from_utf8(out).unwrap()
        };
        let narrow = Float32Array::from(vec![0.1, -2.0, f32::NAN]);
        assert_eq!(
            text(std::sync::Arc::new(narrow)),
            "0.1 0.1 -2.0 -2.0 NaN null "
        );
        let wide = Float64Array::from(vec![0.1, 1e300, f64::NEG_INFINITY]);
        assert_eq!(
            text(std::sync::Arc::new(wide)),
            "0.1 0.1 1e+300 1e+300 -Infinity null "
        );
    }
}
