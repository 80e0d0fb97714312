//! The rows that failed, out of a result.

use super::TableAt;
use super::batches::{ROWS_ENCODED, ResultBatches, has_failed};
use super::lines::ResultLines;
use crate::failure::Failure;
use quarry_parquet::{FileError, PartWriter, TableLayout};
use quarry_rows::{TableFormat, format_of, header_of};
use quarry_table::{Dialect, Format};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes the rows of a result that failed into a file, as they were in the input. Returns how many
/// there are.
pub(super) fn pick(at: TableAt<'_>, into: &Path) -> Result<u64, Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::run(format!(
            "{} cannot be written: {error}; free space, or choose another folder with TMPDIR",
            into.display()
        ))
    };
    let mut out = BufWriter::new(File::create(into).map_err(unwritable)?);
    let picked = match format_of(at.table) {
        TableFormat::Text(dialect) => pick_lines(at, dialect, &mut out, &unwritable),
        TableFormat::Parquet => pick_from_batches(at, &mut out, &unwritable),
    }?;
    out.flush().map_err(unwritable)?;
    Ok(picked)
}

fn pick_lines(
    at: TableAt<'_>,
    dialect: Dialect,
    out: &mut dyn Write,
    unwritable: &dyn Fn(std::io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut lines = ResultLines::open(at, dialect)?;
    let mut picked = 0;
    let mut row = Vec::new();
    if dialect.format != Format::JsonLines {
        let header = header_of(at.table);
        row.extend_from_slice(header.raw.as_bytes());
        row.extend_from_slice(header.newline.bytes());
        out.write_all(&row).map_err(unwritable)?;
    }
    while lines.advance()? {
        if lines.line.has_failed {
            out.write_all(&lines.line.own).map_err(unwritable)?;
            out.write_all(lines.line.end.bytes()).map_err(unwritable)?;
            picked += 1;
        }
    }
    Ok(picked)
}

fn pick_from_batches(
    at: TableAt<'_>,
    out: &mut dyn Write,
    unwritable: &dyn Fn(std::io::Error) -> Failure,
) -> Result<u64, Failure> {
    let unread = |error: FileError| at.unread(&error);
    let mut rows = ResultBatches::open(at)?;
    let layout = TableLayout::of(&rows.file).map_err(unread)?;
    let results: Vec<usize> = (rows.own_columns()..rows.file.columns().len()).collect();
    let mut writer = PartWriter::new(&layout, &[], &results).map_err(unread)?;
    let mut picked = 0;
    while rows.advance()? {
        let Some(row) = rows.row().filter(has_failed) else {
            continue;
        };
        writer.push(row, &[]).map_err(unread)?;
        picked += 1;
        if picked % ROWS_ENCODED == 0 {
            let bytes = writer.take().map_err(unread)?;
            out.write_all(&bytes).map_err(unwritable)?;
        }
    }
    let (bytes, _) = writer.finish().map_err(unread)?;
    out.write_all(&bytes).map_err(unwritable)?;
    Ok(picked)
}
