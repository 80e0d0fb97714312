//! The lines to store of some records.

use crate::ask::Answered;
use crate::group::RecordOutcome;
use std::ops::Range;

/// The lines of records that follow each other in the input: the contents of one object.
pub(crate) struct Stretch {
    /// The bytes of the input that hold the records.
    pub(crate) range: Range<u64>,
    pub(crate) lines: Vec<u8>,
}

/// Returns the lines of records in the order of the input. Where a record is left out between two
/// others, another stretch begins.
pub(crate) fn stretches(outcomes: impl IntoIterator<Item = RecordOutcome>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for RecordOutcome { range, answered } in outcomes {
        let (Answered::Line(line) | Answered::Lost(line) | Answered::No { line, .. }) = answered;
        match stretches.last_mut() {
            Some(last) if last.range.end == range.start => {
                last.range.end = range.end;
                last.lines.extend_from_slice(&line);
            }
            _ => stretches.push(Stretch { range, lines: line }),
        }
    }
    stretches
}
