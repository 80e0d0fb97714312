//! Uncompressed copies of compressed files, so that slices are byte ranges.

use crate::caps::UnpackedLimit;
use crate::pins;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::InputFile;
use quarry_edge::clock::TimeLeft;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::{ObjectStore, Pin, StoreError};
use quarry_rows::Unpacker;
use quarry_table::MAX_ROW_BYTES;
use std::sync::Arc;

/// The number of compressed bytes that are decompressed at once. Deflate expands at most some 1,030
/// times, so a highly compressed file does not fill memory.
const PIECE_BYTES: usize = 16 * 1024;

/// Writes the decompressed bytes of `file` to `at`, at most as many as the limit allows, unless an
/// earlier call has done so. Returns `None`, and leaves nothing behind, if the time is up before the
/// end.
pub(crate) async fn plain_copy(
    store: &Arc<dyn ObjectStore>,
    file: &InputFile,
    at: S3Uri,
    limit: UnpackedLimit,
    time_left: &dyn TimeLeft,
) -> Result<Option<InputFile>, StepError> {
    if let Some(copy) = pins::copied_before(&**store, file, &at).await? {
        limit.check(copy.size)?;
        return Ok(Some(copy));
    }
    let writing = || format!("writing {at}");
    let options = WriteOptions::default();
    let mut writer = ObjectWriter::keeping_first(Arc::clone(store), at.clone(), options);
    let unpacked = unpack(store, file, limit, time_left, &mut writer).await;
    let (writer, is_whole) = writer.or_give_up(unpacked).await?;
    if !is_whole {
        writer.abort().await.doing(writing)?;
        return Ok(None);
    }
    let written = writer.finish().await.doing(writing)?;
    Ok(Some(InputFile {
        location: at,
        name: file.name.clone(),
        size: written.bytes,
        etag: written.etag,
        version: None,
        rows: 0,
    }))
}

/// Writes the decompressed bytes of `file`. Returns `false` if the time is up before the end.
async fn unpack(
    store: &Arc<dyn ObjectStore>,
    file: &InputFile,
    limit: UnpackedLimit,
    time_left: &dyn TimeLeft,
    writer: &mut ObjectWriter,
) -> Result<bool, StepError> {
    let writing = format!("writing {}", writer.location());
    let broken = |error: std::io::Error| {
        StepError::bad_request(format!(
            "{} is not a whole gzip file: {error}; upload it again, or take .gz from its name if it is not compressed",
            file.name
        ))
    };
    let mut reader = ObjectReader::open(
        Arc::clone(store),
        file.location.clone(),
        0..file.size,
        Pin::new(&file.etag, file.version.as_deref()),
        ReadOptions::default(),
    );
    let mut unpacker = Unpacker::new();
    let mut line = Line::default();
    let mut is_first = true;
    while let Some(bytes) = next(&mut reader, file).await? {
        if !std::mem::take(&mut is_first) && !time_left.enough() {
            return Ok(false);
        }
        for piece in bytes.chunks(PIECE_BYTES) {
            unpacker.push(piece).map_err(broken)?;
            let plain = unpacker.unpacked();
            line.goes_on(plain, &file.name)?;
            limit.check(line.unpacked)?;
            writer.write(plain).await.doing(|| &writing)?;
            plain.clear();
        }
    }
    let rest = unpacker.finish().map_err(broken)?;
    line.goes_on(&rest, &file.name)?;
    limit.check(line.unpacked)?;
    writer.write(&rest).await.doing(|| &writing)?;
    Ok(true)
}

async fn next(reader: &mut ObjectReader, file: &InputFile) -> Result<Option<Bytes>, StepError> {
    match reader.next().await {
        Err(error @ StoreError::Changed(_)) => Err(pins::changed(&file.name, error)),
        piece => piece.doing(|| format!("reading {}", file.name)),
    }
}

/// Returns the refusal of a file that a call with all its time could not unpack.
pub(crate) fn too_long(file: &InputFile) -> StepError {
    StepError::bad_request(format!(
        "{} cannot be unpacked in the time of one call; unpack it and store it without compression, or as several \
         compressed files",
        file.name
    ))
}

/// The length of the line that is being decompressed, with the blank lines around it. A file of
/// zeros or of line breaks expands a thousand times, and after the first 64 MiB it has no row, so
/// nothing after that has to be stored.
#[derive(Default)]
struct Line {
    bytes: usize,
    /// Whether the line has content so far.
    begun: bool,
    unpacked: u64,
}

impl Line {
    /// Counts the next decompressed bytes. Returns an error if the line is too long for a row.
    fn goes_on(&mut self, plain: &[u8], file: &str) -> Result<(), StepError> {
        self.unpacked += plain.len() as u64;
        self.bytes = match self.last_end(plain) {
            Some(end) => plain.len() - end - 1,
            None => self.bytes + plain.len(),
        };
        self.begun = match plain.last() {
            Some(last) => !is_break(*last),
            None => self.begun,
        };
        if self.bytes <= MAX_ROW_BYTES {
            return Ok(());
        }
        Err(StepError::bad_request(format!(
            "{file}: the line that begins at byte {} of the unpacked file is longer than a row may be, {MAX_ROW_BYTES} \
             bytes, blank lines included; shorten the row, or look for a missing line break",
            self.unpacked - self.bytes as u64
        )))
    }

    /// Returns the place of the last break that ends a line with content.
    fn last_end(&self, plain: &[u8]) -> Option<usize> {
        let after_content = |place: usize| match place.checked_sub(1) {
            Some(before) => !is_break(plain[before]),
            None => self.begun,
        };
        let mut places = plain.iter().enumerate().rev();
        places
            .find(|(place, byte)| is_break(**byte) && after_content(*place))
            .map(|(place, _)| place)
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
