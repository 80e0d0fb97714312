//! The rows of a result in a text format, one by one.

use super::TableAt;
use crate::failure::Failure;
use crate::local_table::TextFile;
use quarry_result::columns::{FAILED, STATUS};
use quarry_rows::header_of;
use quarry_table::{Dialect, Format, Newline, OwnColumns, RowDecoder};

/// The rows of a result, of which the current one is in memory.
pub(super) struct ResultLines<'a> {
    at: TableAt<'a>,
    dialect: Dialect,
    text: TextFile,
    decoder: RowDecoder,
    ended: bool,
    own: OwnColumns,
    is_checked: bool,
    pub(super) line: ResultLine,
}

/// A row of a result.
#[derive(Default)]
pub(super) struct ResultLine {
    /// The row, counted from 0.
    pub(super) number: u64,
    /// The row, without its line ending.
    pub(super) raw: Vec<u8>,
    /// What the input had of it.
    pub(super) own: Vec<u8>,
    pub(super) end: Newline,
    pub(super) has_failed: bool,
    pub(super) is_valid: bool,
}

impl<'a> ResultLines<'a> {
    pub(super) fn open(at: TableAt<'a>, dialect: Dialect) -> Result<Self, Failure> {
        let text = TextFile::open(at.file, at.table.gzip).map_err(|error| at.unread(&error))?;
        let mut decoder = RowDecoder::start(dialect, at.name());
        let shown = [STATUS, "validation_passed"].map(|name| at.columns.status_column(name));
        decoder.project(&shown.into_iter().flatten().cloned().collect::<Vec<_>>());
        Ok(Self {
            own: OwnColumns::before(dialect, at.columns.names()),
            at,
            dialect,
            text,
            decoder,
            ended: false,
            is_checked: false,
            line: ResultLine::default(),
        })
    }

    /// Reads the next row. Returns `false` if there is none.
    pub(super) fn advance(&mut self) -> Result<bool, Failure> {
        loop {
            let next = self.decoder.next_row();
            if let Some(row) = next.map_err(|error| self.at.unread(&error))? {
                let line = &mut self.line;
                line.number = row.number();
                line.raw.clear();
                line.raw.extend_from_slice(row.raw());
                line.own.clear();
                line.end = row.newline().unwrap_or_default();
                line.has_failed = row.cell(0).text() == Some(FAILED);
                let valid = row.cell(1).text();
                line.is_valid = valid.is_some_and(|text| text.eq_ignore_ascii_case("true"));
                if !self.own.row(&row, &mut line.own) {
                    return Err(self.other_columns());
                }
                break;
            }
            if self.ended {
                return Ok(false);
            }
            let fed = self.text.feed(&mut self.decoder);
            self.ended = !fed.map_err(|error| self.at.unread(&error))?;
        }
        if !self.is_checked {
            self.check_header()?;
            self.is_checked = true;
        }
        Ok(true)
    }

    /// Refuses a table whose columns are not those of its plan.
    fn check_header(&mut self) -> Result<(), Failure> {
        if self.dialect.format == Format::JsonLines {
            return Ok(());
        }
        let found = self.decoder.header();
        let own = found.and_then(|header| self.own.header(header));
        match own {
            Some(own) if own.raw == header_of(self.at.table).raw => Ok(()),
            _ => Err(self.other_columns()),
        }
    }

    fn other_columns(&self) -> Failure {
        self.at.unread(&format!(
            "row {} does not have the columns of the run's plan; another program changed the table, or a later run \
             replaced it",
            self.line.number
        ))
    }
}
