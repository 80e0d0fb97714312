//! JSON Lines: the object being read, as ranges of its line.

use crate::cell::Cell;
use crate::header::{Header, MAX_HEADER_BYTES};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Tables with more different keys than this are refused: such keys are data, and the result table
/// would have a column for each.
pub const MAX_COLUMNS: usize = 10_000;

/// Why a line is not a row.
pub(crate) enum Fault {
    Json(serde_json::Error),
    /// A string whose escapes are not Unicode text, and where in the line it begins.
    BrokenEscape {
        at: usize,
        source: serde_json::Error,
    },
    DuplicateKey(String),
    TooManyColumns,
    KeysTooLong,
}

/// The members of one object, in buffers that are reused for the next object.
#[derive(Default)]
pub(crate) struct JsonRecord {
    /// Index of each known key in the header.
    index: HashMap<String, usize>,
    /// Bytes of all known keys.
    key_bytes: usize,
    members: Vec<Member>,
    /// For each column the row in which it was seen last (counted from 1), and its index in
    /// `members` there.
    seen: Vec<(u64, usize)>,
    /// Number of rows read.
    rows: u64,
    /// For each projected column its index in the header, if it is known.
    projection: Vec<Option<usize>>,
    cells: Vec<JsonCell>,
    /// Text of the projected strings that are written with escapes.
    unescaped: String,
}

/// One member of an object.
struct Member {
    column: usize,
    /// The range of the value in the line.
    value: Range<usize>,
}

enum JsonCell {
    Missing,
    Null,
    Line(Range<usize>),
    Unescaped(Range<usize>),
}

impl JsonRecord {
    /// Takes over the columns that are already known.
    pub(crate) fn know(&mut self, header: &Header) {
        self.index = header.columns.iter().cloned().zip(0..).collect();
        self.key_bytes = header.columns.iter().map(String::len).sum();
        self.seen = vec![(0, 0); header.columns.len()];
    }

    /// Finds the projected names among the known columns.
    pub(crate) fn project(&mut self, names: &[String]) {
        self.projection.clear();
        self.projection
            .extend(names.iter().map(|name| self.index.get(name).copied()));
    }

    /// Reads one line that is an object. New keys are added to the header.
    pub(crate) fn read(
        &mut self,
        line: &str,
        header: &mut Arc<Header>,
        names: &[String],
    ) -> Result<(), Fault> {
        self.rows += 1;
        self.members.clear();
        self.unescaped.clear();
        self.cells.clear();
        let known = self.index.len();

        let mut fault = None;
        let mut json = serde_json::Deserializer::from_str(line);
        let members = Members {
            record: self,
            line,
            header,
            fault: &mut fault,
        };
        let parsed = members.deserialize(&mut json).and_then(|()| json.end());
        if let Some(fault) = fault {
            return Err(fault);
        }
        parsed.map_err(Fault::Json)?;

        if self.index.len() > known {
            self.project(names);
        }
        for place in 0..self.projection.len() {
            let member = self.projection[place]
                .and_then(|column| self.seen.get(column))
                .filter(|(row, _)| *row == self.rows)
                .and_then(|(_, member)| self.members.get(*member));
            let cell = match member {
                None => JsonCell::Missing,
                Some(member) => read_value(line, member.value.clone(), &mut self.unescaped)?,
            };
            self.cells.push(cell);
        }
        Ok(())
    }

    /// Returns the object that was read last; `line` is its line.
    pub(crate) fn object<'a>(&'a self, line: &'a str) -> JsonObject<'a> {
        JsonObject { line, record: self }
    }

    /// Returns the index of a key in the header, adding the key if it is new.
    fn column(&mut self, key: &str, header: &mut Arc<Header>) -> Result<usize, Fault> {
        if let Some(&column) = self.index.get(key) {
            return Ok(column);
        }
        let column = self.index.len();
        if column >= MAX_COLUMNS {
            return Err(Fault::TooManyColumns);
        }
        self.key_bytes += key.len();
        if self.key_bytes > MAX_HEADER_BYTES {
            return Err(Fault::KeysTooLong);
        }
        Arc::make_mut(header).columns.push(key.to_owned());
        self.index.insert(key.to_owned(), column);
        self.seen.push((0, 0));
        Ok(column)
    }

    fn add(
        &mut self,
        key: &str,
        value: Range<usize>,
        header: &mut Arc<Header>,
    ) -> Result<(), Fault> {
        let column = self.column(key, header)?;
        let seen = &mut self.seen[column];
        if seen.0 == self.rows {
            return Err(Fault::DuplicateKey(key.to_owned()));
        }
        *seen = (self.rows, self.members.len());
        self.members.push(Member { column, value });
        Ok(())
    }
}

/// The object of one line.
#[derive(Clone, Copy)]
pub(crate) struct JsonObject<'a> {
    line: &'a str,
    record: &'a JsonRecord,
}

impl<'a> JsonObject<'a> {
    /// Returns the cell of the `index`-th projected column.
    pub(crate) fn projected(&self, index: usize) -> Cell<'a> {
        match self.record.cells.get(index) {
            None | Some(JsonCell::Missing) => Cell::Missing,
            Some(JsonCell::Null) => Cell::Null,
            Some(JsonCell::Line(range)) => self
                .line
                .get(range.clone())
                .map_or(Cell::Missing, Cell::Text),
            Some(JsonCell::Unescaped(range)) => self
                .record
                .unescaped
                .get(range.clone())
                .map_or(Cell::Missing, Cell::Text),
        }
    }

    /// Returns each member as its column and the JSON text of its value, in the order of the line.
    pub(crate) fn members(self) -> impl Iterator<Item = (usize, &'a str)> {
        self.record
            .members
            .iter()
            .filter_map(move |member| Some((member.column, self.line.get(member.value.clone())?)))
    }

    /// The line without surrounding white space.
    pub(crate) fn text(&self) -> &'a str {
        self.line.trim_ascii()
    }
}

/// Turns the JSON text of a value into a cell.
fn read_value(line: &str, range: Range<usize>, unescaped: &mut String) -> Result<JsonCell, Fault> {
    let value = &line[range.clone()];
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Ok(if value == "null" {
            JsonCell::Null
        } else {
            JsonCell::Line(range)
        });
    };
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(JsonCell::Line(range.start + 1..range.end - 1));
    }
    let start = unescaped.len();
    (&mut serde_json::Deserializer::from_str(value))
        .deserialize_str(Unescape(unescaped))
        .map_err(|source| Fault::BrokenEscape {
            at: range.start,
            source,
        })?;
    Ok(JsonCell::Unescaped(start..unescaped.len()))
}

/// Appends the text of a string.
struct Unescape<'a>(&'a mut String);

impl Visitor<'_> for Unescape<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }
}

/// Collects the members of one object.
struct Members<'a, 'line> {
    record: &'a mut JsonRecord,
    line: &'line str,
    header: &'a mut Arc<Header>,
    fault: &'a mut Option<Fault>,
}

impl<'line> DeserializeSeed<'line> for Members<'_, 'line> {
    type Value = ();

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'line> Visitor<'line> for Members<'_, 'line> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            let value: &'line str = map.next_value::<&RawValue>()?.get();
            // The value is part of the line, so the difference of their addresses is its offset.
            let start = value.as_ptr().addr() - self.line.as_ptr().addr();
            if let Err(fault) = self
                .record
                .add(&key, start..start + value.len(), self.header)
            {
                *self.fault = Some(fault);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// A key, borrowed from the line unless it is written with escapes.
struct Key;

impl<'line> DeserializeSeed<'line> for Key {
    type Value = Cow<'line, str>;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'line> Visitor<'line> for Key {
    type Value = Cow<'line, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'line str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
