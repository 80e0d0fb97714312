//! Uncompressed copies of compressed files, so that slices are byte ranges.

use crate::caps::UnpackedLimit;
use flate2::write::MultiGzDecoder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::InputFile;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::ObjectStore;
use quarry_table::MAX_ROW_BYTES;
use std::io::Write;
use std::sync::Arc;

/// The number of compressed bytes that are decompressed at once. Deflate expands at most some 1,030
/// times, so a highly compressed file does not fill memory.
const PIECE_BYTES: usize = 16 * 1024;

/// Writes the decompressed bytes of `file` to `at`, at most as many as the limit allows.
pub(crate) async fn plain_copy(
    store: &Arc<dyn ObjectStore>,
    file: &InputFile,
    at: S3Uri,
    limit: UnpackedLimit,
) -> Result<InputFile, StepError> {
    let reading = format!("reading {}", file.name);
    let writing = format!("writing {at}");
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
        file.etag.as_str(),
        ReadOptions::default(),
    );
    let mut writer = ObjectWriter::new(Arc::clone(store), at.clone(), WriteOptions::default());
    let mut decoder = MultiGzDecoder::new(Vec::new());
    let mut line = Line::default();
    while let Some(bytes) = reader.next().await.doing(|| &reading)? {
        for piece in bytes.chunks(PIECE_BYTES) {
            decoder.write_all(piece).map_err(broken)?;
            line.goes_on(decoder.get_ref(), &file.name)?;
            limit.check(line.unpacked)?;
            writer.write(decoder.get_ref()).await.doing(|| &writing)?;
            decoder.get_mut().clear();
        }
    }
    let rest = decoder.finish().map_err(broken)?;
    line.goes_on(&rest, &file.name)?;
    limit.check(line.unpacked)?;
    writer.write(&rest).await.doing(|| &writing)?;
    let written = writer.finish().await.doing(|| &writing)?;
    Ok(InputFile {
        location: at,
        name: file.name.clone(),
        size: written.bytes,
        etag: written.etag,
        rows: 0,
    })
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
