//! Builds the arrays of result columns, value by value.

use crate::result_kind::{ResultKind, item_field, member_fields};
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{Array, ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use quarry_table::ResultCell;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A growing array of one result type.
pub(crate) enum ResultArray {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Boolean(BooleanBuilder),
    List {
        kind: ResultKind,
        items: Box<ResultArray>,
        ends: Vec<i32>,
        validity: NullBufferBuilder,
    },
    Struct {
        kinds: Vec<(String, ResultKind)>,
        members: Vec<ResultArray>,
        validity: NullBufferBuilder,
    },
}

/// Whether a value had the column's type. If it had not, the value or a part of it is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fit {
    Whole,
    Lost,
}

impl Fit {
    fn when(fits: bool) -> Self {
        if fits { Self::Whole } else { Self::Lost }
    }

    fn and(self, other: Self) -> Self {
        if self == Self::Lost { self } else { other }
    }
}

impl ResultArray {
    pub(crate) fn new(kind: &ResultKind) -> Self {
        match kind {
            ResultKind::Text => Self::Text(StringBuilder::new()),
            ResultKind::Integer => Self::Integer(Int64Builder::new()),
            ResultKind::Number => Self::Number(Float64Builder::new()),
            ResultKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            ResultKind::List(item) => Self::List {
                kind: ResultKind::clone(item),
                items: Box::new(Self::new(item)),
                ends: Vec::new(),
                validity: NullBufferBuilder::new(0),
            },
            ResultKind::Struct(members) => Self::Struct {
                members: members.iter().map(|(_, kind)| Self::new(kind)).collect(),
                kinds: members.clone(),
                validity: NullBufferBuilder::new(0),
            },
        }
    }

    /// Appends the value of one row.
    pub(crate) fn push(&mut self, cell: ResultCell<'_>) -> Fit {
        match (&mut *self, cell) {
            (_, ResultCell::Null) => {
                self.push_null();
                Fit::Whole
            }
            (Self::Text(builder), ResultCell::Text(text)) => {
                builder.append_value(text);
                Fit::Whole
            }
            (_, ResultCell::Text(_)) => {
                self.push_null();
                Fit::Lost
            }
            (_, ResultCell::Bool(flag)) => self.push_json(if flag { "true" } else { "false" }),
            (_, ResultCell::Json(json)) => self.push_json(json),
        }
    }

    fn push_null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Number(builder) => builder.append_null(),
            Self::Boolean(builder) => builder.append_null(),
            Self::List {
                items,
                ends,
                validity,
                ..
            } => {
                ends.push(end(items));
                validity.append_null();
            }
            Self::Struct {
                members, validity, ..
            } => {
                members.iter_mut().for_each(Self::push_null);
                validity.append_null();
            }
        }
    }

    /// Appends a value given as JSON text.
    fn push_json(&mut self, json: &str) -> Fit {
        if json == "null" {
            self.push_null();
            return Fit::Whole;
        }
        match self {
            Self::Text(builder) => {
                if json.starts_with('"')
                    && let Ok(text) = serde_json::from_str::<Cow<'_, str>>(json)
                {
                    builder.append_value(text);
                } else {
                    builder.append_value(json);
                }
                Fit::Whole
            }
            Self::Integer(builder) => {
                let value = json.parse::<i64>().ok();
                builder.append_option(value);
                Fit::when(value.is_some())
            }
            Self::Number(builder) => {
                let value = serde_json::from_str::<f64>(json).ok();
                builder.append_option(value);
                Fit::when(value.is_some())
            }
            Self::Boolean(builder) => {
                let value = match json {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                };
                builder.append_option(value);
                Fit::when(value.is_some())
            }
            Self::List { .. } => self.push_list(json),
            Self::Struct { .. } => self.push_members(json),
        }
    }

    fn push_list(&mut self, json: &str) -> Fit {
        let values: Option<Vec<&RawValue>> = serde_json::from_str(json).ok();
        let (
            Some(values),
            Self::List {
                items,
                ends,
                validity,
                ..
            },
        ) = (values, &mut *self)
        else {
            self.push_null();
            return Fit::Lost;
        };
        let fit = values.iter().fold(Fit::Whole, |fit, value| {
            fit.and(items.push_json(value.get()))
        });
        ends.push(end(items));
        validity.append_non_null();
        fit
    }

    fn push_members(&mut self, json: &str) -> Fit {
        let values: Option<HashMap<Cow<'_, str>, &RawValue>> = serde_json::from_str(json).ok();
        let (
            Some(values),
            Self::Struct {
                kinds,
                members,
                validity,
            },
        ) = (values, &mut *self)
        else {
            self.push_null();
            return Fit::Lost;
        };
        let mut found = 0;
        let mut fit = Fit::Whole;
        for ((name, _), member) in kinds.iter().zip(members) {
            if let Some(value) = values.get(name.as_str()) {
                found += 1;
                fit = fit.and(member.push_json(value.get()));
            } else {
                member.push_null();
            }
        }
        validity.append_non_null();
        fit.and(Fit::when(found == values.len()))
    }

    /// The approximate number of bytes of the values.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(builder) => builder.values_slice().len(),
            Self::Integer(builder) => builder.values_slice().len() * 8,
            Self::Number(builder) => builder.values_slice().len() * 8,
            Self::Boolean(_) => 0,
            Self::List { items, ends, .. } => items.size() + ends.len() * 4,
            Self::Struct { members, .. } => members.iter().map(Self::size).sum(),
        }
    }

    fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder;
        match self {
            Self::Text(builder) => builder.len(),
            Self::Integer(builder) => builder.len(),
            Self::Number(builder) => builder.len(),
            Self::Boolean(builder) => builder.len(),
            Self::List { ends, .. } => ends.len(),
            Self::Struct { validity, .. } => validity.len(),
        }
    }

    /// Returns the array so far and begins a new one.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::List {
                kind,
                items,
                ends,
                validity,
            } => {
                let offsets: ScalarBuffer<i32> = std::iter::once(0).chain(ends.drain(..)).collect();
                let items = items.finish()?;
                if i32::try_from(items.len()).is_err() {
                    return Err(ArrowError::OffsetOverflowError(items.len()));
                }
                Arc::new(ListArray::try_new(
                    item_field(kind),
                    OffsetBuffer::new(offsets),
                    items,
                    validity.finish(),
                )?)
            }
            Self::Struct {
                kinds,
                members,
                validity,
            } => {
                let length = validity.len();
                let members = members
                    .iter_mut()
                    .map(Self::finish)
                    .collect::<Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new_with_length(
                    member_fields(kinds),
                    members,
                    validity.finish(),
                    length,
                )?)
            }
        })
    }
}

/// Returns the end offset of a list after its last item. It is checked when the array is finished.
fn end(items: &ResultArray) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Kind, Leaf};
    use crate::value::Values;

    fn integers() -> ResultKind {
        ResultKind::List(Box::new(ResultKind::Integer))
    }

    #[test]
    fn values_have_the_column_s_type_or_are_null_and_counted() {
        let mut array = ResultArray::new(&ResultKind::Integer);
        for (cell, fit) in [
            (ResultCell::Json("9223372036854775807"), Fit::Whole),
            (ResultCell::Null, Fit::Whole),
            (ResultCell::Json("9223372036854775808"), Fit::Lost),
            (ResultCell::Json("1.0"), Fit::Lost),
            (ResultCell::Text("1"), Fit::Lost),
            (ResultCell::Bool(true), Fit::Lost),
        ] {
            assert_eq!(array.push(cell), fit, "{cell:?}");
        }
        assert_eq!(array.finish().unwrap().null_count(), 5);

        let mut array = ResultArray::new(&ResultKind::Number);
        for cell in ["1", "0.1", "-1e3", "123456789012345678901234567890"] {
            assert_eq!(array.push(ResultCell::Json(cell)), Fit::Whole);
        }
        assert_eq!(array.push(ResultCell::Json("[1]")), Fit::Lost);
    }

    #[test]
    fn a_text_column_accepts_every_value() {
        let mut array = ResultArray::new(&ResultKind::Text);
        let big = "123456789012345678901234567890";
        for cell in [
            ResultCell::Text("\"as it is\""),
            ResultCell::Bool(false),
            ResultCell::Json("{\"a\":[1]}"),
            ResultCell::Json(big),
        ] {
            assert_eq!(array.push(cell), Fit::Whole);
        }
        let found = array.finish().unwrap();
        let texts = arrow_array::cast::as_string_array(&found);
        let texts: Vec<_> = texts.iter().flatten().collect();
        assert_eq!(texts, ["\"as it is\"", "false", "{\"a\":[1]}", big]);
    }

    #[test]
    fn nested_values_keep_what_fits() {
        let kind = ResultKind::Struct(vec![
            ("n".into(), integers()),
            ("t".into(), ResultKind::Text),
        ]);
        let mut array = ResultArray::new(&kind);
        for (json, fit) in [
            (r#"{"n":[1,null,3],"t":"x"}"#, Fit::Whole),
            (r#"{"t":{"deep":[1, 2]}}"#, Fit::Whole),
            (r#"{"n":[],"t":null}"#, Fit::Whole),
            (r#"{"n":["x",2],"t":"\u00e9"}"#, Fit::Lost),
            (r#"{"n":[1],"other":0}"#, Fit::Lost),
            ("[1]", Fit::Lost),
            ("null", Fit::Whole),
        ] {
            assert_eq!(array.push(ResultCell::Json(json)), fit, "{json}");
        }
        let found = array.finish().unwrap();
        let leaf = |leaf| Kind::Leaf(leaf);
        let shape = Kind::Struct(vec![
            ("n".into(), Kind::List(Box::new(leaf(Leaf::Plain)))),
            ("t".into(), leaf(Leaf::Plain)),
        ]);
        assert!(
            Values::new(&shape, &found).is_err(),
            "text is decoded as bytes"
        );
        let rows = found.as_any().downcast_ref::<StructArray>().unwrap();
        assert_eq!(rows.null_count(), 2);
        let lists = rows.column(0).as_any().downcast_ref::<ListArray>().unwrap();
        assert_eq!(lists.value_offsets(), [0, 3, 3, 3, 5, 6, 6, 6]);
        let texts: Vec<_> = arrow_array::cast::as_string_array(rows.column(1))
            .iter()
            .collect();
        assert_eq!(
            texts,
            [
                Some("x"),
                Some("{\"deep\":[1, 2]}"),
                None,
                Some("é"),
                None,
                None,
                None
            ]
        );
    }
}
