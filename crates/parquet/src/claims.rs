//! Whether what pages say of themselves can be true, before the decoder relies on it.
//!
//! The decoder allocates memory for the values that a page claims, and trusts a page index about which
//! row a page begins with. A false one would give a row the values of another.

use crate::page::PageSize;
use crate::thrift::{LIST, STRUCT, Thrift};
use parquet::basic::Encoding;
use std::ops::Range;

/// The encodings in which the lengths of all texts of a page come first.
pub(crate) const TEXT_LENGTHS: [Encoding; 2] = [
    Encoding::DELTA_LENGTH_BYTE_ARRAY,
    Encoding::DELTA_BYTE_ARRAY,
];

/// The most values of a page: as many as texts of no length fit into the largest page that is unpacked.
/// The decoder keeps the lengths of all texts of some pages, and all values of a dictionary.
const MAX_VALUES: u64 = quarry_table::MAX_ROW_BYTES as u64 / 4;

/// The bytes of the length before a text in a dictionary.
const LENGTH_BYTES: u64 = 4;

/// A column chunk with what its footer says of its pages.
pub(crate) struct ChunkClaims {
    /// The column.
    pub(crate) leaf: usize,
    pub(crate) range: Range<u64>,
    /// The rows of the row group, if each row has one value.
    pub(crate) rows: Option<u64>,
    /// The values of all its pages, according to the footer, if a row can have many values.
    pub(crate) values: Option<u64>,
    /// The offset of the last data page whose values were subtracted from them.
    pub(crate) counted: Option<u64>,
    /// Whether its values are texts or bytes of any length.
    pub(crate) is_text: bool,
    /// Whether the footer names an encoding with the lengths of all texts of a page.
    pub(crate) has_text_lengths: bool,
    /// Whether reading may begin at another page than the first.
    pub(crate) skips: bool,
    /// The places of its pages, if they are compared with the pages.
    pub(crate) places: Option<Vec<PagePlace>>,
    /// How far its pages were compared: the offset of the last one, and its number and the rows in all
    /// of them.
    pub(crate) seen: Option<SeenPage>,
}

/// What a page index says of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PagePlace {
    pub(crate) at: u64,
    pub(crate) first_row: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenPage {
    at: u64,
    number: usize,
    rows: u64,
}

/// The column chunks of a row group, in order.
pub(crate) struct PageClaims(Vec<ChunkClaims>);

impl PageClaims {
    /// Compares the pages of some chunks with what is said of them.
    pub(crate) fn new(mut chunks: Vec<ChunkClaims>) -> Self {
        chunks.sort_by_key(|chunk| chunk.range.start);
        Self(chunks)
    }

    /// Checks the header of the page at `at`. Returns what cannot be true.
    pub(crate) fn check(&mut self, at: u64, page: PageSize) -> Result<(), String> {
        let after = self.0.partition_point(|chunk| chunk.range.start <= at);
        let chunk = after.checked_sub(1).and_then(|index| self.0.get_mut(index));
        match chunk.filter(|chunk| chunk.range.contains(&at)) {
            Some(chunk) => chunk.check(at, page),
            None => Ok(()),
        }
    }
}

impl ChunkClaims {
    fn check(&mut self, at: u64, page: PageSize) -> Result<(), String> {
        let values = page.values;
        let most = if page.is_dictionary && self.is_text {
            page.bytes / LENGTH_BYTES
        } else if page.is_dictionary {
            page.bytes
        } else {
            self.rows.unwrap_or(MAX_VALUES)
        };
        if values > most.min(MAX_VALUES) {
            let most = most.min(MAX_VALUES);
            return Err(format!(
                "the page at byte {at} claims {values} values, more than the {most} that it can have"
            ));
        }
        if page.has_text_lengths && !self.has_text_lengths {
            return Err(format!(
                "the page at byte {at} has an encoding that the footer does not name"
            ));
        }
        if page.is_dictionary {
            return Ok(());
        }
        self.count(at, values)?;
        self.compare(at, values)
    }

    /// Compares the values of all data pages with those of the column chunk: the memory for the values of
    /// lists is known from the footer.
    fn count(&mut self, at: u64, values: u64) -> Result<(), String> {
        let Some(left) = self.values else {
            return Ok(());
        };
        // The header of a page may be read twice.
        if self.counted.is_some_and(|last| at <= last) {
            return Ok(());
        }
        self.counted = Some(at);
        self.values = left.checked_sub(values);
        if self.values.is_none() {
            return Err(format!(
                "the page at byte {at} claims {values} values, more than the {left} that are left of its column"
            ));
        }
        Ok(())
    }

    /// Compares a data page with its place in the page index.
    fn compare(&mut self, at: u64, values: u64) -> Result<(), String> {
        let Some(places) = &self.places else {
            return Ok(());
        };
        let (number, first_row) = match self.seen {
            None if self.skips => {
                let number = places.partition_point(|place| place.at < at);
                (
                    number,
                    places.get(number).map_or(0, |place| place.first_row),
                )
            }
            None => (0, 0),
            // The header of a page may be read twice.
            Some(seen) if at <= seen.at => return Ok(()),
            Some(seen) => (seen.number + 1, seen.rows),
        };
        let found = PagePlace { at, first_row };
        // An index may leave out pages without values.
        if values > 0 && places.get(number) != Some(&found) {
            return Err(format!(
                "its page index does not have the page at byte {at}, which begins with row {} of its row group",
                first_row + 1
            ));
        }
        self.seen = Some(SeenPage {
            at,
            number,
            rows: first_row + values,
        });
        Ok(())
    }
}

/// Reads the places of a column chunk's pages. `None` if they make no sense, because nobody uses them
/// then.
pub(crate) fn places(encoded: &[u8], chunk: &Range<u64>, rows: u64) -> Option<Vec<PagePlace>> {
    let mut thrift = Thrift::new(encoded);
    let mut field = 0;
    let mut places = Vec::new();
    while let Some((id, kind)) = thrift.field(field)? {
        field = id;
        if (id, kind) != (1, LIST) {
            thrift.pass(kind, 0)?;
            continue;
        }
        let (count, kind) = thrift.list()?;
        if kind != STRUCT || count > encoded.len() as u64 {
            return None;
        }
        for _ in 0..count {
            places.push(place(&mut thrift)?);
        }
    }
    let first = places.first()?;
    let in_order = places
        .windows(2)
        .all(|two| two[0].at < two[1].at && two[0].first_row <= two[1].first_row);
    let inside = |place: &PagePlace| chunk.contains(&place.at) && place.first_row < rows;
    (first.first_row == 0 && in_order && places.iter().all(inside)).then_some(places)
}

fn place(thrift: &mut Thrift<'_>) -> Option<PagePlace> {
    let (mut field, mut at, mut first_row) = (0, None, None);
    while let Some((id, kind)) = thrift.field(field)? {
        field = id;
        match (id, kind) {
            (1, 4..=6) => at = u64::try_from(thrift.signed()?).ok(),
            (3, 4..=6) => first_row = u64::try_from(thrift.signed()?).ok(),
            _ => thrift.pass(kind, 1)?,
        }
    }
    Some(PagePlace {
        at: at?,
        first_row: first_row?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk() -> ChunkClaims {
        ChunkClaims {
            leaf: 0,
            range: 100..200,
            rows: Some(50),
            values: None,
            counted: None,
            is_text: true,
            has_text_lengths: false,
            skips: false,
            places: None,
            seen: None,
        }
    }

    fn page(values: u64, is_dictionary: bool) -> PageSize {
        PageSize {
            bytes: 80,
            is_dictionary,
            values,
            has_text_lengths: false,
        }
    }

    #[test]
    fn a_page_has_no_more_values_than_its_row_group_has_rows_or_its_bytes_can_hold() {
        let mut claims = PageClaims::new(vec![chunk()]);
        claims.check(100, page(20, true)).unwrap();
        claims.check(100, page(21, true)).unwrap_err();
        claims.check(110, page(50, false)).unwrap();
        assert_eq!(
            claims.check(110, page(51, false)).unwrap_err(),
            "the page at byte 110 claims 51 values, more than the 50 that it can have"
        );
        let nested = ChunkClaims {
            rows: None,
            ..chunk()
        };
        let mut claims = PageClaims::new(vec![nested]);
        claims.check(110, page(MAX_VALUES, false)).unwrap();
        claims.check(110, page(MAX_VALUES + 1, false)).unwrap_err();
        // No chunk is there.
        claims.check(200, page(MAX_VALUES + 1, false)).unwrap();
    }

    #[test]
    fn pages_are_compared_with_the_page_index_in_order() {
        let places = [(110, 0), (130, 20), (150, 30)];
        let places = places.map(|(at, first_row)| PagePlace { at, first_row });
        let indexed = || ChunkClaims {
            places: Some(places.to_vec()),
            ..chunk()
        };
        let mut claims = PageClaims::new(vec![indexed()]);
        claims.check(100, page(2, true)).unwrap();
        claims.check(110, page(20, false)).unwrap();
        claims.check(110, page(20, false)).unwrap();
        claims.check(130, page(10, false)).unwrap();
        claims.check(150, page(20, false)).unwrap();
        // A reading that begins at the second page.
        let begins_inside = ChunkClaims {
            skips: true,
            ..indexed()
        };
        let mut claims = PageClaims::new(vec![begins_inside]);
        claims.check(130, page(10, false)).unwrap();
        claims.check(150, page(20, false)).unwrap();
        for rows in [19, 21] {
            let mut claims = PageClaims::new(vec![indexed()]);
            claims.check(110, page(rows, false)).unwrap();
            assert_eq!(
                claims.check(130, page(10, false)).unwrap_err(),
                format!(
                    "its page index does not have the page at byte 130, which begins with row {} of its row group",
                    rows + 1
                )
            );
        }
    }
}
