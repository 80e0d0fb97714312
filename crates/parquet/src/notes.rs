//! Adapts the notes that writers leave in a file about its columns to the columns of the result.
//!
//! * `ARROW:schema` (pyarrow, polars and others: zones, categories, widths that Parquet does not
//!   have) and Spark's row schema gain the new columns and lose the replaced ones. Spark does not
//!   read columns that its note lacks. Categories have wide indices and no order, because the values
//!   of all row groups and files come together.
//! * The note of pandas loses the replaced columns and any row index that is only a counter,
//!   because the result may have more or fewer rows. Columns that were an index stay one. New
//!   columns need no entry.
//! * Schemas of Avro, Protocol Buffers, Thrift and Iceberg are left out, because their readers
//!   would not see the new columns.
//! * All other notes are about the data as a whole and stay.
//!
//! A note that cannot be read is left out. `ARROW:schema` may contain notes too, which pyarrow
//! reads first; they are adapted in the same way.

use crate::arrow_note::NotedColumns;
use crate::noted_types::joined;
use crate::result_kind::{ResultColumn, ResultKind};
use arrow_schema::{Field, Schema};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::SchemaDescriptor;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const SPARK_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";
const PANDAS_KEY: &str = "pandas";

/// Keys, or beginnings of keys, of notes that describe all columns and cannot be adapted.
const LEFT_OUT: [&str; 8] = [
    "parquet.avro.",
    "avro.schema",
    "parquet.proto.",
    "thrift.",
    "iceberg.",
    "delta.",
    "hoodie",
    "com.twitter.elephantbird",
];

/// Returns the notes of a result whose original columns are `original`.
pub(crate) fn adapted(
    notes: &[KeyValue],
    original: &SchemaDescriptor,
    results: &[ResultColumn],
    replaced: &[&str],
) -> Vec<KeyValue> {
    notes
        .iter()
        .filter_map(|note| {
            if !is_readable(&note.key) {
                return None;
            }
            let value = match note.value.as_deref() {
                Some(_) if note.key == ARROW_SCHEMA_META_KEY => {
                    Some(arrow(original, note, results, replaced)?)
                }
                Some(text) => Some(adapted_text(&note.key, text, results, replaced)?),
                None if is_left_out(&note.key) => return None,
                None => None,
            };
            Some(KeyValue::new(note.key.clone(), value))
        })
        .collect()
}

fn is_left_out(key: &str) -> bool {
    LEFT_OUT.iter().any(|beginning| key.starts_with(beginning))
}

/// Whether a note is a text: the bytes of others are replaced by zeros when a footer is read.
fn is_readable(text: &str) -> bool {
    text.is_empty() || text.bytes().any(|byte| byte != 0)
}

/// Returns a note other than Arrow's, adapted to the columns of the result; `None` if it is left
/// out.
fn adapted_text(
    key: &str,
    text: &str,
    results: &[ResultColumn],
    replaced: &[&str],
) -> Option<String> {
    match key {
        SPARK_KEY => spark(text, results, replaced),
        PANDAS_KEY => pandas(text, replaced),
        _ => (!is_left_out(key) && is_readable(text)).then(|| text.to_owned()),
    }
}

fn arrow(
    original: &SchemaDescriptor,
    note: &KeyValue,
    results: &[ResultColumn],
    replaced: &[&str],
) -> Option<String> {
    let columns = NotedColumns::of(original, std::slice::from_ref(note))?;
    let schema = columns.noted()?;
    let inside = schema
        .metadata()
        .iter()
        .filter_map(|(key, text)| Some((key.clone(), adapted_text(key, text, results, replaced)?)));
    let inside: HashMap<String, String> = inside.collect();
    let mut fields: Vec<_> = schema
        .fields()
        .iter()
        .filter(|field| !replaced.contains(&field.name().as_str()))
        .map(joined)
        .collect();
    fields.extend(
        results
            .iter()
            .map(|column| Field::new(&column.name, column.kind.data_type(), true).into()),
    );
    Some(encode_arrow_schema(&Schema::new_with_metadata(
        fields, inside,
    )))
}

fn spark(text: &str, results: &[ResultColumn], replaced: &[&str]) -> Option<String> {
    let mut note: Value = serde_json::from_str(text).ok()?;
    let fields = note.get_mut("fields")?.as_array_mut()?;
    fields.retain(|field| !names(field, "name", replaced));
    fields.extend(
        results
            .iter()
            .map(|column| spark_field(&column.name, &column.kind)),
    );
    Some(note.to_string())
}

fn spark_field(name: &str, kind: &ResultKind) -> Value {
    json!({"name": name, "type": spark_type(kind), "nullable": true, "metadata": {}})
}

fn spark_type(kind: &ResultKind) -> Value {
    match kind {
        ResultKind::Text => json!("string"),
        ResultKind::Integer => json!("long"),
        ResultKind::Number => json!("double"),
        ResultKind::Boolean => json!("boolean"),
        ResultKind::List(item) => {
            json!({"type": "array", "elementType": spark_type(item), "containsNull": true})
        }
        ResultKind::Struct(members) => json!({
            "type": "struct",
            "fields": members
                .iter()
                .map(|(name, kind)| spark_field(name, kind))
                .collect::<Vec<_>>(),
        }),
    }
}

fn pandas(text: &str, replaced: &[&str]) -> Option<String> {
    let mut note: Map<String, Value> = serde_json::from_str(&without_special_floats(text)).ok()?;
    let index = note.get_mut("index_columns")?.as_array_mut()?;
    let loses_index = index
        .iter()
        .any(|column| column.as_str().is_some_and(|name| replaced.contains(&name)));
    if loses_index {
        return None;
    }
    // A counted index is an object with start, stop and step; the others are names of columns.
    index.retain(Value::is_string);
    note.get_mut("columns")?.as_array_mut()?.retain(|column| {
        !names(column, "field_name", replaced) && !names(column, "name", replaced)
    });
    serde_json::to_string(&note).ok()
}

/// Returns the JSON of Python with null in place of `NaN` and `Infinity`, which JSON does not have. They can only
/// be in what a user has attached to a table (`attrs`).
fn without_special_floats(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let (mut is_in_text, mut is_escaped) = (false, false);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter();
        let mut word = word.filter(|word| !is_in_text && rest.starts_with(word));
        if let Some(word) = word.next() {
            json.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        if next == '"' && !is_escaped {
            is_in_text = !is_in_text;
        }
        is_escaped = next == '\\' && !is_escaped;
        json.push(next);
        rest = &rest[next.len_utf8()..];
    }
    json
}

/// Whether the entry is about one of the columns.
fn names(entry: &Value, key: &str, columns: &[&str]) -> bool {
    entry
        .get(key)
        .and_then(Value::as_str)
        .is_some_and(|name| columns.contains(&name))
}
