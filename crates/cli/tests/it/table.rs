//! Reading result tables with a CSV reader other than Quarry's.

use csv_core::{ReadRecordResult, ReaderBuilder};

/// A table as text.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    #[track_caller]
    pub(crate) fn csv(bytes: &[u8]) -> Self {
        Self::separated(bytes, b',')
    }

    #[track_caller]
    pub(crate) fn separated(bytes: &[u8], separator: u8) -> Self {
        let mut reader = ReaderBuilder::new().delimiter(separator).build();
        let mut text = vec![0; bytes.len() + 1];
        let mut ends = vec![0; 1024];
        let mut records = Vec::new();
        let (mut rest, mut text_len, mut count) = (bytes, 0, 0);
        loop {
            let (result, read, written, ended) =
                reader.read_record(rest, &mut text[text_len..], &mut ends[count..]);
            rest = &rest[read..];
            text_len += written;
            count += ended;
            match result {
                // The reader must be told once more that there is no more input.
                ReadRecordResult::InputEmpty => assert!(rest.is_empty()),
                ReadRecordResult::Record => {
                    let mut start = 0;
                    records.push(
                        ends[..count]
                            .iter()
                            .map(|end| {
                                let cell = text[start..*end].to_vec();
                                start = *end;
                                String::from_utf8(cell).expect("UTF-8")
                            })
                            .collect::<Vec<_>>(),
                    );
                    (text_len, count) = (0, 0);
                }
                ReadRecordResult::End => break,
                full => panic!("{full:?}"),
            }
        }
        let columns = records.remove(0);
        for row in &records {
            assert_eq!(row.len(), columns.len(), "{row:?}");
        }
        Self {
            columns,
            rows: records,
        }
    }

    /// Returns the cells of a column, from top to bottom.
    #[track_caller]
    pub(crate) fn column(&self, name: &str) -> Vec<&str> {
        let number = self
            .columns
            .iter()
            .position(|column| column == name)
            .unwrap_or_else(|| panic!("no column {name} in {:?}", self.columns));
        self.rows.iter().map(|row| row[number].as_str()).collect()
    }
}

/// Asserts that each line of the result begins with the bytes of the input's line. Only for tables
/// without line breaks in cells.
#[track_caller]
pub(crate) fn assert_lines_extend(input: &[u8], output: &[u8]) {
    let input: Vec<&[u8]> = input
        .strip_suffix(b"\n")
        .unwrap_or(input)
        .split(|b| *b == b'\n')
        .collect();
    let output: Vec<&[u8]> = output
        .strip_suffix(b"\n")
        .expect("the result ends with a line break")
        .split(|b| *b == b'\n')
        .collect();
    assert_eq!(input.len(), output.len());
    for (number, (input, output)) in input.iter().zip(&output).enumerate() {
        let input = input.strip_suffix(b"\r").unwrap_or(input);
        assert!(
            output.starts_with(input) && output.get(input.len()) == Some(&b','),
            "line {number}: {} became {}",
            String::from_utf8_lossy(input),
            String::from_utf8_lossy(output)
        );
    }
}
