//! Reads the note in which Arrow's writers keep the types of columns (`ARROW:schema`): Parquet does not have
//! all of them.

use crate::guard::guarded;
use arrow_ipc::root_as_message;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, parquet_to_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::SchemaDescriptor;
use std::collections::HashMap;
use std::sync::Arc;

/// What precedes the length of a message.
const CONTINUATION: &[u8] = &[0xff; 4];

/// The columns according to the note.
struct Note {
    /// `None` for a column with a type that is no type of Arrow, such as the 128-bit integers of Polars.
    fields: Vec<Option<Field>>,
    notes: HashMap<String, String>,
}

/// Returns the columns of a file with the types of the note, as far as it is about these columns, and the
/// notes inside it; `None` if there is no note, or if it cannot be read.
pub(crate) fn noted_schema(declared: &SchemaDescriptor, all: &[KeyValue]) -> Option<Schema> {
    let note = Note::of(all)?;
    let plain =
        guarded(|| parquet_to_arrow_schema(declared, None).map_err(|error| error.to_string()));
    let plain = plain.ok()?;
    let fields = plain.fields().iter().enumerate().map(|(index, plain)| {
        let noted = note.fields.get(index).and_then(Option::as_ref);
        match noted.filter(|noted| noted.name() == plain.name() && can_be(noted, plain)) {
            Some(noted) => Arc::new(noted.clone().with_nullable(plain.is_nullable())),
            None => Arc::clone(plain),
        }
    });
    let fields: Vec<FieldRef> = fields.collect();
    Some(Schema::new_with_metadata(fields, note.notes))
}

impl Note {
    fn of(notes: &[KeyValue]) -> Option<Self> {
        let note = notes.iter().find(|note| note.key == ARROW_SCHEMA_META_KEY);
        let message = STANDARD.decode(note?.value.as_deref()?).ok()?;
        let message = match message.strip_prefix(CONTINUATION) {
            Some(length_and_message) => length_and_message.get(4..)?,
            None => &message,
        };
        let schema = root_as_message(message).ok()?.header_as_schema()?;
        let fields = schema.fields()?.iter();
        // The conversion panics if a type is unknown.
        let fields = fields.map(|field| guarded(|| Ok(Field::from(field))).ok());
        let inside = schema.custom_metadata().into_iter().flatten();
        let inside =
            inside.filter_map(|pair| Some((pair.key()?.to_owned(), pair.value()?.to_owned())));
        Some(Self {
            fields: fields.collect(),
            notes: inside.collect(),
        })
    }
}

/// Whether both have as many leaves. A leaf without a type may have one in another file of the table.
fn can_be(noted: &Field, plain: &Field) -> bool {
    let (noted, plain) = (leaves(noted.data_type()), leaves(plain.data_type()));
    let mut pairs = noted.iter().zip(&plain);
    noted.len() == plain.len() && pairs.all(|(noted, plain)| noted.is_null() == plain.is_null())
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
