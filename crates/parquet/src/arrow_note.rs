//! Reads the note in which Arrow's writers keep the types of columns (`ARROW:schema`): Parquet does not have
//! all of them.

use crate::guard::guarded;
use arrow_ipc::root_as_message;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flatbuffers::InvalidFlatbuffer;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, parquet_to_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::SchemaDescriptor;
use std::collections::HashMap;
use std::sync::Arc;

/// What precedes the length of a message.
const CONTINUATION: &[u8] = &[0xff; 4];

/// The most metadata of a note that are blanked. Each of them costs a pass over the note.
const MAX_BLANKED: usize = 100;

/// The key under which Polars keeps the values of an enumeration, without its version.
const ENUM_KEY: &str = "_PL_ENUM_VALUES";

/// The beginnings of the keys of metadata that say what the values of a column are.
const TYPE_KEYS: [&str; 2] = ["ARROW:extension:", ENUM_KEY];

/// The columns according to the note.
struct ArrowNote {
    /// `None` for a column with a type that is no type of Arrow, such as the 128-bit integers of Polars.
    fields: Vec<Option<Field>>,
    notes: HashMap<String, String>,
}

/// The columns of a file, as Parquet declares them and as the note has them.
pub(crate) struct NotedColumns {
    plain: Schema,
    noted: Option<Schema>,
}

impl NotedColumns {
    /// Returns `None` if the columns are no columns of Arrow.
    pub(crate) fn of(declared: &SchemaDescriptor, all: &[KeyValue]) -> Option<Self> {
        let plain =
            guarded(|| parquet_to_arrow_schema(declared, None).map_err(|error| error.to_string()));
        let plain = plain.ok()?;
        let noted = ArrowNote::of(all).map(|note| {
            let fields = plain.fields().iter().enumerate();
            let fields = fields.map(|(index, plain)| note.field(index, plain));
            let fields: Vec<FieldRef> = fields.collect();
            Schema::new_with_metadata(fields, note.notes)
        });
        Some(Self { plain, noted })
    }

    /// The columns with the types of the note, as far as it is about these columns, and the notes inside it;
    /// `None` if there is no note, or if it cannot be read.
    pub(crate) fn noted(&self) -> Option<&Schema> {
        self.noted.as_ref()
    }

    /// Returns a column with the type of the note, if it has one.
    pub(crate) fn field(&self, index: usize) -> &FieldRef {
        let schema = self.noted.as_ref().unwrap_or(&self.plain);
        &schema.fields()[index]
    }

    /// Returns what the type of a column says that Parquet does not: two files with the same declaration have
    /// other values if it differs.
    ///
    /// Units of timestamps that Parquet has too, and the widths of indices and offsets, are not among it.
    pub(crate) fn meanings(&self, index: usize) -> Vec<String> {
        let mut meanings = Vec::new();
        collect_meanings(self.field(index), &mut meanings);
        let noted = leaves(self.field(index).data_type()).into_iter();
        let both = noted.zip(leaves(self.plain.field(index).data_type()));
        let temporal = both.filter(|(noted, plain)| plain.is_integer() && noted.is_temporal());
        meanings.extend(temporal.map(|(noted, _)| match noted {
            DataType::Timestamp(unit, _) => format!("Timestamp({unit})"),
            other => other.to_string(),
        }));
        meanings
    }
}

impl ArrowNote {
    fn field(&self, index: usize, plain: &FieldRef) -> FieldRef {
        let noted = self.fields.get(index).and_then(Option::as_ref);
        match noted.filter(|noted| noted.name() == plain.name() && can_be(noted, plain)) {
            Some(noted) => Arc::new(noted.clone().with_nullable(plain.is_nullable())),
            None => Arc::clone(plain),
        }
    }

    fn of(notes: &[KeyValue]) -> Option<Self> {
        let note = notes.iter().find(|note| note.key == ARROW_SCHEMA_META_KEY);
        let mut message = STANDARD.decode(note?.value.as_deref()?).ok()?;
        if message.starts_with(CONTINUATION) {
            // The length comes next.
            message.drain(..(CONTINUATION.len() + 4).min(message.len()));
        }
        blank_what_is_no_text(&mut message);
        let schema = root_as_message(&message).ok()?.header_as_schema()?;
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

/// Overwrites the first metadata that are no text, which would make the whole message unreadable: pyarrow keeps
/// any bytes there.
fn blank_what_is_no_text(message: &mut [u8]) {
    for _ in 0..MAX_BLANKED {
        let Err(InvalidFlatbuffer::Utf8Error { range, .. }) = root_as_message(message) else {
            return;
        };
        match message.get_mut(range) {
            Some(text) => text.fill(b'?'),
            None => return,
        }
    }
}

fn collect_meanings(field: &Field, meanings: &mut Vec<String>) {
    for (key, value) in field.metadata() {
        if TYPE_KEYS.iter().any(|beginning| key.starts_with(beginning)) {
            meanings.push(format!("{key} {value}"));
        }
    }
    // The metadata of a field has no order.
    meanings.sort_unstable();
    match field.data_type() {
        DataType::FixedSizeList(item, length) => {
            meanings.push(format!("lists of {length}"));
            collect_meanings(item, meanings);
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => collect_meanings(item, meanings),
        DataType::Struct(members) => {
            for member in members {
                collect_meanings(member, meanings);
            }
        }
        _ => {}
    }
}

/// Returns the field for the rows of all row groups and files together. The indices of a dictionary count the
/// values of all of them. Its values are in the order in which they come, so a category has no order any more,
/// unless the metadata has it.
pub(crate) fn joined(field: &FieldRef) -> FieldRef {
    let with = |item: &FieldRef, list: fn(FieldRef) -> DataType| list(joined(item));
    let data_type = match field.data_type() {
        DataType::Dictionary(index, value) => {
            let index = match **index {
                DataType::UInt8 | DataType::UInt16 => DataType::UInt32,
                DataType::Int8 | DataType::Int16 => DataType::Int32,
                ref wide => wide.clone(),
            };
            DataType::Dictionary(Box::new(index), value.clone())
        }
        DataType::List(item) => with(item, DataType::List),
        DataType::LargeList(item) => with(item, DataType::LargeList),
        DataType::ListView(item) => with(item, DataType::ListView),
        DataType::LargeListView(item) => with(item, DataType::LargeListView),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(joined(item), *length),
        DataType::Map(item, sorted) => DataType::Map(joined(item), *sorted),
        DataType::Struct(members) => DataType::Struct(members.iter().map(joined).collect()),
        _ => return Arc::clone(field),
    };
    let has_order = field.metadata().keys().any(|key| key.starts_with(ENUM_KEY));
    let is_ordered = has_order && field.dict_is_ordered() == Some(true);
    let field = Field::clone(field).with_data_type(data_type);
    Arc::new(field.with_dict_is_ordered(is_ordered))
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
