//! Scanning a table: every row is rendered once, to get the exact size of its record.

use crate::caps::{Caps, UnpackedLimit};
use crate::limits;
use crate::parquet::LayoutPlace;
use crate::table_scan::{ScannedFile, TableScan};
use crate::{parquet, pins, stage};
use quarry_asking::{Asking, RecordLimits};
use quarry_contract::layout::RunFolder;
use quarry_contract::record_id::RecordIds;
use quarry_cost::estimate::RequestTexts;
use quarry_edge::clock::TimeLeft;
use quarry_edge::error::StepError;
use quarry_edge::s3::reader::ReadOptions;
use quarry_edge::store::ObjectStore;
use quarry_prompt::RecordEncoder;
use quarry_rows::{Need, ParquetRows, SlicePiece, TableFormat, TextRows};
use quarry_slicing::{Marks, Place, RowSize};
use quarry_table::{Cells, Dialect, Header, MAX_COLUMNS, MAX_HEADER_BYTES, Position, quote};
use std::collections::HashSet;
use std::sync::Arc;

/// Scans one table of a run.
pub(crate) struct TableScanner<'a> {
    pub(crate) store: &'a Arc<dyn ObjectStore>,
    pub(crate) asking: &'a Asking,
    pub(crate) caps: Caps<'a>,
    pub(crate) run: &'a RunFolder,
    pub(crate) table: usize,
    pub(crate) time_left: &'a dyn TimeLeft,
    /// Whether this call has already done a piece of work.
    pub(crate) worked: bool,
}

impl TableScanner<'_> {
    /// Continues the scan. Returns `false` when the time is up before the end.
    pub(crate) async fn scan(&mut self, table: &mut TableScan) -> Result<bool, StepError> {
        let mut marks = match table.marks.take() {
            Some(marks) => marks,
            None => Marks::new(limits::of_slices(self.asking)).map_err(StepError::bad_request)?,
        };
        self.caps.check(table)?;
        let mut done = true;
        while table.files_done < table.files.len() {
            if !self.scan_file(table, &mut marks).await? {
                done = false;
                break;
            }
            table.files_done += 1;
            table.position = Position::default();
        }
        table.marks = Some(marks);
        if done {
            self.check_whole(table)?;
        }
        Ok(done)
    }

    async fn scan_file(
        &mut self,
        table: &mut TableScan,
        marks: &mut Marks,
    ) -> Result<bool, StepError> {
        match table.format {
            TableFormat::Text(dialect) => self.scan_text(dialect, table, marks).await,
            TableFormat::Parquet => self.scan_parquet(table, marks).await,
        }
    }

    /// Makes the plain copy of a compressed file. Returns `false` when the time is up: the next call
    /// begins with this file.
    async fn unpack(
        &mut self,
        file: &mut ScannedFile,
        number: usize,
        limit: UnpackedLimit,
    ) -> Result<bool, StepError> {
        if self.worked && !self.time_left.enough() {
            return Ok(false);
        }
        let content = pins::content(&file.input);
        let at = self.run.staged(self.table, number, &content);
        match stage::plain_copy(self.store, &file.input, at, limit, self.time_left).await? {
            Some(copy) => file.input = copy,
            None if self.worked => return Ok(false),
            None => return Err(stage::too_long(&file.input)),
        }
        file.plain = true;
        Ok(true)
    }

    async fn scan_text(
        &mut self,
        dialect: Dialect,
        table: &mut TableScan,
        marks: &mut Marks,
    ) -> Result<bool, StepError> {
        let number = table.files_done;
        if !table.files[number].plain {
            let limit = self.caps.unpacked(table, table.files[number].input.size);
            if !self.unpack(&mut table.files[number], number, limit).await? {
                return Ok(false);
            }
        }
        self.worked = true;
        let file = &table.files[number].input;
        let Position { byte, row } = table.position;
        let header = (byte > 0)
            .then(|| table.header.clone().map(Arc::new))
            .flatten();
        let mut rows = TextRows::new(
            Arc::clone(self.store),
            dialect,
            header,
            self.asking.projection().to_vec(),
            vec![SlicePiece::of(number, file, byte, file.size, row)],
            ReadOptions::default(),
        );
        let mut measure = self.measure(table);
        // The columns that the table agrees with. Those of JSON Lines become more.
        let mut agreed = None;
        while let Some(step) = rows.advance().await? {
            loop {
                let row = step.decoder.next_row().map_err(StepError::bad_request)?;
                let Some(row) = row else { break };
                let place = Place {
                    file: u32::try_from(number).map_err(StepError::bad_request)?,
                    byte: row.byte(),
                    row: row.number(),
                };
                let ending = row.newline().map_or(0, |newline| newline.bytes().len());
                let bytes = (row.raw().len() + ending) as u64;
                measure.row(table, marks, place, bytes, &row);
            }
            if let Some(header) = step.decoder.header()
                && agreed != Some(header.columns.len())
            {
                agreed = Some(header.columns.len());
                let header = Header::clone(header);
                self.agree(table, number, header)?;
            }
            table.position = step.decoder.position();
            self.caps.check(table)?;
            limits::check_marks(marks)?;
            if step.last {
                break;
            }
            // A scan cannot be resumed from inside a file's first row, because the header is not
            // known yet.
            if table.position.byte > 0 && table.header.is_some() && !self.time_left.enough() {
                return Ok(false);
            }
        }
        let has_header = agreed.is_some() || byte > 0;
        if !has_header && !table.format.is_json_lines() {
            return Err(StepError::bad_request(format!(
                "{} is empty: it needs a header row with the column names; write it again, or delete it if it has no rows",
                table.files[number].input.name
            )));
        }
        Ok(true)
    }

    async fn scan_parquet(
        &mut self,
        table: &mut TableScan,
        marks: &mut Marks,
    ) -> Result<bool, StepError> {
        if table.header.is_none() {
            let place = LayoutPlace {
                run: self.run,
                number: self.table,
            };
            let layout = parquet::layout(self.store, table, place, self.time_left).await?;
            let Some(layout) = layout else {
                return Ok(false);
            };
            let header = Header {
                columns: layout.columns().map(str::to_owned).collect(),
                ..Header::default()
            };
            self.agree(table, 0, header)?;
        }
        self.worked = true;
        let number = table.files_done;
        let file = &table.files[number].input;
        let first = table.position.row;
        let columns = table.header.as_ref().map(|header| &*header.columns);
        // merge writes all columns, after the answers are paid for.
        let need = Need::SoundRows {
            columns: self.asking.projection().to_vec(),
            whole_row: self.asking.shows_whole_row(columns.unwrap_or_default()),
        };
        let piece = SlicePiece::of(number, file, first, u64::MAX, first);
        let mut rows = ParquetRows::new(Arc::clone(self.store), vec![piece], need);
        let mut measure = self.measure(table);
        while let Some((_, batch)) = rows.next_batch().await? {
            for row in batch.rows() {
                let place = Place {
                    file: u32::try_from(number).map_err(StepError::bad_request)?,
                    byte: row.number(),
                    row: row.number(),
                };
                measure.row(table, marks, place, batch.row_bytes(), &row);
            }
            table.decoded_bytes += batch.row_bytes() * batch.len() as u64;
            self.caps.check(table)?;
            limits::check_marks(marks)?;
            let next = batch.first_row() + batch.len() as u64;
            table.position = Position {
                byte: next,
                row: next,
            };
            if !self.time_left.enough() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn measure(&self, table: &TableScan) -> ScanMeasure {
        ScanMeasure {
            ids: RecordIds::new(table.split.as_deref()),
            encoder: self.asking.encoder(),
            limits: self.asking.record_limits(),
            record: Vec::new(),
            id: String::new(),
        }
    }

    /// Compares a file's header with the table's.
    fn agree(&self, table: &mut TableScan, number: usize, header: Header) -> Result<(), StepError> {
        let json_lines = table.format.is_json_lines();
        let Some(first) = &mut table.header else {
            if !json_lines {
                let file = &table.files[number].input.name;
                self.check_columns(file, table.format, &header)?;
            }
            table.header = Some(header);
            return Ok(());
        };
        let file = &table.files[number].input.name;
        if json_lines {
            return add_keys(first, header.columns, file);
        }
        if first.columns == header.columns {
            return Ok(());
        }
        Err(StepError::bad_request(format!(
            "the files of a table must have the same columns in the same order: {}; correct one of them or put it in \
             another folder",
            difference(
                &table.files[0].input.name,
                &first.columns,
                file,
                &header.columns
            )
        )))
    }

    /// Checks what is known only after all rows are read.
    fn check_whole(&self, table: &TableScan) -> Result<(), StepError> {
        match &table.header {
            Some(header) if table.format.is_json_lines() && table.rows > 0 => {
                self.check_columns(&table.files[0].input.name, table.format, header)
            }
            _ => Ok(()),
        }
    }

    /// Checks that the columns of a file have what the prompt uses, and leave room for what the
    /// result adds.
    fn check_columns(
        &self,
        file: &str,
        format: TableFormat,
        header: &Header,
    ) -> Result<(), StepError> {
        let columns = &header.columns;
        let refused =
            |error: &dyn std::fmt::Display| StepError::bad_request(format!("{file}: {error}"));
        self.asking
            .check_columns(columns)
            .map_err(|error| refused(&error))?;
        if let TableFormat::Text(dialect) = format {
            let (results, settings) = (self.asking.columns(), self.asking.settings());
            results
                .replaced(columns, settings.replace_columns)
                .and_then(|replaced| results.check_header(dialect, header, &replaced))
                .map_err(|error| refused(&error))?;
        }
        if self.asking.settings().prompt_without_columns {
            return Ok(());
        }
        let encoder = self.asking.encoder();
        encoder
            .template()
            .check_differs(columns)
            .map_err(|error| refused(&error))
    }
}

/// Adds the keys of a JSON Lines file to those of its table.
fn add_keys(table: &mut Header, keys: Vec<String>, file: &str) -> Result<(), StepError> {
    let known: HashSet<&str> = table.columns.iter().map(String::as_str).collect();
    let new: Vec<String> = keys
        .into_iter()
        .filter(|key| !known.contains(key.as_str()))
        .collect();
    table.columns.extend(new);
    if table.columns.len() > MAX_COLUMNS {
        return Err(StepError::bad_request(format!(
            "{file}: the table has more than {MAX_COLUMNS} different keys with this file; keys must be column names, not \
             data"
        )));
    }
    if table.columns.iter().map(String::len).sum::<usize>() > MAX_HEADER_BYTES {
        return Err(StepError::bad_request(format!(
            "{file}: the keys of the table are longer than {MAX_HEADER_BYTES} bytes with this file; shorten them"
        )));
    }
    Ok(())
}

/// Returns a sentence that says where the columns of two files begin to differ.
fn difference(first: &str, columns: &[String], second: &str, others: &[String]) -> String {
    let at = columns
        .iter()
        .zip(others)
        .take_while(|(one, other)| one == other)
        .count();
    let named = |columns: &[String]| {
        columns
            .get(at)
            .map_or_else(|| "none".to_owned(), |name| quote::name(name))
    };
    format!(
        "column {} of {first} is {}, of {second} {}",
        at + 1,
        named(columns),
        named(others)
    )
}

/// Renders records to get their size, and to find out which of them can be sent.
struct ScanMeasure {
    ids: RecordIds,
    encoder: RecordEncoder,
    limits: RecordLimits,
    record: Vec<u8>,
    id: String,
}

impl ScanMeasure {
    /// Counts a row of `bytes` bytes.
    fn row(
        &mut self,
        table: &mut TableScan,
        marks: &mut Marks,
        place: Place,
        bytes: u64,
        row: &impl Cells,
    ) {
        self.id.clear();
        self.ids.write(table.rows, &mut self.id);
        self.record.clear();
        let record = self.encoder.encode(&mut self.record, &self.id, row, None) as u64;
        let is_sendable = self.limits.check(&self.record).is_ok();
        let size = RowSize { row: bytes, record };
        marks.row(place, size, is_sendable);
        if is_sendable && let Some(stands_for) = table.texts.offer() {
            let texts = RequestTexts::of_record(&self.record);
            table.texts.add(&texts, record, stands_for);
        }
        table.rows += 1;
        table.files[place.file as usize].input.rows = place.row + 1;
    }
}
