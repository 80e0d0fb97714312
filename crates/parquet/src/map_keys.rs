//! Whether each key of a map is there.
//!
//! The format requires it, but a footer may declare keys that can be null, and the decoder then returns such keys as
//! they are. The encoder refuses them, when a result is written and everything is paid for.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// Refuses rows with a map that has a null as a key. Returns the reason.
pub(crate) fn check(record: &RecordBatch) -> Result<(), String> {
    if record.columns().iter().any(|array| lacks_keys(&**array)) {
        return Err("a map has a null as a key, which Parquet does not allow".to_owned());
    }
    Ok(())
}

/// Whether a map in the values, however deep, has a null as a key.
fn lacks_keys(array: &dyn Array) -> bool {
    match array.data_type() {
        DataType::Map(..) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
                return false;
            };
            let (Ok(first), Ok(last)) = (usize::try_from(*first), usize::try_from(*last)) else {
                return false;
            };
            let keys = map.keys().slice(first, last - first);
            keys.null_count() > 0 || lacks_keys(&*keys) || lacks_keys(&**map.values())
        }
        DataType::List(_) => lacks_keys(&**array.as_list::<i32>().values()),
        DataType::Struct(_) => {
            let members = array.as_struct().columns();
            members.iter().any(|member| lacks_keys(&**member))
        }
        // The decoder makes neither large lists nor views of lists, and no other type has others inside it.
        _ => false,
    }
}
