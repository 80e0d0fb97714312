//! The result columns: their names, their order, and a row's cells.

use crate::outcome::Outcome;
use quarry_answer::FieldValue;
use quarry_table::quote;
use quarry_table::{Dialect, Header, ResultCell, RowEncoder, UnreadableHeader};
use std::fmt;

/// The columns after the schema's properties, in order, without prefix.
pub const STATUS_COLUMNS: [&str; 6] = [
    "parse_status",
    "validation_passed",
    STATUS,
    "error",
    "raw_response",
    "validation_error",
];

/// The column that says whether a model answered, without prefix.
pub const STATUS: &str = "status";

/// What [`STATUS`] says of a row that failed: no model answered. Such rows are the summary's
/// `failed_records`.
pub const FAILED: &str = "error";

/// What [`STATUS`] says of every other row.
const ANSWERED: &str = "success";

/// The only property of a run without a schema.
pub const RESPONSE: &str = "response";

/// The result columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumns {
    names: Vec<String>,
    properties: Vec<String>,
}

/// Why column names conflict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// A schema property has the name of a status column.
    #[error(
        "the schema property `{property}` would give a second result column `{column}`; rename the property"
    )]
    Reserved {
        /// The property.
        property: String,
        /// The column.
        column: String,
    },
    /// An input column has the name of a result column.
    #[error(
        "the input has a column `{0}`, which is also a result column; rename it, set another \
         BEDROCK_OUTPUT_COLUMN_PREFIX, or set BEDROCK_REPLACE_COLUMNS=true to let the result replace it"
    )]
    Taken(String),
    /// The name of a result column has a character that is not text.
    #[error(
        "the result column {} has the character U+{:04X}, which is not text, so the result could not be read; \
         rename {from}",
        quote::name(column),
        u32::from(*character)
    )]
    NotText {
        /// The column.
        column: String,
        /// The character.
        character: char,
        /// What its name comes from.
        from: NameOrigin,
    },
    /// Two columns of the result would have the same name.
    #[error(
        "the result would have two columns {}, because separators and line breaks in names cannot be quoted with \
         BEDROCK_CSV_QUOTING=none: {first} and {second}; rename one of them, or set another BEDROCK_CSV_QUOTING",
        quote::name(column)
    )]
    SameName {
        /// The name.
        column: String,
        /// What the name of the first one comes from.
        first: NameOrigin,
        /// What the name of the second one comes from.
        second: NameOrigin,
    },
    /// The header of the result is longer than what is read.
    #[error(
        "the names of the columns of the result take more than {} bytes, so the result could not be read; shorten the \
         names of the schema's properties",
        quarry_table::MAX_HEADER_BYTES
    )]
    TooLong,
}

/// What the name of a column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameOrigin {
    /// A column of the input.
    Input(String),
    /// A property of the schema.
    Property(String),
    /// The prefix, `BEDROCK_OUTPUT_COLUMN_PREFIX`.
    Prefix(String),
}

impl fmt::Display for NameOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(out, "the input column {}", quote::name(name)),
            Self::Property(name) => write!(out, "the schema property {}", quote::name(name)),
            Self::Prefix(name) => write!(
                out,
                "the prefix {} of BEDROCK_OUTPUT_COLUMN_PREFIX",
                quote::name(name)
            ),
        }
    }
}

impl ResultColumns {
    /// Returns the columns for the schema's `properties` in order, or for a run without a schema.
    pub fn new(properties: Option<&[String]>, prefix: &str) -> Result<Self, ColumnsError> {
        let response = [RESPONSE.to_owned()];
        let properties = properties.unwrap_or(&response);
        if let Some(property) = properties
            .iter()
            .find(|name| STATUS_COLUMNS.contains(&name.as_str()))
        {
            return Err(ColumnsError::Reserved {
                property: property.clone(),
                column: format!("{prefix}{property}"),
            });
        }
        let names = properties
            .iter()
            .map(String::as_str)
            .chain(STATUS_COLUMNS)
            .map(|name| format!("{prefix}{name}"))
            .collect();
        Ok(Self {
            names,
            properties: properties.to_vec(),
        })
    }

    /// The names, with prefix, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The schema's properties, without prefix, which come first among the names; without a schema
    /// [`RESPONSE`].
    pub fn properties(&self) -> &[String] {
        &self.properties
    }

    /// Returns the name, with prefix, of one of the [`STATUS_COLUMNS`].
    pub fn status_column(&self, name: &str) -> Option<&String> {
        let place = STATUS_COLUMNS.iter().position(|column| *column == name)?;
        self.names.get(self.properties.len() + place)
    }

    /// Returns the indices of the input columns that the result replaces, or an error if it may not
    /// replace them.
    pub fn replaced(&self, input: &[String], allowed: bool) -> Result<Vec<usize>, ColumnsError> {
        let taken: Vec<usize> = (0..input.len())
            .filter(|i| self.names.contains(&input[*i]))
            .collect();
        match taken.first() {
            Some(first) if !allowed => Err(ColumnsError::Taken(input[*first].clone())),
            _ => Ok(taken),
        }
    }
}

impl ResultColumns {
    /// Refuses columns with which the header of a result could not be read again as that of a table.
    /// `header` is that of the input, whose columns `replaced` are left out.
    ///
    /// # Errors
    ///
    /// [`ColumnsError::NotText`], [`ColumnsError::SameName`] or [`ColumnsError::TooLong`].
    pub fn check_header(
        &self,
        dialect: Dialect,
        header: &Header,
        replaced: &[usize],
    ) -> Result<(), ColumnsError> {
        let kept: Vec<&String> = header
            .columns
            .iter()
            .enumerate()
            .filter(|(index, _)| !replaced.contains(index))
            .map(|(_, name)| name)
            .collect();
        let name = |column: usize| match column.checked_sub(kept.len()) {
            None => kept[column].clone(),
            Some(result) => self.names.get(result).cloned().unwrap_or_default(),
        };
        let origin = |column: usize| match column.checked_sub(kept.len()) {
            None => NameOrigin::Input(kept[column].clone()),
            Some(result) => self.origin(result),
        };
        match RowEncoder::new(dialect, header, &self.names, replaced).unreadable_header() {
            None => Ok(()),
            Some(UnreadableHeader::NotText { column, character }) => Err(ColumnsError::NotText {
                column: name(column),
                character,
                from: match origin(column) {
                    NameOrigin::Property(property) if !property.contains(character) => {
                        NameOrigin::Prefix(self.prefix())
                    }
                    other => other,
                },
            }),
            Some(UnreadableHeader::SameName { first, second }) => Err(ColumnsError::SameName {
                column: name(second),
                first: origin(first),
                second: origin(second),
            }),
            Some(UnreadableHeader::TooLong) => Err(ColumnsError::TooLong),
        }
    }

    /// Returns what the name of a result column comes from.
    fn origin(&self, result: usize) -> NameOrigin {
        match self.properties.get(result) {
            Some(property) => NameOrigin::Property(property.clone()),
            None => NameOrigin::Prefix(self.prefix()),
        }
    }

    fn prefix(&self) -> String {
        let parts = self.names.first().zip(self.properties.first());
        let prefix = parts.and_then(|(name, property)| name.strip_suffix(property.as_str()));
        prefix.unwrap_or_default().to_owned()
    }
}

/// A row's cells, reused from row to row.
#[derive(Debug, Default)]
pub struct ResultCells {
    /// The texts of the numbers, one for each property.
    numbers: Vec<String>,
}

impl ResultCells {
    /// Returns the cells of `outcome` under `columns`, in order.
    pub fn of<'a>(
        &'a mut self,
        columns: &ResultColumns,
        outcome: &'a Outcome,
    ) -> Vec<ResultCell<'a>> {
        let field = |i: usize| outcome.fields.get(i).unwrap_or(&FieldValue::Null);
        let count = columns.properties.len();
        self.numbers.resize_with(count, String::new);
        for (i, text) in self.numbers.iter_mut().enumerate() {
            text.clear();
            if let number @ (FieldValue::Integer(_) | FieldValue::Number(_)) = field(i) {
                number.write_json(text);
            }
        }
        let mut cells = Vec::with_capacity(columns.names.len());
        cells.extend(
            self.numbers
                .iter()
                .enumerate()
                .map(|(i, number)| match field(i) {
                    FieldValue::Null => ResultCell::Null,
                    FieldValue::Bool(flag) => ResultCell::Bool(*flag),
                    FieldValue::Text(text) => ResultCell::Text(text),
                    FieldValue::Json(json) | FieldValue::BigInteger(json) => ResultCell::Json(json),
                    FieldValue::Integer(_) | FieldValue::Number(_) => ResultCell::Json(number),
                }),
        );
        let text =
            |value: &'a Option<String>| value.as_deref().map_or(ResultCell::Null, ResultCell::Text);
        cells.extend([
            ResultCell::Text(outcome.parse_status.as_str()),
            ResultCell::Bool(outcome.validation_passed),
            ResultCell::Text(if outcome.answered { ANSWERED } else { FAILED }),
            text(&outcome.error),
            text(&outcome.raw_response),
            text(&outcome.validation_error),
        ]);
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_table::{Format, Quoting};

    #[test]
    fn columns_are_the_properties_in_order_then_always_the_six() {
        let columns = ResultColumns::new(Some(&["b".into(), "a".into()]), "llm_").unwrap();
        assert_eq!(
            columns.names(),
            [
                "llm_b",
                "llm_a",
                "llm_parse_status",
                "llm_validation_passed",
                "llm_status",
                "llm_error",
                "llm_raw_response",
                "llm_validation_error"
            ]
        );
        assert_eq!(columns.status_column(STATUS).unwrap(), "llm_status");
        assert_eq!(columns.status_column("a"), None);
        assert_eq!(ResultColumns::new(None, "").unwrap().names()[0], "response");
    }

    #[test]
    fn a_property_named_as_a_status_column_is_refused() {
        let error = ResultColumns::new(Some(&["status".into()]), "x_").unwrap_err();
        assert!(error.to_string().contains("`status`") && error.to_string().contains("`x_status`"));
    }

    #[test]
    fn a_header_that_could_not_be_read_again_is_refused() {
        let input = |names: &[&str]| Header {
            columns: names.iter().map(|name| (*name).to_owned()).collect(),
            raw: names.join(","),
            ..Header::default()
        };
        let dialect = |quoting| Dialect {
            format: Format::Csv,
            quoting,
        };
        let check = |properties: &[&str], prefix: &str, quoting, header: &Header| {
            let properties: Vec<String> = properties.iter().map(|one| (*one).to_owned()).collect();
            let columns = ResultColumns::new(Some(&properties), prefix).unwrap();
            let checked = columns.check_header(dialect(quoting), header, &[]);
            checked.map_err(|error| error.to_string())
        };
        let plain = input(&["text"]);
        let all = [Quoting::Standard, Quoting::Backslash, Quoting::None];
        for quoting in all {
            assert_eq!(check(&["a", "b\n"], "llm_", quoting, &plain), Ok(()));
            for (property, character) in [
                ("a\0b", "U+0000"),
                ("\u{1b}[1m", "U+001B"),
                ("\u{7f}", "U+007F"),
            ] {
                let error = check(&["x", property], "llm_", quoting, &plain).unwrap_err();
                let named = format!("rename the schema property {property:?}");
                assert!(
                    error.contains(character) && error.ends_with(&named),
                    "{error}"
                );
            }
            let error = check(&["x"], "\u{feff}p_", quoting, &plain).unwrap_err();
            assert!(error.contains("U+FEFF"), "{error}");
            assert!(error.contains("BEDROCK_OUTPUT_COLUMN_PREFIX"), "{error}");
            let long = "x".repeat(1 << 20);
            let error = check(&[&long], "llm_", quoting, &plain).unwrap_err();
            assert!(error.contains("1048576 bytes"), "{error}");
        }
        let twins = ["a,b", "a b"];
        for quoting in [Quoting::Standard, Quoting::Backslash] {
            assert_eq!(check(&twins, "llm_", quoting, &plain), Ok(()));
        }
        let error = check(&twins, "llm_", Quoting::None, &plain).unwrap_err();
        assert!(
            error.contains("the schema property \"a,b\" and the schema property \"a b\""),
            "{error}"
        );
        let error = check(&["a\nb"], "", Quoting::None, &input(&["a\\nb"])).unwrap_err();
        assert!(error.contains("the input column \"a\\\\nb\""), "{error}");
    }

    #[test]
    fn an_input_column_is_replaced_only_when_that_is_allowed() {
        let columns = ResultColumns::new(Some(&["a".into()]), "llm_").unwrap();
        let input = ["id".to_owned(), "llm_a".to_owned(), "llm_status".to_owned()];
        assert_eq!(columns.replaced(&input, true).unwrap(), [1, 2]);
        assert!(
            columns
                .replaced(&input, false)
                .unwrap_err()
                .to_string()
                .contains("`llm_a`")
        );
        assert!(columns.replaced(&input[..1], false).unwrap().is_empty());
    }
}
