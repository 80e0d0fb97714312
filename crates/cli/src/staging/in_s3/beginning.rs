//! Copying data from S3: whole files, or the beginnings of some.

use super::selection::{DataSelection, SelectedFile};
use crate::failure::Failure;
use crate::staging::placed::{Beginnings, TableShare};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{StreamExt, TryStreamExt};
use quarry_contract::settings::CsvQuoting;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::store::{ObjectStore, Pin, StoreError};
use quarry_parquet::{FileError, PartWriter, TableLayout};
use quarry_remote::unread;
use quarry_rows::{Need, ParquetRows, RowsError, SlicePiece, TableFormat, Unpacker, open};
use quarry_table::{Dialect, RowDecoder};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bytes that all beginnings have together, unpacked.
const ALL_BEGINNINGS: u64 = 32 << 20;

/// The number of files whose beginnings are read.
const FILES_READ: usize = 8;

/// The number of files that are copied at the same time.
const AT_ONCE: usize = 16;

/// The bytes that are read at once.
const PART_BYTES: u64 = 1 << 20;

/// A copy of a file, with the file's name below the data.
type NamedCopy = (PathBuf, String);

/// Copies files from S3 into a folder of this machine.
pub(super) struct FileCopier<'a> {
    pub(super) store: &'a Arc<dyn ObjectStore>,
    /// How the cells of text tables are quoted.
    pub(super) quoting: CsvQuoting,
    pub(super) into: &'a Path,
}

/// The beginning of a file.
struct FileBeginning {
    content: Vec<u8>,
    /// The stored bytes that it stands for.
    read: u64,
    /// The rows of the whole file, if they are known.
    rows: Option<u64>,
}

impl FileCopier<'_> {
    /// Copies all files.
    pub(super) async fn whole(&self, selection: &DataSelection) -> Result<Vec<NamedCopy>, Failure> {
        futures::stream::iter(selection.files.iter().enumerate())
            .map(|(number, file)| async move {
                let mut reader = self.reader(file);
                let mut content = Vec::new();
                while let Some(bytes) = next(&mut reader).await? {
                    content.extend_from_slice(&bytes);
                }
                self.write(number, file, &content)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Copies the beginnings of some files of each table.
    pub(super) async fn beginnings(
        &self,
        selection: &DataSelection,
    ) -> Result<(Vec<NamedCopy>, Beginnings), Failure> {
        let splits: BTreeSet<_> = selection.files.iter().map(|file| file.split).collect();
        let mut copies = Vec::new();
        let mut beginnings = Beginnings {
            files: selection.files.len() as u64,
            ..Beginnings::default()
        };
        let of_table = FILES_READ / splits.len().max(1);
        for split in splits {
            let of_split = selection.files.iter().filter(|file| file.split == split);
            let files: Vec<&SelectedFile> = of_split.collect();
            let read = of_table.min(files.len()).max(1);
            let mut share = TableShare {
                split: split.map(str::to_owned),
                bytes: files.iter().map(|file| file.object.size).sum(),
                read: 0,
                rows: (read == files.len()).then_some(0),
            };
            for number in 0..read {
                let file = files[number * files.len() / read];
                let bytes = ALL_BEGINNINGS / (FILES_READ as u64);
                let beginning = self.beginning(file, bytes).await?;
                share.read += beginning.read;
                share.rows = share.rows.zip(beginning.rows).map(|(all, rows)| all + rows);
                copies.push(self.write(copies.len(), file, &beginning.content)?);
                beginnings.files_read += 1;
            }
            beginnings.tables.push(share);
        }
        Ok((copies, beginnings))
    }

    async fn beginning(&self, file: &SelectedFile, bytes: u64) -> Result<FileBeginning, Failure> {
        match file.format.quoted(self.quoting) {
            TableFormat::Text(dialect) => self.of_text(file, dialect, bytes).await,
            TableFormat::Parquet => self.of_parquet(file, bytes).await,
        }
    }

    /// Reads whole rows until they have so many bytes. A file that cannot be decoded is cut where it
    /// was read: planning says what is wrong with it.
    async fn of_text(
        &self,
        file: &SelectedFile,
        dialect: Dialect,
        bytes: u64,
    ) -> Result<FileBeginning, Failure> {
        let mut reader = self.reader(file);
        let mut unpacker = file.gzip.then(Unpacker::new);
        let mut decoder = RowDecoder::start(dialect, &*file.name);
        let (mut plain, mut read, mut is_sound) = (Vec::new(), 0, true);
        let unpacking =
            |error| Failure::input(format!("{} cannot be unpacked: {error}", file.name));
        while is_sound && ((plain.len() as u64) < bytes || decoder.position().row == 0) {
            let Some(piece) = next(&mut reader).await? else {
                break;
            };
            read += piece.len() as u64;
            let new = match &mut unpacker {
                Some(unpacker) => {
                    unpacker.push(&piece).map_err(unpacking)?;
                    std::mem::take(unpacker.unpacked())
                }
                None => piece.to_vec(),
            };
            decoder.push(&new);
            plain.extend_from_slice(&new);
            is_sound = all_rows(&mut decoder);
        }
        let whole = plain.len().max(1) as u64;
        if is_sound && read < file.object.size {
            let end = decoder.position().byte;
            plain.truncate(usize::try_from(end).unwrap_or(usize::MAX));
            read = read * end / whole;
        }
        let content = if file.gzip {
            packed(&plain).map_err(unpacking)?
        } else {
            plain
        };
        Ok(FileBeginning {
            content,
            read,
            rows: None,
        })
    }

    /// Reads the footer, and rows until they have so many bytes.
    async fn of_parquet(&self, file: &SelectedFile, bytes: u64) -> Result<FileBeginning, Failure> {
        let object = &file.object;
        let piece = SlicePiece {
            file: 0,
            name: file.name.clone(),
            location: object.location.clone(),
            size: object.size,
            pin: Pin::from(&*object.etag),
            start: 0,
            end: u64::MAX,
            first_row: 0,
        };
        let opened = open(self.store, &piece).await.map_err(undecoded)?;
        let invalid = |error: FileError| Failure::input(error.to_string());
        let layout = TableLayout::of(&opened).map_err(invalid)?;
        let mut writer = PartWriter::new(&layout, &[], &[]).map_err(invalid)?;
        let mut rows = ParquetRows::new(Arc::clone(self.store), vec![piece], Need::Rows);
        let (mut taken, mut decoded) = (0, 0);
        while decoded < bytes
            && let Some((_, batch)) = rows.next_batch().await.map_err(undecoded)?
        {
            for row in batch.rows() {
                writer.push(row, &[]).map_err(invalid)?;
            }
            taken += batch.len() as u64;
            decoded += batch.row_bytes() * batch.len() as u64;
        }
        let mut content = writer.take().map_err(invalid)?.to_vec();
        content.extend_from_slice(&writer.finish().map_err(invalid)?.0);
        let all = u128::from(opened.rows().max(1));
        let read = u128::from(object.size) * u128::from(taken) / all;
        Ok(FileBeginning {
            content,
            read: u64::try_from(read).unwrap_or(u64::MAX),
            rows: Some(opened.rows()),
        })
    }

    /// Reads the current content of a file. The user needs no permission for its versions.
    fn reader(&self, file: &SelectedFile) -> ObjectReader {
        let object = &file.object;
        let options = ReadOptions {
            part_bytes: PART_BYTES,
            ..ReadOptions::default()
        };
        let all = 0..object.size;
        let pin = Pin::from(&*object.etag);
        ObjectReader::open(
            Arc::clone(self.store),
            object.location.clone(),
            all,
            pin,
            options,
        )
    }

    /// Writes a copy. Its own name is a number, because a key can be a name that no file can have.
    fn write(
        &self,
        number: usize,
        file: &SelectedFile,
        content: &[u8],
    ) -> Result<NamedCopy, Failure> {
        let copy = self.into.join(format!("{number:06}"));
        std::fs::write(&copy, content).map_err(|error| {
            Failure::run(format!(
                "{} cannot be written: {error}; free space, or choose another folder with TMPDIR",
                copy.display()
            ))
        })?;
        Ok((copy, file.name.clone()))
    }
}

async fn next(reader: &mut ObjectReader) -> Result<Option<bytes::Bytes>, Failure> {
    reader.next().await.map_err(store_failure)
}

fn store_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Changed(object) => Failure::run(format!(
            "{object} changed while it was read; run again when nothing writes to it"
        )),
        error => unread(error).into(),
    }
}

fn undecoded(error: RowsError) -> Failure {
    match error {
        RowsError::Store { source, .. } => store_failure(source),
        error => {
            let error = StepError::from(error);
            match error.kind() {
                StepErrorKind::BadRequest => Failure::input(error.full_message()),
                _ => Failure::run(error.full_message()),
            }
        }
    }
}

/// Takes all rows that are there. Returns whether all could be decoded.
fn all_rows(decoder: &mut RowDecoder) -> bool {
    loop {
        match decoder.next_row() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn packed(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_contract::location::S3Uri;
    use quarry_edge::s3::memory::MemoryStore;
    use quarry_edge::store::WriteCondition;

    const ROWS: u64 = 40_000;

    fn table() -> Vec<u8> {
        let rows = (0..ROWS).map(|row| format!("{row},\"a text of\ntwo lines {row}\"\n"));
        let rows: String = rows.collect();
        format!("id,text\n{rows}").into_bytes()
    }

    async fn beginning_of(name: &str, content: Vec<u8>, bytes: u64) -> (FileBeginning, u64) {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        let at = S3Uri::new("bucket", name).unwrap();
        store
            .put(&at, content.into(), WriteCondition::Always)
            .await
            .unwrap();
        let object = store.head(&at).await.unwrap();
        let selection = DataSelection::of_object(&object);
        let copier = FileCopier {
            store: &store,
            quoting: CsvQuoting::Standard,
            into: Path::new("."),
        };
        let read = copier.beginning(&selection.files[0], bytes).await.unwrap();
        (read, object.size)
    }

    fn rows_of(plain: &[u8]) -> u64 {
        let mut decoder = RowDecoder::start(quarry_table::Format::Csv, "a.csv");
        decoder.push(plain);
        decoder.end();
        assert!(all_rows(&mut decoder));
        decoder.position().row
    }

    /// The rows of the beginning stand for as many bytes as they take of the file.
    #[tokio::test]
    async fn the_beginning_of_a_text_table_has_whole_rows() {
        let (beginning, size) = beginning_of("a.csv", table(), 1_000_000).await;
        assert_eq!(beginning.read, beginning.content.len() as u64);
        assert!(
            beginning.read >= 1_000_000 && beginning.read < size,
            "{}",
            beginning.read
        );
        assert!(table().starts_with(&beginning.content));
        let all = rows_of(&beginning.content) * size / beginning.read;
        assert!(all.abs_diff(ROWS) < ROWS / 20, "{all}");
    }

    #[tokio::test]
    async fn the_beginning_of_a_compressed_table_is_compressed_and_stands_for_packed_bytes() {
        // A text that hardly shrinks, so that the packed file is larger than one read.
        let mut state = 1_u64;
        let mut word = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!("{:016x}", state ^ (state >> 29))
        };
        let rows = (0..ROWS).map(|_| format!("{},{}{}\n", word(), word(), word()));
        let rows = rows.collect::<Vec<String>>().concat();
        let plain = format!("id,text\n{rows}");
        let (beginning, size) =
            beginning_of("a.csv.gz", packed(plain.as_bytes()).unwrap(), 100_000).await;
        assert!(size > PART_BYTES, "{size}");
        let mut unpacker = Unpacker::new();
        unpacker.push(&beginning.content).unwrap();
        let content = unpacker.finish().unwrap();
        assert!(plain.as_bytes().starts_with(&content));
        let all = rows_of(&content) * size / beginning.read;
        assert!(all.abs_diff(ROWS) < ROWS / 20, "{all}");
    }

    #[tokio::test]
    async fn the_beginning_of_a_parquet_table_has_its_types_and_the_footer_tells_all_rows() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/recorded/prompts/13_parquet_nulls/data.parquet"
        );
        let content = std::fs::read(file).unwrap();
        let whole = bytes::Bytes::from(content.clone());
        let whole = quarry_parquet::ParquetFile::open("whole", Arc::new(whole)).unwrap();
        let (beginning, size) = beginning_of("a.parquet", content, 1).await;
        assert_eq!(beginning.rows, Some(whole.rows()));
        let copy = bytes::Bytes::from(beginning.content);
        let copy = quarry_parquet::ParquetFile::open("copy", Arc::new(copy)).unwrap();
        assert_eq!(copy.columns(), whole.columns());
        assert_eq!(copy.rows() * size / beginning.read, whole.rows());
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_decoded_is_left_to_planning() {
        let broken = b"{\"id\": 1}\nnot JSON\n".repeat(10);
        let (beginning, _) = beginning_of("a.jsonl", broken.clone(), 1).await;
        assert_eq!(beginning.content, broken);
    }
}
