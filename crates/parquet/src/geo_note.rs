//! The note of `GeoParquet` (<https://geoparquet.org>), which says in which system of coordinates the columns of a
//! file are, and what bounds they have.

use parquet::file::metadata::KeyValue;
use serde_json::Value;

const GEO_KEY: &str = "geo";

/// Returns what the notes say of the columns of all files of a table: everything but the bounds of one file.
pub(crate) fn without_bounds(notes: &[KeyValue]) -> Option<Value> {
    let note = notes.iter().find(|note| note.key == GEO_KEY)?;
    let mut geo: Value = serde_json::from_str(note.value.as_deref()?).ok()?;
    if let Some(columns) = geo.get_mut("columns").and_then(Value::as_object_mut) {
        for column in columns.values_mut().filter_map(Value::as_object_mut) {
            column.remove("bbox");
        }
    }
    Some(geo)
}

/// Puts such a note in the place of that of the first file.
pub(crate) fn replace(notes: &mut [KeyValue], geo: &Value) {
    for note in notes.iter_mut().filter(|note| note.key == GEO_KEY) {
        note.value = Some(geo.to_string());
    }
}
