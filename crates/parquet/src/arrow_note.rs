//! Reads the note in which Arrow's writers keep the types of columns (`ARROW:schema`): Parquet does not have
//! all of them.

use crate::guard::guarded;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::root_as_message;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, parquet_to_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::SchemaDescriptor;
use std::sync::Arc;

/// What precedes the length of a message.
const CONTINUATION: &[u8] = &[0xff; 4];

/// Returns the columns according to the note, as far as it is about these columns; `None` if it cannot
/// be read.
///
/// The decoder takes a type from the note only if it can decode values as that type. For others, such as
/// timestamps in another unit than that of the column, the note itself counts.
pub(crate) fn noted_schema(
    declared: &SchemaDescriptor,
    key_values: Option<&Vec<KeyValue>>,
) -> Option<Schema> {
    guarded(|| {
        let decoded = parquet_to_arrow_schema(declared, key_values);
        let decoded = decoded.map_err(|error| error.to_string())?;
        Ok(match key_values.and_then(|notes| read(notes)) {
            Some(noted) => adopted(&decoded, &noted),
            None => decoded,
        })
    })
    .ok()
}

fn read(notes: &[KeyValue]) -> Option<Schema> {
    let note = notes.iter().find(|note| note.key == ARROW_SCHEMA_META_KEY);
    let message = STANDARD.decode(note?.value.as_deref()?).ok()?;
    let message = match message.strip_prefix(CONTINUATION) {
        Some(length_and_message) => length_and_message.get(4..)?,
        None => &message,
    };
    let message = root_as_message(message).ok()?;
    try_fb_to_schema(message.header_as_schema()?).ok()
}

/// Returns the decoded columns with the types of the note, where it can mean the same values.
fn adopted(decoded: &Schema, noted: &Schema) -> Schema {
    let fields = decoded.fields().iter().enumerate().map(|(index, decoded)| {
        let noted = noted.fields().get(index);
        match noted.filter(|noted| noted.name() == decoded.name() && can_be(noted, decoded)) {
            Some(noted) => Arc::new(Field::clone(noted).with_nullable(decoded.is_nullable())),
            None => Arc::clone(decoded),
        }
    });
    let fields: Vec<FieldRef> = fields.collect();
    Schema::new_with_metadata(fields, decoded.metadata().clone())
}

/// Whether both have as many leaves. A leaf without a type may have one in another file of the table.
fn can_be(noted: &Field, decoded: &Field) -> bool {
    let (noted, decoded) = (leaves(noted.data_type()), leaves(decoded.data_type()));
    let mut pairs = noted.iter().zip(&decoded);
    noted.len() == decoded.len()
        && pairs.all(|(noted, decoded)| noted.is_null() == decoded.is_null())
}

/// Returns the types of the leaves, in order. That of a dictionary is the type of its values.
pub(crate) fn leaves(data_type: &DataType) -> Vec<DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => leaves(item.data_type()),
        DataType::Struct(members) => {
            let members = members.iter();
            members
                .flat_map(|member| leaves(member.data_type()))
                .collect()
        }
        DataType::Dictionary(_, value) => leaves(value),
        leaf => vec![leaf.clone()],
    }
}
