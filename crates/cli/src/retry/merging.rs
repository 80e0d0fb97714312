//! Two results become one: the first run's table, in its order, with the outcomes that the retry had for
//! the rows that had failed.
//!
//! Both tables are read once, side by side. The retry has the failed rows of the first table in the same
//! order, and what the input had of them is compared.

use super::TableAt;
use super::batches::{ROWS_ENCODED, ResultBatches, has_failed, is_valid};
use super::lines::{ResultLine, ResultLines};
use super::tally::MergedTally;
use crate::failure::Failure;
use flate2::Compression;
use flate2::write::GzEncoder;
use quarry_parquet::{FileError, PartWriter, TableLayout};
use quarry_rows::{TableFormat, format_of, header_of};
use quarry_table::{Dialect, RowEncoder};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes the merged table into a file, in the format of the first one. Without a second table, no row
/// of the first one was asked again.
pub(super) fn merge(
    first: TableAt<'_>,
    again: Option<TableAt<'_>>,
    into: &Path,
    tally: &mut MergedTally,
) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::run(format!(
            "{} cannot be written: {error}; free space, or choose another folder with --out",
            into.display()
        ))
    };
    let file = BufWriter::new(File::create(into).map_err(unwritable)?);
    let mut merger = Merger {
        first,
        tally,
        unwritable: &unwritable,
    };
    match format_of(first.table) {
        TableFormat::Text(dialect) if first.table.gzip => {
            let mut out = GzEncoder::new(file, Compression::default());
            merger.lines(again, dialect, &mut out)?;
            out.finish().and_then(|mut file| file.flush())
        }
        TableFormat::Text(dialect) => {
            let mut out = file;
            merger.lines(again, dialect, &mut out)?;
            out.flush()
        }
        TableFormat::Parquet => {
            let mut out = file;
            merger.batches(again, &mut out)?;
            out.flush()
        }
    }
    .map_err(unwritable)
}

struct Merger<'a> {
    first: TableAt<'a>,
    tally: &'a mut MergedTally,
    unwritable: &'a dyn Fn(std::io::Error) -> Failure,
}

impl Merger<'_> {
    fn lines(
        &mut self,
        again: Option<TableAt<'_>>,
        dialect: Dialect,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut header = Vec::new();
        let columns = self.first.columns.names();
        RowEncoder::new(dialect, &header_of(self.first.table), columns, &[])
            .header_line(&mut header);
        out.write_all(&header).map_err(self.unwritable)?;
        let mut lines = ResultLines::open(self.first, dialect)?;
        let mut newer = match again {
            Some(again) => Some((ResultLines::open(again, dialect)?, again)),
            None => None,
        };
        while lines.advance()? {
            let mut line: &ResultLine = &lines.line;
            if line.has_failed {
                let Some((newer, again)) = &mut newer else {
                    return Err(self.not_asked(line.number));
                };
                if !newer.advance()? || newer.line.own != line.own {
                    return Err(self.other_row(*again, line.number));
                }
                self.tally.note(newer.line.number, line.number);
                line = &newer.line;
            }
            self.tally.add(line.has_failed, line.is_valid);
            out.write_all(&line.raw).map_err(self.unwritable)?;
            out.write_all(lines.line.end.bytes())
                .map_err(self.unwritable)?;
        }
        if let Some((mut newer, again)) = newer
            && newer.advance()?
        {
            return Err(self.more_rows(again));
        }
        Ok(())
    }

    fn batches(&mut self, again: Option<TableAt<'_>>, out: &mut dyn Write) -> Result<(), Failure> {
        let first = self.first;
        let unread = |error: FileError| first.unread(&error);
        let mut rows = ResultBatches::open(first)?;
        let own = rows.own_columns();
        let mut layout = TableLayout::of(&rows.file).map_err(unread)?;
        let mut newer = match again {
            Some(again) => Some((ResultBatches::open(again)?, again)),
            None => None,
        };
        if let Some((newer, _)) = &newer {
            layout.add(&newer.file).map_err(unread)?;
        }
        let mut writer = PartWriter::new(&layout, &[], &[]).map_err(unread)?;
        while rows.advance()? {
            let Some(old) = rows.row() else { continue };
            let mut row = old;
            if has_failed(&old) {
                let Some((newer, again)) = &mut newer else {
                    return Err(self.not_asked(old.number()));
                };
                newer.advance()?;
                row = match newer.row() {
                    Some(new) if new.has_values_of(&old, own) => new,
                    _ => return Err(self.other_row(*again, old.number())),
                };
                self.tally.note(row.number(), old.number());
            }
            self.tally.add(has_failed(&row), is_valid(&row));
            let takes = old.number() % ROWS_ENCODED == 0;
            writer.push(row, &[]).map_err(unread)?;
            if takes {
                let bytes = writer.take().map_err(unread)?;
                out.write_all(&bytes).map_err(self.unwritable)?;
            }
        }
        if let Some((mut newer, again)) = newer
            && newer.advance()?
        {
            return Err(self.more_rows(again));
        }
        let (bytes, _) = writer.finish().map_err(unread)?;
        out.write_all(&bytes).map_err(self.unwritable)
    }

    fn not_asked(&self, row: u64) -> Failure {
        Failure::run(format!(
            "{} has a failed row, {row}, in a table of which the retry has no row; {REMEDY}",
            self.first.name()
        ))
    }

    fn other_row(&self, again: TableAt<'_>, row: u64) -> Failure {
        Failure::run(format!(
            "row {row} of {} failed, and {} has another row in its place; {REMEDY}",
            self.first.name(),
            again.name()
        ))
    }

    fn more_rows(&self, again: TableAt<'_>) -> Failure {
        Failure::run(format!(
            "{} has more rows than failed in {}; {REMEDY}",
            again.name(),
            self.first.name()
        ))
    }
}

/// What to do about two results that do not belong together.
const REMEDY: &str = "a result was replaced since the retry began; `quarry results` with --own copies the retry's own rows";
