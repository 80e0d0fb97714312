//! What the note of Arrow's writers says of a column that Parquet does not say, for a table of several files.

use crate::arrow_note::{NotedColumns, item_of, leaves};
use arrow_schema::{DataType, Field, FieldRef};
use std::sync::Arc;

/// The key under which Polars keeps the values of an enumeration, without its version.
const ENUM_KEY: &str = "_PL_ENUM_VALUES";

/// The key under which Polars keeps the name of a set of categories.
const CATEGORIES_KEY: &str = "_PL_CATEGORICAL2";

/// The keys of an extension type begin like this.
const EXTENSION_KEY: &str = "ARROW:extension:";

/// Extension types that Parquet has too.
const KNOWN_EXTENSIONS: [&str; 2] = ["arrow.json", "arrow.uuid"];

/// What a part of a column says, with the number of the leaf at which the part begins and its depth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    leaf: usize,
    depth: usize,
    pub(crate) text: String,
}

/// Returns what the type of a column says that Parquet does not: two files with the same declaration have other
/// values if it differs.
///
/// Units of timestamps that Parquet has too, and the widths of indices and offsets, are not among it.
pub(crate) fn meanings(columns: &NotedColumns, index: usize) -> Vec<Meaning> {
    let mut walk = MeaningWalk {
        plain: leaves(columns.plain(index).data_type()),
        leaf: 0,
        found: Vec::new(),
    };
    walk.pass(columns.field(index), 0);
    walk.found
}

struct MeaningWalk {
    plain: Vec<DataType>,
    leaf: usize,
    found: Vec<Meaning>,
}

impl MeaningWalk {
    fn add(&mut self, depth: usize, text: String) {
        let leaf = self.leaf;
        self.found.push(Meaning { leaf, depth, text });
    }

    fn pass(&mut self, field: &Field, depth: usize) {
        for text in metadata(field) {
            self.add(depth, text);
        }
        if let DataType::FixedSizeList(_, length) = field.data_type() {
            self.add(depth, format!("lists of {length}"));
        }
        if let Some(item) = item_of(field.data_type()) {
            return self.pass(item, depth + 1);
        }
        match field.data_type() {
            DataType::Struct(members) => {
                for member in members {
                    self.pass(member, depth + 1);
                }
            }
            DataType::Dictionary(_, value) => self.pass_leaf(value, depth),
            leaf => self.pass_leaf(leaf, depth),
        }
    }

    fn pass_leaf(&mut self, noted: &DataType, depth: usize) {
        let plain = self.plain.get(self.leaf);
        let is_number = plain.is_some_and(DataType::is_integer);
        let has_no_zone = matches!(plain, Some(DataType::Timestamp(_, None)));
        let text = match noted {
            DataType::Timestamp(unit, zone) if is_number => {
                let zoned = if zone.is_some() { " with a zone" } else { "" };
                Some(format!("Timestamp({unit}){zoned}"))
            }
            DataType::Timestamp(_, Some(_)) if has_no_zone => Some("a zone".to_owned()),
            other if is_number && other.is_temporal() => Some(other.to_string()),
            _ => None,
        };
        if let Some(text) = text {
            self.add(depth, text);
        }
        self.leaf += 1;
    }
}

/// Returns the metadata of a field that say what its values are, in one order.
fn metadata(field: &Field) -> Vec<String> {
    let extension = field.extension_type_name().unwrap_or_default();
    let is_known = KNOWN_EXTENSIONS.contains(&extension);
    let pairs = field.metadata().iter().filter(|(key, value)| {
        let is_extension = key.starts_with(EXTENSION_KEY) && !is_known;
        let is_category = key.starts_with(ENUM_KEY) || *key == CATEGORIES_KEY;
        (is_extension || is_category) && !value.is_empty()
    });
    let mut texts: Vec<String> = pairs.map(|(key, value)| format!("{key} {value}")).collect();
    texts.sort_unstable();
    texts
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
