//! What a run asks, as far as AWS's charges depend on it.

/// The bytes of a part in which objects are read and written.
const PART: u64 = 8 << 20;

/// The bytes of the first part of an object that is known to be large before it is written.
const FIRST_PART: u64 = 5 << 20;

/// The bytes of the first read of an object. Each later read has twice as many, up to a part.
const FIRST_READ: u64 = 1 << 20;

/// Bytes of an output line besides the record and the answer.
const AROUND_AN_ANSWER: u64 = 400;

/// Bytes of the result's columns besides those of the answer.
const AROUND_A_ROW: u64 = 100;

/// Bytes of a token of an answer.
const BYTES_OF_TOKEN: u64 = 4;

/// Slices that are sent in one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SliceSums {
    /// The number of slices that have records.
    pub slices: u64,
    /// Their records.
    pub records: u64,
    /// The bytes of the records.
    pub bytes: u64,
}

/// What a run asks in its first round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedSlices {
    /// Slices that are sent in jobs.
    pub in_jobs: SliceSums,
    /// Slices that are sent on demand.
    pub on_demand: SliceSums,
    /// The tables.
    pub tables: u64,
    /// The files of all tables.
    pub files: u64,
    /// Their bytes, unpacked.
    pub data_bytes: u64,
    /// Calls at the same time for a slice that is sent on demand.
    pub workers: u64,
    /// The time between the beginnings of two calls of such a slice, ms.
    pub call_interval_ms: u64,
    /// Answers that are stored together.
    pub batch_size: u64,
    /// Tokens of an answer.
    pub answer_tokens: u64,
    /// The longest time of a job, hours.
    pub job_hours: u64,
}

impl AskedSlices {
    pub(super) fn slices(&self) -> u64 {
        self.in_jobs.slices + self.on_demand.slices
    }

    pub(super) fn records(&self) -> u64 {
        self.in_jobs.records + self.on_demand.records
    }

    pub(super) fn bytes(&self) -> u64 {
        self.in_jobs.bytes + self.on_demand.bytes
    }

    /// The bytes of all output lines.
    pub(super) fn answer_bytes(&self) -> u64 {
        self.lines_of(self.in_jobs) + self.lines_of(self.on_demand)
    }

    /// The bytes of some output lines. Each has its record.
    pub(super) fn lines_of(&self, sums: SliceSums) -> u64 {
        sums.bytes + sums.records * (AROUND_AN_ANSWER + self.answer_tokens * BYTES_OF_TOKEN)
    }

    /// The bytes of all parts of the result.
    pub(super) fn result_bytes(&self) -> u64 {
        self.data_bytes + self.records() * (AROUND_A_ROW + self.answer_tokens * BYTES_OF_TOKEN)
    }

    /// How many answers of a slice are stored together.
    pub(super) fn together(&self) -> u64 {
        self.batch_size.max(self.workers).max(1)
    }

    /// The objects of answers of the slices that are sent on demand.
    pub(super) fn answer_objects(&self) -> u64 {
        let slices = self.on_demand.slices;
        if slices == 0 {
            return 0;
        }
        slices * (self.on_demand.records / slices).div_ceil(self.together())
    }
}

/// Returns the reads that these bytes take, if they are spread over a number of objects.
pub(super) fn reads(bytes: u64, objects: u64) -> u64 {
    if objects == 0 {
        return 0;
    }
    let (mut left, mut next, mut reads) = (bytes / objects, FIRST_READ, 0);
    while left > 0 && next < PART {
        left = left.saturating_sub(next);
        next *= 2;
        reads += 1;
    }
    objects * (reads + left.div_ceil(PART)).max(1)
}

/// Returns the parts that these bytes take, if they are spread over a number of objects.
pub(super) fn parts(bytes: u64, objects: u64) -> u64 {
    if objects == 0 {
        return 0;
    }
    objects * (bytes / objects).div_ceil(PART).max(1)
}

/// Returns the requests that write these bytes as a number of objects. One that fits into a part is one put;
/// a larger one is an upload that begins and ends.
pub(super) fn puts(bytes: u64, objects: u64) -> u64 {
    puts_beginning_with(PART, bytes, objects)
}

/// Does the same for objects whose size is known before they are written.
pub(super) fn puts_of_known_size(bytes: u64, objects: u64) -> u64 {
    puts_beginning_with(FIRST_PART, bytes, objects)
}

fn puts_beginning_with(first: u64, bytes: u64, objects: u64) -> u64 {
    if objects == 0 {
        return 0;
    }
    match bytes / objects {
        ..=PART => objects,
        bytes => objects * (1 + (bytes - first).div_ceil(PART) + 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_one_put_up_to_a_part_and_then_an_upload() {
        let mib = 1 << 20;
        for (bytes, usual, known) in [
            (0, 1, 1),
            (8 * mib, 1, 1),
            (8 * mib + 1, 4, 4),
            (13 * mib, 4, 4),
            (13 * mib + 1, 4, 5),
            (16 * mib, 4, 5),
            (16 * mib + 1, 5, 5),
        ] {
            assert_eq!(puts(bytes, 1), usual, "{bytes}");
            assert_eq!(puts_of_known_size(bytes, 1), known, "{bytes}");
            assert_eq!(puts(bytes * 3, 3), usual * 3, "{bytes}");
        }
        assert_eq!(puts(9 * mib, 0), 0);
    }
}
