//! Which columns of a result table are the input's, and which are the result's.

use crate::error::ComparisonError;
use quarry_result::columns::STATUS_COLUMNS;

/// The columns of a result table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumns {
    /// What the names of the result columns begin with.
    pub prefix: String,
    /// The input's columns. A column without a name is left out, because it cannot be named.
    pub input: Vec<String>,
    /// The properties of the answers, without the prefix.
    pub properties: Vec<String>,
}

impl TableColumns {
    /// Recognises the columns of a result table by its six status columns, whose names and order are
    /// always the same. The columns directly before them that have the same prefix are properties. If
    /// `chosen` has names, without prefix, the other properties are left out.
    ///
    /// An empty prefix does not tell properties from input columns. The chosen names are then all
    /// properties, and there must be some.
    pub fn of(columns: &[String], chosen: &[String]) -> Result<Self, ComparisonError> {
        let (first, prefix) = status_columns(columns).ok_or(ComparisonError::NoResult)?;
        if prefix.is_empty() && chosen.is_empty() {
            return Err(ComparisonError::NoPrefix);
        }
        let is_chosen = |property: &str| chosen.iter().any(|name| name == property);
        let is_result = |column: &&String| match column.strip_prefix(prefix) {
            Some(property) => !prefix.is_empty() || is_chosen(property),
            None => false,
        };
        let results = columns[..first].iter().rev().take_while(is_result);
        let first_result = first - results.count();
        let after = first + STATUS_COLUMNS.len();
        let input = columns[..first_result].iter().chain(&columns[after..]);
        let properties = columns[first_result..first]
            .iter()
            .map(|column| column[prefix.len()..].to_owned());
        let properties: Vec<String> = properties
            .filter(|property| chosen.is_empty() || is_chosen(property))
            .collect();
        match chosen.iter().find(|name| !properties.contains(name)) {
            Some(name) => Err(ComparisonError::NoProperty(format!("{prefix}{name}"))),
            None => Ok(Self {
                prefix: prefix.to_owned(),
                input: input.filter(|column| !column.is_empty()).cloned().collect(),
                properties,
            }),
        }
    }

    /// Returns the name of a result column.
    pub fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Returns the index of the first status column, and the prefix.
fn status_columns(columns: &[String]) -> Option<(usize, &str)> {
    let windows = columns.windows(STATUS_COLUMNS.len()).enumerate();
    // A result may itself be the input of a later run. The columns of the later run come last.
    windows.rev().find_map(|(at, window)| {
        let prefix = window[0].strip_suffix(STATUS_COLUMNS[0])?;
        let mut named = window.iter().zip(STATUS_COLUMNS);
        named
            .all(|(column, name)| column.strip_prefix(prefix) == Some(name))
            .then_some((at, prefix))
    })
}
