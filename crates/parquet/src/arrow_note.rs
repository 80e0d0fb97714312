//! Reads the note in which Arrow's writers keep the types of columns (`ARROW:schema`): Parquet does not have
//! all of them.

use crate::guard::guarded;
use arrow_ipc::root_as_message_with_opts;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flatbuffers::{InvalidFlatbuffer, VerifierOptions};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, parquet_to_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::SchemaDescriptor;
use std::collections::HashMap;
use std::sync::Arc;

/// What precedes the length of a message.
const CONTINUATION: &[u8] = &[0xff; 4];

/// The most bytes that are passed to find metadata that are no text: a pass over the note for each of them.
const MAX_PASSED: usize = 256 << 20;

/// How many times as large as its bytes a note may be when all that it refers to is counted each time. A note
/// can refer to the same text a thousand times.
const MOST_SHARED: usize = 4;

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
        let noted = ArrowNote::of(all).filter(|note| note.is_about(&plain));
        let noted = noted.map(|note| {
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
        &self.schema().fields()[index]
    }

    /// Returns a column as Parquet declares it.
    pub(crate) fn plain(&self, index: usize) -> &Field {
        self.plain.field(index)
    }

    /// The columns with the types of the note, or else as Parquet declares them.
    pub(crate) fn schema(&self) -> &Schema {
        self.noted.as_ref().unwrap_or(&self.plain)
    }
}

impl ArrowNote {
    /// Whether the note has these columns. Others, which pyarrow does not use either, may be those of a file of
    /// which a part was taken.
    fn is_about(&self, plain: &Schema) -> bool {
        let mut pairs = self.fields.iter().zip(plain.fields());
        self.fields.len() == plain.fields().len()
            && pairs.all(|(noted, plain)| {
                let noted = noted.as_ref();
                noted.is_none_or(|noted| noted.name() == plain.name())
            })
    }

    fn field(&self, index: usize, plain: &FieldRef) -> FieldRef {
        let noted = self.fields.get(index).and_then(Option::as_ref);
        match noted.filter(|noted| can_be(noted, plain)) {
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
        let options = VerifierOptions {
            max_apparent_size: message.len().saturating_mul(MOST_SHARED),
            ..VerifierOptions::default()
        };
        blank_what_is_no_text(&mut message, &options);
        let message = root_as_message_with_opts(&options, &message).ok()?;
        let schema = message.header_as_schema()?;
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
fn blank_what_is_no_text(message: &mut [u8], options: &VerifierOptions) {
    for _ in 0..MAX_PASSED / message.len().max(1) {
        let read = root_as_message_with_opts(options, message);
        let Err(InvalidFlatbuffer::Utf8Error { range, .. }) = read else {
            return;
        };
        match message.get_mut(range) {
            Some(text) => text.fill(b'?'),
            None => return,
        }
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
    if let Some(item) = item_of(data_type) {
        return leaves(item.data_type());
    }
    match data_type {
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

/// Returns what a list or a map consists of.
pub(crate) fn item_of(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => Some(item),
        _ => None,
    }
}
