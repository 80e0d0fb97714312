//! The bare form of a schema, in which values pass through unchanged.
//!
//! A Parquet column is a physical type (64-bit integer, bytes, …) with an annotation that gives its
//! meaning (decimal, timestamp, text, …). Rows are decoded and encoded by the physical type alone,
//! so no value is converted between the input and the result, whatever its annotation, known or
//! not. Annotations are used for the text form, and are written into the new footer.
//!
//! `INT96` has no Arrow type. Every encoding stores its 12 bytes like those of a fixed-length
//! array, so it is decoded and encoded as one.

use arrow_schema::{DataType, Field, FieldRef, Schema};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{GroupTypeBuilder, SchemaDescPtr, SchemaDescriptor, Type, TypePtr};
use std::sync::Arc;

/// The size of an `INT96` value in bytes.
const INT96_BYTES: i32 = 12;

/// Returns the declared schema without the annotations of leaves.
pub(crate) fn bare_schema(declared: &SchemaDescriptor) -> Result<SchemaDescPtr> {
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(bare(
        declared.root_schema(),
        None,
    )?))))
}

/// Returns a type without the annotations of leaves. Groups keep only those of lists and maps,
/// which say how values nest.
fn bare(declared: &Type, repetition: Option<Repetition>) -> Result<Type> {
    let info = declared.get_basic_info();
    let repetition = repetition.or_else(|| info.has_repetition().then(|| info.repetition()));
    if declared.is_primitive() {
        let physical = declared.get_physical_type();
        let (physical, length) = match physical {
            Physical::INT96 => (Physical::FIXED_LEN_BYTE_ARRAY, INT96_BYTES),
            Physical::FIXED_LEN_BYTE_ARRAY => (physical, fixed_length(declared)),
            other => (other, -1),
        };
        return Type::primitive_type_builder(declared.name(), physical)
            .with_repetition(repetition.unwrap_or(Repetition::REQUIRED))
            .with_length(length)
            .build();
    }
    let fields = declared
        .get_fields()
        .iter()
        .map(|field| bare(field, None).map(Arc::new))
        .collect::<Result<Vec<TypePtr>>>()?;
    let nesting = match info.converted_type() {
        nesting @ (ConvertedType::LIST | ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            nesting
        }
        _ => ConvertedType::NONE,
    };
    group(declared.name(), repetition, fields, nesting, None, None).build()
}

fn group(
    name: &str,
    repetition: Option<Repetition>,
    fields: Vec<TypePtr>,
    converted: ConvertedType,
    logical: Option<LogicalType>,
    id: Option<i32>,
) -> GroupTypeBuilder<'_> {
    let builder = Type::group_type_builder(name)
        .with_fields(fields)
        .with_converted_type(converted)
        .with_logical_type(logical)
        .with_id(id);
    match repetition {
        Some(repetition) => builder.with_repetition(repetition),
        None => builder,
    }
}

/// Returns the path of the first column or group whose annotation is newer than the decoder, and the number
/// of the annotation in the format. The encoder cannot write it again.
pub(crate) fn newer_annotation(declared: &SchemaDescriptor) -> Option<(String, i16)> {
    declared
        .root_schema()
        .get_fields()
        .iter()
        .find_map(|field| newer_in(field))
}

fn newer_in(declared: &Type) -> Option<(String, i16)> {
    let name = declared.name();
    if let Some(LogicalType::_Unknown { field_id }) = declared.get_basic_info().logical_type_ref() {
        return Some((name.to_owned(), *field_id));
    }
    if declared.is_primitive() {
        return None;
    }
    let (path, number) = declared
        .get_fields()
        .iter()
        .find_map(|field| newer_in(field))?;
    Some((format!("{name}.{path}"), number))
}

/// Returns the length of a fixed-length array.
pub(crate) fn fixed_length(declared: &Type) -> i32 {
    match declared {
        Type::PrimitiveType { type_length, .. } => *type_length,
        Type::GroupType { .. } => -1,
    }
}

/// Returns the Arrow schema in which a bare schema is decoded. Byte columns are views, which share the
/// memory of the decoded page or dictionary, so that a text that many rows have is in memory once.
pub(crate) fn arrow_schema(bare: &SchemaDescriptor) -> Result<Schema> {
    let schema = parquet_to_arrow_schema(bare, None)?;
    let fields = schema.fields().iter().map(with_views);
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}

fn with_views(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Binary => DataType::BinaryView,
        DataType::List(items) => DataType::List(with_views(items)),
        DataType::Map(entries, sorted) => DataType::Map(with_views(entries), *sorted),
        DataType::Struct(members) => DataType::Struct(members.iter().map(with_views).collect()),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

/// Returns the declared type with another repetition.
pub(crate) fn with_repetition(declared: &Type, repetition: Repetition) -> Result<Type> {
    let info = declared.get_basic_info();
    let id = info.has_id().then(|| info.id());
    let logical = info.logical_type_ref().cloned();
    match declared {
        Type::PrimitiveType {
            physical_type,
            type_length,
            scale,
            precision,
            ..
        } => Type::primitive_type_builder(declared.name(), *physical_type)
            .with_repetition(repetition)
            .with_converted_type(info.converted_type())
            .with_logical_type(logical)
            .with_length(*type_length)
            .with_precision(*precision)
            .with_scale(*scale)
            .with_id(id)
            .build(),
        Type::GroupType { fields, .. } => group(
            declared.name(),
            Some(repetition),
            fields.clone(),
            info.converted_type(),
            logical,
            id,
        )
        .build(),
    }
}

/// Returns the schema to write, in which the keys of maps are required, as the format demands. Some
/// writers declare them optional.
pub(crate) fn with_required_keys(declared: &SchemaDescriptor) -> Result<SchemaDescPtr> {
    let root = declared.root_schema();
    if !has_optional_key(root) {
        return Ok(Arc::new(SchemaDescriptor::new(declared.root_schema_ptr())));
    }
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(require_keys(
        root,
    )?))))
}

fn has_optional_key(declared: &Type) -> bool {
    declared.is_group()
        && (optional_key(declared).is_some()
            || declared
                .get_fields()
                .iter()
                .any(|field| has_optional_key(field)))
}

/// Returns the entries of a map whose key is optional.
fn optional_key(map: &Type) -> Option<&Type> {
    let is_map = matches!(
        map.get_basic_info().converted_type(),
        ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE
    );
    let [entries] = map.get_fields() else {
        return None;
    };
    let is_entries = is_map && entries.is_group() && entries.get_fields().len() == 2;
    (is_entries && entries.get_fields()[0].is_optional()).then_some(entries)
}

fn require_keys(declared: &Type) -> Result<Type> {
    if declared.is_primitive() {
        return Ok(declared.clone());
    }
    let required = optional_key(declared)
        .map(|entries| -> Result<Type> {
            let mut fields = entries.get_fields().to_vec();
            fields[0] = Arc::new(with_repetition(&fields[0], Repetition::REQUIRED)?);
            rebuilt(entries, fields)
        })
        .transpose()?;
    let fields = match required {
        Some(entries) => vec![Arc::new(entries)],
        None => declared.get_fields().to_vec(),
    };
    let fields = fields
        .iter()
        .map(|field| require_keys(field).map(Arc::new))
        .collect::<Result<Vec<TypePtr>>>()?;
    rebuilt(declared, fields)
}

/// Returns the declared group with other fields.
fn rebuilt(declared: &Type, fields: Vec<TypePtr>) -> Result<Type> {
    let info = declared.get_basic_info();
    group(
        declared.name(),
        info.has_repetition().then(|| info.repetition()),
        fields,
        info.converted_type(),
        info.logical_type_ref().cloned(),
        info.has_id().then(|| info.id()),
    )
    .build()
}
