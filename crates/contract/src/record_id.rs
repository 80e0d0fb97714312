//! Record ids, which are unique in a run and identify the row.
//!
//! `record_<row>` for a data set of one table, `<split>-record_<row>` for a table of a training
//! data set; `<row>` is the 0-based row of the table. An id has at most 64 of `[A-Za-z0-9_-]`,
//! which is the narrowest reading of the page "Format and upload your batch inference data".

use std::fmt::Write;

/// Writes and reads the record ids of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordIds {
    prefix: String,
}

impl RecordIds {
    /// Creates the ids of the table named `split`, or of a single table.
    pub fn new(split: Option<&str>) -> Self {
        Self {
            prefix: split.map_or_else(|| "record_".to_owned(), |name| format!("{name}-record_")),
        }
    }

    /// Appends the id of `row` to `out`.
    pub fn write(&self, row: u64, out: &mut String) {
        out.push_str(&self.prefix);
        let _ = write!(out, "{row}");
    }

    /// Returns the id of `row`.
    pub fn id(&self, row: u64) -> String {
        let mut out = String::with_capacity(self.prefix.len() + 10);
        self.write(row, &mut out);
        out
    }

    /// Returns the row of an id. `None` if the id does not belong to this table or is not in
    /// exactly the form in which it is written.
    pub fn row(&self, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(self.prefix.as_str())?;
        let canonical = digits == "0" || !digits.starts_with('0');
        if !canonical || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_row_and_only_in_its_written_form() {
        let ids = RecordIds::new(None);
        assert_eq!(ids.id(0), "record_0");
        assert_eq!(ids.row("record_41"), Some(41));
        for other in [
            "record_",
            "record_041",
            "record_-1",
            "record_+1",
            "train-record_1",
            "record_1x",
            "1",
            "",
        ] {
            assert_eq!(ids.row(other), None, "{other}");
        }
        let split = RecordIds::new(Some("train"));
        assert_eq!(split.id(7), "train-record_7");
        assert_eq!(split.row("train-record_7"), Some(7));
        assert_eq!(split.row("record_7"), None);
    }
}
